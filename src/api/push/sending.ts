// One try to push one notification: what is sent where, and what becomes of the answer.

import type { SecureContext } from "node:tls";
import { type Counter, type Log, readRoots } from "../../host/mod.ts";
import { httpsContext, httpsPost, type PostAnswer, type Resolver } from "../../net/mod.ts";
import type { Access, StoreWriter } from "../../store/mod.ts";
import type { Config } from "../../config.ts";
import { type Egress, endpointProblem } from "./egress.ts";
import type { Notification } from "./notification.ts";
import type { Push } from "./queue.ts";
import { pushRequest } from "./request.ts";

/** A notification for one subscription. */
export interface PushOfMessage extends Push {
  /** Whose subscription it is: the folded address. */
  readonly addressKey: string;
  readonly notification: Notification;
}

export interface SendingParts {
  readonly config: () => Config;
  readonly log: Log;
  readonly access: Pick<Access, "pushSubscription" | "vapidKey">;
  readonly writer: Pick<StoreWriter, "submit">;
  /** As deliveries use it; a reload may put another in its place. */
  readonly resolver: () => Pick<Resolver, "addresses">;
  readonly egress: () => Egress;
  /** By what became of a push. */
  readonly counter: Pick<Counter, "add">;
  readonly times?: Partial<PushTimes>;
}

export interface PushTimes {
  /** Milliseconds for one try: look-up, connection and answer. */
  readonly deadlineMs: number;
  /** Milliseconds before each further try; there are no more than these. */
  readonly againMs: readonly number[];
  /** Milliseconds that a service may ask for with `Retry-After`: what is later is no news. */
  readonly mostAgainMs: number;
}

export const PUSH_TIMES: PushTimes = {
  deadlineMs: 10_000,
  againMs: [5000, 30_000],
  mostAgainMs: 300_000,
};

/** The addresses of a name that are tried. */
const MOST_ADDRESSES = 4;

export class PushSending {
  readonly #parts: SendingParts;
  readonly #times: PushTimes;
  #context: SecureContext | null = null;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.#times = { ...PUSH_TIMES, ...parts.times };
  }

  /** Tries, for the nth time; gives null when that was the last, or after how many milliseconds to try again. */
  async push(item: PushOfMessage, time: number, ending: AbortSignal): Promise<number | null> {
    const late = new AbortController();
    const { deadlineMs } = this.#times;
    const timer = setTimeout(
      () => late.abort(new Error(`no answer within ${deadlineMs / 1000} s`)),
      deadlineMs,
    );
    try {
      return await this.#push(item, time, AbortSignal.any([late.signal, ending]));
    } catch (error) {
      if (ending.aborted) return null;
      const reason = error instanceof Error ? error.message : String(error);
      return error instanceof NotSent
        ? this.#through(item, "failed", { reason })
        : this.#again(item, time, null, { reason });
    } finally {
      clearTimeout(timer);
    }
  }

  async #push(item: PushOfMessage, time: number, signal: AbortSignal): Promise<number | null> {
    const { access, config } = this.#parts;
    // As it is now: it may have been refreshed, or be gone with its session, while this waited.
    const subscription = access.pushSubscription(item);
    if (subscription === null) return null;
    const key = access.vapidKey();
    if (key === null) throw new NotSent("the host has no VAPID key");
    const request = await pushRequest(subscription, key, config().domain, item.notification);
    const answer = await this.#post(item.endpoint, request, signal);
    return await this.#judge(item, time, answer);
  }

  async #post(
    endpoint: string,
    request: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
    signal: AbortSignal,
  ): Promise<PostAnswer> {
    const url = new URL(endpoint);
    this.#context ??= httpsContext(readRoots(this.#parts.config()));
    let failure: unknown = null;
    for (const ip of await this.#addresses(url, signal)) {
      try {
        return await httpsPost({ ip, url, ...request }, this.#context, signal);
      } catch (error) {
        signal.throwIfAborted();
        failure ??= error;
      }
    }
    throw failure;
  }

  /** Of the endpoint, to be connected to as they are: asked for again, its name may have others. Throws a NotSent. */
  async #addresses(url: URL, signal: AbortSignal): Promise<readonly string[]> {
    const egress = this.#parts.egress();
    const problem = endpointProblem(url.href, egress);
    if (problem !== null) throw new NotSent(`the endpoint ${problem}`);
    const found = await this.#parts.resolver().addresses(url.hostname, signal);
    signal.throwIfAborted();
    switch (found.kind) {
      case "addresses":
        if (!found.addresses.every(egress.address)) {
          throw new NotSent("the endpoint has an address that is not on the internet");
        }
        return found.addresses.slice(0, MOST_ADDRESSES);
      case "none":
        throw new NotSent("the endpoint's name has no address");
      case "failed":
      case "bogus":
        throw new Error(found.reason);
    }
  }

  async #judge(item: PushOfMessage, time: number, answer: PostAnswer): Promise<number | null> {
    const { status } = answer;
    if (status >= 200 && status < 300) return this.#through(item, "sent", { status });
    if (status === 404 || status === 410) {
      const { addressKey, endpoint } = item;
      await this.#parts.writer.submit("unsubscribePush", { addressKey, endpoint });
      return this.#through(item, "gone", { status });
    }
    // Redirects are not followed. A 403 may be a clock that is wrong: what is subscribed stays.
    const isTemporary = status === 429 || status >= 500;
    return isTemporary
      ? this.#again(item, time, answer.retryAfter, { status })
      : this.#through(item, "failed", { status });
  }

  #again(
    item: PushOfMessage,
    time: number,
    retryAfter: string | null,
    told: Readonly<Record<string, string | number>>,
  ): number | null {
    const { againMs, mostAgainMs } = this.#times;
    const pause = againMs[time - 1];
    const wanted = waitOf(retryAfter, Date.now());
    if (pause === undefined || wanted > mostAgainMs) return this.#through(item, "failed", told);
    return Math.max(pause, wanted);
  }

  #through(
    { endpoint }: PushOfMessage,
    outcome: "sent" | "gone" | "failed",
    told: Readonly<Record<string, string | number>>,
  ): null {
    this.#parts.counter.add([outcome]);
    // The rest of an endpoint is a secret: with it anybody may push.
    const line = { service: URL.parse(endpoint)?.hostname ?? null, ...told };
    if (outcome === "failed") this.#parts.log.info("a notification was not pushed", line);
    else this.#parts.log.debug(`a notification was pushed: ${outcome}`, line);
    return null;
  }
}

/** What no further try would change. */
class NotSent extends Error {
  override readonly name = "NotSent";
}

/** Milliseconds that `Retry-After` asks for (RFC 9110 10.2.3), 0 where it says nothing. */
function waitOf(retryAfter: string | null, now: number): number {
  if (retryAfter === null) return 0;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const time = Date.parse(retryAfter);
  return Number.isNaN(time) ? 0 : Math.max(0, time - now);
}

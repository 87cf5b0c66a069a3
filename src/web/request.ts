// One request to the host: by cookie, with a deadline, and with the three errors of errors.ts.

import type { ErrorJson } from "../api/client_types.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { texts } from "./texts.ts";

export interface Asking {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Not what the service worker has kept: where the host cannot be asked, that is Offline. */
  readonly fresh?: boolean | undefined;
  /** Milliseconds until the answer has to be there; where it is read piece by piece, its head. */
  readonly deadline?: number;
}

const DEADLINE = 30_000;

/**
 * The answer, if it is a good one. The cookie goes along because the host is the page's own origin; nothing else is
 * asked. Throws Refused, Offline, SignedOut, or the reason of `signal` when that aborts.
 */
export function request(path: string, asking: Asking = {}): Promise<Response> {
  return answered(path, asking, (response) => response);
}

/** The answer as JSON of the type that the host's own schema gives it: host and page are built from one place. */
export function requestJson<Answer>(path: string, asking: Asking = {}): Promise<Answer> {
  return answered(path, asking, (response) => response.json());
}

async function answered<Answer>(
  path: string,
  { method = "GET", json, headers = {}, signal, fresh, deadline = DEADLINE }: Asking,
  read: (response: Response) => Answer | Promise<Answer>,
): Promise<Answer> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), deadline);
  try {
    const response = await fetch(path, {
      method,
      credentials: "same-origin",
      redirect: "error",
      // The worker goes by this (sw.ts).
      cache: fresh === true ? "no-store" : "default",
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      ...json === undefined ? { headers } : {
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(json),
      },
    });
    if (!response.ok) throw await refusal(response);
    return await read(response);
  } catch (error) {
    if (error instanceof Refused || error instanceof SignedOut) throw error;
    if (signal?.aborted === true) throw signal.reason;
    throw new Offline({ cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** What stands for a response that is no good one. */
async function refusal(response: Response): Promise<Refused | SignedOut> {
  const text = await response.text().catch(() => "");
  return refusalOf(response.status, text, response.headers.get("retry-after"));
}

/** Also for answers that did not come by fetch. `text` is the body as it came. */
export function refusalOf(
  status: number,
  text: string,
  retryAfter: string | null,
): Refused | SignedOut {
  if (status === 401) return new SignedOut();
  const seconds = retryAfter !== null && /^[0-9]{1,6}$/.test(retryAfter)
    ? Number(retryAfter)
    : null;
  return new Refused(status, errorIn(text) ?? texts.notices.refused(status), seconds);
}

/** Something else may stand between, a proxy, and answer in HTML. */
function errorIn(text: string): string | null {
  try {
    const answer: Partial<ErrorJson> | null = JSON.parse(text);
    const error = answer?.error;
    return typeof error === "string" && error !== "" ? error.slice(0, 500) : null;
  } catch {
    return null;
  }
}

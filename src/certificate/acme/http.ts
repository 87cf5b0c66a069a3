// Requests to the authority: bounded in time and size, and only to whom is trusted.
// By the runtime's fetch and not node:https, because there the chain of the other side can end the process (Deno 2.9,
// see net/dialler.ts), and because an abort leaves nothing open.

import { systemRoots } from "../../net/mod.ts";
import { PROGRAM_VERSION } from "../../version.ts";
import { AcmeError } from "./error.ts";

export interface AcmeRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly body?: string;
  readonly accept?: string;
}

export interface AcmeAnswer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The longest answer that is read, in bytes; a chain has a few thousand. */
const MAX_ANSWER = 256 * 1024;

export class Transport implements Disposable {
  readonly #client: Deno.HttpClient;
  readonly #requestMs: number;

  /** `extraRoots` (PEM) are trusted besides those of the runtime and the system. Throws an AcmeError. */
  constructor(extraRoots: string | null, requestMs: number) {
    this.#requestMs = requestMs;
    try {
      this.#client = Deno.createHttpClient({
        caCerts: [systemRoots(), extraRoots].filter((pem) => pem !== null),
        http2: false,
        poolMaxIdlePerHost: 1,
      });
    } catch (cause) {
      throw new AcmeError(
        "not trusted",
        `The roots to trust cannot be read (${textOf(cause)}): look at ${
          extraRoots === null ? "the system's" : "the file that tls.ca names"
        }`,
        { cause },
      );
    }
  }

  /** Throws an AcmeError, or the reason of `signal`. Any status is an answer, but redirects are not followed. */
  async request(request: AcmeRequest, signal: AbortSignal): Promise<AcmeAnswer> {
    signal.throwIfAborted();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#requestMs);
    try {
      const response = await fetch(request.url, {
        client: this.#client,
        method: request.method,
        redirect: "manual",
        signal: AbortSignal.any([signal, late.signal]),
        // RFC 8555 6.1 and 6.2.
        headers: {
          "user-agent": `fmsg/${PROGRAM_VERSION}`,
          "accept-language": "en",
          ...(request.accept === undefined ? {} : { accept: request.accept }),
          ...(request.body === undefined ? {} : { "content-type": "application/jose+json" }),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      const text = await readText(response, request.url);
      if (response.status >= 300 && response.status < 400) throw moved(request.url, response);
      return { url: request.url, status: response.status, headers: response.headers, text };
    } catch (cause) {
      if (cause instanceof AcmeError) throw cause;
      signal.throwIfAborted();
      if (late.signal.aborted) {
        throw new AcmeError(
          "unreachable",
          `No answer from ${hostOf(request.url)} within ${this.#requestMs / 1000} s: ${TRY_LATER}`,
          { cause },
        );
      }
      throw connectionError(request.url, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** The authority as people name it. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}

/** The time that `Retry-After` says (RFC 9110 10.2.3); null when it says none. */
export function retryAfterOf(headers: Headers, now: number): Date | null {
  const value = headers.get("retry-after")?.trim() ?? "";
  const time = /^\d{1,9}$/.test(value) ? now + Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(time) ? null : new Date(time);
}

const TRY_LATER = "see whether this machine reaches the Internet, or wait until it answers again";

async function readText(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) {
      throw new AcmeError(
        "not understood",
        `${hostOf(url)} answers with more than ${MAX_ANSWER / 1024} KiB, as no ACME server does: ` +
          CHECK_DIRECTORY,
      );
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

export const CHECK_DIRECTORY = "check the URL in tls.acme.directory";

function moved(url: string, { status, headers }: Response): AcmeError {
  const to = headers.get("location") ?? "nowhere";
  return new AcmeError(
    "not understood",
    `${hostOf(url)} answers ${status} and sends on to ${
      oneLine(to)
    }: write the final URL into tls.acme.directory`,
  );
}

function connectionError(url: string, cause: unknown): AcmeError {
  const host = hostOf(url);
  const deepest = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const why = textOf(deepest).replace(/^error sending request for url \(.*?\): /, "")
    .replace(/^client error \(\w+\): /, "").replace(/: https?:\/\/\S+$/, "");
  const peer = /invalid peer certificate: (.*)/s.exec(why)?.[1];
  if (peer !== undefined) {
    const remedy = /expired|valid ?yet/i.test(peer)
      ? "see whether the clock of this machine is right"
      : /not valid for name/i.test(peer)
      ? CHECK_DIRECTORY
      : "for an authority of your own, write its root into the file that tls.ca names";
    return new AcmeError(
      "not trusted",
      `The TLS certificate of ${host} is not trusted (${oneLine(peer)}): ${remedy}`,
      { cause },
    );
  }
  if (/^dns error/.test(why)) {
    return new AcmeError(
      "unreachable",
      `${host} cannot be found in the DNS: check the URL in tls.acme.directory, and whether this machine reaches the Internet`,
      { cause },
    );
  }
  if (/connection refused/i.test(why)) {
    return new AcmeError(
      "unreachable",
      `Nobody answers at ${host} (connection refused): check the URL in tls.acme.directory, or wait until it answers again`,
      { cause },
    );
  }
  return new AcmeError(
    "unreachable",
    `The connection to ${host} failed (${oneLine(why)}): ${TRY_LATER}`,
    { cause },
  );
}

/** What others wrote, as a part of a line: no control characters, not too long. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length <= 300 ? line : `${line.slice(0, 300)}…`;
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

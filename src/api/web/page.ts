// The page in the browser, served: made at the first request for it, and kept in memory.

import type { Log } from "../../host/mod.ts";
import { encode, type Encoded, type Encoding, encodingFor } from "./encodings.ts";
import { pageHeaders } from "./headers.ts";
import { loadPage } from "./load.ts";
import type { PageFile } from "./page_file.ts";

/** Could the page have a file there? What it has exactly is not known before it is made. */
export function isOfPage(path: string): boolean {
  return /^\/(?:[\w-]+\.(?:js|css|svg|png|ico|webmanifest))?$/.test(path);
}

export class Page {
  readonly #log: Pick<Log, "error">;
  readonly #load: () => Promise<readonly PageFile[]>;
  #files: Promise<Files | null> | null = null;

  /** `load` gives the files, or throws an Error that says on one line what is wrong. */
  constructor(log: Pick<Log, "error">, load: () => Promise<readonly PageFile[]> = loadPage) {
    this.#log = log;
    this.#load = load;
  }

  /** Answers GET and HEAD; null where the page has no such file. Does not throw. */
  async answer(request: Request): Promise<Response | null> {
    const { pathname } = new URL(request.url);
    const files = await (this.#files ??= this.#prepared());
    if (files === null) return failure();
    const file = files.get(pathname);
    return file === undefined ? null : answerWith(file, request);
  }

  async #prepared(): Promise<Files | null> {
    try {
      return await prepared(this.#load);
    } catch (error) {
      // The next request tries again: what was wrong in the checkout may be right by then.
      this.#files = null;
      const why = error instanceof Error ? error.message : String(error);
      this.#log.error("the page cannot be made", { error: why });
      return null;
    }
  }
}

interface File {
  readonly headers: Readonly<Record<string, string>>;
  readonly encoded: Encoded;
  readonly hash: string;
}

type Files = ReadonlyMap<string, File>;

async function prepared(load: () => Promise<readonly PageFile[]>): Promise<Files> {
  const files = (await load()).map(async ({ path, bytes }): Promise<[string, File]> => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hash = digest.toHex().slice(0, 32);
    return [path, { headers: pageHeaders(path), encoded: await encode(bytes), hash }];
  });
  return new Map(await Promise.all(files));
}

function answerWith({ headers, encoded, hash }: File, request: Request): Response {
  const wanted = encodingFor(request.headers.get("accept-encoding"));
  const encoding: Encoding = encoded[wanted] === encoded.identity ? "identity" : wanted;
  const bytes = encoded[encoding];
  // Each encoding has its own (RFC 9110 8.8.3).
  const etag = encoding === "identity" ? `"${hash}"` : `"${hash}-${encoding}"`;
  const all = { ...headers, etag, vary: "accept-encoding" };
  if (isKnown(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers: all });
  }
  return new Response(request.method === "HEAD" ? null : bytes, {
    headers: {
      ...all,
      ...encoding === "identity" ? {} : { "content-encoding": encoding },
      "content-length": String(bytes.length),
    },
  });
}

/** Weak comparison, as RFC 9110 13.1.2 has it: proxies that compress make weak ones. */
function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((item) => {
    const known = item.trim().replace(/^W\//, "");
    return known === "*" || known === etag;
  });
}

function failure(): Response {
  return new Response(
    "The page cannot be made. The log of the host says what is wrong: mend it, and load this again.\n",
    { status: 500, headers: { "content-type": "text/plain; charset=utf-8" } },
  );
}

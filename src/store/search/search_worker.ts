// The thread that searches for clients: a phrase that is in none of very many long texts takes seconds to be found nowhere.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { Search } from "./search.ts";

/** The first message names the data directory; each one after it asks for something. */
export type ToSearch = { readonly dataDir: string } | SearchRequest;

export interface SearchRequest {
  readonly number: number;
  /** An expression for the index. */
  readonly match: string;
  readonly limit: number;
  readonly offset: number;
}

export type FromSearch = "ready" | SearchAnswer;

interface SearchAnswer {
  /** Of the request. */
  readonly number: number;
  /** Of what was found, or why nothing could be searched. */
  readonly ids: readonly number[] | string;
}

let search: Search | null = null;
let dataDir = "";

self.onmessage = ({ data }: MessageEvent<ToSearch>) => {
  if ("dataDir" in data) {
    dataDir = data.dataDir;
    return answer("ready");
  }
  const { number, match, limit, offset } = data;
  let ids: SearchAnswer["ids"];
  try {
    search ??= new Search(dataDir);
    ids = search.matching(match, limit, offset).map(({ id }) => id);
  } catch (error) {
    ids = error instanceof Error ? error.message : String(error);
  }
  answer({ number, ids });
};

function answer(message: FromSearch): void {
  self.postMessage(message);
}

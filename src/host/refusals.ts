// Connections that end before there is an exchange: each counts, and the log tells of them without being flooded.

import { type RefusedReason, sourceKey } from "../net/mod.ts";
import type { Fields, Log } from "./log.ts";

/** How long refusals of an address for one reason are gathered behind the first, in milliseconds. */
const GATHER_MS = 60_000;

/** Addresses and reasons that have a line of their own meanwhile; the others share one for each reason. */
const MAX_LINES = 200;

export class Refusals implements Disposable {
  readonly #log: Log;
  readonly #gatherMs: number;
  /** What was not told yet, by address and reason. */
  readonly #gathered = new Map<string, { readonly fields: Fields; times: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: Log, gatherMs = GATHER_MS) {
    this.#log = log;
    this.#gatherMs = gatherMs;
  }

  /** The first of an address for one reason has its line at once; how often it came again is told a minute later. */
  add(peer: string, reason: RefusedReason, detail: string | null): void {
    // Not by detail, of which a stranger can make as many as he likes, nor by each address of a network.
    const own = `${sourceKey(peer)} ${reason}`;
    const key = this.#gathered.size < MAX_LINES ? own : reason;
    const known = this.#gathered.get(own) ?? this.#gathered.get(key);
    if (known !== undefined) {
      known.times++;
      return;
    }
    const single = key !== reason;
    if (single) this.#log.info("refused", { peer, reason, detail });
    const fields: Fields = { peer: single ? peer : "many addresses", reason };
    this.#gathered.set(key, { fields, times: single ? 0 : 1 });
    this.#timer ??= setTimeout(() => this.#tell(), this.#gatherMs);
  }

  [Symbol.dispose](): void {
    this.#tell();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { fields, times } of this.#gathered.values()) {
      if (times > 0) this.#log.info("refused again", { ...fields, times });
    }
    this.#gathered.clear();
  }
}

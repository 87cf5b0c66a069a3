// Whether the host of a domain is to be found, for people who write an address: asked as for a delivery, and bounded, since
// whoever asks has the host send questions to name servers of a stranger's choice.

import { Rates } from "../host/mod.ts";
import type { Resolver } from "../net/mod.ts";
import { ApiError } from "./error.ts";

/** "unknown": the name servers do not tell now, or what they tell must not be believed (row T6). */
export type HostFound = "found" | "not found" | "unknown";

/** Look-ups of one owner: so many at once, and then so many a second. */
export const LOOKUPS_AT_ONCE = 30;
const LOOKUPS_A_SECOND = 0.5;

/** Domains that are asked for at the same time, of the 256 questions that the resolver has under way for all that the host does. */
const MOST_UNDER_WAY = 16;

export class HostLookup {
  readonly #resolver: () => Pick<Resolver, "addresses">;
  readonly #rates: Rates;
  #underWay = 0;

  /** `resolver` is the one of now, as deliveries use it: it has a deadline, keeps answers for a while, and shares questions. */
  constructor(resolver: () => Pick<Resolver, "addresses">, now?: () => number) {
    this.#resolver = resolver;
    this.#rates = new Rates(now);
  }

  /** Before a look-up by this owner, or by one of the owner's grants. Throws an ApiError with 429 for too many. */
  count(ownerKey: string): void {
    if (this.#rates.take(ownerKey, LOOKUPS_A_SECOND, LOOKUPS_AT_ONCE)) return;
    throw new ApiError(429, "Too many addresses were looked up: try again in a moment", {
      "retry-after": String(1 / LOOKUPS_A_SECOND),
    });
  }

  /** Of `fmsg.<domain>`. Throws an ApiError with 503 while too many are asked for. */
  async find(domain: string): Promise<HostFound> {
    if (this.#underWay >= MOST_UNDER_WAY) {
      throw new ApiError(503, "Too many addresses are looked up: try again", {
        "retry-after": "2",
      });
    }
    this.#underWay++;
    try {
      const { kind } = await this.#resolver().addresses(`fmsg.${domain}`);
      switch (kind) {
        case "addresses":
          return "found";
        case "none":
          return "not found";
        case "failed":
        case "bogus":
          return "unknown";
      }
    } finally {
      this.#underWay--;
    }
  }
}

// A small model of a store: who has what, by the words of rows P3, P5, P7 and B7.

import { hex } from "../../src/wire/mod.ts";
import type { Message } from "../support/message.ts";
import { HERE } from "./support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CHRIS = `@chris@${HERE}`;

/** Chris may have so many messages. */
export const LIMIT = 3;

/** A message or batch in the model. */
interface Known {
  /** Of a batch: the hash of the message that it is on. */
  readonly original: string | null;
  stored: boolean;
  readonly holders: Set<string>;
  /** The user here who sent it and still has it. */
  sender: string | null;
  /**
   * Who took it, ever. "alone": the batch was gone before its original came, so that nothing says any more that it was
   * a batch on that.
   */
  readonly takers: Map<string, "stored" | "gone" | "alone">;
}

export class Model {
  readonly #known = new Map<string, Known>();
  readonly #accepting = new Map([[ALICE, true], [BOB, true], [CHRIS, true]]);

  setAccepting(user: string, accepting: boolean): void {
    this.#accepting.set(user, accepting);
  }

  /** The holders of each message and batch that is stored, by its hash. */
  holders(): Map<string, Set<string>> {
    return new Map(
      [...this.#known].filter(([, { stored }]) => stored).map(([hash, { holders }]) =>
        [hash, holders] as const
      ),
    );
  }

  isStored(hash: string): boolean {
    return this.#known.get(hash)?.stored === true;
  }

  /** What the store should say of a message that arrives; `whole`: with its content. */
  arrive({ hash, fields }: Message, whole: boolean): unknown {
    const id = hex(hash);
    const original = fields.addTo && fields.pid ? hex(fields.pid) : null;
    const added = here(fields.addTo?.to ?? []);
    if (!whole && added.length === 0) {
      if (this.isStored(id)) return "duplicate";
      this.keep(id, original);
      return "recorded";
    }
    return [
      ...here(fields.to).map((user) => this.judge(user, id, original, false)),
      ...added.map((user) => this.judge(user, id, original, true)),
    ];
  }

  /** The code for a user, who has the message from then on if it is 200. `original`: of a batch. */
  judge(user: string, message: string, original: string | null, added: boolean): number {
    const took = [
      this.#known.get(message)?.takers.has(user),
      original !== null && !added && this.#known.get(original)?.takers.has(user),
      original !== null &&
      [...this.#known.values()].some((batch) =>
        batch.original === original && ["stored", "gone"].includes(batch.takers.get(user) ?? "")
      ),
    ];
    if (took.includes(true)) return 103;
    const accepting = this.#accepting.get(user);
    if (accepting === undefined) return 100;
    const has = [...this.#known.values()].filter(({ holders }) => holders.has(user)).length;
    if (user === CHRIS && has >= LIMIT) return 101;
    if (!accepting) return 102;
    const known = this.keep(message, original);
    known.holders.add(user);
    known.takers.set(user, "stored");
    return 200;
  }

  /** The message is stored, whoever has it. */
  keep(message: string, original: string | null, sender: string | null = null): Known {
    const known = this.#known.get(message) ??
      { original, stored: true, holders: new Set(), sender: null, takers: new Map() };
    known.stored = true;
    known.sender ??= sender;
    this.#known.set(message, known);
    return known;
  }

  /** A message with its batches is deleted for a user, or for everybody: did anybody have it, and is it gone? */
  remove(message: string, user: string | null): { readonly had: boolean; readonly gone: boolean } {
    const listed = this.#listedWith(message);
    let had = false;
    for (const [, known] of listed) {
      for (const holder of [...known.holders]) {
        if (user === null || user === holder) had = known.holders.delete(holder);
      }
      if (known.sender === null || (user !== null && user !== known.sender)) continue;
      known.sender = null;
      had = true;
    }
    return { had, gone: this.#removeUnheld(listed) };
  }

  /** Everybody's copies are old, but what waits for delivery is not. */
  expire(waiting: ReadonlySet<string>): void {
    for (const [hash, known] of this.#known) {
      known.holders.clear();
      if (!waiting.has(hash)) known.sender = null;
    }
    for (const hash of [...this.#known.keys()]) this.#removeUnheld(this.#listedWith(hash));
  }

  #listedWith(message: string): [string, Known][] {
    const original = this.#known.get(message)?.original ?? null;
    const under = original !== null && this.isStored(original) ? original : message;
    return [...this.#known].filter(([hash, known]) =>
      known.stored && (hash === under || known.original === under)
    );
  }

  #removeUnheld(listed: readonly [string, Known][]): boolean {
    const held = listed.some(([, { holders, sender }]) => holders.size > 0 || sender !== null);
    if (held) return false;
    const linked = listed.map(([, { original }]) => original !== null && this.isStored(original));
    for (const [i, [, known]] of listed.entries()) {
      known.stored = false;
      for (const [user, how] of known.takers) {
        if (how === "stored") known.takers.set(user, linked[i] === true ? "gone" : "alone");
      }
    }
    return true;
  }
}

export function setOf(map: Map<string, Set<string>>, key: string): Set<string> {
  const set = map.get(key) ?? new Set();
  map.set(key, set);
  return set;
}

export function here(texts: readonly (string | Uint8Array)[]): string[] {
  return texts.map(String).filter((text) => text.endsWith(HERE));
}

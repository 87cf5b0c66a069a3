// What this host is sending right now: the record that challenges are answered from ("Handling a Challenge").

import { type HeaderHash, hex, type MessageHash } from "../wire/mod.ts";

/**
 * Messages on their way, keyed by header hash and by the IP address of the receiving host. An entry belongs to one
 * exchange: two domains behind one address share both, and each challenge is answered while any of them runs (C6).
 */
export class OutgoingRecord {
  readonly #entries = new Map<string, Entry>();

  /** Registers an exchange; disposing of the registration takes it back. */
  register(headerHash: HeaderHash, ip: string, messageHash: MessageHash): Registration {
    const key = keyOf(headerHash, ip);
    const entry = this.#entries.get(key) ?? { messageHash, exchanges: 0, challenges: 0 };
    entry.exchanges++;
    this.#entries.set(key, entry);
    return {
      get challenged() {
        return entry.challenges > 0;
      },
      [Symbol.dispose]: () => {
        if (--entry.exchanges === 0) this.#entries.delete(key);
      },
    };
  }

  /** The message hash to answer a challenge with, or null when it matches nothing that is on its way to `ip`. */
  challenge(headerHash: HeaderHash, ip: string): MessageHash | null {
    const entry = this.#entries.get(keyOf(headerHash, ip));
    if (entry === undefined) return null;
    entry.challenges++;
    return entry.messageHash;
  }

  /** Is anything on its way to `ip`, so that it may have a challenge for us? */
  isSendingTo(ip: string): boolean {
    return this.#entries.keys().some((key) => key.endsWith(` ${ip}`));
  }

  /** Entries held now. */
  get size(): number {
    return this.#entries.size;
  }
}

/** An exchange in the record, until it is disposed of. */
export interface Registration extends Disposable {
  /** The receiving host has asked for the message hash. */
  readonly challenged: boolean;
}

interface Entry {
  readonly messageHash: MessageHash;
  exchanges: number;
  challenges: number;
}

function keyOf(headerHash: HeaderHash, ip: string): string {
  return `${hex(headerHash)} ${ip}`;
}

// What this host is sending right now: the record that challenges are answered from ("Handling a Challenge").

import { type HeaderHash, hex, type MessageHash } from "../wire/mod.ts";

/**
 * Messages on their way, by the IP address of the receiving host and by header hash. An entry belongs to one exchange:
 * two domains behind one address share both, and each challenge is answered while any of them runs (C6).
 */
export class OutgoingRecord {
  readonly #byPeer = new Map<string, Map<string, Entry>>();

  /** Registers an exchange; disposing of the registration takes it back. */
  register(headerHash: HeaderHash, ip: string, messageHash: MessageHash): Registration {
    const key = hex(headerHash);
    const entries = this.#byPeer.get(ip) ?? new Map<string, Entry>();
    this.#byPeer.set(ip, entries);
    const entry = entries.get(key) ?? { messageHash, exchanges: 0, challenges: 0 };
    entry.exchanges++;
    entries.set(key, entry);
    return {
      get challenged() {
        return entry.challenges > 0;
      },
      [Symbol.dispose]: () => {
        if (--entry.exchanges === 0) entries.delete(key);
        if (entries.size === 0) this.#byPeer.delete(ip);
      },
    };
  }

  /** The message hash to answer a challenge with, or null when it matches nothing that is on its way to `ip`. */
  challenge(headerHash: HeaderHash, ip: string): MessageHash | null {
    const entry = this.#byPeer.get(ip)?.get(hex(headerHash));
    if (entry === undefined) return null;
    entry.challenges++;
    return entry.messageHash;
  }

  /** Is anything on its way to `ip`, so that it may have a challenge for us? Asked for every connection that comes. */
  isSendingTo(ip: string): boolean {
    return this.#byPeer.has(ip);
  }

  /** Entries held now. */
  get size(): number {
    return this.#byPeer.values().reduce((sum, entries) => sum + entries.size, 0);
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

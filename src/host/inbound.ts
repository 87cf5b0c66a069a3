// Incoming connections: messages and challenges, each with its line in the log.

import type { HeaderHash, MessageHash } from "../wire/mod.ts";
import {
  type Acceptance,
  type Arrival,
  askChallenge,
  type Authorisation,
  type ChallengeMode,
  type Connection,
  type ExchangeRecord,
  type Limits,
  type OutgoingRecord,
  type ReceivingHost,
  serveConnection,
  type StoredMessage,
  Terminate,
} from "../protocol/mod.ts";
import {
  DialError,
  type Dialler,
  type Resolver,
  type SocketConnection,
  sourceKey,
} from "../net/mod.ts";
import { ContentStaging, hasRoom, type StoreReader, type StoreWriter } from "../store/mod.ts";
import type { Config } from "../config.ts";
import { elapsed, type Exchange } from "./exchange.ts";
import { Busy, Places, PlacesByKey } from "./limiter.ts";
import { Rates } from "./rate.ts";

/** What the host shares with its incoming side. */
export interface InboundParts {
  readonly config: () => Config;
  readonly reader: StoreReader;
  readonly writer: StoreWriter;
  readonly resolver: () => Resolver;
  readonly dialler: Dialler;
  readonly outgoing: OutgoingRecord;
  /** Told of each exchange when it ends. */
  readonly ended: (exchange: Exchange) => void;
  /** Told of a peer that went away before its first byte: there was no exchange. */
  readonly nothingCame: (peer: string) => void;
}

/**
 * Look-ups for one source address at once, and how many of them may wait: names that nobody answers for would take all
 * places of the resolver from others.
 */
const LOOKUPS = { limit: () => 8, maxWaiting: 64 };

/** Large headers that are read at once: with the most that a header holds, some 10 MiB. */
const MAX_LARGE_HEADERS = 16;

/** Seconds' worth of messages that a domain may send at once. */
const BURST_SECONDS = 10;

/** Batches from elsewhere on one message: each costs a row of up to 130 KB, and the hash over the message's content. */
const MAX_BATCHES = 1000;

/** How long a reading of the free disk space is believed, in milliseconds. */
const DISK_CHECK_MS = 1000;

export class Inbound implements ReceivingHost<ContentStaging> {
  readonly #parts: InboundParts;
  readonly #challenges: PlacesByKey;
  readonly #lookups = new PlacesByKey(LOOKUPS);
  readonly #largeHeaders = new Places({ limit: () => MAX_LARGE_HEADERS });
  readonly #rates = new Rates();
  #exchanges = 0;
  #diskChecked = -Infinity;
  #diskRoom = true;

  constructor(parts: InboundParts) {
    this.#parts = parts;
    this.#challenges = new PlacesByKey({
      limit: () => parts.config().limits.max_challenges_per_ip,
    });
  }

  /** Exchanges under way. */
  get exchanges(): number {
    return this.#exchanges;
  }

  /** Runs the exchange of one connection; rejects when it has to be torn down. */
  async serve(connection: SocketConnection): Promise<void> {
    const started = performance.now();
    const record: ExchangeRecord = {
      kind: "unknown",
      domain: null,
      headerHash: null,
      codes: [],
      challenge: "none",
      bytes: 0,
    };
    let terminated: Terminate | null = null;
    this.#exchanges++;
    try {
      await serveConnection(connection, this, this.#parts.outgoing, record);
    } catch (error) {
      terminated = Terminate.from(error);
      throw error;
    } finally {
      this.#exchanges--;
      if (!connection.begun && terminated?.reason === "connection lost") {
        this.#parts.nothingCame(connection.peer);
        // An answered challenge belongs to the exchange that is logged as going out.
      } else if (record.kind !== "challenge" || terminated !== null) {
        this.#parts.ended({
          ...record,
          direction: "in",
          peer: connection.peer,
          terminated: terminated?.reason ?? null,
          detail: terminated?.message ?? null,
          ms: elapsed(started),
        });
      }
    }
  }

  get domain(): string {
    return this.#parts.config().domain;
  }

  get limits(): Limits {
    const { limits } = this.#parts.config();
    return {
      maxSize: limits.max_size,
      maxExpandedSize: limits.max_expanded_size,
      maxMessageAge: limits.max_message_age,
      maxTimeSkew: limits.max_time_skew,
    };
  }

  get challenge(): ChallengeMode {
    return this.#parts.config().challenge;
  }

  now(): number {
    return Date.now() / 1000;
  }

  async authorised(domain: string, ip: string): Promise<Authorisation> {
    try {
      using _place = await this.#lookups.take(sourceKey(ip));
      return await this.#parts.resolver().authorises(`fmsg.${domain}`, ip);
    } catch (error) {
      if (!(error instanceof Busy)) throw error;
      return { kind: "failed", reason: `too many look-ups for this address: ${error.message}` };
    }
  }

  hasRoom(domain: string): boolean {
    const { message_rate_per_domain: rate } = this.#parts.config().limits;
    return this.#diskHasRoom() &&
      (rate === null || this.#rates.take(domain, rate, rate * BURST_SECONDS));
  }

  /** A reading is believed for a moment, since each costs system calls. */
  #diskHasRoom(): boolean {
    const now = performance.now();
    if (now - this.#diskChecked > DISK_CHECK_MS) {
      const { data_dir, limits } = this.#parts.config();
      this.#diskRoom = hasRoom(data_dir, limits.min_free_disk);
      this.#diskChecked = now;
    }
    return this.#diskRoom;
  }

  stored(hash: MessageHash): StoredMessage | null {
    return this.#parts.reader.stored(hash);
  }

  largeHeader(lost: AbortSignal): Promise<Disposable> {
    return this.#largeHeaders.take(lost);
  }

  recordedBatch(hash: HeaderHash): MessageHash | null {
    return this.#parts.reader.recordedBatch(hash);
  }

  takesBatchOn(original: MessageHash): boolean {
    return this.#parts.reader.batchesOn(original, MAX_BATCHES) < MAX_BATCHES;
  }

  heldByAll(hash: MessageHash, keys: readonly string[]): boolean {
    return this.#parts.reader.heldByAll(hash, keys);
  }

  async askChallenge(
    connection: Connection,
    domain: string,
    hash: HeaderHash,
  ): Promise<MessageHash> {
    const { delivery, limits } = this.#parts.config();
    const { lost } = connection;
    // "Challenge Reflection and Amplification": limited for each destination; the excess waits.
    using _place = await this.#challenges.take(connection.peer, lost);
    const second = await this.#dial(connection, domain, delivery.port);
    const abandon = (): void => second.destroy();
    lost.addEventListener("abort", abandon);
    try {
      if (lost.aborted) throw lost.reason;
      const answer = await askChallenge(second, hash, limits.idle_timeout * 1000);
      second.close();
      return answer;
    } catch (error) {
      second.destroy();
      throw lost.aborted ? lost.reason : error;
    } finally {
      lost.removeEventListener("abort", abandon);
    }
  }

  stage(size: number): ContentStaging {
    return new ContentStaging(this.#parts.writer, size);
  }

  async accept(arrival: Arrival<ContentStaging>): Promise<Acceptance> {
    const { decoded, headerHash, messageHash, content, answer } = arrival;
    try {
      const accepted = await this.#parts.writer.submit("accept", {
        header: decoded.bytes,
        headerHash,
        messageHash,
        content: content === null ? null : await content.source(),
        answer,
      });
      content?.adopted();
      return accepted;
    } catch (error) {
      throw new Terminate("store failed", error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
  }

  /** Connection 2: to the address that connection 1 came from, from the address that it came to. */
  async #dial(connection: Connection, domain: string, port: number): Promise<SocketConnection> {
    try {
      return await this.#parts.dialler.connect({
        ip: connection.peer,
        port,
        serverName: `fmsg.${domain}`,
        source: connection.local,
      }, connection.lost);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      throw new Terminate("challenge connection failed", error.message, { cause: error });
    }
  }
}

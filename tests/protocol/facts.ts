// Messages, and a receiving host that is nothing but facts, for tests of the exchange.

import assert from "node:assert/strict";
import {
  type Acceptance,
  type Arrival,
  type Authorisation,
  type ChallengeMode,
  type Connection,
  type ExchangeRecord,
  type JudgeFacts,
  type Limits,
  receiveMessage,
  type ReceivingHost,
  type Staging,
  type StoredMessage,
  Terminate,
} from "../../src/protocol/mod.ts";
import {
  type Address,
  asMessageHash,
  concat,
  type DecodedHeader,
  decodeHeader,
  encodeHeader,
  type Header,
  type HeaderHash,
  hex,
  mediaType,
  type MessageHash,
  MessageHasher,
} from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { MemoryConnection, Simulation } from "./support.ts";

export const NOW = 1_800_000_000;
export const LIMITS: Limits = {
  maxSize: 1000,
  maxExpandedSize: 2000,
  maxMessageAge: 700_000,
  maxTimeSkew: 20,
};
/** Where messages come from, in these tests, and the host they come to. */
export const SENDER_IP = "192.0.2.1";
export const DOMAIN = "b.test";

export const alice = addressOf("@alice@a.test");
export const bob = addressOf("@bob@b.test");
export const ben = addressOf("@ben@b.test");
export const carol = addressOf("@carol@c.test");
export const dave = addressOf("@dave@d.test");

type Fields = Omit<Header, "pid" | "topic">;

const BASE: Fields = {
  important: false,
  noReply: false,
  reservedBits: 0,
  from: alice,
  to: [bob],
  addTo: null,
  time: NOW,
  type: mediaType("text/plain;charset=UTF-8"),
  size: 5,
  expandedSize: null,
  attachments: [],
};

/** The first message of a thread: alice at a.test writes to bob at b.test. */
export function firstMessage(fields: Partial<Fields> = {}): Header {
  return { ...BASE, ...fields, pid: null, topic: "Greetings" };
}

export function replyTo(pid: MessageHash, fields: Partial<Fields> = {}): Header {
  return { ...BASE, ...fields, pid, topic: null };
}

/** A batch with which `from` adds recipients to `original`. */
export function batchOn(
  original: Header,
  pid: MessageHash,
  from: Address,
  to: readonly Address[],
  fields: Partial<Fields> = {},
): Header {
  return { ...original, addTo: { from, to }, time: NOW, ...fields, pid, topic: null };
}

export function attachment(
  filename: string,
  size: number,
  expandedSize: number | null = null,
): Header["attachments"][number] {
  return { type: mediaType("application/pdf"), filename, size, expandedSize, reservedBits: 0 };
}

export function encoded(header: Header): DecodedHeader {
  const bytes = encodeHeader(header);
  return { header: decodeHeader(bytes), bytes };
}

/** The hash of a message whose content, after decompression, is `expanded`. */
export function hashOf(header: Header, ...expanded: Uint8Array[]): MessageHash {
  const hasher = new MessageHasher(encodeHeader(header));
  for (const part of expanded) hasher.update(part);
  return hasher.digest();
}

/** Some hash, another for each number. */
export function someHash(n: number): MessageHash {
  return asMessageHash(new Uint8Array(32).fill(n));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What is true at the host. */
export interface HostFacts {
  readonly domain: string;
  readonly limits: Limits;
  readonly challenge: ChallengeMode;
  readonly now: number;
  readonly authorisation: Authorisation;
  readonly room: boolean;
  readonly takesBatch: boolean;
  /** By the hexadecimal of their hashes. */
  readonly stored: ReadonlyMap<string, StoredMessage>;
  /** What a challenge brings. */
  readonly answer: MessageHash | Terminate;
  readonly recorded: MessageHash | null;
  readonly held: boolean;
  readonly acceptance: Acceptance | Error;
  /** The number of the write to the staging that fails, from 1. */
  readonly failingWrite: number;
}

const USUAL: HostFacts = {
  domain: DOMAIN,
  limits: LIMITS,
  challenge: "never",
  now: NOW,
  authorisation: { kind: "yes" },
  room: true,
  takesBatch: true,
  stored: new Map(),
  answer: new Terminate("internal error", "no challenge was expected"),
  recorded: null,
  held: false,
  acceptance: { kind: "codes", codes: [200] },
  failingWrite: Infinity,
};

export function storedAs(
  hash: MessageHash,
  header: Header,
  participated = false,
): HostFacts["stored"] {
  return new Map([[hex(hash), { header, participated }]]);
}

/** The facts as judge() takes them. */
export function judgeFacts(facts: Partial<HostFacts> = {}): JudgeFacts {
  return new FactualHost(facts);
}

/** Content that came in, kept in memory. */
export class MemoryStaging implements Staging {
  readonly written: number[] = [];
  disposals = 0;
  #writes = 0;

  constructor(readonly size: number, readonly failingWrite: number) {}

  write(bytes: Uint8Array): Promise<void> {
    if (++this.#writes === this.failingWrite) return Promise.reject(new Error("disk full"));
    this.written.push(...bytes);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposals++;
    return Promise.resolve();
  }
}

/** A host whose answers are given; it writes down what it is asked. */
export class FactualHost implements ReceivingHost<MemoryStaging> {
  readonly #facts: HostFacts;
  /** The questions in their order. */
  readonly asked: string[] = [];
  readonly stagings: MemoryStaging[] = [];
  readonly arrivals: Arrival<MemoryStaging>[] = [];
  /** Places for large headers that are taken now. */
  largeHeaders = 0;
  /** Bytes that connection 1 had been sent when the challenge was asked. */
  answeredBeforeChallenge: number | null = null;

  constructor(facts: Partial<HostFacts> = {}) {
    this.#facts = { ...USUAL, ...facts };
  }

  get domain(): string {
    return this.#facts.domain;
  }

  get limits(): Limits {
    return this.#facts.limits;
  }

  get challenge(): ChallengeMode {
    return this.#facts.challenge;
  }

  now(): number {
    return this.#facts.now;
  }

  authorised(domain: string, ip: string): Promise<Authorisation> {
    this.asked.push(`authorised ${domain} ${ip}`);
    return Promise.resolve(this.#facts.authorisation);
  }

  hasRoom(): boolean {
    this.asked.push("room");
    return this.#facts.room;
  }

  stored(hash: MessageHash): StoredMessage | null {
    this.asked.push("stored");
    return this.#facts.stored.get(hex(hash)) ?? null;
  }

  askChallenge(connection: Connection, domain: string, hash: HeaderHash): Promise<MessageHash> {
    this.asked.push(`challenge ${domain} ${hex(hash)}`);
    if (connection instanceof MemoryConnection) {
      this.answeredBeforeChallenge = connection.sent.length;
    }
    const { answer } = this.#facts;
    return answer instanceof Terminate ? Promise.reject(answer) : Promise.resolve(answer);
  }

  recordedBatch(_hash: HeaderHash): MessageHash | null {
    this.asked.push("recorded batch");
    return this.#facts.recorded;
  }

  largeHeader(): Promise<Disposable> {
    this.asked.push("large header");
    this.largeHeaders++;
    return Promise.resolve({ [Symbol.dispose]: () => void this.largeHeaders-- });
  }

  takesBatchOn(): boolean {
    return this.#facts.takesBatch;
  }

  heldByAll(hash: MessageHash, keys: readonly string[]): boolean {
    this.asked.push(`held ${hex(hash)} by ${keys.join(" ")}`);
    return this.#facts.held;
  }

  stage(size: number): MemoryStaging {
    this.asked.push("stage");
    const staging = new MemoryStaging(size, this.#facts.failingWrite);
    this.stagings.push(staging);
    return staging;
  }

  accept(arrival: Arrival<MemoryStaging>): Promise<Acceptance> {
    this.asked.push("accept");
    this.arrivals.push(arrival);
    assert.equal(arrival.content?.disposals ?? 0, 0, "content is handed over before its disposal");
    const { acceptance } = this.#facts;
    return acceptance instanceof Error ? Promise.reject(acceptance) : Promise.resolve(acceptance);
  }
}

/** A record as it is before an exchange. */
export function newRecord(): ExchangeRecord {
  return {
    kind: "unknown",
    domain: null,
    headerHash: null,
    codes: [],
    challenge: "none",
    bytes: 0,
  };
}

export interface Received {
  readonly record: ExchangeRecord;
  readonly terminated: Terminate | null;
  /** This side's end: what it sent and took. */
  readonly connection: MemoryConnection;
}

/** What the other side does. Once it is through, it reads to the end. */
export type Script = (peer: MemoryConnection) => Promise<void>;

/** Runs an exchange with a scripted peer, and what has to happen at its end. */
export async function withPeer(
  exchange: (connection: MemoryConnection, record: ExchangeRecord) => Promise<void>,
  script: Script,
): Promise<Received> {
  const simulation = new Simulation();
  const [connection, peer] = MemoryConnection.pair(simulation, ["192.0.2.2", SENDER_IP]);
  const record = newRecord();
  let terminated: Terminate | null = null;
  const ours = simulation.run(async () => {
    try {
      await exchange(connection, record);
      connection.close();
    } catch (error) {
      terminated = Terminate.from(error);
      connection.destroy();
    }
  });
  const theirs = simulation.run(async () => {
    try {
      await script(peer);
      while (await peer.readSome() !== null);
    } catch (error) {
      // The connection may be torn down under the script; anything else is a mistake in it.
      if (!(error instanceof Terminate)) throw error;
    }
  });
  await Promise.all([ours, theirs]);
  return { record, terminated, connection };
}

/** Has `host` receive what the script sends. */
export function receive(host: FactualHost, script: Script): Promise<Received> {
  return withPeer((connection, record) => receiveMessage(connection, host, record), script);
}

/** Sends these bytes one after the other, without waiting for anything. */
export function sends(...bytes: Uint8Array[]): Script {
  return (peer) => peer.write(concat(bytes));
}

// A whole host in memory, with the real exchange in it: its store is a map, its network the simulation. It knows of the
// protocol only what the interfaces ask of a store, and so shows whether two hosts understand each other.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import {
  type Acceptance,
  type Arrival,
  askChallenge,
  type Authorisation,
  type Candidate,
  type ChallengeMode,
  chooseParent,
  composeBatch,
  composeMessage,
  type Composition,
  type Connection,
  ContentDigest,
  deliverMessage,
  type ExchangeRecord,
  isProblem,
  judgeRecipient,
  type Limits,
  OutgoingRecord,
  type Problem,
  type ReceivingHost,
  type Response,
  serveConnection,
  type Staging,
  type StoredMessage,
  Terminate,
} from "../../src/protocol/mod.ts";
import {
  type Address,
  concat,
  type DecodedHeader,
  encodeHeader,
  equal,
  type Header,
  type HeaderHash,
  headerHash,
  hex,
  type MessageHash,
  participants,
  type RecipientCode,
  recipients,
} from "../../src/wire/mod.ts";
import { newRecord, NOW } from "./facts.ts";
import { type Link, MemoryConnection, Simulation } from "./support.ts";

const LIMITS: Limits = {
  maxSize: 10_000,
  maxExpandedSize: 10_000,
  maxMessageAge: 86_400,
  maxTimeSkew: 20,
};

/** How an incoming connection ended. */
export interface Ending {
  readonly host: TinyHost;
  readonly record: ExchangeRecord;
  readonly terminated: Terminate | null;
}

/** Hosts that find each other by their domains. */
export class TinyNetwork {
  readonly simulation = new Simulation();
  readonly hosts = new Map<string, TinyHost>();
  readonly endings: Ending[] = [];
  /** How the next connections travel: asked once for each direction. */
  link: () => Link;
  readonly #serving: Promise<void>[] = [];

  constructor(link: () => Link) {
    this.link = link;
  }

  connect(from: TinyHost, domain: string): MemoryConnection {
    const to = this.host(domain);
    const ends = [from.ip, to.ip] as const;
    const [near, far] = MemoryConnection.pair(this.simulation, ends, this.link(), this.link());
    this.#serving.push(this.simulation.run(async () => {
      this.endings.push(await to.serve(far));
    }));
    return near;
  }

  host(domain: string): TinyHost {
    const host = this.hosts.get(domain);
    assert.ok(host, `no host of ${domain} in this test`);
    return host;
  }

  /** Until every incoming connection has ended. */
  async settled(): Promise<void> {
    for (const serving of this.#serving) await serving;
    this.#serving.length = 0;
  }
}

/** A message in the store. */
export interface Kept {
  readonly decoded: DecodedHeader;
  readonly headerHash: HeaderHash;
  readonly hash: MessageHash;
  readonly wire: Uint8Array;
  /** The header that says how `wire` is divided. */
  readonly layout: Header;
  readonly participated: boolean;
  /** Keys of those here who have it. */
  readonly holders: Set<string>;
}

export interface Attempt {
  readonly domain: string;
  readonly outcome: Response | Terminate;
  readonly codes: readonly number[];
}

export interface TinyHostSettings {
  readonly domain: string;
  readonly ip: string;
  readonly challenge: ChallengeMode;
  /** Seconds by which this host's clock is wrong. */
  readonly clock: number;
}

class Collected implements Staging {
  readonly pieces: Uint8Array[] = [];

  write(bytes: Uint8Array): Promise<void> {
    this.pieces.push(bytes.slice());
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

export class TinyHost implements ReceivingHost<Collected> {
  readonly domain: string;
  readonly ip: string;
  readonly challenge: ChallengeMode;
  readonly limits = LIMITS;
  readonly outgoing = new OutgoingRecord();
  /** By key. */
  readonly users = new Map<string, { full: boolean; accepting: boolean }>();
  /** By the hexadecimal of their hashes, in the order of their arrival. */
  readonly messages = new Map<string, Kept>();
  readonly #network: TinyNetwork;
  readonly #clock: number;
  #lastTime = 0;

  constructor(network: TinyNetwork, settings: TinyHostSettings) {
    this.domain = settings.domain;
    this.ip = settings.ip;
    this.challenge = settings.challenge;
    this.#clock = settings.clock;
    this.#network = network;
    network.hosts.set(this.domain, this);
  }

  async serve(connection: MemoryConnection): Promise<Ending> {
    const record = newRecord();
    connection.expect({ kind: "deadline", ms: 10_000, reason: "header not in time" });
    try {
      await serveConnection(connection, this, this.outgoing, record);
      connection.close();
      return { host: this, record, terminated: null };
    } catch (error) {
      connection.destroy();
      return { host: this, record, terminated: Terminate.from(error) };
    }
  }

  /** A message of a user here, stored and with its verdicts for recipients here. */
  async write(
    composition: Omit<Composition, "body" | "attachments" | "important" | "noReply">,
    [data, ...files]: readonly Content[],
  ): Promise<Kept> {
    const part = (content: Content | undefined) => ({
      type: "text/plain;charset=UTF-8",
      size: wireOf(content).length,
      expandedSize: content?.compressed === true ? content.bytes.length : null,
    });
    const attachments = files.map((file, i) => ({ ...part(file), filename: `f${i}` }));
    const body = part(data);
    const rest = { body, attachments, important: false, noReply: false };
    const header = composeMessage({ ...composition, ...rest }, this.#nextTime(), LIMITS);
    assert.ok(!isProblem(header), "what the test writes is fit to be sent");
    return await this.#keepOwn(header, concat([data, ...files].map(wireOf)), header);
  }

  async add(original: Kept, adder: Address, added: readonly Address[]): Promise<Kept | Problem> {
    const { decoded, hash, wire, layout } = original;
    const header = composeBatch(decoded.header, hash, adder, added, this.#nextTime());
    return isProblem(header) ? header : await this.#keepOwn(header, wire, layout);
  }

  /** The pid of a reply on a message of the store or its thread of batches. */
  parentFor(sender: Address, to: readonly Address[], message: Kept): MessageHash | Problem {
    const { header } = message.decoded;
    const hash = header.addTo === null || header.pid === null ? message.hash : header.pid;
    const original = this.messages.get(hex(hash));
    const batches = this.batchesOn(hash)
      .map(({ decoded: { header }, hash }) => candidateOf(header, hash))
      .sort((a, b) => b.header.time - a.header.time);
    const candidate = original && candidateOf(original.decoded.header, hash);
    return chooseParent(sender, to, candidate ?? null, batches);
  }

  batchesOn(hash: MessageHash): Kept[] {
    return [...this.messages.values()].filter(({ decoded: { header } }) =>
      header.addTo !== null && header.pid !== null && equal(header.pid, hash)
    );
  }

  /** The domains to which a message of this host goes. */
  domainsOf({ decoded: { header } }: Kept): string[] {
    const concerned = header.addTo === null ? header.to : participants(header);
    const domains = new Set(concerned.map((address) => address.domain));
    domains.delete(this.domain);
    return [...domains];
  }

  /** One attempt to deliver to a domain. */
  async deliver(kept: Kept, domain: string): Promise<Attempt> {
    const { decoded, wire } = kept;
    const connection = this.#network.connect(this, domain);
    const record = { codes: [], bytes: 0 };
    const there = recipients(decoded.header).filter((address) => address.domain === domain);
    using _registration = this.outgoing.register(kept.headerHash, connection.peer, kept.hash);
    try {
      const outcome = await deliverMessage(
        connection,
        {
          header: decoded.bytes,
          addTo: decoded.header.addTo !== null,
          recipients: there.length,
          content: () =>
            [wire.subarray(0, 100), wire.subarray(100)].filter(({ length }) => length > 0),
        },
        20_000,
        record,
      );
      connection.close();
      return { domain, outcome, codes: record.codes };
    } catch (error) {
      connection.destroy();
      return { domain, outcome: Terminate.from(error), codes: record.codes };
    }
  }

  now(): number {
    return NOW + this.#clock + this.#network.simulation.now / 1000;
  }

  async authorised(domain: string, ip: string): Promise<Authorisation> {
    await this.#network.simulation.sleep(3);
    return { kind: this.#network.hosts.get(domain)?.ip === ip ? "yes" : "no" };
  }

  hasRoom(): boolean {
    return true;
  }

  stored(hash: MessageHash): StoredMessage | null {
    const kept = this.messages.get(hex(hash));
    return kept ? { header: kept.decoded.header, participated: kept.participated } : null;
  }

  async askChallenge(
    connection: Connection,
    domain: string,
    hash: HeaderHash,
  ): Promise<MessageHash> {
    const second = this.#network.connect(this, domain);
    const abandon = (): void => second.destroy();
    connection.lost.addEventListener("abort", abandon);
    try {
      if (connection.lost.aborted) throw connection.lost.reason;
      return await askChallenge(second, hash, 10_000);
    } finally {
      connection.lost.removeEventListener("abort", abandon);
      second.close();
    }
  }

  recordedBatch(hash: HeaderHash): MessageHash | null {
    const batch = [...this.messages.values()].find((kept) =>
      kept.decoded.header.addTo !== null && equal(kept.headerHash, hash)
    );
    return batch?.hash ?? null;
  }

  largeHeader(): Promise<Disposable> {
    return Promise.resolve({ [Symbol.dispose]: () => {} });
  }

  takesBatchOn(): boolean {
    return true;
  }

  heldByAll(hash: MessageHash, keys: readonly string[]): boolean {
    const holders = this.messages.get(hex(hash))?.holders;
    return keys.every((key) => holders?.has(key) ?? false);
  }

  stage(): Collected {
    return new Collected();
  }

  async accept({ decoded, messageHash, content, answer }: Arrival<Collected>): Promise<Acceptance> {
    const { header } = decoded;
    if (content !== null && messageHash !== null) {
      return this.#take(decoded, messageHash, concat(content.pieces), header);
    }
    const original = header.pid === null ? undefined : this.messages.get(hex(header.pid));
    if (original === undefined) return { kind: "gone" };
    const hash = await contentHash(decoded, original.wire, original.layout);
    if (answer !== null && !equal(answer, hash)) return { kind: "wrong answer" };
    if (header.addTo?.to.some((address) => address.domain === this.domain)) {
      return this.#take(decoded, hash, original.wire, original.layout);
    }
    if (this.messages.has(hex(hash))) return { kind: "duplicate" };
    this.#keep(decoded, hash, original.wire, original.layout);
    return { kind: "recorded" };
  }

  #take(decoded: DecodedHeader, hash: MessageHash, wire: Uint8Array, layout: Header): Acceptance {
    const verdicts = this.#judge(decoded.header, hash);
    const takers = verdicts.filter(([, code]) => code === 200);
    if (takers.length > 0) {
      const kept = this.messages.get(hex(hash)) ?? this.#keep(decoded, hash, wire, layout);
      for (const [{ key }] of takers) kept.holders.add(key);
    }
    return { kind: "codes", codes: verdicts.map(([, code]) => code) };
  }

  /** Row P3: 3.6.1 for each recipient here. */
  #judge(header: Header, hash: MessageHash): (readonly [Address, RecipientCode])[] {
    const taken = new Set<string>();
    return recipients(header).flatMap((address, place) => {
      if (address.domain !== this.domain) return [];
      const { key } = address;
      const duplicate = taken.has(key) || this.#holds(header, hash, key, place < header.to.length);
      const code = judgeRecipient({ duplicate, user: this.users.get(key) ?? null });
      if (code === 200) taken.add(key);
      return [[address, code] as const];
    });
  }

  #holds(header: Header, hash: MessageHash, key: string, inTo: boolean): boolean {
    const has = (kept: Kept | undefined): boolean => kept?.holders.has(key) ?? false;
    if (header.addTo === null || header.pid === null) return has(this.messages.get(hex(hash)));
    return this.batchesOn(header.pid).some(has) ||
      (inTo && has(this.messages.get(hex(header.pid))));
  }

  async #keepOwn(header: Header, wire: Uint8Array, layout: Header): Promise<Kept> {
    const decoded = { header, bytes: encodeHeader(header) };
    const hash = await contentHash(decoded, wire, layout);
    const takers = this.#judge(header, hash).filter(([, code]) => code === 200);
    const kept = this.#keep(decoded, hash, wire, layout);
    for (const [{ key }] of takers) kept.holders.add(key);
    return kept;
  }

  #keep(decoded: DecodedHeader, hash: MessageHash, wire: Uint8Array, layout: Header): Kept {
    const { pid, from } = decoded.header;
    const parent = pid === null ? undefined : this.messages.get(hex(pid));
    const participated = from.domain === this.domain || (parent?.participated ?? false);
    const holders = new Set<string>();
    const of = headerHash(decoded.bytes);
    const kept = { decoded, headerHash: of, hash, wire, layout, participated, holders };
    this.messages.set(hex(hash), kept);
    return kept;
  }

  #nextTime(): number {
    return this.#lastTime = Math.max(this.now(), this.#lastTime + 1e-6);
  }
}

/** A piece of content that a test writes. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly compressed: boolean;
}

function candidateOf(header: Header, hash: MessageHash): Candidate {
  return { header, hash, undelivered: new Set() };
}

function wireOf(content: Content | undefined): Uint8Array {
  if (content === undefined) return new Uint8Array();
  return content.compressed ? deflateSync(content.bytes) : content.bytes;
}

/** What the message hash of stored content comes to. */
export async function contentHash(
  decoded: DecodedHeader,
  wire: Uint8Array,
  layout: Header,
): Promise<MessageHash> {
  using digest = new ContentDigest(decoded, layout);
  await digest.push(wire);
  return await digest.finish();
}

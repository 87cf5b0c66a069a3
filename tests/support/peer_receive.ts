// One exchange in which the host sends to a peer: the peer answers as the specification says, or as its script says.

import { inflateSync } from "node:zlib";
import {
  type Bytes,
  concat,
  type DecodedHeader,
  equal,
  type Header,
  HeaderDecoder,
  headerHash,
  hex,
  type Part,
  parts,
  recipients,
  sender,
  VERSION,
  wireSize,
} from "../../src/wire/mod.ts";
import { asMessage, type Message } from "./message.ts";
import type { Challenged } from "./peer_challenge.ts";
import type { Target } from "./peer_send.ts";
import type { Call } from "./peer_server.ts";
import type { Ended } from "./line.ts";
import type { TlsConnection } from "./tls_connection.ts";

/** How one message is answered. What is left out is as the specification says, with 200 for everybody. */
export interface Answer {
  /** Default: 64; for added recipients 65, 11 or 6, by what the peer holds. */
  readonly first?: number;
  readonly codes?: readonly number[] | ((header: Header) => readonly number[]);
  /** Asks the host for the message hash before the first code, from this address of the peer (true: the first). */
  readonly challenge?: boolean | string;
  /** What the first code, or the codes for recipients, wait for; a number is milliseconds. */
  readonly firstAfter?: Promise<unknown> | number;
  readonly codesAfter?: Promise<unknown> | number;
  /** Ends the connection: at the first byte, after the header, amid the data, or before the codes. */
  readonly drop?: "accept" | "header" | "data" | "codes";
  /** How. Default: "end". */
  readonly by?: "end" | "fin" | "reset";
  /** With `drop: "data"`: after so many bytes. With `hang: "data"`: no more are taken. */
  readonly dataBytes?: number;
  /** Says and takes nothing more from there on, until the host gives up. */
  readonly hang?: "header" | "data" | "codes";
  /** False leaves the end after the last code to the host. */
  readonly close?: boolean;
}

/** A message that the host sent; filled in while it comes. */
export interface Received {
  readonly call: Call;
  header: Header | null;
  /** The header's exact bytes; what came of it when it could not be decoded. */
  raw: Bytes;
  payload: Bytes;
  /** What came before the first code was sent, and behind the last byte that was due. */
  early: Bytes;
  extra: Bytes;
  /** The codes that were sent. */
  first: number | null;
  codes: readonly number[];
  /** The whole message, once its content is known; a batch with code 11 or 65 has its original's. */
  message: Message | null;
  /** What is wrong with what the host sent. */
  problem: string | null;
  /** What the host answered to the peer's challenge. */
  challenged: Challenged | null;
  /** How the host ended it; null when it did not. */
  ended: Ended | null;
  /** Who ended first. */
  closedBy: "host" | "peer" | null;
}

/** What an exchange needs to know of its peer. */
export interface Receiver {
  readonly domain: string;
  /** Messages that the peer accepted or sent, by their hashes in hexadecimal. */
  readonly held: Map<string, Message>;
  readonly ip: string;
  readonly port: number;
  challenge(
    headerHash: Uint8Array,
    options: { readonly to: Target; readonly source: string },
  ): Promise<Challenged>;
}

/** Serves a message whose first byte was read. */
export async function receive(
  connection: TlsConnection,
  got: Received,
  answer: Answer,
  receiver: Receiver,
): Promise<void> {
  const exchange = new Exchange(connection, got, answer, receiver);
  try {
    await exchange.run();
  } catch (error) {
    if (!(error instanceof Over)) throw error;
  }
  got.ended = connection.ended;
  got.closedBy ??= connection.ended === null ? "peer" : "host";
}

/** The exchange is at its end, as the script or the host wants it. */
class Over extends Error {}

class Exchange {
  constructor(
    readonly connection: TlsConnection,
    readonly got: Received,
    readonly answer: Answer,
    readonly receiver: Receiver,
  ) {}

  async run(): Promise<void> {
    const { connection, got, answer, receiver } = this;
    if (answer.drop === "accept") this.#drop();
    const decoded = await this.#header();
    if (answer.drop === "header") this.#drop();
    if (answer.hang === "header") await this.#hang();
    if (answer.challenge !== undefined && answer.challenge !== false) {
      const source = answer.challenge === true ? receiver.ip : answer.challenge;
      const { domain } = sender(decoded.header);
      const to = { ip: got.call.from, port: receiver.port, domain };
      got.challenged = await receiver.challenge(headerHash(decoded.bytes), { to, source });
    }
    await this.#pause(answer.firstAfter);
    got.early = await connection.take(connection.waiting);
    connection.untake(got.early);
    const first = answer.first ?? this.#firstCode(decoded.header);
    if (!(await connection.write(Uint8Array.of(first)))) throw new Over();
    got.first = first;
    if (first === 64) await this.#content(decoded);
    else this.#fromOriginal(decoded);
    if (first === 64 || first === 65) await this.#codes(decoded.header);
    if (got.message !== null && (first === 11 || got.codes.includes(200))) {
      receiver.held.set(hex(got.message.hash), got.message);
    }
    await this.#end();
  }

  async #header(): Promise<DecodedHeader> {
    const { connection, got } = this;
    const decoder = new HeaderDecoder();
    const read: Uint8Array[] = [Uint8Array.of(VERSION)];
    let decoding = decoder.push(Uint8Array.of(VERSION));
    while (decoding.kind === "more") {
      const some = await connection.take(Math.max(1, connection.waiting));
      if (some.length === 0) this.#wrong("the header is cut short", concat(read));
      read.push(some);
      decoding = decoder.push(some);
    }
    if (decoding.kind === "malformed") this.#wrong(decoding.reason, concat(read));
    connection.untake(new Uint8Array(decoding.rest));
    got.header = decoding.decoded.header;
    got.raw = decoding.decoded.bytes;
    return decoding.decoded;
  }

  /** What a conforming host answers; a host that holds the original of a batch does not want its data. */
  #firstCode(header: Header): number {
    if (header.addTo === null) return 64;
    if (this.#original(header) === undefined) return this.#due(header) > 0 ? 64 : 6;
    return header.addTo.to.some(({ domain }) => domain === this.receiver.domain) ? 65 : 11;
  }

  async #content(decoded: DecodedHeader): Promise<void> {
    const { connection, got, answer } = this;
    const size = wireSize(decoded.header);
    const wanted = answer.dataBytes === undefined ? size : Math.min(size, answer.dataBytes);
    if (answer.hang === "data" && wanted === 0) await this.#hang();
    got.payload = await connection.take(wanted);
    if (answer.drop === "data") this.#drop();
    if (answer.hang === "data") await this.#hang();
    if (got.payload.length < wanted) {
      this.#wrong(`the data is cut short: ${got.payload.length} of ${size} bytes`, got.raw);
    }
    const content = expand(decoded.header, got.payload);
    if (typeof content === "string") got.problem = content;
    else got.message = asMessage(decoded, got.payload, content);
  }

  #fromOriginal(decoded: DecodedHeader): void {
    const original = this.#original(decoded.header);
    if (original === undefined) return;
    this.got.message = asMessage(decoded, original.payload, original.content);
  }

  async #codes(header: Header): Promise<void> {
    const { connection, got, answer } = this;
    if (answer.drop === "codes") this.#drop();
    if (answer.hang === "codes") await this.#hang();
    await this.#pause(answer.codesAfter);
    const codes = typeof answer.codes === "function"
      ? answer.codes(header)
      : answer.codes ?? new Array<number>(this.#due(header)).fill(200);
    if (!(await connection.write(Uint8Array.from(codes)))) throw new Over();
    got.codes = codes;
  }

  async #end(): Promise<void> {
    const { connection, got, answer } = this;
    if (answer.close !== false && connection.ended === null) {
      got.closedBy = "peer";
      connection.end();
    }
    got.extra = await connection.take(MAX_EXTRA);
  }

  #due(header: Header): number {
    return recipients(header).filter(({ domain }) => domain === this.receiver.domain).length;
  }

  #original({ pid }: Header): Message | undefined {
    return pid === null ? undefined : this.receiver.held.get(hex(pid));
  }

  async #pause(after: Promise<unknown> | number | undefined): Promise<void> {
    if (typeof after === "number") await this.connection.linger(after);
    else if (after !== undefined) await Promise.race([after, this.connection.over]);
  }

  async #hang(): Promise<never> {
    await this.connection.linger(HANG_MS);
    throw new Over();
  }

  #drop(): never {
    this.got.closedBy = "peer";
    this.connection[this.answer.by ?? "end"]();
    throw new Over();
  }

  #wrong(problem: string, raw: Bytes): never {
    this.got.problem = problem;
    this.got.raw = raw;
    throw new Over();
  }
}

/** The parts decompressed, or what is wrong with them. */
function expand(header: Header, payload: Bytes): Bytes[] | string {
  let at = 0;
  const content: Bytes[] = [];
  for (const part of parts(header)) {
    const expanded = expandPart(part, payload.slice(at, at += part.size));
    if (typeof expanded === "string") return expanded;
    content.push(expanded);
  }
  return content;
}

function expandPart({ expandedSize }: Part, wire: Bytes): Bytes | string {
  if (expandedSize === null) return wire;
  try {
    const expanded = new Uint8Array(inflateSync(wire, { maxOutputLength: expandedSize + 1 }));
    return expanded.length === expandedSize
      ? expanded
      : `a part inflates to ${expanded.length} bytes, ${expandedSize} are declared`;
  } catch (error) {
    return `a part does not inflate: ${String(error)}`;
  }
}

/** The whole message; throws what is wrong where it did not come whole. */
export function messageOf({ message, problem, first }: Received): Message {
  if (message !== null) return message;
  throw new Error(`The message did not come whole: ${problem ?? `the peer answered ${first}`}`);
}

/** Did the host answer the peer's challenge with the hash of what it sent? */
export function answeredRightly({ challenged, message }: Received): boolean {
  return challenged !== null && message !== null && equal(challenged.answer, message.hash);
}

const MAX_EXTRA = 1024 * 1024;
const HANG_MS = 60_000;

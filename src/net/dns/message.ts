// DNS messages: a query's bytes, and what a reply says about addresses.
import { Buffer } from "node:buffer";
// @ts-types="./dns_packet.d.ts"
import {
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  DNSSEC_OK,
  encode,
  name as wireName,
  RECURSION_DESIRED,
} from "dns-packet";
import { addressOfBytes, lowerCase } from "./name.ts";

export type Family = "A" | "AAAA";

/** `name` is canonical (see `canonicalName`). */
export interface Question {
  readonly name: string;
  readonly type: Family;
}

export interface QueryForm {
  readonly id: number;
  readonly edns: boolean;
  /** Ask for DNSSEC: DO (RFC 3225) and AD (RFC 6840, 5.7). */
  readonly dnssec: boolean;
  /** CD: answer even what does not validate (RFC 4035, 3.2.2). */
  readonly checkingDisabled: boolean;
}

export type AnswerRecord =
  | { readonly type: Family; readonly name: string; readonly ttl: number; readonly address: string }
  | {
    readonly type: "CNAME";
    readonly name: string;
    readonly ttl: number;
    readonly target: string;
  };

/** The SOA record of a negative answer; `ttl` is how long the answer may be kept (RFC 2308, 5). */
export interface Denial {
  readonly zone: string;
  readonly ttl: number;
}

export interface Answer {
  readonly kind: "answer";
  readonly rcode: number;
  /** The AD bit: the server says that all of it is authenticated. */
  readonly authentic: boolean;
  readonly answers: readonly AnswerRecord[];
  readonly denial: Denial | null;
}

export type Reply =
  | Answer
  | { readonly kind: "truncated" }
  | { readonly kind: "malformed"; readonly reason: string };

export const Rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

// Fits every path's MTU (DNS flag day 2020), so that answers are not lost as fragments.
const UDP_PAYLOAD_SIZE = 1232;

export function encodeQuery(question: Question, form: QueryForm): Uint8Array {
  return encode({
    type: "query",
    id: form.id,
    flags: RECURSION_DESIRED | (form.dnssec ? AUTHENTIC_DATA : 0) |
      (form.checkingDisabled ? CHECKING_DISABLED : 0),
    questions: [{ ...question }],
    additionals: form.edns
      ? [{
        type: "OPT",
        name: ".",
        udpPayloadSize: UDP_PAYLOAD_SIZE,
        flags: form.dnssec ? DNSSEC_OK : 0,
      }]
      : [],
  });
}

/** What `bytes` answers to the query `id` for `question`; null if they are no answer to it. */
export function decodeReply(bytes: Uint8Array, question: Question, id: number): Reply | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_SIZE || buffer.readUInt16BE(0) !== id) return null;
  const flags = buffer.readUInt16BE(2);
  const rcode = flags & 0xf;
  if ((flags & QR) === 0 || (flags & OPCODE) !== 0) return null;
  // A server that cannot read the query may leave out its question.
  const unread = rcode === Rcode.formatError || rcode === Rcode.notImplemented;
  if (unread && buffer.readUInt16BE(4) === 0) {
    return { kind: "answer", rcode, authentic: false, answers: [], denial: null };
  }
  try {
    const asked = readQuestion(buffer);
    if (asked?.name !== question.name || asked.type !== TYPE[question.type]) return null;
    if ((flags & TC) !== 0) return { kind: "truncated" };
    return readSections(buffer, asked.end, rcode, (flags & AD) !== 0);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: "malformed", reason: `the answer cannot be read: ${detail}` };
  }
}

const HEADER_SIZE = 12;
const QR = 0x8000;
const OPCODE = 0x7800;
const TC = 0x0200;
const AD = 0x0020;
const CLASS_IN = 1;
const TYPE = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, OPT: 41 } as const;

// The records are walked here and not by dns-packet's `decode`: that reads every type it knows,
// ignores the lengths of A, AAAA and CNAME records, and so lets a record that nobody asked for
// spoil the whole answer.
function readSections(buffer: Buffer, start: number, rcode: number, authentic: boolean): Reply {
  const answers: AnswerRecord[] = [];
  let denial: Denial | null = null;
  let extendedRcode = 0;
  let offset = start;
  for (const [section, countOffset] of SECTIONS) {
    for (let left = buffer.readUInt16BE(countOffset); left > 0; left--) {
      const record = readRecord(buffer, offset);
      offset = record.end;
      if (section === "additional" && record.type === TYPE.OPT) {
        extendedRcode = Math.floor(record.ttlField / 2 ** 24); // RFC 6891, 6.1.3
      }
      if (record.class !== CLASS_IN) continue;
      if (section === "answer") {
        const answer = readAnswer(buffer, record);
        if (answer !== null) answers.push(answer);
      }
      if (section === "authority" && record.type === TYPE.SOA) {
        denial = { zone: record.name, ttl: Math.min(ttl(record), soaMinimum(buffer, record)) };
      }
    }
  }
  return { kind: "answer", rcode: extendedRcode * 16 + rcode, authentic, answers, denial };
}

const SECTIONS = [["answer", 6], ["authority", 8], ["additional", 10]] as const;

/** The one question of a message; null where there is none, or more, or something else. */
function readQuestion(buffer: Buffer): { name: string; type: number; end: number } | null {
  if (buffer.readUInt16BE(4) !== 1) return null;
  let name;
  try {
    name = lowerCase(wireName.decode(buffer, HEADER_SIZE));
  } catch {
    return null;
  }
  const end = HEADER_SIZE + wireName.decode.bytes;
  if (end + 4 > buffer.length || buffer.readUInt16BE(end + 2) !== CLASS_IN) return null;
  return { name, type: buffer.readUInt16BE(end), end: end + 4 };
}

interface RawRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The TTL, or what else an OPT record keeps in its place. */
  readonly ttlField: number;
  readonly start: number;
  readonly end: number;
}

function readRecord(buffer: Buffer, offset: number): RawRecord {
  const name = lowerCase(wireName.decode(buffer, offset));
  const fixed = offset + wireName.decode.bytes;
  const start = fixed + 10;
  const end = start + buffer.readUInt16BE(fixed + 8);
  if (end > buffer.length) throw new Error("a record is longer than the message");
  return {
    name,
    type: buffer.readUInt16BE(fixed),
    class: buffer.readUInt16BE(fixed + 2),
    ttlField: buffer.readUInt32BE(fixed + 4),
    start,
    end,
  };
}

function readAnswer(buffer: Buffer, record: RawRecord): AnswerRecord | null {
  const { name, start, end } = record;
  switch (record.type) {
    case TYPE.A:
    case TYPE.AAAA: {
      const type = record.type === TYPE.A ? "A" : "AAAA";
      if (end - start !== (type === "A" ? 4 : 16)) {
        throw new Error(`an ${type} record of ${end - start} bytes`);
      }
      return { type, name, ttl: ttl(record), address: addressOfBytes(buffer.subarray(start, end)) };
    }
    case TYPE.CNAME: {
      const target = lowerCase(wireName.decode(buffer, start));
      if (wireName.decode.bytes !== end - start) {
        throw new Error("a CNAME record of a wrong length");
      }
      return { type: "CNAME", name, ttl: ttl(record), target };
    }
    default:
      return null;
  }
}

/** MINIMUM is the last of the five numbers behind the two names (RFC 1035, 3.3.13). */
function soaMinimum(buffer: Buffer, record: RawRecord): number {
  if (record.end - record.start < 22) throw new Error("an SOA record that is too short");
  return buffer.readUInt32BE(record.end - 4);
}

/** RFC 2181, 8: a TTL with the first bit set is 0. */
function ttl(record: RawRecord): number {
  return record.ttlField >= 2 ** 31 ? 0 : record.ttlField;
}

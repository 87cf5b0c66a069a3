// What is used here of dns-packet, which comes without types.
import type { Buffer } from "node:buffer";

export interface Question {
  name: string;
  type: string;
  class?: string;
}

export interface OptRecord {
  type: "OPT";
  name: ".";
  udpPayloadSize: number;
  extendedRcode?: number;
  flags: number;
}

export interface AddressRecord {
  type: "A" | "AAAA";
  name: string;
  ttl: number;
  data: string;
}

export interface AliasRecord {
  type: "CNAME";
  name: string;
  ttl: number;
  data: string;
}

export interface SoaRecord {
  type: "SOA";
  name: string;
  ttl: number;
  data: {
    mname: string;
    rname: string;
    serial: number;
    refresh: number;
    retry: number;
    expire: number;
    minimum: number;
  };
}

export interface NameServerRecord {
  type: "NS";
  name: string;
  ttl: number;
  data: string;
}

export interface TextRecord {
  type: "TXT";
  name: string;
  class?: string;
  ttl: number;
  data: string | Buffer[];
}

export type PacketRecord =
  | OptRecord
  | AddressRecord
  | AliasRecord
  | SoaRecord
  | NameServerRecord
  | TextRecord;

export interface Packet {
  type: "query" | "response";
  id: number;
  /** The second 16 bits of the header without QR; an rcode is added to it. */
  flags: number;
  questions: Question[];
  answers?: PacketRecord[];
  authorities?: PacketRecord[];
  additionals?: PacketRecord[];
}

export interface DecodedPacket {
  type: "query" | "response";
  id: number;
  rcode: string;
  flag_tc: boolean;
  flag_rd: boolean;
  flag_ad: boolean;
  flag_cd: boolean;
  questions: Question[];
  answers: { name: string; type: string; data?: unknown }[];
  additionals: { type: string; udpPayloadSize?: number; flag_do?: boolean }[];
}

export const AUTHORITATIVE_ANSWER: number;
export const TRUNCATED_RESPONSE: number;
export const RECURSION_DESIRED: number;
export const RECURSION_AVAILABLE: number;
export const AUTHENTIC_DATA: number;
export const CHECKING_DISABLED: number;
export const DNSSEC_OK: number;

/** Throws an Error for what is no packet. */
export function decode(bytes: Buffer): DecodedPacket;
export function encode(packet: Packet): Buffer;

export const name: {
  /** Throws an Error for what is no name; `bytes` is then what the last one took. */
  decode: { (bytes: Buffer, offset: number): string; bytes: number };
};

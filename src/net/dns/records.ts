// NS and TXT records from one server: what the host itself never asks for, but who examines it does.
import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
// @ts-types="./dns_packet.d.ts"
import { decode, encode, RECURSION_DESIRED } from "dns-packet";
import { type ExchangeScope, exchangeTcp, exchangeUdp } from "./exchange.ts";
import { lowerCase } from "./name.ts";
import type { Server } from "./servers.ts";

/** `name` is canonical; class CH is where some servers keep what is about themselves. */
export interface RecordQuestion {
  readonly name: string;
  readonly type: "NS" | "TXT";
  readonly class?: "IN" | "CH";
}

/**
 * The values that `server` answers: names without their last dot, or texts; empty where there are none. Null when it
 * does not answer in time, or not this question.
 */
export async function askRecords(
  server: Server,
  question: RecordQuestion,
  scope: Pick<ExchangeScope, "timeout" | "signal">,
): Promise<readonly string[] | null> {
  if (scope.signal.aborted) return null;
  const id = randomInt(0x10000);
  const { name, type } = question;
  const query = encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type, class: question.class ?? "IN" }],
  });
  const read = (bytes: Uint8Array) => readValues(bytes, question, id);
  const all = { ...scope, sockets: { open: 0 } };
  let got = await exchangeUdp(server, query, read, all);
  if (got.kind === "answered" && got.answer === "truncated" && !scope.signal.aborted) {
    got = await exchangeTcp(server, query, read, all);
  }
  return got.kind === "answered" && Array.isArray(got.answer) ? got.answer : null;
}

/** Null: no answer to this question. What cannot be read is "unusable", and ends the waiting. */
function readValues(
  bytes: Uint8Array,
  { name, type }: RecordQuestion,
  id: number,
): string[] | "truncated" | "unusable" | null {
  let packet;
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return "unusable";
  }
  const [asked] = packet.questions;
  if (packet.id !== id || packet.type !== "response") return null;
  if (asked === undefined || lowerCase(asked.name) !== name || asked.type !== type) return null;
  if (packet.flag_tc) return "truncated";
  if (packet.rcode !== "NOERROR" && packet.rcode !== "NXDOMAIN") return "unusable";
  return packet.answers.flatMap((record) => {
    if (lowerCase(record.name) !== name || record.type !== type) return [];
    return [type === "NS" ? lowerCase(textOf(record.data)) : textOf(record.data)];
  });
}

/** A text comes as the pieces that it was sent in. */
function textOf(data: unknown): string {
  const pieces: readonly unknown[] = Array.isArray(data) ? data : [data];
  return pieces.map((piece) => piece instanceof Uint8Array ? Buffer.from(piece) : piece).join("");
}

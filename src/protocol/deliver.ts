// Host A: one message goes to one domain on connection 1 ("Sending a Message", steps 4 to 11).

import {
  ACCEPT_ADD_TO,
  type Bytes,
  codeName,
  CONTINUE,
  isRejectCode,
  type RejectCode,
  SKIP_DATA,
} from "../wire/mod.ts";
import type { Connection } from "./connection.ts";
import { Terminate } from "./terminate.ts";

/** What is to be sent to one domain. */
export interface Delivery {
  readonly header: Bytes;
  /** Has the header _add to_? Only then are 11 and 65 answers. */
  readonly addTo: boolean;
  /** How many recipients (_to_, then _add to_) belong to the domain; 0 for a notification. */
  readonly recipients: number;
  /** The content as it goes over the wire, of exactly the declared length. */
  content(): Iterable<Uint8Array>;
}

/** What the receiving host said. A connection lost between the codes leaves fewer of them than recipients. */
export type Response =
  | { readonly kind: "rejected"; readonly code: RejectCode }
  | { readonly kind: "add to accepted" }
  | { readonly kind: "codes"; readonly codes: readonly number[]; readonly lost: Terminate | null };

export interface DeliveryRecord {
  codes: number[];
  /** Bytes of header and content that were sent. */
  bytes: number;
}

/**
 * Sends one message. The header hash must be registered before (step 3). Throws a Terminate when the exchange broke off
 * before the receiving host said anything that counts.
 */
export async function deliverMessage(
  connection: Connection,
  delivery: Delivery,
  answerWithinMs: number,
  record: DeliveryRecord,
): Promise<Response> {
  const answer = { kind: "deadline", ms: answerWithinMs, reason: "answer not in time" } as const;
  connection.expect({ kind: "flow" });
  await connection.write(delivery.header); // 4
  record.bytes += delivery.header.length;

  connection.expect(answer); // 5
  const code = await readCode(connection); // 6
  record.codes.push(code);
  if (isRejectCode(code)) return { kind: "rejected", code }; // 6.1
  if (code === ACCEPT_ADD_TO && delivery.addTo) return { kind: "add to accepted" }; // 6.2
  // Where nobody is a recipient, there is nothing to be said after the one code.
  const proceeds = code === CONTINUE || (code === SKIP_DATA && delivery.addTo); // 6.3, 6.4
  if (!proceeds || delivery.recipients === 0) {
    throw new Terminate("unexpected code", `${code} (${codeName(code)})`); // 6.5
  }
  if (code === CONTINUE) { // 7
    connection.expect({ kind: "flow" });
    for (const chunk of delivery.content()) {
      await connection.write(chunk);
      record.bytes += chunk.length;
    }
  }
  connection.expect(answer);
  return await readCodes(connection, delivery.recipients, record); // 8
}

async function readCodes(
  connection: Connection,
  count: number,
  record: DeliveryRecord,
): Promise<Response> {
  const codes: number[] = [];
  try {
    while (codes.length < count) {
      const code = await readCode(connection);
      record.codes.push(code);
      // Per-recipient codes are "100 and above"; below, the peer has lost the thread.
      if (code < 100) throw new Terminate("unexpected code", `${code} (${codeName(code)})`);
      codes.push(code);
    }
    return { kind: "codes", codes, lost: null };
  } catch (error) {
    return { kind: "codes", codes, lost: Terminate.from(error) };
  }
}

async function readCode(connection: Connection): Promise<number> {
  const [code] = await connection.read(1);
  if (code === undefined) throw new Terminate("connection lost");
  return code;
}

// The first byte of an incoming connection tells what it is (1.3, and "Handling a Challenge" 1).

import { CHALLENGE_VERSION, UNSUPPORTED_VERSION, VERSION } from "../wire/mod.ts";
import { answerChallenge } from "./challenge.ts";
import type { Connection } from "./connection.ts";
import type { OutgoingRecord } from "./outgoing.ts";
import {
  type ExchangeRecord,
  receiveMessage,
  type ReceivingHost,
  type Staging,
} from "./receive.ts";
import { Terminate } from "./terminate.ts";

/** Runs the one exchange of an incoming connection. Resolves and throws as `receiveMessage` does. */
export async function serveConnection<Content extends Staging>(
  connection: Connection,
  host: ReceivingHost<Content>,
  outgoing: OutgoingRecord,
  record: ExchangeRecord,
): Promise<void> {
  const chunk = await connection.readSome();
  const version = chunk?.[0];
  if (chunk === null || version === undefined) {
    throw new Terminate("connection lost", "no byte came");
  }
  if (version === VERSION) { // 1.3.1
    record.kind = "message";
    connection.unread(chunk);
    return await receiveMessage(connection, host, record);
  }
  if (version === CHALLENGE_VERSION) { // 1.3.2
    record.kind = "challenge";
    connection.unread(chunk.subarray(1));
    return await answerChallenge(connection, outgoing);
  }
  // The two chapters differ on challenges of other versions; a challenge is never answered with a code (own decision).
  if (version > 128) {
    throw new Terminate("challenge version not supported", `the first byte is ${version}`);
  }
  await connection.finish(Uint8Array.of(UNSUPPORTED_VERSION)); // 1.3.3
  record.codes.push(UNSUPPORTED_VERSION);
}

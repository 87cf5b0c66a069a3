// The automatic challenge, from both sides: asking on connection 2 (step 2) and answering ("Handling a Challenge").

import {
  asHeaderHash,
  asMessageHash,
  CHALLENGE_VERSION,
  concat,
  HASH_LENGTH,
  type HeaderHash,
  type MessageHash,
} from "../wire/mod.ts";
import type { Connection } from "./connection.ts";
import type { OutgoingRecord } from "./outgoing.ts";
import { Terminate } from "./terminate.ts";

/** Asks on a fresh connection for the hash of the message with that header (2.2 to 2.5). */
export async function askChallenge(
  connection: Connection,
  headerHash: HeaderHash,
  answerWithinMs: number,
): Promise<MessageHash> {
  connection.expect({ kind: "deadline", ms: answerWithinMs, reason: "challenge not answered" });
  await connection.write(concat([Uint8Array.of(CHALLENGE_VERSION), headerHash]));
  try {
    return asMessageHash(await connection.read(HASH_LENGTH));
  } catch (error) {
    // A peer that closes instead of answering has not accepted the challenge.
    throw new Terminate("challenge not answered", undefined, { cause: error });
  }
}

/** Answers a challenge whose first byte was read; a Terminate when it matches nothing on its way to this peer. */
export async function answerChallenge(
  connection: Connection,
  outgoing: OutgoingRecord,
): Promise<void> {
  const headerHash = asHeaderHash(await connection.read(HASH_LENGTH));
  const messageHash = outgoing.challenge(headerHash, connection.peer);
  if (messageHash === null) throw new Terminate("challenge matches nothing");
  await connection.finish(messageHash);
}

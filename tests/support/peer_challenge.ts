// The challenge as a remote host knows it: asking the host, and answering it in every way.

import {
  type Bytes,
  CHALLENGE_VERSION,
  concat,
  HASH_LENGTH,
  headerHash,
  hex,
  type MessageHash,
} from "../../src/wire/mod.ts";
import type { Call } from "./peer_server.ts";
import type { Ended } from "./line.ts";
import type { TlsConnection } from "./tls_connection.ts";

/** What a peer answers when it is challenged for what it sends; bytes are sent as they are. */
export type ChallengeAnswer = "right" | "wrong" | "short" | "silent" | "end" | "reset" | Uint8Array;

/** Something on its way from this peer, for which challenges are answered. */
export interface Outgoing {
  readonly hash: MessageHash;
  /** The host it goes to: who else asks gets nothing. */
  readonly ip: string;
  readonly answer: ChallengeAnswer;
  readonly after: Promise<unknown> | null;
}

/** A challenge that came to a peer; filled in while it is served. */
export interface ChallengeSeen {
  readonly call: Call;
  headerHash: Bytes;
  /** It asks for something on its way to that challenger. */
  matched: boolean;
  answered: Bytes | null;
  /** What came behind the header hash. */
  extra: Bytes;
  /** How the challenger ended it; null when it did not. */
  ended: Ended | null;
}

/** Serves a challenge whose first byte was read. */
export async function answerChallenge(
  connection: TlsConnection,
  seen: ChallengeSeen,
  find: (headerHash: Uint8Array) => Outgoing | null,
): Promise<void> {
  await answerTo(connection, seen, find);
  seen.ended = connection.ended;
}

async function answerTo(
  connection: TlsConnection,
  seen: ChallengeSeen,
  find: (headerHash: Uint8Array) => Outgoing | null,
): Promise<void> {
  seen.headerHash = await connection.take(HASH_LENGTH);
  const outgoing = seen.headerHash.length < HASH_LENGTH ? null : find(seen.headerHash);
  if (outgoing === null) return;
  seen.matched = true;
  if (outgoing.after !== null) await Promise.race([outgoing.after, connection.over]);
  if (connection.ended !== null) return;
  const answer = answerBytes(outgoing);
  switch (answer) {
    case "end":
      return;
    case "reset":
      return connection.reset();
    case "silent":
      return await connection.linger(SILENCE_MS);
    default:
      if (await connection.write(answer)) seen.answered = answer;
      connection.end();
      seen.extra = await connection.take(MAX_EXTRA);
  }
}

/** What came of challenging the host. */
export interface Challenged {
  readonly answer: Bytes;
  /** How the host ended the connection; null when it left it open. */
  readonly ended: Ended | null;
}

export interface ChallengeOptions {
  /** The first byte. */
  readonly version?: number;
  /** Sends only so many bytes of the 33. */
  readonly cut?: number;
}

/** Challenges the host on a fresh connection and waits for its answer and its end. */
export async function askChallenge(
  connection: TlsConnection,
  headerHash: Uint8Array,
  { version = CHALLENGE_VERSION, cut = 1 + HASH_LENGTH }: ChallengeOptions = {},
): Promise<Challenged> {
  const whole = concat([Uint8Array.of(version), headerHash]);
  await connection.write(whole.subarray(0, cut));
  const answer = await connection.take(MAX_EXTRA);
  const { ended } = connection;
  await connection.close();
  return { answer, ended };
}

/** What a challenge is matched by: the header hash it names, and the address it comes from. */
export function outgoingKey(headerHash: Uint8Array, ip: string): string {
  return `${hex(headerHash)} ${ip}`;
}

const MAX_EXTRA = 1024;
const SILENCE_MS = 60_000;

function answerBytes({ hash, answer }: Outgoing): Bytes | "end" | "reset" | "silent" {
  switch (answer) {
    case "end":
    case "reset":
    case "silent":
      return answer;
    case "right":
      return hash;
    case "wrong":
      return headerHash(hash);
    case "short":
      return hash.slice(0, HASH_LENGTH / 2);
    default:
      return new Uint8Array(answer);
  }
}

// Host B: a message arrives on connection 1 (steps 1 to 3), from its first byte to the codes.

import {
  ACCEPT_ADD_TO,
  type Code,
  CONTINUE,
  type DecodedHeader,
  DUPLICATE,
  equal,
  HeaderDecoder,
  type HeaderHash,
  headerHash,
  INSUFFICIENT_RESOURCES,
  type MessageHash,
  type RecipientCode,
  recipients,
  sender,
  SKIP_DATA,
  wireSize,
} from "../wire/mod.ts";
import type { Connection } from "./connection.ts";
import { ContentDigest } from "./content.ts";
import { answerCode, judge, type JudgeFacts } from "./judge.ts";
import { Terminate } from "./terminate.ts";

/** What host B needs from the rest of the program to receive messages. */
export interface ReceivingHost<Content extends Staging> extends JudgeFacts {
  /** Step 2, on a connection of its own; ends at once when `signal` aborts. */
  askChallenge(connection: Connection, domain: string, hash: HeaderHash): Promise<MessageHash>;
  /** A place for reading a large header, of which there are few; throws the signal's reason when it aborts before. */
  largeHeader(lost: AbortSignal): Promise<Disposable>;
  /** The hash of the batch with exactly this header, when it is recorded. */
  recordedBatch(hash: HeaderHash): MessageHash | null;
  /** May another batch on this message, which is here, be recorded? */
  takesBatchOn(original: MessageHash): boolean;
  /** Is the message stored for all of these, which are the recipients here? */
  heldByAll(hash: MessageHash, keys: readonly string[]): boolean;
  /** A place for content of `size` bytes. */
  stage(size: number): Content;
  /** Stores a message with its content, or a batch on a stored original (`content` null), when anyone takes it. */
  accept(arrival: Arrival<Content>): Promise<Acceptance>;
}

/** Content on its way into the store; what is not handed to `accept` by the end of the scope is thrown away. */
export interface Staging extends AsyncDisposable {
  /** Takes the bytes over; resolves when more may come. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface Arrival<Content extends Staging> {
  readonly decoded: DecodedHeader;
  readonly headerHash: HeaderHash;
  /** The hash that was computed while the content came in; null for a batch, whose content is in the store. */
  readonly messageHash: MessageHash | null;
  readonly content: Content | null;
  /** What the challenge was answered with; for the store to compare on a batch. */
  readonly answer: MessageHash | null;
}

export type Acceptance =
  /** A code for each recipient here, in the order of _to_ and then _add to_. */
  | { readonly kind: "codes"; readonly codes: readonly RecipientCode[] }
  /** A batch that adds nobody here was recorded. */
  | { readonly kind: "recorded" }
  /** This exact batch, which adds nobody here, was recorded by an exchange that ran beside this one. */
  | { readonly kind: "duplicate" }
  /** The message hash is not what the challenge was answered with (C4). */
  | { readonly kind: "wrong answer" }
  /** The original went away meanwhile. */
  | { readonly kind: "gone" };

/** What is known of an exchange when it ends: the log's line ("Monitoring and Logging"). */
export interface ExchangeRecord {
  /** By its first byte. */
  kind: "unknown" | "message" | "challenge";
  domain: string | null;
  headerHash: HeaderHash | null;
  codes: Code[];
  challenge: "none" | "ok" | "failed";
  /** Bytes of header and content that the exchange took in. */
  bytes: number;
}

/**
 * Receives one message. Resolves when the last code is on its way; throws a Terminate when the exchange has to be torn
 * down. `record` is filled as things become known, so that it tells the truth whichever way this ends.
 */
export async function receiveMessage<Content extends Staging>(
  connection: Connection,
  host: ReceivingHost<Content>,
  record: ExchangeRecord,
): Promise<void> {
  const decoded = await readHeader(connection, host, record); // 1.4
  const hash = headerHash(decoded.bytes);
  record.headerHash = hash;
  record.domain = sender(decoded.header).domain;
  connection.expect({ kind: "wait" });

  const judgement = await judge(decoded.header, connection.peer, host);
  if (judgement.kind === "terminate") throw new Terminate(judgement.reason, judgement.detail);
  if (judgement.kind === "reject") return last(connection, record, [judgement.code]);

  // "Resource Exhaustion via Storage": no quota counts batches that add nobody here.
  const { pid } = decoded.header;
  if (
    judgement.delivery !== CONTINUE && pid !== null && !host.takesBatchOn(pid) &&
    host.recordedBatch(hash) === null
  ) return last(connection, record, [INSUFFICIENT_RESOURCES]);

  const answer = judgement.challenge ? await challenge(connection, host, hash, record) : null; // 2

  const code = answerCode(judgement.delivery, { // 3.1 to 3.3
    batchRecorded: judgement.delivery !== CONTINUE &&
      isRecorded(host.recordedBatch(hash), answer, record),
    heldByAll: answer !== null && host.heldByAll(answer, keysHere(decoded, host.domain)),
  });
  const batch = { decoded, headerHash: hash, messageHash: null, content: null, answer };
  switch (code) {
    case DUPLICATE:
      return last(connection, record, [DUPLICATE]);
    case ACCEPT_ADD_TO:
      return conclude(connection, record, null, await host.accept(batch));
    case SKIP_DATA:
      await say(connection, record, SKIP_DATA);
      return conclude(connection, record, SKIP_DATA, await host.accept(batch));
    case CONTINUE: {
      await say(connection, record, CONTINUE);
      await using content = host.stage(wireSize(decoded.header));
      const messageHash = await readContent(connection, decoded, content, record); // 3.4
      if (answer !== null && !equal(messageHash, answer)) throw wrongAnswer(record); // 3.5
      connection.expect({ kind: "wait" });
      const arrival = { decoded, headerHash: hash, messageHash, content, answer };
      return await conclude(connection, record, CONTINUE, await host.accept(arrival));
    }
  }
}

/** Larger is a header for a hundred recipients or attachments; it may take half a megabyte of memory, and milliseconds. */
const LARGE_HEADER = 16 * 1024;

async function readHeader(
  connection: Connection,
  host: Pick<ReceivingHost<Staging>, "largeHeader">,
  record: ExchangeRecord,
): Promise<DecodedHeader> {
  const decoder = new HeaderDecoder();
  using places = new DisposableStack();
  for (;;) {
    const chunk = await connection.readSome();
    if (chunk === null) throw new Terminate("connection lost", "the header is not whole");
    const wasSmall = record.bytes <= LARGE_HEADER;
    record.bytes += chunk.length;
    if (wasSmall && record.bytes > LARGE_HEADER) {
      places.use(await host.largeHeader(connection.lost));
    }
    const step = decoder.push(chunk);
    switch (step.kind) {
      case "more":
        break;
      case "malformed":
        throw new Terminate("malformed header", step.reason);
      case "header":
        if (step.rest.length > 0) {
          record.bytes -= step.rest.length;
          connection.unread(step.rest);
        }
        return step.decoded;
    }
  }
}

async function challenge(
  connection: Connection,
  host: Pick<ReceivingHost<Staging>, "askChallenge">,
  hash: HeaderHash,
  record: ExchangeRecord,
): Promise<MessageHash> {
  record.challenge = "failed";
  const answer = await host.askChallenge(connection, record.domain ?? "", hash);
  record.challenge = "ok";
  return answer;
}

/** 3.1.1: the batch's message hash matches a recorded one. A challenge has to have said so too. */
function isRecorded(
  recorded: MessageHash | null,
  answer: MessageHash | null,
  record: ExchangeRecord,
): boolean {
  if (recorded !== null && answer !== null && !equal(recorded, answer)) throw wrongAnswer(record);
  return recorded !== null;
}

function wrongAnswer(record: ExchangeRecord): Terminate {
  record.challenge = "failed";
  return new Terminate("challenge answer wrong");
}

function keysHere(decoded: DecodedHeader, domain: string): string[] {
  return recipients(decoded.header)
    .filter((address) => address.domain === domain)
    .map((address) => address.key);
}

/** 3.4: exactly the declared bytes, hashed and handed on as they come. */
async function readContent(
  connection: Connection,
  decoded: DecodedHeader,
  content: Staging,
  record: ExchangeRecord,
): Promise<MessageHash> {
  connection.expect({ kind: "flow" });
  using digest = new ContentDigest(decoded);
  let left = wireSize(decoded.header);
  while (left > 0) {
    const chunk = await connection.readSome();
    if (chunk === null) throw new Terminate("connection lost", `${left} bytes of data are missing`);
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    record.bytes += piece.length;
    await digest.push(piece);
    await keep(content, piece);
  }
  return await digest.finish();
}

async function keep(content: Staging, piece: Uint8Array): Promise<void> {
  try {
    await content.write(piece);
  } catch (error) {
    throw new Terminate("store failed", String(error), { cause: error });
  }
}

/** 3.6: the codes for the recipients, or the one code that ends an exchange about a batch. */
function conclude(
  connection: Connection,
  record: ExchangeRecord,
  said: typeof CONTINUE | typeof SKIP_DATA | null,
  accepted: Acceptance,
): Promise<void> {
  switch (accepted.kind) {
    case "codes":
      return last(connection, record, accepted.codes);
    case "recorded":
      return last(connection, record, [ACCEPT_ADD_TO]);
    case "duplicate":
      // Behind 64 and 65 come codes for recipients and nothing else; when the sender tries again, the answer is 10.
      if (said !== null) throw new Terminate("store failed", "the batch was recorded meanwhile");
      return last(connection, record, [DUPLICATE]);
    case "wrong answer":
      throw wrongAnswer(record);
    case "gone":
      throw new Terminate("store failed", "the original was removed meanwhile");
  }
}

async function say(connection: Connection, record: ExchangeRecord, code: Code): Promise<void> {
  await connection.write(Uint8Array.of(code));
  record.codes.push(code);
}

async function last(
  connection: Connection,
  record: ExchangeRecord,
  codes: readonly Code[],
): Promise<void> {
  await connection.finish(Uint8Array.from(codes));
  record.codes.push(...codes);
}

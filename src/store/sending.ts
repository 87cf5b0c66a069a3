// The operations behind `send` and `add-to`: what a user of this host sends is stored with its deliveries.

import {
  Address,
  type DecodedHeader,
  encodeHeader,
  expandedSize,
  type Header,
  type HeaderHash,
  headerHash,
  type MessageHash,
  participants,
  wireSize,
} from "../wire/mod.ts";
import {
  composeBatch,
  composeMessage,
  type Composition,
  ContentDigest,
  isProblem,
  type Problem,
  readAddresses,
  refuse,
} from "../protocol/mod.ts";
import { hashOver } from "./accept.ts";
import { recordAndTell } from "./announcing.ts";
import {
  insertMessage,
  judgeRecipients,
  messageById,
  type MessageRow,
  placed,
} from "./messages.ts";
import type { AddRecipients, MessageFields, Send, Sent } from "./operations.ts";
import { batchesOn, notFound, parentOf } from "./parents.ts";
import { countUsage, sendingProblem } from "./users.ts";
import type { Transaction, WriterContext } from "./transaction.ts";

/** A message that has its time and its hash, and is not stored yet. */
export interface Prepared {
  readonly kind: "prepared";
  readonly from: Address;
  readonly decoded: DecodedHeader;
  readonly headerHash: HeaderHash;
  readonly hash: MessageHash;
  /** Of a batch: the id of the message it adds to. */
  readonly original: number | null;
}

export async function prepareSend(
  context: WriterContext,
  input: Send,
): Promise<Prepared | Problem> {
  const header = composeFields(context, input, context.nextTime());
  if (isProblem(header)) return header;
  if (context.contents.size(input.content) !== wireSize(header)) {
    return refuse("bad content", "The content is not of the size that was declared");
  }
  const decoded = encoded(header);
  const hash = await digestOf(decoded, context.contents.read(input.content));
  return prepared(header.from, decoded, hash, null);
}

/** The header of a message with these fields, sent at `time` by a user of this host. */
export function composeFields(
  context: WriterContext,
  fields: MessageFields,
  time: number,
): Header | Problem {
  const { start } = fields;
  return composeWith(
    context,
    fields,
    time,
    (from, to) =>
      "topic" in start
        ? { pid: null, topic: start.topic }
        : parentOf(context.db, start.replyTo, from, to),
  );
}

/** As composeFields, for a message that begins as `startOf` says. */
export function composeWith(
  context: WriterContext,
  { from: sender, to: recipients, body, attachments, important, noReply }: MessageFields,
  time: number,
  startOf: (from: Address, to: readonly Address[]) => Composition["start"] | Problem,
): Header | Problem {
  const addresses = readAddresses([sender, ...recipients]);
  if ("kind" in addresses) return addresses;
  const [from, ...to] = addresses;
  if (from === undefined) return refuse("bad address", "The message has no sender");
  const problem = senderProblem(context, from);
  if (problem !== null) return problem;
  const start = startOf(from, to);
  if ("kind" in start) return start;
  const composition: Composition = { from, to, start, body, attachments, important, noReply };
  return composeMessage(composition, time, context.settings);
}

/** The message hash over content that comes in chunks; `layout` as for ContentDigest. */
export async function digestOf(
  decoded: DecodedHeader,
  content: Iterable<Uint8Array>,
  layout = decoded.header,
): Promise<MessageHash> {
  using digest = new ContentDigest(decoded, layout);
  for (const chunk of content) await digest.push(chunk);
  return await digest.finish();
}

export async function prepareAddTo(
  context: WriterContext,
  input: AddRecipients,
): Promise<Prepared | Problem> {
  const addresses = readAddresses([input.from, ...input.to]);
  if ("kind" in addresses) return addresses;
  const [from, ...to] = addresses;
  if (from === undefined) return refuse("bad address", "Nobody adds these recipients");
  const problem = senderProblem(context, from);
  if (problem !== null) return problem;
  const original = originalById(context, input.message);
  if (original === null) return notFound(input.message);
  const header = composeBatch(
    original.header,
    original.hash,
    from,
    to,
    context.nextTime(),
  );
  if (isProblem(header)) return header;
  const decoded = encoded(header);
  return prepared(from, decoded, await hashOver(context, decoded, original), original.id);
}

/** Stores what `send` prepared, with its content. */
export function applySend(
  transaction: Transaction,
  input: Send,
  message: Prepared | Problem,
): Sent | Problem {
  if (message.kind === "refused") return message;
  const { db, settings, now, contents } = transaction;
  const { header } = message.decoded;
  const problem = sendingProblem(db, settings, message.from, expandedSize(header), now);
  if (problem !== null) return problem;
  const { content } = input;
  const id = insertSent(transaction, message, contents.adopt(content));
  if (content.kind === "staged") transaction.afterCommit(() => contents.forget(content.token));
  return storeSent(transaction, message, id, id);
}

/** Stores what `addTo` prepared. */
export function applyAddTo(transaction: Transaction, batch: Prepared | Problem): Sent | Problem {
  if (batch.kind === "refused") return batch;
  const { db, settings, now } = transaction;
  const { header } = batch.decoded;
  if (batch.original === null) throw new TypeError("A batch needs its original");
  // It may have been deleted since it was looked up.
  const original = messageById(db, batch.original);
  if (original === null) return notFound(batch.original);
  const problem = alreadyAdded(transaction, original, header) ??
    sendingProblem(db, settings, batch.from, expandedSize(header), now);
  if (problem !== null) return problem;
  const id = insertSent(transaction, batch, original.content);
  return storeSent(transaction, batch, id, original.id);
}

/** Looked up inside the transaction, or two that add the same address at once would both pass. */
function alreadyAdded(
  { db }: Transaction,
  original: MessageRow,
  { addTo }: Header,
): Problem | null {
  const earlier = new Set(
    batchesOn(db, original).flatMap(({ header }) =>
      header.addTo?.to.map((address) => address.key) ?? []
    ),
  );
  const again = addTo?.to.find((address) => earlier.has(address.key));
  return again === undefined ? null : refuse(
    "already added",
    `${again} was added to message ${original.id} before: leave it out`,
  );
}

/** The row of a message that is sent, under the id that it had as a draft or a new one. */
export function insertSent(
  transaction: Transaction,
  message: Prepared,
  content: number,
  id: number | null = null,
): number {
  return insertMessage(transaction.db, transaction.settings.domain, {
    id,
    decoded: message.decoded,
    headerHash: message.headerHash,
    hash: message.hash,
    original: message.original,
    content,
    sent: true,
  });
}

/**
 * The recipients, those here judged at once (row D8), and a delivery for each other domain: of a message those of its
 * recipients, of a batch those of all participants (row B5).
 */
export function storeSent(
  transaction: Transaction,
  message: Prepared,
  id: number,
  shown: number,
): Sent {
  const { db, settings, now } = transaction;
  const { header } = message.decoded;
  const concerned = placed(header).filter(({ added }) => added === (header.addTo !== null));
  const here = concerned.filter(({ address }) => address.domain === settings.domain);
  const judged = judgeRecipients(db, settings, header, message.hash, here, now);
  recordAndTell(transaction, { id, listed: shown, header, judged, isNew: true });
  for (const { place, address } of concerned) {
    if (address.domain === settings.domain) continue;
    db.run(
      "INSERT INTO recipient (message, place, key, state) VALUES (?, ?, ?, 'pending')",
      id,
      place,
      address.key,
    );
  }
  const goesTo = header.addTo === null ? header.to : participants(header);
  for (const domain of new Set(goesTo.map((address) => address.domain))) {
    if (domain === settings.domain) continue;
    // Row D6: not before this host's own delivery of the parent, or original, there is through.
    const blocked = db.get(
      `SELECT 1 FROM message p JOIN outbound o ON o.message = p.id
       WHERE p.hash = ? AND o.domain = ? AND o.state IN ('blocked', 'waiting')`,
      header.pid,
      domain,
    ) !== null;
    db.run(
      "INSERT INTO outbound (message, domain, state, next_attempt, expires) VALUES (?, ?, ?, ?, ?)",
      id,
      domain,
      blocked ? "blocked" : "waiting",
      now,
      now + settings.window,
    );
    transaction.changed({ kind: "outbound", domain });
  }
  countUsage(db, "send", message.from.key, expandedSize(header), now);
  return { kind: "sent", id, hash: message.hash, time: header.time };
}

export function senderProblem({ db, settings }: WriterContext, from: Address): Problem | null {
  if (from.domain !== settings.domain) {
    return refuse(
      "sender unknown",
      `${from} does not belong to ${settings.domain}, and this host sends for its own domain only`,
    );
  }
  return db.get("SELECT 1 FROM user WHERE key = ?", from.key) === null
    ? refuse("sender unknown", `${from} is no user here: add it with "fmsg user add ${from}"`)
    : null;
}

/** The message of that id, or the original of the batch of that id. */
function originalById({ db }: WriterContext, id: number): MessageRow | null {
  const row = messageById(db, id);
  return row === null || row.original === null ? row : messageById(db, row.original);
}

export function encoded(header: Header): DecodedHeader {
  return { header, bytes: encodeHeader(header) };
}

export function prepared(
  from: Address,
  decoded: DecodedHeader,
  hash: MessageHash,
  original: number | null,
): Prepared {
  return { kind: "prepared", from, decoded, headerHash: headerHash(decoded.bytes), hash, original };
}

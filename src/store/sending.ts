// The operations behind `send` and `add-to`: what a user of this host sends is stored with its deliveries.

import {
  Address,
  asMessageHash,
  type DecodedHeader,
  decodeHeader,
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
  type Batch,
  chooseParent,
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
import {
  insertMessage,
  judgeRecipients,
  messageByHash,
  messageById,
  type MessageRow,
  placed,
  recordVerdicts,
} from "./messages.ts";
import type { AddRecipients, Send, Sent } from "./operations.ts";
import { countUsage, sendingProblem } from "./users.ts";
import type { Transaction, WriterContext } from "./writer.ts";

/** A message that has its time and its hash, and is not stored yet. */
interface Prepared {
  readonly kind: "prepared";
  readonly from: Address;
  readonly decoded: DecodedHeader;
  readonly headerHash: HeaderHash;
  readonly hash: MessageHash;
  /** Of a batch: the message it adds to. */
  readonly original: MessageRow | null;
}

export async function prepareSend(
  context: WriterContext,
  input: Send,
): Promise<Prepared | Problem> {
  const addresses = readAddresses([input.from, ...input.to]);
  if ("kind" in addresses) return addresses;
  const [from, ...to] = addresses;
  const problem = from === undefined
    ? refuse("bad address", "The message has no sender")
    : senderProblem(context, from);
  if (from === undefined || problem !== null) {
    return problem ?? refuse("bad address", "The message has no sender");
  }
  const start = "topic" in input.start
    ? { pid: null, topic: input.start.topic } as const
    : parentOf(context, input.start.replyTo, from, to);
  if ("kind" in start) return start;
  const { body, attachments, important, noReply } = input;
  const composition: Composition = { from, to, start, body, attachments, important, noReply };
  const header = composeMessage(composition, context.nextTime(), context.settings);
  if (isProblem(header)) return header;
  if (context.contents.size(input.content) !== wireSize(header)) {
    return refuse("bad content", "The content is not of the size that was declared");
  }
  const decoded = encoded(header);
  using digest = new ContentDigest(decoded);
  for (const chunk of context.contents.read(input.content)) await digest.push(chunk);
  return prepared(from, decoded, await digest.finish(), null);
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
  const earlier = new Set(
    batchesOn(context, original.hash).flatMap(({ header }) =>
      header.addTo?.to.map((address) => address.key) ?? []
    ),
  );
  const again = to.find((address) => earlier.has(address.key));
  if (again !== undefined) {
    return refuse(
      "already added",
      `${again} was added to message ${original.id} before: leave it out`,
    );
  }
  const header = composeBatch(
    original.header,
    asMessageHash(original.hash),
    from,
    to,
    context.nextTime(),
  );
  if (isProblem(header)) return header;
  const decoded = encoded(header);
  return prepared(from, decoded, await hashOver(context, decoded, original), original);
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
  const id = insert(transaction, message, contents.adopt(input.content));
  const { content } = input;
  if (content.kind === "staged") transaction.afterCommit(() => contents.forget(content.token));
  const domains = header.to.map((address) => address.domain);
  return store(transaction, message, id, id, domains);
}

/** Stores what `addTo` prepared: a batch goes to every participant's domain (row B5). */
export function applyAddTo(transaction: Transaction, batch: Prepared | Problem): Sent | Problem {
  if (batch.kind === "refused") return batch;
  const { db, settings, now } = transaction;
  const { original } = batch;
  const { header } = batch.decoded;
  if (original === null) throw new TypeError("A batch needs its original");
  const problem = sendingProblem(db, settings, batch.from, expandedSize(header), now);
  if (problem !== null) return problem;
  const id = insert(transaction, batch, original.content);
  const domains = participants(header).map((address) => address.domain);
  return store(transaction, batch, id, original.id, domains);
}

function insert(transaction: Transaction, message: Prepared, content: number): number {
  return insertMessage(transaction.db, transaction.settings.domain, {
    decoded: message.decoded,
    headerHash: message.headerHash,
    hash: message.hash,
    original: message.original?.id ?? null,
    content,
    sent: true,
  });
}

/** The recipients, those here judged at once (row D8), and a delivery for each other domain. */
function store(
  transaction: Transaction,
  message: Prepared,
  id: number,
  shown: number,
  domains: readonly string[],
): Sent {
  const { db, settings, now } = transaction;
  const { header } = message.decoded;
  const concerned = placed(header).filter(({ added }) => added === (header.addTo !== null));
  const here = concerned.filter(({ address }) => address.domain === settings.domain);
  const judged = judgeRecipients(db, settings, header, message.hash, here, now);
  recordVerdicts(db, id, shown, header, judged, now);
  for (const { place, address } of concerned) {
    if (address.domain === settings.domain) continue;
    db.run(
      "INSERT INTO recipient (message, place, key, state) VALUES (?, ?, ?, 'pending')",
      id,
      place,
      address.key,
    );
  }
  for (const domain of new Set(domains)) {
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

function senderProblem({ db, settings }: WriterContext, from: Address): Problem | null {
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

/** The start of a reply, whose _pid_ the host picks (row D10). */
function parentOf(
  context: WriterContext,
  id: number,
  from: Address,
  to: readonly Address[],
): { readonly pid: MessageHash; readonly topic: null } | Problem {
  const row = messageById(context.db, id);
  if (row === null) return notFound(id);
  const originalHash = row.header.addTo === null || row.header.pid === null
    ? asMessageHash(row.hash)
    : row.header.pid;
  const original = messageByHash(context.db, originalHash);
  const chosen = chooseParent(
    from,
    to,
    original === null ? null : { header: original.header, hash: originalHash },
    batchesOn(context, originalHash),
  );
  return isProblem(chosen) ? chosen : { pid: chosen, topic: null };
}

/** The message of that id, or the original of the batch of that id. */
function originalById({ db }: WriterContext, id: number): MessageRow | null {
  const row = messageById(db, id);
  return row === null || row.original === null ? row : messageById(db, row.original);
}

function batchesOn({ db }: WriterContext, hash: Uint8Array): Batch[] {
  const rows = db.all(
    "SELECT id, hash, header FROM message WHERE pid = ? AND batch = 1 ORDER BY id DESC",
    hash,
  );
  return rows.map((row) => ({
    header: decodeHeader(row.blob("header")),
    hash: asMessageHash(row.blob("hash")),
    undelivered: new Set(
      db.all(
        "SELECT domain FROM outbound WHERE message = ? AND state IN ('failed', 'cancelled')",
        row.integer("id"),
      ).map((failed) => failed.text("domain")),
    ),
  }));
}

function notFound(id: number): Problem {
  return refuse("message not found", `There is no message ${id} here: see "fmsg list ADDRESS"`);
}

function encoded(header: Header): DecodedHeader {
  return { header, bytes: encodeHeader(header) };
}

function prepared(
  from: Address,
  decoded: DecodedHeader,
  hash: MessageHash,
  original: MessageRow | null,
): Prepared {
  return { kind: "prepared", from, decoded, headerHash: headerHash(decoded.bytes), hash, original };
}

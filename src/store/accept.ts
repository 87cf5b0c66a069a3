// The operation behind 3.6: a message from another host is stored when anyone here takes it.

import {
  ACCEPT,
  asMessageHash,
  type DecodedHeader,
  decodeHeader,
  equal,
  type MessageHash,
  wireSize,
} from "../wire/mod.ts";
import { type Acceptance, ContentDigest, disclosed, repeats } from "../protocol/mod.ts";
import { holdersOf, recordAndTell } from "./announcing.ts";
import { readContent } from "./contents.ts";
import type { Database } from "./database.ts";
import {
  insertMessage,
  judgeRecipients,
  messageByHash,
  type MessageRow,
  placed,
} from "./messages.ts";
import type { Accept, Change, ContentSource } from "./operations.ts";
import { moveReaders } from "./reading.ts";
import { indexMessage } from "./search/indexing.ts";
import type { Transaction, WriterContext } from "./transaction.ts";

/** What takes long and needs no transaction: the hash of a batch, over content that is here. */
export async function prepareAccept(
  context: WriterContext,
  input: Accept,
): Promise<{ readonly decoded: DecodedHeader; readonly hash: MessageHash | null }> {
  const decoded = { header: decodeHeader(input.header), bytes: input.header };
  if (input.messageHash !== null) return { decoded, hash: input.messageHash };
  const original = storedOriginal(context, decoded);
  return { decoded, hash: original === null ? null : await hashOver(context, decoded, original) };
}

/** The hash of a batch: its own header, and the content of its original inflated by the original's header. */
export async function hashOver(
  context: WriterContext,
  batch: DecodedHeader,
  original: MessageRow,
): Promise<MessageHash> {
  using digest = new ContentDigest(batch, original.header);
  for (const chunk of readContent(context.db, original.content)) await digest.push(chunk);
  return await digest.finish();
}

/** The message that a batch adds to, when it is here. */
function storedOriginal(context: WriterContext, decoded: DecodedHeader): MessageRow | null {
  const { pid } = decoded.header;
  const original = pid === null ? null : messageByHash(context.db, pid);
  return original !== null && original.header.addTo === null ? original : null;
}

export function applyAccept(
  transaction: Transaction,
  input: Accept,
  { decoded, hash }: Awaited<ReturnType<typeof prepareAccept>>,
): Acceptance {
  return input.content === null
    ? acceptBatch(transaction, input, decoded, hash)
    : acceptWhole(transaction, input, input.content, decoded);
}

/** Codes 64 and then each recipient's: the content came with the message. */
function acceptWhole(
  transaction: Transaction,
  input: Accept,
  source: ContentSource,
  decoded: DecodedHeader,
): Acceptance {
  const { db, contents, settings, now } = transaction;
  const { header } = decoded;
  const hash = input.messageHash;
  if (hash === null || contents.size(source) !== wireSize(header)) {
    throw new TypeError("A message with content needs its hash, and all of its content");
  }
  const here = placed(header).filter((recipient) => recipient.address.domain === settings.domain);
  const judged = judgeRecipients(db, settings, header, hash, here, now);
  const stored = messageByHash(db, hash);
  const taken = judged.some(({ code }) => code === ACCEPT);
  const isNew = taken && stored === null;
  if (taken) {
    const id = stored?.id ?? insertMessage(db, settings.domain, {
      id: null,
      decoded,
      headerHash: input.headerHash,
      hash,
      original: null,
      content: contents.adopt(source),
      sent: false,
    });
    recordAndTell(transaction, { id, listed: stored?.original ?? id, header, judged, isNew });
  }
  if (isNew) transaction.linkLater(header.addTo === null ? hash : header.pid);
  if (source.kind === "staged") {
    if (!isNew) contents.discard(source.token);
    transaction.afterCommit(() => contents.forget(source.token));
  }
  return codes(transaction, judged);
}

/** Codes 65 or 11: the original is here, and so is the content. */
function acceptBatch(
  transaction: Transaction,
  input: Accept,
  decoded: DecodedHeader,
  hash: MessageHash | null,
): Acceptance {
  const { db, settings, now } = transaction;
  const { header } = decoded;
  const original = storedOriginal(transaction, decoded);
  if (original === null || hash === null || !repeats(header, original.header)) {
    return { kind: "gone" };
  }
  if (input.answer !== null && !equal(hash, input.answer)) return { kind: "wrong answer" }; // 3.5
  // Recorded by an exchange beside this one, perhaps: before it, this one had been answered with 10 already.
  const recorded = messageByHash(db, hash);
  const addsHere = header.addTo?.to.some((address) => address.domain === settings.domain) ?? false;
  if (!addsHere && recorded !== null) return { kind: "duplicate" }; // 3.1.1
  const here = addsHere
    ? placed(header).filter((recipient) => recipient.address.domain === settings.domain)
    : [];
  const judged = judgeRecipients(db, settings, header, hash, here, now);
  if (!addsHere || judged.some(({ code }) => code === ACCEPT)) {
    const id = recorded?.id ?? insertMessage(db, settings.domain, {
      id: null,
      decoded,
      headerHash: input.headerHash,
      hash,
      original: original.id,
      content: original.content,
      sent: false,
    });
    const isNew = recorded === null;
    recordAndTell(transaction, { id, listed: original.id, header, judged, isNew });
  }
  return addsHere ? codes(transaction, judged) : { kind: "recorded" };
}

function codes(
  { settings }: Transaction,
  judged: ReturnType<typeof judgeRecipients>,
): Acceptance {
  return {
    kind: "codes",
    codes: judged.map(({ code }) => disclosed(code, settings.discloseUsers)),
  };
}

/**
 * A batch that came before its original was stored as a message of its own (row B7). Once both are here it is listed
 * under the original and uses its content, provided that it truly repeats it: its hash has to come out of its header
 * and the original's content, or a forged batch would open a stranger's message. Everybody who has the one or the other
 * is told then, since what they have changed or has another id.
 */
export async function linkBatches(
  context: WriterContext,
  originalHash: MessageHash,
  changed: (change: Change) => unknown,
): Promise<void> {
  const { db } = context;
  const original = messageByHash(db, originalHash);
  if (original === null || original.header.addTo !== null) return;
  const batches = db.all(
    "SELECT id, hash, header, content FROM message WHERE pid = ? AND batch = 1 AND original IS NULL",
    originalHash,
  );
  let linked = 0;
  for (const row of batches) {
    const bytes = row.blob("header");
    const decoded = { header: decodeHeader(bytes), bytes };
    if (!repeats(decoded.header, original.header)) continue;
    if (!equal(await hashOver(context, decoded, original), row.blob("hash"))) continue;
    const id = row.integer("id");
    context.inTransaction(() => {
      db.run(
        `UPDATE message SET original = ?1, content = ?2,
           participated = max(participated, (SELECT participated FROM message WHERE id = ?1))
         WHERE id = ?3`,
        original.id,
        original.content,
        id,
      );
      db.run(
        "UPDATE recipient SET shown = ? WHERE message = ? AND shown IS NOT NULL",
        original.id,
        id,
      );
      moveReaders(db, id, original.id);
      context.contents.remove(row.integer("content"));
      for (const listed of [id, original.id]) indexMessage(db, listed);
    });
    linked++;
  }
  const keys = linked === 0 ? [] : [...holdersOf(db, original.id)];
  if (keys.length === 0) return;
  changed({ kind: "message", event: "recipients_added", message: original.id, keys });
}

/** Messages on which there are early batches that are not linked: forged ones, or a crash came between. */
export function unlinkedOriginals(db: Database): MessageHash[] {
  return db.all(
    `SELECT DISTINCT b.pid FROM message b INDEXED BY message_batch JOIN message m ON m.hash = b.pid
     WHERE b.batch = 1 AND b.original IS NULL AND m.batch = 0`,
  ).map((row) => asMessageHash(row.blob("pid")));
}

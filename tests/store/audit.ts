// An audit of a store: everything in it fits together, and every hash can be computed from it (row P6).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import {
  type Bytes,
  concat,
  decodeHeader,
  expandedSize,
  type Header,
  parts,
  recipients,
  sender,
} from "../../src/wire/mod.ts";
import { type Database, type Row } from "../../src/store/database.ts";
import { type Draft, draftById } from "../../src/store/drafts.ts";
import { openForReading } from "../../src/store/opening.ts";
import { holderWord } from "../../src/store/search/indexing.ts";

export interface AuditOptions {
  /** Contents that are on their way in. */
  readonly staged?: number;
  /** Drafts, each with its content. */
  readonly drafts?: number;
  /** Messages were deleted, which the counts of the day do not tell. */
  readonly deleted?: boolean;
}

/** Fails unless everything in the store fits together and every hash can be computed from it. */
export function audit(
  folder: string,
  { staged = 0, drafts = 0, deleted = false }: AuditOptions = {},
): void {
  using db = openForReading(folder);
  // One state of the store, whatever is written meanwhile.
  db.exec("BEGIN");
  assert.deepEqual(db.all("PRAGMA foreign_key_check"), []);
  assert.equal(db.get("PRAGMA integrity_check")?.text("integrity_check"), "ok");
  const messages = new Map(
    db.all("SELECT * FROM message").map((row) => {
      const bytes = row.blob("header");
      return [row.integer("id"), { row, bytes, header: decodeHeader(bytes) }];
    }),
  );
  const contents = new Map<number, Bytes[]>();
  for (const row of db.all("SELECT id, bytes FROM chunk ORDER BY id")) {
    const id = Math.floor(row.integer("id") / 2 ** 20);
    const chunks = contents.get(id) ?? [];
    assert.equal(row.integer("id") % 2 ** 20, chunks.length, "a chunk is missing");
    contents.set(id, [...chunks, row.blob("bytes")]);
  }
  const pieces = db.all("SELECT * FROM piece ORDER BY content, place");
  for (const row of pieces) {
    const [whole, part] = [row.integer("content"), row.integer("part")];
    const before = contents.get(whole) ?? [];
    assert.equal(row.integer("start"), concat(before).length, "a piece of the wrong size");
    contents.set(whole, [...before, ...contents.get(part) ?? []]);
  }
  assert.equal(db.get("SELECT count(*) AS n FROM draft")?.integer("n"), drafts, "drafts");
  const ofDrafts = db.all("SELECT id FROM draft").map((row) => draftById(db, row.integer("id")));
  const used = new Set(ofDrafts.flatMap((draft) => draft?.contents ?? []));
  for (const row of pieces) used.add(row.integer("part"));
  for (const draft of ofDrafts) auditDraft(draft, contents);
  for (const { row, bytes, header } of messages.values()) {
    const original = row.optional("original", (r, name) => r.integer(name));
    const layout = original === null ? header : messages.get(original)?.header ?? header;
    const content = row.integer("content");
    used.add(content);
    assert.equal(row.blob("header_hash").toHex(), sha256(bytes));
    assert.equal(
      row.blob("hash").toHex(),
      sha256(bytes, ...expanded(layout, concat(contents.get(content) ?? []))),
      "a message's hash does not come out of what is stored",
    );
    assert.equal(row.flag("batch"), header.addTo !== null);
    assert.equal(row.text("from_key"), sender(header).key);
    assert.equal(row.real("time"), header.time);
  }
  const rows = db.all("SELECT id, staged FROM content");
  const kept = rows.filter((row) => !row.flag("staged")).map((row) => row.integer("id"));
  assert.deepEqual(new Set(kept), used, "content without a message, or the other way round");
  assert.equal(rows.length - kept.length, staged, "staged contents");
  const ids = new Set(rows.map((row) => row.integer("id")));
  assert.deepEqual([...contents.keys()].filter((id) => !ids.has(id)), [], "chunks of no content");
  auditRecipients(db.all("SELECT * FROM recipient"), db.all("SELECT * FROM outbound"), messages);
  assert.deepEqual(db.all(UNHELD), [], "a message that nobody has");
  assert.deepEqual(db.all(READ_WITHOUT), [], "read by one who does not have it");
  auditIndex(db);
  const usage = deleted ? null : db.all("SELECT * FROM usage");
  auditUsage(db.all("SELECT * FROM user"), usage, db.all(HELD), messages);
}

type Messages = ReadonlyMap<number, { readonly row: Row; readonly header: Header }>;

const HELD = "SELECT key, message FROM recipient WHERE shown IS NOT NULL";

/** Messages that neither anybody here has, with the batches on them, nor their senders. */
const UNHELD = `SELECT coalesce(m.original, m.id) AS id FROM message m LEFT JOIN recipient r
    ON r.message = m.id AND r.shown IS NOT NULL
  GROUP BY 1 HAVING max(m.sent) = 0 AND count(r.key) = 0`;

/** Read marks of those who do not have the message. */
const READ_WITHOUT = `SELECT message, key FROM read_mark
  EXCEPT SELECT shown, key FROM recipient WHERE shown IS NOT NULL`;

/** Everybody who has a message finds it, but for those of an earlier program, and nobody else does. */
function auditIndex(db: Database): void {
  const below = db.get("SELECT below FROM search_left")?.integer("below") ?? 0;
  const has = new Set(
    db.all(`${LISTED} ORDER BY 1, 2`).filter((row) => row.integer("id") >= below)
      .map((row) => `${row.integer("id")} ${row.text("key")}`),
  );
  const finds = db.all(
    "SELECT DISTINCT key FROM (SELECT key FROM user UNION SELECT key FROM recipient)",
  )
    .map((row) => row.text("key"))
    .concat(db.all("SELECT DISTINCT from_key FROM message").map((row) => row.text("from_key")))
    .flatMap((key) =>
      db.all("SELECT rowid AS id FROM search WHERE search MATCH ?", `who : "${holderWord(key)}"`)
        .filter((row) => row.integer("id") >= below)
        .map((row) => `${row.integer("id")} ${key}`)
    );
  assert.deepEqual(new Set(finds), has, "what is found is not what they have");
  assert.deepEqual(db.all(`SELECT id FROM search_docsize EXCEPT SELECT id FROM (${LISTED})`), []);
}

const LISTED = `SELECT shown AS id, key FROM recipient WHERE shown IS NOT NULL
  UNION SELECT coalesce(original, id), from_key FROM message WHERE sent = 1`;

/** Each part is a content of its own, of the size that the draft says. */
function auditDraft(draft: Draft | null, contents: ReadonlyMap<number, readonly Bytes[]>): void {
  assert.ok(draft !== null);
  const { fields: { body, attachments } } = draft;
  assert.deepEqual(
    draft.contents.map((id) => concat(contents.get(id) ?? []).length),
    [body, ...attachments].map(({ size }) => size),
    "a part of a draft of the wrong size",
  );
  assert.equal(new Set(draft.contents).size, draft.contents.length, "a content for two parts");
}

function auditRecipients(rows: readonly Row[], outbound: readonly Row[], messages: Messages): void {
  const open = new Set(
    outbound.filter((row) => ["blocked", "waiting"].includes(row.text("state")))
      .map((row) => `${row.integer("message")} ${row.text("domain")}`),
  );
  for (const row of rows) {
    const header = messages.get(row.integer("message"))?.header;
    const address = header === undefined ? null : recipients(header)[row.integer("place")];
    assert.equal(row.text("key"), address?.key);
    if (!row.isNull("shown")) {
      assert.equal(row.text("state"), "local");
      const original = messages.get(row.integer("message"))?.row.optional(
        "original",
        (r, name) => r.integer(name),
      );
      assert.equal(row.integer("shown"), original ?? row.integer("message"));
    }
    const waits = open.has(`${row.integer("message")} ${address?.domain}`);
    if (row.text("state") === "pending") assert.ok(waits, "a recipient waits for nothing");
  }
}

/** What is counted for each user is what is there; so is what is counted for the day, if all is of that day. */
function auditUsage(
  users: readonly Row[],
  usage: readonly Row[] | null,
  held: readonly Row[],
  messages: Messages,
): void {
  const size = (id: number): number => {
    const header = messages.get(id)?.header;
    return header === undefined ? NaN : expandedSize(header);
  };
  for (const user of users) {
    const key = user.text("key");
    const has = held.filter((row) => row.text("key") === key).map((row) => row.integer("message"));
    const sent = [...messages].filter(([, { row }]) =>
      row.flag("sent") && row.text("from_key") === key
    ).map(([id]) => id);
    const day = usage?.filter((row) => row.text("key") === key);
    for (const [direction, ids] of [["recv", has], ["send", sent]] as const) {
      const bytes = ids.reduce((sum, id) => sum + size(id), 0);
      assert.equal(user.integer(`${direction}_messages`), ids.length, `messages of ${key}`);
      assert.equal(user.integer(`${direction}_bytes`), bytes, `bytes of ${key}`);
      if (day === undefined) continue;
      const ofDay = (name: string) => day.reduce((sum, row) => sum + row.integer(name), 0);
      assert.equal(ofDay(`${direction}_messages`), ids.length, `messages of ${key} today`);
      assert.equal(ofDay(`${direction}_bytes`), bytes, `bytes of ${key} today`);
    }
  }
}

function expanded(layout: Header, content: Bytes): Uint8Array[] {
  let at = 0;
  const pieces = parts(layout).map(({ size, expandedSize }) => {
    const piece = content.subarray(at, at += size);
    return expandedSize === null ? piece : inflateSync(piece);
  });
  assert.equal(at, content.length, "content of the wrong size");
  return pieces;
}

function sha256(...pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

// Keeping the index: a row for each message that somebody here has, by the id under which it is listed.

import { domainToUnicode } from "node:url";
import { type Address, decodeHeader, type Header } from "../../wire/mod.ts";
import { holdersOf } from "../announcing.ts";
import type { Database } from "../database.ts";
import type { IndexOlder } from "../operations.ts";
import { bodyText } from "./body.ts";
import { wordsAreGone } from "./cleaning.ts";
import { indexText, words } from "./words.ts";

/**
 * Brings what is indexed of a message up to date with who has it; to be called for whatever is listed, in the transaction
 * that changes that. Gives how many characters were indexed.
 */
export function indexMessage(db: Database, listed: number): number {
  const row = db.get(
    "SELECT header, content FROM message WHERE id = ? AND original IS NULL",
    listed,
  );
  const header = row === null ? null : headerOf(row.blob("header"));
  const holders = header === null ? [] : [...holdersOf(db, listed)];
  if (row === null || header === null || holders.length === 0) {
    const { changes } = db.run("DELETE FROM search WHERE rowid = ?", listed);
    if (changes > 0) wordsAreGone(db);
    return 0;
  }
  const body = indexText(bodyText(db, row.integer("content"), header));
  db.run(
    "REPLACE INTO search (rowid, who, sender, recipients, topic, names, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
    listed,
    holders.map(holderWord).join(" "),
    addressWords([header.from]),
    addressWords([...header.to, ...header.addTo?.to ?? [], ...addedTo(db, listed)]),
    indexText(header.topic ?? ""),
    header.attachments.flatMap(({ filename }) => words(filename)).join(" "),
    body,
  );
  return body.length;
}

/** The word in the column `who` for one who has a message. No text has such a word: words have no such characters. */
export function holderWord(key: string): string {
  return key.replace(
    /[^a-z0-9\u0080-\u{10ffff}]/gu,
    (mark) => String.fromCharCode(0xe000 + mark.charCodeAt(0)),
  );
}

/** Characters that are indexed in one operation, more or less: what others ask of the writer waits for so much. */
const AT_ONCE = 64 * 1024;

/** Indexes some of what an earlier program left, the newest first; whether any is left. */
export function applyIndexOlder(db: Database, { limit }: IndexOlder): boolean {
  let below = db.get("SELECT below FROM search_left")?.integer("below") ?? 0;
  const older = db.all(
    "SELECT m.id FROM message m WHERE m.id < ? AND m.original IS NULL ORDER BY m.id DESC LIMIT ?",
    below,
    limit,
  );
  let characters = 0;
  for (const row of older) {
    below = row.integer("id");
    characters += indexMessage(db, below);
    if (characters >= AT_ONCE) break;
  }
  if (older.length === 0) below = 0;
  db.run("UPDATE search_left SET below = ?1 WHERE below <> ?1", below);
  return below > 0;
}

/** Recipients that batches added. */
function addedTo(db: Database, listed: number): Address[] {
  return db.all("SELECT header FROM message WHERE original = ? ORDER BY id", listed)
    .flatMap((row) => headerOf(row.blob("header"))?.addTo?.to ?? []);
}

/** Of domains beyond ASCII, also as people write them. */
function addressWords(addresses: readonly Address[]): string {
  return addresses.flatMap(({ text, domain }) => [
    ...words(text),
    ...domain.includes("xn--") ? words(domainToUnicode(domain)) : [],
  ]).join(" ");
}

/** Null when it is damaged: who has such a message has to be able to delete it, and the audit speaks of it. */
function headerOf(bytes: Uint8Array): Header | null {
  try {
    return decodeHeader(bytes);
  } catch {
    return null;
  }
}

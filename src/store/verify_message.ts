// The audit of one message: its header, hashes, content, recipients and deliveries.

import {
  type Bytes,
  type DecodedHeader,
  decodeHeader,
  equal,
  expandedSize,
  type Header,
  headerHash,
  participants,
  recipients,
  sender,
} from "../wire/mod.ts";
import { ContentDigest, repeats } from "../protocol/mod.ts";
import { readContent } from "./contents.ts";
import type { Database, Row } from "./database.ts";
import { type Findings, isDamage, isOfTheMachine, wordsOf } from "./findings.ts";
import { messageByHash } from "./messages.ts";

/** What a user received and sent, as far as it is in the store. */
export interface Tally {
  recv_messages: number;
  recv_bytes: number;
  send_messages: number;
  send_bytes: number;
}

export class MessageAudit {
  readonly #db: Database;
  readonly #findings: Findings;
  readonly #notes: Findings;
  readonly #tallyOf: (key: string) => Tally | undefined;

  constructor(
    db: Database,
    findings: Findings,
    notes: Findings,
    tallyOf: (key: string) => Tally | undefined,
  ) {
    this.#db = db;
    this.#findings = findings;
    this.#notes = notes;
    this.#tallyOf = tallyOf;
  }

  /** Looks at a row of the table of messages and at all that belongs to it. */
  async check(row: Row): Promise<void> {
    const id = row.integer("id");
    const original = row.optional("original", (r, name) => r.integer(name));
    const name = original === null ? `Message ${id}` : `Batch ${id} on message ${original}`;
    const remedy = `restore a backup, or delete it with "fmsg message delete ${original ?? id}"`;
    const find = (problem: string): void => this.#findings.add(`${name}: ${problem}`, remedy);
    try {
      const bytes = row.blob("header");
      const decoded = { header: decodeHeader(bytes), bytes };
      this.#auditColumns(row, decoded, find);
      const layout = original === null
        ? decoded.header
        : this.#auditOriginal(row, original, decoded.header, find);
      await this.#auditContent(row, decoded, layout, find);
      this.#auditRecipients(row, original ?? id, decoded.header, find);
      this.#auditDeliveries(row, decoded.header, find);
      if (original === null && !this.#isHeld(id)) find("nobody here has it, or any batch on it");
      if (row.flag("batch") && original === null) await this.#noteUnlinked(row, decoded);
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      find(`it cannot be read (${wordsOf(error)})`);
    }
  }

  #auditColumns(row: Row, { header, bytes }: DecodedHeader, find: (problem: string) => void): void {
    if (!equal(row.blob("header_hash"), headerHash(bytes))) {
      find("its header's hash does not come out of its header");
    }
    const pid = row.optional("pid", (r, name) => r.blob(name));
    const wrong = Object.entries({
      pid: !sameBytes(pid, header.pid),
      batch: row.flag("batch") !== (header.addTo !== null),
      from_key: row.text("from_key") !== sender(header).key,
      time: row.real("time") !== header.time,
      // What is sent from here is from this domain; a batch takes it from its original.
      participated: row.flag("sent") && header.addTo === null && !row.flag("participated"),
    }).filter(([, isWrong]) => isWrong).map(([name]) => name);
    if (wrong.length > 0) find(`${wrong.join(", ")} is not what its header says`);
  }

  /** The original of a batch, by whose header the content is laid out. */
  #auditOriginal(
    row: Row,
    original: number,
    header: Header,
    find: (problem: string) => void,
  ): Header {
    const found = this.#db.get("SELECT * FROM message WHERE id = ?", original);
    if (found === null) {
      find("the message that it belongs to is not here");
      return header;
    }
    if (!sameBytes(found.blob("hash"), header.pid) || found.flag("batch")) {
      find("it is not a batch of that message");
    }
    if (found.integer("content") !== row.integer("content")) {
      find("it does not use that message's content");
    }
    return decodeHeader(found.blob("header"));
  }

  async #auditContent(
    row: Row,
    decoded: DecodedHeader,
    layout: Header,
    find: (problem: string) => void,
  ): Promise<void> {
    const content = row.integer("content");
    const kept = this.#db.get("SELECT 1 FROM content WHERE id = ? AND staged = 0", content);
    if (kept === null) return find("its content is not here");
    try {
      const hash = await this.#hash(decoded, layout, content);
      if (!equal(hash, row.blob("hash"))) {
        find("its hash does not come out of its header and content");
      }
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      find(
        isDamage(error)
          ? `its content cannot be read (${wordsOf(error)})`
          : `its content is not what its header says (${wordsOf(error)})`,
      );
    }
  }

  async #hash(decoded: DecodedHeader, layout: Header, content: number): Promise<Bytes> {
    using digest = new ContentDigest(decoded, layout);
    for (const chunk of readContent(this.#db, content)) await digest.push(chunk);
    return await digest.finish();
  }

  #auditRecipients(
    row: Row,
    shownUnder: number,
    header: Header,
    find: (problem: string) => void,
  ): void {
    const id = row.integer("id");
    const bytes = expandedSize(header);
    const addresses = recipients(header);
    for (const recipient of this.#db.all("SELECT * FROM recipient WHERE message = ?", id)) {
      const key = recipient.text("key");
      const place = recipient.integer("place");
      const state = recipient.text("state");
      const shown = recipient.optional("shown", (r, name) => r.integer(name));
      const address = addresses[place];
      if (address?.key !== key) find(`${key} is not its recipient number ${place + 1}`);
      // Who took it and deleted it is local, and it is listed for them no more.
      if (shown !== null && state !== "local") find(`${key} has it without having taken it`);
      if (shown !== null && shown !== shownUnder) {
        find(`for ${key} it is listed as message ${shown} in place of ${shownUnder}`);
      }
      if (state === "pending" && !this.#waits(id, address?.domain ?? "")) {
        find(`${key} waits for a delivery that is not there`);
      }
      const tally = shown === null ? undefined : this.#tallyOf(key);
      if (tally !== undefined) {
        tally.recv_messages++;
        tally.recv_bytes += bytes;
      }
    }
    const tally = row.flag("sent") ? this.#tallyOf(row.text("from_key")) : undefined;
    if (tally !== undefined) {
      tally.send_messages++;
      tally.send_bytes += bytes;
    }
  }

  /** With the last one who has it, a message leaves the store. */
  #isHeld(id: number): boolean {
    return this.#db.get(
      `SELECT 1 FROM message m WHERE (m.id = ?1 OR m.original = ?1) AND (m.sent = 1 OR EXISTS
         (SELECT 1 FROM recipient WHERE message = m.id AND shown IS NOT NULL))`,
      id,
    ) !== null;
  }

  #waits(message: number, domain: string): boolean {
    return this.#db.get(
      "SELECT 1 FROM outbound WHERE message = ? AND domain = ? AND state IN ('blocked', 'waiting')",
      message,
      domain,
    ) !== null;
  }

  /** Each delivery is for a domain on the message, and one that is held back waits for a message that goes there. */
  #auditDeliveries(row: Row, header: Header, find: (problem: string) => void): void {
    const id = row.integer("id");
    const domains = new Set(participants(header).map((address) => address.domain));
    for (const delivery of this.#db.all("SELECT * FROM outbound WHERE message = ?", id)) {
      const domain = delivery.text("domain");
      if (!domains.has(domain)) find(`it is to be delivered to ${domain}, where nobody is on it`);
      if (delivery.text("state") !== "blocked") continue;
      const before = this.#db.get(
        `SELECT 1 FROM message p JOIN outbound o ON o.message = p.id
         WHERE p.hash = ? AND o.domain = ? AND o.state IN ('blocked', 'waiting')`,
        header.pid,
        domain,
      );
      if (before === null) {
        find(`its delivery to ${domain} is held back for a message that does not go there`);
      }
    }
  }

  /** A batch that came before its original; a forged one stays by itself for ever (row B7). */
  async #noteUnlinked(row: Row, decoded: DecodedHeader): Promise<void> {
    const { pid } = decoded.header;
    const original = pid === null ? null : messageByHash(this.#db, pid);
    if (original === null || original.header.addTo !== null) return;
    if (!repeats(decoded.header, original.header)) return;
    const hash = await this.#hash(decoded, original.header, original.content);
    if (!equal(hash, row.blob("hash"))) return;
    this.#notes.add(
      `Message ${
        row.integer("id")
      } adds recipients to message ${original.id} and is not listed under it yet`,
      "a restart of the host does that",
    );
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equal(a, b);
}

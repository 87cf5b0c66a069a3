// Stores that earlier versions wrote are opened, upgraded, read and written to. tests/store/earlier/make.ts made them.

import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import {
  Mailbox,
  openWriterHere,
  storeFile,
  StoreWriter,
  verifyStore,
} from "../../src/store/mod.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { Address, concat } from "../../src/wire/mod.ts";
import { draft as letter } from "../support/message.ts";
import { audit } from "./audit.ts";
import { ALICE, BOB, CAROL, LONG } from "./earlier/make.ts";
import { arrival, codes, settings, TestStore } from "./support.ts";

const EARLIER = join(import.meta.dirname ?? ".", "earlier");
const FILES = [...Deno.readDirSync(EARLIER)].map(({ name }) => name)
  .filter((name) => name.endsWith(".db.gz")).sort();

/** What was counted for the day is forgotten by now. */
const LATER = { drafts: 1, deleted: true };

for (const name of FILES) {
  const version = basename(name, ".db.gz");

  Deno.test(`upgrade: a store of ${version} is whole after it, with all that was in it, and goes on`, async () => {
    const folder = unpacked(name);
    try {
      const before = read(folder, "PRAGMA user_version");
      await using writer = new StoreWriter(openWriterHere(folder, settings()));
      assert.equal(read(folder, "PRAGMA user_version"), MIGRATIONS.length);
      const copies = [...Deno.readDirSync(folder)].filter(({ name }) => name.includes(".version-"));
      assert.equal(copies.length, before === MIGRATIONS.length ? 0 : 1);

      audit(folder, LATER);
      assert.deepEqual((await verifyStore(folder, settings())).findings, []);
      await assertAllIsThere(folder);

      const draft = read(folder, "SELECT id FROM draft");
      assert.equal(
        (await writer.submit("sendDraft", { id: Number(draft), from: null })).kind,
        "sent",
      );
      const accepted = await writer.submit("accept", arrival(letter({ from: CAROL, to: [ALICE] })));
      assert.deepEqual(codes(accepted), [200]);
      audit(folder, { deleted: true });
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

Deno.test("upgrade: an upgraded store has the tables of a new one, so no released step was changed", async () => {
  await using fresh = await TestStore.open();
  const wanted = tables(fresh.folder);
  assert.ok(FILES.length > 0);
  for (const name of FILES) {
    const folder = unpacked(name);
    try {
      await new StoreWriter(openWriterHere(folder, settings()))[Symbol.asyncDispose]();
      assert.deepEqual(tables(folder), wanted, name);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  }
});

/** A data directory with that store in it. */
function unpacked(name: string): string {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-earlier-" });
  Deno.writeFileSync(storeFile(folder), gunzipSync(Deno.readFileSync(join(EARLIER, name))));
  return folder;
}

async function assertAllIsThere(folder: string): Promise<void> {
  using mailbox = new Mailbox(folder);
  const [alice, bob] = [ALICE, BOB].map((text) => Address.parse(text));
  assert.ok(alice && bob);
  const [early, lunch, ...others] = mailbox.received(alice, 10, 0);
  assert.ok(early !== undefined && lunch !== undefined && others.length === 0);
  assert.deepEqual([early.size, early.to], [5, [ALICE]]);
  const { topic, from, to, add_to, attachments } = lunch;
  assert.deepEqual({ topic, from, to }, { topic: "Lunch", from: CAROL, to: [ALICE, BOB] });
  assert.deepEqual(add_to.map((batch) => batch.to), [["@dora@far.example"]]);
  assert.deepEqual(attachments.map(({ filename, size }) => [filename, size]), [["menu.txt", 500]]);
  assert.equal(await text(mailbox.content(lunch.id, null)), LONG);
  assert.equal(await text(mailbox.content(lunch.id, "menu.txt")), "soup ".repeat(100));
  assert.equal(mailbox.thread(lunch.id).length, 3);
  assert.equal(mailbox.received(bob, 10, 0).length, 3);
  assert.deepEqual(mailbox.queue().map(({ attempts, last_error }) => [attempts, last_error]), [
    [0, "waits until the message that it belongs to is delivered there"],
    [0, null],
    [1, "no route"],
  ]);
  const users = mailbox.users().map(({ address, name, limits }) => [address, name, limits]);
  assert.deepEqual(users, [
    [ALICE, "Alice", { recv_bytes: 1024 ** 3, send_messages_per_day: null }],
    [BOB, "", {}],
  ]);
}

async function text(pieces: AsyncIterable<Uint8Array> | null): Promise<string> {
  assert.ok(pieces !== null);
  return new TextDecoder().decode(concat(await Array.fromAsync(pieces)));
}

/** The one value that a query comes to. */
function read(folder: string, sql: string): unknown {
  using db = new DatabaseSync(storeFile(folder), { readOnly: true });
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

/** What SQLite knows of the tables, without what statistics it made. */
function tables(folder: string): unknown[] {
  using db = new DatabaseSync(storeFile(folder), { readOnly: true });
  return db.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    .all();
}

// A newer program brings a store up to date, and an older one keeps off.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS, type Step } from "../../src/store/schema.ts";
import { storeFile, StoreReader, type Upgrade } from "../../src/store/mod.ts";
import { Writer } from "../../src/store/writer.ts";
import { SmallDisk, smallDiskTest } from "../support/small_disk.ts";
import { HERE, settings, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;

const DISK = 20 * 1024 * 1024;

const NEXT: Step = {
  since: "7.8.9",
  sql: "ALTER TABLE user ADD COLUMN shoe_size INTEGER NOT NULL DEFAULT 42; CREATE TABLE shoe (id)",
};
const NEWER: readonly Step[] = [...MIGRATIONS, NEXT];

/** Opens a store as a program does that knows these steps, and closes it; what it said of the upgrade. */
function openAs(steps: readonly Step[], folder: string): Upgrade | null {
  let told: Upgrade | null = null;
  Writer.open(folder, settings(), (upgrade) => told = upgrade, { steps })[Symbol.dispose]();
  return told;
}

function read(file: string, sql: string): unknown {
  using db = new DatabaseSync(file, { readOnly: true });
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

/** A store with a message in it that nobody has open. */
async function written(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const store = await TestStore.open([ALICE, BOB]);
  await store.send({ from: ALICE, to: [BOB], body: "before the upgrade" });
  await store.writer[Symbol.asyncDispose]();
  return {
    folder: store.folder,
    [Symbol.asyncDispose]: () => Deno.remove(store.folder, { recursive: true }),
  };
}

Deno.test("upgrade: a newer program takes the steps that a store lacks, and keeps a copy of it as it was", async () => {
  await using store = await written();
  const version = MIGRATIONS.length;
  const copy = join(store.folder, `fmsg.db.version-${version}`);
  assert.deepEqual(openAs(NEWER, store.folder), { from: version, to: version + 1, copy });

  const file = storeFile(store.folder);
  assert.equal(read(file, "PRAGMA user_version"), version + 1);
  assert.equal(read(file, "SELECT shoe_size FROM user"), 42);
  assert.equal(read(file, "SELECT count(*) FROM message"), 1);

  assert.equal(read(copy, "PRAGMA user_version"), version);
  assert.equal(read(copy, "SELECT count(*) FROM message"), 1);
  assert.equal(read(copy, "PRAGMA integrity_check"), "ok");
  assert.throws(() => read(copy, "SELECT shoe_size FROM user"), /no such column/);
  assert.equal(Deno.statSync(copy).mode, Deno.statSync(file).mode);
  assert.equal(openAs(NEWER, store.folder), null, "there is nothing more to do");
});

Deno.test("upgrade: the copy is a store that the earlier program can use", async () => {
  await using store = await written();
  const upgrade = openAs(NEWER, store.folder);
  assert.ok(upgrade !== null);
  const folder = join(store.folder, "earlier");
  Deno.mkdirSync(folder);
  Deno.copyFileSync(upgrade.copy, storeFile(folder));
  assert.equal(openAs(MIGRATIONS, folder), null);
  using reader = new StoreReader(folder);
  assert.equal(reader.overview().messages, 1);
});

Deno.test("upgrade: a new store needs no copy", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assert.equal(openAs(NEWER, folder), null);
    assert.deepEqual(readdirSync(folder).filter((name) => name.includes("version")), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("upgrade: an older program refuses a newer store, and says which version it needs", async () => {
  await using store = await written();
  openAs(NEWER, store.folder);
  const says = new RegExp(
    `The store .*fmsg\\.db has version ${NEWER.length}, this program knows ${MIGRATIONS.length}: ` +
      "use fmsg 7\\.8\\.9 or newer; this is ",
  );
  assert.throws(() => new StoreReader(store.folder), says);
  assert.throws(() => openAs(MIGRATIONS, store.folder), /use fmsg 7\.8\.9 or newer/);
  assert.equal(
    read(storeFile(store.folder), "PRAGMA user_version"),
    NEWER.length,
    "it is as it was",
  );
});

Deno.test("upgrade: a step that fails leaves the store as it was, and the next try is a whole one", async () => {
  await using store = await written();
  const half = { since: "7.8.9", sql: "CREATE TABLE shoe (id); INSERT INTO nowhere VALUES (1)" };
  assert.throws(
    () => openAs([...MIGRATIONS, half], store.folder),
    /Cannot open the store .*no such table: nowhere/,
  );
  const file = storeFile(store.folder);
  assert.equal(read(file, "PRAGMA user_version"), MIGRATIONS.length);
  assert.equal(read(file, "SELECT count(*) FROM sqlite_schema WHERE name = 'shoe'"), 0);
  assert.equal(openAs(MIGRATIONS, store.folder), null, "the earlier program goes on with it");
  assert.notEqual(openAs(NEWER, store.folder), null);
});

Deno.test("upgrade: what a killed upgrade left of its copy does not hinder the next", async () => {
  await using store = await written();
  const partial = join(store.folder, `fmsg.db.version-${MIGRATIONS.length}.partial`);
  Deno.writeTextFileSync(partial, "half a copy");
  const upgrade = openAs(NEWER, store.folder);
  assert.ok(upgrade !== null);
  assert.equal(read(upgrade.copy, "PRAGMA integrity_check"), "ok");
  assert.ok(!existsSync(partial));
});

smallDiskTest(
  "upgrade: without room for the copy the store stays as it was",
  import.meta.filename,
  DISK,
  async () => {
    await using store = await TestStore.open([ALICE, BOB]);
    await store.send({
      from: ALICE,
      to: [BOB],
      body: new Uint8Array(8 * 1024 * 1024),
    });
    await store.writer[Symbol.asyncDispose]();
    const folder = join(store.folder, "disk");
    Deno.mkdirSync(folder);
    await using disk = await SmallDisk.at(folder, DISK);
    Deno.copyFileSync(storeFile(store.folder), storeFile(folder));
    await disk.fill(5 * 1024 * 1024);
    assert.throws(
      () => openAs(NEWER, folder),
      /upgraded from version \d+ to \d+, .*free some space/,
    );
    assert.equal(read(storeFile(folder), "PRAGMA user_version"), MIGRATIONS.length);
    assert.deepEqual(readdirSync(folder).filter((name) => name.includes("version")), []);
  },
);

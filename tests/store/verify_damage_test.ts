// The audit of a store that is whole, of files that are damaged, and of what is under way.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DirectoryLock, StoreError, verifyStore } from "../../src/store/mod.ts";
import { holderWord } from "../../src/store/search/indexing.ts";
import { addressOf } from "../support/arbitraries.ts";
import { settings } from "./support.ts";
import { ALICE, broken, bySql, CAROL, CHUNK, early, open, whole, words } from "./verify_setup.ts";

Deno.test("P6 a store that is whole has no findings, and its figures are right", async () => {
  using store = await whole();
  const seen: number[] = [];
  const report = await verifyStore(store.folder, settings(), (done) => seen.push(done));
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.notes, []);
  using db = open(store.folder);
  const count = (sql: string): unknown => db.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.n;
  assert.equal(report.messages, count("message"));
  assert.equal(report.contents, count("content"));
  assert.equal(report.bytes, db.prepare("SELECT sum(length(bytes)) AS n FROM chunk").get()?.n);
  assert.equal(report.staged, 0);
});

/** How a file is damaged, and what is said of it. */
const DAMAGES: readonly {
  readonly name: string;
  readonly damage: (file: string) => void;
  readonly finds: RegExp;
}[] = [
  {
    name: "no database",
    damage: (file) =>
      Deno.writeTextFileSync(file, "This is a letter and no database. ".repeat(9999)),
    finds: /^The store's file is damaged \(file is not a database\)$/,
  },
  {
    name: "cut off in the middle",
    damage: (file) => Deno.truncateSync(file, Math.floor(Deno.statSync(file).size / 2)),
    finds: /^The store's file is damaged \(database disk image is malformed\)$/,
  },
  {
    name: "without its last page",
    damage: (file) => Deno.truncateSync(file, Deno.statSync(file).size - 16384),
    finds: /^The store's file is damaged \(database disk image is malformed\)$/,
  },
  {
    name: "a page of zeros where the tables begin",
    damage: (file) => overwrite(file, 16384 * 2, new Uint8Array(8 * 16384)),
    finds: /^The store's file is damaged \(/,
  },
];

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  using handle = Deno.openSync(file, { write: true });
  handle.seekSync(at, Deno.SeekMode.Start);
  handle.writeSync(bytes);
}

Deno.test("P6 a file that is damaged is a finding, whatever was done to it", async (t) => {
  using store = await whole();
  for (const { name, damage, finds } of DAMAGES) {
    await t.step(name, async () => {
      const report = await broken(store.folder, damage);
      assert.match(words(report)[0] ?? "", finds);
      assert.match(report.findings[0]?.remedy ?? "", /^restore a backup/);
    });
  }
  await t.step("bytes that are turned over anywhere in it", async () => {
    // With much in it: many tables of a small store are empty, and take a page all the same.
    using store = await whole(20 * CHUNK);
    const size = Deno.statSync(join(store.folder, "fmsg.db")).size;
    let found = 0;
    for (let at = 100; at < size; at += Math.floor(size / 40)) {
      const report = await broken(store.folder, (file) => {
        const bytes = Deno.readFileSync(file).subarray(at, at + 64).map((byte) => byte ^ 255);
        overwrite(file, at, bytes);
      });
      if (report.findings.length > 0) found++;
    }
    // Not all bytes of a file are in use; most are.
    assert.ok(found > 10, `only ${found} of 40`);
  });
});

Deno.test("what cannot be opened for another reason is an error and no finding", async () => {
  using store = await whole();
  const newer = broken(store.folder, bySql("PRAGMA user_version = 99"));
  await assert.rejects(newer, (error) => {
    assert.ok(error instanceof StoreError);
    assert.match(error.message, /has version 99, this program knows \d+: use fmsg \S+ or newer/);
    return true;
  });
});

Deno.test("P4 staged content is on its way in while a host runs, and swept when none does", async () => {
  using store = await whole();
  {
    using db = open(store.folder);
    db.exec("INSERT INTO content (id, staged) VALUES (77, 1)");
    db.exec(`INSERT INTO chunk (id, bytes) VALUES (77 * 1048576, zeroblob(${CHUNK}))`);
  }
  {
    using lock = DirectoryLock.take(store.folder);
    assert.ok(lock !== null);
    const running = await verifyStore(store.folder, settings());
    assert.deepEqual([running.findings, running.staged], [[], 1]);
  }
  const stopped = await verifyStore(store.folder, settings());
  assert.deepEqual([stopped.findings, stopped.staged], [[], 0]);
});

Deno.test("B7 an early batch that could be listed under its original is noted, a forged one is not", async () => {
  using store = await whole();
  const insert = (file: string): void => {
    using db = Object.assign(new DatabaseSync(file), { [Symbol.dispose]: () => db.close() });
    db.exec("INSERT INTO content (id, staged) VALUES (77, 0)");
    db.prepare("INSERT INTO chunk (id, bytes) VALUES (77 * 1048576, ?)").run(early.payload);
    db.prepare(
      `INSERT INTO message (id, hash, header, header_hash, batch, content, sent, from_key, time, participated)
       VALUES (77, ?, ?, ?, 0, 77, 0, ?, ?, 0)`,
    ).run(early.hash, early.header, early.headerHash, CAROL, Number(early.fields.time));
    db.exec(
      `INSERT INTO recipient (message, place, key, state, code, at, shown)
       VALUES (77, 0, '${ALICE}', 'local', 200, 0, 77)`,
    );
    db.prepare("INSERT INTO search (rowid, who) VALUES (77, ?)")
      .run(holderWord(addressOf(ALICE).key));
    db.exec(
      `UPDATE user SET recv_messages = recv_messages + 1, recv_bytes = recv_bytes + 5 WHERE key = '${ALICE}'`,
    );
  };
  const { findings, notes } = await broken(store.folder, insert);
  assert.deepEqual(findings, []);
  assert.deepEqual(
    notes.map(({ what }) => what),
    ["Message 6 adds recipients to message 77 and is not listed under it yet"],
  );
  const forged = await broken(store.folder, (file) => {
    insert(file);
    bySql("UPDATE chunk SET bytes = CAST('other' AS BLOB) WHERE id / 1048576 = 77")(file);
  });
  assert.deepEqual(forged.notes, []);
});

Deno.test("of very many findings a hundred are told, and how many more there are", async () => {
  using store = await whole();
  const report = await broken(
    store.folder,
    bySql(
      `WITH RECURSIVE n (i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 349)
       INSERT INTO chunk (id, bytes) SELECT i * 1048576, x'00' FROM n`,
    ),
  );
  assert.equal(report.findings.length, 101);
  assert.equal(report.findings.at(-1)?.what, "150 more are not listed");
});

// Failures: one operation's is its own, a commit's is its group's, and the writer goes on.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  ContentStaging,
  type Operation,
  StoreError,
  StoreFailure,
  StoreReader,
} from "../../src/store/mod.ts";
import { Writer } from "../../src/store/writer.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, noise } from "../support/message.ts";
import {
  batch,
  codes,
  HERE,
  results,
  sending,
  sent,
  settings,
  TestStore,
  watchStatements,
  whole,
} from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const FROM = "@carol@far.example";
const CHUNK = 64 * 1024;

/** A store together with its writer's connection. */
async function storeAndConnection(
  users: readonly string[],
): Promise<{ store: TestStore; connection: DatabaseSync }> {
  using watch = watchStatements();
  const store = await TestStore.open(users);
  const [connection] = watch.connections;
  assert.ok(connection !== undefined);
  return { store, connection };
}

/** Lets the store's file grow by so many pages, or by as many as it likes. */
function allowPages(connection: DatabaseSync, pages: number | null): void {
  const count = connection.prepare("PRAGMA page_count").get()?.page_count;
  const most = pages === null ? 0xffff_fffe : Number(count) + pages;
  connection.exec(`PRAGMA max_page_count = ${most}`);
}

Deno.test("an operation that fails does not take its group along, and nothing of it is kept", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const good = () => draft({ from: FROM, to: [ALICE, BOB], body: "good" });
  const original = good();
  const timeless = draft({ from: FROM, to: [ALICE], body: "bad", time: NaN });
  const broken: Operation = {
    name: "accept",
    input: {
      header: Uint8Array.of(1, 2, 3),
      headerHash: original.headerHash,
      messageHash: original.hash,
      content: null,
      answer: null,
    },
  };
  const outcomes = await store.group(
    whole(original),
    whole(timeless),
    broken,
    sending({ from: ALICE, to: [FROM, BOB] }),
    { name: "addUser", input: { address: "nobody", name: "", accepting: true, limits: {} } },
    batch(addTo(original, { from: FROM, to: [BOB] })),
    whole(good()),
  );
  assert.deepEqual(outcomes.map(({ ok }) => ok), [true, false, false, true, false, true, true]);
  assert.deepEqual(
    results(outcomes)[2],
    "These 3 bytes are no message header: its length is wrong",
  );
  // The batch was prepared before its original was there.
  assert.deepEqual(results(outcomes)[5], "gone");
  assert.equal(store.count("message"), 3);
  assert.deepEqual(store.woken, ["far.example"]);
  store.audit();
});

Deno.test("an operation that failed halfway has no effect: no change is told, and its content can be sent again", async () => {
  await using store = await TestStore.open([ALICE]);
  const content = noise(CHUNK);
  await store.group({ name: "stage", input: { token: "t", bytes: content } });
  const operation = sending({ from: ALICE, to: [FROM], body: content });
  if (operation.name !== "send") assert.fail();
  const input = { ...operation.input, content: { kind: "staged", token: "t" } } as const;
  {
    using _broken = watchStatements((sql) => {
      if (sql.startsWith("UPDATE user SET send_messages")) throw new Error("disk I/O error");
    });
    assert.deepEqual(results(await store.group({ name: "send", input })), ["disk I/O error"]);
  }
  assert.deepEqual(store.changes, []);
  store.audit({ staged: 1 });
  assert.deepEqual(results(await store.group({ name: "send", input })), ["sent"]);
  assert.equal(store.changes.length, 1);
  store.audit();
});

Deno.test("whoever submitted an operation that failed hears of it, and nobody else does", async () => {
  await using store = await TestStore.open([ALICE]);
  const timeless = draft({ from: FROM, to: [ALICE], time: NaN });
  const [good, bad] = await Promise.allSettled([
    store.accept(draft({ from: FROM, to: [ALICE] })),
    store.accept(timeless),
  ]);
  assert.equal(good.status, "fulfilled");
  assert.ok(bad.status === "rejected" && bad.reason instanceof StoreFailure);
});

Deno.test("P8 a commit that the disk does not take fails its group, keeps nothing, and the writer goes on", async () => {
  const { store: opened, connection } = await storeAndConnection([ALICE, BOB]);
  await using store = opened;
  const message = draft({ from: FROM, to: [ALICE], body: noise(CHUNK) });
  allowPages(connection, 2);
  const outcomes = await store.group(
    whole(draft({ from: FROM, to: [ALICE] })),
    sending({ from: ALICE, to: [FROM, BOB] }),
    whole(message),
  );
  assert.deepEqual(
    results(outcomes),
    Array(3).fill("The disk is full: free some space and try again"),
  );
  assert.equal(store.count("message"), 0);
  assert.deepEqual(store.changes, []);
  store.audit();

  allowPages(connection, null);
  assert.deepEqual(codes(await store.accept(message)), [200]);
  sent(await store.send({ from: ALICE, to: [FROM, BOB], body: noise(CHUNK) }));
  store.audit();
});

Deno.test("P8 however little room there is, an operation is done whole or not at all", async () => {
  const { store: opened, connection } = await storeAndConnection([ALICE, BOB]);
  await using store = opened;
  const original = draft({ from: FROM, to: [ALICE], body: noise(3 * CHUNK) });
  const early = addTo(original, { from: FROM, to: [BOB] });
  await store.accept(early);
  const steps = [
    async () => codes(await store.accept(original)),
    async () => sent(await store.send({ from: ALICE, to: [FROM], body: noise(8 * CHUNK) })),
    async () => sent(await store.addTo(store.idOf(original), ALICE, "@eve@other.example")),
  ];
  for (const [i, step] of steps.entries()) {
    let failures = 0;
    // One page more each time, until it succeeds.
    for (let pages = 0;; pages++) {
      assert.ok(pages < 100, `step ${i} never succeeds`);
      allowPages(connection, pages);
      try {
        await step();
        break;
      } catch (error) {
        assert.ok(error instanceof StoreFailure, String(error));
        failures++;
      }
      allowPages(connection, null);
      store.audit();
    }
    assert.ok(failures > 0 || i === 2, "it never ran out of room");
  }
  allowPages(connection, null);
  await store.accept(draft({ from: FROM, to: [ALICE] }));
  assert.deepEqual(store.received(addressOf(BOB)), [store.idOf(original)], "it is linked at last");
  assert.equal(store.count("message"), 5);
  store.audit();
});

Deno.test("P8 content that was being staged when the disk was full is refused, and thrown away", async () => {
  const { store: opened, connection } = await storeAndConnection([ALICE]);
  await using store = opened;
  {
    await using staging = new ContentStaging(store.writer, 20 * CHUNK);
    await staging.write(noise(2 * CHUNK));
    allowPages(connection, 4);
    await assert.rejects(async () => {
      await staging.write(noise(18 * CHUNK));
      await staging.source();
    }, StoreFailure);
    allowPages(connection, null);
    await assert.rejects(staging.source(), StoreFailure, "also when there is room again");
  }
  store.audit();
  assert.deepEqual(codes(await store.accept(draft({ from: FROM, to: [ALICE] }))), [200]);
});

Deno.test("a store that another process keeps locked fails the group, and works when it is free", async () => {
  const { store: opened, connection } = await storeAndConnection([ALICE]);
  await using store = opened;
  connection.exec("PRAGMA busy_timeout = 0");
  const message = draft({ from: FROM, to: [ALICE] });
  using other = new DatabaseSync(`${store.folder}/fmsg.db`);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(store.accept(message), /database is locked/);
  other.exec("COMMIT");
  assert.deepEqual(codes(await store.accept(message)), [200]);
  store.audit();
});

Deno.test("P4 commits are made durable, but for those that only stage, and the store is a WAL of 16 KiB pages", async () => {
  const { store: opened, connection } = await storeAndConnection([ALICE]);
  await using store = opened;
  const pragma = (name: string) =>
    Object.values(connection.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  assert.equal(pragma("synchronous"), 2, "FULL");
  assert.equal(pragma("journal_mode"), "wal");
  assert.equal(pragma("page_size"), 16384);
  assert.equal(pragma("foreign_keys"), 1);
  const chunk = { name: "stage", input: { token: "t", bytes: noise(CHUNK) } } as const;
  await store.group(chunk);
  assert.equal(pragma("synchronous"), 2, "again, after a group of chunks");
  allowPages(connection, 0);
  assert.equal((await store.group(chunk))[0]?.ok, false);
  assert.equal(pragma("synchronous"), 2, "also after one that failed");
});

Deno.test("a store that is none, is from a newer program, or is not there is refused with what to do", () => {
  const folder = Deno.makeTempDirSync();
  try {
    assert.throws(() => new StoreReader(folder), StoreError);
    Deno.writeTextFileSync(`${folder}/fmsg.db`, "This is no database. ".repeat(100));
    for (const open of [() => Writer.open(folder, settings()), () => new StoreReader(folder)]) {
      assert.throws(open, (error) => {
        assert.ok(error instanceof StoreError);
        assert.match(error.message, /fmsg\.db: file is not a database; .* restore a backup/);
        return true;
      });
    }
    Deno.removeSync(`${folder}/fmsg.db`);
    Writer.open(folder, settings())[Symbol.dispose]();
    {
      using db = new DatabaseSync(`${folder}/fmsg.db`);
      db.exec("PRAGMA user_version = 99");
    }
    assert.throws(() => Writer.open(folder, settings()), /version 99.*use fmsg \S+ or newer/);
    assert.throws(() => new StoreReader(folder), /version 99.*use fmsg \S+ or newer/);
    {
      using db = new DatabaseSync(`${folder}/fmsg.db`);
      db.exec("PRAGMA user_version = 0");
    }
    assert.throws(() => new StoreReader(folder), /start the host once to upgrade it/);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

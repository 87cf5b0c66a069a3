// Messages that an earlier program stored are indexed later, a bounded piece at a time.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import {
  openWriterHere,
  Search,
  storeFile,
  StoreWriter,
  verifyStore,
} from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft } from "../support/message.ts";
import { audit } from "./audit.ts";
import { ALICE as EARLY_ALICE, BOB as EARLY_BOB } from "./earlier/make.ts";
import { HERE, settings, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";

/** A store with so many messages, as an earlier program would have left it. */
async function earlier(bodies: readonly string[]): Promise<TestStore> {
  const store = await TestStore.open([ALICE, BOB]);
  await store.group(...bodies.map((body) => whole(draft({ from: CAROL, to: [ALICE], body }))));
  using db = new DatabaseSync(storeFile(store.folder));
  db.exec("DELETE FROM search; UPDATE search_left SET below = (SELECT max(id) + 1 FROM message)");
  return store;
}

function find(folder: string, query: string, user = ALICE): number[] {
  using search = new Search(folder);
  return search.find(addressOf(user), query, 1000, 0).map(({ id }) => id);
}

function isIncomplete(folder: string): boolean {
  using search = new Search(folder);
  return search.isIncomplete;
}

Deno.test("search: older messages are indexed from the newest on, and new ones meanwhile", async () => {
  await using store = await earlier(Array(10).fill("walrus"));
  const audited = () => store.audit();
  assert.equal(isIncomplete(store.folder), true);
  audited();
  assert.equal(await store.writer.submit("indexOlder", { limit: 3 }), true);
  assert.deepEqual(find(store.folder, "walrus"), [10, 9, 8]);
  await store.accept(draft({ from: CAROL, to: [ALICE], body: "walrus" }));
  assert.deepEqual(find(store.folder, "walrus"), [11, 10, 9, 8]);
  audited();
  // What has to do with an older one indexes it before its turn.
  await store.writer.submit("addTo", { message: 2, from: ALICE, to: [BOB] });
  assert.deepEqual(find(store.folder, "walrus", BOB), [2]);
  {
    // A crash in between: it goes on where it was.
    await using crashed = store.crash();
    assert.equal(await crashed.writer.submit("indexOlder", { limit: 100 }), true);
    assert.equal(await crashed.writer.submit("indexOlder", { limit: 100 }), false);
    assert.deepEqual(find(crashed.folder, "walrus"), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    crashed.audit();
  }
  while (await store.writer.submit("indexOlder", { limit: 3 }));
  assert.deepEqual(find(store.folder, "walrus"), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(find(store.folder, "walrus", BOB), [2]);
  assert.equal(isIncomplete(store.folder), false);
  assert.equal(await store.writer.submit("indexOlder", { limit: 3 }), false);
  audited();
});

Deno.test("search: of long older messages few are indexed at once", async () => {
  await using store = await earlier(Array(6).fill("walrus and seal ".repeat(2500)));
  await store.writer.submit("indexOlder", { limit: 100 });
  assert.equal(find(store.folder, "walrus").length, 2);
});

Deno.test("search: an older message that was deleted before its turn is not indexed", async () => {
  await using store = await earlier(["walrus", "walrus"]);
  await store.writer.submit("delete", { message: 1, for: ALICE });
  while (await store.writer.submit("indexOlder", { limit: 1 }));
  assert.deepEqual(find(store.folder, "walrus"), [2]);
  store.audit({ deleted: true });
});

Deno.test("search: a new store has nothing to index", async () => {
  await using store = await TestStore.open([ALICE]);
  assert.equal(isIncomplete(store.folder), false);
  assert.equal(await store.writer.submit("indexOlder", { limit: 3 }), false);
});

Deno.test("upgrade: what a store of 0.1.0 has is found once it is indexed", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-earlier-" });
  try {
    const packed = join(import.meta.dirname ?? ".", "earlier", "0.1.0.db.gz");
    Deno.writeFileSync(storeFile(folder), gunzipSync(Deno.readFileSync(packed)));
    await using writer = new StoreWriter(openWriterHere(folder, settings()));
    assert.equal(isIncomplete(folder), true);
    assert.deepEqual(find(folder, "topic:lunch", EARLY_ALICE), []);
    while (await writer.submit("indexOlder", { limit: 1 }));
    assert.equal(isIncomplete(folder), false);
    for (const user of [EARLY_ALICE, EARLY_BOB]) {
      assert.equal(find(folder, "topic:lunch file:menu.txt to:dora", user).length, 1);
    }
    audit(folder, { drafts: 1, deleted: true });
    assert.deepEqual((await verifyStore(folder, settings())).findings, []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

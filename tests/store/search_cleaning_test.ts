// The words of deleted messages leave the index's file too.

import assert from "node:assert/strict";
import { Search } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft } from "../support/message.ts";
import { HERE, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;

const letter = (body: string) => whole(draft({ from: "@carol@far.example", to: [ALICE], body }));

/** Words of some messages that begin as no other word does, so that they are written out in the index. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [1, "zebra"],
  [250, "quokka"],
  [600, "okapi"],
  [2, "tapir"],
  [249, "ibex"],
  [599, "lemur"],
]);

const GONE = ["zebra", "quokka", "okapi"];
const KEPT = ["tapir", "ibex", "lemur"];

/** One with many words that no other has. */
const own = (i: number): string =>
  `${NAMES.get(i) ?? ""} ` + Array.from({ length: 300 }, (_, k) => `w${i}x${k}`).join(" ");

async function filled(): Promise<TestStore> {
  const store = await TestStore.open([ALICE]);
  for (let i = 1; i <= 600; i += 50) {
    await store.group(...Array.from({ length: 50 }, (_, k) => letter(own(i + k))));
  }
  return store;
}

async function removeSome(store: TestStore): Promise<void> {
  for (const message of [1, 250, 600]) {
    await store.writer.submit("delete", { message, for: ALICE });
  }
}

/** Are these words in the file of the index, whether they are found or not? */
function written(store: TestStore, words: readonly string[]): boolean[] {
  const blocks = store.rows("SELECT block FROM search_data")
    .map((row) => new TextDecoder("latin1").decode(row.blob("block")));
  return words.map((word) => blocks.some((block) => block.includes(word)));
}

Deno.test("search: words of deleted messages leave the index when it is cleaned, a piece at a time", async () => {
  await using store = await filled();
  assert.equal(await store.writer.submit("cleanIndex", null), false, "nothing was deleted");
  await removeSome(store);
  assert.deepEqual(written(store, GONE), [true, true, true]);
  let steps = 1;
  while (await store.writer.submit("cleanIndex", null)) steps++;
  assert.ok(steps > 3, `${steps} steps`);
  assert.deepEqual(written(store, GONE), [false, false, false]);
  assert.deepEqual(written(store, KEPT), [true, true, true]);
  assert.equal(await store.writer.submit("cleanIndex", null), false);
  store.audit({ deleted: true });
});

Deno.test("search: the index is cleaned while messages arrive and after a crash, and that has an end", async () => {
  await using first = await filled();
  await removeSome(first);
  assert.equal(await first.writer.submit("cleanIndex", null), true);
  await using store = first.crash();
  let steps = 0;
  while (await store.writer.submit("cleanIndex", null)) {
    await store.group(letter(own(1000 + steps)));
    assert.ok(++steps < 50);
  }
  assert.deepEqual(written(store, GONE), [false, false, false]);
  using search = new Search(store.folder);
  assert.equal(search.find(addressOf(ALICE), "-nothing", 10_000, 0).length, 597 + steps);
  store.audit({ deleted: true });
});

Deno.test("search: the only message's words are gone with it", async () => {
  await using store = await TestStore.open([ALICE]);
  await store.group(letter("walrus"));
  await store.writer.submit("delete", { message: 1, for: ALICE });
  while (await store.writer.submit("cleanIndex", null));
  assert.deepEqual(written(store, ["walrus"]), [false]);
  store.audit({ deleted: true });
});

// N2 searching on a thread of its own: what it finds, and who waits how long.

import assert from "node:assert/strict";
import { join } from "node:path";
import { QueryError, Search, SearchBusy, SearchThread, StoreError } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { HERE, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;

Deno.test("N2 the thread finds what a search here finds, for each address its own", async () => {
  await using store = await filled();
  using here = new Search(store.folder);
  using thread = new SearchThread(store.folder);
  const asked = [ALICE, BOB].flatMap((user) =>
    ["lunch", "-lunch", '"lunch 1"', "nothing"].map((query) => ({ user: addressOf(user), query }))
  );
  for (const { user, query } of asked) {
    for (const [limit, offset] of [[20, 0], [2, 1], [20, 9]] as const) {
      assert.deepEqual(
        await thread.find(user, query, limit, offset),
        here.find(user, query, limit, offset),
        `${user} ${query}`,
      );
    }
  }
});

Deno.test("N2 what cannot be searched for is refused before it goes to the thread", async () => {
  using thread = new SearchThread("/nowhere");
  await assert.rejects(thread.find(addressOf(ALICE), "", 20, 0), QueryError);
});

Deno.test("N2 whoever searches for too much at once is told to wait, and others are served", async () => {
  await using store = await filled();
  using thread = new SearchThread(store.folder);
  const find = (user: string) => thread.find(addressOf(user), "lunch", 20, 0);
  const searches = await Promise.allSettled([
    ...Array.from({ length: 6 }, () => find(ALICE)),
    find(BOB),
  ]);
  const outcomes = searches.map((search) =>
    search.status === "fulfilled" ? search.value.length : search.reason instanceof SearchBusy
  );
  assert.deepEqual(outcomes, [4, 4, 4, 4, true, true, 3]);
  assert.equal((await find(ALICE)).length, 4, "afterwards there is room again");
});

Deno.test("N2 a store that cannot be searched fails the search, and one that closes those that wait", async () => {
  {
    using thread = new SearchThread(join(Deno.makeTempDirSync({ prefix: "fmsg-store-" }), "none"));
    await assert.rejects(thread.find(addressOf(ALICE), "lunch", 20, 0), StoreError);
  }
  await using store = await filled();
  const thread = new SearchThread(store.folder);
  const waiting = assert.rejects(thread.find(addressOf(ALICE), "lunch", 20, 0), StoreError);
  thread[Symbol.dispose]();
  await waiting;
});

/** Four messages to Alice, three of them from Bob. */
async function filled(): Promise<TestStore> {
  const store = await TestStore.open([ALICE, BOB]);
  for (
    const [from, topic] of [[BOB, "Lunch 1"], [BOB, "Lunch 2"], [BOB, "Lunch 1 again"]] as const
  ) {
    sent(await store.send({ from, to: [ALICE], start: { topic } }));
  }
  sent(await store.send({ from: ALICE, to: [ALICE], start: { topic: "My own lunch" } }));
  return store;
}

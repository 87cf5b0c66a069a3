// What a host does by itself: old messages are deleted, and the space goes back.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Config, parseConfig } from "../../src/config.ts";
import { Housekeeping } from "../../src/host/housekeeping.ts";
import { Log } from "../../src/host/log.ts";
import { type Operation, Search, storeFile, StoreWriter } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft, noise } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { HERE, holdClock, TestStore, whole } from "../store/support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const DAY = 24 * 3600;

/** A log, and its lines without their times. */
function logged(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (text: string): void => {
    for (const line of text.trimEnd().split("\n")) {
      const { time: _, ...fields } = JSON.parse(line);
      lines.push(fields);
    }
  };
  return { log: new Log({ level: "info", readable: false, write }), lines };
}

function retention(yaml: string): () => Config {
  const config = parseConfig(`domain: ${HERE}\nretention: ${yaml}\n`, "fmsg.yaml");
  return () => config;
}

/** A writer whose operations are given to `run`. */
function writerOf(run: (operation: Operation) => Promise<number>): StoreWriter {
  return new StoreWriter({
    run: async (operations) => ({
      outcomes: await Promise.all(
        operations.map(async (operation) => ({ ok: true, value: await run(operation) }) as const),
      ),
      changes: [],
    }),
    close: () => Promise.resolve(),
  });
}

Deno.test("what is too old is deleted when the host starts, as the rules say, and a line tells of it", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const old = draft({ from: CAROL, to: [ALICE, BOB] });
  {
    using clock = holdClock();
    clock.at -= 40 * DAY;
    await store.accept(old);
    const others = () => whole(draft({ from: CAROL, to: [ALICE] }));
    await store.group(...Array.from({ length: 250 }, others));
  }
  const recent = draft({ from: CAROL, to: [ALICE, BOB] });
  await store.accept(recent);
  const { log, lines } = logged();
  {
    const rules = retention(`{max_age: 30d, users: {"${BOB.toUpperCase()}": null}}`);
    await using house = new Housekeeping(store.writer, rules, log);
    house.start();
    await waitFor(() => lines.length > 0);
  }
  assert.deepEqual(lines, [{
    level: "info",
    msg: "old messages are deleted, as retention says",
    messages: 251,
    bytes_given_back: 0,
  }]);
  assert.deepEqual(store.received(addressOf(ALICE)), [store.idOf(recent)]);
  assert.deepEqual(store.received(addressOf(BOB)), [store.idOf(recent), store.idOf(old)]);
  store.audit({ deleted: true });
});

Deno.test("the space of much that was deleted goes back to the file system", async () => {
  await using store = await TestStore.open([ALICE]);
  const body = noise(8 * 1024 * 1024);
  {
    using clock = holdClock();
    clock.at -= 2 * DAY;
    for (let i = 0; i < 10; i++) await store.accept(draft({ from: CAROL, to: [ALICE], body }));
  }
  const { log, lines } = logged();
  {
    await using house = new Housekeeping(store.writer, retention("{max_age: 1d}"), log);
    house.start();
    await waitFor(() => lines.length > 0);
  }
  assert.equal(lines[0]?.["messages"], 10);
  // 64 MiB are kept for what comes next.
  const bytes = Number(lines[0]?.["bytes_given_back"]);
  assert.ok(bytes > 12 * 1024 * 1024 && bytes < 24 * 1024 * 1024, `${bytes} bytes`);
});

Deno.test("housekeeping that is disposed of ends with the operation under way", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const names: string[] = [];
  await using writer = writerOf(({ name }) => {
    names.push(name);
    return promise;
  });
  const { log, lines } = logged();
  const house = new Housekeeping(writer, retention("{max_age: 1d}"), log);
  house.start();
  house.start();
  await waitFor(() => names.length > 0);
  const ended = house[Symbol.asyncDispose]();
  resolve(100);
  await ended;
  house.start();
  assert.deepEqual(names, ["expire"]);
  assert.equal(lines.length, 1, "what was deleted by then is told");
});

Deno.test("housekeeping that is asked for again begins at once, and leaves no timer of before", async () => {
  await using store = await TestStore.open();
  const rules = retention("{max_age: 1d}");
  let rounds = 0;
  const counted = (): Config => {
    rounds++;
    return rules();
  };
  await using house = new Housekeeping(store.writer, counted, logged().log);
  for (let round = 1; round <= 3; round++) {
    await waitFor(() => {
      house.start();
      return rounds >= round;
    });
  }
});

Deno.test("a store that cannot delete is no reason to end: it is tried again later", async () => {
  const { log, lines } = logged();
  await using writer = writerOf(() => Promise.reject(new Error("The disk is full")));
  {
    await using house = new Housekeeping(writer, retention("{max_age: 1d}"), log);
    house.start();
    await waitFor(() => lines.length > 0);
  }
  assert.deepEqual(lines, [{
    level: "error",
    msg: "old messages could not be deleted",
    error: "The disk is full",
  }]);
});

Deno.test("what an earlier program stored is indexed when the host starts, and a line tells when it is done", async () => {
  await using store = await TestStore.open([ALICE]);
  const letter = () => whole(draft({ from: CAROL, to: [ALICE], body: "walrus" }));
  await store.group(...Array.from({ length: 250 }, letter));
  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.exec("DELETE FROM search; UPDATE search_left SET below = 251");
  }
  const { log, lines } = logged();
  {
    await using house = new Housekeeping(store.writer, retention("{}"), log);
    house.start();
    await waitFor(() => lines.length > 0);
  }
  assert.deepEqual(lines, [{
    level: "info",
    msg: "the messages of an earlier program can be searched for now",
  }]);
  using search = new Search(store.folder);
  assert.equal(search.find(addressOf(ALICE), "walrus", 1000, 0).length, 250);
});

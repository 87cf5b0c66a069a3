// Room that is kept for a full disk (row P8): what does not store a message is done with it, and messages wait for more.

import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasRoom, RESERVE_SIZE } from "../../src/store/reserve.ts";
import { Writer } from "../../src/store/writer.ts";
import { draft, noise } from "../support/message.ts";
import { kept, partsOf } from "./drafting.ts";
import { HERE, results, sending, settings, TestStore, watchStatements, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const FROM = "@carol@far.example";
const FULL = "The disk is full: free some space and try again";
const RECORD = {
  name: "record",
  input: {
    message: 1,
    domain: "far.example",
    outcome: { kind: "failed", reason: "no" },
    nextAttempt: 0,
  },
} as const;

function reserve(folder: string): string {
  return join(folder, "reserve");
}

function letter() {
  return whole(draft({ from: FROM, to: [ALICE] }));
}

/** The next commits fail as on a full disk, until the reserve is given up. */
function fullUntilReleased(folder: string): Disposable {
  return watchStatements((sql) => {
    if (sql.startsWith("UPDATE outbound") && statSync(reserve(folder)).size > 0) {
      throw new Error("database or disk is full");
    }
  });
}

/** `work` finds no room for deleting content. */
async function withoutDeleting<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  using _full = watchStatements((sql) => {
    if (sql.startsWith("DELETE FROM content")) throw new Error("database or disk is full");
  });
  return await work();
}

Deno.test("P8 on a full disk the reserve is given up for what does not store, and taken again by itself", async () => {
  await using store = await TestStore.open([ALICE]);
  await store.group(sending({ from: ALICE, to: [FROM] }));
  // As large as it is, so that there is nothing to write.
  writeFileSync(reserve(store.folder), new Uint8Array(RESERVE_SIZE));
  await store.reopen();
  {
    using _full = fullUntilReleased(store.folder);
    const outcomes = await store.group(letter(), RECORD, letter());
    assert.deepEqual(results(outcomes), [FULL, "waiting", FULL]);
    assert.equal(store.count("message"), 1);
  }
  // The disk of this machine has room.
  assert.deepEqual(results(await store.group(letter())), [[200]]);
  assert.equal(statSync(reserve(store.folder)).size, RESERVE_SIZE);
  store.audit();
});

Deno.test("P8 on a full disk drafts are not written or sent, but can be made smaller and deleted", async () => {
  await using store = await TestStore.open([ALICE]);
  await store.group(sending({ from: ALICE, to: [ALICE, FROM] }));
  const words = { from: ALICE, to: [ALICE], body: "x" };
  const id = await kept(store, { ...words, attachments: { a: "1", b: "2" } });
  const gone = await kept(store, words);
  writeFileSync(reserve(store.folder), new Uint8Array(RESERVE_SIZE));
  await store.reopen();
  const content = { kind: "inline", bytes: new Uint8Array(1) } as const;
  const body = { type: "text/plain", size: 1, expandedSize: null };
  const fields = {
    ...{ from: ALICE, to: [ALICE], start: { topic: "" }, body, content },
    ...{ important: false, noReply: false },
  };
  const at = { draft: id, from: ALICE };
  {
    using _full = fullUntilReleased(store.folder);
    const outcomes = await store.group(
      { name: "draft", input: { ...fields, attachments: [] } },
      { name: "replaceDraft", input: { ...fields, id } },
      { name: "attach", input: { ...at, attachment: { ...body, filename: "c" }, content } },
      { name: "sendDraft", input: { id, from: ALICE } },
      RECORD,
      { name: "detach", input: { ...at, filename: "a" } },
      { name: "markRead", input: { message: 1, for: ALICE } },
      { name: "delete", input: { message: gone, for: ALICE, draft: true } },
    );
    assert.deepEqual(results(outcomes), [
      ...[FULL, FULL, FULL, FULL],
      ...["waiting", "drafted", "read", "deleted"],
    ]);
  }
  assert.deepEqual(partsOf(store, id), [["", "x"], ["b", "2"]]);
  store.audit({ drafts: 1 });
});

Deno.test("P8 what only stores does not cost the reserve", async () => {
  await using store = await TestStore.open([ALICE]);
  writeFileSync(reserve(store.folder), new Uint8Array(RESERVE_SIZE));
  await store.reopen();
  {
    using _full = watchStatements((sql) => {
      if (sql.startsWith("INSERT INTO message")) throw new Error("database or disk is full");
    });
    assert.deepEqual(results(await store.group(letter(), letter())), [FULL, FULL]);
  }
  assert.equal(statSync(reserve(store.folder)).size, RESERVE_SIZE);
  assert.deepEqual(results(await store.group(letter())), [[200]]);
});

Deno.test("P8 staged content that a full disk did not let go of goes after a later commit", async () => {
  await using store = await TestStore.open([ALICE]);
  await store.group({ name: "stage", input: { token: "t", bytes: noise(64 * 1024) } });
  const discarded = await withoutDeleting(() =>
    store.group({ name: "discard", input: { token: "t" } })
  );
  assert.deepEqual(results(discarded), [FULL]);
  store.audit({ staged: 1 });
  assert.deepEqual(results(await store.group(letter())), [[200]]);
  store.audit();
});

Deno.test("P8 a store opens though what a crash left staged cannot be removed, which is done later", async () => {
  await using store = await TestStore.open([ALICE]);
  await store.group({ name: "stage", input: { token: "t", bytes: noise(64 * 1024) } });
  await using crashed = await withoutDeleting(() => store.crash());
  crashed.audit({ staged: 1 });
  assert.deepEqual(results(await crashed.group(letter())), [[200]]);
  crashed.audit();
});

Deno.test("P8 a reserve that was given up means no room until the disk has it again", () => {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-store-" });
  try {
    assert.equal(hasRoom(folder, 0), true, "none, on a small disk");
    assert.equal(hasRoom(folder, 2 ** 60), false);
    writeFileSync(reserve(folder), "");
    assert.equal(hasRoom(folder, 0), true, "this machine's disk has room");
    using writer = Writer.open(folder, settings());
    writer.takeReserve();
    assert.equal(statSync(reserve(folder)).size, RESERVE_SIZE);
    assert.equal(statSync(reserve(folder)).mode & 0o777, 0o600);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

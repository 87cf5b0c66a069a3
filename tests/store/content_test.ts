// Content on its way into the store and out of it: staged in chunks, adopted, thrown away, swept.

import assert from "node:assert/strict";
import { concat } from "../../src/wire/mod.ts";
import {
  type Committed,
  ContentStaging,
  Mailbox,
  type Operation,
  StoreWriter,
} from "../../src/store/mod.ts";
import { draft, type Message, noise } from "../support/message.ts";
import { codes, HERE, results, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const FROM = "@carol@far.example";
const CHUNK = 64 * 1024;

function stage(token: string, bytes: Uint8Array): Operation {
  return { name: "stage", input: { token, bytes: new Uint8Array(bytes) } };
}

function discard(token: string): Operation {
  return { name: "discard", input: { token } };
}

/** A message whose content is staged under a token. */
function adopting(message: Message, token: string): Operation {
  const operation = whole(message);
  if (operation.name !== "accept") throw new TypeError("It is no accept");
  return { name: "accept", input: { ...operation.input, content: { kind: "staged", token } } };
}

async function partOf(store: TestStore, id: number, name: string | null): Promise<string | null> {
  using mailbox = new Mailbox(store.folder);
  const content = mailbox.content(id, name);
  return content === null ? null : concat(await Array.fromAsync(content)).toHex();
}

for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 7]) {
  Deno.test(`content of ${size} bytes is kept whole, in chunks, and read back`, async () => {
    await using store = await TestStore.open([ALICE]);
    const message = draft({ from: FROM, to: [ALICE], body: noise(size) });
    assert.deepEqual(codes(await store.accept(message)), [200]);
    assert.equal(store.count("chunk"), Math.ceil(size / CHUNK));
    const id = store.idOf(message);
    assert.equal(await partOf(store, id, null), message.payload.toHex());
    const [row] = store.rows("SELECT content FROM message");
    const wire = store.readAsHost((reader) =>
      concat([...reader.content(row?.integer("content") ?? 0, size)])
    );
    assert.equal(wire.toHex(), message.payload.toHex());
    store.audit();
  });
}

Deno.test("each part is read by its name, decompressed, wherever it lies in the chunks", async () => {
  await using store = await TestStore.open([ALICE]);
  const parts = [
    { filename: "before the end.bin", body: noise(CHUNK - 100) },
    { filename: "across.txt", body: "deflated ".repeat(20_000), compress: true },
    { filename: "empty", body: "" },
    { filename: "empty and compressed", body: "", compress: true },
    { filename: "Long.bin", body: noise(3 * CHUNK + 5) },
  ];
  const message = draft({ from: FROM, to: [ALICE], body: "the data", attachments: parts });
  await store.accept(message);
  const id = store.idOf(message);
  assert.equal(await partOf(store, id, null), new TextEncoder().encode("the data").toHex());
  for (const [i, { filename }] of parts.entries()) {
    assert.equal(await partOf(store, id, filename), message.content[i + 1]?.toHex(), filename);
  }
  assert.equal(await partOf(store, id, "none"), null);
  assert.equal(await partOf(store, 99, null), null);
});

Deno.test("content that vanishes while it is read ends with an error, not early", async () => {
  await using store = await TestStore.open([ALICE]);
  const original = draft({ from: FROM, to: [ALICE], body: noise(CHUNK + 10) });
  await store.accept(original);
  await using damaged = store.crash();
  await damaged.group();
  const { DatabaseSync } = await import("node:sqlite");
  using db = new DatabaseSync(`${damaged.folder}/fmsg.db`);
  db.exec("DELETE FROM chunk WHERE id % 1048576 = 1");
  await assert.rejects(partOf(damaged, 1, null), /10 bytes of this content are missing/);
});

Deno.test("what is staged and taken by nothing is thrown away when its scope ends", async () => {
  await using store = await TestStore.open([ALICE]);
  {
    await using staging = new ContentStaging(store.writer, 10 * CHUNK);
    await staging.write(noise(3 * CHUNK));
    await staging.write(noise(5));
    assert.equal(store.count("content"), 1);
  }
  assert.equal(store.count("content"), 0);
  store.audit();
});

Deno.test("P4 what a crash left staged is swept at the next start, and what was adopted stays", async () => {
  await using store = await TestStore.open([ALICE]);
  const message = draft({ from: FROM, to: [ALICE], body: noise(2 * CHUNK) });
  await store.accept(message);
  await using staging = new ContentStaging(store.writer, 3 * CHUNK);
  await staging.write(noise(3 * CHUNK));
  const source = await staging.source();
  store.audit({ staged: 1 });

  await using crashed = store.crash();
  crashed.audit();
  assert.deepEqual(
    crashed.rows("SELECT hash FROM message").map((row) => row.blob("hash").toHex()),
    [
      message.hash.toHex(),
    ],
  );
  if (source.kind !== "staged") assert.fail("it is small");
  const late = draft({ from: FROM, to: [ALICE], body: noise(3 * CHUNK) });
  const [outcome] = await crashed.group(adopting(late, source.token));
  assert.match(outcome?.ok === false ? outcome.message : "", /host restarted meanwhile/);
});

Deno.test("content is taken once: a second message with the same token is refused, a discard comes too late", async () => {
  await using store = await TestStore.open([ALICE]);
  const one = draft({ from: FROM, to: [ALICE], body: noise(CHUNK + 1) });
  const other = draft({ from: FROM, to: [ALICE], body: noise(CHUNK + 1) });
  await store.group(
    stage("t", one.payload.subarray(0, CHUNK)),
    stage("t", one.payload.subarray(CHUNK)),
  );
  const outcomes = await store.group(adopting(one, "t"), adopting(other, "t"), discard("t"));
  assert.deepEqual(outcomes.map(({ ok }) => ok), [true, false, true]);
  store.audit();
  await store.group(discard("t"));
  store.audit();
  assert.equal(await partOf(store, store.idOf(one), null), one.payload.toHex());
});

Deno.test("content that is kept for nobody is gone with the commit that says so", async () => {
  await using store = await TestStore.open([]);
  const message = draft({ from: FROM, to: [ALICE], body: noise(CHUNK + 1) });
  await store.group(stage("t", message.payload.subarray(0, CHUNK)));
  await store.group(stage("t", message.payload.subarray(CHUNK)));
  store.audit({ staged: 1 });
  assert.deepEqual(results(await store.group(adopting(message, "t"))), [[100]]);
  store.audit();
});

Deno.test("a chunk of a wrong length is refused with all that follow it, and leaves nothing behind", async () => {
  await using store = await TestStore.open([ALICE]);
  const [long, whole] = [noise(CHUNK + 1), noise(CHUNK)];
  const fates = async (...operations: Operation[]) =>
    (await store.group(...operations)).map(({ ok }) => ok);
  assert.deepEqual(await fates(stage("a", long), stage("a", whole), stage("a", whole)), [
    false,
    false,
    false,
  ]);
  assert.deepEqual(await fates(stage("b", noise(5)), stage("b", whole)), [true, false]);
  assert.deepEqual(await fates(stage("b", whole)), [false]);
  const message = draft({ from: FROM, to: [ALICE], body: noise(5) });
  assert.deepEqual(await fates(adopting(message, "b"), discard("a"), discard("b")), [
    false,
    true,
    true,
  ]);
  store.audit();
  assert.deepEqual(await fates(stage("b", whole), discard("b")), [true, true], "a new start");
  await fates(stage("c", long));
  assert.deepEqual(await fates(stage("c", whole), discard("c")), [true, true], "also this");
  store.audit();
});

Deno.test("content of more than one chunk has to be staged", async () => {
  await using store = await TestStore.open([ALICE]);
  const outcomes = await store.group(
    whole(draft({ from: FROM, to: [ALICE], body: noise(CHUNK + 1) })),
  );
  assert.deepEqual(results(outcomes), ["Content of more than one chunk has to be staged"]);
  store.audit();
});

Deno.test("more content than was declared is an error, at every size", async () => {
  await using store = await TestStore.open([]);
  for (const size of [0, 10, CHUNK, CHUNK + 1, 2 * CHUNK]) {
    await using staging = new ContentStaging(store.writer, size);
    await staging.write(noise(size));
    await assert.rejects(staging.write(noise(1)), RangeError);
  }
  assert.equal(store.count("content"), 0);
});

Deno.test("S3 no more than four chunks of a content are in memory, however slow the disk is", async () => {
  const release = Promise.withResolvers<void>();
  const groups: number[] = [];
  const done = (operations: readonly Operation[]): Committed => ({
    outcomes: operations.map(() => ({ ok: true, value: null })),
    changes: [],
  });
  await using writer = new StoreWriter({
    run: async (operations) => {
      groups.push(operations.length);
      await release.promise;
      return done(operations);
    },
    close: () => Promise.resolve(),
  });
  await using staging = new ContentStaging(writer, 20 * CHUNK);
  const written = staging.write(new Uint8Array(20 * CHUNK));
  // Whatever needs no answer of the writer has happened when a timer fires.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(groups, [1]);
  release.resolve();
  await written;
  await staging.source();
  assert.equal(groups.reduce((sum, length) => sum + length), 20);
  assert.ok(Math.max(...groups) <= 4, `${groups} chunks were under way together`);
});

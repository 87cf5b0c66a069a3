// The data of a message and its attachments, as an identity reads them: whole, in ranges, and their beginnings (row N7).

import assert from "node:assert/strict";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { type Bytes, concat } from "../../src/wire/mod.ts";
import {
  type ClientPart,
  Mailbox,
  type PartName,
  StoreError,
  storeFile,
} from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft, type Fields, noise } from "../support/message.ts";
import { as, keep, previewOf } from "./identities.ts";
import { HERE, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const CAROL = "@carol@far.example";
const CHUNK = 64 * 1024;

/** A store in which Alice has received a message with this content. */
async function received(
  fields: Omit<Fields, "from" | "to">,
): Promise<{ store: TestStore; id: number }> {
  const store = await TestStore.open([ALICE]);
  const message = draft({ from: CAROL, to: [ALICE], ...fields });
  await store.accept(message);
  return { store, id: store.idOf(message) };
}

/** Reads from a part of one message that Alice has. */
async function read(
  { store, id }: { readonly store: TestStore; readonly id: number },
  name: PartName,
  work: (part: ClientPart) => AsyncIterable<Bytes>,
): Promise<Bytes> {
  using mailbox = new Mailbox(store.folder);
  const part = mailbox.forIdentity(addressOf(ALICE)).part(id, name);
  assert.ok(part !== null, `there is no part ${name}`);
  const pieces = await Array.fromAsync(work(part));
  assert.ok(pieces.every((piece) => piece.length <= CHUNK), "a piece is larger than a chunk");
  return concat(pieces);
}

/** Counts the chunks that are read until it is disposed of. */
function countChunks(): Disposable & { readonly taken: number } {
  const { all, get } = StatementSync.prototype;
  let taken = 0;
  StatementSync.prototype.all = function (...values) {
    const rows = Reflect.apply(all, this, values);
    if (/\bchunk\b/.test(this.sourceSQL)) taken += rows.length;
    return rows;
  };
  StatementSync.prototype.get = function (...values) {
    if (this.sourceSQL.includes("FROM chunk")) taken++;
    return Reflect.apply(get, this, values);
  };
  return {
    get taken() {
      return taken;
    },
    [Symbol.dispose]: () => {
      Object.assign(StatementSync.prototype, { all, get });
    },
  };
}

for (const compress of [false, true]) {
  const kind = compress ? "compressed" : "uncompressed";
  Deno.test(`N7 any range of ${kind} data and attachments is that of the expanded bytes`, async () => {
    const bodies = [noise(3 * CHUNK + 5), noise(10), new Uint8Array(), noise(CHUNK)] as const;
    const [body, ...others] = bodies.map((bytes) => bytes.map((byte) => byte & 15));
    const attachments = others.map((body, i) => ({ filename: `file ${i}`, body, compress }));
    const came = await received({ body: body ?? "", compress, attachments });
    await using _store = came.store;
    for (const [i, bytes] of [body ?? new Uint8Array(), ...others].entries()) {
      const name = i === 0 ? null : `file ${i - 1}`;
      const { length } = bytes;
      for (
        const [start, end] of [
          [0, length],
          [0, 1],
          [1, 2],
          [CHUNK - 1, CHUNK + 1],
          [CHUNK, 2 * CHUNK],
          [length - 1, length],
          [length >> 1, length + 100],
          [length, length + 1],
          [5, 5],
        ] as const
      ) {
        const [from, to] = [Math.max(0, start), Math.max(0, end)];
        const part = await read(came, name, (part) => part.read(from, to));
        assert.deepEqual(part, bytes.slice(from, to), `${name}: ${from} to ${to} of ${length}`);
      }
      assert.deepEqual(await read(came, name, (part) => part.read()), bytes);
    }
  });
}

Deno.test("N7 a part tells its type, its size and its name; what there is not is null", async () => {
  const came = await received({
    body: "hello ".repeat(100),
    compress: true,
    attachments: [{ filename: "notes.pdf", type: "application/pdf", body: "pdf" }],
  });
  await using store = came.store;
  as(store, ALICE, (mailbox) => {
    const { read: _, ...data } = mailbox.part(came.id, null) ?? assert.fail();
    assert.deepEqual(data, { type: "text/plain;charset=UTF-8", size: 600, filename: null });
    const { read: __, ...notes } = mailbox.part(came.id, "notes.pdf") ?? assert.fail();
    assert.deepEqual(notes, { type: "application/pdf", size: 3, filename: "notes.pdf" });
    assert.equal(mailbox.part(came.id, "other.pdf"), null);
    assert.equal(mailbox.part(came.id, ""), null);
    assert.equal(mailbox.part(99, null), null);
  });
});

Deno.test("N7 a range of uncompressed data reads no chunk but its own", async () => {
  const came = await received({ body: noise(20 * CHUNK) });
  await using _store = came.store;
  using chunks = countChunks();
  await read(came, null, (part) => part.read(10 * CHUNK + 1, 10 * CHUNK + 2));
  assert.equal(chunks.taken, 1);
});

Deno.test("N7 inflating keeps no more than a bounded way ahead of its reader, and ends with that", async () => {
  const came = await received({ body: noise(40 * CHUNK), compress: true });
  await using store = came.store;
  using chunks = countChunks();
  using mailbox = new Mailbox(store.folder);
  const part = mailbox.forIdentity(addressOf(ALICE)).part(came.id, null) ?? assert.fail();
  const reading = part.read();
  await reading.next();
  const ahead = chunks.taken;
  assert.ok(ahead < 25, `${ahead} chunks were read for the first piece`);
  await reading.return();
  const ended = chunks.taken;
  for await (const _ of part.read(0, 10)) { /* the one piece */ }
  const ranged = chunks.taken - ended;
  assert.ok(ranged < 25, `${ranged} chunks were read for the range`);

  // All of it: by far long enough for what was abandoned to be seen, were it going on.
  const before = chunks.taken;
  const { length } = await Array.fromAsync(part.read());
  assert.ok(length >= 40);
  assert.equal(chunks.taken - before, 41, "each chunk once, and nothing else");
});

Deno.test("N7 a download of what is deleted meanwhile ends with an error, not with too few bytes", async () => {
  for (const compress of [false, true]) {
    const came = await received({ body: noise(40 * CHUNK), compress });
    await using store = came.store;
    await assert.rejects(
      read(came, null, async function* (part) {
        let first = true;
        for await (const piece of part.read()) {
          if (first) await store.writer.submit("delete", { message: came.id, for: null });
          first = false;
          yield piece;
        }
      }),
      (error) =>
        error instanceof StoreError && /bytes of this content are missing/.test(error.message),
    );
  }
});

Deno.test("N7 parts of a draft are read as those of a message, by its sender", async () => {
  await using store = await TestStore.open([ALICE]);
  const id = await keep(store, ALICE, [CAROL], { body: "the draft's data" });
  const file = noise(1000);
  const attached = await store.writer.submit("attach", {
    draft: id,
    from: ALICE,
    attachment: { filename: "a file", type: "image/png", size: 1000, expandedSize: null },
    content: { kind: "inline", bytes: file },
  });
  assert.equal(attached.kind, "drafted");
  const came = { store, id };
  const text = new TextDecoder();
  assert.equal(text.decode(await read(came, null, (part) => part.read(4, 9))), "draft");
  assert.deepEqual(await read(came, "a file", (part) => part.read(10, 20)), file.slice(10, 20));
  as(store, ALICE, (mailbox) => {
    assert.equal(text.decode(previewOf(mailbox, id, 9) ?? undefined), "the draft");
    assert.equal(mailbox.part(id, "a file")?.type, "image/png");
    assert.equal(mailbox.part(id, "no file"), null);
  });
});

Deno.test("N2 a preview is the beginning of the data, compressed or not", async () => {
  const body = "Grüße aus der Ferne. ".repeat(10_000);
  const bytes = new TextEncoder().encode(body);
  for (const compress of [false, true]) {
    const came = await received({ body, compress });
    await using store = came.store;
    as(store, ALICE, (mailbox) => {
      for (const most of [0, 1, 100, 768, 200_000]) {
        assert.deepEqual(previewOf(mailbox, came.id, most), bytes.slice(0, most), `${most} bytes`);
      }
      assert.deepEqual(previewOf(mailbox, came.id, 1e9), bytes, "all of it");
    });
  }
  const empty = await received({ body: "" });
  await using store = empty.store;
  assert.deepEqual(
    as(store, ALICE, (mailbox) => previewOf(mailbox, empty.id, 10)),
    new Uint8Array(),
  );
});

Deno.test("N2 a preview of data that inflates a thousandfold reads only its beginning", async () => {
  const came = await received({ body: new Uint8Array(10_000_000), compress: true });
  await using store = came.store;
  using chunks = countChunks();
  const preview = as(store, ALICE, (mailbox) => previewOf(mailbox, came.id, 768));
  assert.deepEqual(preview, new Uint8Array(768));
  assert.equal(chunks.taken, 1);
});

Deno.test("N2 data that is damaged has no preview, and lists with it go on", async () => {
  const came = await received({ body: "hello ".repeat(100), compress: true });
  await using store = came.store;
  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.exec("UPDATE chunk SET bytes = zeroblob(length(bytes))");
  }
  as(store, ALICE, (mailbox) => {
    assert.deepEqual(mailbox.received(9, 0).map(({ id }) => id), [came.id]);
    assert.equal(previewOf(mailbox, came.id, 100), null);
  });
});

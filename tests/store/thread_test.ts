// The writer in a thread of its own, the gathering of operations for it, and the lock on its folder.

import assert from "node:assert/strict";
import {
  type Committed,
  ContentStaging,
  DirectoryLock,
  lockOwner,
  Mailbox,
  openWriterHere,
  openWriterThread,
  type Operation,
  StoreError,
  StoreFailure,
  StoreWriter,
  type WriterBackend,
} from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft, type Message, noise } from "../support/message.ts";
import { audit } from "./audit.ts";
import { codes, HERE, settings } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const FROM = "@carol@far.example";
const CHUNK = 64 * 1024;
const USER = { address: ALICE, name: "", accepting: true, limits: {} };

/** A folder that is gone after the test. */
function folder(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "fmsg-store-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

async function accept(writer: StoreWriter, message: Message): Promise<readonly number[]> {
  await using staging = new ContentStaging(writer, message.payload.length);
  await staging.write(message.payload);
  const { header, headerHash, hash } = message;
  const content = await staging.source();
  const accepted = await writer.submit("accept", {
    header,
    headerHash,
    messageHash: hash,
    content,
    answer: null,
  });
  staging.adopted();
  return codes(accepted);
}

Deno.test("P4 the thread commits what everybody submits at once, small and large, and closes", async () => {
  using place = folder();
  const backend = await openWriterThread(place.path, settings());
  {
    await using writer = new StoreWriter(backend);
    await writer.submit("addUser", USER);
    const sizes = [...Array(20).keys(), CHUNK, 3 * CHUNK + 1, 5 * CHUNK];
    const messages = sizes.map((size) => draft({ from: FROM, to: [ALICE], body: noise(size) }));
    const accepted = await Promise.all(messages.map((message) => accept(writer, message)));
    assert.deepEqual(accepted, messages.map(() => [200]));
    assert.deepEqual(await accept(writer, draft({ from: FROM, to: [`@bob@${HERE}`] })), [100]);
    using mailbox = new Mailbox(place.path);
    assert.equal(mailbox.received(addressOf(ALICE), 100, 0).length, sizes.length);
  }
  audit(place.path);
});

Deno.test("chunks that share a buffer, as those from the control socket do, arrive whole", async () => {
  using place = folder();
  await using writer = new StoreWriter(await openWriterThread(place.path, settings()));
  await writer.submit("addUser", USER);
  const message = draft({ from: FROM, to: [ALICE], body: noise(4 * CHUNK) });
  const frame = new Uint8Array(4 * CHUNK + 100);
  frame.set(message.payload, 19);
  const chunks = [0, 1, 2, 3].map((i) => frame.subarray(19 + i * CHUNK, 19 + (i + 1) * CHUNK));
  await Promise.all(chunks.map((bytes) => writer.submit("stage", { token: "t", bytes })));
  const { header, headerHash, hash } = message;
  const accepted = await writer.submit("accept", {
    header,
    headerHash,
    messageHash: hash,
    content: { kind: "staged", token: "t" },
    answer: null,
  });
  assert.deepEqual(codes(accepted), [200]);
  audit(place.path);
});

Deno.test("settings that change while the thread runs hold from the next group on", async () => {
  using place = folder();
  const backend = await openWriterThread(place.path, settings());
  await using writer = new StoreWriter(backend);
  assert.deepEqual(await accept(writer, draft({ from: FROM, to: [ALICE] })), [100]);
  backend.configure(settings({ discloseUsers: false }));
  assert.deepEqual(await accept(writer, draft({ from: FROM, to: [ALICE] })), [105]);
});

Deno.test("a thread whose store cannot be opened says why, and is gone", async () => {
  using place = folder();
  Deno.writeTextFileSync(`${place.path}/fmsg.db`, "This is no database. ".repeat(100));
  await assert.rejects(openWriterThread(place.path, settings()), (error) => {
    assert.ok(error instanceof StoreError);
    assert.match(error.message, /file is not a database/);
    return true;
  });
});

Deno.test("an operation that cannot be handed to the thread fails, and the thread goes on", async () => {
  using place = folder();
  await using writer = new StoreWriter(await openWriterThread(place.path, settings()));
  const bytes = new Uint8Array(CHUNK);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  await assert.rejects(writer.submit("stage", { token: "t", bytes }), StoreFailure);
  assert.equal(await writer.submit("addUser", USER), true);
});

Deno.test("the writer in this thread does the same, for a command", async () => {
  using place = folder();
  {
    await using writer = new StoreWriter(openWriterHere(place.path, settings()));
    await writer.submit("addUser", USER);
    const message = draft({ from: FROM, to: [ALICE], body: noise(2 * CHUNK) });
    assert.deepEqual(await accept(writer, message), [200]);
  }
  audit(place.path);
  const { mode } = Deno.statSync(`${place.path}/fmsg.db`);
  assert.equal((mode ?? 0) & 0o777, 0o600, "nobody else reads it");
});

/** A backend whose groups end when the test says so. */
class HeldBackend implements WriterBackend {
  readonly groups: (readonly Operation[])[] = [];
  closed = false;
  #ends: PromiseWithResolvers<void>[] = [];

  async run(operations: readonly Operation[]): Promise<Committed> {
    assert.equal(this.closed, false, "it is closed");
    this.groups.push(operations);
    const end = Promise.withResolvers<void>();
    this.#ends.push(end);
    await end.promise;
    return {
      outcomes: operations.map(() => ({ ok: true, value: 1 })),
      changes: [{ kind: "outbound", domain: "far.example" }],
    };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  end(error?: Error): void {
    const end = this.#ends.shift();
    if (error === undefined) end?.resolve();
    else end?.reject(error);
  }
}

const RETRY = { message: null };

Deno.test("what arrives while a group is under way is the next group", async () => {
  const backend = new HeldBackend();
  const changes: unknown[] = [];
  const writer = new StoreWriter(backend, { changed: (changed) => changes.push(...changed) });
  const first = writer.submit("retry", RETRY);
  const others = [1, 2, 3].map(() => writer.submit("retry", RETRY));
  assert.deepEqual(backend.groups.map(({ length }) => length), [1]);
  backend.end();
  assert.equal(await first, 1);
  assert.deepEqual(backend.groups.map(({ length }) => length), [1, 3]);
  backend.end();
  assert.deepEqual(await Promise.all(others), [1, 1, 1]);
  assert.equal(changes.length, 2, "the host hears of each commit");
  await writer[Symbol.asyncDispose]();
});

Deno.test("a group that fails fails all its operations, and the next is carried out", async () => {
  const backend = new HeldBackend();
  await using writer = new StoreWriter(backend);
  const first = writer.submit("retry", RETRY);
  const second = writer.submit("retry", RETRY);
  backend.end(new Error("no thread"));
  await assert.rejects(first, (error) => {
    assert.ok(error instanceof StoreFailure);
    assert.equal(error.message, "no thread");
    return true;
  });
  backend.end();
  assert.equal(await second, 1);
});

Deno.test("closing waits for what was submitted, also by those who hear of the last commit", async () => {
  const backend = new HeldBackend();
  const writer = new StoreWriter(backend);
  const later = writer.submit("retry", RETRY).then(() => writer.submit("retry", RETRY));
  const closing = writer[Symbol.asyncDispose]();
  backend.end();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(backend.closed, false);
  backend.end();
  await closing;
  assert.equal(await later, 1);
  assert.equal(backend.closed, true);
});

Deno.test("what is submitted to a closed store fails at once", async () => {
  using place = folder();
  const writer = new StoreWriter(await openWriterThread(place.path, settings()));
  await writer[Symbol.asyncDispose]();
  await writer[Symbol.asyncDispose]();
  await assert.rejects(writer.submit("retry", RETRY), /The store is closed/);
});

Deno.test("one process at a time holds a folder, and others learn which", () => {
  using place = folder();
  const lock = DirectoryLock.take(place.path);
  assert.ok(lock !== null);
  assert.equal(DirectoryLock.take(place.path), null);
  assert.equal(lockOwner(place.path), `${Deno.pid}`);
  lock[Symbol.dispose]();
  const again = DirectoryLock.take(place.path);
  assert.ok(again !== null);
  again[Symbol.dispose]();
  assert.throws(() => DirectoryLock.take(`${place.path}/none`), /Cannot use the data directory/);
});

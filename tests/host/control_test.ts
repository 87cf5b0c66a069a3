// The control socket: commands give a running host operations for its writer.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { ControlServer, controlSocket } from "../../src/host/control.ts";
import { connectToHost, type HostConnection } from "../../src/host/control_client.ts";
import { MAX_FRAME } from "../../src/host/frames.ts";
import { OPERATOR } from "./operator.ts";
import {
  type ContentSource,
  ContentStaging,
  type NewUser,
  type Send,
  StoreFailure,
  StoreWriter,
} from "../../src/store/mod.ts";
import { PROGRAM_VERSION } from "../../src/version.ts";
import { HERE, TestStore } from "../store/support.ts";
import { PATIENCE, waitFor, within } from "../support/wait.ts";

const ALICE = `@alice@${HERE}`;

interface Running {
  readonly store: TestStore;
  readonly folder: string;
  stop(): Promise<void>;
}

/** A store with its control socket, as a running host has them. */
async function running(test: (host: Running) => Promise<void>): Promise<void> {
  await using store = await TestStore.open([ALICE]);
  const { folder } = store;
  const server = new ControlServer(folder, store.writer, OPERATOR);
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => stopped ??= server[Symbol.asyncDispose]();
  try {
    await within(2 * PATIENCE, "the test", test({ store, folder, stop }));
  } finally {
    await within(PATIENCE, "stopping", stop());
  }
}

async function asOperator(folder: string): Promise<HostConnection> {
  const host = await connectToHost(folder);
  assert.ok(host !== null, "no host answers");
  return host;
}

/** The writer of a command beside the host. */
async function command(folder: string): Promise<StoreWriter> {
  return new StoreWriter(await asOperator(folder));
}

function user(name: string): NewUser {
  return { address: `@${name}@${HERE}`, name: "", accepting: true, limits: {} };
}

function message(content: ContentSource, size: number): Send {
  return {
    from: ALICE,
    to: ["@bob@there.example"],
    start: { topic: "Hello" },
    body: { type: "text/plain", size, expandedSize: null },
    attachments: [],
    content,
    important: false,
    noReply: false,
  };
}

/** A connection on which a test says what it likes. */
class Raw implements Disposable {
  private constructor(readonly connection: Deno.UnixConn) {}

  static async open(folder: string): Promise<Raw> {
    return new Raw(await Deno.connect({ transport: "unix", path: controlSocket(folder) }));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
  }

  /** A frame: its length, and then this. */
  async frame(body: Uint8Array, length = body.length): Promise<void> {
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, length);
    await this.write(Buffer.concat([head, body]));
  }

  async value(value: unknown): Promise<void> {
    await this.frame(new Uint8Array(serialize(value)));
  }

  /** What the host answers; null when it closed the connection. */
  async answer(): Promise<unknown> {
    const head = await this.#read(4);
    if (head === null) return null;
    const body = await this.#read(new DataView(head.buffer).getUint32(0));
    return body === null ? null : deserialize(body);
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const reading = this.connection.read(bytes.subarray(at)).catch((error) => {
        // What the host had not read when it closed.
        if (error instanceof Deno.errors.ConnectionReset) return null;
        throw error;
      });
      const read = await within(PATIENCE, "an answer", reading);
      if (read === null) return null;
      at += read;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}

Deno.test("a command's operations are carried out by the host, and their values come back", () =>
  running(async ({ store, folder }) => {
    await using writer = await command(folder);
    assert.equal(await writer.submit("addUser", user("bob")), true);
    assert.equal(await writer.submit("addUser", user("bob")), false);
    assert.equal(store.count("user"), 2);
    const bytes = new TextEncoder().encode("hi");
    const sent = await writer.submit("send", message({ kind: "inline", bytes }, 2));
    assert.ok(sent.kind === "sent");
    assert.equal(sent.hash.length, 32);
  }));

Deno.test("the host hears of what a command changed", () =>
  running(async ({ store, folder }) => {
    await using writer = await command(folder);
    const bytes = new TextEncoder().encode("hi");
    await writer.submit("send", message({ kind: "inline", bytes }, 2));
    assert.deepEqual(store.changes, [{ kind: "outbound", domain: "there.example" }]);
  }));

Deno.test("an operation that fails tells why, and takes no other along", () =>
  running(async ({ folder }) => {
    await using writer = await command(folder);
    const bad = assert.rejects(
      writer.submit("addUser", { ...user("bob"), address: "nonsense" }),
      (error) => error instanceof StoreFailure && /"nonsense" is no address/.test(error.message),
    );
    assert.equal(await writer.submit("addUser", user("bob")), true);
    await bad;
  }));

Deno.test("many commands at once are each served", () =>
  running(async ({ store, folder }) => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await using writer = await command(folder);
        assert.equal(await writer.submit("addUser", user(`user-${i}`)), true);
      }),
    );
    assert.equal(store.count("user"), 21);
  }));

Deno.test("content that a command staged is kept when a message takes it", () =>
  running(async ({ store, folder }) => {
    const size = 200_000;
    {
      await using writer = await command(folder);
      await using staging = new ContentStaging(writer, size);
      await staging.write(new Uint8Array(size));
      const sent = await writer.submit("send", message(await staging.source(), size));
      assert.ok(sent.kind === "sent");
      staging.adopted();
    }
    store.audit();
    assert.equal(store.count("chunk"), 4);
  }));

Deno.test("content that a command staged is thrown away when the command goes away", () =>
  running(async ({ store, folder }) => {
    {
      using raw = await Raw.open(folder);
      const input = { token: crypto.randomUUID(), bytes: new Uint8Array(65_536) };
      await raw.value({
        version: PROGRAM_VERSION,
        kind: "operations",
        operations: [{ name: "stage", input }],
      });
      await raw.answer();
      assert.equal(store.count("chunk"), 1);
    }
    await waitFor(() => store.count("chunk") === 0);
    assert.equal(store.count("content"), 0);
  }));

Deno.test("a host that cannot tell its status says why, and goes on", () =>
  running(async ({ folder }) => {
    using host = await asOperator(folder);
    await assert.rejects(host.status(), {
      message: "The host cannot tell its status: There is nothing to tell; see its log",
    });
    assert.deepEqual(await host.bans(), []);
  }));

Deno.test("an address that cannot be banned is refused with the reason", () =>
  running(async ({ folder }) => {
    using host = await asOperator(folder);
    await assert.rejects(host.ban("192.0.2.1", null), { message: "192.0.2.1 cannot be banned" });
    assert.equal(await host.lift("192.0.2.1"), false);
  }));

Deno.test("a command of another version is refused with what to do, and nothing is carried out", () =>
  running(async ({ store, folder }) => {
    using raw = await Raw.open(folder);
    const operations = [{ name: "addUser", input: user("bob") }];
    await raw.value({ version: "0.0.0", kind: "operations", operations });
    assert.deepEqual(await raw.answer(), {
      kind: "refused",
      message:
        `the running host is fmsg ${PROGRAM_VERSION}: restart it, or use that version of the command`,
    });
    assert.equal(store.count("user"), 1);
  }));

for (
  const [what, say] of [
    ["nothing", () => Promise.resolve()],
    ["half a frame", (raw) => raw.frame(new Uint8Array(10), 100)],
    ["an endless frame", (raw) => raw.frame(new Uint8Array(10), 0xffff_ffff)],
    ["rubbish", (raw) => raw.frame(crypto.getRandomValues(new Uint8Array(100)))],
    ["an empty frame", (raw) => raw.frame(new Uint8Array())],
    ["a value that is no request", (raw) => raw.value("hello")],
    [
      "operations that are none",
      (raw) => raw.value({ version: PROGRAM_VERSION, kind: "operations", operations: [7, null] }),
    ],
    [
      "an operation without its input",
      (raw) =>
        raw.value({
          version: PROGRAM_VERSION,
          kind: "operations",
          operations: [{ name: "stage" }],
        }),
    ],
    [
      "an operation that does not exist",
      (raw) =>
        raw.value({
          version: PROGRAM_VERSION,
          kind: "operations",
          operations: [{ name: "drop", input: {} }],
        }),
    ],
  ] satisfies [string, (raw: Raw) => Promise<void>][]
) {
  Deno.test(`S3 whoever says ${what} disturbs nobody`, () =>
    running(async ({ folder }) => {
      {
        using raw = await Raw.open(folder);
        await say(raw);
        await using beside = await command(folder);
        assert.equal(await beside.submit("addUser", user("bob")), true);
      }
      await using after = await command(folder);
      assert.equal(await after.submit("addUser", user("carol")), true);
    }));
}

Deno.test("S3 a frame larger than any request is not waited for", () =>
  running(async ({ folder }) => {
    using raw = await Raw.open(folder);
    await raw.frame(new Uint8Array(10), MAX_FRAME + 1);
    assert.equal(await raw.answer(), null);
  }));

Deno.test("only the host's user and group may use the socket", () =>
  running(({ folder }) => {
    const { mode } = Deno.statSync(controlSocket(folder));
    assert.equal((mode ?? 0) & 0o777, 0o660);
    return Promise.resolve();
  }));

Deno.test("where no host runs, none answers: without a socket, and with one left by a crash", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-control-" });
  try {
    assert.equal(await connectToHost(folder), null);
    // A process that dies leaves the file, on which nobody listens.
    const listener = Deno.listen({ transport: "unix", path: `${folder}/other.sock` });
    Deno.linkSync(`${folder}/other.sock`, controlSocket(folder));
    listener.close();
    assert.ok(existsSync(controlSocket(folder)));
    assert.equal(await connectToHost(folder), null);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a data directory whose path leaves no room for the socket is refused with what to do", async () => {
  // With "/control.sock" 107 bytes, and one more.
  const longest = `/${"é".repeat(46)}x`;
  assert.equal(controlSocket(longest), `${longest}/control.sock`);
  assert.equal(await connectToHost(longest), null);
  await assert.rejects(
    connectToHost(`${longest}y`),
    /^StoreError: data_dir: .*y is too long: .* 108 bytes, more than 107; choose a shorter one$/,
  );
});

Deno.test("a host takes the place of a socket that a crash left", async () => {
  await using store = await TestStore.open([ALICE]);
  Deno.writeTextFileSync(controlSocket(store.folder), "");
  await using _server = new ControlServer(store.folder, store.writer, OPERATOR);
  await using writer = await command(store.folder);
  assert.equal(await writer.submit("addUser", user("bob")), true);
});

Deno.test("a host that stops closes its connections and leaves no socket", () =>
  running(async ({ folder, stop }) => {
    await using writer = await command(folder);
    await writer.submit("addUser", user("bob"));
    using idle = await Raw.open(folder);
    await stop();
    assert.equal(await idle.answer(), null);
    assert.equal(await connectToHost(folder), null);
    assert.ok(!existsSync(controlSocket(folder)));
    await assert.rejects(writer.submit("addUser", user("carol")), StoreFailure);
  }));

Deno.test("S3 a host without a file descriptor left does not end, and serves when it has some again", async () => {
  const child = new URL("control_child.ts", import.meta.url).pathname;
  const { stdout, stderr, success } = await new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 60 && exec "$0" run -A "$1"', Deno.execPath(), child],
    // It would want descriptors of its own.
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert.ok(success, text(stderr));
  assert.equal(text(stdout), "0\n");
});

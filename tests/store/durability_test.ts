// What was answered is on disk: a process that writes is killed, and its store is opened again (row P4).

import assert from "node:assert/strict";
import { openWriterHere, StoreWriter } from "../../src/store/mod.ts";
import { openForReading } from "../../src/store/opening.ts";
import { audit } from "./audit.ts";
import { HERE, settings } from "./support.ts";

/** Accepts and sends without end, and prints the hash of a message once its submit has resolved. */
const WRITES = `
import { ContentStaging, openWriterThread, StoreWriter } from "${url("../../src/store/mod.ts")}";
import { draft, noise } from "${url("../support/message.ts")}";
import { codes, HERE, sending, settings } from "${url("./support.ts")}";

const alice = "@alice@" + HERE;
const writer = new StoreWriter(await openWriterThread(Deno.args[0], settings()));
await writer.submit("addUser", { address: alice, name: "", accepting: true, limits: {} });

function done(hash) {
  Deno.stdout.writeSync(new TextEncoder().encode(hash.toHex() + "\\n"));
}

async function accept(size) {
  const message = draft({ from: "@carol@far.example", to: [alice], body: noise(size) });
  await using staging = new ContentStaging(writer, size);
  await staging.write(message.payload);
  const { header, headerHash, hash } = message;
  const content = await staging.source();
  await writer.submit("accept", { header, headerHash, messageHash: hash, content, answer: null });
  staging.adopted();
  done(hash);
}

async function send() {
  const { input } = sending({ from: alice, to: ["@carol@far.example", alice], body: "news" });
  done((await writer.submit("send", input)).hash);
}

for (;;) await Promise.all([accept(10), accept(300_000), send(), accept(70_000), accept(0)]);
`;

function url(path: string): string {
  return new URL(path, import.meta.url).href;
}

for (const printed of [1, 8, 40]) {
  Deno.test(`P4 a writer that is killed after ${printed} answers has lost none of them, and left no half message`, async () => {
    const folder = Deno.makeTempDirSync({ prefix: "fmsg-store-" });
    try {
      const answered = await killAfter(printed, folder);
      // Whoever opens it next sweeps what was on its way.
      await new StoreWriter(openWriterHere(folder, settings()))[Symbol.asyncDispose]();
      audit(folder);
      using db = openForReading(folder);
      const stored = new Set(
        db.all("SELECT hash FROM message").map((row) => row.blob("hash").toHex()),
      );
      assert.ok(answered.length >= printed);
      assert.deepEqual(answered.filter((hash) => !stored.has(hash)), []);
      const kept = db.all("SELECT key FROM recipient WHERE state = 'local'");
      assert.ok(kept.length >= printed && kept.every((row) => row.text("key").endsWith(HERE)));
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

/** Runs the writer until it has printed so many hashes, kills it, and gives all that it printed. */
async function killAfter(count: number, folder: string): Promise<string[]> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", WRITES, folder],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  let killed = false;
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (killed || text.split("\n").length <= count) continue;
    child.kill("SIGKILL");
    killed = true;
  }
  assert.equal((await child.status).signal, "SIGKILL");
  return text.split("\n").slice(0, -1);
}

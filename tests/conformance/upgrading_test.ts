// A host is upgraded as its operator does it: stopped, and started with a newer program.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { PERMISSIONS } from "../../scripts/compile/flags.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { draft } from "../support/message.ts";
import { World } from "../support/world.ts";

const CHECKOUT = join(import.meta.dirname ?? ".", "..", "..");

/** The schema's version that this checkout knows. */
const KNOWN = MIGRATIONS.length;
const NEWER = KNOWN + 1;

/** The program of this checkout as version 9.9.9, which knows one more step of the schema; it may what a built one may. */
async function newerProgram(folder: string): Promise<string[]> {
  for (const part of ["main.ts", "src", "docs", "deno.json", "deno.lock", "fmsg.example.yaml"]) {
    cpSync(join(CHECKOUT, part), join(folder, part), { recursive: true });
  }
  await edit(join(folder, "src", "store", "schema.ts"), /\n\];\n/, (end) => {
    return `\n{ since: "9.9.9", sql: "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT" },${end}`;
  });
  await edit(join(folder, "deno.json"), /"version": "[^"]+"/, () => '"version": "9.9.9"');
  return ["run", ...PERMISSIONS, join(folder, "main.ts")];
}

async function edit(file: string, what: RegExp, to: (found: string) => string): Promise<void> {
  const text = await Deno.readTextFile(file);
  assert.match(text, what);
  await Deno.writeTextFile(file, text.replace(what, to));
}

Deno.test("upgrade: a newer program takes a host over, and an older one says which version is needed", async () => {
  await using world = await World.make();
  const host = await world.host({ users: ["alice", "bob"] });
  const peer = await world.peer();
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const before = await host.send({ from: alice, to: [bob], body: "before" });
  await host.stop();

  await host.start({ program: await newerProgram(join(world.folder, "newer")) });
  const line = await host.logLine(({ msg }) => /the store was upgraded/.test(String(msg)));
  const copy = join(host.dataDir, `fmsg.db.version-${KNOWN}`);
  assert.deepEqual([line.from, line.to], [KNOWN, NEWER]);
  assert.equal(line.copy, copy);
  assert.deepEqual((await peer.send(draft({ from: `@x@${peer.domain}`, to: [alice] }))).codes, [
    64,
    200,
  ]);
  assert.equal(await host.stop(), 0);

  const refused = await host.cli(["host", "run"]);
  assert.equal(refused.code, 1);
  assert.ok(
    refused.stderr.includes(
      `has version ${NEWER}, this program knows ${KNOWN}: use fmsg 9.9.9 or newer`,
    ),
    refused.stderr,
  );
  const asked = await host.cli(["list", bob]);
  assert.equal(asked.code, 1);
  assert.match(asked.stderr, /^fmsg: The store .* use fmsg 9\.9\.9 or newer; this is .+\n$/);

  // The way back that the log line names.
  await Deno.mkdir(join(host.folder, "upgraded"));
  for (const name of ["fmsg.db", "fmsg.db-wal", "fmsg.db-shm"]) {
    const file = join(host.dataDir, name);
    await Deno.rename(file, join(host.folder, "upgraded", name)).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  const restored = await host.cli(["host", "restore", copy]);
  assert.equal(restored.code, 0, restored.stderr);
  const [listed] = await host.list(bob);
  assert.equal(listed?.hash, before.hash);
});

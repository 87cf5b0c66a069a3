// The executable that the tests bring to their servers, and a later version of it.

import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../../../", import.meta.url).pathname;
const FOLDER = join(tmpdir(), `fmsg-system-${crypto.randomUUID()}`);

export const PROGRAM = join(FOLDER, "fmsg");

/** Once for all tests of a run. */
export async function build(): Promise<void> {
  await Deno.mkdir(FOLDER);
  try {
    await compile(ROOT, PROGRAM);
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

export async function cleanUp(): Promise<void> {
  await Deno.remove(FOLDER, { recursive: true });
}

/** The same with a higher version, which stores something differently. */
export const NEWER = join(FOLDER, "fmsg-newer");
export const NEWER_VERSION = "0.9.0";

export async function buildNewer(): Promise<void> {
  const root = join(FOLDER, "checkout");
  await Deno.mkdir(root);
  const copy = new Deno.Command("cp", {
    args: ["-r", ...PARTS.map((part) => join(ROOT, part)), root],
  });
  assert.ok((await copy.output()).success);
  await change(join(root, "deno.json"), /"version": ".*"/, `"version": "${NEWER_VERSION}"`);
  await change(
    join(root, "src/store/schema.ts"),
    /(export const MIGRATIONS[^]*?)^\];$/m,
    `$1  { since: "${NEWER_VERSION}", sql: "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT" },\n];`,
  );
  await compile(root, NEWER);
}

/** What the executable is made from. */
const PARTS = ["deno.json", "deno.lock", "docs", "fmsg.example.yaml", "main.ts", "scripts", "src"];

async function compile(root: string, output: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "compile", "--output", output],
    cwd: root,
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, said);
}

async function change(file: string, what: RegExp, by: string): Promise<void> {
  const text = await Deno.readTextFile(file);
  assert.match(text, what);
  await Deno.writeTextFile(file, text.replace(what, by));
}

// The form that carries a runtime: how it unpacks itself, and what it does when it cannot.

import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { V8_FLAGS } from "../../scripts/compile/flags.ts";
import { waitFor } from "../support/wait.ts";
import {
  CACHE,
  type Choices,
  emptyFolder,
  entryOf,
  filesBelow,
  filledCache,
  firstStarts,
  fmsg,
  IS_ROOT,
  lock,
  type Ran,
  SELF_EXTRACTING,
  STRANGER,
} from "./support.ts";

const VERSION = /^\d+\.\d+\.\d+ \(.+\)\n$/;

function version(choices: Choices): Promise<Ran> {
  return fmsg(["--version"], { program: SELF_EXTRACTING, ...choices });
}

function assertStarted({ code, stdout, stderr }: Ran): void {
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, VERSION);
}

Deno.test("two that start at once with an empty cache both start, and leave one copy", () => {
  assert.equal(firstStarts.length, 2);
  firstStarts.forEach(assertStarted);
  assert.match(basename(entryOf(CACHE)), /^[0-9a-f]{32}$/);
});

Deno.test("a file and a folder that cannot be written to are no hindrance, nor is another user than the builder", async () => {
  const folder = emptyFolder();
  const program = join(folder, "fmsg");
  Deno.copyFileSync(SELF_EXTRACTING, program);
  Deno.chmodSync(program, 0o555);
  lock(folder);
  const HOME = emptyFolder();
  if (IS_ROOT) Deno.chownSync(HOME, STRANGER, STRANGER);
  assertStarted(await version({ program, cwd: folder, env: { HOME }, asStranger: true }));
  assert.deepEqual(filesBelow(folder), ["fmsg"]);
  entryOf(join(HOME, ".cache", "fmsg"));
});

Deno.test("the cache is where $CACHE_DIRECTORY, $XDG_CACHE_HOME, $HOME or $TMPDIR say, the first that can be used", async () => {
  const HOME = emptyFolder();
  const XDG_CACHE_HOME = emptyFolder();
  const TMPDIR = emptyFolder();
  Deno.chmodSync(TMPDIR, 0o1777);
  // Found there, it is unpacked nowhere else.
  filledCache(join(XDG_CACHE_HOME, "fmsg"));
  assertStarted(await version({ env: { HOME, XDG_CACHE_HOME, TMPDIR } }));
  entryOf(join(XDG_CACHE_HOME, "fmsg"));
  assert.deepEqual([...Deno.readDirSync(XDG_CACHE_HOME)].map(({ name }) => name), ["fmsg"]);
  assert.deepEqual([filesBelow(HOME), filesBelow(TMPDIR)], [[], []]);

  // Neither is of use: a home that cannot be written to, and a path that is relative.
  lock(HOME);
  const env = { HOME, TMPDIR, XDG_CACHE_HOME: "cache" };
  assertStarted(await version({ env, asStranger: true }));
  const own = join(TMPDIR, `fmsg-${IS_ROOT ? STRANGER : Deno.uid()}`);
  entryOf(own);
  assert.equal((Deno.statSync(own).mode ?? 0) & 0o777, 0o700);
  // A second start finds it there.
  assertStarted(await version({ env, asStranger: true }));
});

Deno.test("a file that is damaged or incomplete says so in one line, and leaves nothing in the cache", async () => {
  const whole = Deno.readFileSync(SELF_EXTRACTING);
  const flipped = whole.slice();
  // Well behind the header, and so far in front that it is noticed soon.
  const place = whole.length >> 3;
  flipped[place] = (flipped[place] ?? 0) ^ 1;
  for (const bytes of [whole.subarray(0, place), flipped]) {
    const cache = emptyFolder();
    const program = join(emptyFolder(), "fmsg");
    Deno.writeFileSync(program, bytes, { mode: 0o755 });
    const { code, stdout, stderr } = await version({ program, env: { CACHE_DIRECTORY: cache } });
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.equal(stderr, `fmsg: ${program} is damaged or incomplete: get it again\n`);
    assert.deepEqual(filesBelow(cache), []);
  }
});

Deno.test("a disk without room says so in one line, and leaves nothing in the cache", async () => {
  const cache = emptyFolder();
  // No file may become larger than 20 MiB, which the runtime is.
  const { code, stderr } = await fmsg([
    "-c",
    'ulimit -f 40960; exec "$0" --version',
    SELF_EXTRACTING,
  ], {
    program: "/bin/sh",
    env: { CACHE_DIRECTORY: cache },
  });
  assert.equal(code, 1);
  const [line, ...others] = stderr.trim().split("\n").filter((line) => line.startsWith("fmsg:"));
  assert.match(
    line ?? "",
    /^fmsg: cannot write the \d+ MB of the program to .+: make room there, /,
  );
  assert.deepEqual(others, []);
  assert.deepEqual(filesBelow(cache), []);
});

Deno.test("a copy in the cache that lacks something is made whole again", async () => {
  const { cache, entry } = filledCache();
  const env = { CACHE_DIRECTORY: cache };
  const main = join(entry, "main.js");
  const { size } = Deno.statSync(main);
  Deno.truncateSync(main, size - 1);
  assertStarted(await version({ env }));
  assert.equal(Deno.statSync(main).size, size);
  Deno.removeSync(main);
  assertStarted(await version({ env }));
});

Deno.test("the program has the permissions and the memory that it was made for, and knows the file that was started", async () => {
  const { cache, entry } = filledCache();
  const env = { CACHE_DIRECTORY: cache };
  const main = join(entry, "main.js");
  const { size } = Deno.statSync(main);
  Deno.writeTextFileSync(main, PROBE.padEnd(size));
  const { stdout, stderr } = await fmsg(["a b", ""], {
    program: `./${basename(SELF_EXTRACTING)}`,
    cwd: dirname(SELF_EXTRACTING),
    env,
  });
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), {
    args: ["a b", ""],
    granted: ["net", "read", "write", "env", "sys"],
    mib: Number(/--max-old-space-size=(\d+)/.exec(V8_FLAGS)?.[1]),
    path: "/bin",
    program: SELF_EXTRACTING,
    umask: 0o022,
  });
});

/** Stands in for the program. The limit of the heap counts the young generation too: three times its half. */
const PROBE = `
  import v8 from "node:v8";
  const names = ["run", "net", "ffi", "read", "write", "env", "sys", "import"];
  console.log(JSON.stringify({
    args: Deno.args,
    granted: names.filter((name) => Deno.permissions.querySync({ name }).state === "granted"),
    mib: v8.getHeapStatistics().heap_size_limit / 1024 / 1024 - 3 * 2,
    path: Deno.env.get("PATH"),
    program: Deno.env.get("FMSG_PROGRAM"),
    umask: Deno.umask(),
  }));
`;

function unpacking(cache: string): Deno.ChildProcess {
  return new Deno.Command(SELF_EXTRACTING, {
    args: ["--version"],
    clearEnv: true,
    env: { PATH: "/bin", CACHE_DIRECTORY: cache },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    // A group of its own, as a terminal and a service manager make one.
    detached: true,
  }).spawn();
}

Deno.test("a signal while it unpacks ends it, and leaves nothing half done", async () => {
  const cache = emptyFolder();
  const child = unpacking(cache);
  try {
    await waitFor(() => filesBelow(cache).length > 0, { what: "the program to unpack" });
  } finally {
    Deno.kill(-child.pid, "SIGTERM");
  }
  const { signal } = await child.status;
  assert.equal(signal, "SIGTERM");
  await waitFor(() => filesBelow(cache).length === 0, { what: "the remains to go" });
});

/** What is left in a cache that one unpacks into after others: each name, or what it is there for. */
interface Swept {
  readonly started: Ran;
  /** What somebody had left who was killed while it unpacked. */
  readonly remains: string;
  readonly left: readonly string[];
}

let swept: Promise<Swept> | null = null;

/** What somebody unpacks at this moment. */
const UNDER_WAY = `.new.${Deno.pid}.AbCdEf`;

/** One unpacking for all tests that look at what goes with it. */
async function sweep(): Promise<Swept> {
  const cache = emptyFolder();
  const folder = join(cache, "program");
  const child = unpacking(cache);
  try {
    await waitFor(() => filesBelow(cache).length > 0, { what: "the program to unpack" });
  } finally {
    Deno.kill(-child.pid, "SIGKILL");
  }
  await child.status;
  const [remains = "", ...others] = namesIn(folder);
  assert.deepEqual(others, []);
  for (const name of ["unused", "used", UNDER_WAY]) Deno.mkdirSync(join(folder, name));
  Deno.copyFileSync("/bin/sleep", join(folder, "used", "fmsg"));
  const long = new Date(0);
  for (const name of ["unused", "used"]) Deno.utimeSync(join(folder, name), long, long);
  const running = new Deno.Command(join(folder, "used", "fmsg"), { args: ["60"], stdin: "null" })
    .spawn();
  try {
    const started = await version({ env: { CACHE_DIRECTORY: cache } });
    return { started, remains, left: namesIn(folder) };
  } finally {
    running.kill("SIGKILL");
    await running.status;
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("copies of earlier versions go, but not one from which a program runs", async () => {
  const { started, left } = await (swept ??= sweep());
  assertStarted(started);
  const [entry = "", ...others] = left.filter((name) => !name.startsWith("."));
  assert.match(entry, /^[0-9a-f]{32}$/);
  assert.deepEqual(others, ["used"]);
});

Deno.test("what one left that was killed while it unpacked goes when the next has unpacked", async () => {
  const { started, remains, left } = await (swept ??= sweep());
  assertStarted(started);
  assert.match(remains, /^\.new\./);
  // What somebody unpacks at this moment stays.
  assert.deepEqual(left.filter((name) => name.startsWith(".")), [UNDER_WAY]);
});

Deno.test("nothing of the shared cache was damaged by all this", async () => {
  assertStarted(await version({ env: { CACHE_DIRECTORY: CACHE } }));
});

// fmsg host init that fails, is interrupted or killed on the way: everything is as it was, or whole.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { carryOut } from "../../src/cli/init/carry_out.ts";
import { readFlags } from "../../src/cli/init/flags.ts";
import { lookAround } from "../../src/cli/init/found.ts";
import { type Plan } from "../../src/cli/init/plan.ts";
import { prepare } from "../../src/cli/init/prepare.ts";
import { PROGRAM } from "../support/host_commands.ts";
import { sleep } from "../support/wait.ts";
import { InitPlace } from "./init_place.ts";

Deno.test("init: when the last file cannot be written, the ones before it and the folders are gone again", async () => {
  using place = new InitPlace();
  const ran = await place.init("--domain=a.test", "--user=alice", "--unit=/proc/fmsg.service");
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /^Wrote .*fmsg\.yaml$/m);
  assert.match(
    ran.stderr,
    /Everything is as it was\.\nfmsg: Cannot write \/proc\/fmsg\.service: [^\n]*\n$/,
  );
  assert.deepEqual(place.snapshot(), []);
});

Deno.test("init: when a later step fails, a changed configuration is what it was, with its mode", async () => {
  using place = new InitPlace();
  place.write("# Mine\ndomain: a.test\nlisten: 127.0.0.1:0\n", "etc", "fmsg.yaml");
  Deno.chmodSync(place.config, 0o604);
  const before = place.snapshot();
  const ran = await place.init("--unit=/proc/fmsg.service", "--listen=127.0.0.2:0");
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /^Changed .*fmsg\.yaml$/m);
  assert.deepEqual(place.snapshot(), before);
});

Deno.test("init: when the store cannot be used, nothing of the set-up stays, and nothing in the folder is touched", async () => {
  using place = new InitPlace();
  place.write("This is no database, and somebody may want it. ".repeat(100), "data", "fmsg.db");
  place.write("mine", "data", "notes.txt");
  const before = Deno.readTextFileSync(place.path("data", "fmsg.db"));
  const ran = await place.init("--domain=a.test", "--user=alice");
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /Everything is as it was\.\nfmsg: [^\n]+\n$/);
  assert.ok(!existsSync(place.path("etc")));
  assert.equal(Deno.readTextFileSync(place.path("data", "fmsg.db")), before);
  assert.equal(place.read("data", "notes.txt"), "mine");
});

Deno.test("init: a file that changes after it was read is not written over", async () => {
  using place = new InitPlace();
  place.write("domain: a.test\n", "etc", "fmsg.yaml");
  const plan = await planIn(place, "--listen=127.0.0.2:0");
  Deno.writeTextFileSync(place.config, "domain: a.test # saved in an editor meanwhile\n");
  const before = place.snapshot();
  await assert.rejects(
    carryOut(plan, new AbortController().signal, () => {}),
    /Cannot write .*fmsg\.yaml: it has changed meanwhile/,
  );
  assert.deepEqual(place.snapshot(), before);
});

Deno.test("init: an interruption between any two steps leaves everything as it was", async () => {
  using place = new InitPlace();
  place.write("# Mine\ndomain: a.test\n", "etc", "fmsg.yaml");
  const flags = ["--user=alice", `--unit=${place.path("units", "fmsg.service")}`];
  const before = place.snapshot();
  const steps = (await planIn(place, ...flags)).files.length;
  assert.equal(steps, 6);
  for (let last = 0; last <= steps; last++) {
    const plan = await planIn(place, ...flags);
    const interrupted = new AbortController();
    let done = 0;
    const interrupt = (): void => interrupted.abort(new Error("interrupted"));
    if (last === 0) interrupt();
    await assert.rejects(
      carryOut(plan, interrupted.signal, () => ++done === last && interrupt()),
      /interrupted/,
    );
    assert.equal(done, last);
    assert.deepEqual(place.snapshot(), before, `after ${last} files`);
  }
});

Deno.test("init: an interruption while the user is added takes the user back, and leaves the others", async () => {
  using place = new InitPlace();
  await place.init("--domain=a.test", "--user=alice");
  const plan = await planIn(place, "--user=bob", "--domain=a.test");
  assert.deepEqual(plan.files.filter(({ text, before }) => text !== before), []);
  const interrupted = new AbortController();
  const carrying = carryOut(plan, interrupted.signal, () => {});
  // By now it waits for the store, which is asked for the first time after everything else.
  interrupted.abort(new Error("interrupted"));
  await assert.rejects(carrying, /interrupted/);
  const users = await place.run("user", "list", "--config", place.config);
  assert.match(users.stdout, /^@alice@a\.test [^\n]*\n$/);
});

Deno.test("init: killed at any moment it leaves the old configuration or the new one, never a torn one", async () => {
  using place = new InitPlace();
  const old = `domain: a.test\n${"# A comment that makes the file long.\n".repeat(500)}`;
  for (const delay of [0, 1, 2, 4, 8]) {
    place.write(old, "etc", "fmsg.yaml");
    using watcher = Deno.watchFs(place.path("etc"));
    const child = new Deno.Command(Deno.execPath(), {
      args: [...PROGRAM, "host", "init", "--yes", ...place.flags],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    // From the moment in which the first file appears, which may be told of when it is gone again already.
    for await (const event of watcher) if (event.kind !== "access") break;
    await sleep(delay);
    child.kill("SIGKILL");
    await child.status;
    const text = place.read("etc", "fmsg.yaml");
    assert.equal(loadConfig(place.config).domain, "a.test");
    if (text !== old) assert.equal(loadConfig(place.config).data_dir, place.data);
    const others = [...Deno.readDirSync(place.path("etc"))].map(({ name }) => name);
    assert.deepEqual(others.filter((name) => !/^ca|^fmsg\.yaml$|\.partial$/.test(name)), []);
  }
});

Deno.test("init: an interruption while the store is made leaves no store, and no folder", async () => {
  using place = new InitPlace();
  const plan = await planIn(place, "--user=bob", "--domain=a.test");
  const interrupted = new AbortController();
  const carrying = carryOut(plan, interrupted.signal, () => {});
  interrupted.abort(new Error("interrupted"));
  await assert.rejects(carrying, /interrupted/);
  assert.deepEqual(place.snapshot(), []);
});

async function planIn(place: InitPlace, ...flags: string[]): Promise<Plan> {
  const value = (name: string): string | undefined =>
    flags.find((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3);
  const given = readFlags({
    config: place.config,
    dataDir: place.data,
    listen: [value("listen") ?? "127.0.0.1:0"],
    certificate: "self-made",
    unit: value("unit") ?? false,
    ...pick("domain", value("domain")),
    ...pick("user", value("user")),
  });
  return (await prepare(given, lookAround(given), null, false)).plan;
}

function pick<Name extends string>(
  name: Name,
  value: string | undefined,
): { [N in Name]?: string } {
  const picked: { [N in Name]?: string } = {};
  if (value !== undefined) picked[name] = value;
  return picked;
}

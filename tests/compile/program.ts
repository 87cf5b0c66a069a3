// What the program does as an executable, whichever form could be made.

import assert from "node:assert/strict";
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { World } from "../support/world.ts";
import { built, CACHE, emptyFolder, EXECUTABLE, filesBelow, fmsg, RunningHost } from "./support.ts";

Deno.test("the build prints file, size, SHA-256 and start-up time, and what it could not have", async () => {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", Deno.readFileSync(EXECUTABLE)),
  ).toHex();
  assert.ok(built.stdout.includes(EXECUTABLE));
  assert.ok(built.stdout.includes(hash));
  assert.match(built.stdout, /^size +\d+\.\d MB$/m);
  assert.match(built.stdout, /^start-up +\d+\.\d\d s \(median\), \d+\.\d\d s the first time$/m);
  assert.match(
    built.stderr,
    /^$|^The base binary of deno compile cannot be downloaded \(.+\): .+\n$/,
  );
});

Deno.test("--version names the version and the commit, and -dirty where the checkout has changes", async () => {
  const { code, stdout, stderr } = await fmsg(["--version"]);
  const [version, commit] = /^(\S+) \((.+)\)\n$/.exec(stdout)?.slice(1) ?? [];
  assert.deepEqual({ code, stderr, version }, { code: 0, stderr: "", version: manifest.version });
  assert.match(commit ?? "", /^[0-9a-f]{7,}(-dirty)?$|^unknown commit$/);
});

Deno.test("the demo runs in an empty folder with nothing in the environment but PATH=/bin, and leaves nothing", async () => {
  const cwd = emptyFolder();
  const TMPDIR = emptyFolder();
  const { code, stdout, stderr } = await fmsg(["demo"], {
    cwd,
    env: { TMPDIR, CACHE_DIRECTORY: CACHE },
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /the same on both hosts/);
  assert.deepEqual([filesBelow(cwd), filesBelow(TMPDIR)], [[], []]);
});

Deno.test("two hosts exchange messages, are backed up while they run, and end with 0 after SIGTERM and SIGINT", async () => {
  await using world = await World.make();
  const [one, two] = [
    await world.host({ start: false, api: true }),
    await world.host({ start: false }),
  ];
  const [alice, bob] = [one.address("alice"), two.address("bob")];
  await using first = await RunningHost.start(one.configFile);
  await using second = await RunningHost.start(two.configFile);
  const json = async (config: string, args: readonly string[], stdin = ""): Promise<unknown> => {
    const { code, stdout, stderr } = await fmsg([...args, "--config", config, "--json"], { stdin });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  await json(one.configFile, ["user", "add", alice]);
  await json(two.configFile, ["user", "add", bob]);

  const words = ["send", "--from", alice, "--to", bob, "--topic", "Lunch", "--wait", "-"];
  await json(one.configFile, words, "At noon?\n");
  const received = await json(two.configFile, ["list", bob]);
  assert.ok(Array.isArray(received));
  assert.equal(received.length, 1);
  const { id } = received[0];
  const body = await fmsg(["save", String(id), "--body", "-o", "-", "--config", two.configFile]);
  assert.equal(body.stdout, "At noon?\n");

  const page = await one.api.get("/", { headers: { "accept-encoding": "identity" } });
  assert.equal(page.status, 200);
  const [, script = ""] = /src="([^"]+)"/.exec(page.text) ?? [];
  assert.equal((await one.api.get(script)).status, 200);

  const backup = join(world.folder, "backup.db");
  await json(two.configFile, ["host", "backup", backup]);
  assert.ok(Deno.statSync(backup).size > 0);
  const { version } = Object(await json(two.configFile, ["host", "status"]));
  assert.equal(`${version}\n`, (await fmsg(["--version"])).stdout);

  assert.equal(await first.stop("SIGTERM"), 0);
  assert.equal(await second.stop("SIGINT"), 0);
});

Deno.test("arguments and exit statuses pass through: 0 done, 1 failed, 2 used wrongly", async () => {
  const statuses = await Promise.all(
    [["help", "send"], ["show", "1", "--config", configFile()], ["no such command"]].map((args) =>
      fmsg(args)
    ),
  );
  assert.deepEqual(statuses.map(({ code }) => code), [0, 1, 2]);
  assert.match(statuses[2]?.stderr ?? "", /^fmsg: Unknown command 'no such command'.*\n$/);
});

Deno.test("what lies in the current folder and at home changes nothing and is not added to", async () => {
  const HOME = emptyFolder();
  const cwd = emptyFolder();
  for (const name of ["deno.json", "deno.lock", "package.json", ".npmrc", ".env"]) {
    Deno.writeTextFileSync(join(cwd, name), "{ this is nothing");
  }
  Deno.mkdirSync(join(cwd, "node_modules"));
  const { code, stderr } = await fmsg(["--version"], {
    cwd,
    env: { HOME, CACHE_DIRECTORY: CACHE },
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.deepEqual(filesBelow(HOME), []);
  assert.equal(filesBelow(cwd).length, 5);
});

/** Of a host without a store. */
function configFile(): string {
  const folder = emptyFolder();
  const file = join(folder, "fmsg.yaml");
  Deno.writeTextFileSync(file, `domain: example.com\ndata_dir: ${folder}\n`);
  return file;
}

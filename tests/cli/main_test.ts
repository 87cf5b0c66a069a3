import assert from "node:assert/strict";
import { runCommandLine } from "../../src/cli/main.ts";
import { nearest } from "../../src/cli/suggest.ts";
import { width } from "../../src/cli/terminal.ts";
import { PROGRAM_VERSION } from "../../src/version.ts";
import { capturing, Place, type Ran } from "./support.ts";

const MAIN = new URL("../../main.ts", import.meta.url).href;

Deno.test("a mistyped command or flag ends with status 2 and one line that says what was meant", async () => {
  const mistyped: [line: string, complaint: string][] = [
    ["lsit @a@a.test", "Unknown command 'lsit'; did you mean list?"],
    ["USER list", "Unknown command 'USER'; did you mean user?"],
    ["usre list --json", "Unknown command 'usre'; did you mean user?"],
    ["user ad @a@a.test", "Unknown command 'ad'; did you mean add?"],
    ["user delete @a@a.test", "Unknown command 'delete'; see \"fmsg user --help\""],
    ["user list --jsn", "Unknown option '--jsn'; did you mean --json?"],
    ["--jsn user list", "Unknown option '--jsn'; did you mean --json?"],
    [
      "user set @a@a.test --acepting=false",
      "Unknown option '--acepting=false'; did you mean --accepting?",
    ],
    [
      "user set @a@a.test --max-message 5",
      "Unknown option '--max-message'; did you mean --max-messages?",
    ],
    ["user list -x", "Unknown option '-x'; see \"fmsg user list --help\""],
    ["show", "Missing required argument 'id'; see \"fmsg show --help\""],
    ["list @a@a.test --limit", "Option '--limit <n>' argument missing; see \"fmsg list --help\""],
    ["help usr", "Unknown command 'usr'; did you mean user?"],
    ["help user ad", "Unknown command 'ad'; did you mean add?"],
    ["\x1b[2J", "Unknown command '\\x1b[2J'; see \"fmsg --help\""],
  ];
  for (const [line, complaint] of mistyped) {
    const { status, stdout, stderr } = await run(line.split(" "));
    assert.equal(stderr, `fmsg: ${complaint}\n`);
    assert.equal(status, 2);
    assert.equal(stdout, "");
  }
});

Deno.test("what is too many is told, with the way to the help", async () => {
  const { status, stderr } = await run(["show", "1", "2"]);
  assert.equal(status, 2);
  assert.match(stderr, /^fmsg: Too many arguments for 'show'.*; see "fmsg show --help"\n$/);
});

Deno.test("without a command the help goes to stderr, and the status is 2", async () => {
  for (
    const [words, usage] of [[[], "fmsg"], [["--json"], "fmsg"], [["user"], "fmsg user"]] as const
  ) {
    const { status, stdout, stderr } = await run([...words]);
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.ok(stderr.startsWith(`Usage: ${usage} [options] [command]\n`), stderr);
  }
});

Deno.test("help that was asked for goes to stdout, the same whichever way one asks", async () => {
  const ways = [["help", "user", "add"], ["user", "help", "add"], ["user", "add", "--help"], [
    "user",
    "add",
    "-h",
  ], ["help", "user", "add", "@alice@a.test"]];
  for (const words of ways) {
    const { status, stdout, stderr } = await run(words);
    assert.equal(status, 0);
    assert.equal(stderr, "");
    assert.ok(stdout.startsWith("Usage: fmsg user add [options] <address>\n"), stdout);
  }
  assert.deepEqual(await run(["help"]), await run(["--help"]));
  assert.match((await run(["help", "send"])).stdout, /^Usage: fmsg send /);
});

Deno.test("every command has help with an example, inside 80 columns of a terminal", async () => {
  const commands = "send;add-to;list;show;thread;save;queue;queue list;queue retry;queue cancel;" +
    "user;user add;user list;user show;user set;user remove;host";
  for (const name of ["", ...commands.split(";")]) {
    const { status, stdout } = await run([...name.split(" ").filter(Boolean), "--help"], 80);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`\\nExamples?:\\n  fmsg ${name}`), name);
    const prose = stdout.slice(0, stdout.indexOf("\nExample"));
    assert.ok(prose.split("\n").every((line) => width(line) <= 80), prose);
  }
});

Deno.test("--version prints the version", async () => {
  for (const flag of ["--version", "-V"]) {
    const { status, stdout } = await run([flag]);
    assert.equal(status, 0);
    assert.equal(stdout, `${PROGRAM_VERSION}\n`);
  }
});

Deno.test("--config and --json may stand before, between and behind the words of a command", async () => {
  using place = new Place();
  const config = ["--config", place.config];
  await place.addUsers("a");
  const expected = await run(["user", "show", "@a@a.test", "--json", ...config]);
  assert.equal(expected.status, 0);
  const ways = [
    [...config, "--json", "user", "show", "@a@a.test"],
    ["--json", "user", ...config, "show", "@a@a.test"],
    ["user", "show", ...config, "--json", "@a@a.test"],
    ["user", "--json", "show", "@a@a.test", `--config=${place.config}`],
  ];
  for (const words of ways) assert.deepEqual(await run(words), expected);
  const last = await run(["--config", "/nowhere", "user", "list", ...config]);
  assert.equal(last.status, 0);
});

Deno.test("a configuration that is missing or wrong ends with status 2 and names the file", async () => {
  using place = new Place();
  const missing = await run(["user", "list", "--config", `${place.dir}/none.yaml`]);
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /^fmsg: .*\/none\.yaml: there is no such file, [^\n]*\n$/);
  Deno.writeTextFileSync(place.config, "domain: a.test\nlisten_on: 5\n");
  const wrong = await place.run(["user", "list"]);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^fmsg: .*\/fmsg\.yaml:2: listen_on: [^\n]*\n$/);
});

Deno.test("an error is one line; its stack comes with FMSG_DEBUG=1 only", async () => {
  using place = new Place();
  Deno.writeTextFileSync(`${place.dir}/data`, "this is no folder");
  const list = async (debug: string): Promise<Ran> =>
    await spawn(["user", "list", "--config", place.config], { FMSG_DEBUG: debug });
  const plain = await list("");
  assert.equal(plain.status, 1);
  assert.equal(plain.stdout, "");
  assert.match(plain.stderr, /^fmsg: [^\n]+\n$/);
  const debug = await list("1");
  assert.equal(debug.status, 1);
  assert.match(debug.stderr, /^fmsg: [^\n]+\n.*\n {4}at /);
});

Deno.test("a reader who has seen enough ends the command quietly", async () => {
  using place = new Place();
  await place.addUsers("a");
  await place.receiveAll(
    Array.from({ length: 500 }, () => ({ from: "@x@b.test", to: ["@a@a.test"] })),
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      MAIN,
      "list",
      "@a@a.test",
      "--json",
      "--limit=500",
      "--config",
      place.config,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // 500 messages are more than a pipe holds, so the command meets its closed end.
  await child.stdout.cancel();
  const stderr = await new Response(child.stderr).text();
  assert.equal(stderr, "");
  assert.equal((await child.status).code, 0);
});

Deno.test("in a pipe there are no colours and no control characters", async () => {
  using place = new Place();
  await place.addUsers("a");
  await place.receive({ from: "@x@b.test", to: ["@a@a.test"], body: "hello" });
  const { stdout } = await spawn(["show", "1", "--config", place.config], {});
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f]/);
});

Deno.test("suggestions are the nearest words, and none where all are far", () => {
  const words = ["add", "list", "show", "set", "remove", "accepting"];
  assert.deepEqual(nearest("lits", words), ["list"]);
  assert.deepEqual(nearest("shw", words), ["show"]);
  assert.deepEqual(nearest("removee", words), ["remove"]);
  assert.deepEqual(nearest("acepting", words), ["accepting"]);
  assert.deepEqual(nearest("sed", ["set", "send", "red"]), ["red", "send", "set"]);
  assert.deepEqual(nearest("", words), []);
  assert.deepEqual(nearest("x".repeat(10_000), words), []);
  assert.deepEqual(nearest("delete", words), []);
});

async function run(words: readonly string[], columns?: number): Promise<Ran> {
  const output = capturing(columns);
  const status = await runCommandLine(words, output.to);
  return { status, ...output.taken() };
}

async function spawn(words: readonly string[], env: Record<string, string>): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...words],
    env: { FORCE_COLOR: "", FMSG_DEBUG: "", ...env },
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { status: code, stdout: text(stdout), stderr: text(stderr), bytes: stdout };
}

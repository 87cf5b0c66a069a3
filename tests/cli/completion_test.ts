import assert from "node:assert/strict";
import { join } from "node:path";
import { signIn } from "./sign_in.ts";
import { Place, type Ran } from "./support.ts";
import { runCommandLine } from "../../src/cli/main.ts";
import { capturing } from "./support.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

Deno.test("bash completes commands at every level", async () => {
  await using bash = await Bash.start();
  assert.deepEqual(await bash.complete("fmsg us"), ["user"]);
  assert.deepEqual(await bash.complete("fmsg user s"), ["set", "show"]);
  assert.deepEqual(await bash.complete("fmsg host bans "), ["add", "lift", "list"]);
  assert.deepEqual(await bash.complete("fmsg --json user li"), ["link", "list"]);
  assert.deepEqual(await bash.complete("fmsg nonsense us"), []);
  assert.deepEqual(await bash.complete("fmsg complete-a"), []);
});

Deno.test("bash completes the options of a command, and no others", async () => {
  await using bash = await Bash.start();
  assert.deepEqual(await bash.complete("fmsg user set @a@a.test --acc"), ["--accepting"]);
  assert.deepEqual(await bash.complete("fmsg user list --"), ["--config", "--help", "--json"]);
  assert.deepEqual(await bash.complete("fmsg save 7 -"), [
    "--body",
    "--config",
    "--force",
    "--help",
    "--json",
    "--output",
    "-h",
    "-o",
  ]);
  assert.deepEqual(await bash.complete("fmsg list -- --j"), []);
});

Deno.test("bash completes values that are one of a few, behind a blank and behind =", async () => {
  await using bash = await Bash.start();
  assert.deepEqual(await bash.complete("fmsg user set @a@a.test --accepting "), ["false", "true"]);
  assert.deepEqual(await bash.complete("fmsg user set @a@a.test --accepting=t"), ["true"]);
  assert.deepEqual(await bash.complete("fmsg completion "), ["bash", "fish", "zsh"]);
  assert.deepEqual(await bash.complete("fmsg user add @a@a.test --name "), []);
  assert.deepEqual(await bash.complete("fmsg show "), []);
});

Deno.test("bash completes what one can have help on", async () => {
  await using bash = await Bash.start();
  assert.deepEqual(await bash.complete("fmsg help d"), ["demo", "dns"]);
  assert.deepEqual(await bash.complete("fmsg help user a"), ["add"]);
  assert.deepEqual(await bash.complete("fmsg help host bans l"), ["lift", "list"]);
  assert.deepEqual(await bash.complete("fmsg help dns d"), []);
});

Deno.test("bash completes the addresses of users, which it takes apart at @ and =", async () => {
  await using bash = await Bash.start("alice", "alan", "bob");
  const [alan, alice, bob] = ["@alan@a.test", "@alice@a.test", "@bob@a.test"];
  assert.deepEqual(await bash.complete("fmsg user show @"), [alan, alice, bob]);
  assert.deepEqual(await bash.complete("fmsg user show @ali"), [alice]);
  // Only what comes behind the last @ is replaced.
  assert.deepEqual(await bash.complete("fmsg user show @alice@"), ["@a.test"]);
  assert.deepEqual(await bash.complete('fmsg user show "@ali'), [alice]);
  assert.deepEqual(await bash.complete("fmsg send --from=@b"), [bob]);
  assert.deepEqual(await bash.complete("fmsg send --to @bob@a.test,@ali"), [alice]);
  assert.deepEqual(await bash.complete("fmsg send --to=@bob@a.test,@ala"), [alan]);
  assert.deepEqual(await bash.complete("fmsg add-to 7 @bob@a.test @ali"), [alice]);
  assert.deepEqual(await bash.complete("fmsg user list @"), []);
  assert.deepEqual(await bash.complete("fmsg user add @"), []);
  assert.deepEqual(await bash.complete("fmsg host init --email @"), []);
  assert.deepEqual(await bash.complete('fmsg send --topic "two words" --from @ali'), [alice]);
});

Deno.test("bash completes the ids of API keys, and of sessions", async () => {
  await using bash = await Bash.start("alice");
  assert.deepEqual(await bash.complete("fmsg key revoke "), []);
  const made = await bash.place.json("key", "create", "@alice@a.test");
  const id = String(made instanceof Object && "key_id" in made ? made.key_id : "");
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.deepEqual(await bash.complete("fmsg key revoke "), [id]);
  assert.deepEqual(await bash.complete(`fmsg key revoke ${id.slice(0, 4)}`), [id]);
  assert.deepEqual(await bash.complete("fmsg key revoke x"), []);
  Deno.writeTextFileSync(bash.place.config, 'api: {listen: "127.0.0.1:8000"}\n', { append: true });
  const link = await bash.place.json("user", "link", "@alice@a.test");
  await signIn(bash.place.config, String(Object(link).link), { id: "abc" });
  assert.deepEqual(await bash.complete("fmsg session revoke "), ["abc"]);
  assert.deepEqual(await bash.complete("fmsg session revoke --all "), ["@alice@a.test"]);
});

Deno.test("addresses come from the configuration that the line names", async () => {
  await using bash = await Bash.start("alice");
  bash.useProgram();
  using other = new Place("b.test");
  await other.addUsers("zoe");
  const named = `fmsg --config ${other.config} list @`;
  assert.deepEqual(await bash.complete(named), ["@zoe@b.test"]);
  assert.deepEqual(await bash.complete(`fmsg list --config=${other.config} @`), ["@zoe@b.test"]);
  // Without a configuration or a store there is nothing, least of all a complaint.
  assert.deepEqual(await bash.complete("fmsg --config /nowhere list @"), []);
  using empty = new Place();
  assert.deepEqual(await bash.complete(`fmsg --config ${empty.config} list @`), []);
  assert.deepEqual([...Deno.readDirSync(empty.dir)].map(({ name }) => name), ["fmsg.yaml"]);
});

Deno.test("bash completes files where files are expected", async () => {
  await using bash = await Bash.start();
  Deno.writeTextFileSync(join(bash.place.dir, "a file.csv"), "");
  const dir = bash.place.dir;
  assert.deepEqual(await bash.complete(`fmsg user import ${dir}/a`), [`${dir}/a file.csv`]);
  assert.deepEqual(await bash.complete(`fmsg send --attach=${dir}/a`), [`${dir}/a file.csv`]);
  assert.deepEqual(await bash.complete(`fmsg user show ${dir}/a`), []);
});

Deno.test("addresses are found in whatever case, a bounded number of them, and quietly", async () => {
  using place = new Place();
  await place.addUsers("Alice", "bob", "straße");
  const run = async (...words: string[]): Promise<Ran> =>
    await place.run(["complete-addresses", ...words]);
  assert.equal((await run("@AL")).stdout, "@Alice@a.test\n");
  assert.equal((await run("@STRASS")).stdout, "@straße@a.test\n");
  assert.equal((await run()).stdout, "@Alice@a.test\n@bob@a.test\n@straße@a.test\n");
  assert.deepEqual((await run("@%")).stdout, "");
  Deno.writeTextFileSync(place.config, "domain: [\n");
  const broken = await run("@");
  assert.deepEqual([broken.status, broken.stdout, broken.stderr], [0, "", ""]);
  const many = Array.from({ length: 600 }, (_, i) => `@u${i}@b.test\n`).join("");
  using large = new Place("b.test");
  Deno.writeTextFileSync(`${large.dir}/users.csv`, `address\n${many}`);
  await large.json("user", "import", `${large.dir}/users.csv`);
  const lines = (await large.run(["complete-addresses"])).stdout.trimEnd().split("\n");
  assert.equal(lines.length, 500);
});

Deno.test("every shell has a script that names every command, and another shell is told which there are", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { status, stdout, stderr } = await run(["completion", shell]);
    assert.deepEqual([status, stderr], [0, ""]);
    for (const name of ["disable-absent", "lift", "troubleshooting", "bans", "retry"]) {
      assert.match(stdout, new RegExp(`\\b${name}\\b`), `${shell}: ${name}`);
    }
    const json = JSON.parse((await run(["completion", shell, "--json"])).stdout);
    assert.deepEqual(json, { shell, script: stdout });
  }
  const { status, stderr } = await run(["completion", "tcsh"]);
  assert.equal(status, 2);
  assert.match(stderr, /'tcsh' is invalid .*bash, zsh, fish; see "fmsg completion --help"\n$/);
});

/** A bash that has the script, with a program in its PATH and users. */
class Bash implements AsyncDisposable {
  private constructor(
    readonly place: Place,
    private readonly script: string,
    private readonly answering: Answering,
  ) {}

  static async start(...users: string[]): Promise<Bash> {
    const place = new Place();
    await place.addUsers(...users);
    Deno.mkdirSync(join(place.dir, "bin"));
    const script = (await run(["completion", "bash"])).stdout;
    const bash = new Bash(place, script, new Answering());
    bash.#put(`#!/usr/bin/env bash
exec 3<>/dev/tcp/127.0.0.1/${bash.answering.port}
printf '%s\\0' "$#" "$FMSG_CONFIG" "$@" >&3
exec cat <&3
`);
    return bash;
  }

  /** From now on the program is a process of its own, which takes longer than all the rest. */
  useProgram(): void {
    this.#put(`#!/bin/sh\nexec '${Deno.execPath()}' run -A '${MAIN}' "$@"\n`);
  }

  #put(program: string): void {
    Deno.writeTextFileSync(join(this.place.dir, "bin", "fmsg"), program, { mode: 0o755 });
  }

  /** What is offered at the end of the line, sorted, as bash would put it in place of the last word. */
  async complete(line: string): Promise<string[]> {
    const words = readlineWords(line);
    const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
    const call = [
      this.script,
      `COMP_LINE=${quoted(line)} COMP_POINT=${line.length} COMP_CWORD=${words.length - 1}`,
      `COMP_WORDS=(${words.map(quoted).join(" ")})`,
      `_fmsg fmsg ${quoted(replacedWord(line))} previous`,
      `printf '%s\\n' "\${COMPREPLY[@]}"`,
    ].join("\n");
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["--norc", "-u", "-c", call],
      env: {
        PATH: `${join(this.place.dir, "bin")}:${Deno.env.get("PATH")}`,
        FMSG_CONFIG: this.place.config,
        DENO_NO_UPDATE_CHECK: "1",
      },
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(code, 0);
    return new TextDecoder().decode(stdout).split("\n").filter((one) => one !== "").sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.answering.close();
    this.place[Symbol.dispose]();
  }
}

/** Runs commands in this process for what stands in for the program in the PATH of a shell. */
class Answering {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #answering = this.#answerAll();

  get port(): number {
    return this.#listener.addr.port;
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.#answering;
  }

  async #answerAll(): Promise<void> {
    for await (const connection of this.#listener) {
      using _closed = connection;
      let asked = "";
      const words = (): string[] => asked.split("\0").slice(1, -1);
      const buffer = new Uint8Array(65_536);
      // How many words there are comes first, and the configuration besides.
      while (words().length === 0 || words().length <= Number.parseInt(asked)) {
        const read = await connection.read(buffer);
        if (read === null) return;
        asked += new TextDecoder().decode(buffer.subarray(0, read));
      }
      const [config = "", name = "", ...rest] = words();
      const { stdout } = await run([name, "--config", config, ...rest]);
      const writer = connection.writable.getWriter();
      await writer.write(new TextEncoder().encode(stdout));
      await writer.close();
    }
  }
}

/** The words as readline cuts them: at blanks, and around runs of =, @ and the like, but not inside of quotes. */
function readlineWords(line: string): string[] {
  const words = line.match(/(?:"[^"]*(?:"|$)|[^\s=@:"])+|[=@:]+/g) ?? [];
  return /\s$/.test(line) ? [...words, ""] : words;
}

/** What readline replaces: the part of the word behind the last = or :, or from the last @ on, which it leaves in place. */
function replacedWord(line: string): string {
  const quote = /(?:^|\s)"([^"]*)$/.exec(line);
  if (quote !== null) return quote[1] ?? "";
  const word = /[^\s=:]*$/.exec(line)?.[0] ?? "";
  return word.slice(Math.max(0, word.lastIndexOf("@")));
}

async function run(words: readonly string[]): Promise<Ran> {
  const output = capturing();
  const status = await runCommandLine(words, output.to);
  return { status, ...output.taken() };
}

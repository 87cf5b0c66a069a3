// fmsg host init in a real terminal: keys that leave, terminals that can do little, and the way through to a certificate.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadCertificate } from "../../src/certificate/load.ts";
import { loadConfig } from "../../src/config.ts";
import { DnsServer } from "../support/dns_server.ts";
import { PROGRAM } from "../support/host_commands.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { HTTP_PORT, Pebble } from "./pebble.ts";

Deno.test("init in a terminal: from the questions over the DNS records to a certificate, and the address to try", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world);
  const ip = world.address();
  const root = join(world.folder, "root.pem");
  await Deno.writeTextFile(root, world.authority.pem);
  await using terminal = await Terminal.open({ env: { NODE_EXTRA_CA_CERTS: root } });
  await terminal.run(
    "host init --no-unit --config fmsg.yaml --data-dir data",
    `--listen ${ip}:0 --acme-directory ${pebble.directory} --acme-listen ${ip}:${HTTP_PORT}`,
  );
  await terminal.see("Your domain");
  await terminal.keys("a.test", "Enter");
  await terminal.see("The first user");
  await terminal.keys("alice", "Enter");
  await terminal.see("Your e-mail address");
  await terminal.keys("me@a.test", "Enter");
  await terminal.see("Do you agree to the terms");
  await terminal.keys("Enter");
  await terminal.see("Set it up like this?");
  assert.deepEqual(terminal.files(), []);
  await terminal.keys("Enter");
  await terminal.see("Add them where your domain is managed");
  assert.deepEqual(world.dns.log.filter(({ name }) => name === "fmsg.a.test"), []);
  await terminal.keys("Down", "Enter");
  await terminal.ended(0);
  assert.match(await terminal.screen(), /The address is @alice@a\.test/);
  const config = join(terminal.folder, "work", "fmsg.yaml");
  await Deno.writeTextFile(
    config,
    `${await Deno.readTextFile(config)}\ndns: {servers: ["${world.dns.ip}:${world.dns.port}"]}\n`,
  );

  await terminal.run("host init --no-unit --config fmsg.yaml");
  await terminal.see("Your domain");
  await terminal.keys("Enter");
  await terminal.see("A user to add");
  await terminal.keys("Enter");
  await terminal.see("The certificate for fmsg.a.test");
  await terminal.keys("Enter");
  await terminal.see("Your e-mail address");
  await terminal.keys("Enter");
  // No authority was asked yet, so nothing is known of what was agreed to.
  await terminal.see("Do you agree to the terms");
  await terminal.keys("Enter");
  await terminal.see("All of that is there already");
  await terminal.keys("Enter");
  await terminal.see("Add them where your domain is managed");
  await terminal.keys("Enter");
  await terminal.see("nothing there yet");
  world.dns.set("fmsg.a.test", "A", [ip]);
  await terminal.see("They are there");
  await terminal.see("Getting a certificate from");
  await terminal.ended(0);
  const { tls, data_dir } = loadConfig(config);
  assert.equal(tls?.kind, "acme");
  const file = join(data_dir, "acme", "certificate.pem");
  assert.deepEqual(loadCertificate({ cert: file, key: file }, "fmsg.a.test").warnings, []);
});

Deno.test("init in a terminal: Ctrl-C and Enter end the waiting for DNS records, and everything else is done", async () => {
  await using dns = await DnsServer.start();
  await using terminal = await Terminal.open({ env: {} });
  await Deno.writeTextFile(
    join(terminal.folder, "work", "fmsg.yaml"),
    `domain: a.test\ndata_dir: data\nlisten: 127.0.0.1:0\ndns: {servers: ["${dns.ip}:${dns.port}"]}\n`,
  );
  for (const key of ["C-c", "Enter"]) {
    await terminal.run("host init --no-unit --certificate self-made --user alice --wait-dns=60s");
    await terminal.see("Your domain");
    await terminal.keys("Enter");
    await terminal.see("Yes");
    await terminal.keys("Enter");
    await terminal.see("nothing there yet");
    await terminal.keys(key);
    await terminal.see("Not waiting any longer");
    await terminal.ended(0);
    assert.match(await terminal.screen(), /The address is @alice@a\.test/);
  }
});

for (const [name, env] of [["with a cursor", {}], ["that is dumb", { TERM: "dumb" }]] as const) {
  Deno.test(`init in a terminal ${name}: Ctrl-C and the end of input leave at each question, and nothing is written`, async () => {
    await using terminal = await Terminal.open({ env });
    const questions = ["Your domain", "The first user", "The certificate", "Set it up like this?"];
    const answers = [["a.test", "Enter"], ["Enter"], env.TERM ? ["3", "Enter"] : ["Up", "Enter"]];
    for (const key of ["C-c", "C-d"]) {
      for (let last = 0; last < questions.length; last++) {
        await terminal.run("host init --config fmsg.yaml --no-unit");
        for (const [index, question] of questions.slice(0, last + 1).entries()) {
          await terminal.see(question);
          await terminal.keys(...index < last ? answers[index] ?? [] : [key]);
        }
        await terminal.ended(130);
        assert.match(await terminal.screen(), /Nothing was changed\./);
        assert.deepEqual(terminal.files(), []);
      }
    }
  });
}

Deno.test("init in a terminal that is dumb: the questions come line by line, without a control sequence", async () => {
  await using terminal = await Terminal.open({ env: { TERM: "dumb" } });
  const log = join(terminal.folder, "log");
  await terminal.pipeTo(log);
  await terminal.run("host init --config fmsg.yaml --data-dir data --listen 127.0.0.1:0 --no-unit");
  await terminal.see("Your domain");
  await terminal.keys("a b", "Enter");
  await terminal.see("is no domain");
  await terminal.keys("a.test", "Enter");
  await terminal.see("The first user");
  await terminal.keys("alice", "Enter");
  await terminal.see("Number");
  await terminal.keys("3", "Enter");
  await terminal.see("Set it up like this?");
  await terminal.keys("Enter");
  await terminal.see("Then?");
  await terminal.keys("2", "Enter");
  await terminal.ended(0);
  const text = await Deno.readTextFile(log);
  // What the shell itself writes ends with the command.
  const said = text.slice(text.indexOf("Setting up"), text.indexOf("The address is @alice@a.test"));
  assert.match(said, /Next, type:/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(said, /\x1b/);
});

Deno.test("init in a terminal that goes away ends, and nothing is written", async () => {
  await using terminal = await Terminal.open({ env: {} });
  await terminal.run("host init --config fmsg.yaml --no-unit");
  await terminal.see("Your domain");
  const pid = await terminal.pid();
  await terminal.close();
  await waitFor(() => !existsSync(`/proc/${pid}`));
  assert.deepEqual(terminal.files(), []);
});

/** A shell in tmux, 80 by 24. */
class Terminal implements AsyncDisposable {
  #status = 0;

  private constructor(readonly folder: string) {}

  static async open({ env }: { env: Readonly<Record<string, string>> }): Promise<Terminal> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "fmsg-terminal-" }));
    const terminal = new Terminal(folder);
    const vars = { LANG: "C.UTF-8", PS1: "$ ", FMSG_CONFIG: "", ...env };
    const words = Object.entries(vars).map(([name, value]) => `${name}='${value}'`);
    await Deno.mkdir(join(folder, "work"));
    await terminal.#tmux(
      ...["new-session", "-d", "-x", "80", "-y", "24", "-c", join(folder, "work")],
      `env ${words.join(" ")} bash --norc --noprofile`,
    );
    await terminal.#tmux("set-option", "history-limit", "5000");
    return terminal;
  }

  /** What `fmsg` has made. */
  files(): string[] {
    return [...Deno.readDirSync(join(this.folder, "work"))].map(({ name }) => name);
  }

  async run(...words: readonly string[]): Promise<void> {
    this.#status++;
    const program = [Deno.execPath(), ...PROGRAM].map((word) => `'${word}'`).join(" ");
    const script = join(this.folder, `run${this.#status}`);
    const status = join(this.folder, `status${this.#status}`);
    await Deno.writeTextFile(
      script,
      `${program} ${words.join(" ")}; echo $? > ${status}\n`,
    );
    await this.#tmux("send-keys", `. ${script}`, "Enter");
  }

  async ended(status: number): Promise<void> {
    const file = join(this.folder, `status${this.#status}`);
    await waitFor(() => existsSync(file) && Deno.readTextFileSync(file) !== "", {
      what: "the end of the command",
    }).catch(async (error) => {
      throw new Error(`${error.message}; the screen was:\n${await this.screen()}`);
    });
    assert.equal(Deno.readTextFileSync(file).trim(), String(status), await this.screen());
  }

  async keys(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async see(text: string): Promise<void> {
    await waitFor(async () => {
      await sleep(50);
      return (await this.screen()).includes(text);
    }, { what: `the text ${text}` }).catch(async (error) => {
      throw new Error(`${error.message}; the screen was:\n${await this.screen()}`);
    });
  }

  /** What can be read since the command was typed. */
  async screen(): Promise<string> {
    const all = await this.#tmux("capture-pane", "-p", "-S", "-");
    return all.slice(all.lastIndexOf(`/run${this.#status}\n`) + 1).trimEnd();
  }

  async pipeTo(file: string): Promise<void> {
    await this.#tmux("pipe-pane", `cat > ${file}`);
  }

  async pid(): Promise<number> {
    return Number(await this.#tmux("display-message", "-p", "#{pane_pid}"));
  }

  async close(): Promise<void> {
    await this.#tmux("kill-session");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {});
    await Deno.remove(this.folder, { recursive: true });
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-u", "-S", join(this.folder, "tmux"), "-f", "/dev/null", ...args],
      env: { TMUX: "" },
    }).output();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    if (code !== 0) throw new Error(`tmux ${args[0]}: ${text(stderr)}`);
    return text(stdout);
  }
}

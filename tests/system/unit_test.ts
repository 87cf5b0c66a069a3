// The wizard's unit against Debian's systemd: its own judgement of the text, and the host in a sandbox as the unit asks
// for it. systemd itself does not run here, so unit_sandbox.py does what it would do. Needs root, systemd, python3,
// libseccomp2 and util-linux.
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { Answers } from "../../src/cli/init/answers.ts";
import { selfMadeFiles, writeConfiguration } from "../../src/cli/init/configuration.ts";
import { type UnitFacts, unitText } from "../../src/cli/init/unit.ts";
import { waitFor, within } from "../support/wait.ts";
import { World } from "../support/world.ts";

const FACTS: UnitFacts = { access: [], dataDirFixed: false, shutdownTimeout: 8 };
const ROOT = join(import.meta.dirname ?? ".", "..", "..");
const SANDBOX = join(import.meta.dirname ?? ".", "unit_sandbox.py");
const ACME = { kind: "acme", email: null, directory: "https://ca.test/", listen: null } as const;
const FILES = { kind: "files", cert: "/etc/x/a.pem", key: "/etc/x/b.pem" } as const;

Deno.test("systemd finds nothing wrong with the unit, and little that it leaves open", async () => {
  const closed = { path: "/etc/x", kind: "folder", mode: 0o700, gid: 0, group: "root" } as const;
  // Of 10; the network and a lasting user cost what is left, and port 80 a little more.
  const cases: [Partial<Answers>, Partial<UnitFacts>, number][] = [
    [{ certificate: FILES }, { access: [closed] }, 1.3],
    [{ certificate: ACME }, {}, 1.6],
    [{ certificate: ACME, api: "public", dataDir: "/srv/my data 100%" }, {}, 1.6],
    [{ configFile: `/etc/a b/50%/$x "y".yaml` }, {}, 1.3],
    [{ dataDir: "/home/me/data" }, {}, 1.4],
  ];
  const folder = await Deno.makeTempDir();
  try {
    // What is verified has to be there.
    const program = join(folder, "100% fmsg");
    await Deno.copyFile("/bin/true", program);
    for (const [some, facts, most] of cases) {
      const unitFile = join(folder, "fmsg.service");
      const text = unitText(answers({ program, unitFile, ...some }), { ...FACTS, ...facts });
      await Deno.writeTextFile(unitFile, text);
      const verified = await run("systemd-analyze", ["verify", unitFile]);
      assert.deepEqual(verified, { code: 0, stdout: "", stderr: "" });
      const { stdout } = await run("systemd-analyze", ["security", "--offline=true", unitFile]);
      const exposure = Number(/exposure level for fmsg\.service: (\d+\.\d)/.exec(stdout)?.[1]);
      assert.ok(exposure <= most, `${exposure} is more than ${most}: ${stdout}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the host serves, sends and stops in the unit's sandbox, and commands work beside it", async () => {
  await using world = await World.make();
  await using place = await Place.make();
  // A port for which the capability is needed, and every address, so that the runtime has to list them (row D3).
  const port = 700 + Deno.pid % 300;
  const b = await world.host({ domain: "b.test", users: ["bob"], delivery: { port } });
  world.dns.set("fmsg.a.test", "A", ["127.0.0.1"]);
  const wanted = answers({
    domain: "a.test",
    listen: [{ ip: "0.0.0.0", port }],
    configFile: join(place.folder, "etc", "fmsg.yaml"),
    unitFile: join(place.folder, `${place.name}.service`),
    dataDir: `/var/lib/${place.name}`,
  });

  // As root, before the first start.
  const files = selfMadeFiles(wanted);
  const issued = await world.authority.issue("fmsg.a.test");
  await write(files.cert, issued.cert, 0o600);
  await write(files.key, issued.key, 0o600);
  await write(files.authority, world.authority.pem, 0o644);
  await write(files.authorityKey, world.authority.keyPem, 0o600);
  const rest = `dns: {servers: ["${world.dns.ip}:${world.dns.port}"]}
delivery: {port: ${world.port}}
limits: {min_free_disk: 0}
`;
  await write(wanted.configFile, writeConfiguration(wanted, null) + rest, 0o644);
  await write(wanted.unitFile ?? "", unitText(wanted, FACTS), 0o644);
  const command = (...words: string[]) =>
    run(Deno.execPath(), [
      "run",
      "-A",
      join(ROOT, "main.ts"),
      ...words,
      "--config",
      wanted.configFile,
    ]);
  assert.equal((await command("user", "add", "@alice@a.test")).code, 0);

  await using host = place.start(wanted.unitFile ?? "", wanted.configFile);
  await host.says("listening");
  const owners = (folder: string): number[] =>
    [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => [
      Deno.lstatSync(join(folder, name)).uid ?? -1,
      ...isDirectory ? owners(join(folder, name)) : [],
    ]);
  assert.deepEqual([...new Set(owners(wanted.dataDir))], [SERVICE_USER]);

  // Root's commands beside it, and a message to another host and back.
  assert.equal((await command("user", "add", "@carol@a.test")).code, 0);
  const to = ["--from", "@alice@a.test", "--to", "@bob@b.test,@carol@a.test"];
  const sent = await command("send", ...to, "--topic", "Hello", "--wait=15", "How are you?");
  assert.equal(sent.code, 0, `${sent.stderr}\n${host.output}\n${b.tail()}`);
  const answer = await b.send({ from: "@bob@b.test", to: ["@alice@a.test"], topic: "Well" });
  await waitFor(async () => (await command("show", "2")).code === 0, {
    what: `answer ${answer.id}`,
  });
  assert.deepEqual([...new Set(owners(wanted.dataDir))], [SERVICE_USER]);

  host.child.kill("SIGHUP");
  await host.says("reloaded");
  host.child.kill("SIGTERM");
  assert.equal((await within(20_000, "stopping", host.child.status)).code, 0, host.output);
  assert.match(host.output, /"stopped"/);
});

Deno.test("the unit's sandbox hides what is no business of the host", async () => {
  await using place = await Place.make();
  const unit = join(place.folder, `${place.name}.service`);
  const wanted = answers({ unitFile: unit, dataDir: `/var/lib/${place.name}` });
  const { authorityKey } = selfMadeFiles({
    ...wanted,
    configFile: join(place.folder, "fmsg.yaml"),
  });
  await write(authorityKey, "secret", 0o600);
  await write(unit, unitText(wanted, FACTS), 0o644);
  const script = `cat ${authorityKey} 2>&1; ls /root 2>&1; touch /etc/x 2>&1; ls -d /proc/1 2>&1
touch ${wanted.dataDir}/ok $CACHE_DIRECTORY/ok && echo written; grep CapEff /proc/self/status`;
  const { stdout } = await run("python3", [SANDBOX, unit, "/bin/sh", "-c", script]);
  assert.match(stdout, /ca-key\.pem: Permission denied/);
  assert.match(stdout, /'\/root': Permission denied/);
  assert.match(stdout, /'\/etc\/x': Read-only file system/);
  assert.match(stdout, /'\/proc\/1': No such file/);
  assert.match(stdout, /^written$/m);
  assert.match(stdout, /CapEff:\t0+$/m);
});

/** As in unit_sandbox.py. */
const SERVICE_USER = 61234;

function answers(some: Partial<Answers> = {}): Answers {
  return {
    domain: "example.com",
    configFile: "/etc/fmsg/fmsg.yaml",
    dataDir: "/var/lib/fmsg",
    listen: [{ ip: "0.0.0.0", port: 4930 }],
    certificate: { kind: "self-made" },
    roots: null,
    user: null,
    api: "none",
    unitFile: null,
    program: "/usr/local/bin/fmsg",
    ...some,
  };
}

/** A copy of the program where a service sees it: home directories and /tmp it does not. */
class Place implements AsyncDisposable {
  readonly name = `fmsg-test-${Deno.pid}`;
  private constructor(readonly folder: string) {}

  static async make(): Promise<Place> {
    const place = new Place(await Deno.makeTempDir({ dir: "/srv", prefix: "fmsg-test-" }));
    await Deno.chmod(place.folder, 0o755);
    return place;
  }

  start(unit: string, configFile: string): Service {
    const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
    const { denoDir }: { denoDir: string } = JSON.parse(new TextDecoder().decode(info.stdout));
    const deno = join(this.folder, "runtime");
    const cache = join(this.folder, "cache");
    copy(Deno.execPath(), deno);
    copy(denoDir, cache);
    const parts = ["main.ts", "src", "deno.json", "deno.lock"];
    for (const part of parts) copy(join(ROOT, part), join(this.folder, part));
    new Deno.Command("chmod", { args: ["-R", "a+rX", this.folder] }).outputSync();
    const permissions = ["net", "read", "write", "env", "sys"].map((name) => `--allow-${name}`);
    const child = new Deno.Command("python3", {
      args: [SANDBOX, unit, deno, "run", "--cached-only", "--no-prompt", ...permissions]
        .concat(join(this.folder, "main.ts"), "host", "run", "--config", configFile),
      env: { SANDBOX_ENV_DENO_DIR: cache, SANDBOX_ENV_DENO_NO_UPDATE_CHECK: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Service(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of [this.folder, `/var/lib/${this.name}`, `/var/cache/${this.name}`]) {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  }
}

class Service implements AsyncDisposable {
  output = "";
  readonly #read: Promise<unknown>;

  constructor(readonly child: Deno.ChildProcess) {
    this.#read = Promise.all([this.#collect(child.stdout), this.#collect(child.stderr)]);
  }

  async says(word: string): Promise<void> {
    await waitFor(() => this.output.includes(word), { what: `"${word}" in its log` })
      .catch((error) => assert.fail(`${error.message}\n${this.output}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.child.status;
    await this.#read;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.output += decoder.decode(chunk, { stream: true });
  }
}

function copy(from: string, to: string): void {
  const { stderr } = new Deno.Command("cp", { args: ["-rL", from, to] }).outputSync();
  assert.equal(new TextDecoder().decode(stderr), "");
}

async function write(path: string, text: string, mode: number): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
}

async function run(program: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

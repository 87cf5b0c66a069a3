// fmsg host init without a person: flags, what is written, what is said.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { loadCertificate } from "../../src/certificate/load.ts";
import { makeAuthority } from "../../src/certificate/make.ts";
import { termsUrl, told } from "../../src/cli/init/acme.ts";
import { loadConfig } from "../../src/config.ts";
import { AcmeServer } from "../support/acme_server.ts";
import { DnsServer } from "../support/dns_server.ts";
import { PROGRAM } from "../support/host_commands.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { InitPlace } from "./init_place.ts";
import { signIn } from "./sign_in.ts";
import type { Ran } from "./support.ts";

Deno.test("init: --yes writes a configuration that the host reads, a folder for its owner alone, and the user", async () => {
  using place = new InitPlace();
  const ran = await place.init("--domain=a.test", "--user=alice");
  assert.equal(ran.status, 0, ran.stderr);
  const config = loadConfig(place.config);
  assert.equal(config.domain, "a.test");
  assert.equal(config.data_dir, place.data);
  assert.deepEqual(config.listen, [{ ip: "127.0.0.1", port: 0 }]);
  assert.equal(modeOf(place.config), 0o644);
  assert.equal(modeOf(place.data), 0o700);
  const users = await place.run("user", "list", "--config", place.config);
  assert.match(users.stdout, /^@alice@a\.test /);
});

Deno.test("init: the last line is the address, and the commands before it are for this configuration", async () => {
  using place = new InitPlace();
  const { stdout } = await place.init("--domain=a.test", "--user=@alice@a.test");
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.at(-1), "The address is @alice@a.test");
  const commands = lines.filter((line) => / host (run|check)| send | list /.test(line));
  assert.equal(commands.length, 4);
  for (const command of commands) assert.ok(command.endsWith(` --config ${place.config}`), command);
});

Deno.test("init: the configuration, and all that belongs to it, is enough for a host to start and for its user to write", async () => {
  using place = new InitPlace();
  await place.init("--domain=a.test", "--user=alice");
  const sent = await place.run(
    ..."send --from @alice@a.test --to @alice@a.test --topic Hello Hi --json".split(" "),
    "--config",
    place.config,
  );
  assert.equal(sent.status, 0, sent.stderr);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...PROGRAM, "host", "run", "--config", place.config],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log = new Response(child.stderr).text();
  await waitFor(async () =>
    (await place.run("host", "status", "--config", place.config)).status === 0
  );
  child.kill("SIGTERM");
  assert.match(await log, /"listening"/);
  assert.equal((await child.status).code, 0);
});

Deno.test("init: without a terminal and --yes it says in one line what to use, with status 2, and writes nothing", async () => {
  using place = new InitPlace();
  const without = await spawn(place, "host", "init", ...place.flags);
  assert.equal(without.status, 2);
  assert.match(
    without.stderr,
    /^fmsg: There is no terminal [^\n]*--yes --domain example\.com[^\n]*\n$/,
  );
  const named = await spawn(place, "host", "init", "--domain", "a.test", ...place.flags);
  assert.match(named.stderr, /^fmsg: There is no terminal to ask in: use --yes, [^\n]*\n$/);
  const domain = await place.init();
  assert.equal(domain.status, 2);
  assert.match(domain.stderr, /^fmsg: Name the domain of your addresses: "--domain [^\n]*\n$/);
  assert.deepEqual(place.snapshot(), []);
});

Deno.test("init: a flag that is wrong is named, with status 2, and nothing is written", async () => {
  using place = new InitPlace();
  const wrong: [flags: string[], complaint: RegExp][] = [
    [["--domain=@a.test"], /--domain: .*write the bare domain: a\.test/],
    [["--domain=fmsg.a.test"], /--domain: .*write the bare domain: a\.test/],
    [["--domain=a.test", "--user=bob@b.test"], /--user: "bob@b\.test" is elsewhere/],
    [["--domain=a.test", "--user=b b"], /--user: "b b" is no address/],
    [["--domain=a.test", "--listen=4930"], /--listen: "4930" is no address with a port/],
    [["--domain=a.test", "--data-dir=~/x"], /--data-dir: .*whole path/],
    [["--domain=a.test", "--certificate=best"], /--certificate: "best" is no choice/],
    [["--domain=a.test", "--certificate=files"], /--cert FILE --key FILE/],
    [["--domain=a.test", "--cert=/x"], /--cert and --key belong together/],
    [["--domain=a.test", "--cert=/x", "--key=/y", "--email=a@b"], /leave the flags of the others/],
    [["--domain=a.test", "--certificate=self-made", "--agree-tos"], /not self-made/],
    [["--domain=a.test", "--email=me"], /--email: "me" is no e-mail address/],
    [["--domain=a.test", "--acme-directory=http://ca.test/"], /--acme-directory: .*https/],
    [
      ["--domain=a.test", "--api=yes"],
      /--api: "yes" is no choice here; write none, local or public/,
    ],
    [["--domain=a.test", "--wait-dns=soon"], /--wait-dns: "soon" is no duration/],
  ];
  for (const [flags, complaint] of wrong) {
    const ran = await place.init(...flags);
    assert.equal(ran.status, 2, ran.stderr);
    assert.match(ran.stderr, complaint);
    assert.match(ran.stderr, /^fmsg: [^\n]*\n$/);
    assert.equal(ran.stdout, "");
  }
  assert.deepEqual(place.snapshot(), []);
});

Deno.test("init: a domain and a user may be typed in their own script", async () => {
  using place = new InitPlace();
  const ran = await place.init("--domain=bücher.test", "--user=Jürgen");
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal(loadConfig(place.config).domain, "xn--bcher-kva.test");
  assert.match(ran.stdout, /The address is @Jürgen@bücher\.test\n$/);
});

Deno.test("init: --dry-run shows the whole of every file but keys, and touches nothing", async () => {
  using place = new InitPlace();
  const unit = place.path("fmsg.service");
  const flags = ["--domain=a.test", "--user=alice", `--unit=${unit}`, "--dry-run"];
  const ran = await place.init(...flags);
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stdout, /^ {2}domain: a\.test$/m);
  assert.match(ran.stdout, /^ {2}ExecStart=/m);
  assert.match(ran.stdout, /Would make the folder .*data \(0700\)/);
  assert.doesNotMatch(ran.stdout, /PRIVATE KEY/);
  assert.match(ran.stdout, /Nothing was written\.\n$/);
  const { stdout } = await place.init(...flags, "--json");
  const value: unknown = JSON.parse(stdout);
  assert.doesNotMatch(stdout, /PRIVATE KEY/);
  assert.ok(typeof value === "object" && value !== null && "dry_run" in value && "files" in value);
  assert.deepEqual(place.snapshot(), []);
});

Deno.test("init: with --json stdout is one value that says what was written and what to do", async () => {
  using place = new InitPlace();
  const ran = await place.init("--domain=a.test", "--user=alice", "--json", "--certificate=acme");
  assert.equal(ran.status, 0, ran.stderr);
  const value = JSON.parse(ran.stdout);
  assert.equal(value.domain, "a.test");
  assert.equal(value.address, "@alice@a.test");
  assert.equal(value.user, "added");
  assert.deepEqual(value.records, [{ name: "fmsg.a.test", type: "A", value: "127.0.0.1" }]);
  assert.deepEqual(value.files, [{ path: place.config, state: "new" }]);
  assert.deepEqual(value.certificate, {
    kind: "acme",
    state: "left to the host",
    expires: null,
    reason: null,
  });
  assert.equal(value.dns, null);
  assert.ok(value.commands.some((line: string) => line.includes("host run")));
});

Deno.test("init: --yes agrees to no terms: the certificate is left to the host, and it says what starting that means", async () => {
  using place = new InitPlace();
  const ran = await place.init("--domain=a.test", "--certificate=acme");
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(
    ran.stdout.replace(/\s+/g, " "),
    /Starting it means that you agree to the terms of Let's Encrypt/,
  );
  assert.doesNotMatch(ran.stderr, /Getting a certificate/);
  const again = await place.init("--certificate=acme");
  assert.equal(again.status, 0, again.stderr);
  assert.doesNotMatch(again.stderr, /Getting a certificate/);
  assert.equal(loadConfig(place.config).tls?.kind, "acme");
});

Deno.test("init: an authority that cannot be reached is told, everything else is done, and the status is 0", async () => {
  using place = new InitPlace();
  const ran = await place.init(
    ...["--domain=a.test", "--user=alice", "--agree-tos", "--email=me@a.test"],
    ...["--acme-directory=http://127.0.0.1:9/directory", "--acme-listen=127.0.0.1:0"],
  );
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stderr, /Not now: .*127\.0\.0\.1/);
  assert.match(ran.stdout, /goes on trying/);
  const users = await place.run("user", "list", "--config", place.config);
  assert.match(users.stdout, /^@alice@a\.test /);
});

Deno.test("init: run again it changes what is asked, and keeps comments, other keys, mode and users", async () => {
  using place = new InitPlace();
  await place.init("--domain=a.test", "--user=alice");
  const text = place.read("etc", "fmsg.yaml");
  Deno.writeTextFileSync(place.config, `# Mine.\n${text}\nlimits: {max_size: 1MiB} # small\n`);
  Deno.chmodSync(place.config, 0o640);
  const old = place.read("etc", "fmsg.yaml");
  using opened = Deno.openSync(place.config);
  const ran = await place.run(
    ...["host", "init", "--yes", "--config", place.config, "--no-unit"],
    ...["--listen=127.0.0.2:0", "--user=bob"],
  );
  assert.equal(ran.status, 0, ran.stderr);
  const after = place.read("etc", "fmsg.yaml");
  assert.ok(after.startsWith("# Mine.\n"), after);
  assert.match(after, /^limits: \{max_size: 1MiB\} # small$/m);
  const config = loadConfig(place.config);
  assert.deepEqual(config.listen, [{ ip: "127.0.0.2", port: 0 }]);
  assert.equal(config.domain, "a.test");
  assert.equal(config.data_dir, place.data);
  assert.equal(modeOf(place.config), 0o640);
  // It was replaced at once: who is reading the old one reads it whole.
  const bytes = new Uint8Array(100_000);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, opened.readSync(bytes) ?? 0)), old);
  const users = await place.run("user", "list", "--config", place.config);
  assert.match(users.stdout, /^@alice@a\.test .*\n@bob@a\.test /);
});

Deno.test("init: run again with nothing to change it leaves every file as it is, and the user, too", async () => {
  using place = new InitPlace();
  const unit = place.path("fmsg.service");
  const flags = ["--domain=a.test", "--user=alice", `--unit=${unit}`];
  await place.init(...flags);
  const before = place.snapshot();
  const inode = statSync(place.config).ino;
  const again = await place.init(...flags, "--json");
  assert.equal(again.status, 0, again.stderr);
  const value = JSON.parse(again.stdout);
  assert.equal(value.user, "there already");
  assert.deepEqual([...new Set(value.files.map(({ state }: { state: string }) => state))], [
    "unchanged",
  ]);
  assert.deepEqual(place.snapshot(), before);
  assert.equal(statSync(place.config).ino, inode);
});

Deno.test("init: a configuration that is wrong already is told with its line, and stays", async () => {
  using place = new InitPlace();
  place.write("domain: a.test\nlisten_on: 5\n", "etc", "fmsg.yaml");
  const before = place.snapshot();
  const ran = await place.init();
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /fmsg\.yaml:2: listen_on: /);
  assert.deepEqual(place.snapshot(), before);
});

Deno.test("init: an empty configuration is written as a new one", async () => {
  using place = new InitPlace();
  place.write("\n", "etc", "fmsg.yaml");
  const ran = await place.init("--domain=a.test");
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal(loadConfig(place.config).domain, "a.test");
});

Deno.test("init: a data folder that can be none is told before anything is written", async () => {
  using place = new InitPlace();
  const file = place.write("mine", "file");
  const before = place.snapshot();
  for (const folder of [file, `${file}/data`]) {
    const ran = await place.init("--domain=a.test", `--data-dir=${folder}`);
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /^fmsg: \S*file is no folder[^\n]*: name another folder[^\n]*\n$/);
    assert.deepEqual(place.snapshot(), before);
  }
});

Deno.test("init: --ca is tried, written, shown and kept, whatever the certificate", async () => {
  using place = new InitPlace();
  const roots = place.write((await makeAuthority("Test")).pem, "roots.pem");
  const flags = ["--domain=a.test", `--ca=${roots}`];
  const before = place.snapshot();
  const missing = await place.init("--domain=a.test", `--ca=${place.path("none.pem")}`);
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /^fmsg: --ca: there is no file [^\n]*none\.pem\n$/);
  const other = await place.init("--domain=a.test", `--ca=${place.write("x", "other.pem")}`);
  assert.equal(other.status, 2);
  assert.match(other.stderr, /^fmsg: --ca: [^\n]*other\.pem holds no certificate in PEM form\n$/);
  Deno.removeSync(place.path("other.pem"));
  const shown = await place.init(...flags, "--certificate=acme", "--dry-run", "--json");
  assert.match(JSON.parse(shown.stdout).files[0].text, new RegExp(`^ {2}ca: ${roots}$`, "m"));
  assert.deepEqual(place.snapshot(), before);
  await place.init(...flags, "--certificate=acme");
  assert.equal(loadConfig(place.config).tls?.ca, roots);
  for (const certificate of ["acme", "self-made"]) {
    const again = await place.init(`--certificate=${certificate}`);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(loadConfig(place.config).tls?.ca, roots, certificate);
    if (certificate === "acme") continue;
    const said = again.stdout.replace(/\s+/g, " ");
    assert.match(said, /copy \S*ca\.pem to them/);
    assert.ok(said.includes(`goes on to trust what is in ${roots}: add the authority there`), said);
  }
  const whole = await place.init(`--ca=${place.path("etc", "ca.pem")}`);
  assert.doesNotMatch(whole.stdout, /goes on to trust/);
  assert.equal(loadConfig(place.config).tls?.ca, place.path("etc", "ca.pem"));
});

Deno.test("T5 init: an authority of a private root is asked with --ca, and the certificate is there before the host runs", async () => {
  await using world = await World.make();
  const ip = world.address();
  const listen = { ip: world.address(), port: world.port };
  const server = await AcmeServer.start(world.authority, { ip });
  await using _server = server;
  server.validateAt = listen;
  using place = new InitPlace();
  const flags = [
    ...["--domain=a.test", "--agree-tos", `--acme-directory=${server.directory}`],
    `--acme-listen=${listen.ip}:${listen.port}`,
  ];
  const without = await place.init(...flags);
  assert.match(without.stderr, /Not now: .*not trusted/s);
  const roots = place.write(world.authority.pem, "roots.pem");
  assert.equal(await termsUrl(server, "a.test", undefined), null);
  assert.equal(await termsUrl(server, "a.test", roots), "https://ca.test/terms");
  const ran = await place.init(...flags, `--ca=${roots}`, "--json");
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal(JSON.parse(ran.stdout).certificate.state, "obtained", ran.stderr);
  const again = await place.init("--json", "--certificate=acme");
  assert.equal(JSON.parse(again.stdout).certificate.state, "there");
});

Deno.test("init: an authority that asks from several places is told of once", () => {
  const lines: string[] = [];
  const tell = told((line) => lines.push(line));
  for (const peer of ["192.0.2.1", "192.0.2.2"]) tell({ kind: "requested", peer });
  tell({ kind: "issuing", name: "fmsg.a.test" });
  assert.deepEqual(lines, ["It asked, from 192.0.2.1", "It makes the certificate for fmsg.a.test"]);
});

Deno.test("init: a configuration behind a link is changed where it is", async () => {
  using place = new InitPlace();
  const real = place.write("domain: a.test # mine\n", "elsewhere", "fmsg.yaml");
  Deno.mkdirSync(place.path("etc"));
  Deno.symlinkSync(real, place.config);
  const ran = await place.init();
  assert.equal(ran.status, 0, ran.stderr);
  assert.ok(Deno.lstatSync(place.config).isSymlink);
  assert.match(Deno.readTextFileSync(real), /^domain: a\.test # mine$/m);
  assert.equal(loadConfig(real).data_dir, place.data);
});

Deno.test("init: a unit follows its configuration, but one that was edited by hand stays, and is told", async () => {
  using place = new InitPlace();
  const unit = place.path("fmsg.service");
  const flags = ["--domain=a.test", `--unit=${unit}`];
  await place.init(...flags);
  const first = place.read("fmsg.service");
  const moved = await place.init(...flags, `--data-dir=${place.path("data2")}`);
  assert.equal(moved.status, 0, moved.stderr);
  const second = place.read("fmsg.service");
  assert.notEqual(second, first);
  assert.match(second, /data2/);
  Deno.writeTextFileSync(unit, `${second}# mine\n`);
  const kept = await place.init(...flags);
  assert.equal(kept.status, 0, kept.stderr);
  assert.equal(place.read("fmsg.service"), `${second}# mine\n`);
  assert.match(kept.stderr, /fmsg\.service was edited by hand and stays/);
});

Deno.test("init: certificate files are tried before anything is written; another name is a warning", async () => {
  using place = new InitPlace();
  const authority = await makeAuthority("Test");
  const mine = await authority.issue("fmsg.a.test");
  const other = await authority.issue("fmsg.b.test");
  const cert = place.write(mine.cert, "cert.pem");
  const files = (key: string): string[] => ["--domain=a.test", `--cert=${cert}`, `--key=${key}`];
  const before = place.snapshot();
  const missing = await place.init(...files(place.path("none.pem")));
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /cannot read .*none\.pem/);
  assert.deepEqual(place.snapshot(), before);
  const wrong = await place.init(...files(place.write(other.key, "other.pem")));
  assert.match(wrong.stderr, /other\.pem is not the key/);
  const good = await place.init(...files(place.write(mine.key, "key.pem")));
  assert.equal(good.status, 0, good.stderr);
  assert.equal(loadConfig(place.config).tls?.kind, "files");
  const renamed = await place.init(...files(place.path("key.pem")), "--domain=c.test");
  assert.match(renamed.stderr, /is not for fmsg\.c\.test/);
});

Deno.test("init: a self-made authority stays as others trust it; the certificate from it follows the domain", async () => {
  using place = new InitPlace();
  const ran = await place.init("--domain=a.test");
  assert.match(ran.stdout, /have to trust its authority: copy\s+\S*ca\.pem/);
  const tls = loadConfig(place.config).tls;
  assert.ok(tls?.kind === "files");
  assert.deepEqual(loadCertificate(tls, "fmsg.a.test").warnings, []);
  assert.equal(modeOf(tls.key), 0o600);
  const authority = place.read("etc", "ca.pem");
  assert.equal(modeOf(place.path("etc", "ca-key.pem")), 0o600);
  const first = Deno.readTextFileSync(tls.cert);
  await place.init("--domain=b.test");
  assert.equal(place.read("etc", "ca.pem"), authority);
  assert.deepEqual(loadCertificate(tls, "fmsg.b.test").warnings, []);
  const second = Deno.readTextFileSync(tls.cert);
  assert.notEqual(second, first);
  assert.ok(new X509Certificate(second).verify(new X509Certificate(authority).publicKey));
  // Its key may be kept elsewhere, where it is safer.
  Deno.removeSync(place.path("etc", "ca-key.pem"));
  await place.init("--domain=b.test");
  assert.ok(!existsSync(place.path("etc", "ca-key.pem")));
  assert.equal(Deno.readTextFileSync(tls.cert), second);
});

Deno.test("init: the records are not looked up unless it was told to wait, and then until all of them are there", async () => {
  await using dns = await DnsServer.start();
  using place = new InitPlace();
  place.write(`domain: a.test\ndns: {servers: ["${dns.ip}:${dns.port}"]}\n`, "etc", "fmsg.yaml");
  await place.init();
  assert.deepEqual(dns.log, []);
  const waiting = place.init("--wait-dns=60s", "--json");
  await waitFor(() => dns.log.length >= 2);
  dns.set("fmsg.a.test", "A", ["127.0.0.9"]);
  await waitFor(() => dns.log.length >= 4);
  dns.set("fmsg.a.test", "A", ["127.0.0.1"]);
  const ran = await waiting;
  assert.equal(ran.status, 0, ran.stderr);
  assert.equal(JSON.parse(ran.stdout).dns, "seen");
  assert.match(ran.stderr, /nothing there yet\n/);
  assert.match(
    ran.stderr,
    /127\.0\.0\.1 still missing; 127\.0\.0\.9 there, which is not this host/,
  );
});

Deno.test("init: records that do not come in time are no failure, and no certificate is asked for", async () => {
  await using dns = await DnsServer.start();
  using place = new InitPlace();
  place.write(`domain: a.test\ndns: {servers: ["${dns.ip}:${dns.port}"]}\n`, "etc", "fmsg.yaml");
  const ran = await place.init(
    ...[
      "--wait-dns=100ms",
      "--agree-tos",
      "--acme-directory=http://127.0.0.1:9/directory",
      "--json",
    ],
  );
  assert.equal(ran.status, 0, ran.stderr);
  const value = JSON.parse(ran.stdout);
  assert.equal(value.dns, "not seen");
  assert.equal(value.certificate.state, "left to the host");
});

Deno.test("init: where a browser may connect it ends with a link that opens the inbox of the user it added", async () => {
  using place = new InitPlace();
  const flags = ["--domain=a.test", "--api=local"];
  const ran = await place.init(...flags, "--user=alice");
  assert.equal(ran.status, 0, ran.stderr);
  const [link = ""] = ran.stdout.trimEnd().split("\n").slice(-1);
  assert.match(link, /^https:\/\/fmsg\.a\.test\/#sign-in=[\w-]{43}$/);
  const said = ran.stdout.replaceAll("\n", " ");
  assert.match(
    said,
    /The inbox of @alice@a\.test opens once the host runs, .* once, within 24 hours: /,
  );
  assert.doesNotMatch(ran.stderr, /#sign-in/);
  assert.equal((await signIn(place.config, link, { id: "a1" }))?.address, "@alice@a.test");

  // Who runs it again for something else wants no link.
  const again = await place.init(...flags, "--user=alice", "--json");
  assert.equal(JSON.parse(again.stdout).link, null);
  const added = await place.init(...flags, "--user=bob", "--json");
  assert.doesNotMatch(added.stderr, /#sign-in/);
  const made = JSON.parse(added.stdout).link;
  assert.deepEqual(Object.keys(made), ["address", "link", "expires"]);
  assert.equal((await signIn(place.config, made.link, { id: "b1" }))?.address, "@bob@a.test");
});

Deno.test("init: who lets browsers in later gets a link for the user that is there already", async () => {
  using place = new InitPlace();
  const first = await place.init("--domain=a.test", "--user=alice", "--json");
  assert.equal(JSON.parse(first.stdout).link, null);
  await place.run("user", "set", "@alice@a.test", "--accepting=false", "--config", place.config);
  const off = await place.init("--api=local", "--json");
  assert.deepEqual([off.status, JSON.parse(off.stdout).link], [0, null]);
  assert.match(off.stderr, /There is no link to the inbox yet: .*--accepting=true/);
  await place.run("user", "set", "@alice@a.test", "--accepting=true", "--config", place.config);
  await place.init("--api=none");
  const later = await place.init("--api=local", "--json");
  assert.equal(JSON.parse(later.stdout).link?.address, "@alice@a.test");
  // Of several nobody says whose.
  await place.init("--api=none", "--user=bob");
  const several = await place.init("--api=local", "--json");
  assert.equal(JSON.parse(several.stdout).link, null);
});

Deno.test("init: beside the running host it adds a user through it, and says whether to reload or restart", async () => {
  await using world = await World.make();
  const host = await world.host();
  const init = async (...flags: string[]) => {
    const words = ["host", "init", "--yes", "--no-unit", "--config", host.configFile, "--json"];
    const ran = await host.cli([...words, ...flags]);
    assert.equal(ran.code, 0, ran.stderr);
    return JSON.parse(ran.stdout);
  };
  const status = JSON.parse((await host.cli(["host", "status", "--json"])).stdout);
  const added = await init("--user=dora");
  assert.equal(added.user, "added");
  assert.deepEqual(added.files, [{ path: host.configFile, state: "unchanged" }]);
  // Its own port is no program in the way.
  assert.deepEqual(added.notes, []);
  assert.ok(!added.commands.some((line: string) => /host run|kill/.test(line)), added.commands);
  assert.equal((await host.user(`@dora@${host.domain}`)).address, `@dora@${host.domain}`);
  const restart = await init(`--listen=${world.address()}:${world.port}`);
  assert.equal(restart.commands[0], `kill ${status.pid}`);
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

async function spawn(place: InitPlace, ...words: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...PROGRAM, ...words],
    cwd: place.dir,
    env: { NO_COLOR: "1", FMSG_CONFIG: "" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { status: code, stdout: text(stdout), stderr: text(stderr), bytes: stdout };
}

// fmsg host init in a real terminal: keys that leave, terminals that can do little, and the way through to a certificate.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadCertificate } from "../../src/certificate/load.ts";
import { loadConfig } from "../../src/config.ts";
import { DnsServer } from "../support/dns_server.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { HTTP_PORT, Pebble } from "./pebble.ts";
import { Desk } from "./stage/desk.ts";
import { descendant } from "./stage/place.ts";

Deno.test("init in a terminal: from the questions over the DNS records to a certificate, and the address to try", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world);
  const ip = world.address();
  const root = join(world.folder, "root.pem");
  await Deno.writeTextFile(root, world.authority.pem);
  await using desk = await open({ NODE_EXTRA_CA_CERTS: root });
  const { terminal } = desk;
  let command =
    `fmsg host init --no-unit --config fmsg.yaml --data-dir data --listen ${ip}:0 --acme-directory ${pebble.directory} --acme-listen ${ip}:${HTTP_PORT}`;
  await terminal.begin(command);
  await terminal.answer("Your domain", "a.test");
  await terminal.answer("The first user", "alice");
  await terminal.answer("Your e-mail address", "me@a.test");
  await terminal.answer("Do you agree to the terms");
  await terminal.answer("May your users open their inbox in a browser");
  await terminal.see("Set it up like this?");
  assert.deepEqual(desk.files(), []);
  await terminal.press("Enter");
  await terminal.see("Add them where your domain is managed");
  assert.deepEqual(world.dns.log.filter(({ name }) => name === "fmsg.a.test"), []);
  await terminal.press("Down", "Enter");
  const { status, text } = await terminal.end(command);
  assert.equal(status, 0, text);
  assert.match(text, /The address is @alice@a\.test/);
  const config = join(desk.work, "fmsg.yaml");
  await Deno.writeTextFile(
    config,
    `${await Deno.readTextFile(config)}\ndns: {servers: ["${world.dns.ip}:${world.dns.port}"]}\n`,
  );

  command = "fmsg host init --no-unit --config fmsg.yaml";
  await terminal.begin(command);
  await terminal.answer("Your domain");
  await terminal.answer("A user to add");
  await terminal.answer("The certificate for fmsg.a.test");
  await terminal.answer("Your e-mail address");
  // No authority was asked yet, so nothing is known of what was agreed to.
  await terminal.answer("Do you agree to the terms");
  await terminal.answer("May your users open their inbox in a browser");
  await terminal.answer("All of that is there already");
  await terminal.answer("Add them where your domain is managed");
  await terminal.see("nothing there yet");
  world.dns.set("fmsg.a.test", "A", [ip]);
  await terminal.see("They are there");
  await terminal.see("Getting a certificate from");
  assert.equal((await terminal.end(command)).status, 0);
  const { tls, data_dir } = loadConfig(config);
  assert.equal(tls?.kind, "acme");
  const file = join(data_dir, "acme", "certificate.pem");
  assert.deepEqual(loadCertificate({ cert: file, key: file }, "fmsg.a.test").warnings, []);
});

Deno.test("init in a terminal: Ctrl-C and Enter end the waiting for DNS records, and everything else is done", async () => {
  await using dns = await DnsServer.start();
  await using desk = await open();
  const { terminal } = desk;
  await Deno.writeTextFile(
    join(desk.work, "fmsg.yaml"),
    `domain: a.test\ndata_dir: data\nlisten: 127.0.0.1:0\ndns: {servers: ["${dns.ip}:${dns.port}"]}\n`,
  );
  const command = "fmsg host init --no-unit --certificate self-made --user alice --wait-dns=60s";
  for (const key of ["C-c", "Enter"]) {
    await terminal.begin(command);
    await terminal.answer("Your domain");
    await terminal.answer("May your users open their inbox in a browser");
    await terminal.answer("Yes");
    await terminal.see("nothing there yet");
    await terminal.press(key);
    await terminal.see("Not waiting any longer");
    const { status, text } = await terminal.end(command);
    assert.equal(status, 0, text);
    assert.match(text, /The address is @alice@a\.test/);
  }
});

for (const [name, env] of [["with a cursor", {}], ["that is dumb", { TERM: "dumb" }]] as const) {
  Deno.test(`init in a terminal ${name}: Ctrl-C and the end of input leave at each question, and nothing is written`, async () => {
    await using desk = await open(env);
    const { terminal } = desk;
    const command = "fmsg host init --config fmsg.yaml --no-unit";
    const questions = [
      "Your domain",
      "The first user",
      "The certificate",
      "May your users open their inbox in a browser",
      "Set it up like this?",
    ];
    const certificate = env.TERM ? ["3", "Enter"] : ["Up", "Enter"];
    const answers = [["a.test", "Enter"], ["Enter"], certificate, ["Enter"]];
    for (const key of ["C-c", "C-d"]) {
      for (let last = 0; last < questions.length; last++) {
        await terminal.begin(command);
        for (const [index, question] of questions.slice(0, last + 1).entries()) {
          await terminal.see(question);
          await terminal.press(...index < last ? answers[index] ?? [] : [key]);
        }
        const { status, text } = await terminal.end(command);
        assert.equal(status, 130, text);
        assert.match(text, /Nothing was changed\./);
        assert.deepEqual(desk.files(), []);
      }
    }
  });
}

Deno.test("init in a terminal that is dumb: the questions come line by line, without a control sequence", async () => {
  await using desk = await open({ TERM: "dumb" });
  const { terminal } = desk;
  const folder = await Deno.makeTempDir();
  try {
    const record = join(folder, "record");
    await terminal.recordTo(record);
    const command =
      "fmsg host init --config fmsg.yaml --data-dir data --listen 127.0.0.1:0 --no-unit";
    await terminal.begin(command);
    await terminal.answer("Your domain", "a b");
    await terminal.see("is no domain");
    await terminal.answer("Your domain", "a.test");
    await terminal.answer("The first user", "alice");
    await terminal.answer("Number", "3");
    await terminal.answer("May your users open their inbox in a browser");
    await terminal.answer("Set it up like this?");
    await terminal.answer("Then?", "2");
    assert.equal((await terminal.end(command)).status, 0);
    const text = await Deno.readTextFile(record);
    // What the shell itself writes ends with the command.
    const said = text.slice(
      text.indexOf("Setting up"),
      text.indexOf("The address is @alice@a.test"),
    );
    assert.match(said, /Next, type:/);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(said, /\x1b/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("init in a terminal that goes away ends, and nothing is written", async () => {
  await using desk = await open();
  const { terminal } = desk;
  await terminal.begin("fmsg host init --config fmsg.yaml --no-unit");
  await terminal.see("Your domain");
  const program = await descendant(await terminal.shell(), 1);
  await terminal.close();
  await waitFor(() => !existsSync(`/proc/${program}`), { what: "the end of the wizard" });
  assert.deepEqual(desk.files(), []);
});

function open(env: Readonly<Record<string, string>> = {}): Promise<Desk> {
  return Desk.open({
    prompt: "$ ",
    shell: ["bash", "--norc", "--noprofile"],
    env: { PS1: "$ ", ...env },
  });
}

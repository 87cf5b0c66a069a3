// From the one file to a received message, as docs/quickstart.md tells it: two fresh servers with systemd, certificates
// by ACME over port 80, and a person at a terminal who knows nothing else.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Place } from "./stage/place.ts";
import { PROGRAM } from "./stage/program.ts";
import { commandsIn, PORTS, Service } from "./stage/service.ts";
import { Stage } from "./stage/stage.ts";
import { Terminal } from "./stage/terminal.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Where what the terminals showed is written, to be looked at and for docs/quickstart.md. */
const SCREENS = Deno.env.get("FMSG_SCREENS");

interface Person {
  readonly domain: string;
  readonly user: string;
  readonly server: Place;
  readonly terminal: Terminal;
}

Deno.test("from the one file to a message between two domains, with certificates by ACME, by docs/quickstart.md alone", async () => {
  await using stage = await Stage.open({
    // One of the domains has a web site already, the other nothing.
    zones: { "example.com": ["@ A 192.0.32.99", "www A 192.0.32.99"], "example.org": [] },
    program: PROGRAM,
  });
  const people: Person[] = [];
  try {
    const [alice, bob] = await Promise.all([
      rent(stage, "alice", "example.com", "192.0.34.10", "2620:0:2d0:34::10"),
      rent(stage, "bob", "example.org", "192.0.43.10", "2620:0:2d0:43::10"),
    ]);
    people.push(alice, bob);
    await quickstart(stage, alice, bob);
  } catch (error) {
    console.error(await stage.logs());
    throw error;
  } finally {
    await writeScreens(people);
  }
  await compareWithDocs(people);
});

async function quickstart(stage: Stage, alice: Person, bob: Person): Promise<void> {
  const begun = performance.now();
  await Promise.all([setUp(stage, alice), setUp(stage, bob)]);
  const sent = await succeed(
    alice,
    'fmsg send --from @alice@example.com --to @bob@example.org --topic Hello "How are you?" --wait',
  );
  const received = await succeed(bob, "fmsg list @bob@example.org");
  const done = performance.now();
  assert.match(received.text, /@alice@example\.com/);
  assert.match(sent.text, /@bob@example\.org has it/);
  console.log(`From the first command to the message received: ${seconds(done - begun)}`);

  const id = idOf(received.text, "@alice@example.com");
  assert.match((await succeed(bob, `fmsg show ${id}`)).text, /How are you\?/);
  // As after an update: what is there is found again.
  await succeed(bob, "systemctl restart fmsg");
  await waitUntilUp(bob);
  await succeed(
    bob,
    `fmsg send --from @bob@example.org --to @alice@example.com --reply-to ${id} "Very well!" --wait`,
  );
  const answered = await succeed(alice, "fmsg list @alice@example.com");
  const answer = idOf(answered.text, "@bob@example.org");
  assert.match(
    (await succeed(alice, `fmsg thread ${answer}`)).text,
    /Hello[^]*@bob@example\.org/,
  );
  assert.match((await succeed(alice, `fmsg show ${answer}`)).text, /Very well!/);
  await succeed(alice, "fmsg host check example.org");
  assert.match((await succeed(alice, "fmsg host status")).text, /ertificate/);

  await assertUnprivileged(alice);
  // The challenge was asked, as between strangers: both could be called back.
  const exchanges = await bob.server.run("journalctl", "-u", "fmsg", "-o", "cat", "--no-pager");
  assert.match(exchanges, /"direction":"in"[^\n]*"challenge":"ok"/);
}

/** All that one person does until the host runs and has delivered a message to its own user. */
async function setUp(stage: Stage, person: Person): Promise<void> {
  const { domain, user, terminal } = person;
  await succeed(person, "install -m 755 fmsg /usr/local/bin/");
  const { commands, link } = await answerWizard(stage, person);
  assert.ok(commands.some((command) => command.startsWith("systemctl enable --now ")));
  for (const command of commands) {
    // The check waits for a host that starts, too, but on a busy machine that takes longer.
    if (command.includes("host check")) await waitUntilUp(person);
    const { text } = await succeed(person, command);
    if (command.includes("host check")) assert.doesNotMatch(text, /FAIL|WARNING/);
  }
  const { command, text } = terminal.typed.at(-1) ?? { command: "", text: "" };
  assert.equal(command, `fmsg list @${user}@${domain}`);
  assert.ok(idOf(text, `@${user}@${domain}`) !== "", text);
  await openInbox(person, link);
}

/** As a browser does with the link that the wizard ended with: the page, and then the token for a session, once. */
async function openInbox({ domain, user, server }: Person, link: string): Promise<void> {
  const [site = "", token = ""] = link.split("/#sign-in=");
  assert.equal(site, `https://fmsg.${domain}`);
  const page = await server.run("curl", "-sSf", `${site}/`);
  assert.match(page, /<!doctype html>/i);
  const script = /src="(\/main-[^"]+\.js)"/.exec(page)?.[1] ?? "";
  await server.run("curl", "-sSf", "--compressed", "-o", "/dev/null", site + script);
  const json = ["-H", "content-type: application/json", "-d", JSON.stringify({ token })];
  const signIn = ["-sSf", "-c", "/tmp/jar", "-H", `origin: ${site}`, ...json, `${site}/session`];
  const signedIn = await server.run("curl", ...signIn);
  assert.deepEqual(JSON.parse(signedIn), { address: `@${user}@${domain}` });
  const list = await server.run("curl", "-sSf", "-b", "/tmp/jar", `${site}/fmsg`);
  assert.equal(JSON.parse(list).length, 1);
  await assert.rejects(server.run("curl", ...signIn), /401/);
}

/** Answers the questions of `fmsg host init`; gives the commands that it says to type next, and the link that it ends with. */
async function answerWizard(
  stage: Stage,
  { domain, user, terminal }: Person,
): Promise<{ readonly commands: string[]; readonly link: string }> {
  await terminal.begin("fmsg host init");
  await terminal.answer("Your domain", domain);
  await terminal.answer("The first user", user);
  await terminal.answer(`The certificate for fmsg.${domain}`);
  await terminal.answer("Your e-mail address", `${user}@${domain}`);
  await terminal.answer("Do you agree to the terms of Let's Encrypt?");
  await terminal.answer("May your users open their inbox in a browser");
  await terminal.answer("Set it up like this?");

  const screen = await terminal.see("Add them where your domain is managed");
  const records = recordsIn(screen, domain);
  assert.deepEqual(records.map(({ type }) => type), ["A", "AAAA"]);
  const asked = stage.names.questions().filter((question) => question.startsWith(`fmsg.${domain}`));
  assert.deepEqual(asked, [], "asked for before it was there, so that its absence is remembered");
  await stage.names.add(domain, records.map(({ line }) => line));
  await terminal.answer("Add them where your domain is managed");

  const { text: end, status } = await terminal.end("fmsg host init");
  assert.equal(status, 0, end);
  const link = /^https:\/\/\S+#sign-in=[\w-]{43}$/m.exec(end)?.[0];
  assert.ok(link !== undefined, end);
  // On a terminal there is a QR code above it, of half blocks.
  assert.match(end, /(?:^[ \u2580\u2584\u2588]{30,}$\n){15,}/m);
  return { commands: commandsIn(end), link };
}

async function waitUntilUp({ server }: Person): Promise<void> {
  await new Service(server, "fmsg").says('"listening"');
}

/** The service is somebody, and may do nothing but listen on port 80. */
async function assertUnprivileged({ server }: Person): Promise<void> {
  const { uid, ...rest } = await new Service(server, "fmsg").status();
  assert.notEqual(uid, 0);
  assert.deepEqual(rest, { capabilities: [PORTS, PORTS], noNewPrivileges: true });
}

interface Line {
  readonly type: string;
  readonly line: string;
}

/** The lines for a zone file that are on the screen. */
function recordsIn(screen: string, domain: string): Line[] {
  const escaped = domain.replaceAll(".", "\\.");
  const lines = screen.matchAll(
    new RegExp(`(?<=^[│|\\s]*)(fmsg\\.${escaped}\\.\\s.*\\b(AAAA|A)\\s+[0-9a-f.:]+)$`, "gm"),
  );
  return [...lines].map(([, line = "", type = ""]) => ({ type, line }));
}

async function succeed({ terminal, server }: Person, command: string) {
  const typed = await terminal.run(command);
  assert.equal(typed.status, 0, `${server.name}: ${command}\n${typed.screen}`);
  return typed;
}

/** The id in the row of a list that has this text. */
function idOf(screen: string, text: string): string {
  const row = screen.split("\n").findLast((line) => line.includes(text) && /^\s*\d/.test(line));
  const id = /^\s*(\d+)/.exec(row ?? "")?.[1];
  assert.ok(id !== undefined, `no row with ${text}:\n${screen}`);
  return id;
}

async function rent(
  stage: Stage,
  user: string,
  domain: string,
  ip4: string,
  ip6: string,
): Promise<Person> {
  const hostName = `${user}-vps`;
  const server = await stage.rent({ hostName, ip4, ip6 });
  // Nothing of what the program is made with is there to help.
  for (const name of ["deno", "node", "npm", "npx"]) {
    await assert.rejects(server.run("sh", "-c", `${name} --version`), `${name} runs there`);
  }
  const terminal = await Terminal.open({
    place: server,
    prompt: `root@${hostName}:~# `,
    home: "/root",
    folder: "/run",
  });
  return { domain, user, server, terminal };
}

/** docs/quickstart.md has every command that was typed, and no other but how the file comes to the server. */
async function compareWithDocs(people: readonly Person[]): Promise<void> {
  const docs = await Deno.readTextFile(join(ROOT, "docs/quickstart.md"));
  const blocks = [...docs.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  const told = blocks.join("").split("\n").map((line) => line.replace(/\s+# .*$/, ""))
    .filter((line) => line !== "" && !/^(deno|npx|scp|ssh) /.test(line));
  const typed = people.flatMap(({ terminal }) => terminal.typed.map(({ command }) => command));
  assert.deepEqual([...new Set(told)].sort(), [...new Set(typed)].sort());
}

async function writeScreens(people: readonly Person[]): Promise<void> {
  if (SCREENS === undefined) return;
  const screens = people.flatMap(({ terminal }) => terminal.typed.map(({ screen }) => screen));
  await Deno.writeTextFile(SCREENS, screens.join("\n\n") + "\n");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

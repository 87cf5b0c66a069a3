// The conversation of fmsg host init, with answers in place of a terminal: the questions, their order and their defaults.
import assert from "node:assert/strict";
import { loadConfig, parseConfig } from "../../src/config.ts";
import { makeAuthority } from "../../src/certificate/make.ts";
import {
  type Asker,
  Cancelled,
  type ChoiceQuestion,
  NO_STYLE,
  type TextQuestion,
} from "../../src/cli/init/asker.ts";
import { carryOut } from "../../src/cli/init/carry_out.ts";
import { finish } from "../../src/cli/init/finish.ts";
import { type InitOptions, readFlags } from "../../src/cli/init/flags.ts";
import { domainOf, lookAround, usualDataDir } from "../../src/cli/init/found.ts";
import {
  freeListen,
  interfaceNotes,
  type Port,
  portNotes,
  proposedApi,
} from "../../src/cli/init/ports.ts";
import { prepare, type Prepared } from "../../src/cli/init/prepare.ts";
import type { Endpoint } from "../../src/config.ts";
import { InitPlace } from "./init_place.ts";
import { capturing } from "./support.ts";

Deno.test("init asks for the domain, the user, the certificate and apps, and then whether all of it is right", async () => {
  using place = new InitPlace();
  const asker = new Answering("a.test", "alice", "self-made", ENTER, "go");
  const { plan } = await converse(place, asker);
  assert.deepEqual(asker.asked, [
    "Your domain, as in @alice@example.com",
    "The first user (empty: add users later)",
    "The certificate for fmsg.a.test",
    "May your users open their inbox in a browser, and connect apps?",
    "Set it up like this?",
  ]);
  assert.equal(plan.answers.domain, "a.test");
  assert.equal(plan.answers.user, "@alice@a.test");
  assert.deepEqual(plan.answers.certificate, { kind: "self-made" });
});

Deno.test("init that is left after everything is written tells what to type next all the same", async () => {
  using place = new InitPlace();
  const asker = new Answering("a.test", "alice", "self-made", ENTER, "go");
  const prepared = await converse(place, asker);
  const done = await carryOut(prepared.plan, new AbortController().signal, () => {});
  const given = readFlags({});
  const shown: string[] = [];
  const { address, dns } = await finish({
    prepared,
    given,
    found: lookAround(given),
    asker,
    done,
    output: capturing().to,
    show: (text) => shown.push(text),
  });
  assert.equal(asker.asked.at(-1), "Add them where your domain is managed. Then?");
  assert.deepEqual([address, dns], ["@alice@a.test", null]);
  assert.match(shown.at(-1) ?? "", /Next, type:.*The address is .*@alice@a\.test/s);
});

Deno.test("init does not ask what a flag says", async () => {
  using place = new InitPlace();
  const asker = new Answering("go");
  await converse(place, asker, {
    domain: "a.test",
    user: false,
    certificate: "self-made",
    api: "none",
  });
  assert.deepEqual(asker.asked, ["Set it up like this?"]);
});

Deno.test("init shows everything before it is agreed to, and writes nothing of what is not", async () => {
  using place = new InitPlace();
  for (
    const answers of [["a.test", "alice", "self-made", "none", "stop"], ["a.test", "alice"], []]
  ) {
    const asker = new Answering(...answers);
    await assert.rejects(converse(place, asker), Cancelled);
    assert.deepEqual(place.snapshot(), []);
    if (!answers.includes("stop")) continue;
    const said = asker.said.join("\n");
    for (const part of ["a.test", "@alice@a.test", "self-made", place.config, place.data]) {
      assert.ok(said.includes(part), `${part} in ${said}`);
    }
  }
});

Deno.test("init complains of an answer on the spot, with what to write instead", async () => {
  using place = new InitPlace();
  const asker = new Answering("@alice@a.test", "fmsg.a.test", "a b", "a.test", "@b@c.test", "b b");
  asker.answers.push("", "acme", "me", "me@a.test", true, "none", "go");
  await converse(place, asker);
  assert.deepEqual(asker.complaints.map((text) => text.replace(/[;:,].*/s, "")), [
    '"@alice@a.test" is no domain',
    '"fmsg.a.test" has the prefix that is put in front by itself',
    '"a b" is no domain',
    '"@b@c.test" is elsewhere',
    '"b b" is no address',
    '"me" is no e-mail address',
  ]);
});

Deno.test("init tries certificate files when they are named", async () => {
  using place = new InitPlace();
  const authority = await makeAuthority("Test");
  const mine = await authority.issue("fmsg.a.test");
  const cert = place.write(mine.cert, "cert.pem");
  const other = place.write((await authority.issue("fmsg.a.test")).key, "other.pem");
  const key = place.write(mine.key, "key.pem");
  const asker = new Answering("a.test", "", "files", place.path("no.pem"), cert, other, key);
  asker.answers.push(ENTER, "go");
  const { plan } = await converse(place, asker);
  assert.match(asker.complaints[0] ?? "", /There is no file .*no\.pem/);
  assert.match(asker.complaints[1] ?? "", /other\.pem is not the key of the first certificate/);
  assert.deepEqual(plan.answers.certificate, { kind: "files", cert, key });
});

Deno.test("init asks whether the authority's terms are agreed to, and for another way where they are not", async () => {
  using place = new InitPlace();
  const asker = new Answering("a.test", "", "acme", "me@a.test", false, "self-made", ENTER, "go");
  const { plan, agreed } = await converse(place, asker);
  assert.match(asker.asked[4] ?? "", /^Do you agree to the terms of 127\.0\.0\.1:9\?/);
  assert.equal(asker.asked[5], "The certificate for fmsg.a.test");
  assert.equal(plan.answers.certificate.kind, "self-made");
  assert.equal(agreed, false);
});

Deno.test("init with agreed terms keeps e-mail and authority, and does not ask again the next time", async () => {
  using place = new InitPlace();
  const agreeing = new Answering("a.test", "", "acme", "me@a.test", true, "none", "go");
  const first = await converse(place, agreeing);
  assert.ok(first.agreed);
  await carryOut(first.plan, new AbortController().signal, () => {});
  const tls = loadConfig(place.config).tls;
  assert.ok(tls?.kind === "acme");
  assert.equal(tls.email, "me@a.test");
  assert.equal(tls.directory, DIRECTORY);
  // Until the authority was asked for the first time, it is a question again.
  const asked = await converse(
    place,
    new Answering(ENTER, ENTER, ENTER, ENTER, true, ENTER, ENTER),
  );
  assert.ok(asked.agreed);
  Deno.mkdirSync(`${place.data}/acme`);
  const asker = new Answering(ENTER, ENTER, ENTER, ENTER, ENTER, ENTER);
  const again = await converse(place, asker);
  assert.equal(asker.asked.filter((question) => /agree/.test(question)).length, 0);
  assert.ok(again.agreed);
  assert.deepEqual(again.plan.answers.certificate, first.plan.answers.certificate);
});

Deno.test("init lets folders, addresses and the service be changed before it begins", async () => {
  using place = new InitPlace();
  const asker = new Answering("a.test", "alice", "self-made", ENTER, "change");
  const config = place.path("b", "other.yaml");
  const broken = place.write("domain: [", "broken.yaml");
  asker.answers.push(
    broken,
    config,
    broken,
    place.path("b", "data"),
    "nowhere",
    "127.0.0.3:4930, [::1]:4930",
  );
  asker.answers.push(place.path("b.service"), "go");
  const { plan } = await converse(place, asker);
  assert.match(asker.complaints[0] ?? "", /broken\.yaml:1: no YAML/);
  assert.match(asker.complaints[1] ?? "", /broken\.yaml is no folder/);
  assert.match(asker.complaints[2] ?? "", /"nowhere" is no address with a port/);
  const { configFile, dataDir, listen, unitFile, domain, user } = plan.answers;
  assert.equal(configFile, config);
  assert.equal(dataDir, place.path("b", "data"));
  assert.deepEqual(listen, [{ ip: "127.0.0.3", port: 4930 }, { ip: "::1", port: 4930 }]);
  assert.equal(unitFile, place.path("b.service"));
  assert.equal(domain, "a.test");
  assert.equal(user, "@alice@a.test");
  assert.equal(asker.asked.filter((question) => /domain|certificate/.test(question)).length, 2);
});

Deno.test("init run again proposes what there is, so that Enter alone changes nothing", async () => {
  using place = new InitPlace();
  await place.init("--domain=bücher.test", "--user=alice");
  const asker = new Answering(ENTER, ENTER, ENTER, ENTER, ENTER);
  const { plan } = await converse(place, asker);
  assert.deepEqual(plan.files.filter(({ text, before }) => text !== before), []);
  assert.equal(asker.asked[1], "A user to add (empty: none)");
  assert.equal(asker.asked.at(-1), "All of that is there already. Go on?");
  assert.equal(plan.answers.user, null);
});

Deno.test("init lets apps in straight, or through a web server, and proposes that when it is run again", async () => {
  using place = new InitPlace();
  const { plan } = await converse(place, new Answering("a.test", "", "self-made", "public", "go"));
  await carryOut(plan, new AbortController().signal, () => {});
  const straight = loadConfig(place.config).api;
  assert.deepEqual([straight?.tls, straight?.listen.port], [true, 443]);
  assert.equal(straight?.public_url, "https://fmsg.a.test");

  const again = await converse(place, new Answering(ENTER, ENTER, ENTER, ENTER, ENTER));
  assert.deepEqual(again.plan.files.filter(({ text, before }) => text !== before), []);
  const changed = await converse(place, new Answering(ENTER, ENTER, ENTER, "local", "go"));
  await carryOut(changed.plan, new AbortController().signal, () => {});
  const behind = loadConfig(place.config).api;
  assert.deepEqual([behind?.tls, behind?.listen.ip], [false, "127.0.0.1"]);
  assert.ok(behind?.trusted_proxies.includes("127.0.0.0/8"));
});

Deno.test("init warns when the domain of an earlier set-up changes", async () => {
  using place = new InitPlace();
  await place.init("--domain=a.test", "--user=alice");
  const asker = new Answering("b.test", "", ENTER, ENTER, "go");
  await converse(place, asker);
  assert.match(asker.said.join("\n"), /The domain was a\.test: addresses there reach nobody/);
});

Deno.test("init replaces a unit that was edited by hand only when that is chosen", async () => {
  using place = new InitPlace();
  const unit = place.write("[Service]\n# mine\n", "fmsg.service");
  const said = { domain: "a.test", user: false as const, certificate: "self-made", api: "none" };
  const flags = { ...said, unit };
  const kept = await converse(place, new Answering("go"), flags);
  assert.ok(!kept.plan.files.some(({ path }) => path === unit));
  const replaced = await converse(place, new Answering("replace", "go"), flags);
  assert.ok(replaced.plan.files.some(({ path }) => path === unit));
});

Deno.test("init makes a service where systemd is, for root and the executable; not by the way where there was none before", async () => {
  using place = new InitPlace();
  const given = readFlags({
    domain: "a.test",
    config: place.config,
    dataDir: place.data,
    user: false,
  });
  const found = { ...lookAround(given), isRoot: true, systemd: true, isProgram: true };
  const unitOf = async (changes: Partial<typeof found>) =>
    (await prepare(given, { ...found, ...changes }, null, true)).plan.answers.unitFile;
  assert.match(await unitOf({}) ?? "", /^\/etc\/systemd\/system\/fmsg.*\.service$/);
  assert.equal(await unitOf({ isRoot: false }), null);
  assert.equal(await unitOf({ systemd: false }), null);
  assert.equal(await unitOf({ isProgram: false }), null);
  await place.init("--domain=a.test");
  assert.equal(await unitOf({}), null);
});

Deno.test("a machine's own name proposes a domain only where it has one", () => {
  const names: [name: string, domain: string | null][] = [
    ["mail.example.com", "example.com"],
    ["example.com", "example.com"],
    ["FMSG.Example.COM.", "example.com"],
    ["vm", null],
    ["vm.local", null],
    ["vm.localdomain", null],
    ["ip-10-0-0-1.ec2.internal", null],
    ["nas.home.arpa", null],
    ["10.0.0.1", null],
    ["a..b.test", null],
    ["", null],
  ];
  for (const [name, domain] of names) assert.equal(domainOf(name), domain, name);
});

Deno.test("each configuration of a machine has a data folder of its own, and one elsewhere has it beside itself", () => {
  const root = { isRoot: true };
  assert.equal(usualDataDir(root, "/etc/fmsg/fmsg.yaml"), "/var/lib/fmsg");
  assert.equal(usualDataDir(root, "/etc/fmsg/b.test.yaml"), "/var/lib/fmsg-b-test");
  assert.equal(usualDataDir(root, "/srv/x/fmsg.yaml"), "/srv/x/data");
  assert.equal(usualDataDir({ isRoot: false }, "/etc/fmsg/fmsg.yaml"), "/etc/fmsg/data");
});

Deno.test("where port 4930 is taken init proposes this machine's addresses on which it is free, else another port", () => {
  const only = (...taken: string[]) => ({ ip, port }: Endpoint): Port =>
    taken.includes(`${ip} ${port}`) ? "taken" : "free";
  const text = (ends: readonly Endpoint[]) => ends.map(({ ip, port }) => `${ip} ${port}`);
  const own = ["192.0.2.1", "192.0.2.2"];
  assert.deepEqual(text(freeListen(only(), own)), ["0.0.0.0 4930", ":: 4930"]);
  const noIpv6 = ({ ip }: Endpoint): Port => ip === "::" ? "not here" : "free";
  assert.deepEqual(text(freeListen(noIpv6, own)), ["0.0.0.0 4930"]);
  const beside = only("0.0.0.0 4930", ":: 4930", "192.0.2.1 4930");
  assert.deepEqual(text(freeListen(beside, own)), ["192.0.2.2 4930"]);
  const full = only("0.0.0.0 4930", ":: 4930", "192.0.2.1 4930", "192.0.2.2 4930", ":: 4931");
  assert.deepEqual(text(freeListen(full, own)), ["0.0.0.0 4932", ":: 4932"]);
});

Deno.test("init tells of ports that are taken, forbidden, or not the one that others connect to", async () => {
  using place = new InitPlace();
  const { plan } = await converse(place, new Answering("go"), {
    domain: "a.test",
    user: false,
    certificate: "acme",
    agreeTos: true,
    email: "a@b.test",
    api: "none",
  });
  const answers = { ...plan.answers, listen: [{ ip: "0.0.0.0", port: 4930 }] };
  const notes = (port: number, state: Port, listen = answers.listen) =>
    portNotes({ ...answers, listen }, (end) => end.port === port ? state : "free").join("\n");
  assert.equal(notes(1, "taken"), "");
  assert.match(notes(4930, "taken"), /Another program listens on 0\.0\.0\.0:4930/);
  const both = [{ ip: "0.0.0.0", port: 4930 }, { ip: "::", port: 4930 }];
  assert.match(notes(4930, "taken", both), /listens on 0\.0\.0\.0:4930 and \[::\]:4930 [^\n]*$/);
  assert.match(notes(4930, "not here"), /This machine has no address 0\.0\.0\.0/);
  assert.match(notes(80, "taken"), /listens on 0\.0\.0\.0:80 .*The authority asks there/);
  assert.match(notes(80, "forbidden"), /Only root may listen on 0\.0\.0\.0:80/);
  const moved = notes(1, "free", [{ ip: "0.0.0.0", port: 5000 }]);
  assert.match(moved, /Others connect to port 4930: it has to be passed on to 5000/);
});

Deno.test("init shows where apps connect before it is agreed to, and then what they need", async () => {
  for (
    const [api, summary, need] of [
      ["none", /Browser, apps +do not connect/, null],
      [
        "local",
        /Browser, apps +connect to https:\/\/fmsg\.a\.test, .*web server.* to 127\.0\.0\.1:8000/,
        /web server passes them on to 127\.0\.0\.1:8000/,
      ],
      [
        "public",
        /Browser, apps +connect to https:\/\/fmsg\.a\.test, served on 127\.0\.0\.1:443/,
        /TCP 443 is open in the firewall/,
      ],
    ] as const
  ) {
    using place = new InitPlace();
    const asker = new Answering("a.test", "alice", "self-made", api, "go");
    await converse(place, asker);
    assert.match(asker.said.join("\n"), summary);
    const { status, stdout } = await place.init("--domain=a.test", "--user=alice", `--api=${api}`);
    assert.equal(status, 0);
    const told = stdout.replaceAll("\n", " ");
    if (need === null) assert.doesNotMatch(told, /apps|key create|user link|#sign-in/);
    else {assert.match(
        told,
        new RegExp(`${need.source}.* user link @alice@a\\.test".* key create @alice@a\\.test"`),
      );}
  }
});

Deno.test("init proposes to let browsers in where they trust the certificate, by the web server that has the port", async () => {
  const acme = { kind: "acme", email: "", directory: "https://ca.test/", listen: null } as const;
  assert.equal(proposedApi(acme, () => "free"), "public");
  assert.equal(proposedApi(acme, () => "forbidden"), "public");
  assert.equal(proposedApi(acme, () => "taken"), "local");
  assert.equal(proposedApi({ kind: "self-made" }, () => "free"), "none");
  assert.equal(proposedApi({ kind: "files", cert: "/c", key: "/k" }, () => "free"), "none");
  // Once it was answered, the answer is what is proposed.
  using place = new InitPlace();
  const first = await converse(
    place,
    new Answering("a.test", "", "acme", "me@a.test", true, "none", "go"),
  );
  await carryOut(first.plan, new AbortController().signal, () => {});
  const again = new Answering(ENTER, ENTER, ENTER, ENTER, true, ENTER, ENTER);
  assert.equal((await converse(place, again)).plan.answers.api, "none");
});

Deno.test("init says what keeps apps from connecting, unless the host that runs has the place itself", () => {
  const config = (api: string) => parseConfig(`domain: a.test\napi: {${api}}`, "fmsg.yaml");
  const straight = config('listen: "[::]:443", tls: true');
  const behind = config("listen: 127.0.0.1:8000");
  const taken = (): Port => "taken";
  assert.match(
    interfaceNotes(straight, behind, taken).join("\n"),
    /^Another program listens on \[::\]:443 .*--api local\)$/,
  );
  assert.match(interfaceNotes(behind, null, taken).join("\n"), /change api\.listen in fmsg\.yaml$/);
  assert.deepEqual(interfaceNotes(straight, straight, taken), []);
  assert.deepEqual(interfaceNotes(straight, null, () => "free"), []);
  assert.deepEqual(interfaceNotes(parseConfig("domain: a.test", "fmsg.yaml"), null, taken), []);
});

const ENTER = Symbol("Enter");
/** Nobody listens there, so that the terms cannot be read. */
const DIRECTORY = "http://127.0.0.1:9/directory";

/** Gives the answers in order, and leaves when there are no more. */
class Answering implements Asker {
  readonly answers: (string | boolean | typeof ENTER)[];
  readonly asked: string[] = [];
  readonly complaints: string[] = [];
  readonly said: string[] = [];
  readonly style = NO_STYLE;
  readonly columns = 200;

  constructor(...answers: (string | boolean | typeof ENTER)[]) {
    this.answers = answers;
  }

  text({ message, fallback, problem }: TextQuestion): Promise<string> {
    this.asked.push(message);
    for (;;) {
      const answer = this.#next();
      const text = answer === ENTER ? fallback ?? "" : String(answer) || (fallback ?? "");
      const wrong = problem(text);
      if (wrong === null) return Promise.resolve(text);
      this.complaints.push(wrong);
    }
  }

  choose<Value extends string>(question: ChoiceQuestion<Value>): Promise<Value> {
    this.asked.push(question.message);
    const answer = this.#next();
    if (answer === ENTER) return Promise.resolve(question.first);
    const chosen = question.choices.find(({ value }) => value === answer);
    assert.ok(chosen, `"${String(answer)}" is no choice of "${question.message}"`);
    return Promise.resolve(chosen.value);
  }

  confirm(message: string, first: boolean): Promise<boolean> {
    this.asked.push(message);
    const answer = this.#next();
    return Promise.resolve(answer === ENTER ? first : answer === true);
  }

  begin(title: string): void {
    this.said.push(title);
  }

  say(text: string): void {
    this.said.push(text);
  }

  #next(): string | boolean | typeof ENTER {
    const answer = this.answers.shift();
    if (answer === undefined) throw new Cancelled("No more answers");
    return answer;
  }
}

async function converse(
  place: InitPlace,
  asker: Asker,
  options: InitOptions = {},
): Promise<Prepared> {
  const given = readFlags({
    config: place.config,
    dataDir: place.data,
    listen: ["127.0.0.1:0"],
    unit: false,
    ...options,
  });
  const withAuthority = { ...given, directory: given.directory ?? DIRECTORY };
  const prepared = await prepare(withAuthority, lookAround(given), asker, false);
  if (asker instanceof Answering) assert.deepEqual(asker.answers, []);
  return prepared;
}

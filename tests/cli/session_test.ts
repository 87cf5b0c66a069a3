// fmsg session: the browsers that are signed in, listed and signed out.

import assert from "node:assert/strict";
import { browserName } from "../../src/cli/browser_name.ts";
import { runCommandLine } from "../../src/cli/main.ts";
import { width } from "../../src/cli/terminal.ts";
import { World } from "../support/world.ts";
import { signIn } from "./sign_in.ts";
import { capturing, isHarmless, Place } from "./support.ts";

const API = 'api: {listen: "127.0.0.1:8000", public_url: "https://mail.a.test"}\n';
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0";

async function link(place: Place, name: string): Promise<string> {
  const made = await place.json("user", "link", `@${name}@a.test`) as { readonly link: string };
  return made.link;
}

async function open(place: Place, name: string, id: string, agent = FIREFOX): Promise<void> {
  assert.notEqual(await signIn(place.config, await link(place, name), { id, agent }), null);
}

async function ids(place: Place, ...words: string[]): Promise<string[]> {
  const listed = await place.json("session", "list", ...words) as { readonly id: string }[];
  return listed.map(({ id }) => id).toSorted();
}

Deno.test("sessions are listed of all and of one user, and revoked one by one", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("Alice", "bob");
  const none = await place.run(["session", "list"]);
  assert.match(none.stderr, /No browser is signed in.*fmsg user link/);
  await open(place, "alice", "a1");
  await open(place, "bob", "b1");
  assert.deepEqual(await ids(place), ["a1", "b1"]);
  const [mine] = await place.json("session", "list", "@alice@a.test") as Record<string, unknown>[];
  const { created, used, expires, ...rest } = mine ?? assert.fail();
  assert.deepEqual(rest, { id: "a1", address: "@Alice@a.test", agent: FIREFOX });
  assert.ok(Math.abs(Number(created) - Date.now() / 1000) < 60);
  assert.equal(used, created);
  assert.equal(Number(expires) - Number(used), 90 * 86_400);

  assert.deepEqual(await place.json("session", "revoke", "a1"), mine);
  assert.deepEqual(await ids(place), ["b1"]);
  const ended = await place.run(["session", "revoke", "b1"]);
  assert.equal(ended.stdout, "Firefox on Linux of @bob@a.test is signed out\n");
  assert.deepEqual(await ids(place), []);
});

Deno.test("all sessions of a user end together, with the links that were not used yet; nobody else's do", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("alice", "bob");
  for (const id of ["a1", "a2"]) await open(place, "alice", id);
  await open(place, "bob", "b1");
  const unused = await link(place, "alice");
  // One who is switched off can be signed out, too.
  await place.json("user", "set", "@alice@a.test", "--accepting=false");
  const ran = await place.run(["session", "revoke", "--all", "@alice@a.test"]);
  assert.match(ran.stdout, /^2 browsers are signed out as @alice@a\.test; links .* no more\n$/);
  assert.deepEqual(await ids(place), ["b1"]);
  await place.json("user", "set", "@alice@a.test", "--accepting=true");
  assert.equal(await signIn(place.config, unused, { id: "a3" }), null);
  assert.deepEqual(await place.json("session", "revoke", "--all", "@alice@a.test"), {
    address: "@alice@a.test",
    ended: 0,
  });
});

Deno.test("what cannot be revoked or listed is an error that says what to do, and shows no cookie", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("alice");
  await open(place, "alice", "a1");
  const cookie = `a1.${"s".repeat(43)}`;
  const wrong: [status: number, says: RegExp, ...words: string[]][] = [
    [2, /fmsg session list.*--all ADDRESS/, "revoke"],
    [2, /fmsg session list.*--all ADDRESS/, "revoke", "a1", "--all", "@alice@a.test"],
    [2, /--all: .*no address/, "revoke", "--all", "alice"],
    [1, /no user here/, "revoke", "--all", "@bob@a.test"],
    [1, /no session of that id.*fmsg session list/, "revoke", cookie],
    [1, /no user here/, "list", "@bob@a.test"],
    [1, /no address of this host/, "list", "@bob@b.test"],
    [2, /ADDRESS/, "list", "bob"],
  ];
  for (const [status, says, ...words] of wrong) {
    const ran = await place.run(["session", ...words]);
    assert.equal(ran.status, status, words.join(" "));
    assert.match(ran.stderr, says);
    assert.ok(!ran.stderr.includes(cookie));
    assert.equal(ran.stderr.trim().split("\n").length, 1);
  }
  assert.deepEqual(await ids(place), ["a1"]);
});

Deno.test("session list fits a terminal, with ids that can be typed, and whatever a browser calls itself is harmless", async () => {
  using place = new Place("a.test", API);
  const long = "l".repeat(50);
  await place.addUsers("alice", long);
  await open(place, "alice", "0123456789abcdef");
  await open(place, long, "fedcba9876543210", `\x1b[2J\u202eevil ${"x".repeat(100)}`);
  const { stdout } = await place.run(["session", "list"], 80);
  assert.ok(isHarmless(stdout));
  assert.match(stdout, /^session id +user +browser +last used\n/);
  assert.match(
    stdout,
    /^0123456789abcdef {2}@alice@a\.test +Firefox on Linux +\d{4}-\d\d-\d\d \d\d:\d\d$/m,
  );
  assert.match(stdout, /^fedcba9876543210 {2}@lll/m);
  for (const line of stdout.split("\n")) assert.ok(width(line) <= 80, line);
  const piped = await place.run(["session", "list"]);
  assert.match(piped.stdout, /^0123456789abcdef +@alice@a\.test +Firefox on Linux +20/m);
  assert.ok(isHarmless(piped.stdout));
});

Deno.test("a browser is called by its name, although it says that it is others as well", () => {
  const like = "AppleWebKit/537.36 (KHTML, like Gecko)";
  const names: [agent: string, name: string][] = [
    [FIREFOX, "Firefox on Linux"],
    [`Mozilla/5.0 (X11; Linux x86_64) ${like} Chrome/150.0 Safari/537.36`, "Chrome on Linux"],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${like} Chrome/150.0 Mobile Safari/537.36`,
      "Chrome on Android",
    ],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${like} Chrome/150.0 Safari/537.36 Edg/150.0`,
      "Edge on Windows",
    ],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15",
      "Safari on macOS",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
      "Safari on iPhone",
    ],
    ["curl/8.5.0", "curl/8.5.0"],
    ["", "a browser"],
    ["\x1b[31m", "\\x1b[31m"],
  ];
  for (const [agent, name] of names) assert.equal(browserName(agent), name);
});

Deno.test("beside a running host a link is good at once, and a session is gone once it is revoked", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice"] });
  const alice = host.address("alice");
  const made = Object(await host.json(["user", "link", alice]));
  assert.ok(made.link.startsWith(`http://${host.apiAddress}/#sign-in=`), made.link);
  const { origin, hash } = new URL(made.link);
  const opened = await fetch(`${origin}/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin, "user-agent": FIREFOX },
    body: JSON.stringify({ token: hash.replace("#sign-in=", "") }),
  });
  assert.deepEqual([opened.status, await opened.json()], [200, { address: alice }]);
  const [cookie = ""] = (opened.headers.get("set-cookie") ?? "").split(";");
  const status = async (): Promise<number> => {
    const answer = await fetch(`${origin}/fmsg`, { headers: { cookie } });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await status(), 200);
  const [session] = await host.json(["session", "list"]) as Record<string, unknown>[];
  assert.equal(session?.agent, FIREFOX);
  await host.json(["session", "revoke", String(session?.id)]);
  assert.equal(await status(), 401);
  assert.deepEqual(await host.json(["session", "list"]), []);

  const other = await world.host({ users: ["bob"] });
  await other.configure({ api: { listen: other.apiAddress } });
  const told = capturing();
  const words = ["user", "link", other.address("bob"), "--config", other.configFile];
  assert.equal(await runCommandLine(words, told.to), 0);
  assert.match(told.taken().stderr, /running host was started before .*: restart it\n$/);
});

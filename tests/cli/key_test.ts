// fmsg key: API keys that are made, listed and revoked, and the key that the host signs with (row N11).

import assert from "node:assert/strict";
import { width } from "../../src/cli/terminal.ts";
import { join } from "node:path";
import { Access } from "../../src/store/mod.ts";
import { readApiKey } from "../../src/api/identity/keys.ts";
import type { ApiClient } from "../support/api_client.ts";
import { World } from "../support/world.ts";
import { isHarmless, Place } from "./support.ts";

const DAY = 86_400;

interface Printed {
  readonly key_id: string;
  readonly key: string;
  readonly expires: number;
  readonly created: number;
}

async function create(
  place: Place,
  ...words: string[]
): Promise<Printed & Record<string, unknown>> {
  return await place.json("key", "create", ...words) as Printed & Record<string, unknown>;
}

function access<Value>(place: Place, read: (access: Access) => Value): Value {
  using opened = new Access(join(place.dir, "data"));
  return read(opened);
}

Deno.test("a key is made with nothing said but whose: for everywhere, ninety days, and the agent cli", async () => {
  using place = new Place();
  await place.addUsers("Alice");
  const { key, key_id, expires, created, ...rest } = await create(place, "@alice@a.test");
  assert.deepEqual(rest, {
    agent: "cli",
    owner: "@Alice@a.test",
    address: "@Alice@a.test",
    type: "delegated_identity",
    cidrs: ["0.0.0.0/0", "::/0"],
  });
  const read = readApiKey(key);
  assert.equal(read?.id, key_id);
  assert.ok(Math.abs(created - Date.now() / 1000) < 60);
  assert.ok(Math.abs(expires - created - 90 * DAY) < 60);
  const grant = access(place, (one) => one.grantByKey(key_id, read?.hash ?? new Uint8Array()));
  assert.equal(grant?.agent, "cli");

  const listed = await place.json("key", "list");
  assert.deepEqual(listed, [{ ...rest, key_id, expires, created }]);
  assert.deepEqual(await place.json("key", "revoke", key_id), {
    ...rest,
    key_id,
    expires,
    created,
  });
  assert.deepEqual(await place.json("key", "list"), []);
});

Deno.test("a key is made with everything said, for an owner who acts as another user", async () => {
  using place = new Place();
  await place.addUsers("alice", "sales");
  const made = await create(
    place,
    "@sales@a.test",
    "--for",
    "@alice@a.test",
    "--agent",
    "büro-1",
    "--cidr",
    "203.0.113.0/24,198.51.100.7",
    "--cidr=2001:DB8::1",
    "--expires",
    "2027-01-31T12:00:00+01:00",
  );
  assert.equal(made.owner, "@alice@a.test");
  assert.equal(made.address, "@sales@a.test");
  assert.equal(made.agent, "büro-1");
  assert.deepEqual(made.cidrs, ["203.0.113.0/24", "198.51.100.7/32", "2001:db8::1/128"]);
  assert.equal(made.expires, Date.parse("2027-01-31T11:00:00Z") / 1000);
  const grant = access(place, (one) => one.grantFor("@alice@a.test", "@sales@a.test"));
  assert.equal(grant?.keyId, made.key_id);
});

Deno.test("for people a key is printed once, with what it is good for; lists and errors never show one", async () => {
  using place = new Place("a.test", 'api: {listen: "127.0.0.1:8000"}\n');
  await place.addUsers("alice");
  assert.match((await place.run(["key", "list"])).stderr, /no API keys.*fmsg key create/);
  const made = await place.run(["key", "create", "@alice@a.test"]);
  assert.equal(made.status, 0);
  const key = /fmsgk_\w+/.exec(made.stdout)?.[0] ?? assert.fail(made.stdout);
  assert.match(made.stdout, /acts as +@alice@a\.test\nagent +cli\nfrom +anywhere\nexpires/);
  assert.match(made.stderr, /once.*http:\/\/127\.0\.0\.1:8000/);
  assert.ok(!made.stderr.includes(key));

  const again = await place.run(["key", "create", "@alice@a.test", "--agent", "CLI"]);
  assert.equal(again.status, 1);
  const id = readApiKey(key)?.id ?? "";
  assert.match(again.stderr, new RegExp(`--agent, or end that one with "fmsg key revoke ${id}"`));
  const secret = key.slice(key.lastIndexOf("_") + 1);
  const list = await place.run(["key", "list"], 100);
  const mistaken = await place.run(["key", "revoke", key]);
  assert.equal(mistaken.status, 1);
  for (const ran of [list, again, mistaken, await place.run(["key", "list", "--json"])]) {
    assert.ok(!(ran.stdout + ran.stderr).includes(secret));
    assert.ok(isHarmless(ran.stdout + ran.stderr));
  }
  assert.match(list.stdout, new RegExp(`${id} .*@alice@a\\.test`));
  assert.match((await place.run(["key", "revoke", id])).stdout, /revoked/);
});

Deno.test("a key for nobody, or with what is none, is an error that says what to do", async () => {
  using place = new Place();
  await place.addUsers("alice", "off");
  await place.json("user", "set", "@off@a.test", "--accepting=false");
  const alice = "@alice@a.test";
  const wrong: [status: number, says: RegExp, ...words: string[]][] = [
    [1, /no user here.*fmsg user add/, "@bob@a.test"],
    [1, /no address of this host/, "@bob@b.test"],
    [1, /--accepting=true/, "@off@a.test"],
    [1, /no user here/, alice, "--for", "@bob@a.test"],
    [2, /--for: .*no address/, alice, "--for", "bob"],
    [2, /ADDRESS/, "alice"],
    [2, /--agent/, alice, "--agent", "a_b"],
    [2, /--agent/, alice, "--agent", ""],
    [2, /--cidr/, alice, "--cidr", "everywhere"],
    [2, /--cidr/, alice, "--cidr", "::/0,"],
    [2, /--cidr/, alice, ...Array(65).fill("--cidr=::/0")],
    [2, /--expires/, alice, "--expires", "0"],
    [2, /--expires/, alice, "--expires", "soon"],
    [2, /--expires/, alice, "--expires", "2020-01-01T00:00:00Z"],
    [2, /--expires/, alice, "--expires", "2027-01-31"],
    [2, /--expires/, alice, "--expires", "4000d"],
  ];
  for (const [status, says, ...words] of wrong) {
    const ran = await place.run(["key", "create", ...words]);
    assert.equal(ran.status, status, words.join(" "));
    assert.match(ran.stderr, says);
    assert.equal(ran.stderr.trim().split("\n").length, 1);
  }
  assert.deepEqual(await place.json("key", "list"), []);
  assert.equal((await place.run(["key", "revoke", "0123456789abcdef"])).status, 1);
});

Deno.test("the signing key is rotated, and with --revoke the earlier ones are gone", async () => {
  using place = new Place();
  const kids = () => access(place, (one) => one.signingKeys().map(({ kid }) => kid));
  const rotate = async (...words: string[]) =>
    await place.json("key", "rotate", ...words) as { kid: string; revoked: boolean };
  const first = await rotate();
  const second = await rotate();
  assert.equal(second.revoked, false);
  assert.deepEqual(kids(), [second.kid, first.kid]);
  const third = await rotate("--revoke");
  assert.equal(third.revoked, true);
  assert.deepEqual(kids(), [third.kid]);
  assert.match((await place.run(["key", "rotate", "--revoke"])).stdout, /refused/);
});

Deno.test("key list fits a terminal, with ids that can be typed", async () => {
  using place = new Place();
  const long = `@${"a".repeat(60)}@a.test`;
  await place.addUsers("alice", "a".repeat(60));
  const mine = Object(await place.json("key", "create", long, "--agent", "b".repeat(60)));
  const { stdout } = await place.run(["key", "list"], 80);
  assert.match(
    stdout,
    new RegExp(`^key id  .*expires\n${mine.key_id}  @aa.*…  .*…  anywhere  \\d{4}-.*\n$`, "s"),
  );
  // Who is whom is told where it is not the same.
  assert.doesNotMatch(stdout, /owner/);
  const flags = ["--for", "@alice@a.test", "--cidr", "203.0.113.0/24", "--cidr", "2001:db8::/32"];
  await place.json("key", "create", long, ...flags);
  const both = await place.run(["key", "list"], 80);
  assert.match(both.stdout, /^key id .* owner [^]*@alice@a/);
  assert.match(both.stdout, /^[0-9a-f]{16} {2}@/m);
  for (const line of both.stdout.split("\n")) assert.ok(width(line) <= 80, line);
});

Deno.test("N11 with a running host: a key is good at once, and no more once it is revoked", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice", "bob"] });
  const alice = host.address("alice");
  const made = await host.cli(["key", "create", alice, "--json"]);
  assert.equal(made.code, 0, made.stderr);
  const { key, key_id }: Printed = JSON.parse(made.stdout);
  const exchanged = await host.api.with(key).post("/fmsg/token");
  assert.equal(exchanged.status, 200, exchanged.text);
  const { access_token } = exchanged.json as { access_token: string };
  const client = host.api.with(access_token);
  assert.equal(await status(client), 200);
  assert.equal(await status(host.api), 401);

  // A new signing key ends no token, unless that is wanted.
  assert.equal((await host.cli(["key", "rotate"])).code, 0);
  assert.equal(await status(client), 200);
  const identity = await host.client("bob");
  assert.equal(await status(identity), 200);
  assert.equal((await host.cli(["key", "rotate", "--revoke"])).code, 0);
  for (const one of [client, identity]) assert.equal(await status(one), 401);

  const again = await host.api.with(key).post("/fmsg/token");
  const renewed = host.api.with((again.json as { access_token: string }).access_token);
  assert.equal(await status(renewed), 200);
  assert.equal((await host.cli(["key", "revoke", key_id])).code, 0);
  assert.equal(await status(renewed), 401);
  assert.equal((await host.api.with(key).post("/fmsg/token")).status, 401);

  // Nothing of it is in the log.
  const log = host.tail();
  const secrets = [key.slice(-64), access_token.split(".")[2] ?? "", identity.token ?? ""];
  for (const secret of secrets) assert.ok(secret !== "" && !log.includes(secret));
});

async function status(client: ApiClient): Promise<number> {
  return (await client.get("/fmsg")).status;
}

// Row N11: grants of a running host, from their making to the tokens that die with their keys.

import assert from "node:assert/strict";
import * as v from "valibot";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { World } from "../support/world.ts";
import { SharedHosts } from "./shared_hosts.ts";

const LATER = "2999-12-31T00:00:00Z";
const EVERYWHERE = ["0.0.0.0/0", "::/0"];

const GRANT = v.strictObject({
  agent: v.string(),
  addr: v.string(),
  grant_type: v.string(),
  key_id: v.string(),
  allowed_cidrs: v.array(v.string()),
  key_expires_at: v.string(),
});
const GRANT_WITH_KEY = v.strictObject({ ...GRANT.entries, api_key: v.string() });
const LISTED = v.strictObject({ max_sub_accounts: v.number(), sub_accounts: v.array(GRANT) });
const TOKEN = v.looseObject({ access_token: v.string() });

/** The interface believes what a client in front says of where it is from. */
const BEHIND_PROXY = { trusted_proxies: ["127.0.0.0/8"] };

const shared = new SharedHosts({ api: BEHIND_PROXY });

function from(ip: string): { headers: Record<string, string> } {
  return { headers: { "x-forwarded-for": ip } };
}

async function create(
  owner: ApiClient,
  agent: string,
  cidrs: readonly string[] = EVERYWHERE,
): Promise<string> {
  const json = { agent, allowed_cidrs: cidrs, key_expires_at: LATER };
  const { status, json: body, text } = await owner.post("/fmsg/sub-accounts", json);
  assert.equal(status, 201, text);
  return v.parse(GRANT_WITH_KEY, body).api_key;
}

async function exchange(host: HostProcess, key: string, ip = "127.0.0.1"): Promise<ApiAnswer> {
  return await host.api.with(key).post("/fmsg/token", undefined, from(ip));
}

async function withKey(host: HostProcess, key: string, ip?: string): Promise<ApiClient> {
  const { status, json, text } = await exchange(host, key, ip);
  assert.equal(status, 200, text);
  return host.api.with(v.parse(TOKEN, json).access_token);
}

async function send(client: ApiClient, sender: string, to: string): Promise<ApiAnswer> {
  const json = { version: 1, from: sender, to: [to], type: "text/plain", size: 2, data: "hi" };
  const { json: draft, text } = await client.post("/fmsg", json);
  const { id } = v.parse(v.object({ id: v.number() }), draft, { message: text });
  return await client.post(`/fmsg/${id}/send`);
}

async function statusOf(answer: Promise<ApiAnswer>): Promise<number> {
  return (await answer).status;
}

Deno.test("N11 a sub-account is made, told of without its key, and is a user that sends and receives by itself", async () => {
  const { host, address, client } = await shared.users("alice", "bob");
  const [alice, bob] = [await client("alice"), await client("bob")];
  const key = await create(alice, "bot", ["127.0.0.0/8"]);
  const { max_sub_accounts: max, sub_accounts: all } = v.parse(
    LISTED,
    (await alice.get("/fmsg/sub-accounts")).json,
  );
  const granted = address("alice_bot");
  assert.deepEqual([max, all.length, all[0]?.addr], [5, 1, granted]);
  assert.deepEqual(v.parse(GRANT, (await alice.get("/fmsg/sub-accounts/bot")).json), all[0]);

  const bot = await withKey(host, key);
  assert.equal(await statusOf(send(bot, granted, address("bob"))), 200);
  assert.equal(await statusOf(send(bob, address("bob"), granted)), 200);
  const lists = await Promise.all([bot.get("/fmsg"), bot.get("/fmsg/sent"), alice.get("/fmsg")]);
  const counts = lists.map(({ json }) => v.parse(v.array(v.unknown()), json).length);
  assert.deepEqual(counts, [1, 1, 0], "the owner sees nothing of it");
  const user = await host.user(granted);
  assert.equal(user.accepting, true);
});

Deno.test("N11 a key and its tokens are good only from its ranges, as they are now", async () => {
  const { host, client } = await shared.users("alice");
  const alice = await client("alice");
  const key = await create(alice, "bot", ["203.0.113.0/24", "2001:db8::/32"]);
  assert.deepEqual(
    await Promise.all(
      ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::7", "203.0.114.1", "2001:db9::1"]
        .map((ip) => statusOf(exchange(host, key, ip))),
    ),
    [200, 200, 200, 403, 403],
  );
  const bot = await withKey(host, key, "203.0.113.9");
  const list = (ip: string): Promise<number> => statusOf(bot.get("/fmsg", from(ip)));
  assert.deepEqual([await list("203.0.113.10"), await list("198.51.100.1")], [200, 403]);

  const replaced = await alice.patch("/fmsg/sub-accounts/bot", {
    allowed_cidrs: ["198.51.100.0/24"],
  });
  assert.deepEqual(v.parse(GRANT, replaced.json).allowed_cidrs, ["198.51.100.0/24"]);
  assert.deepEqual([await list("203.0.113.10"), await list("198.51.100.1")], [403, 200]);
  assert.equal(await statusOf(exchange(host, key, "198.51.100.1")), 200, "the key is the same");
});

Deno.test("N11 a rotated key ends the key and every token before it, at once and after a restart", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice"] });
  const alice = await host.client("alice");
  const first = await create(alice, "bot");
  const before = await withKey(host, first);
  assert.equal(await statusOf(before.get("/fmsg")), 200);
  const { json } = await alice.post("/fmsg/sub-accounts/bot/rotate-key", { key_expires_at: LATER });
  const second = v.parse(GRANT_WITH_KEY, json);
  assert.equal(await statusOf(before.get("/fmsg")), 401);
  assert.equal(await statusOf(exchange(host, first)), 401);
  const after = await withKey(host, second.api_key);
  await host.stop();
  await host.start();
  assert.deepEqual(
    [await statusOf(before.get("/fmsg")), await statusOf(after.get("/fmsg"))],
    [401, 200],
  );
});

Deno.test("N11 a deleted grant ends its key, its tokens and acting as it; its address stays a user", async () => {
  const { host, address, client } = await shared.users("alice");
  const alice = await client("alice");
  const bot = await withKey(host, await create(alice, "bot"));
  const acting = alice.actingAs(address("alice_bot"));
  assert.deepEqual(
    [await statusOf(bot.get("/fmsg")), await statusOf(acting.get("/fmsg"))],
    [200, 200],
  );
  const deleted = await alice.delete("/fmsg/sub-accounts/bot");
  assert.deepEqual([deleted.status, deleted.text], [204, ""]);
  assert.deepEqual(
    [await statusOf(bot.get("/fmsg")), await statusOf(acting.get("/fmsg"))],
    [401, 403],
  );
  assert.equal(await statusOf(alice.delete("/fmsg/sub-accounts/bot")), 404);
  assert.equal((await host.user(address("alice_bot"))).accepting, true);
  // The same owner gets the same address again.
  await create(alice, "bot");
});

Deno.test("N11 act-as is for the owner's own grants alone, and never beside the token of a key", async () => {
  const { host, address, client } = await shared.users("alice", "bob");
  const [alice, bob] = [await client("alice"), await client("bob")];
  const key = await create(alice, "bot");
  const granted = address("alice_bot");
  const acting = alice.actingAs(granted);
  assert.equal(await statusOf(send(acting, granted, address("bob"))), 200);
  assert.equal(v.parse(v.array(v.unknown()), (await acting.get("/fmsg/sent")).json).length, 1);
  const spelled = alice.actingAs(granted.toUpperCase());
  assert.equal(
    await statusOf(spelled.get("/fmsg/sent")),
    200,
    "addresses are the same in any case",
  );

  const bot = await withKey(host, key);
  const refused = [
    bob.actingAs(granted),
    alice.actingAs(address("bob")),
    alice.actingAs(address("nobody")),
    bot.actingAs(granted),
    bot.actingAs(address("alice")),
  ];
  for (const client of refused) assert.equal(await statusOf(client.get("/fmsg")), 403);
  assert.equal(await statusOf(acting.get("/fmsg/sub-accounts")), 403);
  assert.equal(await statusOf(bot.get("/fmsg/sub-accounts")), 403);
});

Deno.test("N11 a granted address or an owner that takes no messages any more is not let in, until it does again", async () => {
  const { host, address, client } = await shared.users("alice");
  const alice = await client("alice");
  const key = await create(alice, "bot");
  const bot = await withKey(host, key);
  for (const user of ["alice_bot", "alice"]) {
    await host.setUser(address(user), "--accepting=false");
    const during = [await statusOf(bot.get("/fmsg")), await statusOf(exchange(host, key))];
    assert.deepEqual(during, [403, 403], user);
    await host.setUser(address(user), "--accepting=true");
    assert.equal(await statusOf(bot.get("/fmsg")), 200);
  }
});

Deno.test("N11 a key of the operator's: delegated, listed by the owner, ended by fmsg key revoke", async () => {
  const { host, address, client } = await shared.users("alice", "sales");
  const [alice, sales] = [address("alice"), address("sales")];
  const schema = v.looseObject({ key: v.string(), key_id: v.string() });
  const args = ["key", "create", sales, "--for", alice, "--agent", "desk", "--cidr", "127.0.0.0/8"];
  const { key, key_id: id } = v.parse(schema, await host.json(args));
  const desk = await withKey(host, key);
  assert.equal(await statusOf(send(desk, sales, alice)), 200);
  const owner = await client("alice");
  const { json } = await owner.get("/fmsg/sub-accounts/desk");
  const { addr, grant_type: type, allowed_cidrs: cidrs } = v.parse(GRANT, json);
  assert.deepEqual([addr, type, cidrs], [sales, "delegated_identity", ["127.0.0.0/8"]]);
  assert.equal(await statusOf(owner.actingAs(sales).get("/fmsg/sent")), 200);
  await host.json(["key", "revoke", id]);
  assert.equal(await statusOf(desk.get("/fmsg")), 401);
  assert.equal(await statusOf(owner.actingAs(sales).get("/fmsg/sent")), 403);
});

Deno.test("N11 neither keys nor tokens stand in the log or the store", async () => {
  await using world = await World.make();
  const host = await world.host({
    api: true,
    users: ["alice"],
    config: { log: { level: "debug" } },
  });
  const alice = await host.client("alice");
  const key = await create(alice, "bot");
  const bot = await withKey(host, key);
  await bot.get("/fmsg?access_token=" + bot.token);
  await exchange(host, key.replace(/.$/, "x"));
  await bot.with("nonsense").get("/fmsg");
  await host.stop();
  const log = JSON.stringify(host.log);
  const store = new TextDecoder("latin1").decode(await Deno.readFile(`${host.dataDir}/fmsg.db`));
  for (const secret of [key.split("_")[2] ?? "", bot.token ?? "", alice.token ?? "", "nonsense"]) {
    assert.ok(secret !== "" && !log.includes(secret), "in the log");
    assert.ok(!store.includes(secret), "in the store");
  }
});

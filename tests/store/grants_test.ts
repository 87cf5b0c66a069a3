// API-access grants and signing keys in the store: who may act as whom, and what a removed user leaves (row N11).

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { isProblem } from "../../src/protocol/mod.ts";
import {
  Access,
  type Grant,
  type LimitChanges,
  MAX_REGISTERED,
  MAX_SUB_ACCOUNTS,
  type NewGrant,
  storeFile,
} from "../../src/store/mod.ts";
import { HERE, results, TestStore } from "./support.ts";

const ALICE = `@Alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const alice = ALICE.toLowerCase();
const LATER = Date.now() / 1000 + 3600;

let made = 0;

/** What makes a grant; of Alice's, with a new key. */
function wanted(agent: string, changes: Partial<NewGrant> = {}): NewGrant {
  const id = `key${made++}`;
  return {
    ownerKey: alice,
    agent,
    delegated: null,
    cidrs: ["0.0.0.0/0"],
    key: { id, hash: new Uint8Array(32).fill(made % 256), expires: LATER },
    ...changes,
  };
}

async function create(store: TestStore, grant: NewGrant): Promise<Grant> {
  const created = await store.writer.submit("createGrant", grant);
  assert.ok(!isProblem(created), isProblem(created) ? created.message : "");
  return created;
}

async function refused(store: TestStore, grant: NewGrant, reason: string): Promise<void> {
  const answer = await store.writer.submit("createGrant", grant);
  assert.equal(isProblem(answer) ? answer.reason : "created", reason);
}

function access<Value>(store: TestStore, read: (access: Access) => Value): Value {
  using opened = new Access(store.folder);
  return read(opened);
}

Deno.test("N11 create: a derived sub-account becomes a user, and is found by owner, agent, key and address", async () => {
  await using store = await TestStore.open([ALICE]);
  const { kind, created, ...grant } = await create(store, wanted("Bot", { cidrs: ["::/0"] }));
  assert.equal(kind, "grant");
  assert.ok(Math.abs(created - Date.now() / 1000) < 60);
  const address = `@Alice_Bot@${HERE}`;
  const type = "derived_sub_account";
  const keyId = `key${made - 1}`;
  assert.deepEqual(grant, {
    owner: ALICE,
    agent: "Bot",
    address,
    type,
    keyId,
    cidrs: ["::/0"],
    expires: LATER,
  });

  access(store, (access) => {
    const user = access.user(address.toLowerCase());
    assert.deepEqual([user?.address, user?.accepting], [address, true]);
    const found = [
      access.grant(alice, "bOT"),
      access.grantByKeyId(keyId),
      access.grantByKey(keyId, new Uint8Array(32).fill(made % 256)),
      access.grantFor(alice, address.toLowerCase()),
      ...access.grantsOf(alice),
      ...access.allGrants(),
    ];
    assert.deepEqual(found.map((one) => one?.keyId), Array(6).fill(keyId));
    assert.equal(access.grantByKey(keyId, new Uint8Array(32)), null);
    assert.equal(access.grantByKey("other", new Uint8Array(32)), null);
    assert.equal(access.grant(alice, "bo"), null);
    assert.equal(access.grantFor(`@bob@${HERE}`, address.toLowerCase()), null);
  });
});

Deno.test("N11 create: one agent has one grant, however it is spelled, and an unknown owner has none", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  await create(store, wanted("bot"));
  await refused(store, wanted("bot"), "already granted");
  await refused(store, wanted("BOT", { delegated: BOB }), "already granted");
  await refused(store, wanted("bot", { ownerKey: `@zed@${HERE}` }), "user unknown");
  await refused(store, wanted("zed", { delegated: `@zed@${HERE}` }), "user unknown");
  assert.equal(store.count("api_grant"), 1);
});

Deno.test("N11 create: an agent that makes no address, or is no name, is refused", async () => {
  await using store = await TestStore.open([ALICE]);
  const agents = [
    "",
    "a_b",
    "a@b",
    "-bot",
    "bot.",
    "a..b",
    "a b",
    "a/b",
    "x".repeat(65),
    "\u{1F600}",
  ];
  for (const agent of agents) await refused(store, wanted(agent), "bad address");
  assert.equal(store.count("user"), 1);
  assert.equal((await create(store, wanted("bör.7-x"))).address, `@Alice_bör.7-x@${HERE}`);
});

Deno.test("N11 create: a mailbox of somebody else is not given, whatever its name looks like", async () => {
  await using store = await TestStore.open([ALICE, BOB, `@alice_bot@${HERE}`]);
  await refused(store, wanted("bot"), "already granted");

  // Nor what an earlier user of that name has left.
  await store.send({ from: BOB, to: [BOB] });
  await store.addUser(`@alice_old@${HERE}`);
  await store.send({ from: BOB, to: [`@alice_old@${HERE}`] });
  await store.writer.submit("removeUser", { key: `@alice_old@${HERE}` });
  await refused(store, wanted("old"), "already granted");
  assert.equal(store.count("user"), 3);
  assert.equal(store.count("api_grant"), 0);

  // An operator may delegate it.
  const delegated = await create(store, wanted("bot", { delegated: `@ALICE_bot@${HERE}` }));
  assert.equal(delegated.type, "delegated_identity");
  assert.equal(delegated.address, `@alice_bot@${HERE}`);
});

Deno.test("N11 create: a sub-account of one's own is taken up again, as it was left", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const { address } = await create(store, wanted("bot"));
  const key = address.toLowerCase();
  await store.send({ from: BOB, to: [address] });
  await store.writer.submit("setUser", { key, name: "Robot", accepting: false });
  assert.equal(await store.writer.submit("deleteGrant", { ownerKey: alice, agent: "BOT" }), true);
  assert.equal(await store.writer.submit("deleteGrant", { ownerKey: alice, agent: "bot" }), false);

  await create(store, wanted("bot"));
  const user = access(store, (access) => access.user(key));
  assert.deepEqual([user?.address, user?.accepting], [address, false]);
  assert.equal(store.read((mailbox) => mailbox.user(key))?.name, "Robot");
});

Deno.test("N11 create: there are five sub-accounts at once, and not any number one after the other", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  for (let i = 1; i < MAX_SUB_ACCOUNTS; i++) await create(store, wanted(`bot${i}`));
  // Nor by asking for two at the same moment.
  const last = await store.group(
    ...["bot0", "more"].map((agent) => ({ name: "createGrant", input: wanted(agent) }) as const),
  );
  assert.deepEqual(results(last).map(String), ["grant", "too many grants"]);
  await refused(store, wanted("more"), "too many grants");
  await create(store, wanted("other", { delegated: BOB }));
  assert.equal(store.count("api_grant"), MAX_SUB_ACCOUNTS + 1);

  for (let i = 0; i < MAX_REGISTERED; i++) {
    await store.writer.submit("deleteGrant", { ownerKey: alice, agent: `bot${i}` });
    if (i + MAX_SUB_ACCOUNTS < MAX_REGISTERED) await create(store, wanted(`bot${i + 5}`));
  }
  await refused(store, wanted("more"), "too many grants");
  assert.equal(store.count("user"), MAX_REGISTERED + 2);
  await create(store, wanted("bot7"));
});

Deno.test("N11 create: the limits of an owner are those of the sub-accounts", async () => {
  await using store = await TestStore.open();
  const limits: LimitChanges = { send_messages_per_day: 3, recv_bytes: null };
  await store.addUser({ address: ALICE, limits });
  const { address } = await create(store, wanted("bot"));
  const user = store.read((mailbox) => mailbox.user(address.toLowerCase()));
  assert.deepEqual(user?.limits, limits);
});

Deno.test("N11 rotate and CIDRs: each changes what it is for and nothing else; an unknown grant is none", async () => {
  await using store = await TestStore.open([ALICE]);
  const before = await create(store, wanted("bot"));
  const key = { id: "new", hash: new Uint8Array(32).fill(9), expires: LATER + 60 };
  const name = { ownerKey: alice, agent: "bot" };
  const rotated = await store.writer.submit("rotateGrantKey", { ...name, key });
  assert.deepEqual(rotated, { ...before, keyId: "new", expires: LATER + 60 });
  access(store, (access) => {
    assert.equal(access.grantByKeyId(before.keyId), null);
    assert.deepEqual(access.grantByKey("new", key.hash), rotated);
  });
  const cidrs = ["203.0.113.0/24", "2001:db8::/32"];
  assert.deepEqual(await store.writer.submit("setGrantCidrs", { ...name, cidrs }), {
    ...rotated,
    cidrs,
  });

  const unknown = { ownerKey: alice, agent: "none" };
  const refusals = [
    await store.writer.submit("rotateGrantKey", { ...unknown, key: { ...key, id: "x" } }),
    await store.writer.submit("setGrantCidrs", { ...unknown, cidrs }),
  ];
  for (const one of refusals) assert.equal(isProblem(one) && one.reason, "grant not found");
  await assert.rejects(store.writer.submit("setGrantCidrs", { ...name, cidrs: [] }), /ranges/);
});

Deno.test("N11 remove: grants go with the user who owns them or whose address they are of, for good", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const bot = (await create(store, wanted("bot"))).address.toLowerCase();
  await create(store, wanted("bob", { delegated: BOB }));
  await create(store, wanted("ali", { ownerKey: `@bob@${HERE}`, delegated: ALICE }));
  await create(store, wanted("cli", { ownerKey: `@bob@${HERE}`, delegated: BOB }));

  await store.writer.submit("removeUser", { key: alice });
  await store.addUser(ALICE);
  assert.deepEqual(access(store, (access) => access.allGrants()).map(({ agent }) => agent), [
    "cli",
  ]);
  // The new Alice may be another person, so what the earlier one's agent has is not hers.
  await refused(store, wanted("bot"), "already granted");
  assert.notEqual(access(store, (access) => access.user(bot)), null);

  await store.writer.submit("removeUser", { key: `@bob@${HERE}` });
  assert.equal(store.count("api_grant"), 0);
});

Deno.test("a signing key is made once, and one that was replaced verifies for a year unless it is revoked", async () => {
  await using store = await TestStore.open();
  assert.equal(access(store, (access) => access.currentSigningKey()), null);
  const first = await store.writer.submit("ensureSigningKey", null);
  assert.equal(await store.writer.submit("ensureSigningKey", null), first);
  await store.reopen();
  assert.equal(await store.writer.submit("ensureSigningKey", null), first);

  const second = await store.writer.submit("rotateSigningKey", { revoke: false });
  access(store, (access) => {
    assert.deepEqual(access.signingKeys().map(({ kid }) => kid), [second, first]);
    assert.equal(access.currentSigningKey()?.kid, second);
    const { retired = null } = access.signingKey(first) ?? {};
    assert.ok(retired !== null && retired > Date.now() / 1000 + 365 * 86_400);
    const [one, other] = access.signingKeys();
    assert.notEqual(one?.jwk.d, other?.jwk.d);
  });

  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.prepare("UPDATE signing_key SET retired = ? WHERE kid = ?").run(
      Date.now() / 1000 - 1,
      first,
    );
  }
  access(store, (access) => {
    assert.deepEqual(access.signingKeys().map(({ kid }) => kid), [second]);
    assert.equal(access.signingKey(first), null);
  });

  const third = await store.writer.submit("rotateSigningKey", { revoke: true });
  access(store, (access) => {
    assert.deepEqual(access.signingKeys().map(({ kid }) => kid), [third]);
    assert.equal(access.signingKey(first), null);
    assert.equal(access.signingKey(second), null);
  });
});

// Subscriptions to Web Push in the store, how long they last, and the host's key (row N12).

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  Access,
  MAX_SUBSCRIPTIONS,
  type NewPushSubscription,
  type PushSubscription,
  storeFile,
  SUBSCRIPTION_KEPT,
} from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft, replyTo } from "../support/message.ts";
import { as } from "./identities.ts";
import { HERE, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const ENDPOINT = "https://push.example/abc";
const LATER = Date.now() / 1000 + 3600;

function wanted(user: string, changes: Partial<NewPushSubscription> = {}): NewPushSubscription {
  return {
    addressKey: addressOf(user).key,
    endpoint: ENDPOINT,
    p256dh: new Uint8Array(65).fill(4),
    auth: new Uint8Array(16).fill(1),
    session: null,
    keyId: null,
    ownerKey: null,
    ...changes,
  };
}

async function subscribe(store: TestStore, ...wishes: NewPushSubscription[]): Promise<void> {
  for (const wish of wishes) await store.writer.submit("subscribePush", wish);
}

function of(store: TestStore, user: string): PushSubscription[] {
  using access = new Access(store.folder);
  const { key } = addressOf(user);
  const all = access.pushSubscriptions(key);
  for (const { endpoint, p256dh } of all) {
    assert.deepEqual(access.pushSubscription({ addressKey: key, endpoint })?.p256dh, p256dh);
  }
  assert.equal(access.pushSubscription({ addressKey: key, endpoint: "https://other" }), null);
  return all;
}

function endpoints(store: TestStore, user: string): string[] {
  return of(store, user).map(({ endpoint }) => endpoint);
}

Deno.test("N12 a subscription is its identity's, and is replaced with another of the same endpoint", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  await subscribe(store, wanted(ALICE), wanted(BOB), wanted(ALICE, { auth: new Uint8Array(16) }));
  assert.deepEqual(of(store, ALICE).map(({ endpoint, auth }) => [endpoint, auth[0]]), [
    [ENDPOINT, 0],
  ]);
  assert.deepEqual(of(store, BOB)[0]?.auth, new Uint8Array(16).fill(1));

  const gone = { addressKey: ALICE, endpoint: ENDPOINT };
  assert.equal(await store.writer.submit("unsubscribePush", gone), true);
  assert.equal(await store.writer.submit("unsubscribePush", gone), false);
  assert.deepEqual([endpoints(store, ALICE), endpoints(store, BOB)], [[], [ENDPOINT]]);
});

Deno.test("N12 of too many subscriptions of an address the oldest goes; a refreshed one is new", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const names = Array.from(
    { length: MAX_SUBSCRIPTIONS + 2 },
    (_, i) => `https://push.example/${i}`,
  );
  await subscribe(store, wanted(BOB));
  for (const endpoint of names.slice(0, MAX_SUBSCRIPTIONS)) {
    await subscribe(store, wanted(ALICE, { endpoint }));
  }
  await subscribe(store, wanted(ALICE, { endpoint: names[0] ?? "" }));
  for (const endpoint of names.slice(MAX_SUBSCRIPTIONS)) {
    await subscribe(store, wanted(ALICE, { endpoint }));
  }
  const left = new Set(endpoints(store, ALICE));
  assert.equal(left.size, MAX_SUBSCRIPTIONS);
  assert.deepEqual(names.filter((name) => !left.has(name)), names.slice(1, 3));
  assert.deepEqual(endpoints(store, BOB), [ENDPOINT]);
});

Deno.test("N12 a subscription ends with its session, its key, its owner's grant, and its user", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const { writer } = store;
  const hash = (byte: number) => new Uint8Array(32).fill(byte);
  await writer.submit("createSignInLink", { addressKey: ALICE, hash: hash(1), expires: LATER });
  await writer.submit("openSession", { link: hash(1), id: "s1", hash: hash(2), agent: "" });
  const key = { id: "k1", hash: hash(3), expires: LATER };
  const grant = { ownerKey: ALICE, agent: "bot", delegated: null, cidrs: ["::/0"], key };
  await writer.submit("createGrant", grant);
  const bot = `@alice_bot@${HERE}`;
  const all = async (): Promise<void> =>
    await subscribe(
      store,
      wanted(ALICE, { endpoint: "session", session: "s1" }),
      wanted(ALICE, { endpoint: "token" }),
      wanted(bot, { endpoint: "key", keyId: "k1" }),
      wanted(bot, { endpoint: "acting", ownerKey: ALICE }),
    );
  const left = (): string[] => [...endpoints(store, ALICE), ...endpoints(store, bot)].sort();
  await all();
  assert.deepEqual(left(), ["acting", "key", "session", "token"]);

  await writer.submit("endSession", { id: "s1", addressKey: null });
  assert.deepEqual(left(), ["acting", "key", "token"]);
  await subscribe(store, wanted(ALICE, { endpoint: "late", session: "s1" }));
  assert.deepEqual(left(), ["acting", "key", "token"], "nor does it begin after its session");

  const next = { id: "k2", hash: hash(4), expires: LATER };
  await writer.submit("rotateGrantKey", { ownerKey: ALICE, agent: "bot", key: next });
  assert.deepEqual(left(), ["acting", "token"]);
  await writer.submit("setUser", { key: ALICE, accepting: false });
  assert.deepEqual(left(), []);
  await writer.submit("setUser", { key: ALICE, accepting: true });
  assert.deepEqual(left(), ["acting", "token"]);
  await writer.submit("deleteGrant", { ownerKey: ALICE, agent: "bot" });
  assert.deepEqual(left(), ["token"]);
  await writer.submit("removeUser", { key: ALICE });
  assert.equal(store.count(`push_subscription WHERE address_key = '${ALICE}'`), 0);
  await subscribe(store, wanted(ALICE));
  assert.equal(store.count(`push_subscription WHERE address_key = '${ALICE}'`), 0);
});

Deno.test("N12 what was subscribed to with a token ends unless it is refreshed, and when all tokens are revoked", async () => {
  await using store = await TestStore.open([ALICE]);
  const { writer } = store;
  const [link, hash] = [new Uint8Array(32), new Uint8Array(32)];
  await writer.submit("createSignInLink", { addressKey: ALICE, hash: link, expires: LATER });
  await writer.submit("openSession", { link, id: "s1", hash, agent: "" });
  await subscribe(
    store,
    wanted(ALICE, { endpoint: "session", session: "s1" }),
    wanted(ALICE, { endpoint: "old" }),
    wanted(ALICE, { endpoint: "new" }),
  );
  using db = new DatabaseSync(storeFile(store.folder));
  db.exec(`UPDATE push_subscription SET created = created - ${SUBSCRIPTION_KEPT}`);
  assert.deepEqual(endpoints(store, ALICE), ["session"]);
  await subscribe(store, wanted(ALICE, { endpoint: "new" }));
  assert.deepEqual(endpoints(store, ALICE), ["new", "session"]);
  await writer.submit("rotateSigningKey", { revoke: false });
  assert.deepEqual(endpoints(store, ALICE), ["new", "session"]);
  await writer.submit("rotateSigningKey", { revoke: true });
  assert.deepEqual(endpoints(store, ALICE), ["session"]);
});

Deno.test("N12 the key by which push services know the host is made once", async () => {
  await using store = await TestStore.open();
  const read = () => {
    using access = new Access(store.folder);
    return access.vapidKey();
  };
  assert.equal(read(), null);
  const made = await store.writer.submit("ensureVapidKey", null);
  await store.reopen();
  assert.equal(await store.writer.submit("ensureVapidKey", null), made);
  const key = read();
  assert.equal(key?.publicKey, made);
  assert.match(made, /^B[\w-]{86}$/);
  assert.match(key.privateKey, /^[\w-]{43}$/);
});

Deno.test("N12 the root of a thread is the farthest ancestor that the identity sees", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const root = draft({ from: CAROL, to: [BOB] });
  const second = replyTo(root, { from: CAROL, to: [ALICE, BOB] });
  const hidden = replyTo(second, { from: CAROL, to: [BOB] });
  const fourth = replyTo(hidden, { from: CAROL, to: [ALICE, BOB] });
  for (const message of [root, second, hidden, fourth]) await store.accept(message);
  const [first, other] = [store.idOf(root), store.idOf(second)];
  const last = store.idOf(fourth);
  const rootOf = (user: string, id: number) => as(store, user, (mailbox) => mailbox.root(id));
  assert.deepEqual([rootOf(BOB, last), rootOf(BOB, first)], [first, first]);
  assert.deepEqual([rootOf(ALICE, last), rootOf(ALICE, other)], [other, other]);
  const own = sent(
    await store.send({ from: ALICE, to: [CAROL], start: { replyTo: last } }),
  ).id;
  assert.equal(rootOf(ALICE, own), other);

  // Who is added is shown the thread from there on, and an answer to the batch is one to its message.
  const batch = sent(await store.addTo(own, ALICE, BOB));
  assert.equal(rootOf(BOB, own), first);
  assert.equal(rootOf(BOB, batch.id), first);
  await store.writer.submit("delete", { message: other, for: ALICE });
  assert.equal(rootOf(ALICE, own), last);
});

// Sign-in links and sessions of browsers in the store: good once, for so long, so many, and for that user.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { isProblem } from "../../src/protocol/mod.ts";
import {
  Access,
  copyStore,
  type ImportedUser,
  MAX_BROWSER,
  MAX_LINKS,
  MAX_SESSIONS,
  type Session,
  SESSION_KEPT,
  storeFile,
} from "../../src/store/mod.ts";
import { HERE, results, TestStore } from "./support.ts";

const ALICE = `@Alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const alice = ALICE.toLowerCase();

const now = (): number => Date.now() / 1000;

/** Thirty-two bytes for each number. */
function hash(number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

async function link(
  store: TestStore,
  number: number,
  { of = alice, expires = now() + 60 } = {},
): Promise<void> {
  const made = await store.writer.submit("createSignInLink", {
    addressKey: of,
    hash: hash(number),
    expires,
  });
  assert.ok(!isProblem(made), isProblem(made) ? made.message : "");
}

/** The session, or why there is none. */
async function open(
  store: TestStore,
  number: number,
  { id = `session${number}`, agent = "Browser" } = {},
): Promise<Session | string> {
  const opened = await store.writer.submit("openSession", {
    link: hash(number),
    id,
    hash: hash(1000 + number),
    agent,
  });
  return isProblem(opened) ? opened.reason : opened;
}

async function signedIn(store: TestStore, number: number, of = alice): Promise<Session> {
  await link(store, number, { of });
  const session = await open(store, number);
  assert.ok(typeof session !== "string", String(session));
  return session;
}

function access<Value>(store: TestStore, read: (access: Access) => Value): Value {
  using opened = new Access(store.folder);
  return read(opened);
}

function sql(store: TestStore, text: string): void {
  using db = new DatabaseSync(storeFile(store.folder));
  db.exec(text);
}

Deno.test("sign-in: a link opens one session, which is found by its id with its hash alone", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  await link(store, 1);
  const session = await open(store, 1);
  assert.ok(typeof session !== "string");
  const { created, used, expires, ...rest } = session;
  assert.deepEqual(rest, { kind: "session", id: "session1", address: ALICE, agent: "Browser" });
  assert.ok(Math.abs(created - now()) < 60 && used === created);
  assert.equal(expires, created + SESSION_KEPT);
  access(store, (access) => {
    assert.deepEqual(access.sessionByHash("session1", hash(1001)), session);
    assert.equal(access.sessionByHash("session1", hash(1002)), null);
    assert.equal(access.sessionByHash("session1", new Uint8Array(3)), null);
    assert.equal(access.sessionByHash("session2", hash(1001)), null);
    assert.deepEqual(access.session("session1"), session);
    assert.deepEqual(access.sessions(alice), [session]);
    assert.deepEqual(access.sessions(null), [session]);
    assert.deepEqual(access.sessions(BOB), []);
  });
  assert.equal(await open(store, 1), "link not valid");
  assert.equal(store.count("session"), 1);
});

Deno.test("sign-in: of two browsers that use a link in the same moment one is signed in", async () => {
  await using store = await TestStore.open([ALICE]);
  await link(store, 1);
  const opening = (id: string) =>
    ({
      name: "openSession",
      input: { link: hash(1), id, hash: hash(2), agent: "" },
    }) as const;
  const outcomes = await store.group(opening("a"), opening("b"));
  assert.deepEqual(results(outcomes).map(String), ["session", "link not valid"]);
});

Deno.test("sign-in: a link that has expired is none, and neither is one that was never made", async () => {
  await using store = await TestStore.open([ALICE]);
  await link(store, 1, { expires: now() - 1 });
  assert.equal(await open(store, 1), "link not valid");
  assert.equal(await open(store, 2), "link not valid");
});

Deno.test("sign-in: nobody gets a link who is no user, or is switched off; a link waits for being switched on", async () => {
  await using store = await TestStore.open([ALICE]);
  const wanted = (addressKey: string) =>
    store.writer.submit("createSignInLink", { addressKey, hash: hash(9), expires: now() + 60 });
  const unknown = await wanted(`@zed@${HERE}`);
  assert.equal(isProblem(unknown) && unknown.reason, "user unknown");
  await link(store, 1);
  await store.writer.submit("setUser", { key: alice, accepting: false });
  const off = await wanted(alice);
  assert.equal(isProblem(off) && off.reason, "user switched off");
  assert.equal(await open(store, 1), "user switched off");
  await store.writer.submit("setUser", { key: alice, accepting: true });
  assert.ok(typeof await open(store, 1) !== "string");
});

Deno.test("sign-in: of more links and sessions than there may be of a user the oldest go, and nobody else's", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const others = await signedIn(store, 500, BOB);
  await link(store, 501, { of: BOB });
  for (let i = 0; i <= MAX_LINKS; i++) await link(store, i);
  assert.equal(store.count("sign_in_link"), MAX_LINKS + 1);
  assert.equal(await open(store, 0), "link not valid");
  for (let i = 1; i <= MAX_SESSIONS; i++) {
    if (i > MAX_LINKS) await link(store, i);
    assert.ok(typeof await open(store, i) !== "string", String(i));
  }
  // The one that is longest unused, which is not the first that was opened.
  sql(store, "UPDATE session SET used = used - 60 WHERE id = 'session7'");
  await signedIn(store, 100);
  access(store, (access) => {
    assert.equal(access.sessions(alice).length, MAX_SESSIONS);
    assert.equal(access.session("session7"), null);
    assert.ok(access.session("session1") !== null && access.session("session100") !== null);
    assert.deepEqual(access.sessions(BOB), [others]);
  });
});

Deno.test("sign-in: a session goes on from its last use, and one that has ended stays so", async () => {
  await using store = await TestStore.open([ALICE]);
  await signedIn(store, 1);
  await signedIn(store, 2);
  sql(store, "UPDATE session SET created = 5, used = 5, expires = expires - 1000");
  sql(store, "UPDATE session SET expires = 6 WHERE id = 'session2'");
  assert.equal(await store.writer.submit("touchSession", { id: "session1" }), true);
  assert.equal(await store.writer.submit("touchSession", { id: "session2" }), false);
  assert.equal(await store.writer.submit("touchSession", { id: "none" }), false);
  access(store, (access) => {
    const session = access.session("session1");
    assert.ok(session !== null && session.created === 5 && Math.abs(session.used - now()) < 60);
    assert.equal(session.expires, session.used + SESSION_KEPT);
    assert.equal(access.sessionByHash("session2", hash(1002)), null);
    assert.deepEqual(access.sessions(alice).map(({ id }) => id), ["session1"]);
  });
});

Deno.test("sign-in: what has expired is dropped with the first commit after a start, and then hourly", async () => {
  await using store = await TestStore.open([ALICE]);
  await signedIn(store, 1);
  await signedIn(store, 2);
  await link(store, 3);
  await link(store, 4);
  sql(store, "UPDATE session SET expires = 6 WHERE id = 'session2'");
  sql(
    store,
    "UPDATE sign_in_link SET expires = 6 WHERE hash = (SELECT min(hash) FROM sign_in_link)",
  );
  await store.reopen();
  await store.addUser(BOB);
  assert.equal(store.count("session"), 1);
  assert.equal(store.count("sign_in_link"), 1);
});

Deno.test("sign-in: a session is ended by its user alone, or by the operator; those who listen are told", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  for (const number of [1, 2, 3]) await signedIn(store, number);
  await link(store, 4);
  await signedIn(store, 5, BOB);
  store.changes.length = 0;
  const end = (id: string, addressKey: string | null) =>
    store.writer.submit("endSession", { id, addressKey });
  assert.equal(await end("session1", BOB), false);
  assert.equal(await end("none", null), false);
  assert.deepEqual(store.changes, []);
  assert.equal(await end("session1", alice), true);
  assert.equal(await end("session1", alice), false);
  assert.equal(await end("session2", null), true);
  const ended = { kind: "sessions ended" };
  assert.deepEqual(store.changes, [ended, ended]);

  assert.equal(await store.writer.submit("endSessions", { addressKey: alice }), 1);
  assert.equal(await store.writer.submit("endSessions", { addressKey: alice }), 0);
  assert.deepEqual(store.changes, [ended, ended, ended]);
  assert.equal(await open(store, 4), "link not valid");
  assert.deepEqual(access(store, (access) => access.sessions(null)).map(({ id }) => id), [
    "session5",
  ]);
});

Deno.test("sign-in: those who listen are told too when a user is switched off or removed, or has too many sessions", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const ended = { kind: "sessions ended" };
  for (let number = 1; number <= MAX_SESSIONS; number++) await signedIn(store, number);
  store.changes.length = 0;
  await store.writer.submit("setUser", { key: BOB, name: "Bob", accepting: true });
  await store.writer.submit("removeUser", { key: "@nobody@x.test" });
  assert.deepEqual(store.changes, []);
  await signedIn(store, MAX_SESSIONS + 1);
  assert.deepEqual(store.changes, [ended]);
  await store.writer.submit("setUser", { key: alice, accepting: false });
  assert.deepEqual(store.changes, [ended, ended]);
  await store.writer.submit("removeUser", { key: alice });
  assert.deepEqual(store.changes, [ended, ended, ended]);
  assert.equal(store.count("session"), 0);
});

Deno.test("sign-in: those who listen are told once when an import switches users off", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  await signedIn(store, 1);
  store.changes.length = 0;
  const imported = (users: readonly ImportedUser[]) =>
    store.writer.submit("importUsers", { users });
  await imported([{ address: ALICE, name: "Alice", accepting: true }, { address: BOB }]);
  assert.deepEqual(store.changes, []);
  await imported([ALICE, BOB].map((address) => ({ address, accepting: false })));
  assert.deepEqual(store.changes, [{ kind: "sessions ended" }]);
});

Deno.test("sign-in: links and sessions go with their user, and are not those of who gets the address later", async () => {
  await using store = await TestStore.open([ALICE]);
  await signedIn(store, 1);
  await link(store, 2);
  await store.writer.submit("removeUser", { key: alice });
  await store.addUser(ALICE);
  assert.equal(await open(store, 2), "link not valid");
  assert.equal(access(store, (access) => access.sessionByHash("session1", hash(1001))), null);
  assert.equal(store.count("session") + store.count("sign_in_link"), 0);
});

Deno.test("sign-in: of what a browser says of itself a part is kept, and no half of a character", async () => {
  await using store = await TestStore.open([ALICE]);
  const agents = ["x".repeat(5000), "\u{1F600}".repeat(2000), `${"x".repeat(300)}\ud83d`, ""];
  const kept: string[] = [];
  for (const [i, agent] of agents.entries()) {
    await link(store, i);
    const session = await open(store, i, { agent });
    kept.push(typeof session === "string" ? session : session.agent);
  }
  assert.deepEqual(kept, [
    "x".repeat(MAX_BROWSER),
    "\u{1F600}".repeat(MAX_BROWSER),
    "x".repeat(MAX_BROWSER),
    "",
  ]);
});

Deno.test("sign-in: a copy of the store has the sessions, and no link, which may be used before it is restored", async () => {
  await using store = await TestStore.open([ALICE]);
  await signedIn(store, 1);
  await link(store, 2);
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-copy-" });
  try {
    await copyStore(store.folder, folder);
    using db = new DatabaseSync(storeFile(folder));
    const count = (table: string): unknown =>
      db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
    assert.deepEqual([count("session"), count("sign_in_link")], [1, 0]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  assert.ok(typeof await open(store, 2) !== "string");
});

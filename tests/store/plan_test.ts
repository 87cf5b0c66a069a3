// Every statement of the store goes by an index: none reads a whole table, however much is stored.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Access, Mailbox, Search, StoreReader } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, noise } from "../support/message.ts";
import { HERE, sending, sent, settings, TestStore, watchStatements } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";
const FAR = "far.example";

/** What may read all of something: at the start, once an hour, or because all of it is asked for. */
const MAY_SCAN: readonly RegExp[] = [
  /^SELECT id FROM content WHERE staged = 1$/, // at the start
  /^SELECT DISTINCT b\.pid FROM message b/, // at the start: all batches
  /^DELETE FROM usage WHERE minute < \?$/, // once an hour
  /^DELETE FROM (sign_in_link|session) WHERE expires <= \?$/, // once an hour
  /FROM session s JOIN user u ON u\.key = s\.address_key WHERE s\.expires > \? ORDER/, // fmsg session list
  /^SELECT \* FROM user ORDER BY key$/, // fmsg user list
  /FROM outbound o JOIN message m ON m\.id = o\.message\s+WHERE o\.state/, // fmsg queue: all that waits
  /^SELECT domain, min\(next_attempt\)/, // at the start: all that waits
  /\bsqlite_sequence\b/, // two rows
  /\bsearch_left\b/, // one row
  /^SELECT count\(\*\) AS n FROM search_idx$/, // once a day: milliseconds
  /^SELECT count\(\*\) AS n FROM (message|user|content WHERE staged = 1)$/, // host status: milliseconds
  /^SELECT (count\(\*\) AS n, min\(m\.time\)|o\.domain, count\(\*\)).* outbound o /s, // host status: all that waits
];

/** The index of words, by a row's id or by what it has; or the ids that were asked for. */
const INDEX =
  /^SCAN (search VIRTUAL TABLE INDEX \d+:(=|M\d)|(wanted|json_each) VIRTUAL TABLE INDEX 1:)/;

/** Calls everything that the store can do, and gives each statement that this took. */
async function allStatements(): Promise<{ statements: Set<string>; schema: string[] }> {
  using watch = watchStatements();
  await using store = await TestStore.open([
    ALICE,
    { address: BOB, limits: { recv_bytes_per_day: 1e6, send_bytes_per_day: 1e6 } },
  ]);
  const original = draft({ from: CAROL, to: [ALICE, EVE], body: noise(100_000) });
  await store.accept(addTo(original, { from: EVE, to: [BOB] }));
  await store.accept(original);
  await store.acceptBatch(addTo(original, { from: EVE, to: [BOB] }));
  const id = store.idOf(original);
  const start = { replyTo: id };
  const answer = sent(await store.send({ from: ALICE, to: [CAROL, BOB], start }));
  sent(await store.send({ from: BOB, to: [CAROL], start }));
  await store.group(sending({ from: ALICE, to: [BOB] }));
  const batch = sent(await store.addTo(answer.id, ALICE, EVE));
  await store.record(answer, FAR, { kind: "codes", codes: [101], lost: null });
  await store.record(answer, FAR, { kind: "codes", codes: [200], lost: null });
  await store.record(batch, FAR, { kind: "rejected", code: 10 });
  await store.record(batch, "other.example", { kind: "failed", reason: "nobody answers" });
  await store.writer.submit("retry", { message: null });
  await store.writer.submit("cancel", { message: batch.id, domain: null });
  await writeDrafts(store, answer.id);
  await store.writer.submit("markRead", { message: id, for: ALICE });
  await store.writer.submit("delete", { message: id, for: ALICE });
  for (const maxAge of [1e9, -1]) {
    await store.writer.submit("expire", { maxAge, users: { [ALICE]: 1e9 }, limit: 100 });
    await store.writer.submit("delete", { message: id, for: null });
  }
  await store.writer.submit("reclaim", { all: true });
  await subscribe(store);
  await signIn(store);
  await store.writer.submit("setUser", { key: addressOf(BOB).key, name: "Bob" });
  await store.writer.submit("removeUser", { key: addressOf(BOB).key });

  const { hash, headerHash } = original;
  using reader = new StoreReader(store.folder);
  reader.stored(hash);
  reader.recordedBatch(headerHash);
  reader.heldByAll(hash, [addressOf(ALICE).key]);
  reader.waitingDomains();
  reader.nextDue(FAR);
  reader.overview();
  reader.mostWaiting();
  reader.quotasNearTheirEnd(settings().quota).next();
  reader.isWaiting(id, FAR);
  reader.dueDeliveries(FAR, Date.now() / 1000, 10);
  using mailbox = new Mailbox(store.folder);
  mailbox.message(batch.id);
  mailbox.received(addressOf(ALICE), 20, 0);
  mailbox.sent(addressOf(ALICE), 20, 0);
  mailbox.thread(answer.id);
  await Array.fromAsync(mailbox.content(id, null) ?? []);
  const identity = mailbox.forIdentity(addressOf(ALICE));
  identity.previews(identity.received(20, 0), 10);
  identity.authored(20, 0);
  identity.headers(answer.id, 1);
  identity.lineage(answer.id, 100);
  identity.thread(answer.id);
  identity.root(answer.id);
  mailbox.queue();
  await store.writer.submit("indexOlder", { limit: 10 });
  while (await store.writer.submit("cleanIndex", null));
  using search = new Search(store.folder);
  search.find(addressOf(ALICE), "word", 20, 0);
  assert.equal(search.isIncomplete, false);
  mailbox.users();
  mailbox.user(addressOf(ALICE).key);
  const schema = store.rows(
    `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'
     AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')`,
  )
    .map((row) => row.text("sql"));
  return { statements: watch.statements, schema };
}

/** All that can be done with subscriptions to notifications. */
async function subscribe({ writer, folder }: TestStore): Promise<void> {
  await writer.submit("ensureVapidKey", null);
  const place = { addressKey: addressOf(ALICE).key, endpoint: "https://push.example/" };
  const keys = { p256dh: new Uint8Array(65), auth: new Uint8Array(16) };
  const made = { ...place, ...keys, session: null, keyId: null, ownerKey: null };
  await writer.submit("subscribePush", made);
  using access = new Access(folder);
  assert.equal(access.pushSubscriptions(place.addressKey).length, 1);
  assert.ok(access.pushSubscription(place) !== null && access.vapidKey() !== null);
  await writer.submit("unsubscribePush", place);
}

/** All that can be done with sessions of browsers. */
async function signIn({ writer, folder }: TestStore): Promise<void> {
  const [addressKey, hash, id] = [addressOf(ALICE).key, new Uint8Array(32), "session"];
  const expires = Date.now() / 1000 + 60;
  await writer.submit("createSignInLink", { addressKey, hash, expires });
  await writer.submit("openSession", { link: hash, id, hash, agent: "" });
  await writer.submit("touchSession", { id });
  using access = new Access(folder);
  const found = [access.session(id), access.sessionByHash(id, hash)];
  found.push(...access.sessions(addressKey), ...access.sessions(null));
  assert.deepEqual(found.map((session) => session?.id), [id, id, id, id]);
  await writer.submit("endSession", { id, addressKey });
  await writer.submit("endSessions", { addressKey });
}

/** All that can be done with drafts that answer a message. */
async function writeDrafts(store: TestStore, replyTo: number): Promise<void> {
  const { writer } = store;
  const part = { type: "text/plain", size: 1, expandedSize: null };
  const content = { kind: "inline", bytes: new Uint8Array(1) } as const;
  const fields = {
    from: ALICE,
    to: [CAROL],
    start: { replyTo },
    body: part,
    important: false,
    noReply: false,
  };
  const attachments = [{ ...part, filename: "one" }];
  const two = { kind: "inline", bytes: new Uint8Array(2) } as const;
  for (const leave of ["delete", "delete for all", "send"]) {
    const drafted = await writer.submit("draft", { ...fields, attachments, content: two });
    assert.ok(drafted.kind === "drafted");
    const { id } = drafted;
    const at = { draft: id, from: ALICE };
    const done = [
      await writer.submit("replaceDraft", { ...fields, id, content }),
      await writer.submit("attach", { ...at, attachment: { ...part, filename: "two" }, content }),
      await writer.submit("detach", { ...at, filename: "one" }),
      await writer.submit("addTo", { message: id, from: ALICE, to: [EVE] }),
    ];
    assert.deepEqual(done.map(({ kind }) => kind), done.map(() => "drafted"));
    if (leave === "send") {
      assert.equal((await writer.submit("sendDraft", { id, from: ALICE })).kind, "sent");
      assert.equal((await writer.submit("sendDraft", { id, from: ALICE })).kind, "refused");
    } else {
      const only = leave === "delete" ? { for: ALICE, draft: true } as const : { for: null };
      assert.equal((await writer.submit("delete", { message: id, ...only })).kind, "deleted");
    }
  }
}

/** What SQLite does for each statement, line by line. */
async function plans(): Promise<Map<string, string[]>> {
  const { statements, schema } = await allStatements();
  using db = new DatabaseSync(":memory:");
  for (const sql of schema) db.exec(sql);
  const plans = new Map<string, string[]>();
  for (const sql of statements) {
    if (!/^\s*(SELECT|UPDATE|DELETE|INSERT)/.test(sql) || sql.includes("sqlite_schema")) continue;
    const lines = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    plans.set(sql, lines.map(({ detail }) => String(detail)));
  }
  return plans;
}

Deno.test("no statement reads a whole table, but for the few that have to", async () => {
  const all = await plans();
  assert.ok(all.size > 40, `only ${all.size} statements were seen`);
  for (const [sql, plan] of all) {
    if (MAY_SCAN.some((pattern) => pattern.test(sql))) continue;
    const scans = plan.filter((line) =>
      line.startsWith("SCAN") && line !== "SCAN CONSTANT ROW" && !INDEX.test(line)
    );
    assert.deepEqual(scans, [], sql);
  }
});

Deno.test("whether someone has a message is not looked up among all that they have", async () => {
  for (const [sql, plan] of await plans()) {
    if (MAY_GO_THROUGH.some((pattern) => pattern.test(sql))) continue;
    const through = plan.filter((line) =>
      /recipient_(?:shown|age)/.test(line) && !line.includes("(key=? AND shown=?)")
    );
    assert.deepEqual(through, [], sql);
  }
});

/** What looks at what somebody has: for a list, for what is old, or because an address is added again. */
const MAY_GO_THROUGH: readonly RegExp[] = [
  /^SELECT DISTINCT shown/,
  /^SELECT key FROM recipient WHERE shown IS NOT NULL AND key > \?/,
  /AND r\.at < \? ORDER BY r\.at LIMIT \?$/,
  /^SELECT m\.header FROM recipient r JOIN message m/,
];

Deno.test("a look for what is too old goes straight to that, however much somebody has", async () => {
  const all = [...await plans()];
  for (
    const [pattern, search] of [
      [/AND r\.at < \?/, "SEARCH r USING INDEX recipient_age (key=? AND at<?)"],
      [/AND m\.time < \?/, "SEARCH m USING INDEX message_age (from_key=? AND time<?)"],
      [/^SELECT key FROM recipient/, /^SEARCH recipient USING COVERING INDEX \w+ \(key>\?\)$/],
      [/^SELECT from_key AS key/, /^SEARCH message USING COVERING INDEX \w+ \(from_key>\?\)$/],
      [/^DELETE FROM deleted/, "SEARCH deleted USING INDEX deleted_time (time<?)"],
    ] as const
  ) {
    const [sql = "", [first = "", ...others] = []] = all.find(([sql]) => pattern.test(sql)) ?? [];
    if (typeof search === "string") assert.equal(first, search, sql);
    else assert.match(first, search, sql);
    assert.deepEqual(others.filter((line) => line.includes("TEMP B-TREE")), [], sql);
  }
});

Deno.test("N2 whether someone may see a message is looked up by that message", async () => {
  const [[sql, plan] = ["", []], ...others] = [...await plans()].filter(([sql]) =>
    sql.startsWith("SELECT wanted.value AS asked")
  );
  assert.deepEqual(others, []);
  const searches = plan.filter((line) => line.startsWith("SEARCH"));
  assert.equal(searches.length, 7, sql);
  const byMessage = /rowid=\?|original=\?|shown=\?|message=\?|hash=\?/;
  for (const line of searches) assert.match(line, byMessage, sql);
});

Deno.test("what is listed, and what is due, comes out of an index in its order", async () => {
  const ordered = [...await plans()].filter(([sql]) =>
    /ORDER BY (shown DESC|id DESC|o\.next_attempt, o\.message) LIMIT/.test(sql)
  );
  assert.equal(ordered.length, 5);
  for (const [sql, plan] of ordered) {
    assert.deepEqual(plan.filter((line) => line.includes("TEMP B-TREE")), [], sql);
  }
});

Deno.test("a page below an id begins there in the index: nothing is passed over", async () => {
  const pages = [...await plans()].filter(([sql]) =>
    /\b(shown|id) < \?.* DESC LIMIT \?\d? OFFSET/s.test(sql)
  );
  assert.equal(pages.length, 2);
  for (const [sql, plan] of pages) {
    const searches = plan.filter((line) => line.startsWith("SEARCH"));
    assert.ok(searches.length > 0, sql);
    for (const line of searches) assert.match(line, /COVERING INDEX .*(shown|id)<\?\)$/, sql);
    assert.deepEqual(plan.filter((line) => line.includes("TEMP B-TREE")), [], sql);
  }
});

Deno.test("N2 a page of a list, however far, touches nothing of what is before it but an index", async () => {
  const pages = [...await plans()].filter(([sql]) =>
    / DESC LIMIT \?\d? OFFSET/.test(sql) && !/\bsearch\b/.test(sql)
  );
  assert.equal(pages.length, 3);
  for (const [sql, plan] of pages) {
    const searches = plan.filter((line) => /^(SEARCH|SCAN)/.test(line));
    assert.ok(searches.length > 0, sql);
    for (const line of searches) assert.match(line, /^SEARCH \w+ USING COVERING INDEX/, sql);
  }
});

// Every statement of the store goes by an index: none reads a whole table, however much is stored.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Mailbox, StoreReader } from "../../src/store/mod.ts";
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
  /^SELECT \* FROM user ORDER BY key$/, // fmsg user list
  /FROM outbound o JOIN message m ON m\.id = o\.message\s+WHERE o\.state/, // fmsg queue: all that waits
  /^SELECT domain, min\(next_attempt\)/, // at the start: all that waits
  /\bsqlite_sequence\b/, // two rows
  /^SELECT count\(\*\) AS n FROM (message|user|content WHERE staged = 1)$/, // host status: milliseconds
  /^SELECT (count\(\*\) AS n, min\(m\.time\)|o\.domain, count\(\*\)).* outbound o /s, // host status: all that waits
];

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
  const { id: draftId } = await keep(store, answer.id);
  await store.writer.submit("delete", { message: draftId, for: ALICE });
  await store.writer.submit("delete", { message: id, for: ALICE });
  for (const maxAge of [1e9, -1]) {
    await store.writer.submit("expire", { maxAge, users: { [ALICE]: 1e9 }, limit: 100 });
    await store.writer.submit("delete", { message: id, for: null });
  }
  await store.writer.submit("reclaim", { all: true });
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
  mailbox.queue();
  mailbox.users();
  mailbox.user(addressOf(ALICE).key);
  const schema = store.rows(
    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'",
  )
    .map((row) => row.text("sql"));
  return { statements: watch.statements, schema };
}

/** A draft that answers a message. */
async function keep(store: TestStore, replyTo: number): Promise<{ readonly id: number }> {
  const drafted = await store.writer.submit("draft", {
    from: ALICE,
    to: [CAROL],
    start: { replyTo },
    body: { type: "text/plain", size: 1, expandedSize: null },
    attachments: [],
    important: false,
    noReply: false,
    content: { kind: "inline", bytes: new Uint8Array(1) },
  });
  assert.equal(drafted.kind, "drafted");
  return drafted.kind === "drafted" ? drafted : { id: 0 };
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
    assert.deepEqual(plan.filter((line) => line.startsWith("SCAN")), [], sql);
  }
});

Deno.test("whether someone has a message is not looked up among all that they have", async () => {
  for (const [sql, plan] of await plans()) {
    if (MAY_GO_THROUGH.some((pattern) => pattern.test(sql))) continue;
    assert.deepEqual(plan.filter((line) => /recipient_(?:shown|age)/.test(line)), [], sql);
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
    const [sql, [first = "", ...others] = []] = all.find(([sql]) => pattern.test(sql)) ?? [];
    if (typeof search === "string") assert.equal(first, search, sql);
    else assert.match(first, search, sql);
    assert.deepEqual(others.filter((line) => line.includes("TEMP B-TREE")), [], sql);
  }
});

Deno.test("what is listed, and what is due, comes out of an index in its order", async () => {
  const ordered = [...await plans()].filter(([sql]) =>
    /ORDER BY (shown DESC|id DESC|o\.next_attempt, o\.message) LIMIT/.test(sql)
  );
  assert.equal(ordered.length, 3);
  for (const [sql, plan] of ordered) {
    assert.deepEqual(plan.filter((line) => line.includes("TEMP B-TREE")), [], sql);
  }
});

// Arbitrary histories of a store against a small model of who has what: messages and batches that arrive in any order
// and company, what users send, and what comes of delivering it.

import assert from "node:assert/strict";
import fc from "fast-check";
import { hex, type MessageHash } from "../../src/wire/mod.ts";
import type { AttemptOutcome, Sent } from "../../src/store/mod.ts";
import { addTo, draft, noise } from "../support/message.ts";
import { type DraftChange, draftChanges, Drafts } from "./history_drafts.ts";
import { ALICE, BOB, CHRIS, here, LIMIT, Model, setOf } from "./history_model.ts";
import { batch, HERE, results, TestStore, whole } from "./support.ts";

const NOBODY = `@nobody@${HERE}`;
const CAROL = "@carol@far.example";
const DORA = "@dora@far.example";
const EVE = "@eve@other.example";
const EVERYBODY = [ALICE, BOB, CHRIS, NOBODY, CAROL, DORA, EVE];

const ORIGINALS = [
  draft({ from: CAROL, to: [ALICE, BOB], body: "one" }),
  draft({ from: CAROL, to: [NOBODY, CHRIS, EVE], body: noise(50_000), compress: true }),
  draft({ from: EVE, to: [CAROL, ALICE], attachments: [{ filename: "a", body: "x" }] }),
];

const BATCHES = ORIGINALS.flatMap((original) => {
  const { from, to: [first = from] } = original.fields;
  return [
    addTo(original, { from, to: [CHRIS, DORA] }),
    addTo(original, { from: first, to: [ALICE, NOBODY, BOB] }),
    addTo(original, { from, to: [EVE] }, { compress: false }),
  ];
});

type Step =
  /** Messages that arrive, in one group. */
  | { readonly kind: "arrive"; readonly which: readonly number[] }
  | { readonly kind: "send"; readonly to: readonly string[]; readonly answers: number | null }
  | { readonly kind: "add"; readonly message: number; readonly from: string; readonly to: string[] }
  | { readonly kind: "attempt"; readonly delivery: number; readonly outcome: AttemptOutcome }
  | { readonly kind: "cancel" | "retry"; readonly message: number }
  | { readonly kind: "accepting"; readonly user: string; readonly accepting: boolean }
  /** For a user, or for everybody. */
  | { readonly kind: "delete"; readonly message: number; readonly user: string | null }
  | { readonly kind: "read"; readonly message: number; readonly user: string }
  | { readonly kind: "draft"; readonly change: DraftChange }
  | { readonly kind: "expire" }
  | { readonly kind: "restart" };

function steps(): fc.Arbitrary<Step[]> {
  const index = fc.nat({ max: 20 });
  const some = fc.uniqueArray(fc.constantFrom(...EVERYBODY), { minLength: 1, maxLength: 4 });
  const code = fc.constantFrom(100, 101, 102, 103, 105, 200, 200, 200);
  const outcome = fc.oneof(
    fc.constantFrom(1, 3, 5, 6, 10).map((code) => ({ kind: "rejected", code }) as const),
    fc.constant({ kind: "add to accepted" } as const),
    fc.constant({ kind: "failed", reason: "nobody answers" } as const),
    fc.record({
      kind: fc.constant("codes" as const),
      codes: fc.array(code, { maxLength: 6 }),
      lost: fc.constantFrom(null, "connection lost"),
    }),
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("arrive" as const),
        which: fc.array(fc.nat({ max: ORIGINALS.length + BATCHES.length - 1 }), {
          minLength: 1,
          maxLength: 5,
        }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("send" as const),
        to: some,
        answers: fc.option(index),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("add" as const),
        message: index,
        from: fc.constantFrom(ALICE, BOB),
        to: some,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("attempt" as const), delivery: index, outcome }),
    },
    fc.record({ kind: fc.constantFrom("cancel" as const, "retry" as const), message: index }),
    fc.record({
      kind: fc.constant("accepting" as const),
      user: fc.constantFrom(ALICE, BOB),
      accepting: fc.boolean(),
    }),
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("delete" as const),
        message: index,
        user: fc.constantFrom(ALICE, BOB, CHRIS, null),
      }),
    },
    fc.record({
      kind: fc.constant("read" as const),
      message: index,
      user: fc.constantFrom(ALICE, BOB, CHRIS, CAROL),
    }),
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("draft" as const), change: draftChanges(some) }),
    },
    fc.constant({ kind: "expire" } as const),
    fc.constant({ kind: "restart" } as const),
  );
  return fc.array(step, { maxLength: 25 });
}

class History {
  readonly #store: TestStore;
  readonly #model = new Model();
  readonly #delivered = new Set<string>();
  readonly #drafts: Drafts;
  #deleted = false;

  constructor(store: TestStore) {
    this.#store = store;
    this.#drafts = new Drafts(store, ALICE);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "arrive":
        return await this.#arrive(step.which);
      case "send":
        return await this.#send(step.to, step.answers);
      case "add":
        return await this.#add(step.message, step.from, step.to);
      case "attempt":
        return await this.#attempt(step.delivery, step.outcome);
      case "cancel":
        await this.#store.writer.submit("cancel", {
          message: this.#id(step.message),
          domain: null,
        });
        return;
      case "retry":
        await this.#store.writer.submit("retry", { message: this.#id(step.message) });
        return;
      case "accepting": {
        const { user, accepting } = step;
        this.#model.setAccepting(user, accepting);
        await this.#store.writer.submit("setUser", { key: user, accepting });
        return;
      }
      case "delete":
        return await this.#delete(step.message, step.user);
      case "read":
        return await this.#read(step.message, step.user);
      case "draft": {
        const outcome = await this.#drafts.take(step.change);
        if (outcome !== null) this.#sent(outcome, step.change.to);
        return;
      }
      case "expire":
        return await this.#expire();
      case "restart":
        return await this.#store.reopen();
    }
  }

  check(): void {
    this.#store.audit({ deleted: this.#deleted, drafts: this.#drafts.count });
    this.#drafts.check();
    const held = this.#store.rows(
      `SELECT m.hash, r.key FROM message m LEFT JOIN recipient r ON r.message = m.id AND r.shown IS NOT NULL`,
    );
    const stored = new Map<string, Set<string>>();
    for (const row of held) {
      const set = setOf(stored, hex(row.blob("hash")));
      if (!row.isNull("key")) set.add(row.text("key"));
    }
    assert.deepEqual(stored, this.#model.holders());
    const states = this.#store.rows("SELECT message, place, state FROM recipient WHERE code = 200")
      .map((row) => `${row.integer("message")} ${row.integer("place")} ${row.text("state")}`);
    const ids = new Set(this.#store.rows("SELECT id FROM message").map((row) => row.integer("id")));
    for (const earlier of this.#delivered) {
      const isStored = ids.has(Number(earlier.split(" ", 1)[0]));
      assert.ok(states.includes(earlier) || !isStored, "a 200 was replaced");
    }
    for (const state of states) this.#delivered.add(state);
  }

  /** Each comes with what the host would have asked it for before the group. */
  async #arrive(which: readonly number[]): Promise<void> {
    const isStored = ({ hash }: { hash: MessageHash }) => this.#model.isStored(hex(hash));
    const arriving = which.flatMap((i) => {
      const original = ORIGINALS[i];
      if (original !== undefined) return [{ message: original, whole: true }];
      const batch = BATCHES[i - ORIGINALS.length];
      const on = ORIGINALS[Math.floor((i - ORIGINALS.length) / 3)];
      if (batch === undefined || on === undefined) return [];
      // What an original and two batches do that meet in one group is told in early_batch_test.ts.
      if (!isStored(on) && which.includes(ORIGINALS.indexOf(on))) return [];
      return [{ message: batch, whole: !isStored(on) }];
    });
    const outcomes = await this.#store.group(
      ...arriving.map(({ message, whole: isWhole }) => isWhole ? whole(message) : batch(message)),
    );
    const expected = arriving.map(({ message, whole }) => this.#model.arrive(message, whole));
    assert.deepEqual(results(outcomes), expected);
  }

  async #send(to: readonly string[], answers: number | null): Promise<void> {
    const start = answers === null ? { topic: "new" } : { replyTo: this.#id(answers) };
    const outcome = await this.#store.send({ from: ALICE, to, start, body: "news" });
    if (outcome.kind === "refused") return assert.notEqual(answers, null, outcome.message);
    this.#sent(outcome, to);
  }

  #sent({ id, hash: bytes }: Sent, to: readonly string[]): void {
    const hash = hex(bytes);
    this.#model.keep(hash, null, ALICE);
    const codes = here(to).map((user) => [user, this.#model.judge(user, hash, null, false)]);
    this.#assertCodes(id, codes);
  }

  async #read(message: number, user: string): Promise<void> {
    const id = this.#id(message);
    const { listed = 0 } = this.#store.rows(
      "SELECT coalesce(original, id) AS listed FROM message WHERE id = ?",
      id,
    ).map((row) => ({ listed: row.integer("listed") }))[0] ?? {};
    const has = this.#store.rows(
      "SELECT 1 FROM recipient WHERE shown = ? AND key = ?",
      listed,
      user,
    ).length > 0;
    const outcome = await this.#store.writer.submit("markRead", { message: id, for: user });
    assert.equal(outcome.kind, has ? "read" : "refused");
  }

  async #add(message: number, from: string, to: string[]): Promise<void> {
    const id = this.#id(message);
    const outcome = await this.#store.addTo(id, from, ...to);
    if (outcome.kind !== "sent") return;
    const original = this.#store.read((mailbox) => mailbox.message(id))?.hash ?? "";
    const hash = hex(outcome.hash);
    this.#model.keep(hash, original, from);
    const codes = here(to).map((user) => [user, this.#model.judge(user, hash, original, true)]);
    this.#assertCodes(outcome.id, codes);
  }

  async #delete(message: number, user: string | null): Promise<void> {
    const id = this.#id(message);
    const [hash] = this.#store.rows("SELECT hash FROM message WHERE id = ?", id)
      .map((row) => hex(row.blob("hash")));
    const waits = this.#waiting().size > 0;
    const outcome = await this.#store.writer.submit("delete", { message: id, for: user });
    if (hash === undefined) return assert.equal(outcome.kind, "refused");
    if (outcome.kind === "refused" && outcome.reason === "still waiting") return assert.ok(waits);
    const { had, gone } = this.#model.remove(hash, user);
    assert.equal(outcome.kind === "deleted", had, JSON.stringify(outcome));
    if (outcome.kind === "deleted") assert.equal(outcome.gone, gone);
    this.#deleted = true;
  }

  async #expire(): Promise<void> {
    const waiting = this.#waiting();
    const rules = { maxAge: -1, users: {}, limit: 3 };
    while (await this.#store.writer.submit("expire", rules) > 0);
    this.#model.expire(waiting);
    this.#deleted = true;
  }

  /** Hashes of what waits for delivery. */
  #waiting(): Set<string> {
    const rows = this.#store.rows(
      `SELECT m.hash FROM message m JOIN outbound o ON o.message = m.id
       WHERE o.state IN ('blocked', 'waiting')`,
    );
    return new Set(rows.map((row) => hex(row.blob("hash"))));
  }

  /** Of those who have it already there is no row. */
  #assertCodes(id: number, codes: readonly (readonly (string | number)[])[]): void {
    const rows = this.#store.rows(
      "SELECT key, code FROM recipient WHERE message = ? AND state IN ('local', 'failed') ORDER BY place",
      id,
    );
    assert.deepEqual(
      rows.map((row) => [row.text("key"), row.integer("code")]),
      codes.filter(([, code]) => code !== 103),
    );
  }

  async #attempt(delivery: number, outcome: AttemptOutcome): Promise<void> {
    const rows = this.#store.rows(
      `SELECT o.message, o.domain, m.batch FROM outbound o JOIN message m ON m.id = o.message
       WHERE o.state = 'waiting'`,
    );
    const row = rows[delivery % rows.length];
    if (row === undefined) return;
    if (outcome.kind === "add to accepted" && !row.flag("batch")) return;
    await this.#store.record({ id: row.integer("message") }, row.text("domain"), outcome);
  }

  #id(index: number): number {
    const rows = this.#store.rows("SELECT id FROM message ORDER BY id");
    return rows[index % rows.length]?.integer("id") ?? 99;
  }
}

Deno.test("P6 whatever happens to a store, everything in it fits together and everybody has what they were told", async () => {
  await fc.assert(
    fc.asyncProperty(steps(), async (steps) => {
      const users = [ALICE, BOB, { address: CHRIS, limits: { recv_messages: LIMIT } }];
      await using store = await TestStore.open(users);
      const history = new History(store);
      for (const step of steps) {
        await history.take(step);
        history.check();
      }
    }),
    { numRuns: 40 },
  );
});

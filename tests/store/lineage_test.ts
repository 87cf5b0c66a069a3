// A message's ancestors and its thread, as an identity sees them (row N6).

import assert from "node:assert/strict";
import { draft, type Message, replyTo } from "../support/message.ts";
import { as, ids, keep } from "./identities.ts";
import { HERE, sent, TestStore } from "./support.ts";

const ALICE = `@Alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const DAVE = `@dave@${HERE}`;
const FULL = { address: `@full@${HERE}`, limits: { recv_messages: 0 } };
const CAROL = "@carol@far.example";

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS, DAVE, FULL]);
}

/** A root that Alice and Bob have, Bob's answer to Carol alone, hers to Alice, and Alice's to her. */
async function thread(store: TestStore): Promise<{ ids: number[]; hidden: Message }> {
  const root = draft({ from: CAROL, to: [ALICE, BOB] });
  await store.accept(root);
  const hidden = replyTo(root, { from: CAROL, to: [BOB] });
  await store.accept(hidden);
  const third = replyTo(hidden, { from: CAROL, to: [ALICE] });
  await store.accept(third);
  const start = { replyTo: store.idOf(third) };
  const last = sent(await store.send({ from: ALICE, to: [CAROL], start }));
  return { ids: [...[root, hidden, third].map((message) => store.idOf(message)), last.id], hidden };
}

Deno.test("N6 lineage: from the root, and of an ancestor that is not to be seen only sender and time", async () => {
  await using store = await users();
  const { ids: [root, second, third, last = 0], hidden } = await thread(store);
  const lineage = as(store, ALICE, (mailbox) => mailbox.lineage(last, 100)) ?? [];
  assert.deepEqual(
    lineage.map((entry) => entry.kind === "visible" ? entry.message.id : entry),
    [root, { kind: "hidden", id: second, from: CAROL, time: hidden.fields.time }, third, last],
  );
  assert.deepEqual(as(store, BOB, (mailbox) => mailbox.lineage(last, 100)), null);

  for (const [most, length] of [[2, 3], [1, 2], [0, 1]] as const) {
    const cut = as(store, ALICE, (mailbox) => mailbox.lineage(last, most)) ?? [];
    assert.equal(cut.length, length);
    const end = cut.at(-1);
    assert.equal(end?.kind === "visible" && end.message.id, last, "it is the far end that is cut");
  }
});

Deno.test("N6 lineage: who deleted an ancestor does not see it, and what is gone is left out", async () => {
  await using store = await users();
  const { ids: [root = 0, , , last = 0] } = await thread(store);
  const kinds = () =>
    as(store, ALICE, (mailbox) => mailbox.lineage(last, 100))?.map(({ kind }) => kind);
  await store.writer.submit("delete", { message: root, for: ALICE });
  assert.deepEqual(kinds(), ["hidden", "hidden", "visible", "visible"]);
  await store.writer.submit("delete", { message: root, for: BOB });
  assert.deepEqual(kinds(), ["hidden", "visible", "visible"]);
});

Deno.test("N6 lineage and thread of a draft: what it answers, and the draft itself last", async () => {
  await using store = await users();
  const { ids: [root, hidden, third, last = 0] } = await thread(store);
  const id = await keep(store, ALICE, [CAROL], { replyTo: last });
  const lineage = as(store, ALICE, (mailbox) => mailbox.lineage(id, 100)) ?? [];
  assert.deepEqual(lineage.map((entry) => entry.kind === "visible" ? entry.message.id : null), [
    root,
    null,
    third,
    last,
    id,
  ]);
  assert.deepEqual(as(store, ALICE, (mailbox) => ids(mailbox.thread(id))), [root, third, last, id]);
  assert.deepEqual(as(store, BOB, (mailbox) => ids(mailbox.thread(hidden ?? 0))), [root, hidden]);
  const alone = await keep(store, ALICE, [CAROL]);
  assert.deepEqual(as(store, ALICE, (mailbox) => ids(mailbox.thread(alone))), [alone]);
  assert.equal(as(store, BOB, (mailbox) => mailbox.thread(alone)), null);
});

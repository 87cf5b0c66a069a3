// Which hash an answer names as its parent (row D10): the choice itself, and by sending.

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeHeader, hex, isParticipant } from "../../src/wire/mod.ts";
import { type Candidate, chooseParent, isProblem, type Problem } from "../../src/protocol/mod.ts";
import type { Sent } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, type Message } from "../support/message.ts";
import { drafted, type Drafting, keep, kept, replace, sendDraft } from "./drafting.ts";
import { HERE, refused, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";
const FRED = "@fred@third.example";

const ORIGINAL = draft({ from: CAROL, to: [ALICE] });
const WITH_BOB = addTo(ORIGINAL, { from: CAROL, to: [BOB] });
const WITH_EVE = addTo(ORIGINAL, { from: ALICE, to: [EVE] });
const WITH_FRED = addTo(ORIGINAL, { from: ALICE, to: [FRED] });

/** The choice by the names of the messages above. */
function choose(
  sender: string,
  to: readonly string[],
  batches: readonly Message[],
  undelivered: readonly string[] = [],
  original: Message | null = ORIGINAL,
): string {
  const chosen = chooseParent(
    addressOf(sender),
    to.map(addressOf),
    original && candidate(original),
    batches.map((batch) => candidate(batch, undelivered)),
  );
  if (isProblem(chosen)) return chosen.reason;
  const names = { ORIGINAL, WITH_BOB, WITH_EVE, WITH_FRED };
  const [name] = Object.entries(names).find(([, { hash }]) => hex(hash) === hex(chosen)) ?? [];
  return name ?? "a stranger's";
}

function candidate({ header, hash }: Message, undelivered: readonly string[] = []): Candidate {
  return { header: decodeHeader(header), hash, undelivered: new Set(undelivered) };
}

Deno.test("D10 the original's hash when the sender is in its from or to", () => {
  assert.equal(choose(ALICE, [CAROL], []), "ORIGINAL");
  assert.equal(choose(ALICE, [CAROL], [WITH_EVE, WITH_BOB]), "ORIGINAL");
  assert.equal(choose(CAROL, [ALICE, BOB], [WITH_BOB]), "ORIGINAL", "Bob's domain holds it too");
  assert.equal(choose(ALICE, [CAROL, FRED], [WITH_EVE]), "ORIGINAL", "Fred came in by no batch");
});

Deno.test("D10 the batch's hash when a recipient's domain came in only by it", () => {
  assert.equal(choose(ALICE, [EVE], [WITH_EVE]), "WITH_EVE");
  assert.equal(choose(ALICE, [CAROL, EVE, BOB], [WITH_BOB, WITH_EVE]), "WITH_EVE");
  assert.equal(choose(ALICE, ["@other@other.example"], [WITH_EVE]), "WITH_EVE");
});

Deno.test("D10 the newest of the batches that all of the recipients' domains hold", () => {
  const later = addTo(ORIGINAL, { from: CAROL, to: [EVE, FRED] });
  const choice = chooseParent(
    addressOf(ALICE),
    [EVE, FRED].map(addressOf),
    candidate(ORIGINAL),
    [later, WITH_FRED, WITH_EVE].map((batch) => candidate(batch)),
  );
  assert.deepEqual(choice, later.hash);
  assert.equal(choose(ALICE, [EVE], [WITH_FRED, WITH_EVE]), "WITH_EVE");
});

Deno.test("D10 one who was added answers the batch, also to those of the original", () => {
  assert.equal(choose(BOB, [CAROL, ALICE], [WITH_EVE, WITH_BOB]), "WITH_BOB");
  assert.equal(choose(BOB, [CAROL], [WITH_BOB], [], null), "WITH_BOB", "without the original");
});

Deno.test("D10 refused when no one message is held by all, or by one who has no part in it", () => {
  assert.equal(choose(ALICE, [EVE, FRED], [WITH_FRED, WITH_EVE]), "cannot be delivered");
  assert.equal(choose(BOB, [EVE], [WITH_EVE, WITH_BOB]), "cannot be delivered");
  assert.equal(choose(ALICE, [EVE], [WITH_EVE], ["other.example"]), "cannot be delivered");
  assert.equal(choose(BOB, [CAROL], [WITH_EVE]), "not a participant");
  assert.equal(choose(BOB, [CAROL], []), "not a participant");
  assert.equal(choose(BOB, [CAROL], [WITH_EVE], [], null), "not a participant");
});

Deno.test("D10 whatever is chosen, the sender is a participant of it and every domain that was added holds it", () => {
  const domains = [HERE, "far.example", "other.example", "third.example"];
  const people = domains.flatMap((domain) => ["@a", "@b"].map((name) => `${name}@${domain}`));
  const person = fc.constantFrom(...people);
  const some = fc.uniqueArray(person, { minLength: 1, maxLength: 3 });
  const arrangement = fc.record({
    from: person,
    to: some,
    batches: fc.array(fc.record({ adder: fc.nat(9), to: some }), { maxLength: 4 }),
    sender: person,
    recipients: some,
  });
  fc.assert(fc.property(arrangement, ({ from, to, batches, sender, recipients }) => {
    const original = draft({ from, to });
    const adders = [from, ...to];
    const rows = batches.map(({ adder, to }) =>
      addTo(original, { from: adders[adder % adders.length] ?? from, to })
    );
    const candidates = rows.map((row) => candidate(row));
    const chosen = chooseParent(
      addressOf(sender),
      recipients.map(addressOf),
      candidate(original),
      candidates,
    );
    const parts = [candidate(original), ...candidates].filter(({ header }) =>
      isParticipant(header, addressOf(sender))
    );
    if (isProblem(chosen)) {
      assert.equal(chosen.reason === "not a participant", parts.length === 0);
      return;
    }
    const parent = parts.find(({ hash }) => hex(hash) === hex(chosen));
    assert.ok(parent !== undefined, "the sender is no participant of it");
    const { header } = parent;
    const domainsOf = (addresses: readonly { domain: string }[]) =>
      new Set(addresses.map(({ domain }) => domain));
    const first = domainsOf([header.from, ...header.to]);
    const added = domainsOf(candidates.flatMap((batch) => batch.header.addTo?.to ?? []));
    const holds = domainsOf([header.from, ...header.to, ...header.addTo?.to ?? []]);
    for (const { domain } of recipients.map(addressOf)) {
      if (added.has(domain) && !first.has(domain)) assert.ok(holds.has(domain), domain);
    }
  }));
});

async function thread(): Promise<{ store: TestStore; id: number }> {
  const store = await TestStore.open([ALICE, BOB]);
  await store.accept(ORIGINAL);
  return { store, id: store.idOf(ORIGINAL) };
}

async function parentOf(
  store: TestStore,
  id: number,
  from: string,
  ...to: string[]
): Promise<string> {
  const answer = sent(await store.send({ from, to, start: { replyTo: id } }));
  return store.read((mailbox) => mailbox.message(answer.id))?.pid ?? "";
}

Deno.test("D10 by sending: the original or the batch, whichever id the answer was given", async () => {
  const { store: opened, id } = await thread();
  await using store = opened;
  const batch = sent(await store.addTo(id, ALICE, EVE));
  for (const given of [id, batch.id]) {
    assert.equal(await parentOf(store, given, ALICE, CAROL), hex(ORIGINAL.hash));
    assert.equal(await parentOf(store, given, ALICE, CAROL, EVE), hex(batch.hash));
  }
  await store.acceptBatch(WITH_BOB);
  assert.equal(await parentOf(store, id, BOB, CAROL), hex(WITH_BOB.hash));
  store.audit();
});

Deno.test("D10 by sending: an answer waits for its batch, and is refused once the batch got nowhere", async () => {
  const { store: opened, id } = await thread();
  await using store = opened;
  const batch = sent(await store.addTo(id, ALICE, EVE));
  const start = { replyTo: id };
  const answer = sent(await store.send({ from: ALICE, to: [EVE], start }));
  assert.deepEqual(store.outbound(answer), { "other.example": "blocked" });

  await store.writer.submit("cancel", { message: batch.id, domain: null });
  assert.deepEqual(store.outbound(answer), { "other.example": "waiting" });
  const problem = refused(await store.send({ from: ALICE, to: [CAROL, EVE], start }));
  assert.equal(problem.reason, "cannot be delivered");
  assert.match(problem.message, /reply to fewer of them, or add/);
});

for (const code of [1, 4, 6, 7, 8, 9]) {
  Deno.test(`D10 by sending: a host that refused a batch with ${code} does not hold it`, async () => {
    const { store: opened, id } = await thread();
    await using store = opened;
    const batch = sent(await store.addTo(id, ALICE, EVE));
    await store.record(batch, "far.example", { kind: "rejected", code });
    await store.record(batch, "other.example", { kind: "codes", codes: [200], lost: null });
    assert.equal(await parentOf(store, id, ALICE, EVE), hex(batch.hash));
    const problem = refused(
      await store.send({ from: ALICE, to: [CAROL, EVE], start: { replyTo: id } }),
    );
    assert.equal(problem.reason, "cannot be delivered");
  });
}

Deno.test("D10 by sending: a host that took a batch for nobody does not hold it, one that took it for anyone does", async () => {
  const { store: opened, id } = await thread();
  await using store = opened;
  const start = { replyTo: id };
  const none = sent(await store.addTo(id, ALICE, EVE, "@frank@other.example"));
  await store.record(none, "other.example", { kind: "codes", codes: [100, 102], lost: null });
  assert.equal(
    refused(await store.send({ from: ALICE, to: [EVE], start })).reason,
    "cannot be delivered",
  );
  const one = sent(await store.addTo(id, ALICE, FRED, "@gina@third.example"));
  await store.record(one, "third.example", { kind: "codes", codes: [100, 200], lost: null });
  assert.equal(await parentOf(store, id, ALICE, FRED), hex(one.hash));
  // It was recorded by an exchange whose answer got lost.
  const lost = sent(await store.addTo(id, ALICE, "@hal@fourth.example"));
  await store.record(lost, "fourth.example", { kind: "rejected", code: 10 });
  assert.equal(await parentOf(store, id, ALICE, "@hal@fourth.example"), hex(lost.hash));
});

Deno.test("N4 a reply to a domain that was never on its parent is refused when it is sent, not when it is drafted", async () => {
  const { store: opened, id } = await thread();
  await using store = opened;
  const start = { replyTo: id };
  const problem = refused(await sendAsDraft(store, { from: ALICE, to: [CAROL, EVE, FRED], start }));
  assert.equal(problem.reason, "cannot be delivered");
  assert.equal(
    problem.message,
    "other.example, third.example do not have the message that this answers, and would refuse the reply: " +
      "add these recipients to that message first, or start a new thread",
  );
  const draft = await kept(store, { from: ALICE, to: [BOB, CAROL], start });
  drafted(await replace(store, draft, { from: ALICE, to: [EVE], start }));
  drafted(await store.addTo(draft, ALICE, FRED));
  assert.deepEqual(refused(await sendDraft(store, draft)).reason, problem.reason);
  store.audit({ drafts: 1 });

  // The first way out.
  const batch = sent(await store.addTo(id, ALICE, EVE));
  sent(await sendDraft(store, draft));
  assert.equal(store.read((mailbox) => mailbox.message(draft))?.pid, hex(batch.hash));
  store.audit();
});

Deno.test("N4 whoever is no participant of a message drafts no reply to it", async () => {
  const { store: opened, id } = await thread();
  await using store = opened;
  const reply = { from: BOB, to: [CAROL], start: { replyTo: id } };
  assert.equal(refused(await keep(store, reply)).reason, "not a participant");
  const own = await kept(store, { from: BOB, to: [CAROL] });
  assert.equal(refused(await replace(store, own, reply)).reason, "not a participant");
});

Deno.test("N4 a domain that the parent could not be delivered to is refused; one that still waits for it is not", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const root = sent(await store.send({ from: ALICE, to: [BOB, CAROL, EVE, "@ed@other.example"] }));
  const reply = (...to: string[]) =>
    sendAsDraft(store, { from: BOB, to, start: { replyTo: root.id } });
  sent(await reply(CAROL, EVE));
  await store.record(root, "far.example", { kind: "rejected", code: 4 });
  assert.match(refused(await reply(ALICE, CAROL, EVE)).message, /^far\.example does not have /);
  sent(await reply(ALICE, EVE));
  // Taken for one, and given up for the other.
  await store.record(root, "other.example", { kind: "codes", codes: [200, 101], lost: null });
  await store.writer.submit("cancel", { message: root.id, domain: "other.example" });
  assert.equal(store.outbound(root)["other.example"], "cancelled");
  sent(await reply(EVE));
  store.audit();
});

Deno.test("N4 who is added again, since the first delivery failed, is answered by the batch", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const root = sent(await store.send({ from: ALICE, to: [BOB, CAROL] }));
  await store.record(root, "far.example", { kind: "failed", reason: "no route" });
  await store.writer.submit("cancel", { message: root.id, domain: null });
  const start = { replyTo: root.id };
  refused(await sendAsDraft(store, { from: BOB, to: [CAROL], start }));
  const again = sent(await store.addTo(root.id, ALICE, CAROL));
  assert.equal(await parentOf(store, root.id, BOB, CAROL), hex(again.hash));
  assert.equal(await parentOf(store, root.id, BOB, ALICE), hex(root.hash));
});

Deno.test("N4 hosts that another host sent the parent to are taken to hold it", async () => {
  await using store = await TestStore.open([ALICE]);
  const original = draft({ from: CAROL, to: [ALICE, EVE] });
  await store.accept(original);
  const id = store.idOf(original);
  assert.equal(await parentOf(store, id, ALICE, EVE, CAROL), hex(original.hash));
  assert.equal(
    refused(await sendAsDraft(store, { from: ALICE, to: [EVE, FRED], start: { replyTo: id } }))
      .reason,
    "cannot be delivered",
  );
});

Deno.test("D10 what the command line sends to a domain that never had the parent goes out, for the host there to judge", async () => {
  const { store: opened, id } = await thread();
  await using store = opened;
  const reply = sent(await store.send({ from: ALICE, to: [EVE], start: { replyTo: id } }));
  assert.equal(store.outbound(reply)["other.example"], "waiting");
});

/** Drafts a message and sends it, as a client does; a refused draft is taken back. */
async function sendAsDraft(store: TestStore, drafting: Drafting): Promise<Sent | Problem> {
  const draft = await kept(store, drafting);
  const outcome = await sendDraft(store, draft);
  if (isProblem(outcome)) {
    await store.writer.submit("delete", { message: draft, for: drafting.from });
  }
  return outcome;
}

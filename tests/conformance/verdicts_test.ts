// A code for each recipient here (3.6), also when messages arrive at once (rows P3, P5 to P7).

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addTo, draft, replyTo } from "../support/message.ts";
import { received, stored } from "./outcome.ts";
import { sendAtOnce, Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const USERS = [
  "bob",
  ["full", "--max-messages", "0"],
  ["shut", "--accepting=false"],
  ["fullshut", "--max-messages", "0", "--accepting=false"],
] as const;

Deno.test("every recipient here gets a code, in the order of to and then add to", async (t) => {
  await using stage = await Stage.set({ users: USERS });
  const { host, ann, alice } = stage;
  const [nobody, bob, full] = [host.address("nobody"), host.address("bob"), host.address("full")];
  const [shut, fullshut] = [host.address("shut"), host.address("fullshut")];
  const late = host.address("late");
  const elsewhere = "@x@elsewhere.test";

  await t.step("P3 in the order of to, whoever else is between them", async () => {
    const to = [nobody, elsewhere, alice, full, ann, shut, bob, fullshut];
    await stage.expect(stage.letter({ to }), { codes: [64, 100, 200, 101, 102, 200, 101] });
    to.reverse();
    await stage.expect(stage.letter({ to }), { codes: [64, 101, 200, 102, 101, 200, 100] });
  });
  await t.step("P3 each alone", async () => {
    for (
      const [to, code] of [[alice, 200], [nobody, 100], [full, 101], [shut, 102]] as const
    ) {
      await stage.expect(stage.letter({ to: [to] }), { codes: [64, code] });
    }
  });
  await t.step("P3 255 recipients, in to and in add to", async () => {
    const many = (name: string) =>
      Array.from({ length: 255 }, (_, i) => i % 2 === 0 ? host.address(name + i) : elsewhere + i);
    const to = many("to");
    to[4] = alice;
    const added = many("added");
    added[6] = bob;
    const early = addTo(draft({ from: ann, to }), { from: ann, to: added });
    const expected = new Array<number>(256).fill(100);
    expected[2] = 200;
    expected[128 + 3] = 200;
    await stage.expect(early, { codes: [64, ...expected] });
  });
  await t.step("P3 a duplicate, also for one who is full or does not accept by now", async () => {
    const message = stage.letter({ to: [alice, bob, nobody] });
    await stage.expect(message, { codes: [64, 200, 200, 100] });
    await host.setUser(bob, "--max-messages", "0", "--accepting=false");
    await stage.expect(message, { codes: [64, 103, 103, 100] });
    await stage.expect(stage.letter({ to: [bob] }), { codes: [64, 101] });
    await host.setUser(bob, "--max-messages", "none", "--accepting=true");
  });

  const original = stage.letter({ to: [alice, full, nobody] });
  const batch = (to: readonly string[]) => addTo(original, { from: ann, to });
  await t.step("P3 of a batch: 103 at the to place of those who have the original", async () => {
    await stage.expect(original, { codes: [64, 200, 101, 100] });
    await stage.expect(batch([bob, shut, elsewhere, late]), {
      codes: [65, 103, 101, 100, 200, 102, 100],
    });
  });
  await t.step("P3 of a batch: 200 at the add-to place of one who has the original", async () => {
    await stage.expect(batch([alice]), { codes: [65, 103, 101, 100, 200] });
  });
  await t.step("P3 of a batch: 103 for one who has another batch on that original", async () => {
    await stage.expect(batch([bob, alice]), { codes: [65, 103, 101, 100, 103, 103] });
    await host.addUser(late);
    await stage.expect(batch([bob, late]), { codes: [65, 103, 101, 100, 103, 200] });
  });
  await t.step("P3 of a batch: 200 at the to place of one who lacks the original", async () => {
    await host.setUser(full, "--max-messages", "10");
    await stage.expect(batch([elsewhere, shut]), { codes: [65, 103, 200, 100, 102] });
    // The codes are of this exchange: the next one finds them with a batch.
    await stage.expect(batch([elsewhere, shut]), { codes: [65, 103, 103, 100, 102] });
    assert.deepEqual(received(host, "full").map(({ hash }) => hash), [hex(original.hash)]);
    await host.setUser(full, "--max-messages", "0");
  });

  await t.step("P3 where users are not disclosed, 105 stands for 100, 101 and 102", async () => {
    await host.configure({ limits: { disclose_users: false } });
    await host.reload();
    const message = stage.letter({ to: [nobody, alice, full, shut] });
    await stage.expect(message, { codes: [64, 105, 200, 105, 105] });
    // 103 tells only the sender what the sender knows.
    await stage.expect(message, { codes: [64, 105, 103, 105, 105] });
    await stage.expect(batch([late, nobody, shut]), { codes: [65, 103, 103, 105, 103, 105, 105] });
    await host.configure({ limits: { disclose_users: true } });
    await host.reload();
    await stage.expect(stage.letter({ to: [nobody] }), { codes: [64, 100] });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("what somebody here takes is stored whole, and what nobody takes is not", async (t) => {
  await using stage = await Stage.set({ users: USERS });
  const { host, ann, alice } = stage;
  const elsewhere = "@x@elsewhere.test";
  await t.step("P5 kept for one of several: with every address of the header", async () => {
    const to = [host.address("nobody"), elsewhere, alice, host.address("full"), ann];
    const message = stage.letter({ to });
    await stage.expect(message, { codes: [64, 100, 200, 101] });
    const [shown] = received(host, "alice");
    assert.deepEqual([shown?.to, shown?.hash], [to, hex(message.hash)]);
    await stage.expect(replyTo(message, { from: ann, to: [alice] }), TAKEN);
  });
  await t.step("P5 kept for nobody: not stored", async () => {
    const to = ["nobody", "full", "shut"].map((name) => host.address(name));
    const message = stage.letter({ to, body: new Uint8Array(200_000) });
    await stage.expect(message, { codes: [64, 100, 101, 102] });
    assert.equal(await stage.stores(message), false);
  });
  await t.step("P5 a batch kept for nobody is not recorded", async () => {
    const original = stage.letter();
    await stage.expect(original, TAKEN);
    const batch = addTo(original, { from: ann, to: [host.address("full"), elsewhere] });
    await stage.expect(batch, { codes: [65, 103, 101] });
    assert.equal(await stage.stores(batch), false);
    await stage.expect(batch, { codes: [65, 103, 101] });
  });
  await t.step("P6 the header is kept to the bit: its spelling, its time, its forms", async () => {
    const time = new Uint8Array(8);
    new DataView(time.buffer).setFloat64(0, Date.now() / 1000 + 1 / 3, true);
    const message = stage.letter({
      from: ann.toUpperCase(),
      to: ["@aLiCe@hOsT1.tEsT"],
      topic: "Žluťoučký kůň\u0000\n",
      time,
      type: new TextEncoder().encode("text/html"),
      important: true,
      noReply: true,
      attachments: [{ filename: "Größe 1.txt", body: "x", type: "TEXT/X-odd; a=b" }],
    });
    await stage.expect(message, TAKEN);
    const [shown] = received(host, "alice");
    assert.deepEqual(
      [shown?.hash, shown?.from, shown?.to, shown?.topic, shown?.type, shown?.important],
      [
        hex(message.hash),
        message.fields.from,
        message.fields.to,
        message.fields.topic,
        "text/html",
        true,
      ],
    );
    assert.equal(shown?.time, new DataView(time.buffer).getFloat64(0, true));
    assert.equal(await stage.stores(message), true);
  });
  await t.step("P6 hashes come out of the store, also after a restart and of a batch", async () => {
    const original = stage.letter({ body: "a".repeat(9000), compress: true });
    const batch = addTo(original, { from: ann, to: [elsewhere] }, { compress: false });
    await stage.expect(original, TAKEN);
    await stage.expect(batch, { codes: [11] });
    const [{ id = 0 } = {}] = received(host, "alice");
    assert.equal(await host.stop(), 0);
    await host.start();
    assert.deepEqual(stored(host, id).add_to.map(({ hash }) => hash), [hex(batch.hash)]);
    assert.deepEqual([await stage.stores(original), await stage.stores(batch)], [true, true]);
  });
  // The store's audit computes every hash again.
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("the same message twice is taken once by each recipient", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { world, host, peer, ann, alice } = stage;
  const bob = host.address("bob");
  const second = await world.peer();

  await t.step("P7 one after the other: 103, and 200 for those who lacked it", async () => {
    const message = stage.letter({ to: [alice, bob] });
    await host.setUser(bob, "--accepting=false");
    await stage.expect(message, { codes: [64, 200, 102] });
    await host.setUser(bob, "--accepting=true");
    await stage.expect(message, { codes: [64, 103, 200] });
    await stage.expect(message, { codes: [64, 103, 103] });
    const [hash] = received(host, "bob").map(({ hash }) => hash);
    assert.equal(hash, hex(message.hash));
  });
  await t.step("P7 both copies at once", async () => {
    for (let round = 0; round < 5; round++) {
      const message = stage.letter({ to: [alice, bob], body: "a".repeat(round * 50_000) });
      const sent = await sendAtOnce([[peer, message], [peer, message], [peer, message]]);
      assert.deepEqual(sent.map(({ rest }) => rest.join()).toSorted(), [
        "103,103",
        "103,103",
        "200,200",
      ]);
    }
  });
  await t.step("P7 two messages of the same bytes but for the content", async () => {
    const one = stage.letter({ body: "one" });
    const two = stage.letter({ ...one.fields, body: "two" });
    const sent = await sendAtOnce([[peer, one], [peer, two]]);
    assert.deepEqual(sent.map(({ rest }) => rest), [[200], [200]]);
  });
  await t.step("P7 a batch twice at once: one adds, the other is a duplicate", async () => {
    const original = stage.letter();
    await stage.expect(original, TAKEN);
    const batch = addTo(original, { from: ann, to: [bob] });
    const [one = "", other = ""] = (await Promise.all([peer.send(batch), peer.send(batch)]))
      .map(({ codes }) => codes.join()).toSorted().toReversed();
    assert.equal(one, "65,103,200");
    // By whether the first was recorded when the second was judged.
    assert.ok(["10", "65,103,103"].includes(other), other);
    // Their lines may come into the log only now, so this one's is not looked for.
    assert.deepEqual((await peer.send(batch)).codes, [10]);
    assert.equal(received(host, "bob").filter(({ hash }) => hash === hex(original.hash)).length, 1);
  });
  await t.step("P7 different messages at once are all taken", async () => {
    const letters = Array.from({ length: 10 }, () => stage.letter());
    const others = letters.map(() => draft({ from: second.address("ann"), to: [bob] }));
    const sent = await sendAtOnce([
      ...letters.map((message) => [peer, message] as const),
      ...others.map((message) => [second, message] as const),
    ]);
    for (const { codes } of sent) assert.deepEqual(codes, [64, 200]);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

// R5: a batch on a stored original repeats it. Otherwise whoever learns a message's hash could have it opened to
// somebody of their own.

import assert from "node:assert/strict";
import { addTo, type Fields, type Message, replyTo } from "../support/message.ts";
import { received, stored } from "./outcome.ts";
import { Stage } from "./stage.ts";

const INVALID = { codes: [1] };

Deno.test("a batch on a stored original repeats what a reader sees of it", async (t) => {
  await using stage = await Stage.set({ challenge: "always", users: ["bob", "eve"] });
  const { world, host, ann, alice } = stage;
  const mallory = await world.peer({ domain: "mallory.test" });
  const [bob, eve] = [host.address("bob"), host.address("eve")];
  const elsewhere = "@x@elsewhere.test";
  const original = stage.letter({
    to: [alice, elsewhere],
    type: "text/html",
    body: "a secret ".repeat(500),
    attachments: [
      { filename: "one.txt", body: "one ".repeat(500), compress: true },
      { filename: "two", type: "application/x-two", body: "two" },
    ],
  });
  await stage.expect(original, { codes: [64, 200] });
  const [one = { filename: "" }, two = { filename: "" }] = original.fields.attachments ?? [];
  const batch = (changes: Partial<Fields>, from = ann, added = bob) =>
    addTo(original, { from, to: [added] }, changes);

  const evil = mallory.address("mallory");
  const forged: readonly (readonly [string, Message])[] = [
    ["its sender", batch({ from: evil }, evil, eve)],
    ["its only recipient", batch({ to: [evil] }, evil, eve)],
    ["one more recipient", batch({ to: [alice, elsewhere, evil] }, evil, eve)],
    ["a recipient in place of another", batch({ to: [alice, evil] }, evil, eve)],
    ["its sender, and adds somebody elsewhere", batch({ from: evil }, evil, elsewhere)],
  ];
  for (const [what, message] of forged) {
    await t.step(`R5 a stranger claims to be ${what}: 1`, async () => {
      const sent = await stage.expect(message, INVALID, {}, mallory);
      assert.deepEqual(sent.challenges, []);
    });
  }
  await stage.play(t, [
    {
      name: "R5 another sender",
      message: batch({ from: stage.peer.address("ben"), to: [ann] }),
      ...INVALID,
    },
    { name: "R5 a recipient more", message: batch({ to: [alice, elsewhere, bob] }), ...INVALID },
    { name: "R5 a recipient less", message: batch({ to: [alice] }), ...INVALID },
    { name: "R5 another order of them", message: batch({ to: [elsewhere, alice] }), ...INVALID },
    { name: "R5 another type", message: batch({ type: "text/plain;charset=UTF-8" }), ...INVALID },
    { name: "R5 an attachment less", message: batch({ attachments: [one] }), ...INVALID },
    { name: "R5 another order of them", message: batch({ attachments: [two, one] }), ...INVALID },
    {
      name: "R5 another name of an attachment",
      message: batch({ attachments: [one, { ...two, filename: "too" }] }),
      ...INVALID,
    },
    {
      name: "R5 another type of an attachment",
      message: batch({ attachments: [one, { ...two, type: "application/pdf" }] }),
      ...INVALID,
    },
    {
      name: "R5 another size of the data",
      message: batch({ body: "another length" }),
      ...INVALID,
    },
    {
      name: "R5 another expanded size of an attachment",
      message: batch({ attachments: [{ ...one, body: "one" }, two] }),
      ...INVALID,
    },
    {
      name: "R5 the data of the size that another part has, and the other way round",
      message: batch({ attachments: [{ ...one, body: two.body ?? "" }, { ...two, body: "" }] }),
      ...INVALID,
    },
  ]);
  await t.step("R5 nobody got anything by all that", () => {
    assert.deepEqual([received(host, "bob"), received(host, "eve")], [[], []]);
    assert.deepEqual(received(host, "alice").map(({ add_to }) => add_to), [[]]);
  });

  const same: readonly (readonly [string, Partial<Fields>])[] = [
    ["another compression of the data", { compress: true }],
    ["no compression of an attachment", { attachments: [{ ...one, compress: false }, two] }],
    ["the type in another form", { type: new TextEncoder().encode("text/html") }],
    ["addresses in another spelling", {
      from: ann.toUpperCase(),
      to: ["@ALICE@host1.test", elsewhere],
    }],
  ];
  let added = 0;
  for (const [what, changes] of same) {
    await t.step(`R5 ${what} is no difference`, async () => {
      const message = batch(changes, ann, `@no${++added}@host1.test`);
      const notice = batch(changes, ann, elsewhere);
      await stage.expect(message, { codes: [65, 103, 100] });
      await stage.expect(notice, { codes: [11] });
      // The batch's own hash holds, over its own header and the content as it is when decompressed.
      await stage.expect(replyTo(notice, { from: ann, to: [alice] }), { codes: [64, 200] });
    });
  }
  await t.step("R5 someone in the original's to adds, and is one of those who may", async () => {
    world.dns.set("fmsg.elsewhere.test", "A", [mallory.ip]);
    await host.configure({ challenge: "never" });
    await host.reload();
    await stage.expect(batch({}, elsewhere, bob), { codes: [65, 103, 200] }, {}, mallory);
    await stage.expect(batch({}, bob, eve), INVALID);
    const [shown] = received(host, "bob");
    assert.equal(stored(host, shown?.id ?? 0).hash, original.hash.toHex());
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

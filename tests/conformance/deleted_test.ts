// What was deleted, asked of a running host: it is no longer stored ("Verifying Message Stored"), and does not come back
// to those who had it (3.6.1.2).

import assert from "node:assert/strict";
import * as v from "valibot";
import { audit } from "../store/audit.ts";
import { addTo, type Message, noise, replyTo } from "../support/message.ts";
import type { HostProcess } from "../support/host_process.ts";
import type { Peer } from "../support/peer.ts";
import { view } from "../support/host_views.ts";
import { command, send } from "./command.ts";
import { received, settled } from "./outcome.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const NO_PARENT = { codes: [6] };

const DELETION = v.object({
  deleted: v.array(v.object({ id: v.number(), gone: v.boolean() })),
  freed: v.number(),
});

/** Deletes by the command while the host runs; is it gone? */
async function remove(host: HostProcess, id: number, user?: string): Promise<boolean> {
  const whose = user === undefined ? [] : ["--for", host.address(user)];
  const { status, stdout, stderr } = await command(host, [
    "message",
    "delete",
    "--json",
    String(id),
    ...whose,
  ]);
  assert.equal(status, 0, stderr);
  const { deleted } = view(DELETION, JSON.parse(stdout));
  assert.equal(deleted.length, 1);
  return deleted[0]?.gone === true;
}

/** The id of a user's newest message. */
function newest(host: HostProcess, user: string): number {
  const [first] = received(host, user);
  assert.ok(first !== undefined, `${user} has no message`);
  return first.id;
}

/** The next message that the peer got from the host. */
async function arrived(peer: Peer): Promise<Message> {
  const { message } = await peer.next();
  return message ?? assert.fail("the message did not come whole");
}

/** The host still serves, stops in order, and its store is whole. */
async function settles(stage: Stage): Promise<void> {
  await stage.expect(stage.letter(), TAKEN);
  await stage.holdsNoConnection();
  assert.equal(await stage.host.stop(), 0);
  audit(stage.host.dataDir, { deleted: true });
}

Deno.test("a deleted message is not stored, and is not given again to those who had it", async (t) => {
  await using stage = await Stage.set({ users: ["bob", ["one", "--max-messages", "1"]] });
  const { host, ann, alice } = stage;
  const bob = host.address("bob");

  for (const [what, body] of [["small", "Hello"], ["large", noise(300_000)]] as const) {
    await t.step(`P7 a ${what} message that is sent again after it was deleted: 103`, async () => {
      const message = stage.letter({ to: [alice, bob], body });
      await stage.expect(message, { codes: [64, 200, 200] });
      const id = newest(host, "alice");
      assert.equal(await remove(host, id, "alice"), false);
      await stage.expect(message, { codes: [64, 103, 103] });
      assert.equal(await stage.stores(message), true, "the other still has it");
      assert.equal(await remove(host, id, "bob"), true);
      await stage.expect(message, { codes: [64, 103, 103] });
      assert.equal(await stage.stores(message), false);
      assert.ok(received(host, "alice").every((other) => other.id < id));
    });
  }
  await t.step("P7 also after a restart", async () => {
    const message = stage.letter();
    await stage.expect(message, TAKEN);
    await remove(host, newest(host, "alice"));
    assert.equal(await host.stop(), 0);
    await host.start();
    await stage.expect(message, { codes: [64, 103] });
  });
  await t.step(
    "R12 a reply to a deleted message: 6, and no longer when that is here again",
    async () => {
      const message = stage.letter({ to: [alice, host.address("one")] });
      await stage.expect(stage.letter({ to: [host.address("one")] }), TAKEN);
      await stage.expect(message, { codes: [64, 200, 101] });
      await remove(host, newest(host, "alice"));
      const reply = replyTo(message, { from: ann, to: [alice] });
      await stage.expect(reply, NO_PARENT);
      await remove(host, newest(host, "one"));
      await stage.expect(message, { codes: [64, 103, 200] });
      await stage.expect(reply, TAKEN);
    },
  );
  await t.step("R12 a reply to a deleted message that was sent from here: 6", async () => {
    const { id } = await send(host, { from: alice, to: [ann, bob] });
    const sent = await arrived(stage.peer);
    await settled(host, id);
    const reply = () => replyTo(sent, { from: ann, to: [alice] });
    await remove(host, id, "alice");
    await stage.expect(reply(), TAKEN);
    await remove(host, id, "bob");
    await stage.expect(reply(), NO_PARENT);
  });
  await t.step("R13 a batch on a deleted message, of nobody's here but the sender: 6", async () => {
    const { id } = await send(host, { from: alice, to: [ann] });
    const sent = await arrived(stage.peer);
    await settled(host, id);
    const told = () => addTo(sent, { from: ann, to: ["@x@elsewhere.test"] });
    await stage.expect(told(), { codes: [11] });
    await remove(host, id);
    await stage.expect(told(), NO_PARENT);
  });
  await t.step("R13 a batch on a deleted message of a recipient here: 103", async () => {
    const message = stage.letter();
    await stage.expect(message, TAKEN);
    const told = addTo(message, { from: ann, to: ["@x@elsewhere.test"] });
    await stage.expect(told, { codes: [11] });
    await remove(host, newest(host, "alice"));
    await stage.expect(told, { codes: [64, 103] });
  });
  await t.step(
    "B7 a batch on a deleted message comes in full: 200 for those added, 103 for those who had it",
    async () => {
      const message = stage.letter();
      await stage.expect(message, TAKEN);
      const first = addTo(message, { from: ann, to: [bob] });
      await stage.expect(first, { codes: [65, 103, 200] });
      await remove(host, newest(host, "alice"));
      await stage.expect(first, { codes: [64, 103, 103] });
      const batch = addTo(message, { from: ann, to: [host.address("one")] });
      await remove(host, newest(host, "one"));
      await stage.expect(batch, { codes: [64, 103, 200] });
      assert.equal(await stage.stores(message), false);
      assert.equal(await stage.stores(batch), true);
    },
  );
  await t.step("S3 afterwards all is in order", () => settles(stage));
});

Deno.test("P7 where senders are challenged a deleted message is asked for, and answered 103", async () => {
  await using stage = await Stage.set({ challenge: "always", users: ["bob"] });
  const { host, alice } = stage;
  const message = stage.letter({ to: [alice, host.address("bob")] });
  await stage.expect(message, { codes: [64, 200, 200] });
  await stage.expect(message, { codes: [10] });
  await remove(host, newest(host, "alice"), "alice");
  await stage.expect(message, { codes: [64, 103, 103] });
  await remove(host, newest(host, "bob"));
  await stage.expect(message, { codes: [64, 103, 103] });
  await settles(stage);
});

Deno.test("S5 deleting gives room in a quota at once, and none in that of the day", async () => {
  await using stage = await Stage.set({
    users: [
      ["two", "--max-messages", "2"],
      ["bytes", "--max-bytes", "1000"],
      ["day", "--recv-messages-per-day", "1"],
      ["sender", "--send-bytes", "10"],
    ],
  });
  const { host } = stage;
  const to = (user: string, size = 5): Message =>
    stage.letter({ to: [host.address(user)], body: noise(size) });
  const cases: [user: string, messages: Message[], code: number][] = [
    ["two", [to("two"), to("two")], 200],
    ["bytes", [to("bytes", 1000)], 200],
    ["day", [to("day")], 101],
  ];
  for (const [user, messages, code] of cases) {
    for (const message of messages) await stage.expect(message, TAKEN);
    await stage.expect(to(user, 1), { codes: [64, 101] });
    await remove(host, newest(host, user), user);
    await stage.expect(to(user, 1), { codes: [64, code] });
  }
  const mail = { from: host.address("sender"), to: [stage.alice], body: "1234567" };
  const { id } = await send(host, mail);
  await assert.rejects(send(host, mail), /limit on sending/);
  await remove(host, id, "sender");
  await send(host, mail);
  await settles(stage);
});

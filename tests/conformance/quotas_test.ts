// Quotas of users (row S5): messages and bytes, in all, for each message and for each day, received and sent.

import assert from "node:assert/strict";
import { addTo, compressed, draft, type Message, noise } from "../support/message.ts";
import type { SendChoices } from "../support/host_commands.ts";
import { sendAtOnce, Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const FULL = { codes: [64, 101] };

Deno.test("a recipient's quotas hold to the message and to the byte", async (t) => {
  await using stage = await Stage.set({
    users: [
      ["three", "--max-messages", "3"],
      ["bytes", "--max-bytes", "1000"],
      ["each", "--recv-bytes-per-message", "1000"],
      ["day", "--recv-messages-per-day", "2"],
      ["bytesday", "--recv-bytes-per-day", "1000"],
      ["nothing", "--max-bytes", "0"],
      ["kib", "--max-bytes", "1KiB"],
      "plain",
      ["free", "--max-messages", "none", "--max-bytes", "none"],
      ["crowd", "--max-messages", "3"],
      ["crowdbytes", "--max-bytes", "3500"],
    ],
  });
  const { host, peer, ann, alice } = stage;
  const to = (user: string, size = 5) =>
    stage.letter({ to: [host.address(user)], body: noise(size) });

  await t.step("S5 messages in all", async () => {
    for (let i = 0; i < 3; i++) await stage.expect(to("three"), TAKEN);
    await stage.expect(to("three"), FULL);
    await host.setUser(host.address("three"), "--max-messages", "4");
    await stage.expect(to("three"), TAKEN);
    await stage.expect(to("three"), FULL);
  });
  await t.step("S5 bytes in all, to the last one", async () => {
    await stage.expect(to("bytes", 600), TAKEN);
    await stage.expect(to("bytes", 401), FULL);
    await stage.expect(to("bytes", 400), TAKEN);
    await stage.expect(to("bytes", 1), FULL);
    await stage.expect(to("bytes", 0), TAKEN);
  });
  await t.step("S5 bytes of one message", async () => {
    await stage.expect(to("each", 1001), FULL);
    await stage.expect(to("each", 1000), TAKEN);
    await stage.expect(to("each", 1000), TAKEN);
  });
  await t.step("S5 messages of a day", async () => {
    await stage.expect(to("day"), TAKEN);
    await stage.expect(to("day"), TAKEN);
    await stage.expect(to("day"), FULL);
  });
  await t.step("S5 bytes of a day", async () => {
    await stage.expect(to("bytesday", 999), TAKEN);
    await stage.expect(to("bytesday", 2), FULL);
    await stage.expect(to("bytesday", 1), TAKEN);
  });
  await t.step("S5 no bytes at all, and units", async () => {
    await stage.expect(to("nothing", 1), FULL);
    await stage.expect(to("nothing", 0), TAKEN);
    await stage.expect(to("kib", 1025), FULL);
    await stage.expect(to("kib", 1024), TAKEN);
  });
  await t.step("S5 what is compressed counts as it expands, and attachments count", async () => {
    const bytes = host.address("bytes");
    await host.setUser(bytes, "--max-bytes", "3000");
    const parts = (data: number, attached: number): Message =>
      stage.letter({
        to: [bytes],
        body: new Uint8Array(data),
        compress: true,
        attachments: [{ filename: "a", body: new Uint8Array(attached), compress: true }],
      });
    await stage.expect(parts(1500, 501), FULL);
    await stage.expect(parts(1500, 500), TAKEN);
    // And what is larger compressed counts as it expands too.
    const wire = compressed(noise(10));
    assert.ok(wire.length > 10);
    await host.setUser(bytes, "--max-bytes", "3010");
    await stage.expect(
      stage.letter({ to: [bytes], body: noise(10), wire, compress: true }),
      TAKEN,
    );
    await stage.expect(to("bytes", 1), FULL);
  });
  await t.step("S5 a message that is refused or taken again uses up nothing", async () => {
    const twice = stage.letter({ to: [host.address("three"), alice] });
    await stage.expect(twice, { codes: [64, 101, 200] });
    await host.setUser(host.address("three"), "--max-messages", "5");
    await stage.expect(twice, { codes: [64, 200, 103] });
    await stage.expect(twice, { codes: [64, 103, 103] });
    const { usage } = await host.user(host.address("three"));
    assert.equal(usage.recv_messages, 5);
  });
  await t.step("S5 an added recipient's quota counts the whole message", async () => {
    const original = stage.letter({ body: noise(1001) });
    await stage.expect(original, TAKEN);
    const batch = (user: string) => addTo(original, { from: ann, to: [host.address(user)] });
    await stage.expect(batch("each"), { codes: [65, 103, 101] });
    await stage.expect(batch("free"), { codes: [65, 103, 200] });
    assert.equal((await host.user(host.address("free"))).usage.recv_bytes, 1001);
  });
  await t.step("S5 ten messages at once against a quota of three", async () => {
    for (const [user, size] of [["crowd", 5], ["crowdbytes", 1000]] as const) {
      const letters = Array.from({ length: 10 }, () => [peer, to(user, size)] as const);
      const codes = (await sendAtOnce(letters)).flatMap(({ rest }) => rest);
      assert.equal(codes.filter((code) => code === 200).length, 3);
      assert.equal(codes.filter((code) => code === 101).length, 7);
    }
  });
  await t.step("S5 defaults for all users, unless they have their own", async () => {
    await host.configure({ quota: { recv_messages: 1, recv_bytes_per_message: 2000 } });
    await host.reload();
    await stage.expect(to("plain", 2001), FULL);
    await stage.expect(to("plain", 2000), TAKEN);
    await stage.expect(to("plain"), FULL);
    await stage.expect(to("free"), TAKEN);
    await stage.expect(to("free"), TAKEN);
    await stage.expect(to("free", 2001), FULL);
    await host.configure({ quota: { recv_messages: null, recv_bytes_per_message: null } });
    await host.reload();
    await stage.expect(to("plain"), TAKEN);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a sender's quotas hold to the message and to the byte", async (t) => {
  await using stage = await Stage.set({
    users: [
      ["bytes", "--send-bytes", "1000"],
      ["each", "--send-bytes-per-message", "1000"],
      ["day", "--send-messages-per-day", "2"],
      ["bytesday", "--send-bytes-per-day", "1000"],
    ],
  });
  const { host, alice, ann } = stage;
  /** Whether the host took it; if not, it said why in one line. */
  const send = async (user: string, size: number, changes: Partial<SendChoices> = {}) => {
    const choices = { from: host.address(user), to: [alice], body: noise(size), ...changes };
    const problem = await host.send(choices).then(() => null, String);
    if (problem !== null) {
      assert.match(problem, / ended with 1: .*(limit on sending|send_bytes_per_message)/);
      assert.ok(!problem.includes("\n"));
    }
    return problem === null;
  };

  await t.step("S5 bytes sent in all", async () => {
    assert.equal(await send("bytes", 1001), false);
    assert.equal(await send("bytes", 600, { to: [ann, alice] }), true);
    assert.equal(await send("bytes", 401), false);
    assert.equal(await send("bytes", 400), true);
    assert.equal(await send("bytes", 1), false);
  });
  await t.step("S5 bytes of one message sent, with its attachments", async () => {
    const attach = [{ filename: "zeros.txt", body: new Uint8Array(500) }];
    assert.equal(await send("each", 501, { attach }), false);
    assert.equal(await send("each", 500, { attach }), true);
  });
  await t.step("S5 bytes sent in a day", async () => {
    assert.equal(await send("bytesday", 1000), true);
    assert.equal(await send("bytesday", 1), false);
  });
  await t.step("S5 messages sent in a day, also at once", async () => {
    const sent = await Promise.all(Array.from({ length: 4 }, () => send("day", 1)));
    assert.deepEqual(sent.toSorted(), [false, false, true, true]);
    assert.equal((await host.user(host.address("day"))).usage.send_messages, 2);
  });
  await t.step("S5 a recipient's quotas are no matter of the sender's", async () => {
    const message = draft({ from: ann, to: [host.address("day")] });
    await stage.expect(message, TAKEN);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

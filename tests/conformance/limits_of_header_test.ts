// What the header alone says of size and time, and in which order it is judged (1.4.3 to 1.4.5).

import assert from "node:assert/strict";
import { compressed, noise } from "../support/message.ts";
import { peakMemory, Stage } from "./stage.ts";

const MAX = 2 ** 32 - 1;
const TOO_BIG = { codes: [4] };
const TOO_OLD = { codes: [7] };
const IN_FUTURE = { codes: [8] };
const TAKEN = { codes: [64, 200] };

Deno.test("a message that is larger than allowed is refused before its data", async (t) => {
  await using stage = await Stage.set({ limits: { max_size: 1000, max_expanded_size: 1500 } });
  const { host } = stage;
  const memory = await peakMemory(host.pid);
  /** Parts with these sizes in the header; the sizes are lies where the host is to refuse. */
  const sized = (data: number, ...attachments: readonly number[]) =>
    stage.letter({
      body: noise(Math.min(data, 1000)),
      size: data,
      attachments: attachments.map((size, i) => ({
        filename: `a${i}`,
        body: noise(Math.min(size, 1000)),
        size,
      })),
    });
  /** A compressed part of that many zeros, and an attachment that is not compressed. */
  const expanding = (size: number, attached: number) =>
    stage.letter({
      body: new Uint8Array(size),
      compress: true,
      attachments: [{ filename: "a", body: noise(attached) }],
    });
  await stage.play(t, [
    { name: "R9 data of exactly the limit", message: sized(1000), ...TAKEN },
    { name: "R9 data of one byte more", message: sized(1001), ...TOO_BIG },
    { name: "R9 parts that sum up to the limit", message: sized(400, 300, 0, 300), ...TAKEN },
    { name: "R9 parts that sum up to more", message: sized(400, 300, 0, 301), ...TOO_BIG },
    { name: "R9 attachments alone that are more", message: sized(0, 1001), ...TOO_BIG },
    { name: "R9 the largest size", message: sized(MAX), ...TOO_BIG },
    {
      name: "R9 sizes whose sum overflows 32 bits, to 10",
      message: sized(MAX, 11),
      ...TOO_BIG,
    },
    {
      name: "R9 255 attachments of the largest size",
      message: sized(MAX, ...new Array<number>(255).fill(MAX)),
      ...TOO_BIG,
    },
    {
      name: "R9 256 sizes whose sum overflows 32 bits, to 0",
      message: sized(2 ** 31, ...new Array<number>(255).fill(2 ** 31)),
      ...TOO_BIG,
    },
    {
      name: "R9 data that is sent at once is refused like any other",
      message: sized(1001),
      options: { pipeline: true },
      ...TOO_BIG,
    },

    {
      name: "R10 compressed and other parts that expand to exactly the limit",
      message: expanding(1000, 500),
      ...TAKEN,
    },
    { name: "R10 and to one byte more", message: expanding(1000, 501), ...TOO_BIG },
    { name: "R10 a compressed part that expands to more", message: expanding(1501, 0), ...TOO_BIG },
    {
      name: "R10 expanded sizes whose sum overflows 32 bits, to 10",
      message: stage.letter({
        compress: true,
        expandedSize: MAX,
        attachments: [{ filename: "a", body: "x", compress: true, expandedSize: 11 }],
      }),
      ...TOO_BIG,
    },
    {
      name: "R10 a compressed attachment that claims the largest expanded size",
      message: stage.letter({
        attachments: [{ filename: "a", body: "x", compress: true, expandedSize: MAX }],
      }),
      ...TOO_BIG,
    },
    {
      name: "R10 a compressed part that is larger than it expands to counts for both",
      message: stage.letter({
        wire: compressed(noise(990)),
        body: noise(990),
        compress: true,
        expandedSize: 0,
      }),
      ...TOO_BIG,
    },
  ]);
  await t.step("R10 the limit for what is expanded can be under that for the wire", async () => {
    await host.configure({ limits: { max_expanded_size: 500 } });
    await host.reload();
    await stage.expect(sized(500), TAKEN);
    await stage.expect(sized(501), TOO_BIG);
    await host.configure({ limits: { max_expanded_size: null } });
    await host.reload();
    await stage.expect(expanding(1000, 0), TAKEN);
    await stage.expect(expanding(1001, 0), TOO_BIG);
  });
  await t.step("S3 no claim of a size takes memory", async () => {
    assert.ok(await peakMemory(host.pid) - memory < 64 * 1024 * 1024);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a message that is too old, or of the future, is refused", async (t) => {
  const [age, skew] = [3600, 60];
  await using stage = await Stage.set({ limits: { max_message_age: age, max_time_skew: skew } });
  // So far from the bounds that a slow machine does not pass them between here and the host's judgement.
  const margin = 25;
  const ago = (seconds: number) => stage.letter({ time: Date.now() / 1000 - seconds });
  const bits = (...bytes: number[]) => stage.letter({ time: Uint8Array.from(bytes) });
  await stage.play(t, [
    { name: "R11 nearly as old as may be", message: ago(age - margin), ...TAKEN },
    { name: "R11 a little older", message: ago(age + 1), ...TOO_OLD },
    { name: "R11 nearly as far ahead as may be", message: ago(-(skew - 1)), ...TAKEN },
    { name: "R11 further ahead", message: ago(-(skew + margin)), ...IN_FUTURE },
    { name: "R11 the beginning of the epoch", message: stage.letter({ time: 0 }), ...TOO_OLD },
    { name: "R11 a negative time", message: stage.letter({ time: -1e300 }), ...TOO_OLD },
    { name: "R11 negative zero", message: stage.letter({ time: -0 }), ...TOO_OLD },
    { name: "R11 the smallest time", message: stage.letter({ time: 5e-324 }), ...TOO_OLD },
    { name: "R11 the largest time", message: stage.letter({ time: 1.7e308 }), ...IN_FUTURE },
    { name: "R11 infinity", message: stage.letter({ time: Infinity }), ...IN_FUTURE },
    { name: "R11 negative infinity", message: stage.letter({ time: -Infinity }), ...TOO_OLD },
    { name: "R11 no number", message: stage.letter({ time: NaN }), ...TOO_OLD },
    { name: "R11 no number, signalling", message: bits(1, 0, 0, 0, 0, 0, 0xf0, 0x7f), ...TOO_OLD },
    {
      name: "R11 no number, negative",
      message: bits(255, 255, 255, 255, 255, 255, 255, 255),
      ...TOO_OLD,
    },
  ]);
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("of several faults the first in the order of the specification counts", async (t) => {
  await using stage = await Stage.set({ limits: { max_size: 1000, max_expanded_size: 1000 } });
  const parent = stage.letter({ time: Date.now() / 1000 });
  await stage.expect(parent, TAKEN);
  const unknown = new Uint8Array(32).fill(1);
  const stranger = stage.peer.address("stranger");
  await stage.play(t, [
    {
      name: "R3 invalid before too big, too old, and without parent",
      message: stage.letter({ to: [], size: MAX, time: 0, pid: unknown }),
      codes: [1],
    },
    {
      name: "R9 too big before too old and without parent",
      message: stage.letter({ size: 1001, time: 0, pid: unknown }),
      ...TOO_BIG,
    },
    {
      name: "R10 too big when expanded before of the future",
      message: stage.letter({ compress: true, expandedSize: 1001, time: Infinity }),
      ...TOO_BIG,
    },
    {
      name: "R11 too old before without parent",
      message: stage.letter({ time: 0, pid: unknown }),
      ...TOO_OLD,
    },
    {
      name: "R11 of the future before without parent",
      message: stage.letter({ time: NaN, pid: unknown }),
      ...TOO_OLD,
    },
    {
      name: "R11 of the future before recipients that are added to nothing here",
      message: stage.letter({
        time: Infinity,
        pid: unknown,
        addTo: { from: stage.ann, to: [stage.alice] },
      }),
      ...IN_FUTURE,
    },
    {
      name: "R12 time travel before a stranger's reply",
      message: stage.letter({
        from: stranger,
        pid: parent.hash,
        time: Number(parent.fields.time) - 20,
      }),
      codes: [9],
    },
    {
      name: "R12 a stranger's reply before unknown recipients",
      message: stage.letter({
        from: stranger,
        to: [stage.host.address("nobody")],
        pid: parent.hash,
      }),
      codes: [1],
    },
  ]);
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

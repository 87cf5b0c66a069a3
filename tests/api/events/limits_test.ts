// Row N10: no client hurts the host or another: the silent, the slow, the loud, the wrong, and too many of them.

import assert from "node:assert/strict";
import { PATIENCE, waitFor, within } from "../../support/wait.ts";
import { AnsweringProcess } from "./answering_process.ts";
import { ALICE, BOB, CAROL, EventStage } from "./stage.ts";
import { CLOSED, type Frame, frame, joined, PING, PONG, RawSocket, TEXT } from "./raw_socket.ts";

/** Milliseconds between pings, where a test waits for several: long enough for a busy machine to answer in. */
const OFTEN = 500;

Deno.test("N10 ping: a client that answers stays, quiet or busy", async () => {
  await using stage = await EventStage.open({ pingMs: OFTEN });
  await using quiet = await stage.listen(BOB);
  await using busy = await stage.listen(CAROL);
  let sent = 0;
  while (quiet.pings < 3 || busy.pings < 3) {
    await stage.send({ from: ALICE, to: [CAROL] });
    await busy.first(++sent);
  }
  assert.equal(quiet.closed, null);
  assert.equal(busy.closed, null);
});

Deno.test("N10 cut of the silent: who has not answered one ping by the next is cut, and others stay", async () => {
  await using stage = await EventStage.open({ pingMs: OFTEN });
  await using other = await stage.listen(BOB);
  using silent = await stage.raw(BOB);
  assert.equal((await silent.next())?.opcode, PING);
  assert.equal(await silent.next(), null, "cut without a second ping");
  const before = other.pings;
  await waitFor(() => other.pings > before);
  assert.equal(other.closed, null);
});

Deno.test("N10 a host that stood still for a while cuts nobody whose answer was there meanwhile", async () => {
  await using stage = await EventStage.open({ pingMs: OFTEN });
  // A process of its own, so that it answers while this one stands still.
  await using client = await AnsweringProcess.open(stage, await stage.token(BOB));
  for (let i = 0; i < 5; i++) {
    const until = performance.now() + 2 * OFTEN;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await client.pinged();
  assert.equal(stage.sockets.count, 1);
});

Deno.test("N10 a slow reader is cut when too much waits for it, and does not hold up another socket of the same address", async () => {
  await using stage = await EventStage.open({ unsent: 64 * 1024, waiting: 1_000_000 });
  using slow = await stage.raw(BOB);
  await using quick = await stage.listen(BOB);
  const id = await stage.send({ from: ALICE, to: [BOB], body: "x".repeat(700) });
  await quick.first(1);
  let published = 1;
  // What the kernel takes for the slow one comes on top of what may wait here.
  while (stage.sockets.count === 2) {
    for (let i = 0; i < 200; i++) {
      stage.sockets.publish({
        kind: "message",
        event: "delivered",
        message: id,
        keys: [BOB],
      });
    }
    published += 200;
    await quick.first(published);
  }
  await slow.ended();
  assert.equal(quick.closed, null);
  assert.equal(quick.events.length, published);
});

Deno.test("N10 unknown things are ignored: text, bytes and fragments mean nothing, and a ping is answered", async () => {
  await using stage = await EventStage.open();
  using socket = await stage.raw(BOB);
  await socket.send(joined(
    frame('{"type":"subscribe","to":"everything"}'),
    frame(Uint8Array.of(0xff, 0xfe), { opcode: 2 }),
    frame("in two ", { final: false }),
    frame("fragments", { opcode: 0 }),
    frame("", { opcode: PONG }),
    frame("are you there", { opcode: PING }),
  ));
  const pong = await socket.next();
  assert.deepEqual([pong?.opcode, text(pong)], [PONG, "are you there"]);
  const id = await stage.send({ from: ALICE, to: [BOB] });
  const event = await socket.next();
  assert.equal(event?.opcode, TEXT);
  assert.equal(JSON.parse(text(event)).data.id, id);
});

const AGAINST_THE_PROTOCOL: Readonly<Record<string, readonly [bytes: Uint8Array, code: number]>> = {
  "a frame without a mask": [frame("hello", { masked: false }), 1002],
  "a reserved bit": [frame("hello", { reserved: 4 }), 1002],
  "a reserved opcode": [frame("hello", { opcode: 3 }), 1002],
  "a ping of more than 125 bytes": [frame("x".repeat(126), { opcode: PING }), 1002],
  "a ping in fragments": [frame("x", { opcode: PING, final: false }), 1002],
  "a continuation of nothing": [frame("x", { opcode: 0 }), 1002],
  "text that is no UTF-8": [frame(Uint8Array.of(0xc3, 0x28)), 1007],
  "a close code that nobody may send": [frame(Uint8Array.of(3, 237), { opcode: CLOSED }), 1002],
  "a frame that is too large": [frame("x".repeat(2000)), 1009],
  "a frame that claims to be huge": [frame("", { length: 2 ** 40 }), 1009],
  "fragments without end": [
    joined(
      frame("x", { final: false }),
      ...Array(40).fill(frame("x", { opcode: 0, final: false })),
    ),
    1008,
  ],
};

for (const [name, [bytes, code]] of Object.entries(AGAINST_THE_PROTOCOL)) {
  Deno.test(`N10 ${name} closes the socket with ${code}, and no other`, async () => {
    await using stage = await EventStage.open({ closeMs: 300 });
    await using other = await stage.listen(BOB);
    using socket = await stage.raw(BOB);
    await socket.send(bytes);
    assert.equal(await socket.closeCode(), code);
    await socket.ended();
    await waitFor(() => stage.sockets.count === 1);
    await stage.send({ from: ALICE, to: [BOB] });
    await other.first(1);
  });
}

Deno.test("N10 a client that floods is closed with 1008, and cut when it goes on", async () => {
  await using stage = await EventStage.open({ received: 4096, closeMs: 60_000 });
  using socket = await stage.raw(BOB);
  const flood = joined(...Array(200).fill(frame("something that nobody asked for")));
  await socket.send(flood);
  assert.equal(await socket.closeCode(), 1008);
  await sendUntilCut(socket, flood);
  await waitFor(() => stage.sockets.count === 0);
});

Deno.test("N10 a client that asks for pongs and does not read them is cut", async () => {
  await using stage = await EventStage.open({ received: Number.MAX_SAFE_INTEGER });
  using socket = await stage.raw(BOB);
  await sendUntilCut(
    socket,
    joined(...Array(1000).fill(frame("x".repeat(125), { opcode: PING }))),
  );
  await waitFor(() => stage.sockets.count === 0);
});

Deno.test("N10 a client that goes away without a word is forgotten", async () => {
  await using stage = await EventStage.open();
  const socket = await stage.raw(BOB);
  assert.equal(stage.sockets.count, 1);
  socket[Symbol.dispose]();
  await waitFor(() => stage.sockets.count === 0);
});

Deno.test("N10 with a socket too many, the oldest of the address is closed with 1013; other addresses keep theirs", async () => {
  await using stage = await EventStage.open({ each: 2 });
  await using carol = await stage.listen(CAROL);
  await using first = await stage.listen(BOB);
  await using second = await stage.listen(BOB);
  await using third = await stage.listen(BOB);
  assert.equal((await first.end()).code, 1013);
  const id = await stage.send({ from: ALICE, to: [BOB, CAROL] });
  for (const client of [second, third, carol]) {
    assert.equal((await client.first(1))[0]?.data.id, id);
    assert.equal(client.closed, null);
  }
});

Deno.test("N10 with too many sockets in all, the next is refused with 503 and JSON, until one is closed", async () => {
  await using stage = await EventStage.open({ total: 1 });
  const token = await stage.token(BOB);
  {
    await using _first = await stage.listen(CAROL);
    using refused = await RawSocket.open(stage, { token });
    assert.equal(refused.status, 503);
    assert.match(JSON.stringify(await refused.json()), /^\{"error":"Too many clients/);
  }
  await waitFor(() => stage.sockets.count === 0);
  using taken = await RawSocket.open(stage, { token });
  assert.equal(taken.status, 101);
});

Deno.test("N10 more events at once than may wait for an address close its sockets with 1013: no gap goes unnoticed", async () => {
  await using stage = await EventStage.open({ waiting: 100 });
  await using bob = await stage.listen(BOB);
  await using carol = await stage.listen(CAROL);
  const id = await stage.send({ from: ALICE, to: [BOB, CAROL] });
  for (const client of [bob, carol]) await client.first(1);
  const change = { kind: "message", event: "delivered", message: id } as const;
  for (let i = 0; i < 101; i++) stage.sockets.publish({ ...change, keys: [BOB] });
  for (let i = 0; i < 100; i++) stage.sockets.publish({ ...change, keys: [CAROL] });
  assert.equal((await bob.end()).code, 1013);
  assert.equal((await carol.first(101)).length, 101);
  await using again = await stage.listen(BOB);
  const next = await stage.send({ from: ALICE, to: [BOB] });
  assert.deepEqual((await again.first(1)).map(({ data }) => data.id), [next]);
});

async function sendUntilCut(socket: RawSocket, bytes: Uint8Array): Promise<void> {
  const sending = (async () => {
    for (;;) await socket.send(bytes);
  })();
  await assert.rejects(within(PATIENCE, "the client to be cut", sending), isLost);
}

/** What a write says of a connection that the other side has cut. */
function isLost(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}

function text(one: Frame | null): string {
  return new TextDecoder().decode(one?.payload);
}

// Row N10: events reach those who wait, in their order, as each may see them, and nobody else.

import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { sent } from "../../store/support.ts";
import { ALICE, BOB, CAROL, EventStage } from "./stage.ts";
import { HANDSHAKE, RawSocket } from "./raw_socket.ts";

Deno.test("N10 new_msg: every socket of a recipient is told, in order, with the message as this recipient sees it; others hear nothing (N2)", async () => {
  await using stage = await EventStage.open();
  await using bob = await stage.listen(BOB);
  await using second = await stage.listen(BOB);
  await using carol = await stage.listen(CAROL);
  const ids: number[] = [];
  for (let i = 0; i < 50; i++) {
    ids.push(await stage.send({ from: ALICE, to: [BOB], start: { topic: `topic ${i}` } }));
  }
  const toCarol = await stage.send({ from: ALICE, to: [CAROL], body: "for Carol" });
  for (const client of [bob, second]) {
    const events = await client.first(50);
    assert.deepEqual(events.map(({ data }) => data.id), ids);
    assert.deepEqual(events.map(({ data }) => data.topic), ids.map((_, i) => `topic ${i}`));
  }
  // What is Carol's comes last, so that whatever came before has come.
  const events = await carol.first(1);
  assert.deepEqual(events.map(({ type, data }) => [type, data.id, data.short_text]), [
    ["new_msg", toCarol, "for Carol"],
  ]);
  assert.deepEqual(bob.events.length, 50);
});

Deno.test("N10 an event has the shape of a list's item: id, delivery states, read state of that identity alone", async () => {
  await using stage = await EventStage.open();
  await using bob = await stage.listen(BOB);
  const id = await stage.send({ from: ALICE, to: [BOB, CAROL], body: "hello" });
  const [event] = await bob.first(1);
  assert.equal(event?.data.id, id);
  assert.equal(event.data.version, 1);
  assert.deepEqual(event.data.to, [BOB, CAROL]);
  assert.equal(event.data.to_delivery[0]?.addr, BOB);
  assert.equal(event.data.to_delivery[0].response_code, null);
  assert.equal(event.data.read, false);
  assert.equal(typeof event.data.time, "number");
});

Deno.test("N6 recipients_added: every participant hears of the batch, and who is added gets new_msg before", async () => {
  await using stage = await EventStage.open();
  const id = await stage.send({ from: ALICE, to: [BOB] });
  await using alice = await stage.listen(ALICE);
  await using bob = await stage.listen(BOB);
  await using carol = await stage.listen(CAROL);
  const batch = sent(await stage.store.addTo(id, BOB, CAROL)).id;
  stage.publish();
  const [added] = await carol.first(1);
  assert.deepEqual([added?.type, added?.data.id], ["new_msg", id]);
  for (const client of [alice, bob, carol]) {
    const event = await waitFor(() =>
      client.events.find(({ type }) => type === "recipients_added")
    );
    assert.equal(event.data.id, id);
    assert.deepEqual(event.data.add_to.map(({ batch_id, to }) => [batch_id, to]), [
      [batch, [CAROL]],
    ]);
  }
});

Deno.test("N7 delivered: the sender hears of a delivery with the refreshed message", async () => {
  await using stage = await EventStage.open();
  const there = "@dan@there.example";
  await using alice = await stage.listen(ALICE);
  const id = await stage.send({ from: ALICE, to: [there] });
  await stage.store.record({ id }, "there.example", { kind: "codes", codes: [200], lost: null });
  stage.publish();
  const [event] = await alice.first(1);
  assert.equal(event?.type, "delivered");
  assert.equal(event.data.id, id);
  assert.equal(event.data.to_delivery[0]?.response_code, null);
  assert.notEqual(event.data.to_delivery[0]?.time_delivered, null);
});

Deno.test("N10 a message that is gone before its event is made, or that is not the identity's to see, makes no event", async () => {
  await using stage = await EventStage.open();
  await using bob = await stage.listen(BOB);
  const { id } = sent(await stage.store.send({ from: ALICE, to: [BOB] }));
  await stage.store.writer.submit("delete", { message: id, for: BOB });
  stage.publish();
  const toCarol = await stage.send({ from: ALICE, to: [CAROL] });
  stage.sockets.publish({ kind: "message", event: "new_msg", message: toCarol, keys: [BOB] });
  const last = await stage.send({ from: ALICE, to: [BOB] });
  assert.deepEqual((await bob.first(1)).map(({ data }) => data.id), [last]);
});

Deno.test("N10 state by HTTP after reconnecting: who was away is not told again, and hears what comes from then on", async () => {
  await using stage = await EventStage.open();
  {
    await using bob = await stage.listen(BOB);
    await stage.send({ from: ALICE, to: [BOB] });
    await bob.first(1);
  }
  await waitFor(() => stage.sockets.count === 0);
  await stage.send({ from: ALICE, to: [BOB] });
  await using bob = await stage.listen(BOB);
  const last = await stage.send({ from: ALICE, to: [BOB] });
  assert.deepEqual((await bob.first(1)).map(({ data }) => data.id), [last]);
});

Deno.test("N10 what is no handshake is answered with 400 and JSON, and the version that is spoken", async () => {
  await using stage = await EventStage.open();
  const token = await stage.token(BOB);
  const wrong = [
    { ...HANDSHAKE, "sec-websocket-key": "short" },
    { ...HANDSHAKE, "sec-websocket-version": "99" },
    { ...HANDSHAKE, "sec-websocket-protocol": "a b" },
  ];
  for (const headers of wrong) {
    using socket = await RawSocket.open(stage, { headers, token });
    assert.equal(socket.status, 400, socket.head);
    assert.match(JSON.stringify(await socket.json()), /^\{"error":"This is no WebSocket handshake/);
  }
  assert.equal(stage.sockets.count, 0);
});

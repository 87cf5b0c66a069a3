// Row N10: a socket ends with what it was opened by, and with the host.

import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { ALICE, BOB, EventStage } from "./stage.ts";
import { CLOSED, RawSocket } from "./raw_socket.ts";

/** Milliseconds between pings, where a test waits for one. */
const OFTEN = 500;

Deno.test("N10 a user who is removed hears nothing more: closed with 1008 and the reason at the next ping", async () => {
  await using stage = await EventStage.open({ pingMs: OFTEN });
  await using bob = await stage.listen(BOB);
  await stage.store.writer.submit("removeUser", { key: BOB });
  const { code, reason } = await bob.end();
  assert.equal(code, 1008);
  assert.match(reason, /no user here/);
});

Deno.test("N10 a user who is switched off is closed before the next event is sent, not only at the next ping", async () => {
  await using stage = await EventStage.open({ pingMs: 3_600_000 });
  await using bob = await stage.listen(BOB);
  const id = await stage.send({ from: ALICE, to: [BOB] });
  await stage.store.writer.submit("setUser", { key: BOB, accepting: false });
  // The last look at an identity may be a second old.
  await waitFor(() => {
    stage.sockets.publish({ kind: "message", event: "new_msg", message: id, keys: [BOB] });
    return bob.closed;
  });
  assert.equal(bob.closed?.code, 1008);
});

Deno.test("N10 a token that expires ends its socket with 4401", async () => {
  await using stage = await EventStage.open({ pingMs: OFTEN });
  // Clocks may differ by ten seconds.
  await using bob = await stage.listen(BOB, -6);
  assert.equal((await bob.end()).code, 4401);
});

Deno.test("N10 a key of the host that is revoked ends the sockets of its tokens with 4401", async () => {
  await using stage = await EventStage.open({ pingMs: OFTEN });
  await using bob = await stage.listen(BOB);
  await stage.store.writer.submit("rotateSigningKey", { revoke: true });
  assert.equal((await bob.end()).code, 4401);
});

Deno.test("N10 a host that stops closes every socket with 1001, cuts who does not agree, and takes no more", async () => {
  await using stage = await EventStage.open({ closeMs: 300 });
  await using bob = await stage.listen(BOB);
  using stubborn = await stage.raw(BOB);
  const stopping = stage.sockets[Symbol.asyncDispose]();
  using late = await RawSocket.open(stage, { token: await stage.token(BOB) });
  assert.equal(late.status, 503);
  assert.equal((await bob.end()).code, 1001);
  const closing = await stubborn.next();
  assert.equal(closing?.opcode, CLOSED);
  await stopping;
  assert.equal(stage.sockets.count, 0);
  await stubborn.ended();
});

// Rows T4 and T5: sessions are resumed, and a renewed certificate is used without a restart.

import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { connect } from "node:tls";
import { selfSigned } from "../../src/certificate/make.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft, type Message } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { send } from "./command.ts";
import { settled } from "./outcome.ts";

Deno.test("sessions and certificates", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "always", users: ["alice"] });
  const pat = await world.peer({ domain: "pat.test" });
  const alice = host.address("alice");
  const letter = (): Message => draft({ from: "@p@pat.test", to: [alice] });
  const servername = `fmsg.${host.domain}`;

  await t.step("T4 as a server: a peer that was here resumes its session", async () => {
    const first = await pat.send(letter(), { servername });
    assert.equal(first.connection?.resumed, false);
    const session = first.connection?.session ?? null;
    assert.notEqual(session, null, "it has a ticket");
    for (let i = 0; i < 3; i++) {
      const again = await pat.send(letter(), { servername, session });
      assert.deepEqual([again.codes, again.connection?.resumed], [[64, 200], true]);
    }
  });

  await t.step(
    "T4 as a client: the next connection to a host resumes, challenges too",
    async () => {
      const rita = await world.peer({ domain: "rita.test" });
      const resumed = (): unknown => rita.calls.map(({ kind, tls }) => [kind, tls?.resumed]);
      for (let i = 0; i < 3; i++) {
        const { id } = await send(host, { from: alice, to: ["@r@rita.test"] });
        await settled(host, id);
      }
      const messages = [["message", false], ["message", true], ["message", true]];
      assert.deepEqual(resumed(), messages);
      await rita.send(draft({ from: "@r@rita.test", to: [alice] }));
      assert.deepEqual(resumed(), [...messages, ["challenge", true]]);
    },
  );

  await t.step("T4 a session is of use with its own host only", async () => {
    const quinn = await world.peer({ domain: "quinn.test" });
    const { id } = await send(host, { from: alice, to: ["@q@quinn.test"] });
    await settled(host, id);
    assert.deepEqual(quinn.calls.map(({ tls }) => tls?.resumed), [false]);
  });

  await t.step("T5 SIGHUP: who comes gets the new certificate, nobody is cut off", async () => {
    const before = await serialNumber(host, world);
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<number>();
    const sending = pat.send(letter(), { onFirst: begin, lastByteAfter: promise });
    assert.equal(await begun, 64);
    await host.renewCertificate();
    await host.reload();
    const after = await serialNumber(host, world);
    assert.notEqual(after, before);
    resolve();
    assert.deepEqual((await sending).codes, [64, 200]);
    assert.deepEqual((await pat.send(letter())).codes, [64, 200]);
  });

  await t.step("T5 files that change are noticed without a signal", async () => {
    const before = await serialNumber(host, world);
    const seen = host.log.length;
    await host.renewCertificate();
    await host.logLine(({ msg }) => msg === "certificate renewed", seen);
    await waitFor(async () => await serialNumber(host, world) !== before);
    assert.deepEqual((await pat.send(letter())).codes, [64, 200]);
  });

  await t.step("T5 files that cannot be used leave the certificate as it is", async () => {
    const before = await serialNumber(host, world);
    const { key } = await selfSigned(servername);
    const good = await Deno.readTextFile(join(host.folder, "key.pem"));
    for (const content of ["no key", key]) {
      await Deno.writeTextFile(join(host.folder, "key.pem"), content);
      assert.equal((await host.reload()).level, "error");
      assert.equal(await serialNumber(host, world), before);
      assert.deepEqual((await pat.send(letter())).codes, [64, 200]);
    }
    await Deno.writeTextFile(join(host.folder, "key.pem"), good);
    assert.equal((await host.reload()).level, "info");
  });
});

/** Of the certificate that the host presents now to somebody who trusts the world's authority. */
async function serialNumber(host: HostProcess, world: World): Promise<string> {
  const socket = connect(host.port, host.ip, {
    servername: `fmsg.${host.domain}`,
    ca: world.authority.pem,
  });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
    await once(socket, "close");
  }
}

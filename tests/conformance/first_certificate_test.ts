// A host that gets its certificate itself, before the first is there (row T5).

import assert from "node:assert/strict";
import { join } from "node:path";
import { AcmeServer } from "../support/acme_server.ts";
import { draft } from "../support/message.ts";
import type { HostProcess } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { statusOf } from "./operating.ts";

/** A host whose authority does not answer: nobody listens there. */
async function withoutCertificate(world: World): Promise<HostProcess> {
  const host = await world.host({ start: false, api: { tls: true } });
  await host.configure({
    tls: {
      cert: null,
      key: null,
      acme: {
        directory: `https://${world.address()}:${world.port}/directory`,
        listen: [`${host.ip}:${world.port + 1}`],
      },
    },
  });
  await host.start({ until: /there is no certificate yet/ });
  return host;
}

/** Puts a certificate where the host puts the ones that it gets; it ends on another day than those of files. */
async function putCertificate(world: World, host: HostProcess): Promise<void> {
  const { cert, key } = await world.authority.issue(`fmsg.${host.domain}`, { days: 60 });
  const folder = join(host.dataDir, "acme");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "new.pem"), key + cert);
  await Deno.rename(join(folder, "new.pem"), join(folder, "certificate.pem"));
}

Deno.test("T5 a host without a certificate yet", async (t) => {
  await using world = await World.make();
  const host = await withoutCertificate(world);
  const peer = await world.peer();
  const alice = host.address("alice");
  const bob = `@bob@${peer.domain}`;
  await host.addUser(alice);

  await t.step("says why it has none, and when it tries again", async () => {
    const line = await host.logLine(({ msg }) => msg === "there is no new certificate");
    assert.equal(line.level, "error");
    assert.match(String(line.error), /directory|cannot be reached/);
    assert.ok(Date.parse(String(line.next_attempt)) > Date.now());
    const { certificate } = await statusOf(host);
    assert.equal(certificate.expires, null);
    assert.equal(certificate.acme?.attempts, 1);
    assert.equal(certificate.acme?.last_error, line.error);
    const { stdout } = await host.cli(["host", "status"]);
    assert.match(stdout, /Certificate +none yet; /);
  });

  await t.step("has no interface with TLS yet", async () => {
    const { api } = await statusOf(host);
    assert.equal(api?.address, null);
    await assert.rejects(Deno.connect({ hostname: host.ip, port: 8000 }));
  });

  await t.step("takes nobody, and holds it against nobody", async () => {
    assert.deepEqual((await peer.send(draft({ from: bob, to: [alice] }))).codes, []);
    const { refused, bans } = await statusOf(host);
    assert.ok((refused["no certificate yet"] ?? 0) > 0, JSON.stringify(refused));
    assert.deepEqual(bans, []);
  });

  const sent = await host.send({ from: alice, to: [bob], body: "early" });

  await t.step("keeps what is sent, without an attempt that must fail", async () => {
    const [waiting] = await host.queue();
    assert.equal(waiting?.attempts, 0);
    assert.equal(host.log.filter(({ direction }) => direction === "out").length, 0);
  });

  await t.step("serves and sends as soon as there is one, without a restart", async () => {
    assert.ok(!host.log.some(({ msg }) => /listening/.test(String(msg))));
    await putCertificate(world, host);
    await host.logLine(({ msg }) => msg === "listening");
    assert.deepEqual((await peer.send(draft({ from: bob, to: [alice] }))).codes, [64, 200]);
    await waitFor(async () =>
      (await host.show(sent.id)).delivery.every(({ state }) => state === "delivered")
    );
  });

  await t.step("has its interface then, with the certificate", async () => {
    await waitFor(async () => (await statusOf(host)).api?.address === host.apiAddress);
    const tcp = await Deno.connect({ hostname: host.ip, port: 8000 });
    using secure = await Deno.startTls(tcp, {
      hostname: `fmsg.${host.domain}`,
      caCerts: [world.authority.pem],
    });
    await secure.handshake();
  });
});

Deno.test("T5 a host gets its certificate by itself, serves with it, and renews it without a restart", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  const peer = await world.peer();
  await using authority = await AcmeServer.start(world.authority, { ip: world.address() });
  // So old already that two thirds of it are over in a few seconds.
  authority.lifetime = 60;
  authority.backdated = 36;
  const listen = { ip: host.ip, port: world.port + 1 };
  authority.validateAt = listen;
  await host.configure({
    tls: {
      cert: null,
      key: null,
      acme: { directory: authority.directory, listen: [`${listen.ip}:${listen.port}`] },
    },
  });
  await host.start();
  await host.addUser(host.address("alice"));
  const letter = () => draft({ from: `@bob@${peer.domain}`, to: [host.address("alice")] });
  assert.deepEqual((await peer.send(letter())).codes, [64, 200]);

  await host.logLine(({ msg }) => msg === "certificate renewed");
  assert.deepEqual((await peer.send(letter())).codes, [64, 200]);
  const { certificate } = await statusOf(host);
  assert.equal(certificate.acme?.last_error, null);
  assert.ok(Date.parse(certificate.expires ?? "") > Date.now());
  assert.deepEqual(authority.faults, []);
});

Deno.test("T5 a certificate that cannot be used is no reason not to start: the host gets another", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  await Deno.mkdir(join(host.dataDir, "acme"));
  await Deno.writeTextFile(join(host.dataDir, "acme", "certificate.pem"), "half a certif");
  await host.configure({
    tls: {
      cert: null,
      key: null,
      acme: { directory: `https://${world.address()}:${world.port}/`, listen: [`${host.ip}:1`] },
    },
  });
  await host.start({ until: /there is no certificate yet/ });
  await host.logLine(({ msg }) => /cannot be used, the host gets another/.test(String(msg)));
});

Deno.test("T5 a change from files to an authority keeps the old certificate until the new one is there", async () => {
  await using world = await World.make();
  const host = await world.host({ users: ["alice"] });
  const peer = await world.peer();
  await host.configure({
    tls: {
      cert: null,
      key: null,
      acme: {
        directory: `https://${world.address()}:${world.port}/directory`,
        listen: [`${host.ip}:${world.port + 1}`],
      },
    },
  });
  await host.reload();
  await host.logLine(({ msg }) => msg === "there is no new certificate");
  const letter = draft({ from: `@bob@${peer.domain}`, to: [host.address("alice")] });
  assert.deepEqual((await peer.send(letter)).codes, [64, 200]);
  const before = (await statusOf(host)).certificate.expires;
  await putCertificate(world, host);
  await host.logLine(({ msg }) => msg === "certificate renewed");
  assert.notEqual((await statusOf(host)).certificate.expires, before);
});

// SIGHUP: a changed configuration is taken over while the host serves; what cannot be, is said.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DnsServer } from "../support/dns_server.ts";
import type { HostProcess, LogLine, Section } from "../support/host_process.ts";
import { audit } from "../store/audit.ts";
import { noise } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { retry, send } from "./command.ts";
import { comesToRest, operatorOf, statusOf, statusWhen } from "./operating.ts";
import { received } from "./outcome.ts";
import { Stage } from "./stage.ts";

/** Changes the configuration and has the host take it over. */
async function change(host: HostProcess, changes: Section): Promise<LogLine> {
  await host.configure(changes);
  const line = await host.reload();
  assert.equal(line.level, "info", JSON.stringify(line));
  return line;
}

/** A message whose last byte waits until it is let go; its first code is there. */
async function held(stage: Stage): Promise<() => Promise<readonly number[]>> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<number>();
  const sending = stage.peer.send(stage.letter({ body: noise(100_000) }), {
    onFirst: begin,
    lastByteAfter: promise,
  });
  assert.equal(await begun, 64);
  return async () => {
    resolve();
    return (await sending).codes;
  };
}

Deno.test("SIGHUP", async (t) => {
  await using stage = await Stage.set({
    users: ["bob"],
    delivery: { retry_initial: "1h", retry_max: "1h" },
    limits: { idle_timeout: "20s" },
  });
  const { host, peer, world, alice, ann } = stage;
  const bob = host.address("bob");
  const { counts: rest } = await statusOf(host);
  const letGo = await held(stage);

  await t.step("limits hold for the next message, not for the one under way", async () => {
    await change(host, { limits: { max_size: 1000 } });
    await stage.expect(stage.letter({ body: noise(2000) }), { codes: [4] });
    await change(host, { limits: { max_size: "10MiB" } });
    await stage.expect(stage.letter({ body: noise(2000) }), { codes: [64, 200] });
  });

  await t.step("deadlines hold for the next connection", async () => {
    await change(host, { limits: { header_timeout: "300ms" } });
    const silent = await peer.dial();
    await host.logLine(({ terminated }) => terminated === "header not in time");
    await waitFor(() => silent.ended !== null);
    await change(host, { limits: { header_timeout: "10s" } });
  });

  await t.step("S5 quotas", async () => {
    await change(host, { quota: { recv_messages: 1 } });
    await stage.expect(stage.letter({ to: [bob] }), { codes: [64, 200] });
    await stage.expect(stage.letter({ to: [bob] }), { codes: [64, 101] });
    await change(host, { quota: { recv_messages: null } });
    await stage.expect(stage.letter({ to: [bob] }), { codes: [64, 200] });
  });

  await t.step("S6 bans: how long they last, and who is never banned", async () => {
    using operator = await operatorOf(host);
    await assert.rejects(operator.ban(peer.ip, null), /ban\.allow/);
    await change(host, { ban: { allow: [], for: "5m" } });
    const { until } = await operator.ban("192.0.2.1", null);
    const left = until - Date.now() / 1000;
    assert.ok(left > 200 && left <= 300, `${left} s`);
    await operator.lift("192.0.2.1");
  });

  await t.step("fixed addresses, and other DNS servers", async () => {
    const letter = stage.letter({ from: "@a@fixed.test" });
    await stage.expect(letter, { terminated: "sender not authorised" });
    await change(host, { dns: { hosts: { "fmsg.fixed.test": [peer.ip] } } });
    await stage.expect(letter, { codes: [64, 200] });

    await using other = await DnsServer.start({ ip: world.dns.ip });
    other.set("fmsg.other.test", "A", [peer.ip]);
    await change(host, { dns: { servers: [`${other.ip}:${other.port}`] } });
    await stage.expect(stage.letter({ from: "@a@other.test" }), { codes: [64, 200] });
    await stage.expect(stage.letter(), { terminated: "sender not authorised" });
    await change(host, { dns: { servers: [`${world.dns.ip}:${world.dns.port}`] } });
    await stage.expect(stage.letter(), { codes: [64, 200] });
  });

  await t.step("how long to wait for other hosts, and when to try again", async () => {
    peer.setTls("mute");
    await change(host, { delivery: { connect_timeout: "300ms", retry_initial: "30m" } });
    await send(host, { from: alice, to: [ann] });
    const { queue } = await statusWhen(
      host,
      "the attempt to be over",
      ({ queue }) => queue.domains[0]?.last_error !== null,
    );
    const [domain] = queue.domains;
    const left = (domain?.next_attempt ?? 0) - Date.now() / 1000;
    assert.ok(left > 20 * 60 && left < 40 * 60, `${left} s`);
    peer.setTls("good");
    await change(host, { delivery: { connect_timeout: "10s" } });
    await retry(host);
    await statusWhen(host, "it to be delivered", ({ queue }) => queue.waiting === 0);
  });

  await t.step("the challenge", async () => {
    await change(host, { challenge: "always" });
    const { line } = await stage.send(stage.letter());
    assert.equal(line.challenge, "ok");
    await change(host, { challenge: "never" });
  });

  await t.step("what is disclosed of users", async () => {
    const letter = () => stage.letter({ to: [host.address("nobody")] });
    await change(host, { limits: { disclose_users: false } });
    await stage.expect(letter(), { codes: [64, 105] });
    await change(host, { limits: { disclose_users: true } });
    await stage.expect(letter(), { codes: [64, 100] });
  });

  await t.step("the level of the log", async () => {
    await host.configure({ log: { level: "error" }, limits: { max_size: 500 } });
    const seen = host.log.length;
    Deno.kill(host.pid, "SIGHUP");
    await waitFor(async () => (await peer.send(stage.letter({ body: noise(600) }))).first === 4);
    const quiet = host.log.length;
    assert.deepEqual((await peer.send(stage.letter())).codes, [64, 200]);
    await host.configure({ log: { level: "info" }, limits: { max_size: "10MiB" } });
    await host.reload();
    assert.deepEqual(host.log.slice(quiet).map(({ msg }) => msg), ["reloaded"]);
    assert.ok(!host.log.slice(seen, quiet).some(({ msg }) => msg === "reloaded"));
  });

  await t.step("what is kept, and for how long: at once", async () => {
    assert.ok(received(host, "bob").length > 0);
    const ages = { [bob]: "1s" };
    await change(host, { retention: { users: ages } });
    await waitFor(async () => {
      // Messages are as old as the rule asks only after a second.
      await host.reload();
      return received(host, "bob").length === 0;
    });
    assert.ok(received(host, "alice").length > 0);
    await change(host, { retention: { users: { [bob]: null } } });
  });

  await t.step("an exchange that was under way all the time goes on, and is taken", async () => {
    assert.deepEqual(await letGo(), [64, 200]);
    await comesToRest(host, rest);
  });

  await t.step(
    "what is read at the start only is told each time, and the rest is taken",
    async () => {
      const keys = {
        domain: "elsewhere.test",
        data_dir: join(host.folder, "elsewhere"),
        listen: [`${world.address()}:${host.port}`],
        metrics: { listen: "127.0.0.1:1" },
        tls: { ca: join(host.folder, "no-such-file.pem") },
      };
      const before = {
        domain: host.domain,
        data_dir: host.dataDir,
        listen: [`${host.ip}:${host.port}`],
        metrics: { listen: null },
        tls: { ca: join(host.folder, "ca.pem") },
      };
      for (const size of [500, 400]) {
        const seen = host.log.length;
        await change(host, { ...keys, limits: { max_size: size } });
        const told = host.log.slice(seen).filter(({ level }) => level === "warn");
        assert.deepEqual(told.map(({ key }) => key), [
          "domain",
          "data_dir",
          "listen",
          "tls.ca",
          "metrics.listen",
        ]);
        assert.ok(told.every(({ msg }) => /restart the host/.test(String(msg))));
        await stage.expect(stage.letter({ body: noise(size + 1) }), { codes: [4] });
        await stage.expect(stage.letter({ body: noise(size - 1) }), { codes: [64, 200] });
      }
      assert.ok(
        !(await Array.fromAsync(Deno.readDir(host.folder))).some(({ name }) =>
          name === "elsewhere"
        ),
      );
      const seen = host.log.length;
      await change(host, { ...before, limits: { max_size: "10MiB" } });
      assert.deepEqual(host.log.slice(seen).filter(({ level }) => level === "warn"), []);
    },
  );

  await t.step("a wrong configuration is told, and the old one stays in force", async () => {
    const good = await Deno.readTextFile(host.configFile);
    const letGo = await held(stage);
    for (
      const [text, told] of [
        [`${good}\nlimits: {max_size: 1}\n`, /fmsg\.yaml/],
        [good.replace(/max_size: \S+/, "max_size: much"), /limits\.max_size/],
        [good.replace(/max_size/, "max_sise"), /max_sise/],
        [good.replace(/key: .*/, "key: /no/such/key.pem"), /\/no\/such\/key\.pem/],
        [good.replace(/^tls:$(?:\n {2}.*)*/m, "tls: null"), /tls\.cert/],
        [`${good}x`, /fmsg\.yaml/],
        ["", /domain/],
      ] as const
    ) {
      assert.notEqual(text, good);
      await Deno.writeTextFile(host.configFile, text);
      const line = await host.reload();
      assert.deepEqual([line.level, line.msg], [
        "error",
        "not reloaded, the old configuration is kept",
      ]);
      assert.match(String(line.error), told);
      assert.ok(!String(line.error).includes("\n"));
      await stage.expect(stage.letter({ body: noise(2000) }), { codes: [64, 200] });
    }
    await Deno.remove(host.configFile);
    assert.equal((await host.reload()).level, "error");
    await Deno.writeTextFile(host.configFile, good);
    assert.equal((await host.reload()).level, "info");
    assert.deepEqual(await letGo(), [64, 200]);
  });

  await t.step("S3 many in a row under load leave nothing, and lose nothing", async () => {
    await comesToRest(host, rest);
    const files = await host.openFiles();
    let left = 60;
    const sender = async (): Promise<void> => {
      while (left-- > 0) assert.deepEqual((await peer.send(stage.letter())).codes, [64, 200]);
    };
    const sending = Promise.all(Array.from({ length: 4 }, sender));
    let over = false;
    const hanging = (async () => {
      let times = 0;
      for (; !over; times++) {
        if (times % 5 === 0) await host.renewCertificate();
        await host.configure({ limits: { max_message_age: `${7 + times % 2}d` } });
        // A file that is being written may be read by half: then the old one is kept.
        await host.reload();
      }
      return times;
    })();
    await sending;
    over = true;
    assert.ok(await hanging > 3);
    // Signals that come faster than they are handled.
    const seen = host.log.length;
    for (let i = 0; i < 50; i++) Deno.kill(host.pid, "SIGHUP");
    await host.logLine(({ msg }) => msg === "reloaded", seen);
    assert.equal((await host.reload()).level, "info");
    await comesToRest(host, rest);
    // Files of the database may be opened by the way.
    await waitFor(async () => await host.openFiles() <= files + 2, { what: "files to be closed" });
    await stage.expect(stage.letter(), { codes: [64, 200] });
    assert.equal(await host.stop(), 0);
    audit(host.dataDir, { deleted: true });
  });
});

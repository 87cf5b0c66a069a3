// R8: the connection's source address is among those of the sender's domain (1.4.2).

import assert from "node:assert/strict";
import { draft, type Message } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { Stage } from "./stage.ts";

const NOT_LISTED = { terminated: "sender not authorised" };
const NOT_KNOWN = { terminated: "sender look-up failed" };

Deno.test("a message is taken from an address that the sender's domain lists", async (t) => {
  await using stage = await Stage.set({ ips: 2 });
  const { world: { dns }, peer, alice } = stage;
  const [first = "", second = ""] = peer.ips;
  const from = (domain: string) => draft({ from: `@ann@${domain}`, to: [alice] });
  const taken = async (domain: string, options = {}) =>
    void await stage.expect(from(domain), { codes: [64, 200] }, options);

  await t.step("R8 as the last of several", async () => {
    dns.set("fmsg.several.test", "A", ["192.0.2.1", "192.0.2.2", first]);
    dns.set("fmsg.several.test", "AAAA", ["2001:db8::1"]);
    await taken("several.test");
  });
  await t.step("R8 from any of them", () => taken(peer.domain, { source: second }));
  await t.step("R8 through a chain of aliases", async () => {
    dns.cname("fmsg.alias.test", "one.elsewhere.test");
    dns.cname("one.elsewhere.test", "two.elsewhere.test");
    dns.set("two.elsewhere.test", "A", [first]);
    await taken("alias.test");
  });
  await t.step("R8 as an IPv4-mapped IPv6 address", async () => {
    dns.set("fmsg.mapped.test", "AAAA", [`::ffff:${first}`]);
    await taken("mapped.test");
  });
  await t.step("R8 with the other family failing", async () => {
    dns.set("fmsg.failing.test", "A", [first]);
    dns.servfail("fmsg.failing.test", "AAAA");
    await taken("failing.test");
    dns.set("fmsg.failing4.test", "AAAA", [`::ffff:${first}`]);
    dns.refused("fmsg.failing4.test", "A");
    await taken("failing4.test");
  });
  await t.step("R8 with the other family never answering", async () => {
    dns.set("fmsg.halfdumb.test", "A", [first]);
    dns.silent("fmsg.halfdumb.test", "AAAA");
    await taken("halfdumb.test");
  });
  await t.step("R8 with answers that are too long for UDP", async () => {
    const many = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
    dns.set("fmsg.many.test", "A", [...many, first]);
    await taken("many.test");
  });
  await t.step("R8 whatever the case in which the domain is written", async () => {
    dns.set("fmsg.case.test", "A", [first]);
    await taken("CASE.Test");
  });
  await t.step("R8 the sender of a batch is add to from, not from", async () => {
    const batch = (from: string, adder: string): Message =>
      draft({
        from,
        to: [adder, alice],
        pid: new Uint8Array(32).fill(7),
        addTo: { from: adder, to: [stage.host.address("nobody")] },
      });
    const [mine, foreign] = [peer.address("ann"), "@mallory@foreign.test"];
    dns.set("fmsg.foreign.test", "A", ["192.0.2.1"]);
    await stage.expect(batch(foreign, mine), { codes: [64, 200, 100] });
    await stage.expect(batch(mine, foreign), NOT_LISTED);
  });

  await t.step("R8 answers are kept for their TTL", async () => {
    dns.set("fmsg.kept.test", "A", [first], 30);
    dns.set("fmsg.kept.test", "AAAA", [`::ffff:${first}`], 30);
    await taken("kept.test");
    dns.remove("fmsg.kept.test");
    await taken("kept.test");
    assert.equal(dns.queries("fmsg.kept.test", "A").length, 1);
  });
  await t.step("R8 answers are not kept beyond their TTL", async () => {
    dns.set("fmsg.moving.test", "A", [first], 1);
    await taken("moving.test");
    dns.set("fmsg.moving.test", "A", ["192.0.2.1"], 1);
    await waitFor(async () => (await peer.send(from("moving.test"))).terminated);
    dns.set("fmsg.moving.test", "A", [first], 0);
    await waitFor(async () => (await peer.send(from("moving.test"))).rest[0] === 200);
    dns.set("fmsg.moving.test", "A", ["192.0.2.1"], 0);
    await stage.expect(from("moving.test"), NOT_LISTED);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a sender that its domain does not list is terminated, and nobody is challenged", async (t) => {
  await using stage = await Stage.set({ challenge: "always", ips: 2 });
  const { world: { dns }, host, peer, alice } = stage;
  const victim = await stage.world.peer({ domain: "victim.test" });
  const from = (domain: string, changes = {}) =>
    draft({ from: `@ann@${domain}`, to: [alice], ...changes });
  const [first = "", second = ""] = peer.ips;

  await t.step("R8 a forged sender: the address belongs to another domain", async () => {
    await stage.expect(from("victim.test"), NOT_LISTED);
  });
  await t.step("R8 a domain that lists another address of the same machine", async () => {
    dns.set("fmsg.other.test", "A", [second]);
    await stage.expect(from("other.test"), NOT_LISTED);
  });
  await t.step("R8 the record of the domain itself does not count", async () => {
    dns.set("bare.test", "A", [first]);
    dns.set("fmsg.fmsg.bare.test", "A", [first]);
    await stage.expect(from("bare.test"), NOT_LISTED);
  });
  await t.step("R8 no such name", async () => {
    await stage.expect(from("missing.test"), NOT_LISTED);
  });
  await t.step("R8 a name without addresses", async () => {
    dns.set("fmsg.empty.test", "A", []);
    await stage.expect(from("empty.test"), NOT_LISTED);
  });
  await t.step("R8 an alias to nothing, and one to itself", async () => {
    dns.cname("fmsg.dangling.test", "nothing.test");
    await stage.expect(from("dangling.test"), NOT_LISTED);
    dns.cname("fmsg.circle.test", "fmsg.circle.test");
    await stage.expect(from("circle.test"), NOT_KNOWN);
  });
  await t.step("R8 AAAA records alone, for a connection over IPv4", async () => {
    dns.set("fmsg.six.test", "AAAA", ["::1", "2001:db8::1", `::${first}`]);
    await stage.expect(from("six.test"), NOT_LISTED);
  });
  await t.step("R8 a failing server is no authorisation: SERVFAIL, REFUSED", async () => {
    dns.servfail("fmsg.servfail.test");
    await stage.expect(from("servfail.test"), NOT_KNOWN);
    dns.refused("fmsg.refused.test");
    await stage.expect(from("refused.test"), NOT_KNOWN);
  });
  await t.step("R8 one family lists others, and the other fails", async () => {
    dns.set("fmsg.half.test", "A", ["192.0.2.1"]);
    dns.servfail("fmsg.half.test", "AAAA");
    await stage.expect(from("half.test"), NOT_KNOWN);
  });
  await t.step(
    "R8 a server that never answers, also when the sender has gone meanwhile",
    async () => {
      dns.silent("fmsg.silent.test");
      dns.silent("fmsg.waiting.test");
      const connection = await peer.dial();
      await connection.write(from("waiting.test").header);
      await waitFor(() => dns.queries("fmsg.waiting.test").length > 0);
      connection.reset();
      const { codes } = await peer.send(from("silent.test"));
      assert.deepEqual(codes, []);
      for (const name of ["silent.test", "waiting.test"]) {
        const { terminated } = await host.logLine(({ domain }) => domain === name);
        assert.equal(terminated, NOT_KNOWN.terminated);
      }
    },
  );

  await t.step("R8 comes before the sizes and all that follows", async () => {
    await stage.expect(from("victim.test", { size: 2 ** 32 - 1 }), NOT_LISTED);
    await stage.expect(from("victim.test", { time: 0 }), NOT_LISTED);
    await stage.expect(from("victim.test", { pid: new Uint8Array(32) }), NOT_LISTED);
  });
  await t.step("R8 comes behind 1.4.1: nobody is looked up for what is invalid", async () => {
    await stage.expect(from("unasked.test", { to: [] }), { codes: [1] });
    assert.deepEqual(dns.queries("fmsg.unasked.test"), []);
  });
  await t.step("R8 none of them was challenged, and whoever is listed is", async () => {
    assert.deepEqual([...peer.calls, ...victim.calls], []);
    const sent = await stage.expect(stage.letter(), { codes: [64, 200] });
    assert.equal(sent.challenges.length, 1);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a sender on IPv6 is looked up among the AAAA records", async (t) => {
  await using stage = await Stage.set({ ip: "::1" });
  const { world, alice } = stage;
  const six = await world.peer({ domain: "six.test", ips: ["::1"], listen: false });
  await t.step("R8 the address is listed", async () => {
    const message = draft({ from: six.address("ann"), to: [alice] });
    await stage.expect(message, { codes: [64, 200] }, {}, six);
  });
  await t.step("R8 the address is not listed", async () => {
    world.dns.set("fmsg.six.test", "AAAA", ["2001:db8::1"]);
    world.dns.set("fmsg.six.test", "A", ["127.0.0.1"]);
    const message = draft({ from: six.address("ann"), to: [alice] });
    await stage.expect(message, NOT_LISTED, {}, six);
  });
  await stage.holdsNoConnection();
});

Deno.test("a sender on IPv4 is known again where IPv4 comes mapped into IPv6", async (t) => {
  await using world = await World.make();
  // A port that no world has, since "::" takes it everywhere.
  const port = world.port - 10_000;
  const host = await world.host({
    challenge: "never",
    users: ["alice"],
    config: { listen: [`[::]:${port}`] },
  });
  const to = { ip: "127.0.0.1", port, domain: host.domain };
  const peer = await world.peer({ to });
  const other = await world.peer({ to });
  const message = () => draft({ from: peer.address("ann"), to: [host.address("alice")] });
  await t.step("R8 the address is listed", async () => {
    assert.deepEqual((await peer.send(message())).codes, [64, 200]);
    const { peer: ip } = await host.logLine(({ direction }) => direction === "in");
    assert.equal(ip, peer.ip);
  });
  await t.step("R8 the address is not listed", async () => {
    assert.equal((await other.send(message())).terminated, true);
  });
});

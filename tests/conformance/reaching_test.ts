// Rows D2 and D3: which addresses of a domain's host are tried, and from which address the connection leaves.

import assert from "node:assert/strict";
import { recipientsAt } from "../support/message.ts";
import { messageOf } from "../support/peer_receive.ts";
import { World } from "../support/world.ts";
import { cancel, send } from "./command.ts";
import { recipient, settled } from "./outcome.ts";

Deno.test("the addresses of a domain's host", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    delivery: { connect_timeout: "1s", retry_initial: "1h", retry_max: "1h" },
    users: ["alice"],
  });
  const from = host.address("alice");
  const pat = await world.peer({ domain: "pat.test", ips: 7 });
  const [
    refusing = "",
    mute = "",
    resetting = "",
    foreign = "",
    signed = "",
    good = "",
    last = "",
  ] = pat.ips;
  using hole = await BlackHole.dig(world.address(), world.port);
  const order = [refusing, hole.ip, mute, resetting, foreign, signed, good, last];
  world.dns.set("fmsg.pat.test", "A", order);
  pat.deafen(refusing);
  pat.setTls("mute", mute);
  pat.setTls("refuse", resetting);
  pat.setTls("wrong name", foreign);
  pat.setTls("self-signed", signed);

  await t.step("D2 they are tried in the order given until one answers in time", async () => {
    const { id } = await send(host, { from, to: ["@a@pat.test"] });
    assert.deepEqual(await settled(host, id), ["@a@pat.test delivered 200"]);
    assert.deepEqual([...new Set(pat.calls.map(({ to }) => to))], [
      mute,
      resetting,
      foreign,
      signed,
      good,
    ]);
    assert.deepEqual(pat.received.map(({ call }) => call.to), [good]);
    assert.equal(recipientsAt(messageOf(await pat.next()), pat.domain), 1);
  });

  await t.step("D2 the first that answers is the last that is tried", async () => {
    world.dns.set("fmsg.pat.test", "A", [last, good]);
    const seen = pat.calls.length;
    const { id } = await send(host, { from, to: ["@a@pat.test"] });
    await settled(host, id);
    assert.deepEqual(pat.calls.slice(seen).map(({ to, kind }) => [to, kind]), [[last, "message"]]);
  });

  await t.step("D2 where none answers, each is named with its reason", async () => {
    const quinn = await world.peer({ domain: "quinn.test", ips: 2 });
    const [resetting = "", foreign = ""] = quinn.ips;
    quinn.setTls("refuse", resetting);
    quinn.setTls("wrong name", foreign);
    const all = [refusing, hole.ip, resetting, foreign];
    world.dns.set("fmsg.quinn.test", "A", all);
    const { id } = await send(host, { from, to: ["@a@quinn.test"] });
    const waits = await recipient(host, id, "@a@quinn.test", ({ attempts }) => attempts === 1);
    assert.equal(waits.state, "pending");
    const places = all.map((ip) => waits.reason?.indexOf(ip) ?? -1);
    assert.ok(places.every((at, i) => at > (places[i - 1] ?? 0)), waits.reason ?? "no reason");
    assert.match(
      waits.reason ?? "",
      /refused.*no answer within 1 s.*reset.*not for fmsg\.quinn\.test/,
    );
    assert.equal(await cancel(host, id), 1);
  });

  await t.step("D2 there is no host where DNS has no address", async () => {
    const { id } = await send(host, { from, to: ["@a@nowhere.test"] });
    const waits = await recipient(host, id, "@a@nowhere.test", ({ attempts }) => attempts === 1);
    assert.match(waits.reason ?? "", /fmsg\.nowhere\.test has no address in DNS/);
    await cancel(host, id);
  });
});

Deno.test("the address that a connection leaves from", async (t) => {
  await using world = await World.make();
  const pat = await world.peer({ domain: "pat.test", ips: [world.address(), "::1"] });
  const [four = "", six = ""] = pat.ips;
  const delivery = { retry_initial: "1h", retry_max: "1h" };

  await t.step("D3 it is the one that the host listens on", async () => {
    const host = await world.host({ domain: "plain.test", delivery, users: ["alice"] });
    await send(host, { from: host.address("alice"), to: ["@a@pat.test"] });
    assert.equal((await pat.next()).call.from, host.ip);
  });

  await t.step("D3 delivery.source overrides it", async () => {
    const source = world.address();
    const host = await world.host({
      domain: "source.test",
      delivery: { ...delivery, source },
      users: ["alice"],
    });
    await send(host, { from: host.address("alice"), to: ["@a@pat.test"] });
    assert.equal((await pat.next()).call.from, source);
  });

  const everywhere = await world.host({
    domain: "everywhere.test",
    delivery,
    // Another port: on the world's, peers listen.
    config: { listen: ["0.0.0.0:0", "[::]:0"] },
    users: ["alice"],
  });
  const from = everywhere.address("alice");

  await t.step("D3 listening everywhere: one that the host's own name resolves to", async () => {
    await send(everywhere, { from, to: ["@a@pat.test"] });
    assert.equal((await pat.next()).call.from, everywhere.ip);
    const moved = world.address();
    world.dns.set("fmsg.everywhere.test", "A", [moved]);
    await send(everywhere, { from, to: ["@a@pat.test"] });
    assert.equal((await pat.next()).call.from, moved);
  });

  await t.step(
    "D3 listening everywhere: a family without such an address is not used",
    async () => {
      world.dns.set("fmsg.everywhere.test", "A", [everywhere.ip]);
      pat.deafen(four);
      const { id } = await send(everywhere, { from, to: ["@a@pat.test"] });
      const waits = await recipient(
        everywhere,
        id,
        "@a@pat.test",
        ({ attempts }) => attempts === 1,
      );
      assert.match(waits.reason ?? "", /::1: this host has no address of that family/);
      assert.equal(
        pat.calls.some(({ to }) => to === six),
        false,
      );

      world.dns.set("fmsg.everywhere.test", "AAAA", [six]);
      const other = await send(everywhere, { from, to: ["@b@pat.test"] });
      const { call } = await pat.next();
      assert.deepEqual([call.to, call.from], [six, six]);
      await settled(everywhere, other.id);
    },
  );

  await t.step("D3 a host of one family does not use the other", async () => {
    const host = await world.host({ domain: "four.test", delivery, users: ["alice"] });
    const seen = pat.calls.length;
    const { id } = await send(host, { from: host.address("alice"), to: ["@a@pat.test"] });
    const waits = await recipient(host, id, "@a@pat.test", ({ attempts }) => attempts === 1);
    assert.match(waits.reason ?? "", /::1: this host has no address of that family/);
    assert.equal(pat.calls.length, seen);
  });
});

/** An address where connecting has no answer at all: a listener that accepts nobody, with its queue full. */
class BlackHole implements Disposable {
  private constructor(
    readonly ip: string,
    private readonly listener: Deno.Listener,
    private readonly waiting: readonly Deno.Conn[],
  ) {}

  static async dig(hostname: string, port: number): Promise<BlackHole> {
    const listener = Deno.listen({ hostname, port, tcpBacklog: 1 });
    // The system lets one more wait than it was told.
    const waiting = [
      await Deno.connect({ hostname, port }),
      await Deno.connect({ hostname, port }),
    ];
    return new BlackHole(hostname, listener, waiting);
  }

  [Symbol.dispose](): void {
    for (const connection of this.waiting) connection.close();
    this.listener.close();
  }
}

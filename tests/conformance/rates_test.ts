// How often an address may connect and a domain may send, and what look-ups for an address may cost (row S1).

import assert from "node:assert/strict";
import { NoConnection } from "../support/line.ts";
import { draft } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { send } from "./command.ts";
import { settled } from "./outcome.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const LATER = { codes: [5] };

/** Messages or connections a second, so few that there is no second one while a test lasts. */
const RARE = 0.001;

Deno.test("an address connects too often", async (t) => {
  await using stage = await Stage.set({ ips: 3, limits: { accept_rate_per_ip: RARE } });
  const { host, peer } = stage;
  const [, first = "", second = ""] = peer.ips;
  await t.step("S1 the excess is refused before the handshake, and the log says why", async () => {
    await stage.expect(stage.letter(), TAKEN, { source: first });
    await assert.rejects(peer.dial({ source: first }), NoConnection);
    const line = await host.logLine(({ msg, peer }) => msg === "refused" && peer === first);
    assert.equal(line.reason, "too fast");
  });
  await t.step("S1 other addresses are served, of the same domain too", async () => {
    await stage.expect(stage.letter(), TAKEN, { source: second });
  });
  await t.step("S1 another rate holds from the next connection on", async () => {
    await host.configure({ limits: { accept_rate_per_ip: null } });
    await host.reload();
    for (let i = 0; i < 20; i++) await stage.expect(stage.letter(), TAKEN, { source: first });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a domain sends too much", async (t) => {
  await using stage = await Stage.set({
    challenge: "always",
    limits: { message_rate_per_domain: RARE, max_size: 1000 },
  });
  const { host, peer, alice, world } = stage;
  const other = await world.peer();
  const alias = await world.peer({ aliases: ["alias.test"] });
  const from = (domain: string, body = "Hello") =>
    draft({ from: `@ann@${domain}`, to: [alice], body });

  await t.step(
    "S1 what is not authorised uses up nothing, and is never told to come later",
    async () => {
      const forged = { terminated: "sender not authorised" };
      for (let i = 0; i < 3; i++) await stage.expect(from(other.domain), forged);
      await stage.expect(from(other.domain), TAKEN, {}, other);
      await stage.expect(from(other.domain), forged);
    },
  );
  await t.step("S1 the excess is answered with 5, before sizes and the challenge", async () => {
    const asked = other.challenges.length;
    await stage.expect(from(other.domain), LATER, {}, other);
    await stage.expect(from(other.domain, "x".repeat(5000)), LATER, {}, other);
    assert.equal(other.challenges.length, asked);
  });
  await t.step("S1 behind 1.4.1: what is invalid is 1", async () => {
    const invalid = draft({ from: `@ann@${other.domain}`, to: [] });
    await stage.expect(invalid, { codes: [1] }, {}, other);
  });
  await t.step("S1 other domains are not touched, of the same address neither", async () => {
    await stage.expect(from(peer.domain), TAKEN);
    await stage.expect(from(alias.domain), TAKEN, {}, alias);
    await stage.expect(from("alias.test"), TAKEN, {}, alias);
    await stage.expect(from("ALIAS.test"), LATER, {}, alias);
  });
  await t.step("S1 another rate holds from the next message on", async () => {
    await host.configure({ limits: { message_rate_per_domain: null } });
    await host.reload();
    for (let i = 0; i < 5; i++) await stage.expect(from(other.domain), TAKEN, {}, other);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("S1 a host that sends too much to another tries again, and all of it is delivered", async () => {
  await using world = await World.make();
  const there = await world.host({ limits: { message_rate_per_domain: 0.5 }, users: ["bob"] });
  const here = await world.host({ users: ["alice"] });
  const bob = there.address("bob");
  const ids: number[] = [];
  for (let i = 0; i < 7; i++) {
    ids.push((await send(here, { from: here.address("alice"), to: [bob] })).id);
  }
  for (const id of ids) assert.deepEqual(await settled(here, id), [`${bob} delivered 200`]);
  // Ten seconds' worth went through at once.
  assert.ok(there.log.some(({ codes }) => String(codes) === "5"));
});

Deno.test("S1 an address whose senders nobody looks up in time keeps no other from being looked up", async () => {
  const attempts = 200;
  await using stage = await Stage.set({ ips: 2, limits: { max_connections_per_ip: 2 * attempts } });
  const { host, peer, alice, world } = stage;
  const [, hostile = ""] = peer.ips;
  const names = Array.from({ length: attempts }, (_, i) => `silent${i}.test`);
  for (const name of names) world.dns.silent(`fmsg.${name}`);
  const asked = () =>
    new Set(world.dns.log.map(({ name }) => name).filter((n) => /silent/.test(n)));

  const sending = names.map((name) =>
    peer.send(draft({ from: `@ann@${name}`, to: [alice] }), { source: hostile, ms: 120_000 })
  );
  const tooMany = () =>
    host.log.filter(({ detail }) => /too many look-ups for this address/.test(String(detail)));
  // Eight are looked up at once and 64 wait; the rest is not waited for.
  await waitFor(() => tooMany().length >= attempts / 4, { what: "look-ups to be refused" });
  assert.ok(asked().size < attempts / 2, `${asked().size} names were asked for`);
  assert.ok(tooMany().every(({ peer }) => peer === hostile));
  for (let i = 0; i < 5; i++) {
    const other = await world.peer();
    const letter = draft({ from: other.address("bea"), to: [alice] });
    await stage.expect(letter, TAKEN, {}, other);
  }
  for (const name of names) world.dns.heal(`fmsg.${name}`);
  for (const { codes } of await Promise.all(sending)) assert.deepEqual(codes, []);
  await stage.settles();
});

Deno.test("C2 an address is not challenged more at once for being named by many domains", async () => {
  await using stage = await Stage.set({
    challenge: "always",
    limits: { max_challenges_per_ip: 2 },
  });
  const { world, alice } = stage;
  const aliases = Array.from({ length: 5 }, (_, i) => `alias${i}.test`);
  const victim = await world.peer({ aliases });
  const answers = aliases.map(() => Promise.withResolvers<void>());
  const sending = aliases.map((domain, i) =>
    victim.send(draft({ from: `@ann@${domain}`, to: [alice] }), {
      answerAfter: answers[i]?.promise ?? Promise.resolve(),
    })
  );
  const open = () => victim.challenges.filter(({ matched, ended }) => matched && ended === null);
  await waitFor(() => open().length === 2);
  // Somebody else's exchange takes longer than a challenge that should not be.
  await stage.expect(stage.letter(), TAKEN);
  assert.equal(victim.challenges.length, 2);
  for (const { resolve } of answers) resolve();
  for (const { codes } of await Promise.all(sending)) assert.deepEqual(codes, TAKEN.codes);
  assert.equal(victim.challenges.length, aliases.length);
  await stage.settles();
});

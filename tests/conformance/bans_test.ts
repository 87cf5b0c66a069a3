// fmsg host bans: what an operator sees and does (row S6).

import assert from "node:assert/strict";
import * as v from "valibot";
import { runCommandLine } from "../../src/cli/main.ts";
import { capturing } from "../cli/support.ts";
import { NoConnection } from "../support/line.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { refusedUnheard } from "./banned.ts";
import type { Ended } from "./command.ts";

const BAN = v.strictObject({
  address: v.string(),
  until: v.pipe(v.number(), v.minValue(0)),
  reason: v.string(),
});

/** `fmsg host bans ...words` in this process; what it asks for is done by the running host. */
async function bans(host: HostProcess, ...words: readonly string[]): Promise<Ended> {
  const output = capturing();
  const line = ["host", "bans", ...words, "--config", host.configFile];
  const status = await runCommandLine(line, output.to);
  const { stdout, stderr } = output.taken();
  return { status, stdout, stderr };
}

/** What it prints with --json. */
async function json(host: HostProcess, ...words: readonly string[]): Promise<unknown> {
  const { status, stdout, stderr } = await bans(host, ...words, "--json");
  assert.deepEqual([status, stderr], [0, ""]);
  return JSON.parse(stdout);
}

async function listed(host: HostProcess): Promise<v.InferOutput<typeof BAN>[]> {
  return v.parse(v.array(BAN), await json(host, "list"));
}

/** A command that fails says why in one line. */
async function fails(host: HostProcess, words: readonly string[], status: number, why: RegExp) {
  const ended = await bans(host, ...words);
  assert.equal(ended.status, status, JSON.stringify(ended));
  assert.equal(ended.stdout, "");
  assert.match(ended.stderr, /^[^\n]+\n$/);
  assert.match(ended.stderr, why);
}

Deno.test("an operator bans, sees and lifts", async (t) => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  await host.configure({
    listen: [`${host.ip}:${host.port}`, `[::1]:${host.port}`],
    ban: { allow: [], points: 10 },
  });
  await host.start();
  const peer = await world.peer({ ips: 3 });
  const [first = "", second = "", third = ""] = peer.ips;
  const now = (): number => Date.now() / 1000;
  const opens = async (source: string, ip = host.ip) => {
    const connection = await peer.dial({
      source,
      to: { ip, port: host.port, domain: host.domain },
    });
    await connection.close();
  };

  await t.step("S6 at first no address is banned", async () => {
    assert.deepEqual(await listed(host), []);
    const { status, stdout, stderr } = await bans(host, "list");
    assert.deepEqual([status, stdout, stderr], [0, "", "No address is banned\n"]);
  });
  await t.step(
    "S6 add: the address is refused from now on, for as long as ban.for says",
    async () => {
      const { status, stdout } = await bans(host, "add", first);
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^${first} is banned; the ban ends .+\n$`));
      await refusedUnheard(host, peer, first);
      const { until, ...line } = await host.logLine(({ msg }) => msg === "banned");
      assert.deepEqual([line.address, line.reason], [first, "banned by the operator"]);
      assert.ok(Math.abs(Date.parse(String(until)) / 1000 - now() - 3600) < 60);
    },
  );
  await t.step("S6 other addresses are not touched", () => opens(second));
  await t.step("S6 add --for says for how long, and replaces an earlier ban", async () => {
    const ban = v.parse(BAN, await json(host, "add", first, "--for", "7d"));
    assert.deepEqual([ban.address, ban.reason], [first, "banned by the operator"]);
    assert.ok(Math.abs(ban.until - now() - 7 * 86_400) < 60);
    assert.deepEqual(await listed(host), [ban]);
  });
  await t.step("S6 list: what the host banned by itself too, the next to end first", async () => {
    const invalid = draft({ from: peer.address("ann"), to: [] });
    await peer.send(invalid, { source: third });
    await refusedUnheard(host, peer, third);
    const reasons = (await listed(host)).map(({ address, reason }) => [address, reason]);
    assert.deepEqual(reasons, [[third, "invalid header"], [first, "banned by the operator"]]);
    const { stdout } = await bans(host, "list");
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", new RegExp(`^${third} .+ invalid header$`));
  });
  await t.step("S6 host status shows them", async () => {
    const output = capturing();
    const line = ["host", "status", "--json", "--config", host.configFile];
    assert.equal(await runCommandLine(line, output.to), 0);
    const shown = v.parse(
      v.looseObject({ bans: v.array(BAN) }),
      JSON.parse(output.taken().stdout),
    );
    assert.deepEqual(shown.bans, await listed(host));
  });
  await t.step("S6 lift: the address may connect again, and its points are forgotten", async () => {
    const { status, stdout } = await bans(host, "lift", third);
    assert.deepEqual([status, stdout], [0, `${third} may connect again\n`]);
    await opens(third);
    assert.deepEqual(await json(host, "lift", first), { lifted: first });
    await opens(first);
    assert.deepEqual(await listed(host), []);
  });
  await t.step("S6 lift of what is not banned fails", async () => {
    await fails(host, ["lift", first], 1, /is not banned/);
  });
  await t.step(
    "S6 of IPv6 the network of 64 bits is banned, and lifted as it is listed",
    async () => {
      await opens("::1", "::1");
      const ban = v.parse(BAN, await json(host, "add", "0:0::0:1"));
      assert.equal(ban.address, "::/64");
      const to = { ip: "::1", port: host.port, domain: host.domain };
      await assert.rejects(peer.dial({ source: "::1", to }), NoConnection);
      await host.logLine(({ peer, reason }) => peer === "::1" && reason === "banned");
      await opens(second);
      assert.deepEqual(await json(host, "lift", "::/64"), { lifted: "::/64" });
      await opens("::1", "::1");
      assert.equal(
        v.parse(BAN, await json(host, "add", "2001:db8:1::/64")).address,
        "2001:db8:1::/64",
      );
      await json(host, "lift", "2001:db8:1:0:7::1");
    },
  );
  await t.step("S6 an IPv4 address that is written in IPv6 is that IPv4 address", async () => {
    assert.equal(v.parse(BAN, await json(host, "add", `::ffff:${first}`)).address, first);
    await assert.rejects(opens(first), NoConnection);
    await json(host, "lift", first);
  });
  await t.step("S6 a ban ends by itself", async () => {
    await json(host, "add", first, "--for", "1s");
    await waitFor(() => opens(first).then(() => true, () => false), { what: "the ban to end" });
    assert.deepEqual(await listed(host), []);
  });
  await t.step("S6 what is on the allow list cannot be banned", async () => {
    await host.configure({ ban: { allow: [`${first}/32`] } });
    await host.reload();
    await fails(host, ["add", first], 1, /ban\.allow/);
    await opens(first);
  });
  for (
    const [words, why] of [
      [["add"], /ip/],
      [["add", "fmsg.example.test"], /"fmsg.example.test" is no IP address/],
      [["add", "192.0.2.0/24"], /"192.0.2.0\/24" is no IP address/],
      [["add", "2001:db8::/48"], /is no IP address/],
      [["add", "192.0.2.1", "192.0.2.2"], /argument/],
      [["add", "192.0.2.1", "--for", "ever"], /--for: "ever" is no duration/],
      [["add", "192.0.2.1", "--for", "0"], /--for: "0" does not fit/],
      [["add", "192.0.2.1", "--for", "3651d"], /--for: "3651d" does not fit/],
      [["add", "192.0.2.1", "--until", "7d"], /--until/],
      [["lift"], /ip/],
      [["lift", "nobody"], /"nobody" is no IP address/],
      [["list", "192.0.2.1"], /argument/],
      [["end", "192.0.2.1"], /end/],
    ] as const
  ) {
    await t.step(`S6 wrong use: bans ${words.join(" ")}`, () => fails(host, words, 2, why));
  }
  await t.step("S6 without a host that runs there is nothing to ask", async () => {
    assert.equal(await host.stop(), 0);
    for (const words of [["list"], ["add", first], ["lift", first]]) {
      await fails(host, words, 1, /No host runs on .*fmsg host run/);
    }
  });
});

// Row T6: what DNSSEC says of a domain decides whether there is an exchange with it, in both directions.

import assert from "node:assert/strict";
import { draft } from "../support/message.ts";
import type { HostProcess } from "../support/host_process.ts";
import type { Peer } from "../support/peer.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { cancel, send } from "./command.ts";
import { stored } from "./outcome.ts";

type Fault = "bogus" | "unsigned" | "servfail";

Deno.test("DNSSEC", async (t) => {
  await using world = await World.make();
  const make = async (dnssec: string): Promise<HostProcess> =>
    await world.host({
      domain: `${dnssec}.test`,
      challenge: "always",
      delivery: { retry_initial: "1h", retry_max: "1h" },
      config: {
        dns: {
          servers: [`${world.dns.ip}:${world.dns.port}`],
          dnssec,
          hosts: dnssec === "required" ? { "fmsg.fixed.test": [fixedIp] } : {},
        },
      },
      users: ["alice"],
    });
  const fixedIp = world.address();
  const off = await make("off");
  const opportunistic = await make("opportunistic");
  const required = await make("required");
  world.dns.authentic = true;

  const peers = new Map<Fault | "signed", Peer>();
  for (const state of ["signed", "unsigned", "bogus", "servfail"] as const) {
    const peer = await world.peer({ domain: `${state}.test` });
    if (state !== "signed") world.dns[state](`fmsg.${state}.test`);
    peers.set(state, peer);
  }

  /** Both directions: the codes or the reason of a TERMINATE, and whether a message gets there. */
  const exchanges = async (host: HostProcess, peer: Peer | undefined): Promise<unknown[]> => {
    if (peer === undefined) throw new Error("There is no such peer");
    const from = host.log.length;
    const message = draft({ from: peer.address("p"), to: [host.address("alice")] });
    const { codes } = await peer.send(message, { to: host });
    const line = await host.logLine(({ direction }) => direction === "in", from);
    const seen = peer.calls.length;
    const { id } = await send(host, { from: host.address("alice"), to: [peer.address("p")] });
    const [outcome] = await waitFor(() => {
      const { delivery } = stored(host, id);
      return delivery[0]?.attempts === 1 && delivery;
    });
    const reached = peer.calls.length > seen;
    if (outcome?.state === "pending") await cancel(host, id);
    const why = /DNSSEC|could not be looked up/.exec(outcome?.reason ?? "")?.[0] ?? null;
    return [line.terminated ?? codes.join(), reached, outcome?.code ?? why];
  };
  const good = ["64,200", true, 200];
  const failed = ["sender look-up failed", false, "could not be looked up"];
  const refused = ["dnssec validation failed", false, "DNSSEC"];

  await t.step("T6 off: what is signed and what is not is taken", async () => {
    assert.deepEqual(await exchanges(off, peers.get("signed")), good);
    assert.deepEqual(await exchanges(off, peers.get("unsigned")), good);
  });

  await t.step("T6 off: a resolver that says SERVFAIL is a resolver that fails", async () => {
    assert.deepEqual(await exchanges(off, peers.get("bogus")), failed);
    assert.ok(world.dns.queries("fmsg.bogus.test").every(({ flags }) => !flags.cd && !flags.do));
  });

  await t.step("T6 opportunistic: what is signed and what is not is taken", async () => {
    assert.deepEqual(await exchanges(opportunistic, peers.get("signed")), good);
    assert.deepEqual(await exchanges(opportunistic, peers.get("unsigned")), good);
  });

  await t.step(
    "T6 opportunistic: a bogus answer terminates, and nothing is sent there",
    async () => {
      assert.deepEqual(await exchanges(opportunistic, peers.get("bogus")), refused);
      assert.ok(world.dns.queries("fmsg.bogus.test").some(({ flags }) => flags.cd));
    },
  );

  await t.step("T6 opportunistic: SERVFAIL with CD too is no matter of DNSSEC", async () => {
    assert.deepEqual(await exchanges(opportunistic, peers.get("servfail")), failed);
  });

  await t.step("T6 required: with AD it is taken", async () => {
    assert.deepEqual(await exchanges(required, peers.get("signed")), good);
  });

  await t.step(
    "T6 required: without AD, or bogus, it terminates, and nothing is sent",
    async () => {
      assert.deepEqual(await exchanges(required, peers.get("unsigned")), refused);
      assert.deepEqual(await exchanges(required, peers.get("bogus")), refused);
    },
  );

  await t.step("T6 required: entries of dns.hosts count as authentic", async () => {
    const fixed = await world.peer({ domain: "fixed.test", ips: [fixedIp] });
    world.dns.unsigned("fmsg.fixed.test");
    assert.deepEqual(await exchanges(required, fixed), good);
    assert.deepEqual(world.dns.queries("fmsg.fixed.test"), []);
    assert.deepEqual(await exchanges(opportunistic, fixed), good);
  });
});

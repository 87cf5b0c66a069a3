// Hostile connections of every kind at once, while those who mean well go on (rows S1 to S3).

import assert from "node:assert/strict";
import { connectToHost, type Status } from "../../src/host/mod.ts";
import { ATTACKS, type Enemy, SILENT } from "../support/hostile.ts";
import { Siege } from "../support/siege.ts";
import { waitFor } from "../support/wait.ts";
import { Stage } from "./stage.ts";

const CONNECTIONS = 200;
const ADDRESSES = 10;

/** What becomes of hostile connections, in the words of the log: every kind has to have had its turn. */
const ENDS = [
  "handshake failed",
  "wrong server name",
  "header not in time",
  "sender not authorised",
  "sender look-up failed",
  "challenge matches nothing",
  "bad compressed data",
  "no byte came",
];

Deno.test("S3 under 200 hostile connections of every kind, messages come in and go out, and nothing is left", async () => {
  await using stage = await Stage.set({ limits: { header_timeout: "5s", idle_timeout: "3s" } });
  const { world, host, peer } = stage;
  const atRest = await countsOf(host.dataDir);
  const enemies = Array.from({ length: ADDRESSES }, (_, i): Enemy => {
    const source = world.address();
    const domain = `enemy${i}.test`;
    world.dns.set(`fmsg.${domain}`, "A", [source]);
    const { ip, port } = host;
    const victim = { ip, port, serverName: `fmsg.${host.domain}`, source };
    return { victim, user: stage.alice, domain };
  });
  world.dns.intercept = ({ name }) => name.endsWith(`.${SILENT}`) ? [] : null;
  peer.answerAll({ challenge: true });

  const hasEnded = (end: string): boolean =>
    host.log.some(({ reason, terminated }) => reason === end || terminated === end);
  {
    await using _siege = new Siege({
      attacks: Object.values(ATTACKS),
      enemies,
      connections: CONNECTIONS,
      pause: 100,
    });
    // Those that are silent are cut after a while, and come again.
    for (let i = 0; i < 20 || !ENDS.every(hasEnded); i++) {
      assert.ok(i < 1000, `this never happened: ${ENDS.filter((end) => !hasEnded(end))}`);
      await stage.expect(stage.letter(), { codes: [64, 200] });
    }
    const { delivery = [] } = await host.send({ from: stage.alice, to: [stage.ann], wait: true });
    assert.deepEqual(delivery.map(({ state, code }) => [state, code]), [["delivered", 200]]);
    assert.notEqual((await peer.next()).challenged, null);
  }

  await waitFor(async () => {
    const { connections, staging, outgoing, exchanges_in, exchanges_out } = await countsOf(
      host.dataDir,
    );
    return connections + staging + outgoing + exchanges_in + exchanges_out === 0;
  }, { what: "the host to be done with them" });
  assert.equal((await countsOf(host.dataDir)).faults, atRest.faults);
  await stage.settles();
});

async function countsOf(dataDir: string): Promise<Status["counts"]> {
  using client = await connectToHost(dataDir);
  assert.ok(client !== null, "the host does not answer");
  return (await client.status()).counts;
}

// Which addresses fmsg host init wants in DNS, on machines of several kinds.
import assert from "node:assert/strict";
import type { Endpoint } from "../../src/config.ts";
import { type Network, publishedAddresses } from "../../src/cli/init/published.ts";

const EVERYWHERE: Endpoint[] = [{ ip: "0.0.0.0", port: 4930 }, { ip: "::", port: 4930 }];

Deno.test("R8 init wants the public addresses from which the machine leaves, of both families", async () => {
  const { a, aaaa, notes } = await published(machine("8.8.4.4", "2a00:1450::7", null));
  assert.deepEqual([a, aaaa, notes], [["8.8.4.4"], ["2a00:1450::7"], []]);
});

Deno.test("R8 init behind a router wants the address that is seen outside, and says what to pass on", async () => {
  const { a, aaaa, notes } = await published(machine("192.168.1.5", "fd00::5", "8.8.4.4"));
  assert.deepEqual([a, aaaa], [["8.8.4.4"], []]);
  assert.match(
    notes.join(),
    /has the address 192\.168\.1\.5 and is seen as 8\.8\.4\.4: .*port 4930/,
  );
});

Deno.test("R8 init gives no AAAA record for IPv6 that does not leave from a public address of the machine", async () => {
  for (const six of ["fd00::5", "2001:db8::5", null]) {
    assert.deepEqual((await published(machine("8.8.4.4", six, "8.8.8.8"))).aaaa, [], `${six}`);
  }
});

Deno.test("R8 init gives no AAAA record for a public address that is listened on, but has no way out", async () => {
  const listen: Endpoint[] = [{ ip: "2a00:1450::7", port: 4930 }, { ip: "8.8.4.4", port: 4930 }];
  assert.deepEqual((await published(machine("8.8.4.4", null, null), listen)).aaaa, []);
  const leading = await published(machine("8.8.4.4", "2a00:1450::7", null), listen);
  assert.deepEqual(leading.aaaa, ["2a00:1450::7"]);
});

Deno.test("D3 init gives records only for the families and addresses that are listened on", async () => {
  const both = machine("8.8.4.4", "2a00:1450::7", null);
  const four = await published(both, EVERYWHERE.slice(0, 1));
  assert.deepEqual([four.a, four.aaaa], [["8.8.4.4"], []]);
  const fixed = await published(both, [
    { ip: "9.9.9.9", port: 4930 },
    { ip: "9.9.9.10", port: 4930 },
    { ip: "9.9.9.9", port: 4931 },
  ]);
  assert.deepEqual([fixed.a, fixed.aaaa], [["9.9.9.9", "9.9.9.10"], []]);
});

Deno.test("init in a private network wants its own addresses, and asks nobody outside", async () => {
  const asked: number[] = [];
  const network: Network = {
    ...machine("10.0.0.5", "fd00::5", null),
    seenOutside: (family) => Promise.resolve(asked.push(family)).then(() => null),
  };
  const { a, aaaa, notes } = await published(network, EVERYWHERE, true);
  assert.deepEqual([a, aaaa, notes, asked], [["10.0.0.5"], ["fd00::5"], [], []]);
});

Deno.test("init says so when nobody could tell the outside address, or there is none at all", async () => {
  const alone = await published(machine("10.0.0.5", null, null));
  assert.deepEqual(alone.a, ["10.0.0.5"]);
  assert.match(alone.notes.join(), /10\.0\.0\.5 is an address that the internet does not know/);
  const none = await published(machine(null, null, null));
  assert.deepEqual([none.a, none.aaaa], [[], []]);
  assert.match(none.notes.join(), /no address that reaches others/);
});

function machine(four: string | null, six: string | null, outside: string | null): Network {
  return {
    local: (family) => Promise.resolve(family === 4 ? four : six),
    leads: (from) => Promise.resolve(from === four || from === six),
    seenOutside: (family) => Promise.resolve(family === 4 ? outside : null),
  };
}

function published(network: Network, listen = EVERYWHERE, isPrivateNetwork = false) {
  const signal = AbortSignal.timeout(20_000);
  return publishedAddresses(listen, { isPrivateNetwork, signal }, network);
}

// From which address a connection leaves (row D3).
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { chooseSource, listensEverywhere } from "../../src/net/mod.ts";

const V4 = "192.0.2.1";
const V6 = "2001:db8::1";
const EVERYWHERE = ["0.0.0.0", "::"];

interface Case {
  readonly what: string;
  readonly to?: string;
  readonly listen: readonly string[];
  /** What the host's own name resolves to. */
  readonly own?: readonly string[];
  readonly configured?: string;
  /** The machine's addresses. */
  readonly local?: readonly string[];
  /** An address, or how it is chosen. */
  readonly from: string;
}

const CASES: readonly Case[] = [
  { what: "the address that is listened on", listen: [V4], from: V4 },
  { what: "the one of the destination's family", to: V6, listen: [V4, V6], from: V6 },
  { what: "the first of several", listen: ["192.0.2.7", V4], from: "192.0.2.7" },
  { what: "none without an address of that family", to: V6, listen: [V4], from: "none" },
  { what: "none for a host that listens nowhere", listen: [], from: "none" },
  { what: "an IPv6 address in whatever spelling", to: V6, listen: ["2001:DB8:0::1"], from: V6 },

  { what: "the published address of a wildcard", listen: EVERYWHERE, own: [V4], from: V4 },
  {
    what: "of several that are published, the first that the machine has",
    listen: EVERYWHERE,
    own: ["192.0.2.9", V4, "192.0.2.8"],
    local: ["192.0.2.8", V4],
    from: V4,
  },
  {
    what: "of each family its own",
    to: V6,
    listen: EVERYWHERE,
    own: [V4, V6],
    from: V6,
  },
  {
    what: "none in a family whose published address another machine has",
    listen: EVERYWHERE,
    own: ["192.0.2.9", V6],
    local: [V4, V6],
    from: "none",
  },
  {
    what: "none in a family that is not published",
    to: V6,
    listen: EVERYWHERE,
    own: [V4],
    from: "none",
  },
  {
    what: "the system's choice behind an address that is translated one to one",
    listen: EVERYWHERE,
    own: ["203.0.113.1"],
    local: ["10.0.0.5"],
    from: "any",
  },
  {
    what: "the system's choice when the own name does not resolve",
    listen: EVERYWHERE,
    own: [],
    from: "any",
  },
  {
    what: "none of another family than the wildcard's",
    to: V6,
    listen: ["0.0.0.0"],
    own: [V4, V6],
    from: "none",
  },
  { what: "a fixed address before a wildcard", listen: ["0.0.0.0", V4], own: [], from: V4 },
  {
    what: "any address of the loopback network, of which the machine lists one",
    to: "127.0.0.2",
    listen: EVERYWHERE,
    own: ["127.0.0.3"],
    local: ["127.0.0.1"],
    from: "127.0.0.3",
  },

  {
    what: "what is configured, before everything else",
    listen: [V4],
    configured: "192.0.2.7",
    from: "192.0.2.7",
  },
  {
    what: "what is configured, although nothing of it is here",
    listen: EVERYWHERE,
    own: [V4],
    configured: "203.0.113.1",
    from: "203.0.113.1",
  },
  {
    what: "none of another family than what is configured",
    to: V6,
    listen: EVERYWHERE,
    own: [V4, V6],
    configured: V4,
    from: "none",
  },
];

for (const { what, to = "198.51.100.1", listen, own = [], configured, local, from } of CASES) {
  Deno.test(`D3 the source is ${what}`, () => {
    const source = chooseSource(
      to,
      listen.map((ip) => ({ ip, port: 4930 })),
      own,
      configured ?? null,
      new Set(local ?? [V4, V6]),
    );
    assert.deepEqual(
      source,
      from === "any" || from === "none" ? { kind: from } : { kind: "from", ip: from },
    );
  });
}

Deno.test("D3 the machine's own addresses are those of its interfaces", () => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ address, family }) => family === "IPv4" ? [address] : []);
  for (const ip of own) {
    assert.deepEqual(
      chooseSource("198.51.100.1", [{ ip: "0.0.0.0", port: 1 }], ["203.0.113.9", ip], null),
      { kind: "from", ip },
    );
  }
  assert.ok(own.length > 0);
});

Deno.test("D3 only a host with a wildcard address has to know what it published", () => {
  const listens = (...ips: string[]): boolean =>
    listensEverywhere(ips.map((ip) => ({ ip, port: 1 })));
  assert.equal(listens(V4, V6), false);
  assert.equal(listens(V4, "::"), true);
  assert.equal(listens("0.0.0.0"), true);
  assert.equal(listens("0:0::0"), true);
  assert.equal(listens(), false);
});

// From which address this machine is seen, and what can be told of an address.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
// @ts-types="../../src/net/dns/dns_packet.d.ts"
import { AUTHORITATIVE_ANSWER, encode } from "dns-packet";
import {
  addressSeenOutside,
  isPublic,
  localAddress,
  type Machine,
  type Mirror,
} from "../../src/net/mod.ts";
import { DnsServer } from "../support/dns_server.ts";
import { within } from "../support/wait.ts";

const V4 = "8.8.4.4";
const V6 = "2a01:4f8::1";

function machine(addresses: readonly string[], dead: readonly string[] = []): Machine {
  return {
    addresses: () => addresses,
    leads: (ip) => Promise.resolve(!dead.includes(ip)),
  };
}

Deno.test("R8 the address to publish is a public one that leads to the internet", async () => {
  const busy = ["127.0.0.1", "169.254.1.1", "172.17.0.1", V4, "::1", "fe80::1", "fd00::2", V6];
  assert.equal(await localAddress(4, machine(busy)), V4);
  assert.equal(await localAddress(6, machine(busy)), V6);
  assert.equal(await localAddress(4, machine(busy, [V4])), "172.17.0.1");
  assert.equal(await localAddress(6, machine(["192.168.1.2", "fd00::2"])), "fd00::2");
});

Deno.test("R8 a family without address or route has none", async () => {
  assert.equal(await localAddress(6, machine([V4, "::1", "fe80::1"])), null);
  assert.equal(await localAddress(4, machine(["127.0.0.1", "169.254.1.1", V6])), null);
  assert.equal(await localAddress(6, machine([V6], [V6])), null);
});

Deno.test("R8 this machine tells its own addresses without waiting", async () => {
  for (const family of [4, 6] as const) {
    const ip = await within(5000, "an address", localAddress(family));
    if (ip !== null) assert.equal(ip.includes(":"), family === 6);
  }
});

for (
  const ip of ["8.8.8.8", "2a01:4f8::1", "::ffff:8.8.8.8", "2606:4700:4700::1111"]
) {
  Deno.test(`R8 ${ip} is an address of the internet`, () => assert.ok(isPublic(ip)));
}

for (
  const ip of [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.1.1",
    "127.0.0.1",
    "169.254.1.1",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "::ffff:10.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::2",
    "2001:db8::1",
    "ff02::1",
    // Of no range that was ever given out; the first is loopback's, as it was once written in IPv6.
    "::7f00:1",
    "::ffff:0:7f00:1",
    "4000::1",
    "no address",
  ]
) {
  Deno.test(`R8 ${ip} cannot be reached from the internet`, () => assert.ok(!isPublic(ip)));
}

const NAME = "mirror.test";

/** Answers TXT questions of class CH with the text. */
function tell(dns: DnsServer, text: string): void {
  dns.intercept = ({ type, name }, bytes) =>
    type !== "TXT" ? null : [encode({
      type: "response",
      id: Buffer.from(bytes).readUInt16BE(0),
      flags: AUTHORITATIVE_ANSWER,
      questions: [{ name, type, class: "CH" }],
      answers: [{ name, type: "TXT", class: "CH", ttl: 0, data: text }],
    })];
}

function mirror(server: DnsServer, kind: Mirror["kind"]): Mirror {
  return { server, name: NAME, kind };
}

Deno.test("R8 the address outside is what a mirror saw, in a record or in a text", async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, "A", [V4]);
  tell(dns, V4);
  for (const kind of ["address", "chaos"] as const) {
    assert.equal(await addressSeenOutside(4, undefined, [mirror(dns, kind)]), V4);
  }
});

Deno.test("R8 a mirror that is silent does not hold up one that answers", async () => {
  await using dead = await DnsServer.start();
  await using dns = await DnsServer.start();
  dead.silent(NAME);
  dns.set(NAME, "A", [V4]);
  const seen = addressSeenOutside(4, undefined, [mirror(dead, "address"), mirror(dns, "address")]);
  assert.equal(await seen, V4);
});

Deno.test("R8 what is no address of the family is not believed", async () => {
  await using dns = await DnsServer.start();
  for (const text of ["hello", V6, ""]) {
    tell(dns, text);
    assert.equal(await addressSeenOutside(4, undefined, [mirror(dns, "chaos")]), null);
  }
  assert.equal(await addressSeenOutside(4, undefined, [mirror(dns, "address")]), null);
});

Deno.test("R8 mirrors of the other family are not asked", async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, "AAAA", [V6]);
  assert.equal(await addressSeenOutside(6, undefined, [mirror(dns, "address")]), null);
  assert.equal(dns.log.length, 0);
});

Deno.test("R8 nobody told when every mirror is silent, or when it is broken off", async () => {
  await using dns = await DnsServer.start();
  dns.silent(NAME);
  const all = [mirror(dns, "address"), mirror(dns, "chaos")];
  assert.equal(await within(10_000, "giving up", addressSeenOutside(4, undefined, all)), null);
  const over = AbortSignal.abort();
  assert.equal(await within(1000, "giving up", addressSeenOutside(4, over, all)), null);
});

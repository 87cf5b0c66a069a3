// DNSSEC as the DNS client sees it: the AD bit, and SERVFAIL that turns into an answer with CD.
import assert from "node:assert/strict";
import { findDoubt } from "../../src/net/dns/dnssec.ts";
import { DnsServer } from "../support/dns_server.ts";
import { addressesOf, NAME, reasonOf, withDns, withResolver } from "./dns_setup.ts";

const IP = "192.0.2.1";

Deno.test("queries ask for DNSSEC unless it is off (T6)", async () => {
  for (const dnssec of ["off", "opportunistic", "required"] as const) {
    await withDns({ dnssec }, async (server, resolver) => {
      await resolver.addresses(NAME);
      const on = dnssec !== "off";
      for (const { flags } of server.log) {
        assert.deepEqual(flags, { rd: true, ad: on, cd: false, edns: true, do: on });
      }
      assert.equal(server.log.length, 2);
    });
  }
});

Deno.test("off: SERVFAIL is a failure and nothing else is asked (T6)", () =>
  withDns({ dnssec: "off" }, async (server, resolver) => {
    server.set(NAME, "A", [IP]);
    server.bogus(NAME);
    reasonOf(await resolver.addresses(NAME), "failed");
    assert.equal(server.log.length, 2);
  }));

Deno.test("opportunistic: what is not signed is taken (T6)", () =>
  withDns({ dnssec: "opportunistic" }, async (server, resolver) => {
    server.set(NAME, "A", [IP]);
    assert.deepEqual(await addressesOf(resolver), [IP]);
    assert.deepEqual(await resolver.authorises(NAME, IP), { kind: "yes" });
  }));

for (const dnssec of ["opportunistic", "required"] as const) {
  Deno.test(`${dnssec}: SERVFAIL that turns into an answer with CD is bogus (T6)`, () =>
    withDns({ dnssec }, async (server, resolver) => {
      server.authentic = true;
      server.bogus(NAME);
      reasonOf(await resolver.addresses(NAME), "bogus"); // NXDOMAIN
      server.set(NAME, "A", [IP]);
      assert.match(reasonOf(await resolver.addresses(NAME), "bogus"), /without validation/);
      reasonOf(await resolver.authorises(NAME, IP), "bogus");
      reasonOf(await resolver.authorises(NAME, "192.0.2.2"), "bogus");
    }));

  Deno.test(`${dnssec}: SERVFAIL that stays SERVFAIL with CD is a failure (T6)`, () =>
    withDns({ dnssec }, async (server, resolver) => {
      server.servfail(NAME);
      reasonOf(await resolver.addresses(NAME), "failed");
      assert.deepEqual(server.queries(NAME, "A").map(({ flags }) => flags.cd), [false, true]);
    }));

  Deno.test(`${dnssec}: a bogus family is no match, an authentic one is, whatever the other (T6)`, () =>
    withDns({ dnssec }, async (server, resolver) => {
      server.authentic = true;
      server.set(NAME, "A", [IP]);
      server.set(NAME, "AAAA", ["2001:db8::1"]);
      server.bogus(NAME, "AAAA");
      assert.deepEqual(await resolver.authorises(NAME, IP), { kind: "yes" });
      reasonOf(await resolver.authorises(NAME, "2001:db8::1"), "bogus");
      reasonOf(await resolver.authorises(NAME, "192.0.2.2"), "bogus");
      assert.deepEqual(await addressesOf(resolver), [IP]);
    }));

  Deno.test(`${dnssec}: an alias whose target is bogus is bogus (T6)`, () =>
    withDns({ dnssec }, async (server, resolver) => {
      server.authentic = true;
      server.followsAliases = false;
      server.cname(NAME, "target.test");
      server.set("target.test", "A", [IP]);
      server.bogus("target.test");
      reasonOf(await resolver.authorises(NAME, IP), "bogus");
    }));
}

Deno.test("bogus outweighs a failure of the other family (T6)", () =>
  withDns({}, async (server, resolver) => {
    server.servfail(NAME, "A");
    server.bogus(NAME, "AAAA");
    reasonOf(await resolver.authorises(NAME, IP), "bogus");
    reasonOf(await resolver.addresses(NAME), "bogus");
  }));

Deno.test("one server that has an answer outweighs another's SERVFAIL (T6)", async () => {
  await using failing = await DnsServer.start();
  await using working = await DnsServer.start();
  failing.bogus(NAME);
  working.set(NAME, "A", [IP]);
  await withResolver({ servers: [failing, working] }, async (resolver) => {
    assert.deepEqual(await addressesOf(resolver), [IP]);
  });
});

Deno.test("required: an answer with AD from a server on loopback is taken (T6)", () =>
  withDns({ dnssec: "required" }, async (server, resolver) => {
    server.authentic = true;
    server.set(NAME, "A", [IP]);
    assert.deepEqual(await addressesOf(resolver), [IP]);
    assert.deepEqual(await resolver.authorises(NAME, IP), { kind: "yes" });
    assert.deepEqual(await resolver.authorises(NAME, "192.0.2.2"), { kind: "no" });
    assert.deepEqual(await resolver.addresses("none.test"), { kind: "none" });
  }));

Deno.test("required: an answer without AD is bogus, a denial too, and says what is missing (T6)", () =>
  withDns({ dnssec: "required" }, async (server, resolver) => {
    server.set(NAME, "A", [IP], 60);
    for (const name of [NAME, "none.test"]) {
      const reason = reasonOf(await resolver.addresses(name), "bogus");
      assert.match(reason, /^Cannot believe A of .* answered without the AD bit: /);
      reasonOf(await resolver.authorises(name, IP), "bogus");
    }
    server.authentic = true;
    assert.deepEqual(await addressesOf(resolver), [IP]);
  }));

Deno.test("required: a denial without AD in one family does not stop a match in the other (T6)", () =>
  withDns({ dnssec: "required" }, async (server, resolver) => {
    server.authentic = true;
    server.unsigned(NAME, "AAAA");
    server.set(NAME, "A", [IP]);
    assert.deepEqual(await resolver.authorises(NAME, IP), { kind: "yes" });
    reasonOf(await resolver.authorises(NAME, "192.0.2.2"), "bogus");
  }));

Deno.test("required: every answer of a chain of aliases needs AD (T6)", () =>
  withDns({ dnssec: "required" }, async (server, resolver) => {
    server.authentic = true;
    server.followsAliases = false;
    server.cname(NAME, "target.test");
    server.set("target.test", "A", [IP]);
    assert.deepEqual(await resolver.authorises(NAME, IP), { kind: "yes" });
    for (const name of [NAME, "target.test"]) {
      server.unsigned(name);
      reasonOf(await resolver.authorises(NAME, IP), "bogus");
      server.heal(name);
    }
  }));

Deno.test("AD counts from loopback, and from elsewhere only where it is trusted (T6)", () => {
  const answer = { kind: "answer" as const, rcode: 0, authentic: true, answers: [], denial: null };
  const doubt = (ip: string, trusted: boolean, authentic = true) =>
    findDoubt({ ...answer, authentic }, { ip, port: 53 }, "required", trusted);
  for (const ip of ["127.0.0.1", "127.0.0.53", "::1"]) assert.equal(doubt(ip, false), null);
  for (const ip of ["192.0.2.1", "2001:db8::1", "128.0.0.1", "10.127.0.1"]) {
    assert.match(doubt(ip, false) ?? "", /not on loopback; set dns\.trusted/);
    assert.equal(doubt(ip, true), null);
    assert.match(doubt(ip, true, false) ?? "", /without the AD bit/);
  }
  const server = { ip: "192.0.2.1", port: 53 };
  assert.equal(findDoubt({ ...answer, authentic: false }, server, "opportunistic", false), null);
});

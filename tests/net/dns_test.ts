// What the host learns from DNS: names, families, aliases, fixed answers.
import assert from "node:assert/strict";
import { createResolver, systemServers } from "../../src/net/dns/mod.ts";
import { addressesOf, NAME, reasonOf, withDns, withResolver } from "./dns_setup.ts";

Deno.test("addresses come in the order answered, A before AAAA (D2)", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "AAAA", ["2001:db8::2", "2001:db8::1"]);
    server.set(NAME, "A", ["192.0.2.3", "192.0.2.1", "192.0.2.2"]);
    assert.deepEqual(await addressesOf(resolver), [
      "192.0.2.3",
      "192.0.2.1",
      "192.0.2.2",
      "2001:db8::2",
      "2001:db8::1",
    ]);
  }));

Deno.test("a name with AAAA records only has addresses (D2)", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "AAAA", ["2001:0DB8:0:0::1"]);
    assert.deepEqual(await addressesOf(resolver), ["2001:db8::1"]);
  }));

Deno.test("one family that fails does not hide the other's addresses (D2)", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ["192.0.2.1"]);
    server.servfail(NAME, "AAAA");
    assert.deepEqual(await addressesOf(resolver), ["192.0.2.1"]);
  }));

Deno.test("an IPv4-mapped address is its IPv4 address, and is given once", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ["192.0.2.1"]);
    server.set(NAME, "AAAA", ["::ffff:192.0.2.2", "::ffff:192.0.2.1"]);
    assert.deepEqual(await addressesOf(resolver), ["192.0.2.1", "192.0.2.2"]);
  }));

Deno.test("a name that does not exist, or has no addresses, has none", () =>
  withDns({}, async (server, resolver) => {
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
    server.set(NAME, "A", []);
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
    server.negativeTtl = null;
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
  }));

Deno.test("SERVFAIL is a failure that names the server and what it said", () =>
  withDns({}, async (server, resolver) => {
    server.servfail(NAME);
    const reason = reasonOf(await resolver.addresses(NAME), "failed");
    assert.equal(
      reason,
      `Cannot look up A of ${NAME}: 127.0.0.1:${server.port} answered SERVFAIL`,
    );
  }));

Deno.test("a name is the same in upper case, in lower case and with a dot at the end", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ["192.0.2.1"], 60);
    server.set(NAME, "AAAA", ["2001:db8::1"], 60);
    const all = ["192.0.2.1", "2001:db8::1"];
    assert.deepEqual(await addressesOf(resolver, "FMSG.Example.TEST"), all);
    assert.deepEqual(await addressesOf(resolver, `${NAME}.`), all);
    assert.equal(server.log.length, 2);
  }));

Deno.test("a name that DNS cannot hold fails without a query", () =>
  withDns({}, async (server, resolver) => {
    const names = [
      "",
      ".",
      "a..test",
      ".a.test",
      "a b.test",
      "a\n.test",
      "straße.test",
      "\u212Aelvin.test",
      `${"x".repeat(64)}.test`,
      `${"x.".repeat(126)}xx`,
    ];
    for (const name of names) {
      assert.match(reasonOf(await resolver.addresses(name), "failed"), /^Cannot look up "[^\n]*"/);
      assert.equal((await resolver.authorises(name, "192.0.2.1")).kind, "failed");
    }
    assert.equal(server.log.length, 0);
    const longest = `${"x.".repeat(126)}x`;
    server.set(longest, "A", ["192.0.2.1"]);
    assert.deepEqual(await addressesOf(resolver, longest), ["192.0.2.1"]);
  }));

Deno.test("an address among the records is authorised, another is not (R8)", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ["192.0.2.1", "192.0.2.2"]);
    server.set(NAME, "AAAA", ["2001:db8::1"]);
    for (const ip of ["192.0.2.2", "::ffff:192.0.2.2", "::ffff:c000:202", "2001:DB8:0::1"]) {
      assert.deepEqual(await resolver.authorises(NAME, ip), { kind: "yes" }, ip);
    }
    for (const ip of ["192.0.2.3", "2001:db8::2", "::192.0.2.2", "2001:db8::1%eth0"]) {
      assert.deepEqual(await resolver.authorises(NAME, ip), { kind: "no" }, ip);
    }
    assert.equal((await resolver.authorises(NAME, "0300.0.2.1")).kind, "failed");
  }));

Deno.test("one family that matches suffices although the other never answers (R8)", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ["192.0.2.1"]);
    server.silent(NAME, "AAAA");
    // With the usual six seconds for the other family: the answer does not wait for it.
    assert.deepEqual(await resolver.authorises(NAME, "192.0.2.1"), { kind: "yes" });
    assert.equal(resolver.open, 1);
  }));

Deno.test("a family that fails is no authorisation and no refusal either (R8)", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "AAAA", ["2001:db8::1"]);
    server.servfail(NAME, "A");
    assert.deepEqual(await resolver.authorises(NAME, "2001:db8::1"), { kind: "yes" });
    reasonOf(await resolver.authorises(NAME, "192.0.2.1"), "failed");
  }));

Deno.test("a name without records authorises nobody (R8)", () =>
  withDns({}, async (_server, resolver) => {
    assert.deepEqual(await resolver.authorises(NAME, "192.0.2.1"), { kind: "no" });
  }));

Deno.test("aliases are followed within an answer and by further queries", () =>
  withDns({}, async (server, resolver) => {
    server.cname(NAME, "One.Example.TEST");
    server.cname("one.example.test", "two.example.test");
    server.set("two.example.test", "A", ["192.0.2.1"]);
    assert.deepEqual(await addressesOf(resolver), ["192.0.2.1"]);
    assert.equal(server.queries("two.example.test").length, 0);
    server.followsAliases = false;
    assert.deepEqual(await addressesOf(resolver), ["192.0.2.1"]);
    assert.equal(server.queries("two.example.test", "A").length, 1);
    assert.deepEqual(await resolver.authorises(NAME, "192.0.2.1"), { kind: "yes" });
  }));

Deno.test("an alias of a name that does not exist has no addresses", () =>
  withDns({}, async (server, resolver) => {
    server.cname(NAME, "nothing.test");
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
    server.negativeTtl = null;
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
    assert.equal(server.queries("nothing.test").length, 0);
    server.followsAliases = false;
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
  }));

Deno.test("an alias of a name without that family costs no second query", () =>
  withDns({}, async (server, resolver) => {
    server.cname(NAME, "a.test");
    server.set("a.test", "A", ["192.0.2.1"]);
    assert.deepEqual(await addressesOf(resolver), ["192.0.2.1"]);
    assert.equal(server.log.length, 2);
  }));

for (const followsAliases of [true, false]) {
  const how = followsAliases ? "in one answer" : "one by one";

  Deno.test(`eight aliases in a row are followed, nine are not, ${how}`, () =>
    withDns({}, async (server, resolver) => {
      server.followsAliases = followsAliases;
      for (let link = 1; link <= 9; link++) server.cname(`l${link}.test`, `l${link + 1}.test`);
      server.set("l10.test", "A", ["192.0.2.1"]);
      assert.deepEqual(await addressesOf(resolver, "l2.test"), ["192.0.2.1"]);
      assert.match(reasonOf(await resolver.addresses("l1.test"), "failed"), /more than 8 aliases/);
    }));

  Deno.test(`aliases in a circle fail, ${how}`, () =>
    withDns({}, async (server, resolver) => {
      server.followsAliases = followsAliases;
      server.cname(NAME, "one.test");
      server.cname("one.test", NAME);
      server.cname("self.test", "self.test");
      for (const name of [NAME, "self.test"]) {
        assert.match(reasonOf(await resolver.addresses(name), "failed"), /circle/);
      }
    }));
}

Deno.test("fixed answers are given in their order, whatever DNS says", () =>
  withDns(
    {
      dnssec: "required",
      hosts: {
        "FMSG.fixed.test": ["2001:db8:0::1", "::ffff:192.0.2.1", "192.0.2.7"],
        "fmsg.none.test": [],
      },
    },
    async (server, resolver) => {
      server.set("fmsg.fixed.test", "A", ["192.0.2.99"]);
      const fixed = ["2001:db8::1", "192.0.2.1", "192.0.2.7"];
      assert.deepEqual(await addressesOf(resolver, "fmsg.Fixed.test"), fixed);
      assert.deepEqual(await resolver.authorises("fmsg.fixed.test", "192.0.2.7"), { kind: "yes" });
      assert.deepEqual(await resolver.authorises("fmsg.fixed.test", "192.0.2.99"), { kind: "no" });
      assert.deepEqual(await resolver.addresses("fmsg.none.test"), { kind: "none" });
      assert.equal(server.log.length, 0);
    },
  ));

Deno.test("an address in the configuration that is none is refused with its key", () => {
  assert.throws(() => createResolver({ hosts: { "a.test": ["127.1"] } }), {
    name: "TypeError",
    message: /dns\.hosts: "127\.1"/,
  });
  assert.throws(() => createResolver({ hosts: { "a..test": [] } }), /dns\.hosts: "a\.\.test"/);
  const servers = [{ ip: "ns.test", port: 53 }];
  assert.throws(() => createResolver({ servers }), /dns\.servers: "ns\.test"/);
});

Deno.test("the servers of a resolv.conf are read in order, without those that have a zone", () => {
  const text = [
    "# nameserver 192.0.2.9",
    "; nameserver 192.0.2.8",
    "search example.test",
    "nameserver 192.0.2.1",
    "\tnameserver\t2001:db8::53   # the second",
    "nameserver fe80::1%eth0",
    "nameserver",
    "nameserver ns.test",
    "nameservers 192.0.2.7",
    "nameserver 127.0.0.53\r",
  ].join("\n");
  assert.deepEqual(systemServers(text), [
    { ip: "192.0.2.1", port: 53 },
    { ip: "2001:db8::53", port: 53 },
    { ip: "127.0.0.53", port: 53 },
  ]);
  assert.deepEqual(systemServers(""), []);
});

Deno.test("a resolver without configured servers takes the system's", () =>
  withResolver({ servers: [] }, async (resolver) => {
    const aborted = AbortSignal.abort();
    reasonOf(await resolver.addresses(NAME, aborted), "failed");
  }));

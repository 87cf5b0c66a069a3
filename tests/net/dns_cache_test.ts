// What the DNS client keeps, shares and bounds, and how it stops.
import assert from "node:assert/strict";
import { addressesOf, NAME, reasonOf, soon, withDns, withResolver } from "./dns_setup.ts";

const ONE = ["192.0.2.1"];
const TWO = ["192.0.2.2"];

// So that only closing ends a look-up.
const PATIENT = { tryTimeout: 60_000, totalTimeout: 60_000 };

/** A clock that stands still until it is moved. */
class Clock {
  seconds = 1000;
  readonly now = (): number => this.seconds * 1000;
}

Deno.test("an answer is kept for its TTL and not longer (R8)", async () => {
  const clock = new Clock();
  await withDns({ now: clock.now }, async (server, resolver) => {
    server.set(NAME, "A", ONE, 10);
    server.set(NAME, "AAAA", ["2001:db8::1"], 20);
    await resolver.addresses(NAME);
    server.set(NAME, "A", TWO, 10);
    clock.seconds += 9.9;
    assert.deepEqual(await resolver.authorises(NAME, "192.0.2.1"), { kind: "yes" });
    assert.equal(server.log.length, 2);
    clock.seconds += 0.1;
    assert.deepEqual(await resolver.authorises(NAME, "192.0.2.1"), { kind: "no" });
    assert.deepEqual([server.queries(NAME, "A").length, server.queries(NAME, "AAAA").length], [
      2,
      1,
    ]);
  });
});

Deno.test("an answer with a long TTL is kept for 60 s, one with TTL 0 not at all (R8)", async () => {
  const clock = new Clock();
  await withDns({ now: clock.now }, async (server, resolver) => {
    server.negativeTtl = 3600;
    server.set(NAME, "A", ONE, 86400);
    assert.deepEqual(await addressesOf(resolver), ONE);
    server.set(NAME, "A", TWO, 0);
    clock.seconds += 59.9;
    assert.deepEqual(await addressesOf(resolver), ONE);
    clock.seconds += 0.1;
    assert.deepEqual(await addressesOf(resolver), TWO);
    server.set(NAME, "A", ONE, 2 ** 31 + 60); // RFC 2181, 8: this is 0
    assert.deepEqual(await addressesOf(resolver), ONE);
    server.set(NAME, "A", TWO, 60);
    assert.deepEqual(await addressesOf(resolver), TWO);
  });
});

for (const followsAliases of [true, false]) {
  const how = followsAliases ? "in one answer" : "one by one";
  Deno.test(`an alias is kept for the shortest TTL of the chain, answered ${how} (R8)`, async () => {
    for (const ttls of [[5, 50, 50], [50, 5, 50], [50, 50, 5]]) {
      const clock = new Clock();
      await withDns({ now: clock.now }, async (server, resolver) => {
        server.followsAliases = followsAliases;
        server.negativeTtl = 30;
        server.cname(NAME, "one.test", ttls[0]);
        server.cname("one.test", "two.test", ttls[1]);
        server.set("two.test", "A", ONE, ttls[2]);
        assert.deepEqual(await addressesOf(resolver), ONE);
        server.set("two.test", "A", TWO, ttls[2]);
        clock.seconds += 4;
        assert.deepEqual(await addressesOf(resolver), ONE);
        clock.seconds += 1;
        assert.deepEqual(await addressesOf(resolver), TWO);
      });
    }
  });
}

Deno.test("that a name does not exist is kept as its SOA record says, 30 s at most", async () => {
  for (const [negativeTtl, kept] of [[10, 10], [3600, 30], [0, 0], [null, 0]] as const) {
    const clock = new Clock();
    await withDns({ now: clock.now }, async (server, resolver) => {
      server.negativeTtl = negativeTtl;
      assert.equal((await resolver.addresses(NAME)).kind, "none");
      server.set(NAME, "A", ONE, 60);
      server.set(NAME, "AAAA", ["2001:db8::1"], 60);
      clock.seconds += kept - 0.1;
      if (kept > 0) assert.equal((await resolver.addresses(NAME)).kind, "none");
      clock.seconds += 0.1;
      assert.equal((await resolver.addresses(NAME)).kind, "addresses");
    });
  }
});

Deno.test("a failure is not kept", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ONE, 60);
    server.servfail(NAME);
    reasonOf(await resolver.addresses(NAME), "failed");
    server.heal(NAME);
    assert.deepEqual(await addressesOf(resolver), ONE);
  }));

Deno.test("the oldest answer goes when there are too many (S3)", () =>
  withDns({ maxKept: 4, now: () => 0 }, async (server, resolver) => {
    for (let i = 1; i <= 9; i++) {
      server.set(`n${i}.test`, "A", ONE, 60);
      server.set(`n${i}.test`, "AAAA", ["2001:db8::1"], 60);
      await resolver.addresses(`n${i}.test`);
      assert.ok(resolver.kept <= 4);
    }
    server.log.length = 0;
    await resolver.addresses("n9.test");
    await resolver.addresses("n8.test");
    assert.equal(server.log.length, 0);
    await resolver.addresses("n7.test");
    assert.equal(server.log.length, 2);
  }));

Deno.test("an answer of very many addresses is used but not kept (S3)", () =>
  withDns({}, async (server, resolver) => {
    const many = Array.from({ length: 65 }, (_, i) => `192.0.2.${i}`);
    server.set(NAME, "A", many, 60);
    assert.deepEqual(await addressesOf(resolver), many);
    assert.equal(resolver.kept, 0);
  }));

Deno.test("all who ask for the same at the same time share one query", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ONE);
    const all = Array.from({ length: 50 }, () => resolver.addresses(NAME));
    for (const resolution of await Promise.all(all)) {
      assert.deepEqual(resolution, { kind: "addresses", addresses: ONE });
    }
    assert.equal(server.log.length, 2);
  }));

Deno.test("one who gives up does not take the answer from the others", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ONE);
    const giveUp = new AbortController();
    const first = resolver.addresses(NAME, giveUp.signal);
    const second = resolver.authorises(NAME, "192.0.2.1", giveUp.signal);
    const third = resolver.addresses(NAME);
    giveUp.abort();
    assert.match(reasonOf(await first, "failed"), /abandoned/);
    assert.match(reasonOf(await second, "failed"), /abandoned/);
    assert.deepEqual(await third, { kind: "addresses", addresses: ONE });
    assert.equal(server.log.length, 2);
  }));

Deno.test("what a caller does with the addresses does not change those kept", () =>
  withDns({}, async (server, resolver) => {
    server.set(NAME, "A", ONE, 60);
    (await addressesOf(resolver)).push("192.0.2.66");
    assert.deepEqual(await addressesOf(resolver), ONE);
  }));

Deno.test("look-ups beyond the limit wait for their turn and then succeed (S3)", () =>
  withDns({ maxLookups: 3 }, async (server, resolver) => {
    let most = 0;
    server.intercept = () => {
      most = Math.max(most, resolver.open);
      return null;
    };
    const names = Array.from({ length: 20 }, (_, i) => `n${i}.test`);
    names.forEach((name) => server.set(name, "A", ONE));
    const all = await Promise.all(names.map((name) => resolver.addresses(name)));
    assert.ok(all.every(({ kind }) => kind === "addresses"));
    assert.equal(most, 3);
  }));

Deno.test("a look-up whose turn does not come in time fails as busy (S3)", () =>
  withDns({ maxLookups: 2, totalTimeout: 200 }, async (server, resolver) => {
    server.silent(NAME);
    const first = resolver.addresses(NAME);
    const second = resolver.addresses("late.test");
    assert.match(reasonOf(await first, "failed"), /no answer in time/);
    assert.match(reasonOf(await second, "failed"), /busy/);
    assert.equal(server.queries("late.test").length, 0);
  }));

Deno.test("closing ends what is under way and what is waiting, and every later look-up", () =>
  withDns({ maxLookups: 2, ...PATIENT }, async (server, resolver) => {
    const asked = Promise.withResolvers<void>();
    server.intercept = () => {
      if (server.log.length === 2) asked.resolve();
      return [];
    };
    const pending = [resolver.addresses(NAME), resolver.authorises("waiting.test", "192.0.2.1")];
    await asked.promise;
    assert.equal(resolver.open, 2);
    await soon(resolver.close());
    assert.equal(resolver.open, 0);
    for (const result of await Promise.all(pending)) {
      assert.match(reasonOf(result, "failed"), /the resolver is closed/);
    }
    const later = await soon(resolver.addresses(NAME));
    assert.match(reasonOf(later, "failed"), /the resolver is closed/);
    assert.equal(server.log.length, 2);
    await resolver.close();
  }));

Deno.test("closing at once, before anything is sent, and during TCP leaves nothing open", async () => {
  await withDns(PATIENT, async (_server, resolver) => {
    const pending = resolver.addresses(NAME);
    await soon(resolver.close());
    assert.equal(resolver.open, 0);
    reasonOf(await pending, "failed");
  });
  await withDns(PATIENT, async (server, resolver) => {
    const connected = Promise.withResolvers<void>();
    server.truncate(NAME);
    server.intercept = ({ transport }) => {
      if (transport === "udp") return null;
      connected.resolve();
      return [];
    };
    const pending = resolver.addresses(NAME);
    await connected.promise;
    await soon(resolver.close());
    assert.equal(resolver.open, 0);
    reasonOf(await pending, "failed");
  });
});

Deno.test("a resolver that nobody asks needs no closing", () =>
  withResolver({ servers: [{ ip: "127.0.0.1", port: 53 }] }, (resolver) => {
    assert.equal(resolver.open, 0);
    return Promise.resolve();
  }));

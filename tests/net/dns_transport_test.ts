// How the DNS client gets its answers: forged, garbled and missing ones; TCP, EDNS, several servers.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
// @ts-types="../../src/net/dns/dns_packet.d.ts"
import { encode } from "dns-packet";
import fc from "fast-check";
import { exchangeTcp } from "../../src/net/dns/exchange.ts";
import { decodeReply } from "../../src/net/dns/message.ts";
import { DnsServer, type Query } from "../support/dns_server.ts";
import { addressesOf, NAME, reasonOf, soon, withDns, withResolver } from "./dns_setup.ts";

const FORGED = { A: "192.0.2.66", AAAA: "2001:db8::66" };
const HONEST = ["192.0.2.1", "2001:db8::1"];

function setHonest(server: DnsServer): void {
  server.set(NAME, "A", ["192.0.2.1"]);
  server.set(NAME, "AAAA", ["2001:db8::1"]);
}

/** A good answer to the query but for its address, and what is changed. */
function forge(
  query: Query,
  id: number,
  { name = query.name, type = query.type, owner = name, kind = "response" as const }: {
    name?: string;
    type?: string;
    owner?: string;
    kind?: "response" | "query";
  } = {},
): Buffer {
  const records = [
    { type: "A" as const, name: owner, ttl: 60, data: FORGED.A },
    { type: "AAAA" as const, name: owner, ttl: 60, data: FORGED.AAAA },
  ];
  return encode({ type: kind, id, flags: 0, questions: [{ name, type }], answers: records });
}

Deno.test("answers that do not fit the query are passed over until the right one comes", () =>
  withDns({}, async (server, resolver) => {
    setHonest(server);
    server.intercept = (query, bytes, answer) => {
      const id = bytes.readUInt16BE(0);
      const other = query.type === "A" ? "AAAA" : "A";
      return [
        forge(query, id ^ 1),
        forge(query, id, { name: "fmsg.example.tesu" }),
        forge(query, id, { type: other }),
        forge(query, id, { type: "TXT" }),
        forge(query, id, { kind: "query" }),
        encode({ type: "response", id, flags: 0, questions: [] }),
        Buffer.alloc(0),
        answer,
      ];
    };
    assert.deepEqual(await addressesOf(resolver), HONEST);
    assert.equal(server.log.length, 2);
  }));

Deno.test("an answer from another address or port is passed over", () =>
  withDns({}, async (server, resolver) => {
    setHonest(server);
    server.delay = 30;
    const outsiders = [createSocket("udp4"), createSocket("udp4")];
    outsiders[0]?.bind(0, "127.0.0.1");
    outsiders[1]?.bind(server.port, "127.0.0.2");
    await Promise.all(outsiders.map((outsider) => once(outsider, "listening")));
    let sent = 0;
    server.intercept = (query, bytes) => {
      const forged = forge(query, bytes.readUInt16BE(0));
      outsiders.forEach((outsider) => outsider.send(forged, query.port, query.ip, () => sent++));
      return null;
    };
    assert.deepEqual(await addressesOf(resolver), HONEST);
    assert.equal(sent, 4);
    await Promise.all(outsiders.map((outsider) => {
      const closed = once(outsider, "close");
      outsider.close();
      return closed;
    }));
  }));

Deno.test("records of other names in an answer are not taken for the name's", () =>
  withDns({}, async (server, resolver) => {
    server.intercept = (query, bytes) => [
      forge(query, bytes.readUInt16BE(0), { owner: "fmsg.other.test" }),
    ];
    assert.deepEqual(await resolver.addresses(NAME), { kind: "none" });
  }));

Deno.test("queries come from ports and with numbers that cannot be foretold", () =>
  withDns({}, async (server, resolver) => {
    const ids = new Set<number>();
    server.intercept = (_query, bytes) => {
      ids.add(bytes.readUInt16BE(0));
      return null;
    };
    for (let i = 0; i < 25; i++) await resolver.addresses(`n${i}.test`);
    assert.equal(server.log.length, 50);
    assert.ok(ids.size > 40);
    assert.ok(new Set(server.log.map(({ port }) => port)).size > 40);
  }));

Deno.test("an answer that is cut off anywhere is a failure and no crash", () =>
  withDns({ dnssec: "off" }, async (server, resolver) => {
    setHonest(server);
    const questionEnd = 12 + NAME.length + 2 + 4;
    let cut = 0;
    server.intercept = (_query, _bytes, answer) => [answer.subarray(0, cut), answer];
    for (; cut < questionEnd + 20; cut++) {
      const resolution = await resolver.addresses(NAME);
      // Without its whole question it may be anybody's, and the next is waited for.
      if (cut < questionEnd) assert.equal(resolution.kind, "addresses", `${cut}`);
      else assert.match(reasonOf(resolution, "failed"), /cannot be read/, `${cut}`);
    }
  }));

Deno.test("no bytes make the reader of answers throw", () => {
  const question = { name: NAME, type: "A" as const };
  const answers = [{ type: "A" as const, name: NAME, ttl: 60, data: "192.0.2.1" }];
  const good = encode({ type: "response", id: 7, flags: 0, questions: [question], answers });
  assert.equal(decodeReply(good, question, 7)?.kind, "answer");
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(fc.property(changes, (places) => {
    const bytes = Buffer.from(good);
    for (const [place, value] of places) bytes[place] = value;
    decodeReply(bytes, question, 7);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (rest) => {
    decodeReply(Buffer.concat([good.subarray(0, 12 + NAME.length + 6), rest]), question, 7);
    decodeReply(rest, question, 7);
  }));
});

Deno.test("a lost datagram is sent again", () =>
  withDns({ tryTimeout: 300 }, async (server, resolver) => {
    setHonest(server);
    server.intercept = (query) => server.queries(NAME, familyOf(query)).length === 1 ? [] : null;
    assert.deepEqual(await addressesOf(resolver), HONEST);
    assert.equal(server.log.length, 4);
  }));

Deno.test("a server that never answers is a failure when the time is up", () =>
  withDns({ tryTimeout: 40, totalTimeout: 150 }, async (server, resolver) => {
    server.silent(NAME);
    const reason = reasonOf(await resolver.addresses(NAME), "failed");
    assert.match(reason, /no answer in time from 127\.0\.0\.1:\d+$/);
    assert.equal(resolver.open, 0);
  }));

Deno.test("the time for all of a look-up also ends what has more time by itself", () =>
  withDns({ tryTimeout: 60_000, totalTimeout: 100 }, async (server, resolver) => {
    server.silent(NAME);
    reasonOf(await soon(resolver.addresses(NAME)), "failed");
    assert.equal(resolver.open, 0);
  }));

Deno.test("a long answer comes whole over TCP", () =>
  withDns({}, async (server, resolver) => {
    const many = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
    server.set(NAME, "A", many);
    assert.deepEqual(await addressesOf(resolver), many);
    const transports = server.queries(NAME, "A").map(({ transport }) => transport);
    assert.deepEqual(transports, ["udp", "tcp"]);
  }));

Deno.test("an answer that is cut off over TCP too is no answer", () =>
  withDns({}, async (server, resolver) => {
    setHonest(server);
    server.truncate(NAME);
    assert.deepEqual(await addressesOf(resolver), HONEST);
    server.intercept = (_query, _bytes, answer) => {
      answer.writeUInt8(answer.readUInt8(2) | TC, 2);
      return [answer];
    };
    assert.match(reasonOf(await resolver.addresses(NAME), "failed"), /cut off/);
  }));

Deno.test("a TCP answer may come byte by byte; one that ends early or is another's is broken", async () => {
  const query = Buffer.from("query");
  const ended = [Buffer.from([0, 6, 97]), Buffer.from([0, 6, 97, 110, 115, 119, 101, 114])];
  const sockets = { open: 0 };
  for (const [index, bytes] of ended.entries()) {
    const server = createServer((socket) => {
      socket.on("data", async () => {
        for (const byte of bytes) {
          await new Promise((written) => socket.write(Buffer.from([byte]), written));
        }
        socket.end();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const scope = { timeout: 5000, signal: new AbortController().signal, sockets };
    const at = { ip: "127.0.0.1", port };
    const whole = await exchangeTcp(at, query, (got) => Buffer.from(got).toString(), scope);
    const none = await exchangeTcp(at, query, () => null, scope);
    assert.equal(none.kind, "broken");
    if (index === 0) assert.equal(whole.kind, "broken");
    else assert.deepEqual(whole, { kind: "answered", answer: "answer" });
    await new Promise((closed) => server.close(closed));
  }
  assert.equal(sockets.open, 0);
});

Deno.test("a server that does not know EDNS is asked again without it", () =>
  withDns({}, async (server, resolver) => {
    setHonest(server);
    const refusals = [
      (id: number) => encode({ type: "response", id, flags: FORMERR, questions: [] }),
      (id: number, query: Query) => forgeRcode(query, id, NOTIMP),
      (id: number, query: Query) => forgeRcode(query, id, 0, 1), // BADVERS is 16
    ];
    for (const refuse of refusals) {
      server.intercept = (query, bytes) =>
        query.flags.edns ? [refuse(bytes.readUInt16BE(0), query)] : null;
      server.log.length = 0;
      assert.deepEqual(await addressesOf(resolver), HONEST);
      const edns = server.queries(NAME, "A").map(({ flags }) => flags.edns);
      assert.deepEqual(edns, [true, false]);
    }
  }));

Deno.test("a server that cannot read any query is a failure", () =>
  withDns({}, async (server, resolver) => {
    server.intercept = (query, bytes) => [forgeRcode(query, bytes.readUInt16BE(0), FORMERR)];
    assert.match(reasonOf(await resolver.addresses(NAME), "failed"), /answered FORMERR$/);
  }));

for (const fault of ["silent", "servfail", "refused"] as const) {
  Deno.test(`after a ${fault} server the next is asked, and first from then on (D2)`, async () => {
    await using bad = await DnsServer.start();
    await using good = await DnsServer.start();
    setHonest(good);
    good.set("later.test", "A", ["192.0.2.2"]);
    bad[fault](NAME);
    bad.set("later.test", "A", [FORGED.A]);
    await withResolver({ servers: [bad, good], tryTimeout: 300 }, async (resolver) => {
      assert.deepEqual(await addressesOf(resolver), HONEST);
      assert.equal(bad.log.length, 2);
      assert.deepEqual(await addressesOf(resolver, "later.test"), ["192.0.2.2"]);
      assert.equal(bad.log.length, 2);
      good.refused("later.test");
      assert.deepEqual(await addressesOf(resolver, "later.test"), [FORGED.A]);
    });
  });
}

Deno.test("a server on IPv6 and one that does not exist", async () => {
  await using server = await DnsServer.start({ ip: "::1" });
  setHonest(server);
  const nowhere = { ip: "2001:db8::1", port: 53 };
  await withResolver({ servers: [nowhere, server], tryTimeout: 300 }, async (resolver) => {
    assert.deepEqual(await addressesOf(resolver), HONEST);
  });
});

const TC = 2;
const FORMERR = 1;
const NOTIMP = 4;

function forgeRcode({ name, type }: Query, id: number, rcode: number, extendedRcode = 0): Buffer {
  const opt = { type: "OPT" as const, name: "." as const, udpPayloadSize: 1232, flags: 0 };
  return encode({
    type: "response",
    id,
    flags: rcode,
    questions: [{ name, type }],
    additionals: [{ ...opt, extendedRcode }],
  });
}

function familyOf(query: Query): "A" | "AAAA" {
  return query.type === "A" ? "A" : "AAAA";
}

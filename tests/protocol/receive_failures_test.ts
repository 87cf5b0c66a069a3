// Host B when something goes wrong: TERMINATE, nothing kept, and a log that tells the truth.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { receiveMessage, Terminate, type TerminateReason } from "../../src/protocol/mod.ts";
import { Address, concat, encodeHeader, headerHash } from "../../src/wire/mod.ts";
import {
  alice,
  attachment,
  batchOn,
  ben,
  bob,
  carol,
  FactualHost,
  firstMessage,
  hashOf,
  type HostFacts,
  NOW,
  receive,
  type Received,
  sends,
  someHash,
  storedAs,
  utf8,
  withPeer,
} from "./facts.ts";

const PID = someHash(1);
const ORIGINAL = firstMessage({ from: alice, to: [bob, carol], time: NOW - 100 });
const STORED = storedAs(PID, ORIGINAL);
const DATA = utf8("hello");
const MESSAGE = firstMessage({ size: DATA.length });
const HEADER = encodeHeader(MESSAGE);
const ADDED_HERE = encodeHeader(batchOn(ORIGINAL, PID, carol, [ben]));
const ADDED_ELSEWHERE = encodeHeader(batchOn(ORIGINAL, PID, carol, [alice]));

interface Failed extends Received {
  readonly host: FactualHost;
}

/** Everything that has to hold when an exchange is terminated. */
function assertTerminated(failed: Failed, reason: TerminateReason, codes: number[] = []): void {
  const { terminated, connection, record, host } = failed;
  assert.equal(terminated?.reason, reason, `${terminated}`);
  assert.deepEqual(connection.sent, codes);
  assert.deepEqual(record.codes, codes);
  for (const staging of host.stagings) assert.equal(staging.disposals, 1, "thrown away, once");
}

async function fail(facts: Partial<HostFacts>, ...bytes: Uint8Array[]): Promise<Failed> {
  const host = new FactualHost(facts);
  const script = sends(...bytes);
  const received = await receive(host, async (peer) => {
    await script(peer);
    peer.end();
  });
  return { host, ...received };
}

Deno.test("R2 a connection that ends at any byte of the header is terminated without an answer", async () => {
  for (let length = 0; length < HEADER.length; length++) {
    const failed = await fail({}, HEADER.subarray(0, length));
    assertTerminated(failed, "connection lost");
    assert.equal(failed.record.bytes, length);
    assert.equal(failed.record.domain, null);
    assert.equal(failed.record.headerHash, null);
    assert.deepEqual(failed.host.asked, []);
  }
});

Deno.test("P1 a connection that ends at any byte of the content is terminated, and nothing is kept", async () => {
  for (let length = 0; length < DATA.length; length++) {
    const failed = await fail({}, HEADER, DATA.subarray(0, length));
    assertTerminated(failed, "connection lost", [64]);
    assert.equal(failed.host.stagings.length, 1);
    assert.deepEqual(failed.host.arrivals, []);
    assert.equal(failed.record.bytes, HEADER.length + length);
    assert.match(failed.terminated?.message ?? "", new RegExp(`${5 - length} bytes of data`));
  }
});

Deno.test("a peer that ends its side behind the content still gets its codes", async () => {
  const { connection, terminated } = await fail({}, HEADER, DATA);
  assert.equal(terminated, null);
  assert.deepEqual(connection.sent, [64, 200]);
});

Deno.test("R2 a header that cannot be decoded is terminated without an answer", async () => {
  const broken = (at: number, byte: number): Uint8Array => {
    const copy = HEADER.slice();
    copy[at] = byte;
    return copy;
  };
  const cases: [string, Uint8Array][] = [
    ["bad UTF-8 in from", broken(4, 0xff)],
    ["from without an @ in front", broken(3, 0x61)],
    ["an empty from", concat([Uint8Array.of(1, 0, 0), HEADER.subarray(2)])],
    ["an unsupported version", broken(0, 2)],
  ];
  for (const [name, bytes] of cases) {
    const failed = await fail({}, bytes);
    assertTerminated(failed, "malformed header");
    assert.deepEqual(failed.host.asked, [], name);
  }
});

Deno.test("R8 a sender that is not authorised hears nothing and is not challenged", async () => {
  const outcomes: [HostFacts["authorisation"], TerminateReason][] = [
    [{ kind: "no" }, "sender not authorised"],
    [{ kind: "failed", reason: "no answer" }, "sender look-up failed"],
    [{ kind: "bogus", reason: "bad signature" }, "dnssec validation failed"],
  ];
  for (const [authorisation, reason] of outcomes) {
    for (const bytes of [HEADER, ADDED_HERE, ADDED_ELSEWHERE]) {
      const failed = await fail({ authorisation, challenge: "always", stored: STORED }, bytes);
      assertTerminated(failed, reason);
      assert.equal(failed.record.challenge, "none");
      assert.equal(failed.host.asked.length, 1);
      assert.deepEqual(failed.record.headerHash, headerHash(bytes));
    }
  }
});

Deno.test("C3 a challenge without an answer is terminated before any code, on every path", async () => {
  const reasons: TerminateReason[] = ["challenge connection failed", "challenge not answered"];
  for (const reason of reasons) {
    for (const bytes of [HEADER, ADDED_HERE, ADDED_ELSEWHERE]) {
      const answer = new Terminate(reason, "refused");
      const failed = await fail({ answer, challenge: "always", stored: STORED }, bytes, DATA);
      assertTerminated(failed, reason);
      assert.equal(failed.record.challenge, "failed");
      assert.deepEqual(failed.host.arrivals, []);
    }
  }
});

Deno.test("C4 content that is not what the challenge was answered with is terminated, nothing stored", async () => {
  const answer = hashOf(MESSAGE, utf8("other"));
  const failed = await fail({ answer, challenge: "always" }, HEADER, DATA);
  assertTerminated(failed, "challenge answer wrong", [64]);
  assert.equal(failed.record.challenge, "failed");
  assert.deepEqual(failed.host.arrivals, []);
});

Deno.test("C4 on the paths 65 and 11 the store's comparison decides", async () => {
  const facts = {
    stored: STORED,
    challenge: "always",
    answer: someHash(7),
    acceptance: { kind: "wrong answer" },
  } as const;
  for (const [bytes, codes] of [[ADDED_HERE, [65]], [ADDED_ELSEWHERE, []]] as const) {
    const failed = await fail(facts, bytes);
    assertTerminated(failed, "challenge answer wrong", [...codes]);
    assert.equal(failed.record.challenge, "failed");
  }
});

Deno.test("C4 a recorded batch whose hash is not the answer is terminated without a code", async () => {
  const facts = { stored: STORED, recorded: someHash(2), answer: someHash(7) } as const;
  for (const bytes of [ADDED_HERE, ADDED_ELSEWHERE]) {
    const failed = await fail({ ...facts, challenge: "always" }, bytes);
    assertTerminated(failed, "challenge answer wrong");
    assert.equal(failed.record.challenge, "failed");
    assert.deepEqual(failed.host.arrivals, []);
  }
});

Deno.test("P2 compressed content that is not what it declares is terminated, nothing stored", async () => {
  const wire = new Uint8Array(deflateSync(DATA));
  for (const expandedSize of [0, 4, 6]) {
    const header = firstMessage({
      size: 0,
      attachments: [attachment("a", wire.length, expandedSize), attachment("b", 1)],
    });
    const failed = await fail({}, encodeHeader(header), wire, Uint8Array.of(0));
    assertTerminated(failed, "bad compressed data", [64]);
    assert.deepEqual(failed.host.arrivals, []);
  }
});

Deno.test("P8 a store that fails behind 64 or 65, or before 11, terminates and promises nothing", async () => {
  const acceptance = new Terminate("store failed", "disk full");
  const cases: [Uint8Array[], number[]][] = [
    [[HEADER, DATA], [64]],
    [[ADDED_HERE], [65]],
    [[ADDED_ELSEWHERE], []],
  ];
  for (const [bytes, codes] of cases) {
    assertTerminated(await fail({ acceptance, stored: STORED }, ...bytes), "store failed", codes);
  }
});

Deno.test("P8 an original that went away meanwhile terminates", async () => {
  const facts = { acceptance: { kind: "gone" }, stored: STORED } as const;
  assertTerminated(await fail(facts, ADDED_HERE), "store failed", [65]);
  assertTerminated(await fail(facts, ADDED_ELSEWHERE), "store failed");
});

Deno.test("B1 behind 65 no 10 is sent, which would be no code for a recipient", async () => {
  const facts = { acceptance: { kind: "duplicate" }, stored: STORED } as const;
  assertTerminated(await fail(facts, ADDED_HERE), "store failed", [65]);
});

Deno.test("content that cannot be written down is thrown away", async () => {
  for (const failingWrite of [1, 2]) {
    const host = new FactualHost({ failingWrite });
    const received = await receive(host, async (peer) => {
      await peer.write(HEADER);
      await peer.write(DATA.subarray(0, 2));
      await peer.write(DATA.subarray(2));
    });
    assertTerminated({ host, ...received }, "store failed", [64]);
    assert.deepEqual(host.arrivals, []);
  }
});

Deno.test("an error nobody foresaw ends this exchange as an internal error, with its cause", async () => {
  const acceptance = new TypeError("a mistake");
  const failed = await fail({ acceptance }, HEADER, DATA);
  assertTerminated(failed, "internal error", [64]);
  assert.equal(failed.terminated?.cause, acceptance);
});

Deno.test("S2 a peer that stops in the middle of the content is cut off, and nothing is kept", async () => {
  const host = new FactualHost();
  const received = await receive(host, sends(HEADER, DATA.subarray(0, 3)));
  assertTerminated({ host, ...received }, "idle", [64]);
});

Deno.test("S2 the deadline for the header that was set before holds until the header is whole", async () => {
  const host = new FactualHost();
  const received = await withPeer((connection, record) => {
    connection.expect({ kind: "deadline", ms: 10_000, reason: "header not in time" });
    return receiveMessage(connection, host, record);
  }, sends(HEADER.subarray(0, 20)));
  assertTerminated({ host, ...received }, "header not in time");
});

Deno.test("S3 a large header takes one place, and gives it back however it ends; others take none", async () => {
  const nobody = Array.from(
    { length: 200 },
    (_, i) => bob.text.replace("@", `@${"x".repeat(100)}${i}`),
  );
  const large = encodeHeader(
    firstMessage({ to: nobody.flatMap((text) => Address.parse(text) ?? []) }),
  );
  assert.ok(large.length > 20_000);
  const pieces = Array.from({ length: 9 }, (_, i) => large.subarray(i * 3000, (i + 1) * 3000));
  const cases: [Uint8Array[], number][] = [
    [[HEADER], 0],
    [pieces, 1],
    [pieces.slice(0, 6), 1],
    [pieces.slice(0, 5), 0],
    [[large.subarray(0, 20_000), new Uint8Array(300)], 1],
  ];
  for (const [bytes, places] of cases) {
    const { host } = await fail({ room: false }, ...bytes);
    assert.equal(host.asked.filter((question) => question === "large header").length, places);
    assert.equal(host.largeHeaders, 0);
  }
});

Deno.test("codes that could not be sent any more are not logged as sent", async () => {
  const cases: [string, Uint8Array[], Partial<HostFacts>, number[]][] = [
    ["a rejection", [encodeHeader(firstMessage({ to: [] }))], {}, []],
    ["64", [HEADER], {}, []],
    ["11", [ADDED_ELSEWHERE], { stored: STORED, acceptance: { kind: "recorded" } }, []],
  ];
  for (const [name, bytes, facts, codes] of cases) {
    const host = new FactualHost(facts);
    const received = await withPeer(async (connection, record) => {
      // The header is here in full when the connection is torn down.
      connection.unread(concat(bytes));
      connection.destroy();
      await receiveMessage(connection, host, record);
    }, () => Promise.resolve());
    assertTerminated({ host, ...received }, "connection lost", codes);
    assert.deepEqual(received.record.headerHash, headerHash(concat(bytes)), name);
  }
});

Deno.test("S3 whatever bytes come, the exchange ends with codes or a foreseen Terminate", async () => {
  const seeds = [concat([HEADER, DATA]), ADDED_HERE, ADDED_ELSEWHERE];
  const mutated = fc.tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
    fc.nat(200),
  ).map(([seed, changes, length]) => {
    const copy = seed.slice(0, length);
    for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte;
    return copy;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), async (bytes) => {
      const failed = await fail({ stored: STORED }, bytes);
      const { terminated, connection } = failed;
      if (terminated === null) assert.ok(connection.sent.length > 0);
      else {
        assert.notEqual(failed.terminated?.reason, "internal error", `${failed.terminated}`);
        assert.ok(!connection.sent.some((code) => code !== 64 && code !== 65));
      }
      for (const staging of failed.host.stagings) assert.equal(staging.disposals, 1);
    }),
    { numRuns: 300 },
  );
});

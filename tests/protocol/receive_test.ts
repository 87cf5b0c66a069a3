// Host B end to end, steps 1.4 to 3.7: what is answered, read, asked and written down on each path.

import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import type { Acceptance } from "../../src/protocol/mod.ts";
import {
  concat,
  encodeHeader,
  equal,
  type Header,
  headerHash,
  hex,
  type MessageHash,
} from "../../src/wire/mod.ts";
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
  LIMITS,
  NOW,
  receive,
  type Received,
  replyTo,
  SENDER_IP,
  sends,
  someHash,
  storedAs,
  utf8,
} from "./facts.ts";

const PID = someHash(1);
const ORIGINAL = firstMessage({ from: alice, to: [bob, carol], time: NOW - 100 });
const STORED = storedAs(PID, ORIGINAL);
const DATA = utf8("hello");
const MESSAGE = firstMessage({ to: [bob, carol, ben], size: DATA.length });
const HASH = hashOf(MESSAGE, DATA);
/** What a peer sends beyond what it should, in the same breath. */
const EXCESS = utf8("and bytes that nobody asked for");

interface Path {
  readonly header: Header;
  readonly facts?: Partial<HostFacts>;
  /** The bytes sent behind the header. */
  readonly data?: Uint8Array;
}

async function run(path: Path, ...more: Uint8Array[]): Promise<Received & { host: FactualHost }> {
  const host = new FactualHost(path.facts);
  const bytes = [encodeHeader(path.header), path.data ?? new Uint8Array(), ...more];
  return { host, ...await receive(host, sends(...bytes)) };
}

const batch = (to: Header["to"]): Header => batchOn(ORIGINAL, PID, carol, to);
const acceptance = (...codes: readonly (100 | 101 | 102 | 103 | 105 | 200)[]): Acceptance => ({
  kind: "codes",
  codes,
});

/** Every way an exchange ends well, with the codes that are sent. */
const PATHS: Readonly<Record<string, Path & { readonly codes: readonly number[] }>> = {
  "invalid": { header: firstMessage({ to: [carol] }), codes: [1] },
  "invalid: no participant of the parent": {
    header: replyTo(PID, { from: ben }),
    facts: { stored: STORED },
    codes: [1],
  },
  "too big": { header: firstMessage({ size: LIMITS.maxSize + 1 }), codes: [4] },
  "too big expanded": { header: firstMessage({ expandedSize: 0xffff_ffff }), codes: [4] },
  "insufficient resources": { header: MESSAGE, facts: { room: false }, codes: [5] },
  "parent not found": { header: replyTo(PID), codes: [6] },
  "too old": { header: firstMessage({ time: 0 }), codes: [7] },
  "future time": { header: firstMessage({ time: NOW + 21 }), codes: [8] },
  "time travel": {
    header: replyTo(PID, { time: NOW - 121 }),
    facts: { stored: STORED },
    codes: [9],
  },
  "duplicate, as a challenge shows": {
    header: MESSAGE,
    facts: { challenge: "always", answer: HASH, held: true },
    codes: [10],
  },
  "duplicate of a batch that adds someone here": {
    header: batch([ben]),
    facts: { stored: STORED, recorded: someHash(2) },
    codes: [10],
  },
  "duplicate of a batch that adds nobody here": {
    header: batch([alice]),
    facts: { stored: STORED, recorded: someHash(2) },
    codes: [10],
  },
  "duplicate of a batch that another exchange recorded meanwhile": {
    header: batch([alice]),
    facts: { stored: STORED, acceptance: { kind: "duplicate" } },
    codes: [10],
  },
  "a batch too many": {
    header: batch([ben]),
    facts: { stored: STORED, takesBatch: false },
    codes: [5],
  },
  "a batch too many that adds nobody here": {
    header: batch([alice]),
    facts: { stored: STORED, takesBatch: false },
    codes: [5],
  },
  "duplicate of a batch, where there are too many": {
    header: batch([alice]),
    facts: { stored: STORED, takesBatch: false, recorded: someHash(2) },
    codes: [10],
  },
  "accept add to": {
    header: batch([alice]),
    facts: { stored: STORED, acceptance: { kind: "recorded" } },
    codes: [11],
  },
  "continue": {
    header: MESSAGE,
    data: DATA,
    facts: { acceptance: acceptance(200, 100) },
    codes: [64, 200, 100],
  },
  "continue without data": { header: firstMessage({ size: 0 }), codes: [64, 200] },
  "continue with a batch whose original is not here": {
    header: batch([ben]),
    data: DATA,
    facts: { acceptance: acceptance(103, 105) },
    codes: [64, 103, 105],
  },
  "continue although the message is held, when no challenge has told": {
    header: MESSAGE,
    data: DATA,
    facts: { held: true, acceptance: acceptance(103, 103) },
    codes: [64, 103, 103],
  },
  "skip data": {
    header: batch([ben]),
    facts: { stored: STORED, acceptance: acceptance(103, 101) },
    codes: [65, 103, 101],
  },
};

Deno.test("on every path the codes are the specification's, and the log tells them", async () => {
  for (const [name, path] of Object.entries(PATHS)) {
    const { record, terminated, connection } = await run(path);
    assert.equal(terminated, null, name);
    assert.deepEqual(connection.sent, path.codes, name);
    const header = encodeHeader(path.header);
    assert.deepEqual(record, {
      kind: "unknown",
      domain: path.header.addTo === null ? path.header.from.domain : "c.test",
      headerHash: headerHash(header),
      codes: path.codes,
      challenge: path.facts?.challenge === undefined ? "none" : "ok",
      bytes: header.length + (path.data?.length ?? 0),
    }, name);
  }
});

Deno.test("P1 exactly the header and the declared content are taken in, whatever else is sent", async () => {
  for (const [name, path] of Object.entries(PATHS)) {
    const length = encodeHeader(path.header).length + (path.data?.length ?? 0);
    // Behind what is expected, in a piece of its own: it stays unread.
    const host = new FactualHost(path.facts);
    const apart = await receive(host, async (peer) => {
      await peer.write(encodeHeader(path.header));
      if (path.data !== undefined) await peer.write(path.data);
      await peer.write(EXCESS);
    });
    assert.deepEqual(apart.connection.sent, path.codes, name);
    assert.equal(apart.connection.taken, length, name);
    assert.equal(apart.record.bytes, length, name);
    // In one piece with it: it reaches neither the store nor the count.
    const joined = await run(path, EXCESS);
    assert.deepEqual(joined.connection.sent, path.codes, name);
    assert.equal(joined.record.bytes, length, name);
    for (const { written, size } of [...host.stagings, ...joined.host.stagings]) {
      assert.deepEqual(written, [...path.data ?? []], name);
      assert.equal(size, written.length, name);
    }
  }
});

Deno.test("a header and content that come in pieces of one byte are taken as in one", async () => {
  for (const [name, path] of Object.entries(PATHS)) {
    const host = new FactualHost(path.facts);
    const { connection, record } = await receive(host, async (peer) => {
      const bytes = concat([encodeHeader(path.header), path.data ?? new Uint8Array()]);
      for (const byte of bytes) await peer.write(Uint8Array.of(byte));
    });
    assert.deepEqual(connection.sent, path.codes, name);
    const length = encodeHeader(path.header).length + (path.data?.length ?? 0);
    assert.equal(record.bytes, length, name);
    assert.equal(connection.taken, length, name);
  }
});

Deno.test("data that is sent before the code 64 is taken when it is time", async () => {
  for (const early of [1, 3, 5]) {
    const { host, connection } = await run(
      { header: MESSAGE, data: DATA.subarray(0, early) },
      DATA.subarray(early),
    );
    assert.deepEqual(connection.sent, [64, 200]);
    assert.deepEqual(host.stagings[0]?.written, [...DATA]);
  }
});

Deno.test("a peer that waits for each answer before it goes on is served", async () => {
  const host = new FactualHost();
  const heard: number[] = [];
  await receive(host, async (peer) => {
    await peer.write(encodeHeader(MESSAGE));
    heard.push(...await peer.read(1));
    await peer.write(DATA);
    heard.push(...await peer.read(1));
    assert.equal(await peer.readSome(), null, "the connection is closed behind the last code");
  });
  assert.deepEqual(heard, [64, 200]);
});

Deno.test("C2 the challenge comes before any answer and any data, and after all of 1.4", async () => {
  const paths: Path[] = [
    { header: MESSAGE, data: DATA, facts: { answer: HASH } },
    { header: batch([ben]), facts: { stored: STORED, answer: someHash(7) } },
    { header: batch([alice]), facts: { stored: STORED, answer: someHash(7) } },
  ];
  for (const path of paths) {
    const { host } = await run({ ...path, facts: { ...path.facts, challenge: "always" } });
    const sender = path.header.addTo?.from ?? path.header.from;
    const hash = hex(headerHash(encodeHeader(path.header)));
    const challenge = `challenge ${sender.domain} ${hash}`;
    assert.equal(host.answeredBeforeChallenge, 0);
    const at = host.asked.indexOf(challenge);
    assert.equal(host.asked[0], `authorised ${sender.domain} ${SENDER_IP}`);
    assert.ok(at > host.asked.indexOf("stored") && at > host.asked.indexOf("room"));
    const later = ["stage", "accept", "recorded batch"].map((name) => host.asked.indexOf(name));
    assert.ok(later.every((other) => other === -1 || other > at));
  }
});

Deno.test("C7 what is asked for is the answered hash and the recipients here, in their order", async () => {
  const facts = { challenge: "always", answer: HASH } as const;
  const { host } = await run({ header: MESSAGE, data: DATA, facts });
  assert.ok(host.asked.includes(`held ${hex(HASH)} by @bob@b.test @ben@b.test`));
  const added = batchOn(ORIGINAL, PID, carol, [ben, bob]);
  const whole = await run({ header: added, data: DATA, facts });
  assert.ok(
    whole.host.asked.some((asked) => asked.endsWith("@bob@b.test @ben@b.test @bob@b.test")),
  );
});

Deno.test("the store gets the header, both hashes, the content and the challenge's answer", async () => {
  const plain = await run({ header: MESSAGE, data: DATA });
  const [arrival] = plain.host.arrivals;
  assert.ok(arrival?.messageHash && arrival.content);
  assert.deepEqual(arrival.decoded.bytes, encodeHeader(MESSAGE));
  assert.deepEqual(arrival.headerHash, headerHash(encodeHeader(MESSAGE)));
  assert.ok(equal(arrival.messageHash, HASH));
  assert.equal(arrival.answer, null);
  assert.equal(arrival.content, plain.host.stagings[0]);

  const facts = { challenge: "always", answer: HASH } as const;
  const challenged = await run({ header: MESSAGE, data: DATA, facts });
  assert.deepEqual(challenged.host.arrivals[0]?.answer, HASH);
});

Deno.test("C4 of a batch on a stored original the store gets the answer, to compare", async () => {
  for (const header of [batch([ben]), batch([alice])]) {
    const facts = { stored: STORED, challenge: "always", answer: someHash(7) } as const;
    const { host } = await run({ header, facts });
    const [arrival] = host.arrivals;
    assert.deepEqual(arrival?.answer, someHash(7));
    assert.equal(arrival?.messageHash, null);
    assert.equal(arrival?.content, null);
    assert.deepEqual(host.stagings, []);
  }
});

Deno.test("C1 a recorded batch is known by its header, and the answer has to agree", async () => {
  const recorded = someHash(2);
  const agreeing = { stored: STORED, recorded, challenge: "always", answer: recorded } as const;
  for (const header of [batch([ben]), batch([alice])]) {
    const { connection, record } = await run({ header, facts: agreeing });
    assert.deepEqual(connection.sent, [10]);
    assert.equal(record.challenge, "ok");
  }
});

Deno.test("B7 a batch whose original is not here is a message of its own content, however often its header came", async () => {
  const header = batch([ben]);
  const answer: MessageHash = hashOf(header, DATA);
  // The same header with other content was recorded before: another message hash, another message.
  const facts = { recorded: someHash(9), challenge: "always", answer } as const;
  const { connection, terminated } = await run({
    header,
    data: DATA,
    facts: { ...facts, acceptance: acceptance(200, 200) },
  });
  assert.equal(terminated, null);
  assert.deepEqual(connection.sent, [64, 200, 200]);
});

Deno.test("compressed content is staged as it came and hashed as it was", async () => {
  const text = utf8("hello ".repeat(50));
  const data = new Uint8Array(deflateSync(text));
  const file = new Uint8Array(deflateSync(DATA));
  const header = firstMessage({
    size: data.length,
    expandedSize: text.length,
    attachments: [attachment("a", 3), attachment("b", file.length, DATA.length)],
  });
  const hash = hashOf(header, text, utf8("abc"), DATA);
  const wire = concat([data, utf8("abc"), file]);
  const facts = { challenge: "always", answer: hash } as const;
  const { host, connection } = await run({ header, data: wire, facts });
  assert.deepEqual(connection.sent, [64, 200]);
  assert.deepEqual(host.stagings[0]?.written, [...wire]);
  assert.deepEqual(host.arrivals[0]?.messageHash, hash);
});

Deno.test("S2 the peer owes nothing while this host decides, and a flow while it sends", async () => {
  const whole = await run({ header: MESSAGE, data: DATA });
  assert.deepEqual(whole.connection.paces, ["wait", "flow", "wait"]);
  const skipped = await run({ header: batch([ben]), facts: { stored: STORED } });
  assert.deepEqual(skipped.connection.paces, ["wait"]);
});

Deno.test("content is thrown away behind the hand-over as well: the store has adopted what it keeps", async () => {
  const { host } = await run({ header: MESSAGE, data: DATA });
  assert.deepEqual(host.stagings.map((staging) => staging.disposals), [1]);
});

// Row D1: what a user of this host may send, and that nobody else's host finds fault with it.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  composeBatch,
  composeMessage,
  type Composition,
  isProblem,
  isValid,
  type Problem,
  readAddresses,
  repeats,
} from "../../src/protocol/mod.ts";
import {
  decodeHeader,
  encodeHeader,
  expandedSize,
  type Header,
  mediaType,
  mediaTypeText,
  type MessageHash,
  participants,
  recipients,
  wireSize,
} from "../../src/wire/mod.ts";
import {
  addresses,
  addressOf,
  filenames,
  mediaTypes,
  messageHashes,
  topics,
  validHeaders,
} from "../support/arbitraries.ts";
import { alice, batchOn, bob, carol, dave, firstMessage, NOW, someHash } from "./facts.ts";

const PID = someHash(1);
const LIMITS = { maxSize: 1000, maxExpandedSize: 2000 };
const BODY = { type: "text/plain;charset=UTF-8", size: 5, expandedSize: null };
const FILE = { ...BODY, type: "application/x-thing", filename: "a.bin" };
const MESSAGE: Composition = {
  from: alice,
  to: [bob],
  start: { pid: null, topic: "Greetings" },
  body: BODY,
  attachments: [],
  important: false,
  noReply: false,
};

function composed(change: Partial<Composition> = {}): Header | Problem {
  return composeMessage({ ...MESSAGE, ...change }, NOW, LIMITS);
}

function assertRefused(result: Header | Problem, reason: Problem["reason"], message: RegExp): void {
  assert.ok(isProblem(result), "it is taken");
  assert.equal(result.reason, reason);
  assert.match(result.message, message);
  assert.doesNotMatch(result.message, /\n|undefined|null|\[object/);
}

const topic = (text: string): Partial<Composition> => ({ start: { pid: null, topic: text } });
const named = (...names: string[]): Partial<Composition> => ({
  attachments: names.map((filename) => ({ ...FILE, filename })),
});
const typed = (type: string): Partial<Composition>[] => [
  { body: { ...BODY, type } },
  { attachments: [{ ...FILE, type }] },
];
const many = (n: number) => Array.from({ length: n }, (_, i) => addressOf(`@u${i}@b.test`));

Deno.test("a message has the fields it was composed of, and the shortest form of its types", () => {
  const header = composed({
    body: { ...BODY, size: 3, expandedSize: 9 },
    attachments: [FILE, { ...FILE, filename: "b", type: "image/png", size: 7, expandedSize: 8 }],
    important: true,
  });
  assert.deepEqual(header, {
    pid: null,
    topic: "Greetings",
    from: alice,
    to: [bob],
    addTo: null,
    important: true,
    noReply: false,
    reservedBits: 0,
    time: NOW,
    type: { kind: "common", number: 56 },
    size: 3,
    expandedSize: 9,
    attachments: [
      {
        type: { kind: "text", text: "application/x-thing" },
        filename: "a.bin",
        size: 5,
        expandedSize: null,
        reservedBits: 0,
      },
      {
        type: { kind: "common", number: 38 },
        filename: "b",
        size: 7,
        expandedSize: 8,
        reservedBits: 0,
      },
    ],
  });
});

Deno.test("a reply has its parent's hash and no topic", () => {
  const header = composed({ start: { pid: PID, topic: null }, noReply: true });
  assert.ok(!isProblem(header));
  assert.equal(header.pid, PID);
  assert.equal(header.topic, null);
  assert.equal(header.noReply, true);
});

Deno.test("D1 recipients: at least one, at most 255, none twice after folding", () => {
  assertRefused(composed({ to: [] }), "bad recipients", /no recipient: name at least one/);
  assertRefused(composed({ to: many(256) }), "bad recipients", /256 recipients in "to".*255/);
  const twice = ["@Straße@b.test", "@c@c.test", "@STRASSE@B.test"].map(addressOf);
  const same = /^@Straße@b\.test and @STRASSE@B\.test are the same address: name it once$/;
  assertRefused(composed({ to: twice }), "bad recipients", same);
  assert.ok(!isProblem(composed({ to: many(255) })));
  assert.ok(!isProblem(composed({ to: [alice, bob] })), "one may write to oneself");
});

Deno.test("D1 topic: up to 255 bytes of UTF-8", () => {
  for (const text of ["", "n".repeat(255), "界".repeat(85), "😀".repeat(63), "a\0\n\u{FEFF}"]) {
    assert.ok(!isProblem(composed(topic(text))), text);
  }
  for (const text of ["n".repeat(256), "界".repeat(86), "😀".repeat(64)]) {
    assertRefused(composed(topic(text)), "bad content", /topic is longer than 255 bytes: shorten/);
  }
});

Deno.test("D1 topic: half of a surrogate pair is refused, it has no UTF-8", () => {
  for (const text of ["\uD83D", "a\uDE00b", "\uDE00\uD83D", "😀\uD83D"]) {
    assertRefused(composed(topic(text)), "bad content", /topic holds half a character.*remove it/);
  }
});

Deno.test("D1 types: a media type of up to 255 bytes, of the data and of each attachment", () => {
  const longest = `text/plain;name=${"n".repeat(239)}`;
  for (const change of [...typed("text/html"), ...typed(longest)]) {
    assert.ok(!isProblem(composed(change)));
  }
  for (
    const type of ["", "text", "text/", "text/plän", "text/a\uD800", "a/b\r\nc", `${longest}n`]
  ) {
    for (const change of typed(type)) {
      assertRefused(composed(change), "bad content", /is no media type of up to 255 bytes: write/);
    }
  }
});

Deno.test("D1 filenames: the grammar, up to 255 bytes, no two the same after folding", () => {
  for (const name of ["a", "Report 1-2_3.pdf", "界.txt", "n".repeat(255)]) {
    assert.ok(!isProblem(composed(named(name))), name);
  }
  const bad = [
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    ".a",
    "a.",
    "a  b",
    "a\0b",
    "a\uD800",
    "n".repeat(256),
  ];
  for (const name of [...bad, "界".repeat(86)]) {
    assertRefused(composed(named("good", name)), "bad content", /is no file name.*rename the file/);
  }
  assertRefused(composed(named("ß", "x", "SS")), "bad content", /Two attachments.*"SS": rename/);
});

Deno.test("D1 attachments: 255 at most", () => {
  const names = (n: number) => named(...Array.from({ length: n }, (_, i) => `f${i}`));
  assert.ok(
    !isProblem(composeMessage({ ...MESSAGE, ...names(255) }, NOW, {
      maxSize: 1e6,
      maxExpandedSize: 1e6,
    })),
  );
  assertRefused(composed(names(256)), "bad content", /256 attachments, more than 255/);
});

Deno.test("D1 sizes: up to this host's own limits, which are named with what was found", () => {
  const sized = (size: number, expanded: number | null, file = 0): Header | Problem =>
    composed({
      body: { ...BODY, size, expandedSize: expanded },
      attachments: [{ ...FILE, size: file }],
    });
  assert.ok(!isProblem(sized(1000, null)));
  assert.ok(!isProblem(sized(900, 1900, 100)));
  const wire = /holds 1001 bytes as sent, more than this host takes: limits\.max_size is 1000/;
  assertRefused(sized(1001, null), "too big", wire);
  assertRefused(sized(901, 0, 100), "too big", wire);
  const expanded = /holds 2001 bytes uncompressed.*limits\.max_expanded_size is 2000/;
  assertRefused(sized(10, 2001), "too big", expanded);
  assertRefused(sized(10, 1901, 100), "too big", expanded);
});

Deno.test("D1 addresses that were typed: each is one, or the first that is none is named", () => {
  assert.deepEqual(readAddresses(["@alice@a.test", "@bob@b.test"]), [alice, bob]);
  assert.deepEqual(readAddresses([]), []);
  const refused = readAddresses(["@alice@a.test", "bob@b.test", "carol"]);
  assert.ok(isProblem(refused));
  assert.equal(refused.reason, "bad address");
  assert.match(refused.message, /^"bob@b\.test" is no address: it does not begin with "@"/);
});

const ORIGINAL = firstMessage({ from: alice, to: [bob, carol], important: true, size: 7 });

Deno.test("B6 a batch repeats its original but for pid, topic, time, add to from and add to", () => {
  for (const adder of [alice, bob, carol]) {
    const batch = composeBatch(ORIGINAL, PID, adder, [dave, bob], NOW + 1);
    const addTo = { from: adder, to: [dave, bob] };
    assert.deepEqual(batch, { ...ORIGINAL, pid: PID, topic: null, addTo, time: NOW + 1 });
  }
});

Deno.test("B6 a batch on a reply names the reply, not its parent", () => {
  const reply: Header = { ...ORIGINAL, pid: someHash(9), topic: null };
  const batch = composeBatch(reply, PID, bob, [dave], NOW);
  assert.ok(!isProblem(batch));
  assert.equal(batch.pid, PID);
});

Deno.test("D1 a batch: someone is added, nobody twice, 255 at most", () => {
  const add = (added: readonly (typeof bob)[]) => composeBatch(ORIGINAL, PID, bob, added, NOW);
  assertRefused(add([]), "bad recipients", /no recipient/);
  assertRefused(add([dave, addressOf("@DAVE@d.test")]), "bad recipients", /same address/);
  assertRefused(add(many(256)), "bad recipients", /256 recipients in "add to"/);
  assert.ok(!isProblem(add(many(255))));
});

Deno.test("D1 a batch: only who is in from or to of the original adds", () => {
  const batch = composeBatch(ORIGINAL, PID, dave, [dave], NOW);
  assertRefused(batch, "not a participant", /^@dave@d\.test is neither the sender nor in "to"/);
  const other = addressOf("@CAROL@c.test");
  assert.ok(!isProblem(composeBatch(ORIGINAL, PID, other, [dave], NOW)));
});

Deno.test("R14 nobody is added to a batch", () => {
  const batch = batchOn(ORIGINAL, PID, bob, [dave]);
  const refused = composeBatch(batch, someHash(2), bob, [dave], NOW);
  assertRefused(refused, "cannot be delivered", /original of this message is not here/);
});

/** Anything a user may come up with, mostly good. */
function compositions(): fc.Arbitrary<Composition> {
  const sizes = { size: fc.nat(900), expandedSize: fc.option(fc.nat(1500)) };
  const types = mediaTypes().map((type) => mediaTypeText(type) ?? "none");
  const part = { type: fc.oneof({ weight: 20, arbitrary: types }, fc.string()), ...sizes };
  const filename = fc.oneof({ weight: 20, arbitrary: filenames() }, fc.string());
  const anyTopic = fc.oneof(
    { weight: 9, arbitrary: topics() },
    fc.string({ unit: "binary" }),
    halves(),
  );
  const start = fc.oneof(
    anyTopic.map((topic) => ({ pid: null, topic })),
    messageHashes().map((pid) => ({ pid, topic: null })),
  );
  const own = fc.constantFrom(...["@bob@b.test", "@BOB@b.test", "@c@c.test"].map(addressOf));
  return fc.record({
    from: addresses(),
    to: fc.array(fc.oneof(addresses(), own), { maxLength: 5 }),
    start,
    body: fc.record(part, { noNullPrototype: true }),
    attachments: fc.array(fc.record({ filename, ...part }, { noNullPrototype: true }), {
      maxLength: 3,
    }),
    important: fc.boolean(),
    noReply: fc.boolean(),
  });
}

function halves(): fc.Arbitrary<string> {
  return fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => `a${String.fromCharCode(unit)}`);
}

/** What a conforming host anywhere demands of a header, before it knows who sends it. */
function assertConforming(header: Header, domains: Iterable<string>): void {
  const received = decodeHeader(encodeHeader(header));
  assert.deepEqual(received, header);
  for (const domain of domains) assert.ok(isValid(received, domain), domain);
  assert.ok(wireSize(received) <= LIMITS.maxSize);
  assert.ok(expandedSize(received) <= LIMITS.maxExpandedSize);
}

const domainsOf = (list: Header["to"]): Set<string> => new Set(list.map(({ domain }) => domain));

Deno.test("D1 whatever is taken for sending is valid at every recipient's host, byte for byte", () => {
  let taken = 0;
  const runs = 300;
  fc.assert(
    fc.property(compositions(), (composition) => {
      const header = composeMessage(composition, NOW, LIMITS);
      if (isProblem(header)) return;
      taken++;
      assertConforming(header, domainsOf(recipients(header)));
    }),
    { numRuns: runs },
  );
  assert.ok(taken > runs / 10, `only ${taken} of ${runs} were taken`);
});

Deno.test("D1 whatever batch is made is valid at every participant's host and repeats its original", () => {
  const original = validHeaders({ size: fc.constant(3) }).filter((header) =>
    header.addTo === null && wireSize(header) <= LIMITS.maxSize
  );
  fc.assert(
    fc.property(
      original,
      messageHashes(),
      fc.nat(),
      fc.array(addresses(), { minLength: 1, maxLength: 4 }),
      (original, pid: MessageHash, who, added) => {
        const candidates = [original.from, ...original.to];
        const adder = candidates[who % candidates.length] ?? original.from;
        const batch = composeBatch(original, pid, adder, added, NOW);
        if (isProblem(batch)) return;
        assertConforming(batch, domainsOf(participants(batch)));
        assert.ok(repeats(batch, original));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("the table's types travel as one byte, letter for letter, and no others", () => {
  const header = composed({ body: { ...BODY, type: "Text/plain;charset=UTF-8" } });
  assert.ok(!isProblem(header));
  assert.equal(header.type.kind, "text");
  assert.deepEqual(mediaType("text/plain;charset=UTF-8"), { kind: "common", number: 56 });
});

// Step 1.4.1: which headers are invalid, whoever sends them.

import assert from "node:assert/strict";
import fc from "fast-check";
import { isValid } from "../../src/protocol/mod.ts";
import { type Header, participants, recipients } from "../../src/wire/mod.ts";
import { addressOf, largestHeader, validHeaders } from "../support/arbitraries.ts";
import {
  alice,
  attachment,
  batchOn,
  ben,
  bob,
  carol,
  dave,
  DOMAIN,
  firstMessage,
  someHash,
} from "./facts.ts";

const PID = someHash(1);
const here = (header: Header): boolean => isValid(header, DOMAIN);

Deno.test("R3 to holds at least one address, also in a batch", () => {
  assert.equal(here(firstMessage()), true);
  assert.equal(here(firstMessage({ to: [] })), false);
  assert.equal(here(batchOn(firstMessage({ to: [] }), PID, alice, [bob])), false);
});

Deno.test("R4 the addresses in to are distinct after folding", () => {
  const pairs: [string, string][] = [
    ["@bob@b.test", "@bob@b.test"],
    ["@bob@b.test", "@BOB@b.test"],
    ["@bob@b.test", "@bob@B.test"],
    ["@straße@b.test", "@STRASSE@b.test"],
    ["@ς@b.test", "@Σ@b.test"],
    ["@σ@b.test", "@ς@b.test"],
  ];
  for (const [one, other] of pairs) {
    const to = [addressOf(one), carol, addressOf(other)];
    assert.equal(here(firstMessage({ to })), false, `${one} ${other}`);
    assert.equal(here(batchOn(firstMessage(), PID, alice, to)), false, `added ${one} ${other}`);
    assert.equal(here(firstMessage({ to: to.slice(1) })), true);
  }
});

Deno.test("R4 addresses that differ after folding are distinct", () => {
  const to = ["@bob@b.test", "@bob@c.test", "@bób@b.test", "@i@b.test", "@ı@b.test"].map(addressOf);
  assert.equal(here(firstMessage({ to })), true);
});

Deno.test("R4 the same address may be in from, in to and in add to", () => {
  assert.equal(here(firstMessage({ from: bob, to: [bob] })), true);
  assert.equal(here(batchOn(firstMessage(), PID, bob, [bob])), true);
});

Deno.test("R5 add to from is also in from or in to, in whatever spelling", () => {
  const original = firstMessage({ from: alice, to: [bob, carol] });
  for (const adder of ["@alice@a.test", "@BOB@b.test", "@Carol@C.test"]) {
    assert.equal(here(batchOn(original, PID, addressOf(adder), [ben])), true, adder);
  }
  assert.equal(here(batchOn(original, PID, dave, [ben])), false);
  assert.equal(here(batchOn(original, PID, ben, [ben])), false, "those added cannot add");
});

Deno.test("R5 add to holds at least one address", () => {
  assert.equal(here(batchOn(firstMessage(), PID, alice, [])), false);
});

Deno.test("R6 without add to, a recipient is here: that from is does not suffice", () => {
  const header = firstMessage({ from: alice, to: [carol, bob] });
  for (const domain of ["b.test", "c.test"]) assert.equal(isValid(header, domain), true);
  for (const domain of ["a.test", "d.test", "test", "x.b.test"]) {
    assert.equal(isValid(header, domain), false, domain);
  }
});

Deno.test("R6 with add to, any participant is here", () => {
  const original = firstMessage({ from: alice, to: [bob] });
  const batch = batchOn(original, PID, bob, [carol]);
  for (const domain of ["a.test", "b.test", "c.test"]) {
    assert.equal(isValid(batch, domain), true, domain);
  }
  assert.equal(isValid(batch, "d.test"), false);
  // add to from alone: it is in to, which is another spelling of the same.
  assert.equal(isValid(batchOn(original, PID, alice, [carol]), "b.test"), true);
});

Deno.test("R6 the domain of an address in capitals is this domain", () => {
  assert.equal(here(firstMessage({ to: [addressOf("@bob@B.TEST")] })), true);
});

Deno.test("R7 a common type has a mapping, of the message and of each attachment", () => {
  for (let number = 0; number < 256; number++) {
    const type = { kind: "common", number } as const;
    const mapped = number >= 1 && number <= 64;
    assert.equal(here(firstMessage({ type })), mapped, `${number}`);
    const attachments = [attachment("a", 1), { ...attachment("b", 1), type }];
    assert.equal(here(firstMessage({ attachments })), mapped, `attachment ${number}`);
  }
});

Deno.test("a type that is spelled out is a media type (own decision)", () => {
  const cases: [string, boolean][] = [
    ["text/plain", true],
    ["text/plain;charset=UTF-8", true],
    ["a/b; c=d", true],
    ["", false],
    ["text", false],
    ["text/", false],
    ["/plain", false],
    ["text/plain\n", false],
    ["te xt/plain", false],
  ];
  for (const [text, valid] of cases) {
    const type = { kind: "text", text } as const;
    assert.equal(here(firstMessage({ type })), valid, text);
    assert.equal(here(firstMessage({ attachments: [{ ...attachment("a", 1), type }] })), valid);
  }
});

Deno.test("W6 reserved bits are refused, of the message and of an attachment (own decision)", () => {
  for (let bit = 1; bit < 256; bit <<= 1) {
    if (bit >= 64) assert.equal(here(firstMessage({ reservedBits: bit })), false, `${bit}`);
    if (bit < 4) continue;
    const attachments = [attachment("a", 1), { ...attachment("b", 1), reservedBits: bit }];
    assert.equal(here(firstMessage({ attachments })), false, `attachment ${bit}`);
  }
});

Deno.test("A5 filenames follow the grammar", () => {
  const good = ["a", "doc.pdf", "a b", "x-1_2 3.4", "世界.txt", "²", "n".repeat(255)];
  const bad = ["", ".a", "a.", "a..b", "a  b", " a", "a ", "-", "a/b", "a\\b", "..", "a\0", "a\n"];
  for (const name of good) {
    assert.equal(here(firstMessage({ attachments: [attachment(name, 1)] })), true, name);
  }
  for (const name of [...bad, "😀", "e\u0301", "a\u200Db", "n".repeat(256)]) {
    assert.equal(here(firstMessage({ attachments: [attachment(name, 1)] })), false, name);
  }
});

Deno.test("A5 filenames are unique after folding", () => {
  for (const [one, other] of [["a", "a"], ["a.PDF", "A.pdf"], ["ß", "SS"]] as const) {
    const attachments = [attachment(one, 1), attachment("between", 1), attachment(other, 1)];
    assert.equal(here(firstMessage({ attachments })), false, one);
  }
});

Deno.test("1.4.1.7 and 1.4.1.8: every mix of compressed and plain parts is valid", () => {
  for (const expandedSize of [null, 0, 9]) {
    for (const other of [null, 0, 9]) {
      const attachments = [attachment("a", 1, other)];
      assert.equal(here(firstMessage({ expandedSize, attachments })), true);
    }
  }
});

Deno.test("the largest header there is, with a pid and a number where texts may repeat, is valid", () => {
  const { pid: _pid, topic: _topic, ...fields } = largestHeader();
  const batch: Header = { ...fields, pid: PID, topic: null };
  assert.equal(isValid(batch, "to.example"), true);
});

Deno.test("whatever a conforming sender makes is valid where it is sent to, and nowhere else", () => {
  fc.assert(
    fc.property(validHeaders(), (header) => {
      const concerned = header.addTo === null ? recipients(header) : participants(header);
      const domains = new Set(concerned.map((address) => address.domain));
      for (const domain of domains) assert.equal(isValid(header, domain), true);
      assert.equal(isValid(header, "elsewhere.invalid"), false);
    }),
    { numRuns: 50 },
  );
});

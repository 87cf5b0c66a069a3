import assert from "node:assert/strict";
import fc from "fast-check";
import { Address, addressProblem, fold } from "../../src/wire/mod.ts";
import { addresses, addressOf } from "../support/arbitraries.ts";

Deno.test("A1 an address has its parts: the recipient as written, the domain in lower case", () => {
  const address = addressOf("@Ana.Ruiz@Example.COM");
  assert.equal(address.text, "@Ana.Ruiz@Example.COM");
  assert.equal(address.recipient, "Ana.Ruiz");
  assert.equal(address.domain, "example.com");
  assert.equal(address.key, "@ana.ruiz@example.com");
  assert.equal(`${address}`, "@Ana.Ruiz@Example.COM");
});

Deno.test("A1 exactly two @: the first character, and between recipient and domain", () => {
  assertNone("", "@", "@@", "@a", "@a@", "@@b", "a@b", " @a@b", "@a@b@", "@a@b@c", "@a@b ");
});

Deno.test("A1 a whole address takes at most 255 bytes, counted in UTF-8", () => {
  const longest = `@${"n".repeat(242)}@example.com`;
  assert.equal(addressOf(longest).text.length, 255);
  assertNone(longest.replace("@n", "@nn"));
  addressOf(`@${"é".repeat(121)}@example.com`);
  assertNone(`@${"é".repeat(121)}n@example.com`);
  addressOf(`@${"界".repeat(80)}nn@example.com`);
  assertNone(`@${"界".repeat(81)}@example.com`);
  addressOf(`@${"\u{20000}".repeat(60)}nn@example.com`);
  assertNone(`@${"\u{20000}".repeat(60)}nnn@example.com`);
});

Deno.test("A1, A2, A3 of all texts of six characters or fewer the addresses are taken, no others", () => {
  // A letter, a number, what separates, a letter that only a recipient has, what nothing has.
  let taken = 0;
  for (const text of texts([..."@a1-.é "], 6)) {
    const expected = isAddress(text);
    if (expected) taken++;
    assert.equal(Address.parse(text) !== null, expected, `"${text}"`);
  }
  assert.equal(taken, 210);
});

Deno.test("A2 letters and numbers of every script, with single - _ . between them", () => {
  assertRecipients("a", "7", "世界", "Ünal", "αβγ", "Ⅷ", "½", "४२", "עברית", "한국", "\u{10400}");
  assertRecipients("a-b", "a_b", "a.b", "a.b-c_d", "1.2", "世-界", "\u{1E922}_\u{1E900}");
});

Deno.test("A2 no separator first, last or next to another, and no other character", () => {
  assertNoRecipients("-a", "_a", ".a", "a-", "a_", "a.", "a--b", "a__b", "a..b", "a.-b", "a_.b");
  assertNoRecipients("a b", "a+b", "a'b", "a/b", "a\\b", "a:b", "a,b", "a\u{0}b", "a\nb", "a\n");
  // Neither letters nor numbers: a combining accent, a vowel sign, a joiner, a pictograph, a lone surrogate.
  assertNoRecipients("e\u{301}", "हि", "a\u{200D}b", "\u{1F600}", "a\u{D800}b");
});

Deno.test("A3 labels of letters, digits and inner hyphens, a digit may come first", () => {
  assertDomains("example.com", "EXAMPLE.Com", "3com.example", "123.example", "localhost", "a-b.c");
  assertDomains("a--b.example", "a.b.c.d.e.f", `${"l".repeat(63)}.example`);
  assertNoDomains("", ".", "example.com.", ".example.com", "a..b", "-a.b", "a-.b", "a.-", "a_b.c");
  assertNoDomains(
    "_fmsg.example",
    "a b.c",
    `${"l".repeat(64)}.example`,
    "a.b\n",
    "[127.0.0.1]",
    "::1",
  );
});

Deno.test("A3 an international domain is an A-label on the wire, its U-label is refused", () => {
  assertDomains("xn--mnchen-3ya.example", "XN--MNCHEN-3YA.example", "xn--j6w193g.xn--fiqs8s");
  assertNoDomains("münchen.example", "香港.中国", "ｅxample.com", "example。com");
  // Letters that case folding takes for k and s.
  assertNoDomains("\u{212A}.example", "\u{17F}.example");
});

Deno.test("A4 addresses are the same after default case folding, and the spelling is kept", () => {
  for (
    const [a, b] of [
      ["@Straße@example.com", "@STRASSE@EXAMPLE.COM"],
      ["@ΟΔΥΣΣΕΥΣ@example.com", "@οδυσσευς@example.com"],
      ["@σς@example.com", "@ΣΣ@example.com"],
      ["@\u{1E9E}@example.com", "@ss@example.com"],
      ["@\u{212A}@example.com", "@k@example.com"],
      ["@\u{10400}@example.com", "@\u{10428}@example.com"],
      ["@a@XN--MNCHEN-3YA.de", "@A@xn--mnchen-3ya.DE"],
    ] as const
  ) {
    assert.ok(Address.same(addressOf(a), addressOf(b)), `${a} and ${b}`);
    assert.equal(addressOf(a).key, addressOf(b).key);
    assert.deepEqual([addressOf(a).text, addressOf(b).text], [a, b]);
  }
});

Deno.test("A4 what folding keeps apart are two addresses", () => {
  for (
    const [a, b] of [
      ["@a@example.com", "@a@example.org"],
      ["@a@example.com", "@b@example.com"],
      ["@a.b@example.com", "@a-b@example.com"],
      ["@ı@example.com", "@I@example.com"],
      ["@é@example.com", "@e@example.com"],
      ["@ﬁ@example.com", "@ﬂ@example.com"],
    ] as const
  ) {
    assert.ok(!Address.same(addressOf(a), addressOf(b)), `${a} and ${b}`);
  }
});

Deno.test("A4 an address is the same as its folded spelling, of which the domain is a part", () => {
  fc.assert(fc.property(addresses(), (address) => {
    assert.equal(address.key, fold(address.text));
    assert.ok(address.key.endsWith(`@${address.domain}`));
    // A dotted capital I folds to two characters, of which one is no letter.
    const folded = Address.parse(address.key);
    if (!address.text.includes("\u{130}")) assert.ok(folded && Address.same(address, folded));
  }));
});

Deno.test("why a text is no address is told to who typed it, and nothing of one that is", () => {
  assert.equal(addressProblem("@user@example.com"), null);
  assert.match(addressProblem("user@example.com") ?? "", /begin with "@".*@user@example\.com/);
  assert.match(addressProblem("") ?? "", /begin with "@"/);
  assert.match(addressProblem("@user") ?? "", /exactly two "@"/);
  assert.match(addressProblem("@a@b@c") ?? "", /exactly two "@"/);
  assert.match(addressProblem("@a..b@example.com") ?? "", /^"a\.\.b" may hold letters/);
  assert.match(addressProblem("@@example.com") ?? "", /^"" may hold letters/);
  assert.match(addressProblem("@user@exa_mple.com") ?? "", /^"exa_mple\.com" is no domain name$/);
  assert.match(addressProblem(`@${"n".repeat(250)}@b.example`) ?? "", /longer than 255 bytes/);
});

/** All texts of at most `length` of the given characters. */
function* texts(characters: readonly string[], length: number): Generator<string> {
  yield "";
  if (length === 0) return;
  for (const shorter of texts(characters, length - 1)) {
    for (const character of characters) yield shorter + character;
  }
}

/** "Address" and RFC 1123 once more, said character by character. */
function isAddress(text: string): boolean {
  const [start, recipient, domain, ...others] = text.split("@");
  if (start !== "" || recipient === undefined || domain === undefined) return false;
  const isLabel = (label: string) =>
    /^[a-z0-9-]+$/.test(label) && !label.startsWith("-") && !label.endsWith("-");
  return others.length === 0 && isName([...recipient]) && domain.split(".").every(isLabel);
}

function isName(characters: readonly string[]): boolean {
  const isLetter = (character: string | undefined) => /^[a1é]$/.test(character ?? "");
  return characters.length > 0 && characters.every((character, i) => {
    const stands = isLetter(characters[i - 1]) && isLetter(characters[i + 1]);
    return isLetter(character) || (stands && ["-", "."].includes(character));
  });
}

function assertNone(...texts: string[]): void {
  for (const text of texts) assert.equal(Address.parse(text), null, `"${text}"`);
}

function assertRecipients(...names: string[]): void {
  for (const name of names) assert.equal(addressOf(`@${name}@example.com`).recipient, name);
}

function assertNoRecipients(...names: string[]): void {
  assertNone(...names.map((name) => `@${name}@example.com`));
}

function assertDomains(...names: string[]): void {
  for (const name of names) assert.equal(addressOf(`@user@${name}`).domain, name.toLowerCase());
}

function assertNoDomains(...names: string[]): void {
  assertNone(...names.map((name) => `@user@${name}`));
}

// Addresses as they are typed and pasted, and names of files.

import assert from "node:assert/strict";
import fc from "fast-check";
import { filenameFor, typedAddress, typedAddresses } from "../../src/web/addresses.ts";
import { isFilename } from "../../src/wire/name.ts";

function typed(text: string): string {
  const address = typedAddress(text, "own.test");
  return address.kind === "address" ? address.text : address.problem;
}

Deno.test("A1 A2 A3 what is typed is completed, or its problem named", () => {
  const cases = {
    "bob": "@bob@own.test",
    "@bob": "@bob@own.test",
    "bob@b.test": "@bob@b.test",
    " @Bob@B.test, ": "@Bob@B.test",
    "@世界@example.com": "@世界@example.com",
    "": "empty",
    "  ": "empty",
    "@a@b@c": "shape",
    "a@b@c": "shape",
    "bo b": "name",
    "@-bob@b.test": "name",
    "@bob@": "domain",
    "@bob@b_c.test": "domain",
    [`@${"b".repeat(250)}@b.test`]: "long",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(typed(text), expected, text);
});

Deno.test("A4 spellings of one address have one key", () => {
  const keys = typedAddresses("@Straße@b.test; STRASSE@B.TEST\n", "own.test")
    .map((address) => address.kind === "address" ? address.key : "");
  assert.deepEqual(keys, ["@strasse@b.test", "@strasse@b.test"]);
});

Deno.test("a list of thousands that is pasted is looked at only so far as a message can hold", () => {
  assert.equal(typedAddresses("a@b.test,".repeat(5000), "own.test").length, 255);
});

Deno.test("A5 names of files become such that fmsg takes, and keep their ending", () => {
  assert.equal(filenameFor("report.pdf"), "report.pdf");
  assert.equal(filenameFor("Scan (2) [final].pdf"), "Scan 2-final.pdf");
  assert.equal(filenameFor("../../etc/passwd"), "etc-passwd");
  assert.equal(filenameFor("***"), "file");
  assert.equal(filenameFor(`${"x".repeat(300)}.png`).slice(-5), "x.png");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (name) => isFilename(filenameFor(name))));
});

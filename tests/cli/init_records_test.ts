// The DNS records that the wizard tells.
import assert from "node:assert/strict";
import fc from "fast-check";
import { recordsText } from "../../src/cli/init/records.ts";
import { width } from "../../src/cli/text.ts";

const BOTH = { a: ["192.0.2.1"], aaaa: ["2001:db8::1"] };

Deno.test("the records are there for a form, and as lines of a zone file", () => {
  assert.equal(
    recordsText("example.com", BOTH, 80),
    `DNS records to add:

  Type  Name  Value
  A     fmsg  192.0.2.1
  AAAA  fmsg  2001:db8::1

That is the name for a form that adds the domain by itself. In full it is:

  fmsg.example.com

The same as lines of a zone file:

  fmsg.example.com. 3600 IN A 192.0.2.1
  fmsg.example.com. 3600 IN AAAA 2001:db8::1

These addresses only, and directly: no proxy or CDN in front ("DNS only"), no
CNAME to a name that others answer for. Every receiver compares them with the
address that a message comes from, and hangs up when it is another.`,
  );
});

Deno.test("there is an AAAA record only where there is an IPv6 address", () => {
  assert.doesNotMatch(recordsText("example.com", { a: ["192.0.2.1"], aaaa: [] }, 80), /AAAA|::/);
  assert.doesNotMatch(recordsText("example.com", { a: [], aaaa: ["::1"] }, 80), /\bA\b/);
});

Deno.test("an address that could not be found out is left to be filled in", () => {
  const text = recordsText("example.com", { a: [], aaaa: [] }, 80);
  assert.match(text, /^ {2}A {5}fmsg {2}<this machine's public IPv4 address>$/m);
  assert.doesNotMatch(text, / IN /);
});

Deno.test("a domain below another may be kept in the zone of that one", () => {
  const text = recordsText("chat.example.com", BOTH, 80);
  assert.match(text, /is kept in that of its parent, a\nform wants:\n\n {2}fmsg\.chat\n/);
  assert.match(text, /^ {2}fmsg\.chat\.example\.com\. 3600 IN A 192\.0\.2\.1$/m);
  assert.doesNotMatch(recordsText("example.com", BOTH, 80), /parent/);
  assert.doesNotMatch(recordsText("localhost", BOTH, 80), /parent/);
});

Deno.test("A3 an international domain is a record of A-labels, and its own letters stand beside", () => {
  const text = recordsText("xn--bcher-kva.example", BOTH, 80);
  assert.match(text, /^ {2}fmsg\.xn--bcher-kva\.example\n {2}\(fmsg\.bücher\.example\)$/m);
  assert.match(text, /^ {2}fmsg\.xn--bcher-kva\.example\. 3600 IN A 192\.0\.2\.1$/m);
});

Deno.test("every record is whole however narrow the terminal, and sentences fit it", () => {
  const label = fc.stringMatching(/^[a-z]{1,63}$/);
  const domain = fc.array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join(".")).filter((name) => name.length <= 248);
  const addresses = fc.record({
    a: fc.array(fc.ipV4(), { maxLength: 3 }),
    aaaa: fc.array(fc.ipV6(), { maxLength: 3 }),
  });
  const columns = fc.oneof(fc.integer({ min: 20, max: 120 }), fc.constant(Infinity));
  fc.assert(fc.property(domain, addresses, columns, (domain, { a, aaaa }, columns) => {
    const lines = recordsText(domain, { a, aaaa }, columns).split("\n");
    const zone = [...a.map((ip) => `A ${ip}`), ...aaaa.map((ip) => `AAAA ${ip}`)]
      .map((record) => `  fmsg.${domain}. 3600 IN ${record}`);
    assert.deepEqual(lines.filter((line) => line.includes(" IN ")), zone);
    assert.ok(lines.includes(`  fmsg.${domain}`));
    for (const ip of [...a, ...aaaa]) {
      assert.ok(lines.some((line) => /^ {2}A/.test(line) && line.endsWith(` ${ip}`)), ip);
    }
    for (const line of lines.filter((line) => !line.startsWith("  "))) {
      assert.ok(width(line) <= Math.min(columns, 80), line);
    }
  }));
});

// IP addresses in one spelling, and what they are counted by.
import assert from "node:assert/strict";
import { canonicalIp } from "../../src/net/mod.ts";
import { isIPv6, sourceKey } from "../../src/net/ip.ts";

Deno.test("R8 an address has one spelling, and IPv4 in IPv6 is IPv4", () => {
  for (
    const [text, canonical] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["::FFFF:c000:201", "192.0.2.1"],
      ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
      ["fe80::1%eth0", "fe80::1"],
      ["::ffff:127.0.0.1%lo", "127.0.0.1"],
      ["::", "::"],
      ["", null],
      ["192.0.2", null],
      ["192.0.2.256", null],
      ["fmsg.example.test", null],
      ["2001:db8::1::2", null],
    ] as const
  ) assert.equal(canonicalIp(text), canonical, text);
});

Deno.test("S1 an IPv4 address counts alone, an IPv6 address with its network of 64 bits", () => {
  const same = (one: string, other: string): boolean => sourceKey(one) === sourceKey(other);
  assert.ok(same("192.0.2.1", "192.0.2.1"));
  assert.ok(!same("192.0.2.1", "192.0.2.2"));
  assert.ok(same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
  assert.ok(same("2001:db8:0:1::1", "2001:db8:0:1:8000::"));
  assert.ok(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
  assert.ok(!same("2001:db8::1", "2001:db8:0:1::1"));
  // Four groups of one digit are not the same as other four with the same digits.
  assert.ok(!same("1:11::", "11:1::"));
  assert.equal(sourceKey(""), "");
});

Deno.test("an address is of one family", () => {
  assert.ok(isIPv6("2001:db8::1"));
  assert.ok(!isIPv6("192.0.2.1"));
});

// IP addresses in one spelling, and what they are counted by.
import assert from "node:assert/strict";
import { canonicalIp } from "../../src/net/mod.ts";
import { inRanges, isIPv6, sourceKey, sourceText } from "../../src/net/ip.ts";

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

Deno.test("S6 for people an address is itself, and a network of IPv6 is written with its bits", () => {
  for (
    const [ip, text] of [
      ["192.0.2.1", "192.0.2.1"],
      ["2001:db8::1", "2001:db8::/64"],
      ["2001:db8:0:1:8000::", "2001:db8:0:1::/64"],
      ["::1", "::/64"],
      ["fe80::1", "fe80::/64"],
      ["0:0:0:1::1", "0:0:0:1::/64"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ] as const
  ) {
    assert.equal(sourceText(ip), text);
    // What is shown can be typed again, without the bits.
    assert.equal(sourceKey(text.replace("/64", "")), sourceKey(ip));
  }
});

Deno.test("S6 an address is in a range of its own family with the same first bits", () => {
  const within: readonly (readonly [string, string])[] = [
    ["127.0.0.1", "127.0.0.0/8"],
    ["127.255.255.255", "127.0.0.0/8"],
    ["192.0.2.1", "192.0.2.1/32"],
    ["192.0.2.77", "0.0.0.0/0"],
    ["::1", "::1/128"],
    ["2001:db8::5", "2001:db8::/32"],
    ["2001:db8::5", "::/0"],
    // IPv4 in IPv6 is IPv4, also in a range.
    ["192.0.2.9", "::ffff:192.0.2.0/120"],
    ["192.0.2.9", "::ffff:0:0/96"],
  ];
  for (const [ip, range] of within) assert.ok(inRanges(ip, [range]), `${ip} in ${range}`);
  const outside: readonly (readonly [string, string])[] = [
    ["128.0.0.1", "127.0.0.0/8"],
    ["192.0.2.2", "192.0.2.1/32"],
    ["::2", "::1/128"],
    ["2001:db9::", "2001:db8::/32"],
    ["192.0.2.1", "::/0"],
    ["::1", "0.0.0.0/0"],
    ["192.0.3.9", "::ffff:192.0.2.0/120"],
    ["::1", "::ffff:0:0/96"],
  ];
  for (const [ip, range] of outside) assert.ok(!inRanges(ip, [range]), `${ip} in ${range}`);
  assert.ok(!inRanges("192.0.2.1", []));
  assert.ok(inRanges("::1", ["127.0.0.0/8", "::1/128"]));
});

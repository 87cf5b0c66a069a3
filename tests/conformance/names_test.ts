// Addresses and attachment filenames as other hosts meet them (rows A1 to A5).

import assert from "node:assert/strict";
import { draft } from "../support/message.ts";
import { received } from "./outcome.ts";
import { type Case, Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const UNKNOWN = { codes: [64, 100] };
const INVALID = { codes: [1] };

/** 255 bytes with what stands around it. */
const LONGEST = "n".repeat(255 - "@@host1.test".length);

Deno.test("users are found under every spelling of their address, and under no other", async (t) => {
  const users = [
    LONGEST,
    "世界",
    "Ünïcødé",
    "𝔘𝔫𝔦",
    "a-b_c.d",
    "٣٤",
    "1",
    "Straße",
    "Σίσυφος",
    "Kelvin",
    "i",
    "ǆ",
    "ﬀ",
  ];
  await using stage = await Stage.set({ users });
  const { host } = stage;
  const to = (name: string, domain = host.domain) =>
    stage.letter({ to: [`@${name}@${domain}`, "@x@elsewhere.test"] });
  const cases: Case[] = [
    { name: "A1 an address of 255 bytes", message: to(LONGEST), ...TAKEN },
    ...users.slice(1, 7).map((name) => ({
      name: `A2 letters and numbers of any script: ${name}`,
      message: to(name),
      ...TAKEN,
    })),
    {
      name: "A3 the domain in another case",
      message: to("alice", "HOST1.Test"),
      ...TAKEN,
    },
    ...[
      ["STRASSE", "Straße"],
      ["ſtrasse", "Straße"],
      ["straẞe", "Straße"],
      ["ΣΊΣΥΦΟΣ", "Σίσυφος"],
      ["σίσυφοσ", "Σίσυφος"],
      ["\u212aelvin", "Kelvin with a Kelvin sign"],
      ["I", "i"],
      ["Ǆ", "ǆ"],
      ["ǅ", "ǆ"],
      ["FF", "ﬀ"],
      ["ÜNÏCØDÉ", "Ünïcødé"],
    ].map(([name = "", user]) => ({ name: `A4 ${name} is ${user}`, message: to(name), ...TAKEN })),
    ...[
      ["ı", "without its dot is not i"],
      ["İ", "with a dot is not i"],
      ["Strase", "is not Straße"],
      ["Unicode", "is not Ünïcødé"],
      ["ᴷelvin", "with a modifier letter is not Kelvin"],
      ["a.b_c.d", "is not a-b_c.d"],
      ["34", "is not ٣٤"],
    ].map(([name = "", what]) => ({ name: `A4 ${name} ${what}`, message: to(name), ...UNKNOWN })),
    ...[
      "@x@a",
      "@x@1.2.3.4",
      "@x@xn--hst-sna.test",
      `@x@${"a".repeat(63)}.${"b".repeat(63)}.test`,
      "@x@9gag.123",
    ].map((address) => ({
      name: `A3 a domain by RFC 1123: ${address}`,
      message: stage.letter({ to: [stage.alice, address] }),
      ...TAKEN,
    })),
  ];
  await stage.play(t, cases);
  await t.step("A4 the spelling of the header is kept", async () => {
    const message = draft({ from: stage.ann.toUpperCase(), to: ["@STRASSE@HOST1.TEST"] });
    await stage.expect(message, TAKEN);
    const [shown] = received(host, "Straße");
    assert.deepEqual([shown?.from, shown?.to], [stage.ann.toUpperCase(), ["@STRASSE@HOST1.TEST"]]);
    assert.equal((await host.user("@strasse@host1.test")).address, "@Straße@host1.test");
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("attachments have names that any system can keep", async (t) => {
  await using stage = await Stage.set();
  const named = (...filenames: readonly string[]) =>
    stage.letter({ attachments: filenames.map((filename) => ({ filename, body: "x" })) });
  const good = [
    "a",
    "photo 1.jpg",
    "README",
    "Übersicht-2_3 final.tar.gz",
    "世界.txt",
    "𝔘.bin",
    "n".repeat(255),
    "con",
  ];
  const bad = [
    "",
    ".",
    "..",
    ".profile",
    "a.",
    " a",
    "a ",
    "a  b",
    "a. b",
    "a..b",
    "a-_b",
    "../a",
    "a/b",
    "a\\b",
    "a:b",
    "a\0b",
    "a\nb",
    "a\u00a0b",
    "a\u202eb",
    "a+b",
    "e\u0301",
    "a😀",
    "\ufeffa",
  ];
  await stage.play(t, [
    ...good.map((name) => ({
      name: `A5 taken: ${JSON.stringify(name.slice(0, 40))}`,
      message: named(name),
      ...TAKEN,
    })),
    ...bad.map((name) => ({
      name: `A5 invalid: ${JSON.stringify(name)}`,
      message: named("first", name),
      ...INVALID,
    })),
    { name: "A5 twice the same", message: named("a.txt", "b", "a.txt"), ...INVALID },
    { name: "A5 the same after folding", message: named("straße.txt", "STRASSE.TXT"), ...INVALID },
    { name: "A5 nearly the same", message: named("a.txt", "a-txt", "a txt", "á.txt"), ...TAKEN },
  ]);
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

// Receiving a header: what is told from its bytes alone (1.3, 1.4 and 1.4.1).

import assert from "node:assert/strict";
import { draft, type Message, noise, withHeader } from "../support/message.ts";
import { Stage } from "./stage.ts";

let pids = 0;

/** The hash of nothing that is here, another one each time. */
function unknownPid(): Uint8Array {
  return new Uint8Array(32).fill(++pids);
}

/** A message with every field, which is a batch that comes before its original. */
function fullest(stage: Stage): Message {
  const { ann, alice, host } = stage;
  return stage.letter({
    pid: unknownPid(),
    to: [alice, "@x@y.test"],
    addTo: { from: ann, to: [host.address("bob")] },
    body: "Compressed text",
    compress: true,
    type: "text/x-test",
    attachments: [
      { filename: "a b.txt", body: "One", compress: true },
      { filename: "c", body: "Two", type: "image/x-test" },
    ],
  });
}

Deno.test("the first byte tells what comes", async (t) => {
  await using stage = await Stage.set();
  const version = (version: number) => stage.letter({ version });
  await stage.play(t, [
    { name: "R1 version 1 is a message", message: version(1), codes: [64, 200] },
    ...[0, 2, 64, 127, 128].map((first) => ({
      name: `R1 ${first} is answered with 2, and the connection closed`,
      message: version(first),
      codes: [2],
    })),
    // Between 1.3.3 and "Handling a Challenge" 1.3 the decision is that no challenge gets a code.
    ...[129, 254].map((first) => ({
      name: `R1 ${first} is a challenge of another version, and terminated`,
      message: version(first),
      terminated: "challenge version not supported",
    })),
    {
      name: "R1 255 is a challenge, and never answered with a code",
      message: version(255),
      terminated: "challenge matches nothing",
    },
    {
      name: "R1 the first byte alone suffices to refuse a version",
      message: version(2),
      options: { cutHeader: 1 },
      codes: [2],
    },
  ]);
  await t.step("R1 a connection without a byte is no exchange, and told as refused", async () => {
    const { host, peer } = stage;
    const seen = host.log.length;
    await peer.send(version(1), { cutHeader: 0, then: "end" });
    const line = await host.logLine(({ msg }) => msg === "refused", seen);
    assert.deepEqual([line.peer, line.reason], [peer.ip, "no byte came"]);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a header that cannot be decoded is terminated without a byte", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { ann, alice } = stage;
  const text = (...bytes: number[]) => Uint8Array.from(bytes);

  await t.step("R2 the header with every field is taken in one piece and in many", async () => {
    await stage.expect(fullest(stage), { codes: [64, 200, 200] });
    const slowly = { headerGap: 1, dataGap: 1, piece: 1 };
    await stage.expect(fullest(stage), { codes: [64, 200, 200] }, slowly);
  });
  await t.step("R2 truncated anywhere, however the connection ends", async () => {
    const message = fullest(stage);
    const cuts = Array.from({ length: message.header.length }, (_, cut) => cut);
    const endings = ["end", "fin", "reset"] as const;
    const worker = async () => {
      for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift()) {
        const then = endings[cut % endings.length];
        const { codes, error } = await stage.peer.send(
          message,
          then === undefined ? { cutHeader: cut } : { cutHeader: cut, then },
        );
        assert.deepEqual({ cut, codes, error }, { cut, codes: [], error: null });
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    assert.equal(await stage.stores(message), false);
  });

  const notUtf8 = text(0x40, 0xff, 0x40, 0x78);
  const wrongTexts: readonly (readonly [string, string | Uint8Array])[] = [
    ["that is empty", ""],
    ["that is not UTF-8", notUtf8],
    ["with a surrogate in its UTF-8", text(0x40, 0xed, 0xa0, 0x80, 0x40, 0x78)],
    ["with an overlong character", text(0x40, 0xc1, 0xa1, 0x40, 0x78)],
    ["without a domain", "@bob"],
    ["with an empty domain", "@bob@"],
    ["with an empty recipient", "@@host1.test"],
    ["without the leading @", "bob@host1.test"],
    ["with three @", "@bob@host1.test@host1.test"],
    ["with a space", "@bo b@host1.test"],
    ["with a byte-order mark", "\ufeff@bob@host1.test"],
    ["with a combining mark", "@bo\u0301b@host1.test"],
    ["with a dot first", "@.bob@host1.test"],
    ["with a hyphen last", "@bob-@host1.test"],
    ["with two adjacent specials", "@b-_b@host1.test"],
    ["with a NUL", "@bob\0@host1.test"],
    ["with an empty label", "@bob@host1..test"],
    ["with a final dot", "@bob@host1.test."],
    ["with a label that begins with a hyphen", "@bob@-host1.test"],
    ["with a label of 64 characters", `@bob@${"a".repeat(64)}.test`],
    ["with an international domain as it is shown", "@bob@höst.test"],
  ];
  const terminated = "malformed header";
  await stage.play(t, [
    ...wrongTexts.map(([what, wrong]) => ({
      name: `R2 an address ${what} in to`,
      message: stage.letter({ to: [alice, wrong] }),
      terminated,
    })),
    { name: "R2 in from", message: stage.letter({ from: notUtf8 }), terminated },
    {
      name: "R2 in add to from",
      message: stage.letter({ pid: unknownPid(), addTo: { from: "@ann", to: [alice] } }),
      terminated,
    },
    {
      name: "R2 in add to",
      message: stage.letter({ pid: unknownPid(), addTo: { from: ann, to: [alice, "@bob"] } }),
      terminated,
    },
    { name: "R2 a topic that is not UTF-8", message: stage.letter({ topic: notUtf8 }), terminated },
    {
      name: "R2 a type that is not US-ASCII",
      message: stage.letter({ type: "text/plain;charset=ü" }),
      terminated,
    },
    {
      name: "R2 a type of an attachment that is not US-ASCII",
      message: stage.letter({ attachments: [{ filename: "a", type: "text/ü" }] }),
      terminated,
    },
    {
      name: "R2 a filename that is not UTF-8",
      message: stage.letter({ attachments: [{ filename: notUtf8 }] }),
      terminated,
    },
    {
      name: "R2 comes before what is invalid: no recipients, and then a bad topic",
      message: stage.letter({ to: [], topic: notUtf8 }),
      terminated,
    },
  ]);
  await t.step("R2 noise behind the version, whatever it says", async () => {
    const all = noise(200_000);
    for (let at = 0; at < 20; at++) {
      const header = all.slice(at * 10_000, (at + 1) * 10_000);
      header[0] = 1;
      const { codes } = await stage.peer.send(withHeader(stage.letter(), header), { then: "end" });
      // Few of its addresses begin with "@".
      assert.deepEqual(codes, []);
    }
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a header that is not valid is answered with 1", async (t) => {
  await using stage = await Stage.set({ users: ["bob", "Straße", "Σίσυφος"] });
  const { ann, alice, host } = stage;
  const bob = host.address("bob");
  const elsewhere = "@bob@elsewhere.test";
  const batch = (from: string, to: readonly string[], changes = {}) =>
    stage.letter({ pid: unknownPid(), addTo: { from, to }, ...changes });
  const attached = (type: number | string | Uint8Array) =>
    stage.letter({ attachments: [{ filename: "a" }, { filename: "b", type }] });
  const taken = { codes: [64, 200] };
  const invalid = { codes: [1] };
  await stage.play(t, [
    { name: "R3 no address in to", message: stage.letter({ to: [] }), ...invalid },
    { name: "R3 also not in a batch", message: batch(ann, [bob], { to: [] }), ...invalid },

    {
      name: "R4 the same address twice in to",
      message: stage.letter({ to: [alice, elsewhere, alice] }),
      ...invalid,
    },
    ...[
      [host.address("Straße"), host.address("STRASSE")],
      [host.address("Σίσυφος"), host.address("σίσυφοσ")],
      [bob, "@BOB@HOST1.TEST"],
      [elsewhere, "@bob@Elsewhere.Test"],
    ].map(([one = "", other = ""]) => ({
      name: `R4 ${one} and ${other} are the same address`,
      message: stage.letter({ to: [one, alice, other] }),
      ...invalid,
    })),
    {
      name: "R4 the same address twice in add to",
      message: batch(ann, [bob, "@Bob@host1.test"]),
      ...invalid,
    },
    {
      name: "R4 the same address in to and in add to is legal",
      message: batch(ann, [alice, bob]),
      codes: [64, 200, 103, 200],
    },
    {
      name: "R4 the same address in from and in to is legal",
      message: stage.letter({ to: [ann, alice] }),
      ...taken,
    },

    {
      name: "R5 who adds is neither in from nor in to",
      message: batch(stage.peer.address("other"), [bob]),
      ...invalid,
    },
    {
      name: "R5 who adds is only in add to",
      message: batch(stage.peer.address("ben"), [bob, stage.peer.address("ben")]),
      ...invalid,
    },
    { name: "R5 nobody is added", message: batch(ann, []), ...invalid },
    {
      name: "R5 recipients are added to nothing (no pid)",
      message: stage.letter({ addTo: { from: ann, to: [bob] } }),
      ...invalid,
    },

    {
      name: "R6 no recipient is here",
      message: stage.letter({ to: [elsewhere, ann] }),
      ...invalid,
    },
    {
      name: "R6 a name below this domain is another domain",
      message: stage.letter({ to: ["@alice@sub.host1.test", "@alice@test"] }),
      ...invalid,
    },
    {
      name: "R6 with from alone here a message is invalid",
      message: draft({ from: bob, to: [elsewhere] }),
      ...invalid,
    },
    {
      name: "R6 no participant of a batch is here",
      message: batch(ann, [elsewhere], { to: ["@x@elsewhere.test"] }),
      ...invalid,
    },
    {
      name: "R6 with from alone here a batch is valid, and its parent is missed",
      message: draft({
        from: bob,
        to: [ann],
        pid: unknownPid(),
        addTo: { from: ann, to: [elsewhere] },
      }),
      codes: [6],
    },
    {
      name: "R6 with an address in to here a batch is valid",
      message: batch(ann, [elsewhere]),
      ...taken,
    },
    {
      name: "R6 with an address in add to here a batch is valid",
      message: batch(ann, [bob], { to: [elsewhere] }),
      ...taken,
    },
    {
      name: "R6 this domain is compared without regard to case",
      message: stage.letter({ to: ["@ALICE@HOST1.test"] }),
      ...taken,
    },

    ...[0, 65, 255].flatMap((type) => [
      {
        name: `R7 the type has the unmapped number ${type}`,
        message: stage.letter({ type }),
        ...invalid,
      },
      {
        name: `R7 the last attachment's type has the unmapped number ${type}`,
        message: attached(type),
        ...invalid,
      },
    ]),
    ...[1, 64].flatMap((type) => [
      { name: `R7 the type has the number ${type}`, message: stage.letter({ type }), ...taken },
      { name: `R7 an attachment's type has the number ${type}`, message: attached(type), ...taken },
    ]),
    ...["", "text", "text/", "/plain", "text plain", "text/plain\r\n"].map((type) => ({
      name: `W4 the type spelled out is ${JSON.stringify(type)}`,
      // As bytes, or the support would look for its number.
      message: stage.letter({ type: new TextEncoder().encode(type) }),
      ...invalid,
    })),
    {
      name: "W4 a type of the table may be spelled out",
      message: stage.letter({ type: new TextEncoder().encode("text/html") }),
      ...taken,
    },

    ...[6, 7].map((bit) => ({
      name: `W6 the reserved bit ${bit} of the message is set`,
      message: stage.letter({ flags: (flags) => flags | 1 << bit }),
      ...invalid,
    })),
    ...[2, 3, 4, 5, 6, 7].map((bit) => ({
      name: `W6 the reserved bit ${bit} of an attachment is set`,
      message: stage.letter({
        attachments: [{ filename: "a", flags: (flags) => flags | 1 << bit }],
      }),
      ...invalid,
    })),
    {
      name: "W6 the bits for important and no reply are no such bits",
      message: stage.letter({ important: true, noReply: true }),
      ...taken,
    },
  ]);
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

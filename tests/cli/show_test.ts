import assert from "node:assert/strict";
import { width } from "../../src/cli/terminal.ts";
import { hex } from "../../src/wire/mod.ts";
import { addTo, draft, replyTo } from "../support/message.ts";
import { isHarmless, Place } from "./support.ts";

Deno.test("show --json is the message with every field that scripts know", async () => {
  using place = await withAlice();
  const message = await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test", "@y@b.test"],
    topic: "Lunch",
    time: 1_700_000_000.25,
    body: "At noon? ".repeat(20),
    compress: true,
    important: true,
    noReply: true,
    attachments: [{ filename: "menu.pdf", type: "application/pdf", body: "%PDF" }],
  });
  assert.deepEqual(await place.json("show", "1"), {
    id: 1,
    hash: hex(message.hash),
    pid: null,
    from: "@x@b.test",
    to: ["@alice@a.test", "@y@b.test"],
    add_to: [],
    time: 1_700_000_000.25,
    topic: "Lunch",
    type: "text/plain;charset=UTF-8",
    size: 180,
    important: true,
    no_reply: true,
    attachments: [{ filename: "menu.pdf", type: "application/pdf", size: 4 }],
    delivery: [{
      address: "@alice@a.test",
      state: "local",
      code: 200,
      reason: null,
      attempts: 0,
      next_attempt: null,
    }],
  });
});

Deno.test("show prints the header, the body and what became of each recipient", async () => {
  using place = await withAlice();
  await place.addUsers("bob");
  await place.send({
    from: "@alice@a.test",
    to: ["@bob@a.test", "@x@b.test", "@nobody@a.test"],
    topic: "Lunch",
    body: "At noon?\n\n  indented\n",
  });
  const { status, stdout } = await place.run(["show", "1"]);
  assert.equal(status, 0);
  const { hash } = await shown(place, 1);
  const date = /^Date: {8}(\d{4}-\d\d-\d\d \d\d:\d\d)$/m.exec(stdout)?.[1];
  assert.equal(
    stdout,
    `Message 1
From:        @alice@a.test
To:          @bob@a.test, @x@b.test, @nobody@a.test
Date:        ${date}
Topic:       Lunch
Type:        text/plain;charset=UTF-8
Size:        21 B
Hash:        ${hash}

At noon?

  indented

Delivery
✓ @bob@a.test has it, here (200)
… @x@b.test waits; not tried yet, next now
✗ @nobody@a.test does not get it: user unknown (100): the host knows no such user
`,
  );
});

Deno.test("show tells of flags, attachments and added recipients", async () => {
  using place = await withAlice();
  const original = await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    important: true,
    noReply: true,
    attachments: [
      { filename: "menu.pdf", type: "application/pdf", body: "x".repeat(2000) },
      { filename: "map of it.png", type: "image/png", body: "x" },
    ],
  });
  await place.receiveBatch(
    addTo(original, { from: "@x@b.test", to: ["@y@c.test", "@alice@a.test"] }),
  );
  const { stdout } = await place.run(["show", "1"]);
  assert.match(stdout, /^Flags: {7}important, any reply is discarded$/m);
  assert.match(
    stdout,
    /^Attachments: menu\.pdf {2}application\/pdf {2}2 KiB\n {13}map of it\.png {2}image\/png {2}1 B$/m,
  );
  assert.match(stdout, /^Added: {7}by @x@b\.test: @y@c\.test, @alice@a\.test \(.*, batch 2\)$/m);
  assert.match(stdout, /^\(no text\)$/m);
});

Deno.test("the id of a batch shows the message under which it is listed", async () => {
  using place = await withAlice();
  await place.send({ from: "@alice@a.test", to: ["@x@b.test"] });
  await place.addTo(1, "@alice@a.test", "@y@c.test");
  assert.deepEqual(await place.json("show", "2"), await place.json("show", "1"));
});

Deno.test("a reply names the message that it answers, also where it answers a batch", async () => {
  using place = await withAlice();
  const original = await place.receive({ from: "@x@b.test", to: ["@alice@a.test"] });
  const batch = addTo(original, { from: "@x@b.test", to: ["@y@c.test"] });
  await place.receiveBatch(batch);
  await place.receive(replyTo(original, { from: "@x@b.test", to: ["@alice@a.test"] }));
  await place.receive(replyTo(batch, { from: "@y@c.test", to: ["@alice@a.test"] }));
  const lost = draft({ from: "@x@b.test", to: ["@alice@a.test"] });
  await place.receive(replyTo(lost, { from: "@x@b.test", to: ["@alice@a.test"] }));
  await place.receive(addTo(lost, { from: "@x@b.test", to: ["@y@c.test"] }));
  const field = async (id: number): Promise<string | undefined> =>
    /^(?:Answers|Adds to): .*$/m.exec((await place.run(["show", `${id}`])).stdout)?.[0];
  const short = (hash: Uint8Array): string => `${hex(hash).slice(0, 16)}…`;
  assert.equal(await field(1), undefined);
  assert.equal(await field(3), `Answers:     message 1 (${short(original.hash)})`);
  assert.equal(await field(4), `Answers:     message 1 (${short(batch.hash)})`);
  assert.equal(await field(5), `Answers:     ${short(lost.hash)}`);
  assert.equal(await field(6), `Adds to:     ${short(lost.hash)}, which is not here`);
});

Deno.test("nothing that a stranger wrote commands the terminal", async () => {
  using place = await withAlice();
  const evil = "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\x9b31m\u202efdp.exe\u2066\r";
  await place.receive({
    from: "@王小明@xn--fiqs8s.test",
    to: ["@alice@a.test"],
    topic: `今日は ${evil}`,
    body: `one\r\ntwo ${evil}\n\tthree שלום`,
    attachments: [{ filename: "メニュー.pdf", type: `text/x; a="\x1b[2J"` }],
    type: "text/plain; x=\x1b[31m",
  });
  for (const columns of [undefined, 80, 30]) {
    const { status, stdout } = await place.run(["show", "1"], columns);
    assert.equal(status, 0);
    assert.ok(isHarmless(stdout), JSON.stringify(stdout));
    assert.ok(stdout.split("\n").every((line) => width(line) <= (columns ?? Infinity)), stdout);
  }
  const { stdout } = await place.run(["show", "1"]);
  assert.match(stdout, /^From: {8}@王小明@中国\.test \(xn--fiqs8s\.test\)$/m);
  assert.match(stdout, /^one\ntwo \\x1b\]0;owned\\x07.*\n {8}three שלום$/m);
});

Deno.test("a domain of lookalikes is shown in A-labels, and one of another script with them", async () => {
  using place = await withAlice();
  await place.receive({ from: "@x@xn--80ak6aa92e.com", to: ["@alice@a.test"] });
  await place.receive({ from: "@x@xn--e1afmkfd.xn--p1ai", to: ["@alice@a.test"] });
  await place.receive({ from: "@x@xn--zz.test", to: ["@alice@a.test"] });
  const from = async (id: string): Promise<string | undefined> =>
    /^From: +(.*)$/m.exec((await place.run(["show", id])).stdout)?.[1];
  assert.equal(await from("1"), "@x@xn--80ak6aa92e.com");
  assert.equal(await from("2"), "@x@пример.рф (xn--e1afmkfd.xn--p1ai)");
  assert.equal(await from("3"), "@x@xn--zz.test");
});

Deno.test("a long text is shown to 256 KiB, with the way to all of it", async () => {
  using place = await withAlice();
  await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    body: "a line of text, ä\n".repeat(20_000),
    compress: true,
  });
  const { stdout } = await place.run(["show", "1"]);
  assert.match(
    stdout,
    /^\(the first 256 KiB of 371 KiB; "fmsg save 1 --body -o FILE" writes all of it\)$/m,
  );
  assert.ok(stdout.length < 257 * 1024);
  assert.doesNotMatch(stdout, /\ufffd/);
});

Deno.test("text is read in the charset that its type names", async () => {
  using place = await withAlice();
  const utf16 = (text: string, isLittle: boolean): Uint8Array => {
    const view = new DataView(new ArrayBuffer(text.length * 2));
    for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), isLittle);
    return new Uint8Array(view.buffer);
  };
  const bodies: [type: string, body: Uint8Array][] = [
    ["text/plain;charset=UTF-16", utf16("Grüße", false)],
    ["text/plain;charset=UTF-16", utf16("\ufeffGrüße", true)],
    ["text/plain; charset=iso-8859-1", Uint8Array.of(0x47, 0x72, 0xfc, 0xdf, 0x65)],
    ["text/plain; charset=unheard-of", new TextEncoder().encode("Grüße")],
    ["application/json", new TextEncoder().encode("Grüße")],
    ["TEXT/html", new TextEncoder().encode("Grüße")],
  ];
  await place.receiveAll(
    bodies.map(([type, body]) => ({ from: "@x@b.test", to: ["@alice@a.test"], type, body })),
  );
  for (let id = 1; id <= bodies.length; id++) {
    assert.match((await place.run(["show", `${id}`])).stdout, /\n\nGrüße\n\n/);
  }
});

Deno.test("a body that is no text is named, with the command that saves it", async () => {
  using place = await withAlice();
  const body = new Uint8Array(3000);
  await place.receive({ from: "@x@b.test", to: ["@alice@a.test"], type: "image/png", body });
  const { stdout } = await place.run(["show", "1"]);
  assert.match(stdout, /^\(image\/png, 2\.9 KiB; "fmsg save 1 --body -o FILE" writes it\)$/m);
});

Deno.test("a message that is not there is an error, and so is what is no id", async () => {
  using place = await withAlice();
  for (const command of ["show", "thread", "save"]) {
    const more = command === "save" ? ["--body"] : [];
    const missing = await place.run([command, "7", ...more]);
    assert.equal(missing.status, 1);
    assert.equal(missing.stdout, "");
    assert.match(missing.stderr, /^fmsg: There is no message 7 here; "fmsg list ADDRESS" .*\n$/);
    for (const id of ["0", "x", "1.5", "99999999999999999999"]) {
      const wrong = await place.run([command, id, ...more]);
      assert.equal(wrong.status, 2);
      assert.match(wrong.stderr, /^fmsg: ID: ".*" is no message id; .*\n$/);
    }
  }
});

async function withAlice(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice");
  return place;
}

async function shown(place: Place, id: number): Promise<{ readonly hash: string }> {
  const { stdout } = await place.run(["show", `${id}`, "--json"]);
  return JSON.parse(stdout);
}

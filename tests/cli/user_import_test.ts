import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { writerSettings } from "../../src/host/mod.ts";
import { Mailbox, openWriterHere, StoreWriter } from "../../src/store/mod.ts";
import { draft } from "../support/message.ts";
import { World } from "../support/world.ts";
import { isHarmless, Place, type Ran } from "./support.ts";

/** The example that comes with fmsgid. */
const EXAMPLE =
  `address,display_name,accepting_new,limit_recv_size_total,limit_recv_size_per_msg,limit_recv_size_per_1d,limit_recv_count_per_1d,limit_send_size_total,limit_send_size_per_msg,limit_send_size_per_1d,limit_send_count_per_1d
@alice@a.test,Alice,true,102400000,10240,102400,1000,102400000,10240,102400,1000
@bob@a.test,Bob,true,102400000,10240,102400,1000,102400000,10240,102400,1000
`;

const NOTHING = {
  dry_run: false,
  added: [],
  changed: [],
  disabled: [],
  absent: [],
  unchanged: 0,
  ignored_columns: [],
};

Deno.test("the CSV of fmsgid adds its users with all their limits", async () => {
  using place = new Place("a.test", "quota: {recv_messages: 7}\n");
  assert.deepEqual(await imported(place, EXAMPLE), {
    ...NOTHING,
    added: ["@alice@a.test", "@bob@a.test"],
  });
  const alice = Object(await place.json("user", "show", "@alice@a.test"));
  assert.equal(alice.name, "Alice");
  assert.equal(alice.accepting, true);
  assert.deepEqual(alice.limits, {
    recv_messages: 7,
    recv_bytes: 102400000,
    recv_bytes_per_message: 10240,
    recv_bytes_per_day: 102400,
    recv_messages_per_day: 1000,
    send_bytes: 102400000,
    send_bytes_per_message: 10240,
    send_bytes_per_day: 102400,
    send_messages_per_day: 1000,
  });
});

Deno.test("the same file again changes nothing, a changed one what changed, and both say so", async () => {
  using place = new Place();
  assert.equal((await run(place, EXAMPLE)).stdout, "2 added, 0 changed, 0 unchanged\n");
  assert.equal((await run(place, EXAMPLE)).stdout, "0 added, 0 changed, 2 unchanged\n");
  const next = EXAMPLE.replace("Bob,true,102400000,10240", "Robert,false,-1,") + "@carol@a.test" +
    ",".repeat(10) + "\n";
  assert.deepEqual(await imported(place, next), {
    ...NOTHING,
    added: ["@carol@a.test"],
    changed: [{
      address: "@bob@a.test",
      changes: {
        name: { from: "Bob", to: "Robert" },
        accepting: { from: true, to: false },
        recv_bytes: { from: 102400000, to: null },
        recv_bytes_per_message: { from: 10240, to: "default" },
      },
    }],
    unchanged: 1,
  });
  assert.deepEqual(await imported(place, next), { ...NOTHING, unchanged: 3 });
});

Deno.test("a column that is not there says nothing, and an empty cell takes the default", async () => {
  using place = new Place();
  await place.addUsers("a");
  await place.json("user", "set", "@a@a.test", "--name=A", "--accepting=false", "--max-bytes=1");
  assert.deepEqual(await imported(place, "address\n@a@a.test\n"), { ...NOTHING, unchanged: 1 });
  const text = "ADDRESS, Accepting_New ,display_name,limit_recv_size_total\n@a@a.test,,,\n";
  await imported(place, text);
  const user = Object(await place.json("user", "show", "@a@a.test"));
  assert.deepEqual([user.name, user.accepting, user.limits.recv_bytes], ["", true, null]);
});

Deno.test("a dry run shows what would change, and does not even make a store", async () => {
  using place = new Place();
  const empty = await run(place, EXAMPLE, "--dry-run");
  assert.equal(
    empty.stdout,
    "+ @alice@a.test\n+ @bob@a.test\nIt would be: 2 added, 0 changed, 0 unchanged\n",
  );
  assert.equal(existsSync(`${place.dir}/data`), false);
  await run(place, EXAMPLE);
  const before = await place.json("user", "list");
  const text = "address,display_name,limit_send_size_total\n@ALICE@a.test,Al \x1b[2J,-1\n";
  const { stdout } = await run(place, text, "--dry-run", "--disable-absent");
  assert.equal(
    stdout,
    '~ @ALICE@a.test: address "@alice@a.test" -> "@ALICE@a.test", name "Alice" -> "Al \\x1b[2J", send_bytes 102400000 -> none\n' +
      "- @bob@a.test: not in the file, takes no messages\n" +
      "It would be: 0 added, 1 changed, 1 disabled, 0 unchanged\n",
  );
  assert.deepEqual(await place.json("user", "list"), before);
  // The spelling of an address is the file's.
  await imported(place, text);
  assert.equal(Object(await place.json("user", "show", "@alice@a.test")).address, "@ALICE@a.test");
});

Deno.test("each mistake is told with its line, and then nothing of the file is imported", async () => {
  using place = new Place();
  const text = [
    "address,display_name,accepting_new,limit_recv_size_total",
    "@Good@a.test,Good,true,1",
    '@two@a.test,"Two',
    'lines",yes,1',
    "",
    "bob@a.test,,,",
    ",Nobody,,",
    "@x@b.test,,,10MiB",
    "@GOOD@A.test,,,-2",
    "@short@a.test,x",
    `@long@a.test,${"🙂".repeat(201)},,99999999999999999999`,
    ",,,",
  ].join("\r\n");
  const { status, stdout, stderr } = await run(place, text);
  assert.equal(status, 1);
  assert.equal(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  const expected = [
    /^line 3: accepting_new: "yes" is no answer; write true or false$/,
    /^line 6: address: "bob@a\.test" is no address: it does not begin with "@"/,
    /^line 7: address: there is none on this line$/,
    /^line 8: address: @x@b\.test is no address of this host: it has to end in @a\.test$/,
    /^line 8: limit_recv_size_total: "10MiB" is no number .*-1 for no limit$/,
    /^line 9: limit_recv_size_total: "-2" is no number/,
    /^line 9: address: @GOOD@A\.test is on line 2 already$/,
    /^line 10: 2 cells, and the first line names 4 columns$/,
    /^line 11: display_name: 201 characters are more than 200$/,
    /^line 11: limit_recv_size_total: "9+" is no number/,
    /^fmsg: Nothing was imported: correct 10 mistakes in .*users\.csv$/,
  ];
  for (const [i, pattern] of expected.entries()) assert.match(lines[i] ?? "", pattern);
  assert.equal(lines.length, expected.length);
  assert.deepEqual(await place.json("user", "list"), []);
});

Deno.test("of many mistakes ten are told, and how many more there are", async () => {
  using place = new Place();
  const { stderr } = await run(place, "address\n" + "nobody\n".repeat(25));
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 12);
  assert.equal(lines[10], "and 15 more");
  assert.match(lines[11] ?? "", /correct 25 mistakes/);
});

Deno.test("what is no such CSV is told in one line", async () => {
  using place = new Place();
  const wrong: [text: string | Uint8Array<ArrayBuffer>, complaint: RegExp][] = [
    ["", /^line 1: there is nothing in it/],
    ["@a@a.test,A\n", /^line 1: the first line names the columns/],
    ["display_name\nA\n", /^line 1: there is no column address/],
    ["address;display_name\n@a@a.test;A\n", /^line 1: cells are separated by commas/],
    ["address,Address\n", /^line 1: there are two columns address/],
    ["address,limit_recv_size_totl\n@a@a.test,1\n", /did you mean limit_recv_size_total\?/],
    ['address,display_name\n@a@a.test,"A\n\n', /^line 2: a quote \("\) is opened that nothing/],
    ['address,display_name\n@a@a.test,A"A\n', /^line 2: there is a quote \("\) inside/],
    ['address,display_name\n@a@a.test,"A"A\n', /^line 2: something follows the quote/],
    [`address\n@a@a.test\n${"x".repeat(70_000)}\n`, /^line 3: the line is longer than 65536 bytes/],
    [latin1("address,display_name\n@a@a.test,J\xf6rg\n"), /^line 2: this is not UTF-8/],
  ];
  for (const [text, complaint] of wrong) {
    const { status, stdout, stderr } = await run(place, text);
    assert.match(stderr, complaint);
    assert.match(stderr, /^[^\n]+\nfmsg: Nothing was imported: correct 1 mistake in [^\n]+\n$/);
    assert.deepEqual([status, stdout], [1, ""]);
  }
  assert.match((await run(place, "address\n")).stderr, /users\.csv names no user\n$/);
});

Deno.test("a byte order mark, CR LF, blank lines, quotes and spaces are as spreadsheets and people write them", async () => {
  using place = new Place("xn--mnchen-3ya.test");
  const text =
    '\ufeffaddress , display_name\r\n\r\n@jo\u0308rg@MÜNCHEN.test , "Jörg ""J"", Dr."\r\n' +
    '@b@xn--mnchen-3ya.test," two\r\nlines "\r\n   \r\n,\r\n@c@münchen.test,  C  \r\n';
  await imported(place, text);
  const users = Object(await place.json("user", "list")).map(
    (user: { address: string; name: string }) => [user.address, user.name],
  );
  assert.deepEqual(users, [
    ["@b@xn--mnchen-3ya.test", " two\r\nlines "],
    ["@c@xn--mnchen-3ya.test", "C"],
    ["@jörg@xn--mnchen-3ya.test", 'Jörg "J", Dr.'],
  ]);
});

Deno.test("users that the file does not name stay as they are, and are told", async () => {
  using place = new Place();
  await place.addUsers("dave");
  const { stdout, stderr } = await run(place, EXAMPLE);
  assert.equal(stdout, "2 added, 0 changed, 0 unchanged\n");
  assert.match(
    stderr,
    /^Not in the file, and left as they are \(--disable-absent .*\): @dave@a\.test\n$/,
  );
  assert.deepEqual(Object(await imported(place, EXAMPLE)).absent, ["@dave@a.test"]);
  assert.equal(Object(await place.json("user", "show", "@dave@a.test")).accepting, true);
});

Deno.test("with --disable-absent they take no messages any more, until the file names them again", async () => {
  using place = new Place();
  await place.addUsers("dave", "erin");
  await place.json("user", "set", "@erin@a.test", "--accepting=false");
  const text = "address\n@alice@a.test\n";
  assert.deepEqual(await imported(place, text, "--disable-absent"), {
    ...NOTHING,
    added: ["@alice@a.test"],
    disabled: ["@dave@a.test"],
    absent: ["@erin@a.test"],
  });
  assert.equal(Object(await place.json("user", "show", "@dave@a.test")).accepting, false);
  const again = Object(await imported(place, text + "@dave@a.test\n", "--disable-absent"));
  assert.deepEqual(again.changed, [
    { address: "@dave@a.test", changes: { accepting: { from: false, to: true } } },
  ]);
  const told = "address,accepting_new\n@dave@a.test,false\n";
  assert.equal(Object(await imported(place, told, "--disable-absent")).changed.length, 1);
});

Deno.test("what an import adds is counted against limits as what is there of an earlier user", async () => {
  using place = new Place();
  await place.addUsers("a");
  await place.receive({ from: "@x@b.test", to: ["@a@a.test"], body: "hello" });
  await place.json("user", "remove", "@a@a.test");
  await imported(place, "address\n@a@a.test\n");
  assert.equal(Object(await place.json("user", "show", "@a@a.test")).usage.recv_messages, 1);
});

Deno.test("an import of which a part fails in the store leaves nothing of itself", async () => {
  using place = new Place();
  await place.addUsers("a");
  const config = loadConfig(place.config);
  await using writer = new StoreWriter(openWriterHere(config.data_dir, writerSettings(config)));
  const users = [
    { address: "@a@a.test", accepting: false },
    { address: "@b@a.test" },
    { address: "none" },
  ];
  await assert.rejects(writer.submit("importUsers", { users }), /"none" is no address/);
  using mailbox = new Mailbox(config.data_dir);
  assert.deepEqual(mailbox.users().map(({ address, accepting }) => [address, accepting]), [
    ["@a@a.test", true],
  ]);
});

Deno.test("columns that mean nothing here are left out, and that is told", async () => {
  using place = new Place();
  const ran = await run(place, "address,department,\x1b[2J,\n@a@a.test,Sales,x,\n");
  assert.equal(ran.stdout, "1 added, 0 changed, 0 unchanged\n");
  assert.match(ran.stderr, /^The column "department" means nothing here and was left out\n/);
  assert.ok(isHarmless(ran.stderr));
});

Deno.test("beside a running host an import from standard input counts at once", async () => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never" });
  const peer = await world.peer();
  const letter = draft({ from: peer.address("ann"), to: [host.address("erin")] });
  assert.deepEqual((await peer.send(letter)).codes, [64, 100]);
  const few = `address\n${host.address("erin")}\n`;
  const ran = await host.cli(["user", "import", "-"], { stdin: few });
  assert.deepEqual(ran, { code: 0, stdout: "1 added, 0 changed, 0 unchanged\n", stderr: "" });
  const next = draft({ from: peer.address("ann"), to: [host.address("erin")] });
  assert.deepEqual((await peer.send(next)).codes, [64, 200]);
});

Deno.test("beside a running host 50,000 users with every limit are imported, and of too many none", async () => {
  await using world = await World.make();
  const host = await world.host();
  const [head = ""] = EXAMPLE.split("\n");
  const file = (count: number, cells: string): string =>
    [head, ...Array.from({ length: count }, (_, i) => `${host.address(`u${i}`)},${cells}`)].join(
      "\n",
    );

  const tooMany = await host.cli(["user", "import", "-"], {
    stdin: file(150_000, ",,1,1,1,1,1,1,1,1"),
  });
  assert.equal(tooMany.code, 1);
  assert.match(
    tooMany.stderr,
    /^fmsg: Nothing was imported: it is more than the host takes at once/,
  );
  assert.deepEqual(await host.json(["user", "list"]), []);

  const limits = Array(8).fill("1234567890").join(",");
  const all = await host.cli(["user", "import", "-"], {
    stdin: file(50_000, `Somebody With A Name,true,${limits}`),
  });
  assert.deepEqual(all, { code: 0, stdout: "50000 added, 0 changed, 0 unchanged\n", stderr: "" });
});

Deno.test("a file that cannot be read or is too large is told", async () => {
  using place = new Place();
  const missing = await place.run(["user", "import", `${place.dir}/none.csv`]);
  assert.match(missing.stderr, /^fmsg: There is no file .*none\.csv\n$/);
  const folder = await place.run(["user", "import", place.dir]);
  assert.match(folder.stderr, /^fmsg: Cannot read .*: it is a folder\n$/);
  const large = await run(place, "address\n" + "\n".repeat(16 * 1024 * 1024));
  assert.match(large.stderr, /^fmsg: .*users\.csv is larger than 16 MiB\n$/);
  assert.deepEqual([missing.status, folder.status, large.status], [1, 1, 1]);
});

Deno.test("ten thousand users are imported at once, changed at once, and left alone at once", async () => {
  using place = new Place();
  const file = (name: string): string =>
    "address,display_name,limit_recv_size_total\n" +
    Array.from({ length: 10_000 }, (_, i) => `@user${i}@a.test,${name} ${i},1024\n`).join("");
  assert.equal((await run(place, file("User"))).stdout, "10000 added, 0 changed, 0 unchanged\n");
  assert.equal((await run(place, file("User"))).stdout, "0 added, 0 changed, 10000 unchanged\n");
  assert.equal((await run(place, file("You"))).stdout, "0 added, 10000 changed, 0 unchanged\n");
});

async function run(
  place: Place,
  text: string | Uint8Array<ArrayBuffer>,
  ...options: string[]
): Promise<Ran> {
  const file = `${place.dir}/users.csv`;
  Deno.writeFileSync(file, typeof text === "string" ? new TextEncoder().encode(text) : text);
  return await place.run(["user", "import", file, ...options]);
}

async function imported(place: Place, text: string, ...options: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await run(place, text, "--json", ...options);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

import assert from "node:assert/strict";
import { width } from "../../src/cli/terminal.ts";
import { isHarmless, Place } from "./support.ts";

const NO_LIMITS = {
  recv_messages: null,
  recv_bytes: null,
  recv_bytes_per_message: null,
  recv_bytes_per_day: null,
  recv_messages_per_day: null,
  send_bytes: null,
  send_bytes_per_message: null,
  send_bytes_per_day: null,
  send_messages_per_day: null,
};

const UNUSED = {
  recv_messages: 0,
  recv_bytes: 0,
  send_messages: 0,
  send_bytes: 0,
  recv_messages_day: 0,
  recv_bytes_day: 0,
  send_messages_day: 0,
  send_bytes_day: 0,
};

Deno.test("a user is added, listed, changed and removed, each visible to the next command", async () => {
  using place = new Place();
  const alice = {
    address: "@Alice@a.test",
    name: "Alice",
    accepting: true,
    limits: NO_LIMITS,
    usage: UNUSED,
  };
  assert.deepEqual(await place.json("user", "list"), []);
  assert.deepEqual(await place.json("user", "add", "@Alice@a.test", "--name", "Alice"), alice);
  assert.deepEqual(await place.json("user", "list"), [alice]);
  assert.deepEqual(await place.json("user", "show", "@alice@A.TEST"), alice);

  const changed = { ...alice, name: "", accepting: false };
  assert.deepEqual(
    await place.json("user", "set", "@ALICE@a.test", "--accepting=false", "--name", ""),
    changed,
  );
  assert.deepEqual(await place.json("user", "list"), [changed]);
  assert.deepEqual(
    await place.json("user", "set", "@alice@a.test", "--accepting", "true", "--name=Alice"),
    alice,
  );

  assert.deepEqual(await place.json("user", "remove", "@alice@a.test"), {
    address: "@alice@a.test",
  });
  assert.deepEqual(await place.json("user", "list"), []);
});

Deno.test("every limit has its flag, with units for sizes, and none lifts it", async () => {
  using place = new Place();
  const limits = {
    recv_messages: 1,
    recv_bytes: 2048,
    recv_bytes_per_message: 3,
    recv_bytes_per_day: 4000,
    recv_messages_per_day: 5,
    send_bytes: 6 * 2 ** 30,
    send_bytes_per_message: 7,
    send_bytes_per_day: 1.5 * 2 ** 20,
    send_messages_per_day: 0,
  };
  const words = ["1", "2KiB", "3", "4KB", "5", "6GiB", "7B", "1.5MiB", "0"];
  const flags = Object.keys(limits).map((name) => `--${name.replaceAll("_", "-")}`);
  const given = flags.flatMap((flag, i) => [flag, words[i] ?? ""]);
  const added = await place.json("user", "add", ...given, "@alice@a.test");
  assert.deepEqual(added, {
    address: "@alice@a.test",
    name: "",
    accepting: true,
    limits,
    usage: UNUSED,
  });
  const lifted = await place.run([
    "user",
    "set",
    "@alice@a.test",
    ...flags.flatMap((flag) => [flag, "none"]),
    "--json",
  ]);
  assert.deepEqual(JSON.parse(lifted.stdout).limits, NO_LIMITS);
});

Deno.test("--max-messages and --max-bytes limit what is received, and only what is given changes", async () => {
  using place = new Place();
  await place.json("user", "add", "@a@a.test", "--max-messages=2", "--send-bytes", "9");
  const { stdout } = await place.run(["user", "set", "@a@a.test", "--max-bytes", "1KiB", "--json"]);
  assert.deepEqual(JSON.parse(stdout).limits, {
    ...NO_LIMITS,
    recv_messages: 2,
    recv_bytes: 1024,
    send_bytes: 9,
  });
  await place.receiveAll(
    [1, 2, 3].map(() => ({ from: "@x@b.test", to: ["@a@a.test"], body: "hello" })),
  );
  const shown = await place.run(["user", "show", "@a@a.test", "--json"]);
  assert.equal(JSON.parse(shown.stdout).usage.recv_messages, 2);
  assert.equal(JSON.parse(shown.stdout).usage.recv_bytes, 10);
});

Deno.test("limits that a user has none of are those of the configuration, in JSON and in words", async () => {
  using place = new Place("a.test", "quota: {recv_bytes: 1MiB, recv_messages: 7}\n");
  await place.addUsers("a");
  await place.json("user", "set", "@a@a.test", "--max-messages", "none");
  const { stdout } = await place.run(["user", "show", "@a@a.test", "--json"]);
  assert.deepEqual(JSON.parse(stdout).limits, { ...NO_LIMITS, recv_bytes: 2 ** 20 });
  const words = (await place.run(["user", "show", "@a@a.test"])).stdout;
  assert.match(words, /^bytes received +0 B +of 1 MiB +as configured$/m);
  assert.match(words, /^messages received +0 +no limit +--recv-messages$/m);
});

Deno.test("an address of another domain is refused with the name of this host's", async () => {
  using place = new Place();
  for (const command of ["add", "show", "set", "remove"]) {
    const options = command === "set" ? ["--accepting=true"] : [];
    const ran = await place.run(["user", command, "@alice@b.test", ...options]);
    assert.equal(ran.status, 1);
    assert.equal(
      ran.stderr,
      "fmsg: @alice@b.test is no address of this host: it has to end in @a.test\n",
    );
    assert.equal(ran.stdout, "");
  }
});

Deno.test("a user cannot be added twice, in whatever case", async () => {
  using place = new Place();
  await place.addUsers("straße");
  const { status, stderr } = await place.run(["user", "add", "@STRASSE@a.test"]);
  assert.equal(status, 1);
  assert.match(stderr, /^fmsg: @STRASSE@a\.test is a user already; "fmsg user set" .*\n$/);
});

Deno.test("a user who is not there is an error that says where to look", async () => {
  using place = new Place();
  for (const words of [["show"], ["set", "--accepting=false"], ["remove"]]) {
    const { status, stderr } = await place.run(["user", ...words, "@nobody@a.test"]);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      'fmsg: @nobody@a.test is no user here; "fmsg user list" shows who is\n',
    );
  }
});

Deno.test("what is typed wrongly ends with status 2 and one line that says what to write", async () => {
  using place = new Place();
  await place.addUsers("a");
  const wrong: [words: string[], complaint: RegExp][] = [
    [["add", "bob@a.test"], /ADDRESS: "bob@a\.test" is no address: it does not begin with "@"/],
    [["add", "@bob"], /needs exactly two "@"/],
    [["add", "@b..b@a.test"], /neither first, last nor side by side/],
    [["set", "@a@a.test"], /nothing to change: give --accepting, --name or a limit/],
    [["set", "@a@a.test", "--accepting=perhaps"], /--accepting: "perhaps" .* write true or false/],
    [["set", "@a@a.test", "--max-messages", "many"], /--recv-messages: "many" is no number.* none/],
    [["set", "@a@a.test", "--max-messages", "1.5"], /--recv-messages: "1\.5" is no number/],
    [["set", "@a@a.test", "--max-messages=-1"], /--recv-messages: "-1" is no number/],
    [["set", "@a@a.test", "--max-messages", "9".repeat(20)], /--recv-messages: "9+" is no number/],
    [["set", "@a@a.test", "--max-bytes", "10XB"], /--recv-bytes: "10XB" is no size.* none/],
    [["set", "@a@a.test", "--name", "x".repeat(201)], /--name: 201 characters are more than 200/],
  ];
  for (const [words, complaint] of wrong) {
    const { status, stdout, stderr } = await place.run(["user", ...words]);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /^fmsg: [^\n]+\n$/);
    assert.match(stderr, complaint);
  }
  await place.json("user", "set", "@a@a.test", "--name", "🙂".repeat(200));
});

Deno.test("an international domain is typed and read in its script, and stored in A-labels", async () => {
  using place = new Place("xn--mnchen-3ya.test");
  const { status, stdout } = await place.run(["user", "add", "@jo\u0308rg@MÜNCHEN.test"]);
  assert.equal(status, 0);
  assert.equal(stdout, "Added @jörg@münchen.test\n");
  const { stdout: json } = await place.run(["user", "list", "--json"]);
  assert.equal(JSON.parse(json)[0].address, "@jörg@xn--mnchen-3ya.test");
  assert.match((await place.run(["user", "list"])).stdout, /^@jörg@münchen\.test /);
  assert.equal((await place.run(["user", "show", "@jörg@xn--mnchen-3ya.test"])).status, 0);
  const foreign = await place.run(["user", "add", "@jörg@köln.test"]);
  assert.match(foreign.stderr, /it has to end in @münchen\.test\n$/);
});

Deno.test("the list is a table on a terminal and bare lines in a pipe, whatever the names are", async () => {
  using place = new Place();
  await place.addUsers("李小龍", "alice");
  await place.json("user", "set", "@李小龍@a.test", "--name", "李小龍 ".repeat(20));
  await place.json("user", "set", "@alice@a.test", "--name", "\x1b[2J\u202eA", "--accepting=false");
  const table = (await place.run(["user", "list"], 80)).stdout;
  assert.ok(isHarmless(table), table);
  const lines = table.trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? "", /^address +name +received +sent$/);
  assert.ok(lines.every((line) => width(line) <= 80), table);
  assert.match(table, /^@alice@a\.test .*\\x1b\[2J\\u202eA .*not accepting$/m);

  const piped = (await place.run(["user", "list"])).stdout;
  assert.ok(isHarmless(piped));
  assert.equal(piped.trimEnd().split("\n").length, 2);
  assert.doesNotMatch(piped, /\t|…/);
});

Deno.test("a user who takes no messages gets none", async () => {
  using place = new Place();
  await place.addUsers("a");
  await place.json("user", "set", "@a@a.test", "--accepting=false");
  await place.receive({ from: "@x@b.test", to: ["@a@a.test"] });
  assert.deepEqual(await place.json("list", "@a@a.test"), []);
});

Deno.test("a limit of a user can be given back to the configuration", async () => {
  using place = new Place("a.test", "quota: {recv_messages: 7}");
  const messages = async (...words: string[]): Promise<unknown> => {
    const user = Object(await place.json("user", ...words));
    return Object(user.limits).recv_messages;
  };
  assert.equal(await messages("add", "@dora@a.test", "--max-messages", "5"), 5);
  assert.equal(await messages("set", "@dora@a.test", "--max-messages", "none"), null);
  assert.equal(await messages("set", "@dora@a.test", "--max-messages", "default"), 7);
});

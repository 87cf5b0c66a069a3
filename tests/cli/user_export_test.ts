import assert from "node:assert/strict";
import fc from "fast-check";
import { formatUsers, parseUsers } from "../../src/cli/user_csv.ts";
import { LIMIT_NAMES } from "../../src/store/mod.ts";
import { Place } from "./support.ts";

const HEAD =
  "address,display_name,accepting_new,limit_recv_size_total,limit_recv_size_per_msg,limit_recv_size_per_1d," +
  "limit_recv_count_per_1d,limit_send_size_total,limit_send_size_per_msg,limit_send_size_per_1d,limit_send_count_per_1d";

Deno.test("an export has fmsgid's columns, and its quoting where a name needs it", async () => {
  using place = new Place();
  await place.json("user", "add", "@Alice@a.test", '--name=Alice "Al" Smith, Dr.');
  await place.json("user", "add", "@b@a.test", "--accepting=false", "--max-bytes=none");
  await place.json("user", "add", "@c@a.test", "--name= \n", "--send-messages-per-day=0");
  const { status, stdout, stderr } = await place.run(["user", "export"]);
  assert.equal(
    stdout,
    `${HEAD}\n@Alice@a.test,"Alice ""Al"" Smith, Dr.",true,,,,,,,,\n` +
      `@b@a.test,,false,-1,,,,,,,\n@c@a.test," \n",true,,,,,,,,0\n`,
  );
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal((await place.run(["user", "export", "-"])).stdout, stdout);
});

/** Names that files and spreadsheets have their trouble with. */
const cell = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'",\r\n\t =+-@;\ufeff\u00a0a\\'), maxLength: 6 }),
);
const limit = fc.constantFrom(undefined, null, 0, 1, Number.MAX_SAFE_INTEGER);
const limits = fc.record(
  Object.fromEntries(LIMIT_NAMES.map((name) => [name, limit])),
);
const rows = fc.array(fc.record({ name: cell, accepting: fc.boolean(), limits }), { maxLength: 5 })
  .map((users) => users.map((user, i) => ({ ...user, address: `@User${i}@a.test` })));

Deno.test("what is written of users is read again as it was, whatever their names and limits", async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (users) => {
      const bytes = new TextEncoder().encode(formatUsers(users));
      const read = await parseUsers(bytes, "a.test");
      assert.deepEqual([read.problems, read.ignored], [[], []]);
      const hasOwnColumn = users.some(({ limits }) => limits.recv_messages !== undefined);
      assert.deepEqual(
        read.users.map(({ address, ...user }) => ({ ...user, address: address.text })),
        users.map((user) => ({
          ...user,
          limits: Object.fromEntries(
            LIMIT_NAMES.filter((name) => hasOwnColumn || name !== "recv_messages").map((
              name,
            ) => [name, user.limits[name] === undefined ? "default" : user.limits[name]]),
          ),
        })),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("importing an export changes nothing, and brings removed users back as they were", async () => {
  using place = new Place();
  const names = ['"', 'a "b", c', "two\r\nlines", " \n", "=1+1", "'", "\u00a0x", "李小龍", ""];
  for (const [i, name] of names.entries()) {
    await place.json("user", "add", `@User${i}@a.test`, `--name=${name}`, "--recv-bytes=none");
  }
  await place.json("user", "set", "@user1@a.test", "--accepting=false", "--max-messages=5");
  const before = await place.json("user", "list");
  const file = `${place.dir}/users.csv`;
  await place.json("user", "export", file);
  const again = await place.run(["user", "import", file]);
  assert.equal(again.stdout, "0 added, 0 changed, 9 unchanged\n");
  for (const i of names.keys()) await place.json("user", "remove", `@user${i}@a.test`);
  await place.json("user", "import", file);
  assert.deepEqual(await place.json("user", "list"), before);
});

Deno.test("a limit that fmsgid does not know has a column of its own where somebody has it, and that is told", async () => {
  using place = new Place();
  await place.json("user", "add", "@a@a.test", "--max-messages=5");
  const { stdout, stderr } = await place.run(["user", "export"]);
  assert.equal(stdout, `${HEAD},limit_recv_count_total\n@a@a.test,,true,,,,,,,,,5\n`);
  assert.match(
    stderr,
    /^1 user with a limit .* limit_recv_count_total: fmsgid has no such limit\n$/,
  );
});

Deno.test("--with-defaults writes the limits that hold, for a program with other defaults", async () => {
  using place = new Place("a.test", "quota: {recv_bytes: 1MiB}\n");
  await place.json("user", "add", "@a@a.test", "--send-bytes=7");
  const { stdout } = await place.run(["user", "export", "--with-defaults"]);
  assert.equal(
    stdout,
    `${HEAD},limit_recv_count_total\n@a@a.test,,true,1048576,-1,-1,-1,7,-1,-1,-1,-1\n`,
  );
});

Deno.test("names that a spreadsheet would run as formulas are written as they are, and counted", async () => {
  using place = new Place();
  for (const [i, name] of ["=1+1", "+1", "-1", "@x", "\tx", "A=1"].entries()) {
    await place.json("user", "add", `@u${i}@a.test`, `--name=${name}`);
  }
  const { stdout, stderr } = await place.run(["user", "export"]);
  assert.match(stdout, /^@u0@a\.test,=1\+1,true,/m);
  assert.match(stderr, /^5 names would be a formula in a spreadsheet/);
});

Deno.test("a file that exists is never replaced, and none is left half written", async () => {
  using place = new Place();
  await place.addUsers("a");
  const file = `${place.dir}/users.csv`;
  const first = await place.run(["user", "export", file]);
  assert.equal(first.stdout, `Wrote ${file}: 1 user\n`);
  await place.addUsers("b");
  const second = await place.run(["user", "export", file]);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /users\.csv exists, and an export never replaces a file/);
  assert.equal(Deno.readTextFileSync(file).split("\n").length, 3);
  const nowhere = await place.run(["user", "export", `${place.dir}/none/users.csv`]);
  assert.match(nowhere.stderr, /^fmsg: Cannot write .*none\/users\.csv: /);
  const names = [...Deno.readDirSync(place.dir)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["data", "fmsg.yaml", "users.csv"]);
  const json = await place.run(["user", "export", "--json"]);
  assert.equal(json.status, 2);
  assert.match(json.stderr, /--json needs a file/);
});

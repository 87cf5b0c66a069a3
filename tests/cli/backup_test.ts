// fmsg host backup: what it writes, what it never does, and what it says.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inPartialFolder, publish } from "../../src/cli/partial.ts";
import { noise } from "../support/message.ts";
import { audit } from "../store/audit.ts";
import { Place } from "./support.ts";

async function withMessage(): Promise<Place> {
  const place = new Place("a.test", "limits: {min_free_disk: 0}\n");
  await place.addUsers("alice", "bob");
  await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    time: 1_700_000_000,
    body: noise(40_000),
  });
  return place;
}

/** What lies in a folder, but for what SQLite keeps beside a store that is open. */
function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => !/-(?:wal|shm)$/.test(name)).sort();
}

/** The copy as the store of a data directory. */
function asStore(file: string): Disposable & { readonly folder: string } {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-backup-" });
  Deno.copyFileSync(file, join(folder, "fmsg.db"));
  return { folder, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

Deno.test("a backup is one whole store in a file that nobody else may read", async () => {
  using place = await withMessage();
  const file = join(place.dir, "copy.db");
  const { status, stdout, stderr } = await place.run(["host", "backup", file]);
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^Wrote \S+copy\.db: 1 message, 2 users, \d+ KiB, the newest message of 2023-11-1\d \d\d:\d\d\n$/,
  );
  assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(names(place.dir), ["copy.db", "data", "fmsg.yaml"]);
  using store = asStore(file);
  audit(store.folder);

  const second = join(place.dir, "second.db");
  const size = Deno.statSync(file).size;
  assert.deepEqual(await place.json("host", "backup", second), {
    file: second,
    messages: 1,
    users: 2,
    drafts: 0,
    waiting: 0,
    last: 1_700_000_000,
    size,
  });
});

Deno.test("a backup needs nothing beside it: it is no store in use", async () => {
  using place = await withMessage();
  const file = join(place.dir, "copy.db");
  await place.json("host", "backup", file);
  const db = new DatabaseSync(file, { readOnly: true });
  assert.equal(db.prepare("PRAGMA journal_mode").get()?.journal_mode, "delete");
  // What the host gives free space back by.
  assert.equal(db.prepare("PRAGMA auto_vacuum").get()?.auto_vacuum, 2);
  db.close();
});

Deno.test("what was deleted is not in a backup", async () => {
  using place = await withMessage();
  const secret = "a secret that was deleted";
  await place.receive({ from: "@x@b.test", to: ["@alice@a.test"], body: secret });
  await place.json("message", "delete", "2");
  const file = join(place.dir, "copy.db");
  await place.json("host", "backup", file);
  assert.ok(!new TextDecoder("latin1").decode(Deno.readFileSync(file)).includes(secret));
});

Deno.test("a file that exists is never replaced", async () => {
  using place = await withMessage();
  const file = join(place.dir, "copy.db");
  Deno.writeTextFileSync(file, "precious");
  const link = join(place.dir, "link.db");
  Deno.symlinkSync(join(place.dir, "nowhere"), link);
  for (const taken of [file, link]) {
    const { status, stdout, stderr } = await place.run(["host", "backup", taken]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^fmsg: \S+ exists, and a copy never replaces a file: name another/);
  }
  const folder = await place.run(["host", "backup", place.dir]);
  assert.equal(folder.status, 1);
  assert.match(folder.stderr, /^fmsg: \S+ is a folder: name a file in it\n$/);
  assert.equal(Deno.readTextFileSync(file), "precious");
  assert.deepEqual(names(place.dir), ["copy.db", "data", "fmsg.yaml", "link.db"]);
});

Deno.test("a file that appears while the copy is made is not replaced either", async () => {
  using place = new Place();
  const [partial, file] = [join(place.dir, "partial"), join(place.dir, "copy.db")];
  Deno.writeTextFileSync(partial, "the copy");
  Deno.writeTextFileSync(file, "precious");
  assert.throws(() => publish(partial, file), Deno.errors.AlreadyExists);
  assert.equal(Deno.readTextFileSync(file), "precious");
  Deno.removeSync(file);
  publish(partial, file);
  assert.equal(Deno.readTextFileSync(file), "the copy");

  const folder = join(place.dir, "folder");
  const failing = inPartialFolder(folder, () => {
    assert.equal((Deno.statSync(folder).mode ?? 0) & 0o777, 0o700);
    return Promise.reject(new Error("It failed"));
  });
  await assert.rejects(failing, /It failed/);
  assert.deepEqual(names(place.dir), ["copy.db", "fmsg.yaml", "partial"]);
});

Deno.test("a folder that is not there is an error that says so", async () => {
  using place = await withMessage();
  const { status, stderr } = await place.run(["host", "backup", join(place.dir, "no", "copy.db")]);
  assert.equal(status, 1);
  assert.match(stderr, /^fmsg: There is no folder \S+no: make it first, or name another\n$/);
});

Deno.test("where the copy goes has to be clear", async () => {
  using place = await withMessage();
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [[], /Name one place for the copy/],
    [["copy.db", "--to-stdout"], /Name one place for the copy/],
    [["-"], /use --to-stdout in place of "-"/],
    [["--to-stdout", "--json"], /--json needs a file/],
    [["copy.db", "other.db"], /^fmsg: /],
  ];
  for (const [words, message] of wrong) {
    const { status, stdout, stderr } = await place.run(["host", "backup", ...words]);
    assert.deepEqual([status, stdout], [2, ""], words.join(" "));
    assert.match(stderr, /^fmsg: [^\n]+\n$/);
    assert.match(stderr, message);
  }
  const terminal = await place.run(["host", "backup", "--to-stdout"], 80);
  assert.deepEqual([terminal.status, terminal.stdout], [2, ""]);
  assert.match(terminal.stderr, /pipe it, as in "fmsg host backup --to-stdout \| gzip/);
});

Deno.test("--to-stdout writes the same to stdout, and leaves nothing behind", async () => {
  using place = await withMessage();
  const before = names(join(place.dir, "data"));
  const { status, bytes, stderr } = await place.run(["host", "backup", "--to-stdout"]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^Wrote 1 message, 2 users, /);
  const file = join(place.dir, "piped.db");
  Deno.writeFileSync(file, bytes);
  using store = asStore(file);
  audit(store.folder);
  assert.deepEqual(names(join(place.dir, "data")), before);
});

Deno.test("a copy whose reader goes away ends without noise", async () => {
  using place = await withMessage();
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      '"$0" run -A "$1" host backup --to-stdout --config "$2" | head -c 10 > /dev/null',
      Deno.execPath(),
      new URL("../../main.ts", import.meta.url).pathname,
      place.config,
    ],
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.equal(code, 0, said);
  // The copy may have fitted into the pipe before.
  assert.match(said, /^(?:Wrote [^\n]+\n)?$/);
  assert.deepEqual(names(join(place.dir, "data")), ["fmsg.db", "lock"]);
});

Deno.test("of a store that is not in order there is no copy", async () => {
  using place = await withMessage();
  const db = new DatabaseSync(join(place.dir, "data", "fmsg.db"));
  db.exec("UPDATE message SET hash = zeroblob(32)");
  db.close();
  const file = join(place.dir, "copy.db");
  const { status, stdout, stderr } = await place.run(["host", "backup", file]);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.equal(
    stderr,
    "fmsg: There is no copy, since the store is not in order: Message 1: its hash does not come out of its header " +
      'and content; "fmsg host verify" says what to do\n',
  );
  assert.deepEqual(names(place.dir), ["data", "fmsg.yaml"]);
  const piped = await place.run(["host", "backup", "--to-stdout"]);
  assert.deepEqual([piped.status, piped.bytes.length], [1, 0]);
});

Deno.test("a copy that would bring the host to refuse messages for want of space is not begun", async () => {
  using place = await withMessage();
  Deno.writeTextFileSync(
    place.config,
    "domain: a.test\ndata_dir: data\nlimits: {min_free_disk: 1000000GiB}\n",
  );
  const { status, stderr } = await place.run(["host", "backup", join(place.dir, "copy.db")]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^fmsg: The copy takes \d+ KiB, and on the disk of \S+ .+ are free, of which limits\.min_free_disk keeps/,
  );
});

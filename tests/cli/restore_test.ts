// fmsg host restore: a backup becomes the store, or nothing does.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DirectoryLock } from "../../src/store/mod.ts";
import { audit } from "../store/audit.ts";
import { PROGRAM } from "../support/host_commands.ts";
import { noise } from "../support/message.ts";
import { Place } from "./support.ts";

/** A place with messages, a draft and a delivery that waits, and a backup of it. */
async function backedUp(): Promise<Place & { readonly backup: string }> {
  const place = new Place("a.test", "limits: {min_free_disk: 0}\n");
  await place.addUsers("alice", "bob");
  await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    topic: "Old",
    body: "an old message ".repeat(50),
    compress: true,
    attachments: [{ filename: "noise.bin", body: noise(30_000) }],
  });
  await place.send({ from: "@alice@a.test", to: ["@bob@a.test", "@y@c.test"], body: "waits" });
  await place.addTo(1, "@alice@a.test", "@bob@a.test");
  const backup = join(place.dir, "backup.db");
  await place.json("host", "backup", backup);
  return Object.assign(place, { backup });
}

function elsewhere(domain = "a.test"): Place & { readonly data: string } {
  const place = new Place(domain);
  return Object.assign(place, { data: join(place.dir, "data") });
}

/** All that the command line tells of a store. */
async function told(place: Place): Promise<unknown[]> {
  return [
    await place.json("user", "list"),
    await place.json("list", "@alice@a.test"),
    await place.json("list", "@bob@a.test"),
    await place.json("list", "@alice@a.test", "--sent"),
    await place.json("show", "1"),
    await place.json("thread", "1"),
    await place.json("queue", "list"),
    (await place.run(["save", "1", "--body"])).stdout,
    (await place.run(["save", "1", "noise.bin", "-o-"])).bytes.toHex(),
  ];
}

Deno.test("a restored store tells all that the one that was backed up told", async () => {
  using old = await backedUp();
  using place = elsewhere();
  const { status, stdout, stderr } = await place.run(["host", "restore", old.backup]);
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^Restored 3 messages, 2 users, \d+ KiB, the newest message of .+\n2 deliveries wait and will be tried when/,
  );
  assert.deepEqual(await told(place), await told(old));
  audit(place.data);
});

Deno.test("the restored store is its owner's alone", async () => {
  using old = await backedUp();
  using place = elsewhere();
  await place.json("host", "restore", old.backup);
  const folder = Deno.statSync(place.data);
  const file = Deno.statSync(join(place.data, "fmsg.db"));
  assert.equal((folder.mode ?? 0) & 0o777, 0o700);
  assert.equal((file.mode ?? 0) & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(place.data)].map(({ name }) => name).sort(), [
    "fmsg.db",
    "lock",
  ]);

  // Where root restores into the directory of the host's user, the store is that user's.
  using other = elsewhere();
  Deno.mkdirSync(other.data, { mode: 0o700 });
  if (Deno.uid() === 0) Deno.chownSync(other.data, 4930, 4930);
  await other.json("host", "restore", old.backup);
  const { uid, gid } = Deno.statSync(other.data);
  const restored = Deno.statSync(join(other.data, "fmsg.db"));
  assert.deepEqual([restored.uid, restored.gid], [uid, gid]);
});

Deno.test("--json tells what was found", async () => {
  using old = await backedUp();
  using place = elsewhere();
  const found = await place.json("host", "restore", old.backup);
  const size = Deno.statSync(join(place.data, "fmsg.db")).size;
  const last: unknown = Reflect.get(Object(found), "last");
  assert.ok(typeof last === "number" && Math.abs(last - Date.now() / 1000) < 600);
  assert.deepEqual(found, {
    file: old.backup,
    messages: 3,
    users: 2,
    drafts: 0,
    waiting: 2,
    last,
    size,
  });
});

Deno.test("a store that is there is not replaced, nor is a log that it left", async () => {
  using old = await backedUp();
  using place = elsewhere();
  await place.addUsers("carol");
  const refused = await place.run(["host", "restore", old.backup]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^fmsg: \S+data holds a store already: move \S+fmsg\.db.* away/);
  assert.deepEqual((await place.json("user", "list") as unknown[]).length, 1);

  using log = elsewhere();
  Deno.mkdirSync(log.data);
  Deno.writeTextFileSync(join(log.data, "fmsg.db-wal"), "of another store");
  const { status, stderr } = await log.run(["host", "restore", old.backup]);
  assert.equal(status, 1);
  assert.match(stderr, /move \S+fmsg\.db-wal away/);
});

Deno.test("an empty log and the index of a log, left of a store that was moved away, are no hindrance", async () => {
  using old = await backedUp();
  using place = elsewhere();
  Deno.mkdirSync(place.data);
  Deno.writeTextFileSync(join(place.data, "fmsg.db-wal"), "");
  Deno.writeFileSync(join(place.data, "fmsg.db-shm"), noise(32 * 1024));
  const { status, stderr } = await place.run(["host", "restore", old.backup]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(await told(place), await told(old));
  audit(place.data);
});

Deno.test("while another process has the data directory, it is named and nothing is restored", async () => {
  using old = await backedUp();
  using place = elsewhere();
  Deno.mkdirSync(place.data);
  {
    using lock = DirectoryLock.take(place.data);
    assert.ok(lock !== null);
    const { status, stderr } = await place.run(["host", "restore", old.backup]);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^fmsg: Process ${Deno.pid} uses \\S+data: stop the host`));
  }
  assert.equal((await place.run(["host", "restore", old.backup])).status, 0);
});

Deno.test("a backup of another domain's users is refused, with both names", async () => {
  using old = await backedUp();
  using place = elsewhere("z.test");
  const { status, stderr } = await place.run(["host", "restore", old.backup]);
  assert.equal(status, 1);
  assert.match(stderr, /backup\.db is of a\.test, and the configuration's domain is z\.test; /);
  assertNothing(place);
});

/** What is no good backup, and what is said of it. */
const BAD: readonly {
  readonly name: string;
  readonly make: (file: string) => void;
  readonly says: RegExp;
}[] = [
  {
    name: "a byte of content that changed",
    make: bySql("UPDATE chunk SET bytes = zeroblob(length(bytes)) WHERE id = 1048576"),
    says: /^fmsg: Nothing was restored: \S+ is damaged: Message 1: .+; use another backup/,
  },
  {
    name: "more that is wrong than fits a line",
    make: bySql(
      "UPDATE message SET hash = randomblob(32); UPDATE user SET recv_messages = 7, send_bytes = 3",
    ),
    says: /is damaged: .+; .+; .+; and \d+ more; use another backup/,
  },
  {
    name: "a file that was cut off",
    make: (file) => Deno.truncateSync(file, 100_000),
    says: /The store's file is damaged \(database disk image is malformed\)/,
  },
  {
    name: "a database of something else",
    make: (file) => {
      Deno.removeSync(file);
      const db = new DatabaseSync(file);
      db.exec("CREATE TABLE tune (name TEXT)");
      db.close();
    },
    says: /it is a database, and no store of fmsg/,
  },
  {
    name: "a store of a newer fmsg",
    make: bySql("PRAGMA user_version = 99"),
    says: /it has version 99, this program knows \d+: use fmsg \S+ or newer/,
  },
  {
    name: "no database",
    make: (file) => Deno.writeTextFileSync(file, "A letter. ".repeat(1000)),
    says: /is no backup: name a file that "fmsg host backup" wrote/,
  },
  {
    name: "nothing",
    make: (file) => Deno.truncateSync(file, 0),
    says: /is no backup: /,
  },
  {
    name: "a backup that is still compressed",
    make: (file) => Deno.writeFileSync(file, gzipSync(Deno.readFileSync(file))),
    says: /is compressed: use "gunzip -c FILE \| fmsg host restore -"/,
  },
  {
    name: "a store in use, of which a part is in its log",
    make: (file) => Deno.writeTextFileSync(`${file}-wal`, "a part of it"),
    says: /is no backup but a store in use, of which a part is in \S+-wal/,
  },
];

function bySql(sql: string): (file: string) => void {
  return (file) => {
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
  };
}

function assertNothing(place: Place): void {
  assert.deepEqual([...Deno.readDirSync(place.dir)].map(({ name }) => name), ["fmsg.yaml"]);
}

Deno.test("what is no good backup is refused in one line, and nothing is left of it", async (t) => {
  using old = await backedUp();
  for (const { name, make, says } of BAD) {
    await t.step(name, async () => {
      using place = elsewhere();
      const folder = Deno.makeTempDirSync({ prefix: "fmsg-backup-" });
      try {
        const file = join(folder, "file");
        Deno.copyFileSync(old.backup, file);
        make(file);
        const { status, stdout, stderr } = await place.run(["host", "restore", file]);
        assert.deepEqual([status, stdout], [1, ""]);
        assert.match(stderr, says);
        assert.match(stderr, /^fmsg: [^\n]+\n$/);
        assertNothing(place);
        // The backup itself is only read.
        assert.ok(Deno.statSync(file).isFile);
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    });
  }
});

Deno.test("what to restore has to be clear", async () => {
  using place = elsewhere();
  for (const words of [[], ["one.db", "two.db"], ["one.db", "--force"]]) {
    const { status, stdout, stderr } = await place.run(["host", "restore", ...words]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^fmsg: [^\n]+\n$/);
  }
  const missing = await place.run(["host", "restore", join(place.dir, "none.db")]);
  assert.deepEqual([missing.status, missing.stderr.startsWith("fmsg: There is no file ")], [
    1,
    true,
  ]);
  const folder = await place.run(["host", "restore", place.dir]);
  assert.deepEqual([folder.status, /is a folder/.test(folder.stderr)], [1, true]);
  assertNothing(place);
});

Deno.test("a backup comes through a pipe, from stdout to stdin", async () => {
  using old = await backedUp();
  using place = elsewhere();
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      '"$0" $1 host backup --to-stdout --config "$2" | gzip | gunzip | "$0" $1 host restore - --config "$3"',
      Deno.execPath(),
      PROGRAM.join(" "),
      old.config,
      place.config,
    ],
    stdout: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.deepEqual(await told(place), await told(old));
});

// Backups of hosts that run, by the program itself: under load, killed, on a full disk, and taken over by another host.

import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import { writerSettings } from "../../src/host/mod.ts";
import {
  ContentStaging,
  copyStore,
  Mailbox,
  openWriterHere,
  StoreWriter,
} from "../../src/store/mod.ts";
import { Address } from "../../src/wire/mod.ts";
import { command } from "../conformance/command.ts";
import { audit } from "../store/audit.ts";
import { PROGRAM } from "../support/host_commands.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft, noise, replyTo } from "../support/message.ts";
import { SmallDisk, smallDiskTest } from "../support/small_disk.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";

const MIB = 1024 * 1024;

/** Puts messages of a MiB each into the store of a host that does not run. */
async function fill(host: HostProcess, number: number): Promise<void> {
  const config = loadConfig(host.configFile);
  await using writer = new StoreWriter(openWriterHere(config.data_dir, writerSettings(config)));
  const body = noise(MIB);
  for (let i = 0; i < number; i++) {
    const message = draft({ from: "@ann@far.test", to: [host.address("alice")], body });
    await using content = new ContentStaging(writer, message.payload.length);
    await content.write(message.payload);
    await writer.submit("accept", {
      header: message.header,
      headerHash: message.headerHash,
      messageHash: message.hash,
      content: await content.source(),
      answer: null,
    });
    content.adopted();
  }
}

/** Audits a backup as the store that it is. */
async function auditBackup(file: string, folder: string): Promise<string[]> {
  await Deno.mkdir(folder);
  await Deno.rename(file, join(folder, "fmsg.db"));
  audit(folder);
  const alice = Address.parse("@alice@host1.test");
  assert.ok(alice !== null);
  using mailbox = new Mailbox(folder);
  return mailbox.received(alice, 100_000, 0).map(({ hash }) => hash ?? "");
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Starts a backup as a process of its own. */
function startBackup(host: HostProcess, ...words: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...PROGRAM, "host", "backup", ...words],
    env: { FMSG_CONFIG: host.configFile, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

Deno.test("a host that is backed up", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", start: false });
  await host.addUsers([host.address("alice"), host.address("bob")]);
  const peer = await world.peer();
  await fill(host, 100);
  await host.start();
  const out = join(world.folder, "backups");
  await Deno.mkdir(out);

  await t.step("P4 takes messages all the while, and each in the copy is whole", async () => {
    const letter = () =>
      draft({ from: peer.address("ann"), to: [host.address("alice")], body: "x" });
    const before = letter();
    assert.deepEqual((await peer.send(before)).codes, [64, 200]);
    const file = join(out, "load.db");
    let over = false;
    const backup = host.cli(["host", "backup", file]).finally(() => over = true);
    let taken = 0;
    while (!over) {
      const { codes, error } = await peer.send(letter());
      if (error !== null) throw error;
      assert.deepEqual(codes, [64, 200]);
      taken++;
    }
    const { code, stderr } = await backup;
    assert.equal(code, 0, stderr);
    assert.ok(taken > 0);
    const hashes = await auditBackup(file, join(world.folder, "load"));
    assert.ok(hashes.includes(before.hash.toHex()), "what was taken before is in the copy");
    assert.ok(hashes.length >= 101 && hashes.length <= 101 + taken);
  });

  await t.step("P4 a copy that is killed leaves no file of its name", async () => {
    const file = join(out, "killed.db");
    const child = startBackup(host, file);
    await waitFor(() => names(out).length > 0);
    child.kill("SIGKILL");
    await child.status;
    assert.ok(!names(out).includes("killed.db"), names(out).join());
    for (const name of names(out)) await Deno.remove(join(out, name), { recursive: true });
  });

  for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    await t.step(`a copy that is ended by ${signal} leaves nothing`, async () => {
      const child = startBackup(host, join(out, "ended.db"));
      await waitFor(() => names(out).length > 0);
      child.kill(signal);
      assert.equal((await child.status).code, status);
      assert.deepEqual(names(out), []);
    });
  }

  await t.step("what a killed copy to stdout left, the next one clears away", async () => {
    const partial = join(host.dataDir, "backup.partial");
    const child = startBackup(host, "--to-stdout");
    await waitFor(() =>
      names(host.dataDir).includes("backup.partial") && names(partial).length > 1
    );
    child.kill("SIGSTOP");
    try {
      const second = await command(host, ["host", "backup", "--to-stdout"]);
      assert.equal(second.status, 1);
      assert.match(second.stderr, new RegExp(`^fmsg: Process ${child.pid} is making a copy`));
    } finally {
      child.kill("SIGKILL");
    }
    await child.status;
    const next = startBackup(host, "--to-stdout");
    assert.equal((await next.status).code, 0);
    assert.ok(!names(host.dataDir).includes("backup.partial"));
  });

  await t.step("S3 verify says that all is in order while content is on its way in", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const large = draft({ from: peer.address("ann"), to: [host.address("bob")], body: noise(MIB) });
    const sending = peer.send(large, { lastByteAfter: promise });
    try {
      const { stdout } = await waitFor(async () => {
        const ran = await command(host, ["host", "verify", "--json"]);
        assert.equal(ran.status, 0, ran.stdout);
        return /"staged":1/.test(ran.stdout) && ran;
      });
      assert.match(stdout, /"ok":true/);
    } finally {
      resolve();
    }
    assert.deepEqual((await sending).codes, [64, 200]);
  });

  await t.step("a backup is not restored under a host that runs", async () => {
    const file = join(out, "again.db");
    await host.json(["host", "backup", file]);
    const { status, stderr } = await command(host, ["host", "restore", file]);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^fmsg: Process ${host.pid} uses `));
  });
});

Deno.test("P7 a host that took a backup over knows its messages, and goes on with them", async () => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice"] });
  const peer = await world.peer();
  const [ann, alice] = [peer.address("ann"), host.address("alice")];
  const old = draft({ from: ann, to: [alice], topic: "Old", body: noise(100_000) });
  assert.deepEqual((await peer.send(old)).codes, [64, 200]);
  const absent = await world.peer({ listen: false });
  const waiting = await host.send({ from: alice, to: [absent.address("zoe")], body: "waits" });
  const before = [await host.list(alice), await host.save(1)];
  const file = join(world.folder, "backup.db");
  await host.json(["host", "backup", file]);

  await host.kill();
  await Deno.remove(host.dataDir, { recursive: true });
  const { status, stdout, stderr } = await command(host, ["host", "restore", file]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /1 delivery waits and will be tried when the host starts/);
  await host.start();

  assert.deepEqual([await host.list(alice), await host.save(1)], before);
  assert.deepEqual((await peer.send(old)).codes, [64, 103]);
  const reply = replyTo(old, { from: ann, to: [alice], body: "An answer to what is old" });
  assert.deepEqual((await peer.send(reply)).codes, [64, 200]);
  const answer = await host.send({ from: alice, to: [ann], replyTo: 1, wait: true });
  assert.ok(answer.id > waiting.id);
  await absent.listen();
  await waitFor(async () =>
    (await host.show(waiting.id)).delivery.every(({ state }) => state === "delivered")
  );
});

smallDiskTest(
  "P8 on a full disk there is no copy and nothing is left",
  import.meta.filename,
  20 * MIB,
  async () => {
    await using world = await World.make();
    const host = await world.host({ start: false });
    const config = loadConfig(host.configFile);
    {
      await using writer = new StoreWriter(openWriterHere(config.data_dir, writerSettings(config)));
      await writer.submit("addUser", {
        address: host.address("alice"),
        name: "",
        accepting: true,
        limits: {},
      });
    }
    await fill(host, 10);
    const folder = join(world.folder, "small");
    await Deno.mkdir(folder);
    await using disk = await SmallDisk.at(folder, 20 * MIB);
    const file = join(folder, "copy.db");

    await disk.fill(5 * MIB);
    const refused = await command(host, ["host", "backup", file]);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /^fmsg: The copy takes 1\d MiB, and on the disk of \S+ \S+ MiB are free: /,
    );
    assert.deepEqual(names(folder), ["ballast"]);

    // The same, had the room gone while the copy was made.
    const partial = join(folder, "partial");
    await Deno.mkdir(partial);
    await assert.rejects(copyStore(config.data_dir, partial), /^StoreError: The disk is full, and/);
    await Deno.remove(partial, { recursive: true });

    await disk.clear();
    await host.json(["host", "backup", file]);
    // There is no room for a second.
    const restored = join(folder, "restored");
    await host.configure({ data_dir: restored });
    const { status, stderr } = await command(host, ["host", "restore", file]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^fmsg: \S+ has 1\d MiB, and on the disk of \S+ \S+ MiB are free: free some/,
    );
    const piped = await host.cli(["host", "restore", "-"], { stdin: await Deno.readFile(file) });
    assert.equal(piped.code, 1);
    assert.match(
      piped.stderr,
      /^fmsg: Nothing was restored: what came from stdin cannot be copied to \S+: No space left [^\n]+\n$/,
    );
    assert.deepEqual(names(folder), ["copy.db"]);
  },
);

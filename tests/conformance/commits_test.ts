// What was answered with 200 or 11 is on disk, and what cannot be stored is not answered so (rows P4 and P8).

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { storeFile } from "../../src/store/database.ts";
import { addTo, draft, type Message, noise, replyTo } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const NO_ROOM = { codes: [5] };
const FAILED = { terminated: "store failed" };

/** Runs `use` with a connection of one's own to the host's store. */
async function withStore<Result>(
  { host }: Stage,
  use: (db: DatabaseSync) => Result | Promise<Result>,
): Promise<Result> {
  const db = new DatabaseSync(storeFile(host.dataDir), { timeout: 5000 });
  try {
    return await use(db);
  } finally {
    db.close();
  }
}

Deno.test("a 200 or 11 is sent after the commit, and survives whatever comes then", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { host, peer, ann } = stage;
  const original = stage.letter({ body: noise(200_000) });
  await stage.expect(original, TAKEN);
  const batch = (to: string) => addTo(original, { from: ann, to: [to] });

  await t.step("P4 no 200 and no 11 before the commit", async () => {
    const sending = await withStore(stage, async (db) => {
      // Nobody else commits until this ends.
      db.exec("BEGIN IMMEDIATE");
      const first: number[] = [];
      let ended = 0;
      const messages = [stage.letter(), batch(host.address("bob")), batch("@x@elsewhere.test")];
      const sending = messages.map(async (message) => {
        const onFirst = (code: number) => first.push(code);
        const sent = await peer.send(message, { pipeline: true, onFirst });
        ended++;
        return sent;
      });
      await waitFor(() => first.length === 2);
      // An exchange that stores nothing goes through meanwhile.
      await stage.expect(stage.letter({ pid: new Uint8Array(32) }), { codes: [6] });
      assert.deepEqual([first.toSorted(), ended], [[64, 65], 0]);
      db.exec("ROLLBACK");
      return sending;
    });
    assert.deepEqual((await Promise.all(sending)).map(({ codes }) => codes), [
      [64, 200],
      [65, 103, 200],
      [11],
    ]);
  });

  await t.step("P4 a crash as soon as the code is there", async () => {
    const survivors: Message[] = [original];
    for (let round = 0; round < 3; round++) {
      const letters = Array.from(
        { length: 8 },
        (_, i) => stage.letter({ body: noise(i * 30_000) }),
      );
      const notice = batch(`@x${round}@elsewhere.test`);
      const sending = [...letters, notice].map(async (message) => {
        const { codes } = await peer.send(message);
        if (codes.includes(200) || codes.includes(11)) survivors.push(message);
      });
      await Promise.race(sending);
      await host.kill();
      await Promise.all(sending);
      await host.start();
    }
    assert.ok(survivors.length > 3);
    for (const message of survivors) assert.equal(await stage.stores(message), true);
  });
  await t.step("P4 a crash in the middle of the data leaves nothing of it", async () => {
    const message = stage.letter({ body: noise(500_000) });
    const { promise, resolve } = Promise.withResolvers<void>();
    const sending = peer.send(message, { lastByteAfter: promise });
    await waitFor(async () => await withStore(stage, (db) => staged(db) >= 5));
    await host.kill();
    resolve();
    assert.deepEqual((await sending).codes, [64]);
    await host.start();
    assert.equal(await stage.stores(message), false);
    await withStore(stage, (db) => assert.equal(staged(db), 0));
    await stage.expect(message, TAKEN);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

/** Chunks of content that no message has adopted. */
function staged(db: DatabaseSync): number {
  const sql =
    "SELECT count(*) AS n FROM chunk WHERE id >> 20 IN (SELECT id FROM content WHERE staged = 1)";
  return Number(db.prepare(sql).get()?.n);
}

Deno.test("without room on the disk nothing is taken", async (t) => {
  await using stage = await Stage.set({ challenge: "always" });
  const { host, peer, ann, alice } = stage;
  const known = stage.letter();
  await stage.expect(known, TAKEN);
  await host.configure({ limits: { min_free_disk: "1000000GiB" } });
  await host.reload();
  // A reading of the free space is believed for a moment.
  await waitFor(async () => (await peer.send(stage.letter())).first === 5);
  const challenges = peer.challenges.length;

  await stage.play(t, [
    { name: "P8 a message", message: stage.letter(), ...NO_ROOM },
    {
      name: "P8 a reply, and one without its parent",
      message: replyTo(known, { from: ann, to: [alice] }),
      ...NO_ROOM,
    },
    {
      name: "P8 a batch that would need no room",
      message: addTo(known, { from: ann, to: ["@x@elsewhere.test"] }),
      ...NO_ROOM,
    },
    { name: "P8 a message that is here", message: known, ...NO_ROOM },
    { name: "P8 behind 1.4.1: invalid is 1", message: stage.letter({ to: [] }), codes: [1] },
    {
      name: "P8 behind 1.4.2: whoever is not authorised is terminated",
      message: draft({ from: "@ann@elsewhere.test", to: [alice] }),
      terminated: "sender not authorised",
    },
  ]);
  await t.step("P8 before the challenge", () => {
    assert.equal(peer.challenges.length, challenges);
  });
  await t.step("P8 with room again all are taken", async () => {
    await host.configure({ limits: { min_free_disk: 0 } });
    await host.reload();
    await waitFor(async () => (await peer.send(stage.letter())).first === 64);
    await stage.expect(known, { codes: [10] });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a commit that fails is answered by no code, and leaves nothing", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { host, peer, ann } = stage;
  const original = stage.letter({ body: noise(100_000) });
  await stage.expect(original, TAKEN);
  const batch = (to: string) => addTo(original, { from: ann, to: [to] });
  const paths: readonly (readonly [string, Message, number[]])[] = [
    ["behind 64", stage.letter(), [64]],
    ["behind 64 and much data", stage.letter({ body: noise(1_000_000) }), [64]],
    ["behind 65", batch(host.address("bob")), [65]],
    ["before 11", batch("@x@elsewhere.test"), []],
  ];
  // ROLLBACK ends the whole transaction, as a full disk may; ABORT undoes the statement.
  for (const how of ["ABORT", "ROLLBACK"]) {
    for (const table of ["message", "recipient", "chunk"]) {
      const name = `P8 inserting into ${table} fails (${how})`;
      await t.step(name, async () => {
        await withStore(stage, (db) =>
          db.exec(
            `CREATE TRIGGER full BEFORE INSERT ON ${table}
             BEGIN SELECT RAISE(${how}, 'database or disk is full'); END`,
          ));
        for (const [path, message, codes] of paths) {
          const isBatch = path !== "behind 64" && path !== "behind 64 and much data";
          if (table === "chunk" && isBatch) continue;
          if (table === "recipient" && path === "before 11") continue;
          await stage.expect(message, { codes, ...FAILED });
        }
        // Others are judged as before.
        await stage.expect(stage.letter({ pid: new Uint8Array(32) }), { codes: [6] });
        await withStore(stage, (db) => db.exec("DROP TRIGGER full"));
        for (const [, message] of paths) assert.equal(await stage.stores(message), false);
        await stage.expect(stage.letter(), TAKEN);
      });
    }
  }
  await t.step("P8 others in the same commit are not taken along", async () => {
    const spoilt = stage.letter();
    await withStore(stage, (db) =>
      db.exec(
        `CREATE TRIGGER full BEFORE INSERT ON message WHEN hex(NEW.hash) = '${spoilt.hash.toHex().toUpperCase()}' BEGIN SELECT RAISE(ABORT, 'no'); END`,
      ));
    const letters = Array.from({ length: 9 }, () => stage.letter());
    letters.splice(4, 0, spoilt);
    const sent = await Promise.all(letters.map((message) => peer.send(message)));
    assert.deepEqual(
      sent.map(({ codes }) => codes.join()),
      letters.map((message) => message === spoilt ? "64" : "64,200"),
    );
    await withStore(stage, (db) => db.exec("DROP TRIGGER full"));
  });
  await t.step("P8 and then all are taken", async () => {
    const codes = [[64, 200], [64, 200], [65, 103, 200], [11]];
    for (const [i, [, message]] of paths.entries()) {
      await stage.expect(message, { codes: codes[i] ?? [] });
    }
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

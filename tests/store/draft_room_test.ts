// The room that the drafts of one sender may take (row N3): no quota counts a message before it is sent.

import assert from "node:assert/strict";
import { isProblem } from "../../src/protocol/mod.ts";
import { verifyStore } from "../../src/store/mod.ts";
import { noise } from "../support/message.ts";
import { attach, detach, drafted, keep, kept, replace, rowsOf, sendDraft } from "./drafting.ts";
import { HERE, refused, sent, settings, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;

const PLAIN = { from: ALICE, to: [BOB], body: "hello" };

/** Bytes of the largest message. */
const LARGEST = 100 * 1024;

function users(changes = {}): Promise<TestStore> {
  return TestStore.open([ALICE, BOB], changes);
}

Deno.test("N3 the drafts of a sender together may hold a hundred of the largest messages, or send_bytes", async () => {
  const room = 16 * 1024 * 1024;
  await using store = await users({ maxSize: LARGEST, maxExpandedSize: LARGEST });
  await store.writer.submit("setUser", { key: BOB, limits: { send_bytes: 100_000 } });
  const body = noise(LARGEST);
  const whole = 100 + Math.floor(room / body.length);
  const first = await kept(store, { ...PLAIN, body });
  for (let i = 1; i < whole; i++) await kept(store, { ...PLAIN, body });
  const rest = await kept(store, { ...PLAIN, body: "" });
  const before = rowsOf(store);
  for (
    const done of [
      await keep(store, { ...PLAIN, body }),
      await replace(store, rest, { ...PLAIN, body }),
      await attach(store, rest, ALICE, "more.bin", body),
    ]
  ) {
    assert.equal(refused(done).reason, "over quota");
    assert.match(
      refused(done).message,
      /^Your drafts would take \d+ bytes, more than the 27017216/,
    );
  }
  assert.deepEqual(rowsOf(store), before);
  store.audit({ drafts: whole + 1 });

  // What takes less than before is taken, and what is sent or deleted counts no more.
  drafted(await replace(store, first, { ...PLAIN, body: "short" }));
  drafted(await attach(store, rest, ALICE, "more.bin", body));
  assert.equal(refused(await keep(store, { ...PLAIN, body })).reason, "over quota");
  drafted(await detach(store, rest, ALICE, "more.bin"));
  drafted(await replace(store, rest, { ...PLAIN, body }));
  sent(await sendDraft(store, rest));
  await kept(store, { ...PLAIN, body });

  // Somebody else's are another matter, and a limit of their own is less.
  const ofBob = { from: BOB, to: [ALICE], body };
  const many = Math.floor((room + 100_000) / body.length);
  for (let i = 0; i < many; i++) await kept(store, ofBob);
  assert.match(refused(await keep(store, ofBob)).message, /more than the 16877216 that/);
  store.audit({ drafts: whole + 1 + many });
  assert.deepEqual((await verifyStore(store.folder, settings())).findings, []);
});

Deno.test("N3 recipients that wait with drafts take room too", async () => {
  await using store = await users({ quota: { ...settings().quota, send_bytes: 0 } });
  const domain = Array.from({ length: 3 }, () => "x".repeat(60)).join(".");
  const added = (i: number) => Array.from({ length: 250 }, (_, n) => `@u${i}-${n}@${domain}`);
  // Most of the room is taken already.
  await kept(store, { ...PLAIN, body: noise(9 * 1024 * 1024) });
  let refusals = 0;
  for (let draft = 0; draft < 10 && refusals === 0; draft++) {
    const id = await kept(store, PLAIN);
    for (let i = 0; i < 100 && refusals === 0; i++) {
      const done = await store.addTo(id, ALICE, ...added(i));
      if (!isProblem(done)) continue;
      assert.equal(done.reason, "over quota");
      refusals++;
    }
  }
  assert.equal(refusals, 1);
});

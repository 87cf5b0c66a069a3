// Writes VERSION.db.gz: a store with something of everything in it, as this version writes it. Run once, before a release
// that changes the schema: "deno run -A tests/store/earlier/make.ts". earlier_test.ts opens what earlier versions wrote.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import manifest from "../../../deno.json" with { type: "json" };
import { storeFile } from "../../../src/store/mod.ts";
import { addTo, draft } from "../../support/message.ts";
import { HERE, sent, TestStore } from "../support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@Bob@${HERE}`;
export const CAROL = "@carol@far.example";

/** More than one chunk. */
export const LONG = "a long message\n".repeat(7000);

async function fill(store: TestStore): Promise<void> {
  const received = draft({
    from: CAROL,
    to: [ALICE, BOB],
    topic: "Lunch",
    body: LONG,
    attachments: [{ filename: "menu.txt", body: "soup ".repeat(100), compress: true }],
  });
  await store.accept(received);
  const id = store.idOf(received);
  const answer = sent(await store.send({ from: ALICE, to: [CAROL, BOB], start: { replyTo: id } }));
  await store.record(answer, "far.example", { kind: "failed", reason: "no route" });
  sent(await store.send({ from: ALICE, to: [CAROL], start: { replyTo: answer.id } }));
  sent(await store.addTo(id, ALICE, "@dora@far.example"));
  const gone = draft({ from: CAROL, to: [BOB], body: "deleted" });
  await store.accept(gone);
  await store.writer.submit("delete", { message: store.idOf(gone), for: null });
  await store.accept(
    addTo(draft({ from: CAROL, to: [ALICE], body: "early" }), { from: CAROL, to: [BOB] }),
  );
  await store.writer.submit("draft", {
    from: ALICE,
    to: [BOB],
    start: { topic: "later" },
    body: { type: "text/plain;charset=UTF-8", size: 5, expandedSize: null },
    attachments: [],
    important: true,
    noReply: false,
    content: { kind: "inline", bytes: new TextEncoder().encode("draft") },
  });
}

if (import.meta.main) {
  await using store = await TestStore.open([
    {
      address: ALICE,
      name: "Alice",
      limits: { recv_bytes: 1024 ** 3, send_messages_per_day: null },
    },
    { address: BOB, accepting: true },
  ]);
  await fill(store);
  store.audit({ drafts: 1, deleted: true });
  await store.writer[Symbol.asyncDispose]();
  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const file = join(import.meta.dirname ?? ".", `${manifest.version}.db.gz`);
  const packed = gzipSync(Deno.readFileSync(storeFile(store.folder)), { level: 9 });
  Deno.writeFileSync(file, packed, { createNew: true });
  console.log(`${file}: ${packed.length} bytes`);
}

// A store with something of everything in it, and what is found in it once it is broken.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type AuditReport, verifyStore } from "../../src/store/mod.ts";
import { addTo, draft, noise } from "../support/message.ts";
import { HERE, sent, settings, TestStore } from "./support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CAROL = "@carol@far.example";
export const CHUNK = 64 * 1024;

/** Ids of what is in the store that tests break. */
export const RECEIVED = 1;
export const SENT = 2;
export const REPLY = 3;
export const BATCH = 4;
export const EARLY = 6;

/**
 * A message with compressed parts and several chunks, one that waits for delivery, a reply that is held back behind it, a
 * batch on the first, a draft, and a batch whose original is not here.
 */
async function fill(store: TestStore): Promise<void> {
  const received = draft({
    from: CAROL,
    to: [ALICE, BOB],
    body: "compressible ".repeat(1000),
    compress: true,
    attachments: [{ filename: "noise.bin", body: noise(3 * CHUNK) }],
  });
  await store.accept(received);
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, CAROL], body: "Hello" }));
  sent(await store.send({ from: ALICE, to: [CAROL], start: { replyTo: id } }));
  sent(await store.addTo(RECEIVED, ALICE, "@dora@far.example"));
  await store.writer.submit("draft", {
    from: ALICE,
    to: [BOB],
    start: { topic: "later" },
    body: { type: "text/plain", size: 5, expandedSize: null },
    attachments: [],
    important: false,
    noReply: false,
    content: { kind: "inline", bytes: new TextEncoder().encode("draft") },
  });
  await store.accept(addTo(early, { from: CAROL, to: [BOB] }));
}

/** Comes after a batch on it, if at all. */
export const early = draft({ from: CAROL, to: [ALICE], body: "early" });

/** Where a store lies that no process has open, made once; `extra` bytes are another message. */
export async function whole(extra = 0): Promise<Disposable & { readonly folder: string }> {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-verify-" });
  await using store = await TestStore.open([ALICE, BOB]);
  await fill(store);
  if (extra > 0) await store.accept(draft({ from: CAROL, to: [BOB], body: noise(extra) }));
  store.audit({ drafts: 1 });
  using db = open(store.folder);
  db.prepare("VACUUM INTO ?").run(join(folder, "fmsg.db"));
  return { folder, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

export function open(folder: string): DatabaseSync & Disposable {
  const db = new DatabaseSync(join(folder, "fmsg.db"));
  return Object.assign(db, { [Symbol.dispose]: () => db.close() });
}

/** What is found in a copy of the store after `breaking` it. */
export async function broken(
  folder: string,
  breaking: (file: string) => void,
): Promise<AuditReport> {
  const copy = Deno.makeTempDirSync({ prefix: "fmsg-verify-" });
  try {
    const file = join(copy, "fmsg.db");
    Deno.copyFileSync(join(folder, "fmsg.db"), file);
    breaking(file);
    return await verifyStore(copy, settings());
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}

export function bySql(sql: string): (file: string) => void {
  return (file) => {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA foreign_keys = OFF");
    db.exec(sql);
    db.close();
  };
}

export function words({ findings }: AuditReport): string[] {
  return findings.map(({ what }) => what);
}

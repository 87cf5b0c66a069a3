// What tests do with drafts: each operation by its few words, and what a draft holds.

import assert from "node:assert/strict";
import { type Bytes, concat } from "../../src/wire/mod.ts";
import { isProblem, type Problem } from "../../src/protocol/mod.ts";
import { ContentStaging, type Drafted, type Sent } from "../../src/store/mod.ts";
import type { ContentSource } from "../../src/store/operations.ts";
import { readContent } from "../../src/store/contents.ts";
import { draftById } from "../../src/store/drafts.ts";
import { openForReading } from "../../src/store/opening.ts";
import type { TestStore } from "./support.ts";

/** What a test says of a draft; the rest is as short as it can be. */
export interface Drafting {
  readonly from: string;
  readonly to: readonly string[];
  readonly start?: { readonly topic: string } | { readonly replyTo: number };
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly attachments?: Readonly<Record<string, string | Uint8Array>>;
}

/** Keeps a draft, with its attachments in one content, as the command line would. */
export async function keep(store: TestStore, drafting: Drafting): Promise<Drafted | Problem> {
  const attachments = Object.entries(drafting.attachments ?? {});
  const pieces = [drafting.body, ...attachments.map(([, body]) => body)].map(bytesOf);
  return await staged(store, concat(pieces), (content) =>
    store.writer.submit("draft", {
      ...fieldsOf(drafting),
      attachments: attachments.map(([filename, body]) => ({
        ...partOf(bytesOf(body)),
        filename,
      })),
      content,
    }));
}

/** As `keep`, of a draft that is taken; its id. */
export async function kept(store: TestStore, drafting: Drafting): Promise<number> {
  return drafted(await keep(store, drafting));
}

export async function replace(
  store: TestStore,
  id: number,
  drafting: Drafting,
): Promise<Drafted | Problem> {
  return await staged(
    store,
    bytesOf(drafting.body),
    (content) => store.writer.submit("replaceDraft", { id, ...fieldsOf(drafting), content }),
  );
}

export async function attach(
  store: TestStore,
  draft: number,
  from: string,
  filename: string,
  body: string | Uint8Array,
): Promise<Drafted | Problem> {
  const bytes = bytesOf(body);
  return await staged(store, bytes, (content) =>
    store.writer.submit("attach", {
      draft,
      from,
      attachment: { ...partOf(bytes), filename },
      content,
    }));
}

export async function detach(
  store: TestStore,
  draft: number,
  from: string,
  filename: string,
): Promise<Drafted | Problem> {
  return await store.writer.submit("detach", { draft, from, filename });
}

export async function sendDraft(
  store: TestStore,
  id: number,
  from: string | null = null,
): Promise<Sent | Problem> {
  return await store.writer.submit("sendDraft", { id, from });
}

/** The id of a draft that was taken. */
export function drafted(done: Drafted | Sent | Problem): number {
  if (done.kind === "drafted") return done.id;
  assert.fail(isProblem(done) ? done.message : done.kind);
}

/** What each part of a draft holds: the data by the name "", and the attachments, in their order. */
export function partsOf(store: TestStore, id: number): [string, string][] {
  using db = openForReading(store.folder);
  const draft = draftById(db, id);
  assert.ok(draft !== null, `there is no draft ${id}`);
  const names = ["", ...draft.fields.attachments.map(({ filename }) => filename)];
  return names.map((name, i) => {
    const bytes = concat([...readContent(db, draft.contents[i] ?? 0)]);
    return [name, new TextDecoder().decode(bytes)];
  });
}

/** What of drafts and contents is in the store. */
export function rowsOf(store: TestStore): Record<string, number> {
  const tables = ["draft", "draft_part", "draft_batch", "content", "piece", "chunk"];
  return Object.fromEntries(
    tables.map((table) => [table, store.count(table)] as const).filter(([, rows]) => rows > 0),
  );
}

function fieldsOf({ from, to, start = { topic: "" }, body, type }: Drafting) {
  return {
    from,
    to,
    start,
    body: { ...partOf(bytesOf(body)), ...type === undefined ? {} : { type } },
    important: false,
    noReply: false,
  };
}

function partOf({ length }: Uint8Array) {
  return { type: "text/plain;charset=UTF-8", size: length, expandedSize: null };
}

function bytesOf(text: string | Uint8Array = ""): Bytes {
  return typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array(text);
}

async function staged<Done extends object>(
  store: TestStore,
  bytes: Bytes,
  work: (content: ContentSource) => Promise<Done>,
): Promise<Done> {
  await using staging = new ContentStaging(store.writer, bytes.length);
  await staging.write(bytes);
  const done = await work(await staging.source());
  if (!isProblem(done)) staging.adopted();
  return done;
}

// Reading a store as one identity, in tests.

import assert from "node:assert/strict";
import type { ClientMessage, IdentityMailbox } from "../../src/store/mod.ts";
import type { Bytes } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { TestStore } from "./support.ts";

/** Reads as one identity. */
export function as<Result>(
  store: TestStore,
  user: string,
  work: (mailbox: IdentityMailbox) => Result,
): Result {
  return store.read((mailbox) => work(mailbox.forIdentity(addressOf(user))));
}

/** What each of those sees of a message, on each way to it; all ways have to agree. */
export function seenBy(store: TestStore, id: number, ...who: string[]): boolean[] {
  return who.map((user) =>
    as(store, user, (mailbox) => {
      const seen = mailbox.message(id) !== null;
      assert.equal(previewOf(mailbox, id, 10) !== null, seen, `${user}: preview`);
      assert.equal(mailbox.part(id, null) !== null, seen, `${user}: part`);
      assert.equal(mailbox.lineage(id, 100) !== null, seen, `${user}: lineage`);
      assert.equal(mailbox.thread(id) !== null, seen, `${user}: thread`);
      assert.equal(
        mailbox.headers(id, 1) !== null,
        seen && !isDraft(mailbox, id),
        `${user}: headers`,
      );
      const listed = [...mailbox.received(1000, 0), ...mailbox.authored(1000, 0)];
      for (const other of listed) assert.notEqual(mailbox.message(other.id), null);
      return seen;
    })
  );
}

function isDraft(mailbox: IdentityMailbox, id: number): boolean {
  return mailbox.message(id)?.isDraft === true;
}

/** The message as that user sees it, who has to see it. */
export function view(store: TestStore, id: number, user: string): ClientMessage {
  const message = as(store, user, (mailbox) => mailbox.message(id));
  assert.ok(message !== null, `${user} does not see message ${id}`);
  return message;
}

/** The first bytes of a message's data; null also when it is not seen. */
export function previewOf(mailbox: IdentityMailbox, id: number, bytes: number): Bytes | null {
  const message = mailbox.message(id);
  return message === null ? null : mailbox.previews([message], bytes)[0] ?? null;
}

export function ids(messages: readonly ClientMessage[] | null): number[] {
  return messages?.map(({ id }) => id) ?? [];
}

/** Keeps a draft of a text. */
export async function keep(
  store: TestStore,
  from: string,
  to: readonly string[],
  changes: { readonly replyTo?: number; readonly body?: string } = {},
): Promise<number> {
  const bytes = new TextEncoder().encode(changes.body ?? "a draft");
  const drafted = await store.writer.submit("draft", {
    from,
    to,
    start: changes.replyTo === undefined ? { topic: "Later" } : { replyTo: changes.replyTo },
    body: { type: "text/plain;charset=UTF-8", size: bytes.length, expandedSize: null },
    attachments: [],
    important: true,
    noReply: false,
    content: { kind: "inline", bytes },
  });
  assert.equal(drafted.kind, "drafted");
  return drafted.kind === "drafted" ? drafted.id : 0;
}

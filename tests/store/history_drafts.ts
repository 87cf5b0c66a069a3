// The drafts in a history of a store: what is written into them, and what each part has to hold.

import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fold } from "../../src/wire/mod.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { Mailbox, type Sent } from "../../src/store/mod.ts";
import { attach, detach, drafted, kept, partsOf, replace, sendDraft } from "./drafting.ts";
import type { TestStore } from "./support.ts";

/** What is done to one draft of those there are; those that are none of "new" do nothing where there is none. */
export interface DraftChange {
  readonly kind: "new" | "replace" | "attach" | "detach" | "send" | "delete";
  readonly which: number;
  readonly to: readonly string[];
  readonly name: string;
  readonly size: number;
}

export function draftChanges(to: fc.Arbitrary<string[]>): fc.Arbitrary<DraftChange> {
  return fc.record({
    kind: fc.constantFrom("new", "replace", "attach", "attach", "detach", "send", "delete"),
    which: fc.nat({ max: 5 }),
    to,
    name: fc.constantFrom("a", "b", "C", "c"),
    size: fc.constantFrom(0, 1, 64 * 1024, 100_000),
  });
}

/** One user's drafts, with what their parts hold. */
export class Drafts {
  readonly #store: TestStore;
  readonly #from: string;
  readonly #drafts = new Map<number, [string, string][]>();
  #written = 0;

  constructor(store: TestStore, from: string) {
    this.#store = store;
    this.#from = from;
  }

  get count(): number {
    return this.#drafts.size;
  }

  /** Gives what was sent, if anything. */
  async take(change: DraftChange): Promise<Sent | null> {
    const store = this.#store;
    const from = this.#from;
    const body = String(this.#written++ % 10).repeat(change.size);
    if (change.kind === "new") {
      const attachments = { [change.name]: body };
      const id = await kept(store, { from, to: change.to, body, attachments });
      this.#drafts.set(id, [["", body], [change.name, body]]);
      return null;
    }
    const ids = [...this.#drafts.keys()];
    const id = ids[change.which % ids.length];
    const parts = this.#drafts.get(id ?? 0);
    if (id === undefined || parts === undefined) return null;
    const at = parts.findIndex(([name], i) => i > 0 && name === change.name);
    switch (change.kind) {
      case "replace":
        drafted(await replace(store, id, { from, to: change.to, body }));
        parts[0] = ["", body];
        return null;
      case "attach": {
        const done = await attach(store, id, from, change.name, body);
        const clashes = parts.some(([name], i) => i !== at && i > 0 && same(name, change.name));
        assert.equal(isProblem(done), clashes);
        if (!clashes) parts.splice(at < 0 ? parts.length : at, 1, [change.name, body]);
        return null;
      }
      case "detach":
        assert.equal(isProblem(await detach(store, id, from, change.name)), at < 0);
        if (at >= 0) parts.splice(at, 1);
        return null;
      case "delete":
        await store.writer.submit("delete", { message: id, for: from, draft: true });
        this.#drafts.delete(id);
        return null;
      case "send": {
        drafted(await replace(store, id, { from, to: change.to, body }));
        parts[0] = ["", body];
        const sent = await sendDraft(store, id, from);
        assert.ok(sent.kind === "sent" && sent.id === id);
        this.#drafts.delete(id);
        for (const [name, text] of parts) {
          assert.equal(await this.#read(id, name === "" ? null : name), text);
        }
        return sent;
      }
    }
  }

  check(): void {
    for (const [id, parts] of this.#drafts) assert.deepEqual(partsOf(this.#store, id), parts);
  }

  async #read(id: number, name: string | null): Promise<string> {
    using mailbox = new Mailbox(this.#store.folder);
    const pieces = await Array.fromAsync(mailbox.content(id, name) ?? []);
    return new TextDecoder().decode(concat(pieces));
  }
}

function same(one: string, other: string): boolean {
  return fold(one) === fold(other);
}

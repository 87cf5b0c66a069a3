// A draft being written: kept on the host as it is typed, in this browser until it is there, and sent.

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Sent } from "../api/client_types.ts";
import type { MessageItem } from "../api/message_schema.ts";
import * as client from "./client.ts";
import {
  draftBody,
  type DraftContent,
  EMPTY_DRAFT,
  isSame,
  isWorthKeeping,
  nextStep,
} from "./draft_steps.ts";
import { Offline, Refused } from "./errors.ts";
import { DraftFiles } from "./draft_files.ts";
import { dropLocally, keepLocally, type LocalDraft } from "./local_drafts.ts";

export type DraftState =
  /** `local`: in this browser alone, for want of a recipient. `refused`: the host does not take it as it is. */
  | { readonly kind: "empty" | "local" | "changed" | "saving" | "saved" | "offline" | "sending" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "sent"; readonly id: number; readonly time: number };

export interface DraftParts {
  /** The own address. */
  readonly from: string;
  /** The host's copy is there, changed, or (null) gone; after sending, the message. */
  readonly onChanged: (id: number, item: MessageItem | null) => void;
  /** What nobody waits for went wrong, SignedOut among it. */
  readonly onError: (error: unknown) => void;
}

/** Milliseconds from the last key to the request that saves. */
const PAUSE = 1200;
const RETRY = 15_000;

export class Draft {
  /** Of this browser's copy, and of this draft while it is open. */
  readonly key: string;
  readonly content: Signal<DraftContent>;
  readonly id: Signal<number | null>;
  readonly files: DraftFiles;
  /** What of it is shown beside the text. */
  readonly state: ReadonlySignal<DraftState>;
  /** It is nowhere any more. */
  isDiscarded = false;
  readonly #parts: DraftParts;
  readonly #saved = signal<DraftContent | null>(null);
  readonly #doing = signal<"nothing" | "saving" | "sending">("nothing");
  readonly #failure = signal<"offline" | { readonly reason: string } | null>(null);
  readonly #sent = signal<Sent | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;
  /** Would this browser find it again as it is? */
  readonly #kept = signal(true);

  private constructor(parts: DraftParts, local: LocalDraft, saved: DraftContent | null) {
    this.#parts = parts;
    this.key = local.key;
    this.content = signal(local.content);
    this.id = signal(local.id);
    this.#saved.value = saved;
    this.files = new DraftFiles(this.id, () => this.#ensured());
    this.state = computed(() => this.#stateNow());
  }

  /** A new one; `content` is what an answer begins with. */
  static begin(parts: DraftParts, content: Partial<DraftContent> = {}): Draft {
    const local = { key: crypto.randomUUID(), id: null, content: { ...EMPTY_DRAFT, ...content } };
    return new Draft(parts, local, null);
  }

  /** One that this browser kept. */
  static fromLocal(parts: DraftParts, local: LocalDraft): Draft {
    const draft = new Draft(parts, local, null);
    draft.#schedule(PAUSE);
    return draft;
  }

  /** One of the host's. Throws what client.ts throws. */
  static async open(parts: DraftParts, item: MessageItem): Promise<Draft> {
    const { text } = await client.bodyText(item, { all: true });
    const content: DraftContent = {
      to: item.to,
      topic: item.topic,
      pid: item.pid,
      text,
      markdown: /^text\/markdown\b/i.test(item.type),
      important: item.important,
      noReply: item.no_reply,
    };
    const draft = new Draft(parts, { key: `m${item.id}`, id: item.id, content }, content);
    draft.files.has(item.attachments);
    return draft;
  }

  /** Can the page be closed without something being lost? Files that are not on the host are nowhere else. */
  get isSafe(): boolean {
    const { kind } = this.state.value;
    if (kind === "sending" || this.files.isMoving) return false;
    return kind === "empty" || kind === "saved" || kind === "sent" || this.#kept.value;
  }

  edit(change: Partial<DraftContent>): void {
    if (this.#doing.value === "sending" || this.#sent.value !== null) return;
    const content = { ...this.content.value, ...change };
    if (isSame(content, this.content.value)) return;
    this.content.value = content;
    this.#failure.value = null;
    this.#keep();
    this.#schedule(PAUSE);
  }

  /** Saves now, as when the page is hidden. Does not throw: `state` says what became of it. */
  save(): Promise<void> {
    clearTimeout(this.#timer);
    return this.#inTurn(() => this.#steps(false));
  }

  /**
   * Saves what is not saved and sends. Throws Refused (409: a domain cannot accept the answer; its message tells the way
   * out), Offline, SignedOut: then the draft is there as before.
   */
  async send(): Promise<Sent> {
    clearTimeout(this.#timer);
    this.#failure.value = null;
    await this.files.settled();
    await this.#inTurn(() => this.#steps(true));
    const sent = this.#sent.value;
    if (sent === null) throw new Refused(400, "The draft has no recipient", null);
    return sent;
  }

  /** Deletes it here and on the host. Throws what client.ts throws. */
  async discard(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.files.cancelAll();
    await this.#running.catch(() => {});
    const id = this.id.value;
    if (id !== null) {
      try {
        await client.deleteDraft(id);
      } catch (error) {
        if (!(error instanceof Refused && error.status === 404)) {
          this.#closed = false;
          throw error;
        }
      }
      this.#parts.onChanged(id, null);
    }
    dropLocally(this.key);
    this.isDiscarded = true;
  }

  /** Nothing more is tried, and nothing deleted: who wrote it is signed out, or nobody looks at it any more. */
  abandon(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.files.cancelAll();
  }

  /** An emptied one of the host's is kept too: the host has still what was written before. */
  #keep(): void {
    // Whoever wrote it is signed out: nothing is written down behind what was forgotten.
    if (this.#closed) return;
    const content = this.content.value;
    const id = this.id.value;
    if (id !== null || isWorthKeeping(content)) {
      this.#kept.value = keepLocally({ key: this.key, id, content });
    } else {
      dropLocally(this.key);
      this.#kept.value = true;
    }
  }

  #schedule(pause: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.save(), pause);
  }

  /** The id of the host's copy, made if need be: for uploads. null while it has no recipient. */
  async #ensured(): Promise<number | null> {
    if (this.id.value === null && this.content.value.to.length > 0) {
      await this.#inTurn(() => this.#create());
    }
    return this.id.value;
  }

  /** One request at a time: two that overtake each other would make two drafts, or save the older text. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#running.catch(() => {}).then(work);
    this.#running = done;
    return done;
  }

  async #steps(sending: boolean): Promise<void> {
    if (this.#closed || this.#sent.value !== null) return;
    this.#doing.value = sending ? "sending" : "saving";
    try {
      while (true) {
        const step = nextStep({
          content: this.content.value,
          id: this.id.value,
          saved: this.#saved.value,
          sending,
          uploads: 0,
        });
        if (step === "nothing") break;
        if (step === "create") await this.#create();
        if (step === "replace") await this.#replace();
        if (step === "send") {
          await this.#send();
          break;
        }
      }
      this.#failure.value = null;
    } catch (error) {
      // Whoever sends is told; what is not saved for want of a host is tried again.
      if (!sending || isPassing(error)) this.#failed(error);
      if (sending) throw error;
    } finally {
      this.#doing.value = "nothing";
    }
  }

  async #create(): Promise<void> {
    if (this.id.value !== null) return;
    const content = this.content.value;
    this.id.value = await client.createDraft(draftBody(content, this.#parts.from));
    this.#nowSaved(content);
  }

  async #replace(): Promise<void> {
    const id = this.id.value;
    if (id === null) return;
    const content = this.content.value;
    try {
      await client.replaceDraft(id, draftBody(content, this.#parts.from));
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) throw error;
      // Deleted elsewhere while it is written here: what is written counts, and becomes a new one.
      this.id.value = null;
      this.#saved.value = null;
      this.files.lost(error);
      this.#parts.onChanged(id, null);
      return;
    }
    this.#nowSaved(content);
  }

  async #send(): Promise<void> {
    const id = this.id.value;
    if (id === null) return;
    await this.files.checked(id);
    let sent: Sent;
    try {
      sent = await client.sendDraft(id);
    } catch (error) {
      const done = await sentBefore(id, error);
      if (done === null) throw error;
      sent = done;
    }
    this.#sent.value = sent;
    dropLocally(this.key);
    // It stands in its thread before whoever waits for the sending takes their own view of it away.
    await this.#tell(id);
  }

  #nowSaved(content: DraftContent): void {
    this.#saved.value = content;
    const id = this.id.value;
    if (isSame(content, this.content.value)) dropLocally(this.key);
    else this.#keep();
    if (id !== null) void this.#tell(id);
  }

  async #tell(id: number): Promise<void> {
    try {
      this.#parts.onChanged(id, await client.message(id));
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  #failed(error: unknown): void {
    if (isPassing(error)) {
      this.#failure.value = "offline";
      this.#schedule(error instanceof Refused ? (error.retryAfter ?? 15) * 1000 : RETRY);
    } else if (error instanceof Refused) this.#failure.value = { reason: error.message };
    else this.#parts.onError(error);
  }

  #stateNow(): DraftState {
    const sent = this.#sent.value;
    if (sent !== null) return { kind: "sent", id: sent.id, time: sent.time };
    if (this.#doing.value === "sending") return { kind: "sending" };
    const content = this.content.value;
    const saved = this.#saved.value;
    const failure = this.#failure.value;
    if (failure !== null) {
      return failure === "offline" ? { kind: failure } : { kind: "refused", ...failure };
    }
    if (saved !== null && isSame(saved, content)) return { kind: "saved" };
    if (this.id.value === null && !isWorthKeeping(content)) return { kind: "empty" };
    if (content.to.length === 0) return { kind: "local" };
    return { kind: this.#doing.value === "saving" ? "saving" : "changed" };
  }
}

function isPassing(error: unknown): error is Offline | Refused {
  return error instanceof Offline || (error instanceof Refused && error.isPassing);
}

/** Was it sent all the same, the answer lost on its way, or by another tab? */
async function sentBefore(id: number, error: unknown): Promise<Sent | null> {
  if (!(error instanceof Offline) && !(error instanceof Refused && error.status === 409)) {
    return null;
  }
  try {
    const { time } = await client.message(id);
    return time === null ? null : { id, time };
  } catch {
    return null;
  }
}

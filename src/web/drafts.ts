// A draft being written: kept on the host as it is typed, in this browser until it is there, and sent.

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Sent } from "../api/client_types.ts";
import type { MessageItem } from "../api/message_schema.ts";
import * as client from "./client.ts";
import {
  type Apart,
  draftBody,
  type DraftContent,
  type DraftFacts,
  EMPTY_DRAFT,
  type Here,
  isSame,
  isWorthKeeping,
  nextStep,
} from "./draft_steps.ts";
import { type DraftState, draftState, type StateFacts } from "./draft_state.ts";
import { DraftFiles } from "./draft_files.ts";
import {
  contentOf,
  deleteOnHost,
  isRefusal,
  readOnHost,
  WentApart,
  whyItStays,
} from "./draft_host.ts";
import { isPassing, Offline, Refused } from "./errors.ts";
import { dropLocally, keepLocally, type LocalDraft, newDraft } from "./local_drafts.ts";
import { texts } from "./texts.ts";

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
/** Milliseconds for which nobody is thought to have changed the host's copy elsewhere. */
const SURE = 20_000;

export class Draft {
  /** Of this browser's copy, and of this draft while it is open. */
  readonly key: string;
  readonly content: Signal<DraftContent>;
  readonly id: Signal<number | null>;
  readonly files: DraftFiles;
  /** What of it is shown beside the text. */
  readonly state: ReadonlySignal<DraftState>;
  /** Nothing of it is kept in this browser any more. */
  isDiscarded = false;
  readonly #parts: DraftParts;
  readonly #saved = signal<DraftContent | null>(null);
  readonly #doing = signal<StateFacts["doing"]>("nothing");
  readonly #failure = signal<StateFacts["failure"]>(null);
  readonly #sent = signal<Sent | null>(null);
  /** As in LocalDraft. */
  #bases: readonly DraftContent[];
  /** When it was certain that the host's copy is what was saved, in ms since 1970; null: it is not certain. */
  #sureAt: number | null = null;
  /** It did since somebody last asked to send it. */
  #apart: WentApart | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;
  /** Would this browser find it again as it is? */
  readonly #kept = signal(true);

  private constructor(parts: DraftParts, { key, id, content, bases }: LocalDraft) {
    this.#parts = parts;
    this.key = key;
    this.content = signal(content);
    this.id = signal(id);
    this.#bases = bases;
    this.files = new DraftFiles(this.id, () => this.#ensured(), () => {
      // It may be nowhere else.
      this.#keep();
      this.#doubt(0);
    });
    this.state = computed(() =>
      draftState({
        content: this.content.value,
        id: this.id.value,
        saved: this.#saved.value,
        doing: this.#doing.value,
        failure: this.#failure.value,
        sent: this.#sent.value,
      })
    );
  }

  /** A new one; `content` is what an answer begins with. */
  static begin(parts: DraftParts, content: Partial<DraftContent> = {}): Draft {
    return new Draft(parts, newDraft(null, { ...EMPTY_DRAFT, ...content }));
  }

  /** One that this browser kept. What the host has of it, its files too, is asked at once. */
  static fromLocal(parts: DraftParts, local: LocalDraft): Draft {
    const draft = new Draft(parts, local);
    draft.#doubt(0);
    return draft;
  }

  /** One of the host's. Throws what client.ts throws. */
  static async open(parts: DraftParts, item: MessageItem): Promise<Draft> {
    const content = await contentOf(item);
    const draft = new Draft(parts, newDraft(item.id, content));
    draft.#knows(content);
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
    return this.#inTurn(() => this.#steps("saved"));
  }

  /**
   * Saves what is not saved and sends. Throws Refused (409: a domain cannot accept the answer, or the host's copy is not
   * what is shown here; its message tells the way out), Offline, SignedOut: then the draft is there as before.
   */
  async send(): Promise<Sent> {
    clearTimeout(this.#timer);
    this.#failure.value = null;
    this.#apart = null;
    await this.files.settled();
    await this.#inTurn(() => this.#steps("sent"));
    const sent = this.#sent.value;
    if (sent !== null) return sent;
    if (this.#closed) throw new DOMException("Nobody writes it any more", "AbortError");
    throw new Refused(400, texts.writing.missing.recipient, null);
  }

  /**
   * Deletes it here, and on the host unless something else was written there. Throws what client.ts throws: then it is there
   * as before.
   */
  async discard(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running.catch(() => {});
    const id = this.id.value;
    if (id !== null) {
      try {
        const item = await deleteOnHost(id, this.#isSure ? null : this.#here);
        this.#parts.onChanged(id, item);
        if (item !== null) this.#parts.onError(whyItStays(item));
      } catch (error) {
        this.#closed = false;
        this.#schedule(PAUSE);
        this.files.start();
        throw error;
      }
    }
    this.files.cancelAll();
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
      this.#kept.value = keepLocally({ key: this.key, id, content, bases: this.#bases });
    } else {
      dropLocally(this.key);
      this.#kept.value = true;
    }
  }

  #schedule(pause: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.save(), pause);
  }

  /** The id of the host's copy, made if need be, its files known: for uploads. null while it has no recipient. */
  async #ensured(): Promise<number | null> {
    await this.#inTurn(() => this.#steps("made"));
    return this.#closed || this.#sent.value !== null ? null : this.id.value;
  }

  /** One request at a time: two that overtake each other would make two drafts, or save the older text. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#running.catch(() => {}).then(work);
    this.#running = done;
    return done;
  }

  /** All that is to be done for what is wanted. Of `saved` nobody waits for the end: it throws nothing. */
  async #steps(wanted: DraftFacts["wanted"]): Promise<void> {
    if (this.#closed || this.#sent.value !== null) return;
    this.#doing.value = wanted === "sent" ? "sending" : "saving";
    try {
      // While its files, or what was being saved before, were waited for.
      if (wanted === "sent" && this.#apart !== null) throw this.#apart;
      let isGoingOn = true;
      while (isGoingOn && !this.#closed && this.#sent.value === null) {
        try {
          isGoingOn = await this.#step(wanted);
        } catch (error) {
          // What goes to others is looked at again first; what is saved is saved as a draft of its own.
          if (wanted === "sent" || !(error instanceof WentApart)) throw error;
          if (!this.#closed) this.#parts.onError(error);
        }
      }
      if (wanted !== "made") this.#failure.value = null;
    } catch (error) {
      this.#failed(error, wanted);
      if (wanted !== "saved") throw error;
    } finally {
      this.#doing.value = "nothing";
    }
  }

  /** Does the next; false: there was nothing to do. */
  async #step(wanted: DraftFacts["wanted"]): Promise<boolean> {
    const id = this.id.value;
    const step = nextStep({
      content: this.content.value,
      id,
      saved: this.#saved.value,
      isSure: this.#isSure,
      wanted,
    });
    if (step === "nothing") return false;
    if (step === "create") await this.#create();
    // Of the others each has one.
    else if (id === null) return false;
    else if (step === "read") await this.#read(id, wanted);
    else if (step === "replace") await this.#replace(id, wanted);
    else await this.#send(id);
    return true;
  }

  async #create(): Promise<void> {
    const content = this.content.value;
    const id = await client.createDraft(draftBody(content, this.#parts.from));
    batch(() => {
      this.id.value = id;
      this.#nowSaved(content);
    });
    void this.#tell(id);
  }

  /** Throws WentApart where it is not, or no more, what this page knows. Then what is written here has no copy there. */
  async #read(id: number, wanted: DraftFacts["wanted"]): Promise<void> {
    const { takenOff } = this.files;
    const { item, found } = await readOnHost(id, () => this.#here);
    // It may list a file that is gone: that would be shown as one of another device.
    if (this.files.takenOff !== takenOff) return await this.#read(id, wanted);
    if (found.kind === "apart") return this.#goApart(id, item, found.why);
    if (item === null) return;
    this.#parts.onChanged(id, item);
    if (item.time !== null) return this.#nowSent({ id, time: item.time });
    const more = this.files.has(item.attachments);
    if (found.kind === "saved") this.#nowSaved(found.content);
    if (more && wanted === "sent") throw new Refused(409, texts.writing.moreFiles, null);
  }

  async #replace(id: number, wanted: DraftFacts["wanted"]): Promise<void> {
    const content = this.content.value;
    const before = this.#bases;
    // Should the answer be lost, or the page be closed now: this may be what the host has.
    this.#bases = [...before, content];
    this.#keep();
    try {
      await client.replaceDraft(id, draftBody(content, this.#parts.from));
    } catch (error) {
      if (!isPassing(error)) this.#bases = before;
      // Deleted or sent elsewhere while it is written here?
      if (isRefusal(error, [403, 404])) await this.#read(id, wanted);
      if (this.#sent.value !== null) return;
      throw error;
    }
    this.#nowSaved(content);
    void this.#tell(id);
  }

  async #send(id: number): Promise<void> {
    try {
      await this.files.checked(id);
      this.#nowSent(await client.sendDraft(id));
    } catch (error) {
      // Was it sent all the same, the answer lost on its way, or by another tab? Is it gone?
      if (!(error instanceof Offline) && !isRefusal(error, [403, 404, 409])) throw error;
      try {
        await this.#read(id, "sent");
      } catch (found) {
        if (found instanceof WentApart) throw found;
      }
      if (this.#sent.value === null) throw error;
      return;
    }
    // It stands in its thread before whoever waits for the sending takes their own view of it away.
    await this.#tell(id);
  }

  get #here(): Here {
    const { isWhole } = this.files;
    return { content: this.content.value, bases: this.#bases, isWhole };
  }

  get #isSure(): boolean {
    return this.#sureAt !== null && Math.abs(Date.now() - this.#sureAt) < SURE;
  }

  /** What the host's copy says is looked at again before anything else. */
  #doubt(pause: number): void {
    this.#saved.value = null;
    this.#schedule(pause);
  }

  #knows(content: DraftContent): void {
    this.#saved.value = content;
    this.#bases = [content];
    this.#sureAt = Date.now();
  }

  #nowSaved(content: DraftContent): void {
    this.#knows(content);
    if (isSame(content, this.content.value)) dropLocally(this.key);
    else this.#keep();
  }

  #nowSent(sent: Sent): void {
    this.#sent.value = sent;
    dropLocally(this.key);
  }

  /** What the host has under this id is no copy of what is written here. Throws that. */
  #goApart(id: number, item: MessageItem | null, why: Apart): never {
    this.#apart = new WentApart(why);
    batch(() => {
      this.id.value = null;
      this.#saved.value = null;
      this.#bases = [];
      this.#sureAt = null;
      this.#keep();
      // Those that were never shown are missed too.
      if (item !== null && !this.files.isKnown) this.files.has(item.attachments);
      this.files.lost();
    });
    this.#parts.onChanged(id, item);
    throw this.#apart;
  }

  async #tell(id: number): Promise<void> {
    try {
      this.#parts.onChanged(id, await client.message(id, { fresh: true }));
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  #failed(error: unknown, wanted: DraftFacts["wanted"]): void {
    if (isPassing(error)) {
      // What was asked may be done all the same: then the host's copy is another, or it is sent.
      this.#failure.value = "offline";
      this.#doubt(error instanceof Refused ? (error.retryAfter ?? 15) * 1000 : RETRY);
    } else if (error instanceof WentApart) this.#schedule(PAUSE);
    // Whoever waits for the end is told.
    else if (wanted !== "saved") return;
    else if (error instanceof Refused) this.#failure.value = { reason: error.message };
    else this.#parts.onError(error);
  }
}

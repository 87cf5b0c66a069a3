// The files of a draft: those on the host, those on their way, and those that wait for the draft to have a recipient.

import { type Signal, signal } from "@preact/signals";
import type { AttachmentJson } from "../api/message_schema.ts";
import { filenameFor } from "./addresses.ts";
import * as client from "./client.ts";
import { isRefusal } from "./draft_host.ts";
import { isPassing, Refused } from "./errors.ts";
import { texts } from "./texts.ts";
import { same } from "../wire/fold.ts";

export interface DraftFile {
  /** As fmsg takes it; `given` is what it was called. Of one draft each file has its own. */
  readonly name: string;
  readonly given: string;
  readonly size: number;
  readonly type: string;
  readonly state:
    | { readonly kind: "waiting" | "done" }
    | { readonly kind: "uploading"; readonly sent: number }
    | { readonly kind: "failed"; readonly error: unknown };
}

interface Upload {
  readonly cancel: AbortController;
  /** Does not reject. */
  readonly over: Promise<void>;
}

const WAITING: DraftFile["state"] = { kind: "waiting" };
const DONE: DraftFile["state"] = { kind: "done" };

export class DraftFiles {
  readonly files: Signal<readonly DraftFile[]> = signal([]);
  readonly #bodies = new Map<string, File>();
  readonly #uploads = new Map<string, Upload>();
  /** Files that are being taken off: until that is done their names are not free. */
  readonly #removals = new Map<string, Promise<void>>();
  /** Names of uploads that were begun here. Of one that was cancelled the host may have had all. */
  readonly #begun = new Set<string>();
  readonly #id: Signal<number | null>;
  readonly #ensure: () => Promise<number | null>;
  readonly #onRefused: () => void;
  #known: boolean;
  #takenOff = 0;
  #running: Promise<void> | null = null;
  #asked = false;

  /**
   * `ensure` makes the draft on the host, where it can be made, and tells by `has` what it has. `onRefused`: the host takes
   * no file for this draft, which may have been sent or deleted elsewhere.
   */
  constructor(
    id: Signal<number | null>,
    ensure: () => Promise<number | null>,
    onRefused: () => void,
  ) {
    this.#id = id;
    this.#ensure = ensure;
    this.#onRefused = onRefused;
    this.#known = id.value === null;
  }

  /** Is it known what the host's draft has? */
  get isKnown(): boolean {
    return this.#known;
  }

  /** How many were taken off here: what was asked of the host before may list them still. */
  get takenOff(): number {
    return this.#takenOff;
  }

  /** Has the host all that is shown? What could not be uploaded is only here. */
  get isWhole(): boolean {
    return this.files.value.every(({ state }) => state.kind === "done");
  }

  /** Bytes of all, also of those on their way. */
  get size(): number {
    return this.files.value.reduce((sum, { size }) => sum + size, 0);
  }

  /** The host's draft has these. Is there one among them that was not shown? Not counting what was taken off here. */
  has(attachments: readonly AttachmentJson[]): boolean {
    // None of these was uploaded yet: where the host has such a name they take another one.
    const first = this.#known ? [] : [...this.#bodies.values()];
    if (!this.#known) {
      this.#known = true;
      this.#bodies.clear();
      this.files.value = [];
    }
    const more = attachments.filter((file) => this.#isNew(file));
    this.files.value = [
      ...this.files.value,
      ...more.map(({ filename, size, type }) => (
        { name: filename, given: filename, size, type, state: DONE }
      )),
    ];
    if (first.length > 0) this.add(first);
    return more.length > 0;
  }

  /** They are uploaded one after the other, as soon as there is a recipient. Check the sizes before. */
  add(files: readonly File[]): void {
    for (const file of files) {
      const name = this.#freeName(filenameFor(file.name));
      const { size, type } = file;
      this.#bodies.set(name, file);
      this.files.value = [
        ...this.files.value,
        { name, given: file.name, size, type, state: WAITING },
      ];
    }
    this.start();
  }

  /** Goes on with what waits: after a recipient was named. */
  start(): void {
    this.#asked = true;
    this.#running ??= this.#uploadAll().finally(() => {
      this.#running = null;
      if (this.#asked) this.start();
    });
  }

  /** Also with what failed for want of the host: it is back. */
  goOn(): void {
    for (const { name, state } of this.files.value) {
      if (state.kind === "failed" && isPassing(state.error)) this.#set(name, WAITING);
    }
    this.start();
  }

  tryAgain(name: string): void {
    this.#set(name, WAITING);
    this.start();
  }

  /** Is something on its way, or waiting for it? What failed for good is told, and is not missed at closing. */
  get isMoving(): boolean {
    return this.files.value.some(({ state }) =>
      state.kind === "waiting" || state.kind === "uploading" ||
      (state.kind === "failed" && isPassing(state.error))
    );
  }

  /** Also cancels it on its way. Throws what client.ts throws: then it is there as before. */
  remove(name: string): Promise<void> {
    const removal = this.#removals.get(name) ??
      this.#takeOff(name).finally(() => this.#removals.delete(name));
    this.#removals.set(name, removal);
    return removal;
  }

  /** What is on its way, and what waits for its turn. */
  cancelAll(): void {
    this.files.value = this.files.value.filter(({ state }) =>
      state.kind === "done" || state.kind === "failed"
    );
    for (const { cancel } of this.#uploads.values()) cancel.abort();
  }

  /**
   * What is written here has another draft on the host from now on: those that are not here any more failed. What only the
   * draft before did not take is tried again.
   */
  lost(): void {
    this.#known = true;
    this.#begun.clear();
    for (const { name, state } of this.files.value) {
      const isHere = this.#bodies.has(name);
      if (state.kind === "done") this.#set(name, isHere ? WAITING : gone(name));
      else if (isHere && isRefusedDraft(state)) this.#set(name, WAITING);
    }
    this.start();
  }

  /**
   * Before it is sent: has the host's draft the files that are shown, and no others? What was cancelled here is taken off.
   * Throws Refused where it has not; what is shown is true then.
   */
  async checked(id: number): Promise<void> {
    const { attachments } = await client.message(id, { fresh: true });
    for (const { filename } of attachments) {
      if (!this.#isShown(filename) && this.#isBegun(filename)) await removed(id, filename);
    }
    for (const { name } of this.files.value) {
      if (attachments.some(({ filename }) => same(name, filename))) continue;
      const state = gone(name);
      this.#set(name, state);
      throw state.error;
    }
    if (this.has(attachments)) throw new Refused(409, texts.writing.moreFiles, null);
  }

  /** When nothing is on its way any more. Throws the error of one that failed: without it nothing is sent. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals.values());
    this.goOn();
    while (this.#running !== null) await this.#running;
    for (const { state } of this.files.value) if (state.kind === "failed") throw state.error;
  }

  async #uploadAll(): Promise<void> {
    while (this.#asked) {
      this.#asked = false;
      while (this.#next() !== undefined) {
        let id: number | null;
        try {
          id = await this.#ensure();
        } catch (error) {
          for (const { name, state } of this.files.value) {
            if (state.kind === "waiting") this.#set(name, { kind: "failed", error });
          }
          break;
        }
        // They may have other names now, or be cancelled.
        const next = this.#next();
        if (id === null || next === undefined) break;
        await this.#uploadOne(id, next.name);
      }
    }
  }

  #next(): DraftFile | undefined {
    return this.files.value.find(({ name, state }) =>
      state.kind === "waiting" && !this.#removals.has(name)
    );
  }

  async #uploadOne(id: number, name: string): Promise<void> {
    const cancel = new AbortController();
    const over = this.#upload(id, name, cancel.signal);
    this.#uploads.set(name, { cancel, over });
    await over;
    this.#uploads.delete(name);
  }

  async #upload(id: number, name: string, signal: AbortSignal): Promise<void> {
    let state = DONE;
    const body = this.#bodies.get(name);
    if (body === undefined) return this.#set(name, gone(name));
    this.#begun.add(name);
    this.#set(name, { kind: "uploading", sent: 0 });
    try {
      await client.upload(id, body, name, {
        signal,
        onProgress: (sent) => this.#set(name, { kind: "uploading", sent }),
      });
    } catch (error) {
      // Whoever cancelled it sees to the rest.
      if (signal.aborted) return;
      state = { kind: "failed", error };
    }
    // What is written here may have become another draft meanwhile.
    if (this.#id.value !== id) return this.#set(name, WAITING);
    this.#set(name, state);
    if (isRefusedDraft(state)) this.#onRefused();
  }

  async #takeOff(name: string): Promise<void> {
    const upload = this.#uploads.get(name);
    upload?.cancel.abort();
    await upload?.over;
    const id = this.#id.value;
    const isDone = this.files.value.some((file) =>
      file.name === name && file.state.kind === "done"
    );
    if (id !== null && (isDone || this.#begun.has(name))) {
      try {
        await removed(id, name);
        if (isDone) this.#begun.delete(name);
      } catch (error) {
        // What was cancelled is looked for again before the draft is sent.
        if (isDone) throw error;
      }
    }
    this.#takenOff++;
    this.#bodies.delete(name);
    this.files.value = this.files.value.filter((file) => file.name !== name);
  }

  #set(name: string, state: DraftFile["state"]): void {
    this.files.value = this.files.value.map((file) =>
      file.name === name ? { ...file, state } : file
    );
  }

  #isNew({ filename }: AttachmentJson): boolean {
    return !this.#isShown(filename) && !this.#isBegun(filename);
  }

  #isShown(filename: string): boolean {
    return this.files.value.some(({ name }) => same(name, filename));
  }

  #isBegun(filename: string): boolean {
    return [...this.#begun].some((name) => same(name, filename));
  }

  /** A second file of a name would replace the first (docs/api.md). */
  #freeName(name: string): string {
    for (let n = 2; this.#isShown(name) && n < 1000; n++) {
      const dot = name.lastIndexOf(".");
      const numbered = dot > 0 ? `${name.slice(0, dot)} ${n}${name.slice(dot)}` : `${name} ${n}`;
      if (!this.#isShown(numbered)) return filenameFor(numbered);
    }
    return name;
  }
}

/** Did it fail for the draft, which is no draft any more? */
function isRefusedDraft(state: DraftFile["state"]): boolean {
  return state.kind === "failed" && isRefusal(state.error, [403, 404]);
}

function gone(name: string): { readonly kind: "failed"; readonly error: Refused } {
  return { kind: "failed", error: new Refused(404, texts.writing.fileGone(name), null) };
}

/** Gone before is gone. */
async function removed(id: number, name: string): Promise<void> {
  try {
    await client.removeAttachment(id, name);
  } catch (error) {
    if (!isRefusal(error, [404])) throw error;
  }
}

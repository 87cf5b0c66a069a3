// The files of a draft: those on the host, those on their way, and those that wait for the draft to have a recipient.

import { type Signal, signal } from "@preact/signals";
import type { AttachmentJson } from "../api/message_schema.ts";
import { filenameFor } from "./addresses.ts";
import * as client from "./client.ts";
import { Offline, Refused } from "./errors.ts";
import { same } from "../wire/fold.ts";

export interface DraftFile {
  /** As fmsg takes it; `given` is what it was called. */
  readonly name: string;
  readonly given: string;
  readonly size: number;
  readonly type: string;
  readonly state:
    | { readonly kind: "waiting" | "done" }
    | { readonly kind: "uploading"; readonly sent: number }
    | { readonly kind: "failed"; readonly error: unknown };
}

const WAITING: DraftFile["state"] = { kind: "waiting" };

export class DraftFiles {
  readonly files: Signal<readonly DraftFile[]> = signal([]);
  readonly #bodies = new Map<string, File>();
  readonly #cancels = new Map<string, AbortController>();
  readonly #id: Signal<number | null>;
  readonly #ensure: () => Promise<number | null>;
  #running: Promise<void> | null = null;
  #cancelled = false;

  /** `ensure` makes the draft on the host, where it can be made. */
  constructor(id: Signal<number | null>, ensure: () => Promise<number | null>) {
    this.#id = id;
    this.#ensure = ensure;
  }

  /** Bytes of all, also of those on their way. */
  get size(): number {
    return this.files.value.reduce((sum, { size }) => sum + size, 0);
  }

  has(attachments: readonly AttachmentJson[]): void {
    this.files.value = attachments.map(({ filename, size, type }) => (
      { name: filename, given: filename, size, type, state: { kind: "done" } }
    ));
  }

  /** They are uploaded one after the other, as soon as there is a recipient. Check the sizes before. */
  add(files: readonly File[]): void {
    for (const file of files) {
      const name = this.#freeName(filenameFor(file.name));
      const { size, type } = file;
      this.#bodies.set(name, file);
      this.files.value = [
        ...this.files.value,
        { name, given: file.name, size, type, state: { kind: "waiting" } },
      ];
    }
    this.start();
  }

  /** Goes on with what waits: after a recipient was named, and when the host is back. */
  start(): void {
    this.#running ??= this.#uploadAll().finally(() => {
      this.#running = null;
    });
  }

  tryAgain(name: string): void {
    this.#set(name, { kind: "waiting" });
    this.start();
  }

  /** Is something on its way, or waiting for it? What failed for good is told, and is not missed at closing. */
  get isMoving(): boolean {
    return this.files.value.some(({ state }) => state.kind !== "done");
  }

  /** Also cancels it on its way. Throws what client.ts throws. */
  async remove(name: string): Promise<void> {
    const file = this.files.value.find((file) => file.name === name);
    const cancel = this.#cancels.get(name);
    cancel?.abort();
    // The host may have had all of it when it was cancelled.
    if (cancel !== undefined) await this.#running;
    const id = this.#id.value;
    if (id !== null && file !== undefined && file.state.kind !== "waiting") {
      await removed(id, name);
    }
    this.#bodies.delete(name);
    this.files.value = this.files.value.filter((file) => file.name !== name);
  }

  /** What is on its way, and what waits for its turn. */
  cancelAll(): void {
    this.files.value = this.files.value.filter(({ state }) => state.kind !== "waiting");
    for (const cancel of this.#cancels.values()) cancel.abort();
  }

  /** The host's copy of the draft is gone, and its files with it: those that are not here any more failed. */
  lost(error: unknown): void {
    this.files.value = this.files.value.map((file) =>
      file.state.kind !== "done"
        ? file
        : { ...file, state: this.#bodies.has(file.name) ? WAITING : { kind: "failed", error } }
    );
    this.start();
  }

  /** Before it is sent: has the host's draft the files that are shown? Throws Refused when one is missing. */
  async checked(id: number): Promise<void> {
    const shown = this.files.value;
    if (shown.length === 0 && !this.#cancelled) return;
    const { attachments } = await client.message(id);
    for (const { filename } of attachments) {
      if (!shown.some(({ name }) => same(name, filename))) await removed(id, filename);
    }
    for (const { name } of shown) {
      if (attachments.some(({ filename }) => same(name, filename))) continue;
      const error = new Refused(404, `${name} is not on the host any more: attach it again`, null);
      this.#set(name, { kind: "failed", error });
      throw error;
    }
  }

  /** When nothing is on its way any more. Throws the error of one that failed: without it nothing is sent. */
  async settled(): Promise<void> {
    // What failed for want of a host may go now.
    for (const { name, state } of this.files.value) {
      if (state.kind === "failed" && state.error instanceof Offline) this.#set(name, WAITING);
    }
    this.start();
    await this.#running;
    for (const { state } of this.files.value) if (state.kind === "failed") throw state.error;
  }

  async #uploadAll(): Promise<void> {
    while (true) {
      const next = this.files.value.find(({ state }) => state.kind === "waiting");
      if (next === undefined) return;
      const cancel = new AbortController();
      this.#cancels.set(next.name, cancel);
      try {
        const id = await this.#ensure();
        if (id === null) return;
        await this.#upload(id, next, cancel.signal);
      } catch (error) {
        this.#cancelled ||= cancel.signal.aborted;
        if (!cancel.signal.aborted) this.#set(next.name, { kind: "failed", error });
        else this.files.value = this.files.value.filter(({ name }) => name !== next.name);
      } finally {
        this.#cancels.delete(next.name);
      }
    }
  }

  async #upload(id: number, { name }: DraftFile, signal: AbortSignal): Promise<void> {
    const body = this.#bodies.get(name);
    if (body === undefined) throw new Refused(404, "The file is not here any more", null);
    this.#set(name, { kind: "uploading", sent: 0 });
    await client.upload(id, body, name, {
      signal,
      onProgress: (sent) => this.#set(name, { kind: "uploading", sent }),
    });
    this.#set(name, { kind: "done" });
  }

  #set(name: string, state: DraftFile["state"]): void {
    this.files.value = this.files.value.map((file) =>
      file.name === name ? { ...file, state } : file
    );
  }

  /** A second file of a name would replace the first (docs/api.md). */
  #freeName(name: string): string {
    const taken = (wanted: string): boolean =>
      this.files.value.some((file) => same(file.name, wanted));
    for (let n = 2; taken(name) && n < 1000; n++) {
      const dot = name.lastIndexOf(".");
      const numbered = dot > 0 ? `${name.slice(0, dot)} ${n}${name.slice(dot)}` : `${name} ${n}`;
      if (!taken(numbered)) return filenameFor(numbered);
    }
    return name;
  }
}

/** Gone before is gone. */
async function removed(id: number, name: string): Promise<void> {
  try {
    await client.removeAttachment(id, name);
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error;
  }
}

// The files of a draft: those on the host, those on their way, and those that wait for the draft to have a recipient.

import { type Signal, signal } from "@preact/signals";
import type { AttachmentJson } from "../api/message_schema.ts";
import { filenameFor } from "./addresses.ts";
import * as client from "./client.ts";
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

export class DraftFiles {
  readonly files: Signal<readonly DraftFile[]> = signal([]);
  readonly #bodies = new Map<string, File>();
  readonly #cancels = new Map<string, AbortController>();
  readonly #id: Signal<number | null>;
  readonly #ensure: () => Promise<number | null>;
  #running: Promise<void> | null = null;

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

  /** Also cancels it on its way. Throws what client.ts throws. */
  async remove(name: string): Promise<void> {
    this.#cancels.get(name)?.abort();
    const id = this.#id.value;
    const file = this.files.value.find((file) => file.name === name);
    if (id !== null && file?.state.kind === "done") await client.removeAttachment(id, name);
    this.#bodies.delete(name);
    this.files.value = this.files.value.filter((file) => file.name !== name);
  }

  cancelAll(): void {
    for (const cancel of this.#cancels.values()) cancel.abort();
  }

  /** When nothing is on its way any more. Throws the error of one that failed: without it nothing is sent. */
  async settled(): Promise<void> {
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
        if (!cancel.signal.aborted) this.#set(next.name, { kind: "failed", error });
        else this.files.value = this.files.value.filter(({ name }) => name !== next.name);
      } finally {
        this.#cancels.delete(next.name);
      }
    }
  }

  async #upload(id: number, { name }: DraftFile, signal: AbortSignal): Promise<void> {
    const body = this.#bodies.get(name);
    if (body === undefined) return;
    this.#set(name, { kind: "uploading", sent: 0 });
    await client.upload(id, body, name, {
      signal,
      onProgress: (sent) => this.#set(name, { kind: "uploading", sent }),
    });
    this.#bodies.delete(name);
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

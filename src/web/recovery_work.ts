// Sends again what could not be delivered, step by step: each recovery once, wherever its view is in the meantime.

import { effect, type Signal, signal } from "@preact/signals";
import type { MessageItem } from "../api/message_schema.ts";
import { arrived } from "./arrival.ts";
import * as client from "./client.ts";
import { Draft } from "./drafts.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { arrivalOf, bytesOf, contentFor, type Recovery, type Way } from "./recovery_steps.ts";
import {
  addPeople,
  announce,
  go,
  mail,
  me,
  notify,
  openThread,
  putMessage,
  refreshMessage,
  route,
  session,
  tell,
} from "./state.ts";
import { texts } from "./texts.ts";
import { sizeWords } from "./words.ts";
import { writeNew } from "./writing.ts";

export type StepKind = "add" | "arrive" | "copy" | "send";

export interface Step {
  readonly kind: StepKind;
  readonly state: "to do" | "doing" | "done" | "failed";
  /** Of a hundred, while files are copied. */
  readonly percent: number | null;
  /** What came of it, or why it failed. */
  readonly note: string | null;
}

const works: Signal<ReadonlyMap<string, RecoveryWork>> = signal(new Map());

/** The work for this way of recovering, under way or done; null: nobody has asked for it. */
export function workOf(item: MessageItem, { failure }: Recovery): RecoveryWork | null {
  return works.value.get(`${item.id} ${failure}`) ?? null;
}

/** Begins it. Where it is under way already, nothing is begun. */
export function recover(item: MessageItem, recovery: Recovery, way: Way): void {
  const key = `${item.id} ${recovery.failure}`;
  if (works.peek().get(key)?.isOver === false) return;
  const work = new RecoveryWork(item, recovery, way, () => {
    const left = new Map(works.peek());
    if (left.get(key) === work) left.delete(key);
    works.value = left;
  });
  works.value = new Map(works.peek()).set(key, work);
  void work.run();
}

export class RecoveryWork {
  readonly steps: Signal<readonly Step[]>;
  readonly #stop = new AbortController();
  readonly #item: MessageItem;
  readonly #recovery: Recovery;
  readonly #way: Way;
  readonly #onLeft: () => void;
  /** Whose work it is. */
  readonly #from: string;
  #files: File[] | null = null;
  #text: string | null = null;
  #draft: Draft | null = null;
  #running = false;

  constructor(item: MessageItem, recovery: Recovery, way: Way, onLeft: () => void) {
    this.#item = item;
    this.#recovery = recovery;
    this.#way = way;
    this.#onLeft = onLeft;
    this.#from = me()?.address ?? "";
    this.steps = signal(
      stepsOf(way).map((kind) => ({ kind, state: "to do", percent: null, note: null })),
    );
  }

  get isOver(): boolean {
    return this.steps.value.every(({ state }) => state === "done");
  }

  /** Also after a step failed: goes on with that. Does not throw. */
  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (const { kind, state } of this.steps.peek()) {
        if (state === "done") continue;
        this.#set(kind, { state: "doing", note: null });
        const note = await this.#do(kind);
        if (this.#stop.signal.aborted) return;
        this.#set(kind, { state: "done", percent: null, note });
      }
      // What is written now stands on its page.
      if (this.#way.kind === "write") this.#onLeft();
      else announce(texts.recovery.steps.send.done);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(error);
    } finally {
      this.#running = false;
    }
  }

  /** Stops, and takes back what was not sent. Who was added stays added. */
  async cancel(): Promise<void> {
    const state = this.#draft?.state.peek().kind;
    if (state === "sending" || state === "sent") return;
    this.#stop.abort(new DOMException("Cancelled", "AbortError"));
    this.#onLeft();
    try {
      await this.#draft?.discard();
    } catch (error) {
      tell(error);
    }
  }

  /** Whoever asked for it is signed out: nothing more is tried, and nothing deleted. */
  abandon(): void {
    this.#stop.abort(new DOMException("Signed out", "AbortError"));
    this.#draft?.abandon();
  }

  async #do(kind: StepKind): Promise<string | null> {
    switch (kind) {
      case "add":
        return await this.#add();
      case "arrive":
        return await this.#arrive();
      case "copy":
        return await this.#copy();
      case "send":
        return await this.#send();
    }
  }

  async #add(): Promise<null> {
    const { pid } = this.#item;
    if (pid === null || this.#way.kind !== "add and send") return null;
    const { add } = this.#way;
    // An answer that was lost on its way has done it all the same.
    await refreshMessage(pid);
    const parent = mail.peek().mailbox?.message(pid) ?? null;
    if (parent !== null && arrivalOf(parent, add) !== "not added") return null;
    this.#stop.signal.throwIfAborted();
    await addPeople(pid, add);
    return null;
  }

  async #arrive(): Promise<string | null> {
    const { pid } = this.#item;
    if (pid === null || this.#way.kind !== "add and send") return null;
    const arrival = await arrived(pid, this.#way.add, this.#stop.signal);
    if (arrival === "failed") throw new Failed(texts.recovery.notArrived);
    return arrival === "there" ? null : texts.recovery.arrivesLater;
  }

  /** Into memory: the interface has no copying. */
  async #copy(): Promise<null> {
    const item = this.#item;
    const { signal } = this.#stop;
    const limit = limitNow();
    if (this.#way.kind !== "write" && bytesOf(item) > limit) {
      throw new Failed(texts.recovery.tooBig(sizeWords(bytesOf(item)), sizeWords(limit)));
    }
    this.#text ??= (await client.bodyText(item, { all: true, signal })).text;
    if (this.#files !== null) return null;
    const files: File[] = [];
    const whole = bytesOf(item);
    let copied = item.size;
    for (const { filename, size, type } of item.attachments) {
      this.#set("copy", { percent: Math.floor(copied * 100 / Math.max(1, whole)) });
      files.push(
        new File([await client.attachment(item.id, filename, signal)], filename, { type }),
      );
      copied += size;
    }
    this.#files = files;
    if (this.#way.kind === "write") {
      signal.throwIfAborted();
      writeNew(this.#content(this.#way.pid), files);
    }
    return null;
  }

  async #send(): Promise<null> {
    const again = this.#draft !== null;
    const draft = this.#draft ??= this.#begun();
    for (const { name, state } of draft.files.files.peek()) {
      if (again && state.kind === "failed") draft.files.tryAgain(name);
    }
    const files = bytesOf(this.#item) - this.#item.size;
    const stop = files === 0 ? () => {} : effect(() => {
      const sent = draft.files.files.value.reduce(
        (sum, { size, state }) =>
          sum + (state.kind === "done" ? size : state.kind === "uploading" ? state.sent : 0),
        0,
      );
      const percent = Math.min(100, Math.floor(sent * 100 / files));
      queueMicrotask(() => this.#set("send", { percent }));
    });
    try {
      await draft.send();
    } finally {
      stop();
    }
    return null;
  }

  /** What is only on its way to be sent is no draft to be shown among the others. */
  #begun(): Draft {
    const draft = Draft.begin({
      from: this.#from,
      onChanged: (id, item) => {
        // The answer may come when somebody else is signed in.
        if (me()?.address !== this.#from) return;
        if (item === null || item.time !== null) putMessage(id, item);
      },
      onError: tell,
    }, this.#content(this.#item.pid));
    if (this.#files !== null && this.#files.length > 0) draft.files.add(this.#files);
    return draft;
  }

  #content(pid: number | null): ReturnType<typeof contentFor> {
    const topic = mail.peek().mailbox?.thread(this.#item.id)?.topic ?? "";
    return contentFor(this.#item, { to: this.#recovery.to, pid, text: this.#text ?? "", topic });
  }

  #set(kind: StepKind, change: Partial<Step>): void {
    this.steps.value = this.steps.peek().map((step) =>
      step.kind === kind ? { ...step, ...change } : step
    );
  }

  #failed(error: unknown): void {
    const doing = this.steps.peek().find(({ state }) => state === "doing");
    if (doing !== undefined) {
      this.#set(doing.kind, { state: "failed", percent: null, note: noteOf(error) });
    }
    if (error instanceof SignedOut || noteOf(error) === texts.notices.unexpected) {
      return tell(error);
    }
    const { id } = this.#item;
    if (openThread.peek()?.entries.some(({ item }) => item.id === id) === true) {
      return announce(noteOf(error));
    }
    const act = (): void => go({ ...route.peek(), open: { kind: "thread", id } });
    notify(texts.recovery.stopped, "problem", { offer: { label: texts.notices.open, act } });
  }
}

// Also when somebody else is signed in now, which comes without anybody's being signed out.
effect(() => {
  if (session.value.kind === "in") return;
  for (const work of works.peek().values()) work.abandon();
  works.value = new Map();
});

/** What is to be told is in words already. */
class Failed extends Error {
  override readonly name = "Failed";
}

function noteOf(error: unknown): string {
  if (error instanceof Failed || error instanceof Refused) return error.message;
  return error instanceof Offline ? texts.notices.offline : texts.notices.unexpected;
}

function stepsOf({ kind }: Way): StepKind[] {
  switch (kind) {
    case "add and send":
      return ["add", "arrive", "copy", "send"];
    case "send":
      return ["copy", "send"];
    case "write":
      return ["copy"];
  }
}

function limitNow(): number {
  const now = session.peek();
  return now.kind === "in" ? now.session.limits.max_size : Infinity;
}

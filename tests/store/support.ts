// A store in a folder of its own, and what tests do with it.

import assert from "node:assert/strict";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, concat, type MessageHash } from "../../src/wire/mod.ts";
import { type Acceptance, isProblem, type Problem } from "../../src/protocol/mod.ts";
import {
  type Attempt,
  type AttemptOutcome,
  type Change,
  ContentStaging,
  type DeliveryView,
  type Drafted,
  Mailbox,
  type MessageChange,
  type NewUser,
  type Operation,
  type Outcome,
  type Recorded,
  type Send,
  type Sent,
  StoreReader,
  StoreWriter,
  type WriterSettings,
} from "../../src/store/mod.ts";
import { type Row } from "../../src/store/database.ts";
import type { Accept } from "../../src/store/operations.ts";
import { openForReading } from "../../src/store/opening.ts";
import { Writer } from "../../src/store/writer.ts";
import { type Message } from "../support/message.ts";
import { audit, type AuditOptions } from "./audit.ts";

/** The domain of the store under test. */
export const HERE = "here.example";

const SETTINGS: WriterSettings = {
  domain: HERE,
  quota: {
    recv_messages: null,
    recv_bytes: null,
    recv_bytes_per_message: null,
    recv_bytes_per_day: null,
    recv_messages_per_day: null,
    send_bytes: null,
    send_bytes_per_message: null,
    send_bytes_per_day: null,
    send_messages_per_day: null,
  },
  maxSize: 10 * 1024 * 1024,
  maxExpandedSize: 10 * 1024 * 1024,
  discloseUsers: true,
  window: 5 * 24 * 3600,
  acceptedFor: 7 * 24 * 3600,
};

export function settings(changes: Partial<WriterSettings> = {}): WriterSettings {
  return { ...SETTINGS, ...changes };
}

/** What a test says of a message to send; the rest is as short as it can be. */
export interface Sending extends Partial<Omit<Send, "body" | "attachments" | "content">> {
  readonly from: string;
  readonly to: readonly string[];
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly attachments?: readonly { readonly filename: string; readonly body: string }[];
}

/** A user: an address, or with what is not usual about it. */
export type User = string | Partial<NewUser> & Pick<NewUser, "address">;

export class TestStore implements AsyncDisposable {
  /** What commits told the host. */
  readonly changes: Change[] = [];
  readonly #settings: WriterSettings;
  #raw: Writer;
  #writer: StoreWriter;

  private constructor(readonly folder: string, settings: WriterSettings) {
    this.#settings = settings;
    [this.#raw, this.#writer] = this.#open();
  }

  static async open(
    users: readonly User[] = [],
    changes: Partial<WriterSettings> = {},
  ): Promise<TestStore> {
    const store = new TestStore(Deno.makeTempDirSync({ prefix: "fmsg-store-" }), settings(changes));
    for (const user of users) await store.addUser(user);
    return store;
  }

  get writer(): StoreWriter {
    return this.#writer;
  }

  /** Closes the store and opens it again, as a restart does. */
  async reopen(): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
    [this.#raw, this.#writer] = this.#open();
  }

  /** A store that opens on what the disk holds at this moment, as after a crash. */
  crash(): TestStore {
    const folder = Deno.makeTempDirSync({ prefix: "fmsg-store-" });
    for (const name of ["fmsg.db", "fmsg.db-wal"]) {
      const file = join(this.folder, name);
      if (existsSync(file)) copyFileSync(file, join(folder, name));
    }
    return new TestStore(folder, this.#settings);
  }

  /** The domains that the host was told to wake up for. */
  get woken(): string[] {
    return this.changes.flatMap((change) => change.kind === "outbound" ? change.domain : []);
  }

  /** Takes what users were told of since it was last taken: event, message, and whose keys. */
  takeEvents(): (readonly [MessageChange["event"], number, ...string[]])[] {
    return this.changes.splice(0).flatMap((change) =>
      change.kind === "message" ? [[change.event, change.message, ...change.keys]] : []
    );
  }

  configure(changes: Partial<WriterSettings>): void {
    this.#raw.configure({ ...this.#settings, ...changes });
  }

  /** Commits operations in one group. */
  async group(...operations: Operation[]): Promise<readonly Outcome[]> {
    const { outcomes, changes } = await this.#raw.run(operations);
    this.changes.push(...changes);
    return outcomes;
  }

  async addUser(user: User): Promise<void> {
    const whole = typeof user === "string" ? { address: user } : user;
    assert.ok(
      await this.#writer.submit("addUser", { name: "", accepting: true, limits: {}, ...whole }),
    );
  }

  /** A message with its content arrives, in the way in which the host takes it in. */
  async accept(message: Message): Promise<Acceptance> {
    await using content = new ContentStaging(this.#writer, message.payload.length);
    await content.write(message.payload);
    const accepted = await this.#writer.submit("accept", {
      ...arrival(message),
      content: await content.source(),
    });
    content.adopted();
    return accepted;
  }

  /** A batch arrives on a stored original. */
  async acceptBatch(
    message: Message,
    answer: MessageHash | null = null,
  ): Promise<Acceptance> {
    return await this.#writer.submit("accept", { ...batchArrival(message), answer });
  }

  async send(sending: Sending): Promise<Sent | Problem> {
    const content = contentOf(sending);
    await using staging = new ContentStaging(this.#writer, content.length);
    await staging.write(content);
    const sent = await this.#writer.submit("send", sendInput(sending, await staging.source()));
    if (!isProblem(sent)) staging.adopted();
    return sent;
  }

  async addTo(message: number, from: string, ...to: string[]): Promise<Done> {
    return await this.#writer.submit("addTo", { message, from, to });
  }

  async record(
    { id }: { readonly id: number },
    domain: string,
    outcome: AttemptOutcome,
    nextAttempt = Date.now() / 1000 + 60,
  ): Promise<Recorded> {
    const attempt: Attempt = { message: id, domain, outcome, nextAttempt };
    return await this.#writer.submit("record", attempt);
  }

  read<Result>(work: (mailbox: Mailbox) => Result): Result {
    using mailbox = new Mailbox(this.folder);
    return work(mailbox);
  }

  readAsHost<Result>(work: (reader: StoreReader) => Result): Result {
    using reader = new StoreReader(this.folder);
    return work(reader);
  }

  rows(sql: string, ...values: (string | number | Uint8Array)[]): Row[] {
    using db = openForReading(this.folder);
    return db.all(sql, ...values);
  }

  count(table: string): number {
    return this.rows(`SELECT count(*) AS n FROM ${table}`)[0]?.integer("n") ?? 0;
  }

  /** The id of a stored message. */
  idOf({ hash }: { readonly hash: MessageHash }): number {
    const [row] = this.rows("SELECT id FROM message WHERE hash = ?", hash);
    assert.ok(row !== undefined, "the message is not stored");
    return row.integer("id");
  }

  /** What became of each recipient of a message, and of its batches: `state code`. */
  delivery(id: number): Record<string, string> {
    const views: readonly DeliveryView[] = this.read((mailbox) => mailbox.message(id))?.delivery ??
      [];
    return Object.fromEntries(
      views.map(({ address, state, code }) => [address, `${state} ${code ?? ""}`.trim()]),
    );
  }

  /** What became of one recipient. */
  deliveryTo(id: number, address: string): DeliveryView {
    const view = this.read((mailbox) => mailbox.message(id))?.delivery.find((one) =>
      one.address === address
    );
    assert.ok(view !== undefined, `${address} is no recipient of message ${id}`);
    return view;
  }

  /** The state of each delivery to another domain. */
  outbound({ id }: { readonly id: number }): Record<string, string> {
    const rows = this.rows("SELECT domain, state FROM outbound WHERE message = ?", id);
    return Object.fromEntries(rows.map((row) => [row.text("domain"), row.text("state")]));
  }

  /** Ids of what an address has received, newest first. */
  received(user: Parameters<Mailbox["received"]>[0]): number[] {
    return this.read((mailbox) => mailbox.received(user, 1000, 0)).map(({ id }) => id);
  }

  audit(options: AuditOptions = {}): void {
    audit(this.folder, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }

  #open(): [Writer, StoreWriter] {
    const raw = Writer.open(this.folder, this.#settings);
    const backend = {
      run: (operations: readonly Operation[]) => raw.run(operations),
      close: () => Promise.resolve(raw[Symbol.dispose]()),
    };
    return [
      raw,
      new StoreWriter(backend, {
        changed: (changes) => this.changes.push(...changes),
      }),
    ];
  }
}

/** The operation for a message that brings its content along, of at most one chunk. */
export function whole(message: Message): Operation {
  return { name: "accept", input: arrival(message) };
}

/** The operation for a batch on a stored original. */
export function batch(message: Message): Operation {
  return { name: "accept", input: batchArrival(message) };
}

/** What the writer takes of a message that brings its content along. */
export function arrival({ header, headerHash, hash, payload }: Message): Accept {
  const content = { kind: "inline", bytes: payload } as const;
  return { header, headerHash, messageHash: hash, content, answer: null };
}

function batchArrival({ header, headerHash }: Message) {
  return { header, headerHash, messageHash: null, content: null, answer: null };
}

export function sending(sending: Sending): Operation {
  const content = { kind: "inline", bytes: contentOf(sending) } as const;
  return { name: "send", input: sendInput(sending, content) };
}

function sendInput(sending: Sending, content: Send["content"]): Send {
  const { from, to, start = { topic: "" }, important = false, noReply = false } = sending;
  const { type = "text/plain;charset=UTF-8", attachments = [] } = sending;
  return {
    from,
    to,
    start,
    important,
    noReply,
    content,
    body: { type, size: bytesOf(sending.body).length, expandedSize: null },
    attachments: attachments.map(({ filename, body }) => ({
      filename,
      type: "text/plain;charset=UTF-8",
      size: bytesOf(body).length,
      expandedSize: null,
    })),
  };
}

function contentOf({ body, attachments = [] }: Sending): Bytes {
  return concat([body, ...attachments.map((attachment) => attachment.body)].map(bytesOf));
}

function bytesOf(text: string | Uint8Array = ""): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

/** The codes of an acceptance. */
export function codes(acceptance: Acceptance): readonly number[] {
  assert.equal(acceptance.kind, "codes");
  return acceptance.kind === "codes" ? acceptance.codes : [];
}

/** What the operations of a group came to: codes, a kind, a plain value, or the error's message. */
export function results(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map((outcome) => {
    if (!outcome.ok) return outcome.message;
    const { value } = outcome;
    if (typeof value !== "object" || value === null) return value;
    if (value.kind === "codes") return value.codes;
    return isProblem(value) ? value.reason : value.kind;
  });
}

/** What comes of sending and of adding recipients. */
type Done = Sent | Drafted | Problem;

export function sent(value: Done): Sent {
  if (value.kind === "sent") return value;
  assert.fail(`It was not sent: ${isProblem(value) ? value.message : value.kind}`);
}

/** Why something was refused; `message` is what the user reads. */
export function refused(value: Done): Problem {
  if (!isProblem(value)) assert.fail("It was not refused");
  return value;
}

/** Holds the time until it is disposed of; `at` is in POSIX seconds. */
export function holdClock(at = Date.now() / 1000): Disposable & { at: number } {
  const real = Date.now;
  const clock = {
    at,
    [Symbol.dispose]: () => {
      Date.now = real;
    },
  };
  Date.now = () => clock.at * 1000;
  return clock;
}

/** Sees each statement when it is first used, with its connection, until it is disposed of; `seen` may throw in its place. */
export function watchStatements(seen: (sql: string) => void = () => {}): Disposable & {
  readonly statements: Set<string>;
  readonly connections: Set<DatabaseSync>;
} {
  const statements = new Set<string>();
  const connections = new Set<DatabaseSync>();
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (sql, ...others) {
    seen(sql);
    statements.add(sql);
    connections.add(this);
    return prepare.call(this, sql, ...others);
  };
  return {
    statements,
    connections,
    [Symbol.dispose]: () => {
      DatabaseSync.prototype.prepare = prepare;
    },
  };
}

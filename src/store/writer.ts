// The store's one writer: takes operations as plain data and commits what is ready together.

import type { MessageHash } from "../wire/mod.ts";
import { applyAccept, linkBatches, prepareAccept, unlinkedOriginals } from "./accept.ts";
import { applyCancel, applyRecord, applyRetry } from "./attempts.ts";
import { Contents } from "./contents.ts";
import { type Database, openForWriting } from "./database.ts";
import type {
  Change,
  Committed,
  Operation,
  Operations,
  Outcome,
  WriterSettings,
} from "./operations.ts";
import {
  applyAddToDraft,
  applyDraft,
  applySendDraft,
  draftById,
  prepareSendDraft,
} from "./drafts.ts";
import { applyAddTo, applySend, prepareAddTo, prepareSend } from "./sending.ts";
import { Refusal, type Transaction, type WriterContext } from "./transaction.ts";
import { addUser, forgetOldUsage, removeUser, setUser } from "./users.ts";

/** What has to happen once a transaction is committed; what is undone in the database is undone here too. */
class Effects {
  readonly changes: Change[] = [];
  readonly actions: (() => void)[] = [];
  readonly toLink: MessageHash[] = [];

  mark(): readonly [number, number, number] {
    return [this.changes.length, this.actions.length, this.toLink.length];
  }

  backTo([changes, actions, toLink]: readonly [number, number, number]): void {
    this.changes.length = changes;
    this.actions.length = actions;
    this.toLink.length = toLink;
  }
}

const NOTHING = [0, 0, 0] as const;

type Value = Operations[keyof Operations]["gives"];

/** An operation after the part of it that may take long and needs no transaction. */
type Ready = (transaction: Transaction) => Value;

export class Writer implements Disposable {
  readonly #context: WriterContext;
  #lastTime: number;
  #usageForgotten = 0;
  /** Messages with batches that came before them and are not linked yet; not always in vain. */
  #toLink: MessageHash[];

  private constructor(db: Database, private settings: WriterSettings) {
    const contents = new Contents(db);
    const currentSettings = (): WriterSettings => this.settings;
    this.#context = {
      db,
      contents,
      get settings() {
        return currentSettings();
      },
      nextTime: () => this.#nextTime(),
      inTransaction: (work) => this.#inTransaction(work),
    };
    this.#lastTime = db.get("SELECT max(time) AS time FROM message WHERE sent = 1")
      ?.optional("time", (row, name) => row.real(name)) ?? 0;
    this.#inTransaction(() => contents.sweep());
    this.#toLink = unlinkedOriginals(db);
  }

  /** Opens the store of a data directory, makes it where there is none, and sweeps what a crash left. */
  static open(dataDir: string, settings: WriterSettings): Writer {
    const db = openForWriting(dataDir);
    try {
      return new Writer(db, settings);
    } catch (error) {
      db[Symbol.dispose]();
      throw error;
    }
  }

  configure(settings: WriterSettings): void {
    this.settings = settings;
  }

  /**
   * Carries out `operations`, in their order and in one transaction; resolves once it is durable. One that fails does
   * not take the others along. Must not be called again before the earlier call is through.
   */
  async run(operations: readonly Operation[]): Promise<Committed> {
    const ready: (Ready | Error)[] = [];
    for (const operation of operations) ready.push(await this.#prepare(operation).catch(asError));

    const effects = new Effects();
    const transaction: Transaction = {
      ...this.#context,
      settings: this.settings,
      now: Date.now() / 1000,
      changed: (change) => effects.changes.push(change),
      afterCommit: (action) => effects.actions.push(action),
      linkLater: (hash) => effects.toLink.push(...(hash === null ? [] : [hash])),
    };
    let outcomes: Outcome[];
    let committed = false;
    try {
      outcomes = this.#commit(operations, ready, transaction, effects);
      committed = true;
    } catch (error) {
      effects.backTo(NOTHING);
      outcomes = operations.map(() => failure(asError(error)));
    }
    for (const [i, operation] of operations.entries()) {
      if (operation.name !== "stage") continue;
      this.#context.contents.settle(operation.input.token, committed && outcomes[i]?.ok === true);
    }
    if (committed) {
      for (const action of effects.actions) action();
      await this.#link(effects.toLink);
    }
    return { outcomes, changes: effects.changes };
  }

  [Symbol.dispose](): void {
    this.#context.db[Symbol.dispose]();
  }

  async #prepare(operation: Operation): Promise<Ready> {
    const context = this.#context;
    const { name, input } = operation;
    switch (name) {
      case "accept": {
        const prepared = await prepareAccept(context, input);
        return (transaction) => applyAccept(transaction, input, prepared);
      }
      case "stage":
        return () => {
          context.contents.stage(input.token, input.bytes);
          return null;
        };
      case "discard":
        return (transaction) => {
          context.contents.discard(input.token);
          transaction.afterCommit(() => context.contents.forget(input.token));
          return null;
        };
      case "send": {
        const prepared = await prepareSend(context, input);
        return (transaction) => applySend(transaction, input, prepared);
      }
      case "draft":
        return (transaction) => applyDraft(transaction, input);
      case "sendDraft": {
        const prepared = await prepareSendDraft(context, input.id);
        return (transaction) => applySendDraft(transaction, prepared);
      }
      case "addTo": {
        if (draftById(context.db, input.message) !== null) {
          return (transaction) => applyAddToDraft(transaction, input);
        }
        const prepared = await prepareAddTo(context, input);
        return (transaction) => applyAddTo(transaction, prepared);
      }
      case "record":
        return (transaction) => applyRecord(transaction, input);
      case "retry":
        return (transaction) => applyRetry(transaction, input.message);
      case "cancel":
        return (transaction) => applyCancel(transaction, input);
      case "addUser":
        return ({ db }) => addUser(db, input);
      case "setUser":
        return ({ db }) => setUser(db, input);
      case "removeUser":
        return ({ db }) => removeUser(db, input.key);
    }
  }

  #commit(
    operations: readonly Operation[],
    ready: readonly (Ready | Error)[],
    transaction: Transaction,
    effects: Effects,
  ): Outcome[] {
    // Staged chunks alone promise nothing yet: the commit that adopts them makes the whole log durable.
    const durable = operations.some(({ name }) => name !== "stage");
    const { db } = transaction;
    if (!durable) db.exec("PRAGMA synchronous = NORMAL");
    try {
      const outcomes: Outcome[] = [];
      this.#inTransaction(() => {
        if (transaction.now - this.#usageForgotten > 3600) {
          forgetOldUsage(db, transaction.now);
          this.#usageForgotten = transaction.now;
        }
        for (const work of ready) outcomes.push(this.#apply(work, transaction, effects));
      });
      return outcomes;
    } finally {
      if (!durable) db.exec("PRAGMA synchronous = FULL");
    }
  }

  /** What is committed stays so if linking fails; it is tried again after the next commit, or at the next start. */
  async #link(hashes: readonly MessageHash[]): Promise<void> {
    const toLink = [...this.#toLink, ...hashes];
    this.#toLink = [];
    for (const hash of toLink) {
      await linkBatches(this.#context, hash).catch(() => this.#toLink.push(hash));
    }
  }

  /** One operation inside the transaction; what fails is undone alone. */
  #apply(work: Ready | Error, transaction: Transaction, effects: Effects): Outcome {
    if (work instanceof Error) return failure(work);
    const { db } = transaction;
    const before = effects.mark();
    db.run("SAVEPOINT operation");
    try {
      const value = work(transaction);
      db.run("RELEASE operation");
      return { ok: true, value };
    } catch (error) {
      // On a full disk SQLite may have rolled back everything; then the group fails together.
      if (!db.connection.isTransaction) throw error;
      db.run("ROLLBACK TO operation");
      db.run("RELEASE operation");
      effects.backTo(before);
      if (error instanceof Refusal) return { ok: true, value: error.problem };
      return failure(asError(error));
    }
  }

  #inTransaction(work: () => void): void {
    const { db } = this.#context;
    db.run("BEGIN IMMEDIATE");
    try {
      work();
      db.run("COMMIT");
    } catch (error) {
      if (db.connection.isTransaction) db.run("ROLLBACK");
      throw error;
    }
  }

  #nextTime(): number {
    const microsecond = 1e-6;
    this.#lastTime = Math.max(Date.now() / 1000, this.#lastTime + microsecond);
    return this.#lastTime;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function failure(error: Error): Outcome {
  const full = /disk is full/.test(error.message);
  return {
    ok: false,
    message: full ? "The disk is full: free some space and try again" : error.message,
  };
}

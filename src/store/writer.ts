// The store's one writer: takes operations as plain data and commits what is ready together.

import type { MessageHash } from "../wire/mod.ts";
import { linkBatches, unlinkedOriginals } from "./accept.ts";
import { Contents } from "./contents.ts";
import { type Database, StoreError } from "./database.ts";
import { openForWriting } from "./opening.ts";
import { forgetDeleted } from "./deleting.ts";
import type { Change, Committed, Operation, Outcome, WriterSettings } from "./operations.ts";
import { prepare, type Ready, STORING } from "./preparing.ts";
import { isFull, Reserve } from "./reserve.ts";
import { indexMessage } from "./search/indexing.ts";
import { forgetExpiredSessions } from "./sessions.ts";
import { Refusal, type Transaction, type WriterContext } from "./transaction.ts";
import type { Upgrade, UpgradeOptions } from "./upgrade.ts";
import { forgetOldUsage } from "./users.ts";

/** What has to happen once a transaction is committed; what is undone in the database is undone here too. */
class Effects {
  readonly changes: Change[] = [];
  readonly actions: (() => void)[] = [];
  readonly toLink: MessageHash[] = [];
  readonly toIndex: number[] = [];

  mark(): Mark {
    return [this.changes.length, this.actions.length, this.toLink.length, this.toIndex.length];
  }

  backTo([changes, actions, toLink, toIndex]: Mark): void {
    this.changes.length = changes;
    this.actions.length = actions;
    this.toLink.length = toLink;
    this.toIndex.length = toIndex;
  }
}

type Mark = readonly [number, number, number, number];

const NOTHING: Mark = [0, 0, 0, 0];

export class Writer implements Disposable {
  readonly #context: WriterContext;
  #lastTime: number;
  /** When what is of no use any more was dropped from the tables. */
  #forgotten = 0;
  /** Messages with batches that came before them and are not linked yet; not always in vain. */
  #toLink: MessageHash[];
  readonly #dataDir: string;
  readonly #reserve: Reserve;

  private constructor(
    db: Database,
    dataDir: string,
    reserve: Reserve,
    private settings: WriterSettings,
  ) {
    this.#dataDir = dataDir;
    this.#reserve = reserve;
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
    this.#sweep();
    this.#toLink = unlinkedOriginals(db);
  }

  /**
   * Opens the store of a data directory, makes it where there is none, upgrades an earlier program's, and sweeps what a
   * crash left.
   */
  static open(
    dataDir: string,
    settings: WriterSettings,
    upgraded?: (upgrade: Upgrade) => void,
    options?: UpgradeOptions,
  ): Writer {
    const reserve = new Reserve(dataDir);
    reserve.releaseIfFull();
    const db = openOrTell(dataDir, upgraded, options);
    try {
      return new Writer(db, dataDir, reserve, settings);
    } catch (error) {
      db[Symbol.dispose]();
      throw error;
    }
  }

  configure(settings: WriterSettings): void {
    this.settings = settings;
  }

  /** Keeps some room on the disk for the moment when it is full. */
  takeReserve(): void {
    this.#reserve.take();
  }

  /**
   * Carries out `operations`, in their order and in one transaction; resolves once it is durable. One that fails does
   * not take the others along. Must not be called again before the earlier call is through.
   */
  async run(operations: readonly Operation[]): Promise<Committed> {
    const committed = await this.#run(operations);
    if (this.#reserve.spent()) await this.#giveBack();
    return committed;
  }

  async #run(operations: readonly Operation[]): Promise<Committed> {
    // What cannot be afforded is not even looked at.
    const spent = this.#reserve.spent();
    let ready: (Ready | Error)[] = [];
    for (const operation of operations) {
      ready.push(
        spent && STORING.has(operation.name)
          ? diskIsFull()
          : await prepare(this.#context, operation).catch(asError),
      );
    }

    const effects = new Effects();
    const transaction: Transaction = {
      ...this.#context,
      settings: this.settings,
      now: Date.now() / 1000,
      changed: (change) => effects.changes.push(change),
      afterCommit: (action) => effects.actions.push(action),
      listingChanged: (listed) => effects.toIndex.push(listed),
      linkLater: (hash) => effects.toLink.push(...(hash === null ? [] : [hash])),
    };
    let outcomes: Outcome[] | null = null;
    let committed = false;
    while (outcomes === null) {
      try {
        outcomes = this.#commit(operations, ready, transaction, effects);
        committed = true;
      } catch (error) {
        effects.backTo(NOTHING);
        // The reserve is for what does not store: all but that has failed.
        const canGoOn = this.#isFull(error) && operations.some(({ name }) => !STORING.has(name)) &&
          this.#reserve.release();
        if (canGoOn) {
          ready = ready.map((work, i) => isStoring(operations[i]) ? diskIsFull() : work);
        } else {
          const why = this.#isFull(error) ? diskIsFull() : asError(error);
          outcomes = operations.map(() => failure(why));
        }
      }
    }
    const { contents } = this.#context;
    for (const [i, { name, input }] of operations.entries()) {
      const ok = committed && outcomes[i]?.ok === true;
      if (name === "stage") contents.settle(input.token, ok);
      if (name === "discard" && !ok) contents.abandon(input.token);
    }
    if (committed) {
      for (const action of effects.actions) action();
      this.#sweep();
      await this.#link(effects);
    }
    return { outcomes, changes: effects.changes };
  }

  [Symbol.dispose](): void {
    this.#context.db[Symbol.dispose]();
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
        if (transaction.now - this.#forgotten > 3600) {
          forgetOldUsage(db, transaction.now);
          forgetDeleted(transaction);
          forgetExpiredSessions(db, transaction.now);
          this.#forgotten = transaction.now;
        }
        for (const work of ready) outcomes.push(this.#apply(work, transaction, effects));
        // All at once: the index writes a piece of itself at each savepoint, and joins the pieces later.
        for (const listed of new Set(effects.toIndex)) indexMessage(db, listed);
      });
      return outcomes;
    } finally {
      if (!durable) db.exec("PRAGMA synchronous = FULL");
    }
  }

  /** What is committed stays so if linking fails; it is tried again after the next commit, or at the next start. */
  async #link(effects: Effects): Promise<void> {
    const toLink = [...this.#toLink, ...effects.toLink];
    const changed = (change: Change): unknown => effects.changes.push(change);
    this.#toLink = [];
    for (const hash of toLink) {
      await linkBatches(this.#context, hash, changed).catch(() => this.#toLink.push(hash));
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
      // On a full disk SQLite may have rolled back everything; the group fails together.
      if (!db.connection.isTransaction || this.#isFull(error)) throw error;
      db.run("ROLLBACK TO operation");
      db.run("RELEASE operation");
      effects.backTo(before);
      if (error instanceof Refusal) return { ok: true, value: error.problem };
      return failure(asError(error));
    }
  }

  /** What the store has of no use, a disk that is full needs. The rest goes with the next operations. */
  async #giveBack(): Promise<void> {
    for (let i = 0; i < 16; i++) {
      const { outcomes: [outcome] } = await this.#run([{ name: "reclaim", input: { all: true } }]);
      const given = outcome?.ok === true ? outcome.value : null;
      if (typeof given !== "object" || given?.kind !== "reclaimed" || given.left === 0) return;
    }
  }

  /** Removes content that nobody waits for. What a full disk does not let go of goes after a later commit. */
  #sweep(): void {
    const { contents } = this.#context;
    if (contents.abandoned === 0) return;
    try {
      this.#inTransaction(() => contents.sweep());
      contents.swept();
    } catch {
      // As above; what was committed before stays so.
    }
  }

  /** SQLite calls it an input or output error where room is lacking for anything but the store's file and its log. */
  #isFull(error: unknown): boolean {
    const { message } = asError(error);
    return /disk is full/.test(message) ||
      /disk I\/O error/.test(message) && isFull(this.#dataDir);
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

function openOrTell(...to: Parameters<typeof openForWriting>): Database {
  const [dataDir] = to;
  try {
    return openForWriting(...to);
  } catch (error) {
    // SQLite speaks of input and output here.
    if (!isFull(dataDir)) throw error;
    throw new StoreError(
      `The store in ${dataDir} cannot be opened, since the disk is full: free some space`,
      {
        cause: error,
      },
    );
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function isStoring(operation: Operation | undefined): boolean {
  return operation !== undefined && STORING.has(operation.name);
}

function diskIsFull(): Error {
  return new Error("The disk is full: free some space and try again");
}

function failure(error: Error): Outcome {
  return { ok: false, message: error.message };
}

// What has to hold of the host when nothing goes on: it lives, met nothing that nobody foresaw, and nothing is left.

import { audit } from "../store/audit.ts";
import type { Status } from "../../src/host/mod.ts";
import type { LogLine } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";
import type { Scene } from "./scene.ts";

/** A host, and where its counts are told. */
type Watched = Pick<Scene, "host" | "control">;

type Counts = Status["counts"];

const MIB = 1024 * 1024;

/** The bound for a host under attack; at rest it stays under that all the more. */
const MAX_MEMORY = 300 * MIB;

/**
 * What the host opens by the way and is bounded: files of the database, the timer behind refusals that are told together,
 * those of looking whether it still hears.
 */
const SPARE: Readonly<Record<string, number>> = { files: 8, timers: 4 };

/** An audit reads the whole store, which grows: it takes this share of the time at most. */
const AUDIT_SHARE = 0.1;

export class Rest {
  readonly #scene: Watched;
  readonly #audit: () => void | Promise<void>;
  readonly #counts: Counts;
  readonly #files: number;
  #logSeen = 0;
  #auditedAt = -Infinity;
  #auditMs = 0;
  /** Bytes of resident memory at each look. */
  readonly memory: number[] = [];

  private constructor(
    scene: Watched,
    audit: () => void | Promise<void>,
    counts: Counts,
    files: number,
  ) {
    this.#scene = scene;
    this.#audit = audit;
    this.#counts = counts;
    this.#files = files;
  }

  /**
   * Takes what is there now for what belongs to the host. To be called when nothing goes on. `check` looks whether
   * everything in the store fits together.
   */
  static async of(
    scene: Watched,
    check = (): void | Promise<void> => audit(scene.host.dataDir),
  ): Promise<Rest> {
    const { counts } = await waitFor(async () => {
      const status = await scene.control.status();
      return isQuiet(status) && status;
    }, { what: "the host to be at rest" });
    return new Rest(scene, check, counts, await scene.host.openFiles());
  }

  /** Throws an Error that says what is not as it should be. */
  async examine({ thoroughly = false } = {}): Promise<void> {
    const { host } = this.#scene;
    this.examineLog();
    await this.#nothingLeft();
    const memory = await host.memory();
    this.memory.push(memory);
    if (memory > MAX_MEMORY) throw new Error(`The host holds ${Math.round(memory / MIB)} MiB`);
    if (thoroughly || Date.now() - this.#auditedAt > this.#auditMs / AUDIT_SHARE) {
      const started = Date.now();
      await this.#audit();
      this.#auditedAt = Date.now();
      this.#auditMs = this.#auditedAt - started;
    }
    this.examineLog();
  }

  /** What was logged since the last time: no faults, no errors, and nothing but log lines. */
  examineLog(): void {
    const { log } = this.#scene.host;
    const bad = log.slice(this.#logSeen).find(isBad);
    this.#logSeen = log.length;
    if (bad !== undefined) throw new Error(`The host logged ${JSON.stringify(bad)}`);
  }

  /** Every count goes back to where it was; faults never change. */
  async #nothingLeft(): Promise<void> {
    const before = new Map(Object.entries({ ...this.#counts, files: this.#files, deliveries: 0 }));
    let left: readonly string[] = [];
    await waitFor(async () => {
      const { counts, queue } = await this.#scene.control.status();
      const files = await this.#scene.host.openFiles();
      left = Object.entries({ ...counts, files, deliveries: queue.waiting })
        .filter(([name, count]) => count > (before.get(name) ?? 0) + (SPARE[name] ?? 0))
        .map(([name, count]) => `${count} ${name} (${before.get(name)} before)`);
      return left.length === 0;
    }).catch((error: unknown) => {
      throw new Error(`The host does not come to rest: ${left.join(", ")}`, { cause: error });
    });
  }
}

function isQuiet({ counts, queue }: Status): boolean {
  const { connections, exchanges_in, exchanges_out, staging, outgoing } = counts;
  return connections + exchanges_in + exchanges_out + staging + outgoing + queue.waiting === 0;
}

function isBad({ msg, level, terminated }: LogLine): boolean {
  return level === undefined || level === "error" || terminated === "internal error" ||
    /fault/.test(String(msg));
}

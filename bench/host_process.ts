// A host in a process of its own, and what it uses of the machine.

import { V8_FLAGS } from "../scripts/compile/flags.ts";
import type { Site } from "./setup.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;

/**
 * "deno run" looks for a new version once a day, and fills its store of roots by that, perhaps before the program can add
 * to it; then no session is resumed. A compiled program does not look.
 */
export const NO_UPDATE_CHECK = { DENO_NO_UPDATE_CHECK: "1" } as const;

const START_MS = 30_000;
const STOP_MS = 15_000;

/** Linux counts a process's time in units of 10 ms. */
const TICK_MS = 10;

/** CPU milliseconds. */
export interface Cpu {
  readonly process: number;
  readonly writer: number;
}

/** Resident memory in MiB. */
export interface Memory {
  readonly now: number;
  readonly peak: number;
}

export class HostProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(
    readonly site: Site,
    child: Deno.ChildProcess,
    /** Milliseconds from starting the process until it told that it listens. */
    readonly startMs: number,
  ) {
    this.#child = child;
  }

  /** Starts a host on a site that has its configuration; resolves once it listens. */
  static async start(site: Site): Promise<HostProcess> {
    const log = `${site.config}.log`;
    Deno.writeTextFileSync(log, "");
    const started = performance.now();
    const child = new Deno.Command("/bin/sh", {
      // The log goes to a file, as it does under a supervisor; "exec" leaves no shell between.
      args: [
        "-c",
        'exec "$0" "$@" 2>>"$FMSG_BENCH_LOG"',
        Deno.execPath(),
        "run",
        "-A",
        `--v8-flags=${V8_FLAGS}`,
        MAIN,
        "host",
        "run",
        "--config",
        site.config,
      ],
      env: { FMSG_BENCH_LOG: log, ...NO_UPDATE_CHECK },
      stdin: "null",
      stdout: "null",
    }).spawn();
    let ended = false;
    child.status.then(() => ended = true);
    while (!Deno.readTextFileSync(log).includes('"listening"')) {
      if (ended || performance.now() - started > START_MS) {
        await kill(child);
        throw new Error(`Starting a host: it does not listen: ${Deno.readTextFileSync(log)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return new HostProcess(site, child, performance.now() - started);
  }

  /** Ends it in order, or by force when it does not end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => kill(this.#child), STOP_MS);
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    clearTimeout(timer);
  }

  /** Holds the process still until the result is disposed of: to others it is a host that does not answer. */
  pause(): Disposable {
    this.#child.kill("SIGSTOP");
    let paused = true;
    return {
      [Symbol.dispose]: () => {
        if (paused) this.#child.kill("SIGCONT");
        paused = false;
      },
    };
  }

  /** What it has used so far. */
  cpu(): Cpu {
    const proc = `/proc/${this.#child.pid}`;
    let writer = 0;
    for (const { name } of Deno.readDirSync(`${proc}/task`)) {
      const thread = readStat(`${proc}/task/${name}/stat`);
      if (thread.name.startsWith("worker")) writer += thread.ms;
    }
    return { process: cpuOf(this.#child.pid), writer };
  }

  /** Bytes that it has logged. */
  logged(): number {
    return Deno.statSync(`${this.site.config}.log`).size;
  }

  memory(): Memory {
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    const mib = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) / 1024;
    return { now: mib("VmRSS"), peak: mib("VmHWM") };
  }
}

/** CPU milliseconds that a process has used so far. */
export function cpuOf(pid: number): number {
  return readStat(`/proc/${pid}/stat`).ms;
}

async function kill(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
  await child.status;
}

/** The name and the CPU time (user and system) of a process or thread: see proc_pid_stat(5). */
function readStat(file: string): { readonly name: string; readonly ms: number } {
  const text = Deno.readTextFileSync(file);
  const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  const [user, system] = text.slice(text.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return { name, ms: (Number(user) + Number(system)) * TICK_MS };
}

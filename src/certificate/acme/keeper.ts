// Keeps the certificate of a running host valid.

import { AcmeError } from "./error.ts";
import { textOf } from "./http.ts";
import { obtainCertificate, type Obtained, type Timing } from "./obtain.ts";
import { certificateFor } from "./present.ts";
import { type Attempt, failuresOf, nextAttempt, type Urgency, type Validity } from "./renewal.ts";
import type { AcmeSettings } from "./settings.ts";
import { readAttempts } from "./state.ts";
import type { AcmeStep } from "./step.ts";

export interface KeeperOptions {
  /** Asked before each try, since the configuration may change. null: no certificate is to be had by ACME (now). */
  readonly settings: () => AcmeSettings | null;
  /** A certificate is in its file. The host looks at the file by itself; this tells it to do so now. */
  readonly renewed: (obtained: Obtained) => void;
  /** A try failed; the certificate that is there stays. */
  readonly failed: (error: AcmeError, nextAttempt: Date) => void;
  /** Told what is being done, for the log at debug. */
  readonly progress?: (step: AcmeStep) => void;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
  readonly timing?: Partial<Timing>;
}

/** For `host status`. */
export interface KeeperState {
  /** When the certificate in the file expires; null when there is none for this name. */
  readonly expires: Date | null;
  /** null while an attempt is under way, and when there is nothing to do. */
  readonly nextAttempt: Date | null;
  /** Of the last attempt; null when it went well, or there was none. */
  readonly lastError: string | null;
  /** Attempts that failed since the last certificate. */
  readonly attempts: number;
  /** Is an attempt under way? */
  readonly active: boolean;
}

/** The longest sleep: the clock may be set, and a timer of the runtime lasts 24 days at most. In milliseconds. */
const LOOK_MS = 600_000;

/** Gets the first certificate and renews it, until it is disposed of. Never throws into the host. */
export class CertificateKeeper implements AsyncDisposable {
  readonly #options: KeeperOptions;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #active = false;
  /** Ends the sleep. */
  #wakeUp: () => void = () => {};
  /** Until the next failure. */
  #urgency: Urgency = "started";
  /** Chosen anew after each certificate. */
  #jitter: number;
  #nextAttempt: number | null = null;
  #pause: Pause | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#jitter = this.#random();
  }

  /** Begins; returns at once. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Looks anew whether something is to do: after a change of the configuration or of the clock. */
  wake(): void {
    this.#wakeUp();
  }

  /** Tries now if a certificate is due, without the pause after failures; the authority's limits hold. */
  retryNow(): void {
    this.#urgency = "asked";
    this.#wakeUp();
  }

  get state(): KeeperState {
    const active = this.#active;
    const nextAttempt = active || this.#nextAttempt === null ? null : new Date(this.#nextAttempt);
    try {
      const { certificate = null, attempts: all = [] } = this.#facts() ?? {};
      const attempts = active && all.at(-1)?.outcome === "begun" ? all.slice(0, -1) : all;
      return {
        expires: certificate === null ? null : new Date(certificate.notAfter),
        nextAttempt,
        lastError: this.#pause?.error ?? lastError(attempts),
        attempts: failuresOf(attempts),
        active,
      };
    } catch (error) {
      return { expires: null, nextAttempt, lastError: textOf(error), attempts: 0, active };
    }
  }

  /** Ends an attempt that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("The host is stopping"));
    this.#wakeUp();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Whoever starts this goes on first.
    await Promise.resolve();
    while (!this.#stop.signal.aborted) {
      this.#plan();
      const now = Date.now();
      const at = this.#nextAttempt;
      if (at !== null && at <= now) await this.#attempt();
      else await this.#sleep(at === null ? null : Math.min(at - now, LOOK_MS));
    }
  }

  /** Until it is woken, or `ms` are over; null: however long that is. */
  #sleep(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === null ? undefined : setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Finds out when the next attempt is due. */
  #plan(): void {
    const now = Date.now();
    if (this.#pause !== null && isOn(this.#pause, now) && this.#urgency !== "asked") {
      this.#nextAttempt = this.#pause.until;
      return;
    }
    try {
      const facts = this.#facts();
      const [random, urgency] = [this.#jitter, this.#urgency];
      this.#nextAttempt = facts === null
        ? null
        : Math.max(now, nextAttempt({ ...facts, now, random, urgency }));
      // Another process may have got the certificate meanwhile.
      if (this.#nextAttempt !== now) this.#pause = null;
    } catch (error) {
      this.#urgency = "usual";
      this.#fail(error);
    }
  }

  async #attempt(): Promise<void> {
    const { settings, progress = () => {}, timing = {}, renewed } = this.#options;
    try {
      // Who asks from here on means the next one.
      this.#urgency = "usual";
      const wanted = settings();
      if (wanted === null) return;
      this.#active = true;
      const signal = this.#stop.signal;
      const obtained = await obtainCertificate(wanted, { signal, progress, timing });
      this.#active = false;
      this.#pause = null;
      this.#jitter = this.#random();
      renewed(obtained);
    } catch (error) {
      this.#active = false;
      if (!this.#stop.signal.aborted) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const failure = error instanceof AcmeError ? error : new AcmeError(
      "unexpected",
      `The certificate could not be had, for a reason that nobody foresaw: ${textOf(error)}`,
      { cause: error },
    );
    this.#pause = isRecorded(failure) ? null : pauseAfter(this.#pause, failure);
    this.#plan();
    this.#options.failed(failure, new Date(this.#nextAttempt ?? Date.now() + LOOK_MS));
  }

  /** Null when no certificate is to be had by ACME. */
  #facts(): Facts | null {
    const settings = this.#options.settings();
    if (settings === null) return null;
    const { directory, name, dataDir } = settings;
    return {
      certificate: certificateFor(settings),
      attempts: readAttempts(dataDir).filter((attempt) =>
        attempt.directory === directory && attempt.name === name
      ),
    };
  }
}

interface Facts {
  readonly certificate: Validity | null;
  readonly attempts: readonly Attempt[];
}

/** After a failure that is not written down in the data directory. */
interface Pause {
  readonly failures: number;
  readonly from: number;
  readonly until: number;
  readonly error: string;
}

/** The first pause, which doubles, and the longest, in milliseconds. */
const PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 24 * 3600_000;

function pauseAfter(before: Pause | null, { message }: AcmeError): Pause {
  const failures = (before?.failures ?? 0) + 1;
  const ms = Math.min(PAUSE_MS * 2 ** Math.min(failures - 1, 20), MAX_PAUSE_MS);
  const from = Date.now();
  return { failures, from, until: from + ms, error: message };
}

/** Not before it began either: then the clock was set back, perhaps by years. */
function isOn({ from, until }: Pause, now: number): boolean {
  return from <= now && now < until;
}

/** Is the failure among the attempts that are kept? */
function isRecorded({ failure }: AcmeError): boolean {
  return failure !== "busy" && failure !== "too often" && failure !== "state" &&
    failure !== "unexpected";
}

function lastError(attempts: readonly Attempt[]): string | null {
  const last = attempts.at(-1);
  if (last?.outcome === "begun") return "The last try was ended before it was through";
  return last?.error ?? null;
}

// One try, as it is remembered.

import { AcmeError } from "./error.ts";
import { hostOf, textOf } from "./http.ts";
import { certificateFor } from "./present.ts";
import { allowedFrom, type Attempt } from "./renewal.ts";
import type { AcmeSettings } from "./settings.ts";
import type { StateFolder } from "./state.ts";

/** Written down before the authority hears anything, so that a crash counts. */
export class AttemptRecord {
  readonly #state: StateFolder;
  #attempt: Attempt;

  /** Throws an AcmeError when the limits do not allow a try now. */
  constructor(state: StateFolder, { directory, name, dataDir }: AcmeSettings) {
    this.#state = state;
    const now = Date.now();
    const attempts = state.attempts().filter((attempt) =>
      attempt.directory === directory && attempt.name === name
    );
    const certificate = certificateFor({ directory, name, dataDir });
    const from = allowedFrom({ certificate, attempts, now });
    if (from > now) throw tooOften(directory, attempts.at(-1)?.error ?? null, new Date(from));
    this.#attempt = {
      at: now,
      ended: null,
      directory,
      name,
      outcome: "begun",
      challenged: false,
      issued: false,
      error: null,
      retryAfter: null,
      lifetime: null,
    };
    state.saveAttempt(this.#attempt);
  }

  write(change: Partial<Attempt>): void {
    this.#attempt = { ...this.#attempt, ...change };
    this.#state.saveAttempt(this.#attempt);
  }

  failed(error: unknown): void {
    const retryAfter = error instanceof AcmeError ? error.retryAfter : null;
    try {
      this.write({
        outcome: "failed",
        ended: Date.now(),
        error: textOf(error),
        retryAfter: retryAfter?.getTime() ?? null,
      });
    } catch {
      // The disk is full: that it began is on it, and says enough.
    }
  }
}

function tooOften(directory: string, last: string | null, from: Date): AcmeError {
  const until = from.toISOString().slice(0, 16).replace("T", " ");
  return new AcmeError(
    "too often",
    `${hostOf(directory)} was asked as often as its limits allow: wait until ${until} UTC${
      last === null ? "" : ` (the last answer was: ${last})`
    }`,
    { retryAfter: from },
  );
}

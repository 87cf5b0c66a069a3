// The threads of a list in their order, kept so while single ones change: nothing is sorted, or counted, anew.

import { type Snapshot, SortedRuns } from "./sorted_runs.ts";
import type { Thread } from "./thread.ts";

interface Rules {
  readonly belongs: (thread: Thread) => boolean;
  /** When a thread came, for its place; the latest is first. */
  readonly moment: (thread: Thread) => number;
  /** Down to which id all has to be here for a thread to be certain. */
  readonly newest: (thread: Thread) => number;
}

export class ThreadOrder {
  readonly #rules: Rules;
  readonly #sorted: SortedRuns<Thread>;
  /** They belong, and are not certain yet. */
  readonly #waiting = new Set<Thread>();
  #frontier = Infinity;
  #unread = 0;

  constructor(rules: Rules) {
    const { moment } = rules;
    this.#rules = rules;
    this.#sorted = new SortedRuns((a, b) =>
      moment(b) - moment(a) || b.newest - a.newest || b.root - a.root
    );
  }

  /** The same one as long as nothing changed. */
  all(): Snapshot<Thread> {
    return this.#sorted.now();
  }

  /** How many of those in the list have something unread. */
  get unread(): number {
    return this.#unread;
  }

  /** null: there was none, there is none any more. */
  replace(before: Thread | null, now: Thread | null): void {
    const { belongs } = this.#rules;
    if (before !== null && belongs(before) && !this.#waiting.delete(before)) this.#leave(before);
    if (now === null || !belongs(now)) return;
    if (this.#isCertain(now)) this.#enter(now);
    else this.#waiting.add(now);
  }

  /** Down to this id all is here: only threads that are certain by that are in the list. */
  reach(frontier: number): void {
    const before = this.#frontier;
    this.#frontier = frontier;
    if (frontier < before) {
      // No more than one of two lists is ahead of the other.
      for (const thread of this.#waiting) {
        if (!this.#isCertain(thread)) continue;
        this.#waiting.delete(thread);
        this.#enter(thread);
      }
    } else if (frontier > before) {
      for (const thread of this.all()) {
        if (this.#isCertain(thread)) continue;
        this.#leave(thread);
        this.#waiting.add(thread);
      }
    }
  }

  #isCertain(thread: Thread): boolean {
    return thread.shown || this.#rules.newest(thread) >= this.#frontier;
  }

  #enter(thread: Thread): void {
    this.#sorted.add(thread);
    if (thread.unread > 0) this.#unread++;
  }

  #leave(thread: Thread): void {
    this.#sorted.delete(thread);
    if (thread.unread > 0) this.#unread--;
  }
}

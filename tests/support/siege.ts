// Many hostile connections at once: what is cut comes again, until the siege ends.

import type { Attack, Enemy, Hostility } from "./hostile.ts";
import { sleep } from "./wait.ts";

export interface SiegeOptions {
  readonly attacks: readonly Attack[];
  /** They take turns. */
  readonly enemies: readonly Enemy[];
  /** Connections at once. */
  readonly connections: number;
  /** Milliseconds between the end of a connection and the next. Default: 0. */
  readonly pause?: number;
}

export class Siege implements AsyncDisposable {
  /** Connections that came to their end, as the attack or the host wanted it. */
  ended = 0;
  readonly #end = new AbortController();
  readonly #lanes: Promise<void>[];

  constructor({ attacks, enemies, connections, pause = 0 }: SiegeOptions) {
    const ready = enemies.map((enemy) => attacks.map((attack) => attack(enemy)));
    this.#lanes = Array.from({ length: connections }, (_, i) => {
      // All attacks at once, and each of them from several enemies.
      const round = Math.floor(i / attacks.length);
      const hostility = ready[(i + round) % ready.length]?.[i % attacks.length];
      if (hostility === undefined) throw new RangeError("A siege without attacks or enemies");
      return this.#repeat(hostility, pause);
    });
  }

  /** Ends everything; resolves when its sockets are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#lanes);
  }

  async #repeat(hostility: Hostility, pause: number): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      // What the host answers may be no TLS that is understood here, as when it is cut off.
      await hostility(signal).catch(() => {});
      this.ended++;
      if (pause > 0 && !signal.aborted) await sleep(pause);
    }
  }
}

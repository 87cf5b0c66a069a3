// The attacker of attack_run.ts, in a process of its own: so many hostile connections at once for so many seconds.

import { ATTACKS, type Enemy } from "../tests/support/hostile.ts";
import { spent } from "../tests/support/hostile_tcp.ts";
import { Siege } from "../tests/support/siege.ts";
import { heard, orders as readOrders, say } from "./child.ts";

export interface AttackOrders {
  /** By their names. */
  readonly attacks: readonly string[];
  readonly enemies: readonly Enemy[];
  readonly connections: number;
  readonly seconds: number;
}

async function attack({ attacks, enemies, connections, seconds }: AttackOrders): Promise<void> {
  const chosen = attacks.flatMap((name) => ATTACKS[name] ?? []);
  say("ready");
  await heard();
  const started = performance.now();
  await using siege = new Siege({ attacks: chosen, enemies, connections });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  say({ ...spent, ended: siege.ended, seconds: (performance.now() - started) / 1000 });
  // The host is looked at before its guests are gone.
  await heard();
}

if (import.meta.main) {
  const orders: AttackOrders = JSON.parse(readOrders());
  await attack(orders);
  Deno.exit(0);
}

// deno task attack: what attackers cost a host, beside what the attack costs them, and what an honest sender notices.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  ATTACKS,
  CONTENT_ATTACKS,
  HEADER_ATTACKS,
  TCP_ATTACKS,
  TLS_ATTACKS,
} from "../tests/support/hostile.ts";
import { type Attacked, attacked, type AttackPlan, row } from "./attack_run.ts";
import { describeMachine } from "./machine.ts";
import { mergeRuns, type Result, type ResultTable, text } from "./result.ts";
import { Bench, type Settings } from "./setup.ts";
import { waitForSockets } from "./sockets.ts";

const HELP = `deno task attack [--only GROUP,…] [--like WORDS] [--json FILE] [--quick]

Attacks a host in every way, each for some seconds, and prints what it costs both sides.

  --only GROUP,…  of strangers, senders, limited, siege; all unless told
  --like WORDS    only the attacks whose name has these words
  --json FILE     also write the result there, for bench/report.ts
  --quick         each for a moment: the bench works, its numbers mean nothing`;

/** Connections that are not closed by the attacker. */
const HELD: ReadonlySet<string> = new Set([
  "silence",
  "a hello, a byte a second",
  "silence behind a handshake",
  "a header, a byte a second",
  "largest headers, never finished",
  "from a domain whose DNS is silent",
  "data, hardly fast enough",
]);

/** Here one address stands for many: no limit for one address is to hide what a connection costs. */
const MANY: Settings = { limits: { max_connections_per_ip: 1024, max_challenges_per_ip: 1024 } };

/** The limits as they are unless configured. */
const DEFAULTS: Settings = {
  limits: { max_connections_per_ip: null, max_challenges_per_ip: null },
};

/** New connections a second of one address: more than the honest sender makes. */
const RATE = 25;

/** Everybody may be banned but the honest sender. */
const BANS = { ban: { allow: ["127.0.77.0/24"] } };

type Plan = Omit<AttackPlan, "seconds">;

const GROUPS: Readonly<
  Record<string, { readonly title: string; readonly plans: readonly Plan[] }>
> = {
  strangers: {
    title: "By strangers",
    plans: [
      ...Object.keys({ ...TCP_ATTACKS, ...TLS_ATTACKS, ...HEADER_ATTACKS })
        .map((name) => one(name, MANY)),
      {
        ...one("largest headers, never finished", MANY),
        label: "the same, 1000 at once",
        connections: 1000,
      },
    ],
  },
  senders: {
    title: "By senders who are not challenged",
    plans: Object.keys(CONTENT_ATTACKS).map((name) => one(name, { ...MANY, challenge: "never" })),
  },
  limited: {
    title: "By one address, within its limits",
    plans: [
      { ...one("silence", DEFAULTS), label: "silence, 200 at once" },
      ...["connections opened and closed", "handshakes dropped", "a hello and nothing more"].map((
        name,
      ) => ({
        ...one(name, { limits: { ...DEFAULTS.limits, accept_rate_per_ip: RATE } }),
        label: `${name}, ${RATE} a second`,
      })),
      ...[
        "garbage in place of a hello",
        "handshakes for another name",
        "largest headers, wrong at the end",
        "from a wrong address, any domain",
        "challenges with any hash",
      ].map((name) => ({ ...one(name, { ...DEFAULTS, config: BANS }), label: `${name}, banned` })),
      ...["255 users who are not here", "more inflated than is said"].map((name) => ({
        ...one(name, { ...DEFAULTS, challenge: "never", config: BANS }),
        label: `${name}, banned`,
      })),
    ],
  },
  siege: {
    title: "200 connections of all kinds from 10 addresses",
    plans: [
      siege("challenges as configured", DEFAULTS),
      siege("no challenges", { ...DEFAULTS, challenge: "never" }),
      siege("challenges as configured, bans", { ...DEFAULTS, config: BANS }),
    ],
  },
};

function one(name: string, settings: Settings): Plan {
  const connections = HELD.has(name) ? 200 : 16;
  return { label: name, attacks: [name], connections, addresses: 1, settings };
}

function siege(label: string, settings: Settings): Plan {
  return { label, attacks: Object.keys(ATTACKS), connections: 200, addresses: 10, settings };
}

const COLUMNS = [
  { name: "connections/s", digits: 0 },
  { name: "kB/s", digits: 0 },
  { name: "attacker CPU s", digits: 2 },
  { name: "host CPU s", digits: 2 },
  { name: "host/attacker", digits: 2 },
  { name: "peak MiB", digits: 0 },
  { name: "log kB/s", digits: 0 },
  { name: "p50 ms", digits: 0 },
  { name: "max ms", digits: 0 },
  { name: "lost", digits: 0 },
];

/** The attack was called wrongly. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a signal has to clean up. */
let current: Promise<Bench> | null = null;

async function measure(plan: AttackPlan): Promise<Attacked> {
  await waitForSockets(20_000);
  current = Bench.make(undefined);
  await using bench = await current;
  console.error(plan.label);
  return await attacked(bench, plan);
}

async function run(options: Options): Promise<void> {
  const seconds = options.quick ? 0.5 : 3;
  const tables: ResultTable[] = [];
  const nobody = { label: "nobody", attacks: [], connections: 0, addresses: 1 };
  const quiet = await measure({ ...nobody, settings: MANY, seconds });
  for (const name of options.groups) {
    const group = GROUPS[name];
    if (group === undefined) continue;
    const rows = [row("nobody", quiet, null)];
    for (const plan of group.plans) {
      if (!plan.label.includes(options.like)) continue;
      const long = name === "siege" && !options.quick;
      const result = await measure({ ...plan, seconds: long ? 15 : seconds });
      rows.push(row(plan.label, result, quiet));
      for (const problem of new Set(result.problems)) {
        console.error(`  a message was lost: ${problem}`);
      }
    }
    const table = mergeRuns([{ group: name, title: group.title, columns: COLUMNS, rows }]);
    console.log(`${text(table)}\n`);
    tables.push(table);
  }
  const result: Result = {
    date: new Date().toISOString().slice(0, 10),
    quick: options.quick,
    runs: 1,
    machine: describeMachine(),
    tables,
  };
  if (options.json !== null) writeFileSync(options.json, JSON.stringify(result, null, 2) + "\n");
}

interface Options {
  readonly groups: readonly string[];
  readonly like: string;
  readonly json: string | null;
  readonly quick: boolean;
}

function readOptions(args: string[]): Options | null {
  const values = parse(args);
  if (values.help === true) return null;
  const groups = values.only?.split(",") ?? Object.keys(GROUPS);
  for (const group of groups) {
    if (GROUPS[group] !== undefined) continue;
    throw new UsageError(
      `--only: "${group}" is no group; take some of ${Object.keys(GROUPS).join(", ")}`,
    );
  }
  return {
    groups,
    like: values.like ?? "",
    json: values.json ?? null,
    quick: values.quick === true,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: "string" },
        like: { type: "string" },
        json: { type: "string" },
        quick: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Stops what runs and removes the folder, at a signal. */
async function stop(): Promise<void> {
  try {
    await (await current)?.[Symbol.asyncDispose]();
  } finally {
    Deno.exit(130);
  }
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    if (Deno.build.os !== "linux") {
      throw new UsageError(
        "The attack reads /proc and listens on 127.0.77.x: it runs on Linux only",
      );
    }
    const options = readOptions(Deno.args);
    if (options === null) console.log(HELP);
    else await run(options);
  } catch (error) {
    console.error(`attack: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = error instanceof UsageError ? 2 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
  }
}

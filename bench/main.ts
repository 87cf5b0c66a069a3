// deno task bench: measures the host beside what the machine can do, and prints the medians.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { accept, attachments } from "./accept.ts";
import { api } from "./api.ts";
import { queue, send, wire } from "./delivery.ts";
import { describeMachine, machine } from "./machine.ts";
import { memory, start } from "./memory.ts";
import { page } from "./page.ts";
import { ratios } from "./ratios.ts";
import { mergeRuns, type Result, type Table, text } from "./result.ts";
import { FULL, QUICK, type Scale } from "./scale.ts";
import { Bench } from "./setup.ts";

type Group = (bench: Bench, scale: Scale) => Promise<Table | readonly Table[]>;

const GROUPS: Readonly<Record<string, Group>> = {
  machine,
  accept,
  attachments,
  queue,
  send,
  wire,
  memory,
  start,
  api,
  page,
};

const HELP = `deno task bench [--only GROUP,…] [--runs N] [--json FILE] [--dir FOLDER] [--quick]

Measures the host on this machine and prints the medians of several runs. The group "page" needs Chromium.

  --only GROUP,…  of ${Object.keys(GROUPS).join(", ")}; all unless told
  --runs N        how often everything is measured; 3 unless told
  --json FILE     also write the result there, for bench/report.ts
  --dir FOLDER    where the data goes, and so which disk is measured; the system's folder for
                  temporary files unless told
  --quick         one short run: the bench works, its numbers mean nothing`;

interface Options {
  readonly groups: readonly string[];
  readonly runs: number;
  readonly json: string | null;
  readonly dir: string | undefined;
  readonly quick: boolean;
}

/** The bench was called wrongly. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a signal has to clean up. */
let current: Promise<Bench> | null = null;

async function run({ groups, runs, json, dir, quick }: Options): Promise<void> {
  const scale = quick ? QUICK : FULL;
  const measured: Table[][] = [];
  for (let i = 1; i <= runs; i++) {
    const tables: Table[] = [];
    for (const name of groups) {
      const group = GROUPS[name];
      if (group === undefined) continue;
      console.error(`Run ${i} of ${runs}: ${name}`);
      current = Bench.make(dir);
      await using bench = await current;
      tables.push(...[await group(bench, scale)].flat());
    }
    const compared = ratios(tables);
    measured.push(compared === null ? tables : [...tables, compared]);
  }
  const [first = []] = measured;
  const tables = first.map(({ group }) =>
    mergeRuns(measured.flatMap((tables) => tables.filter((table) => table.group === group)))
  );
  const result: Result = {
    date: new Date().toISOString().slice(0, 10),
    quick,
    runs,
    machine: describeMachine(dir),
    tables,
  };
  console.log(tables.map((table) => text(table)).join("\n\n"));
  if (json !== null) writeFileSync(json, JSON.stringify(result, null, 2) + "\n");
}

function readOptions(args: string[]): Options | null {
  const values = parse(args);
  if (values.help === true) return null;
  const quick = values.quick === true;
  const groups = values.only?.split(",") ?? Object.keys(GROUPS);
  for (const group of groups) {
    if (GROUPS[group] === undefined) {
      throw new UsageError(
        `--only: "${group}" is no group; take some of ${Object.keys(GROUPS).join(", ")}`,
      );
    }
  }
  const runs = Number(values.runs ?? (quick ? 1 : 3));
  if (!Number.isInteger(runs) || runs < 1 || runs > 100) {
    throw new UsageError(`--runs: "${values.runs}" is no number from 1 to 100`);
  }
  return { groups, runs, json: values.json ?? null, dir: values.dir, quick };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: "string" },
        runs: { type: "string" },
        json: { type: "string" },
        dir: { type: "string" },
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
        "The bench reads /proc and listens on 127.0.77.x: it runs on Linux only",
      );
    }
    const options = readOptions(Deno.args);
    if (options === null) console.log(HELP);
    else await run(options);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = error instanceof UsageError ? 2 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
  }
}

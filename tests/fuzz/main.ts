// deno task fuzz: conversations gone wrong against a running host, or requests to its interface, from seeds, for as long
// as asked.

import { parseArgs } from "node:util";
import { V8_FLAGS } from "../../scripts/compile/flags.ts";
import { parseDuration } from "../../src/config/quantities.ts";
import { Corpus, OWN_CORPUS } from "./corpus.ts";
import { fuzzInterface } from "./api.ts";
import { fuzz, type Tally } from "./fuzzer.ts";

const HELP = `deno task fuzz [--interface] [--for DURATION] [--seed N] [--corpus FOLDER]

Plays mutated conversations against a host of its own, and mutated headers against the decoder. Ends at the first
finding, with status 1, and says how to see it again.

  --interface      odd requests to the interface for clients, instead of conversations between hosts
  --for DURATION   as in 30s, 10m or 2h; 1m unless told. Ctrl-C ends it sooner
  --seed N         where to begin, a whole number; random unless told
  --corpus FOLDER  what is played first, besides the corpus that is checked in; what brings something new is added there`;

interface Options {
  /** Milliseconds. */
  readonly ms: number;
  readonly seed: number;
  readonly folder: string | null;
  readonly ofInterface: boolean;
}

/** The task was called wrongly. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What is printed now and then, in milliseconds. */
const PROGRESS_MS = 10_000;

async function run({ ms, seed, folder }: Options, signal: AbortSignal): Promise<void> {
  const own = await Corpus.read(OWN_CORPUS);
  const grown = folder === null ? null : await Corpus.read(folder);
  const corpus = [...own.recipes, ...grown?.recipes ?? []];
  console.log(`Seed ${seed}; ${corpus.length} recipes of the corpus come first`);
  const started = Date.now();
  let printed = started;
  let found = 0;
  const tally = await fuzz({
    seed,
    corpus,
    signal,
    goOn: () => Date.now() - started < ms,
    step: (recipe, { signature }) => {
      if (grown?.add(signature, recipe) === true) found++;
    },
    round: (tally) => {
      if (Date.now() - printed < PROGRESS_MS) return;
      printed = Date.now();
      console.log(summary(tally, Date.now() - started));
    },
  }).finally(() => found > 0 ? grown?.write() : undefined);
  console.log(outcomes(tally));
  console.log(`No finding from seed ${seed}. ${summary(tally, Date.now() - started)}`);
  if (grown !== null) console.log(`${found} recipes were added to ${folder}`);
}

async function runInterface({ ms, seed }: Options, signal: AbortSignal): Promise<void> {
  console.log(`Seed ${seed}`);
  const started = Date.now();
  let printed = started;
  const soFar = ({ steps, memory }: { steps: number; memory: readonly number[] }): string =>
    `${Math.round((Date.now() - started) / 1000)} s: ${steps} steps; the host holds ${
      Math.round((memory.at(-1) ?? 0) / 1024 / 1024)
    } MiB`;
  const tally = await fuzzInterface({
    seed,
    signal,
    goOn: ({ steps }) => steps === 0 || Date.now() - started < ms,
    round: (tally) => {
      if (Date.now() - printed < PROGRESS_MS) return;
      printed = Date.now();
      console.log(soFar(tally));
    },
  }).catch((error: unknown) => {
    // What falls down after a Ctrl-C tells nothing: the host has got it as well.
    if (signal.aborted) return null;
    throw error;
  });
  if (tally === null) return;
  console.log(outcomes(tally));
  console.log(`No finding from seed ${seed}. ${soFar(tally)}`);
}

function summary({ steps, exchanges, inputs, outcomes, memory }: Tally, ms: number): string {
  const mib = Math.round((memory.at(-1) ?? 0) / 1024 / 1024);
  return `${
    Math.round(ms / 1000)
  } s: ${steps} steps, ${exchanges} exchanges, ${outcomes.size} kinds of outcomes, ` +
    `${inputs} headers decoded; the host holds ${mib} MiB`;
}

function outcomes({ outcomes }: Pick<Tally, "outcomes">): string {
  const rows = [...outcomes].sort(([a], [b]) => a < b ? -1 : 1);
  return rows.map(([signature, count]) => `${String(count).padStart(7)}  ${signature}`).join("\n");
}

function readOptions(args: string[]): Options | null {
  const values = parse(args);
  if (values.help === true) return null;
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 31) {
    throw new UsageError(`--seed: "${values.seed}" is no whole number from 0 to ${2 ** 31 - 1}`);
  }
  const ofInterface = values.interface === true;
  if (ofInterface && values.corpus !== undefined) {
    throw new UsageError("--corpus: there is none of requests to the interface");
  }
  return { ms: duration(values.for ?? "1m"), seed, folder: values.corpus ?? null, ofInterface };
}

function duration(text: string): number {
  try {
    return parseDuration(text) * 1000;
  } catch (error) {
    throw new UsageError(`--for: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        for: { type: "string" },
        seed: { type: "string" },
        corpus: { type: "string" },
        interface: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

if (import.meta.main) {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  // The host inherits it: what it holds is then what it uses, not what waits to be collected.
  Deno.env.set("DENO_V8_FLAGS", V8_FLAGS);
  try {
    const options = readOptions(Deno.args);
    if (options === null) console.log(HELP);
    else if (options.ofInterface) await runInterface(options, stopping.signal);
    else await run(options, stopping.signal);
    // Steps that were under way may still wait for something.
    if (stopping.signal.aborted) Deno.exit(0);
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = error instanceof UsageError ? 2 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
  }
}

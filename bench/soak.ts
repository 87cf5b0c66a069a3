// deno task soak: hosts under mixed traffic for a while. Nothing may grow but what was stored.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseDuration } from "../src/config/quantities.ts";
import { openForReading } from "../src/store/opening.ts";
import { generator } from "../tests/fuzz/random.ts";
import { waitFor } from "../tests/support/wait.ts";
import { V8_FLAGS } from "../scripts/compile/flags.ts";
import type { SoakHost } from "./soak_host.ts";
import { growth, percentOf } from "./soak_growth.ts";
import { Traffic } from "./soak_traffic.ts";

const HELP = `deno task soak [--for DURATION] [--seed N] [--json FILE]

Mixed traffic between three hosts, peers and strangers. Prints what the hosts hold every 10 seconds, and exits with 1
when in the end something grew that should not: memory, descriptors, sockets, timers, rows of the store.

  --for DURATION  as in 30s, 10m or 1h; 10m unless told
  --seed N        the same things in the same order, but for the races between them; any unless told
  --json FILE     also write the figures there`;

/** Things that happen a second, and how many of them at once: the machine is not to be busy with them. */
const EVERY_MS = 100;
const AT_ONCE = 24;

const MIB = 1024 * 1024;

/** What a fit over half the time may show without being a leak: the collector's whims. */
const MEMORY_GROWTH = { share: 0.1, mib: 10 };

/** Files of the database that are opened by the way. */
const SPARE_FILES = 8;

/** Behind gathered log lines, and looking whether the host still hears. */
const SPARE_TIMERS = 4;

interface Sample {
  /** Since the start. */
  readonly seconds: number;
  readonly memory: number;
  readonly files: number;
  readonly connections: number;
  readonly sockets: number;
  readonly timers: number;
  readonly staging: number;
  readonly outgoing: number;
  readonly waiting: number;
  readonly messages: number;
  readonly store: number;
  readonly faults: number;
}

/** A signal asks for the end before its time. */
let stopped = false;

async function run({ seconds, seed, json }: Options): Promise<boolean> {
  Deno.env.set("DENO_V8_FLAGS", V8_FLAGS);
  const below = generator(seed);
  console.log(`Seed ${seed}, ${seconds} seconds`);
  await using traffic = await Traffic.make(3, below);
  const { hosts } = traffic;
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 1000;
  const samples = hosts.map((): Sample[] => []);
  const look = async (): Promise<void> => {
    for (const [i, host] of hosts.entries()) {
      const sample = await sampleOf(host, elapsed());
      samples[i]?.push(sample);
      console.log(line(host, sample));
    }
  };
  const every = Math.min(10, seconds / 12);
  await look();
  const underWay = new Set<Promise<void>>();
  let looked = 0;
  while (elapsed() < seconds && !stopped) {
    if (underWay.size < AT_ONCE) {
      const step: Promise<void> = traffic.step().finally(() => underWay.delete(step));
      underWay.add(step);
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (elapsed() / every >= looked + 1) {
      looked++;
      await look();
    }
  }
  await Promise.all(underWay);
  await traffic.calmDown();
  const findings = [...traffic.problems];
  for (const [i, host] of hosts.entries()) {
    findings.push(...(await examine(host, samples[i] ?? [])).map((finding) => {
      return `${host.process.domain}: ${finding}`;
    }));
  }
  const done = Object.fromEntries([...traffic.done].sort());
  console.log(Object.entries(done).map(([name, count]) => `${count} × ${name}`).join(", "));
  for (const finding of findings) console.log(`NOT WELL: ${finding}`);
  if (findings.length === 0) console.log("Nothing grew but what was stored");
  if (json !== null) {
    const figures = { date: new Date().toISOString(), seed, seconds, done, findings, samples };
    writeFileSync(json, JSON.stringify(figures, null, 2) + "\n");
  }
  return findings.length === 0;
}

async function sampleOf(host: SoakHost, seconds: number): Promise<Sample> {
  const { counts, queue, messages, disk } = await host.status();
  return {
    seconds,
    memory: await host.process.memory(),
    files: await host.process.openFiles(),
    connections: counts.connections,
    sockets: counts.sockets,
    timers: counts.timers,
    staging: counts.staging,
    outgoing: counts.outgoing,
    waiting: queue.waiting,
    messages,
    store: disk.store,
    faults: counts.faults,
  };
}

function line({ process }: SoakHost, sample: Sample): string {
  const { seconds, memory, store, ...counts } = sample;
  const others = Object.entries(counts).filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`).join(", ");
  return `${seconds.toFixed(0).padStart(5)} s  ${process.domain}: ${inMib(memory)} MiB, store ${
    inMib(store)
  } MiB, ${others}`;
}

function inMib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

/** Waits until nothing goes on, and tells what is there that was not there at the start. */
async function examine(host: SoakHost, samples: readonly Sample[]): Promise<string[]> {
  const [first] = samples;
  if (first === undefined) return [];
  const findings: string[] = [];
  let last = first;
  const left = (): string[] => [
    ...more("descriptors", last.files, first.files + SPARE_FILES),
    ...more("sockets", last.sockets, first.sockets),
    ...more("timers", last.timers, first.timers + SPARE_TIMERS),
    ...more("staged contents", last.staging, 0),
    ...more("outgoing records", last.outgoing, 0),
    ...more("deliveries", last.waiting, 0),
    ...more("faults", last.faults, 0),
  ];
  await waitFor(async () => {
    last = await sampleOf(host, NaN);
    return left().length === 0;
  }, { ms: 30_000 }).catch(() => findings.push(...left()));
  console.log(line(host, { ...last, seconds: samples.at(-1)?.seconds ?? 0 }));
  const rows = rowsOf(host);
  const expected = host.expected();
  if (rows.message !== expected) {
    findings.push(`${rows.message} messages are stored, ${expected} should be`);
  }
  const verified = await host.process.cli(["host", "verify"]);
  if (verified.code !== 0) findings.push(`verify: ${verified.stdout} ${verified.stderr}`);
  const half = samples.filter(({ seconds }) => seconds >= (samples.at(-1)?.seconds ?? 0) / 2);
  const fit = growth(half.map(({ seconds, memory }) => [seconds, memory / MIB]));
  console.log(
    `${host.process.domain}: rows ${JSON.stringify(rows)}; memory in the second half ${
      fit.mean.toFixed(0)
    } MiB, ${fit.grown.toFixed(1)} MiB (${percentOf(fit)} %) more at its end by a linear fit`,
  );
  if (fit.grown > Math.max(MEMORY_GROWTH.mib, fit.mean * MEMORY_GROWTH.share)) {
    findings.push(`the memory grew by ${fit.grown.toFixed(1)} MiB in the second half`);
  }
  return findings;
}

function more(what: string, now: number, most: number): string[] {
  return now > most ? [`${now} ${what} are left, ${most} at most should be`] : [];
}

function rowsOf(host: SoakHost): Readonly<Record<string, number>> {
  using db = openForReading(host.process.dataDir);
  const tables = ["message", "content", "chunk", "recipient", "outbound", "usage"];
  return Object.fromEntries(
    tables.map((name) => [name, db.get(`SELECT count(*) AS n FROM ${name}`)?.integer("n") ?? 0]),
  );
}

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly json: string | null;
}

/** The soak was called wrongly. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

function readOptions(args: string[]): Options | null {
  try {
    const { values } = parseArgs({
      args,
      options: {
        for: { type: "string" },
        seed: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) return null;
    const seed = Number(values.seed ?? Date.now() % 1_000_000);
    if (!Number.isInteger(seed)) {
      throw new RangeError(`--seed: "${values.seed}" is no whole number`);
    }
    return { seconds: parseDuration(values.for ?? "10m"), seed, json: values.json ?? null };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

if (import.meta.main) {
  const stop = (): void => void (stopped = true);
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    const options = readOptions(Deno.args);
    if (options === null) console.log(HELP);
    else if (!await run(options)) Deno.exitCode = 1;
  } catch (error) {
    // Ctrl-C in a terminal reaches the hosts too, and what they did not finish is no finding.
    const why = stopped ? "ended by a signal" : error instanceof Error ? error.message : error;
    console.error(`soak: ${why}`);
    Deno.exitCode = stopped ? 130 : error instanceof UsageError ? 2 : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
  }
}

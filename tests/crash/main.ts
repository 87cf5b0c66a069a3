// Kills hosts for as long as is asked, and says how often, in the midst of what, and what was checked:
// deno run -A tests/crash/main.ts --rounds 100 --seed 7 [FILE]…

import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string" }, seed: { type: "string" } },
  allowPositionals: true,
});
const rounds = Number(values.rounds ?? 50);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(rounds > 0) || !Number.isInteger(seed)) {
  console.error("--rounds has to be a number above 0, and --seed a whole number");
  Deno.exit(2);
}

const folder = import.meta.dirname ?? ".";
const file = await Deno.makeTempFile({ prefix: "fmsg-test-" });
const started = Date.now();
console.log(
  `Crashes with ${rounds} rounds a test; to repeat them: --rounds ${rounds} --seed ${seed}`,
);
const child = new Deno.Command(Deno.execPath(), {
  args: [
    "test",
    "-A",
    "--sanitize-ops",
    "--sanitize-resources",
    ...positionals.length > 0 ? positionals : [folder],
  ],
  env: {
    FMSG_CRASH_ROUNDS: String(rounds),
    FMSG_CRASH_SEED: String(seed),
    FMSG_CRASH_COUNTS: file,
  },
}).spawn();
const { code } = await child.status;

const totals = new Map<string, number>();
for (const line of (await Deno.readTextFile(file)).split("\n").slice(0, -1)) {
  const counts: Record<string, number> = JSON.parse(line);
  for (const [what, more] of Object.entries(counts)) {
    totals.set(what, (totals.get(what) ?? 0) + more);
  }
}
await Deno.remove(file);
const minutes = ((Date.now() - started) / 60_000).toFixed(1);
console.log(`Seed ${seed}, ${rounds} rounds a test, ${minutes} minutes:`);
for (const what of [...totals.keys()].toSorted()) console.log(`  ${what}: ${totals.get(what)}`);
console.log(code === 0 ? "Nothing was lost, nothing was stored twice." : "Something went wrong.");
Deno.exit(code);

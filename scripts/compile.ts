// deno task compile: makes the executable, dist/fmsg.

import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../deno.json" with { type: "json" };
import { bundle } from "./compile/bundle.ts";
import { BuildError } from "./compile/command.ts";
import { compile } from "./compile/compiled.ts";
import { measureStart } from "./compile/measure.ts";
import { runtimeFor } from "./compile/runtime.ts";
import { makeSelfExtracting, sha256 } from "./compile/self_extracting.ts";

const ROOT = resolve(import.meta.dirname ?? ".", "..");

const USAGE = `deno task compile [--target TARGET] [--output FILE] [--self-extracting]

  --target TARGET    the platform, as in aarch64-unknown-linux-gnu; default: this one
  --output FILE      default: dist/fmsg, or dist/fmsg-TARGET for another platform
  --self-extracting  the form with a whole runtime, also where "deno compile" works`;

interface Options {
  readonly target: string;
  readonly output: string;
  readonly selfExtracting: boolean;
}

async function build({ target, output, selfExtracting }: Options): Promise<void> {
  const work = Deno.makeTempDirSync({ prefix: "fmsg-compile-" });
  // Moved into place when it is whole: the file that is there may be running.
  const unfinished = `${output}.new`;
  try {
    Deno.mkdirSync(dirname(output), { recursive: true });
    Deno.removeSync(unfinished, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    const folder = join(work, "program");
    Deno.mkdirSync(folder);
    const version = `${manifest.version} (${await bundle(ROOT, folder)})`;
    const missing = selfExtracting ? "not asked for" : await compile(folder, target, unfinished);
    if (missing !== null) {
      if (!selfExtracting) {
        console.error(
          `The base binary of deno compile cannot be downloaded (${missing}): making a self-extracting file`,
        );
      }
      const runtime = await runtimeFor(target, join(work, "runtime"));
      await makeSelfExtracting({ folder, runtime, version, target, output: unfinished });
    }
    Deno.renameSync(unfinished, output);
    await report(output, target, version);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

async function report(output: string, target: string, version: string): Promise<void> {
  const bytes = await Deno.readFile(output);
  const hash = await sha256(bytes);
  console.log(`${output}  ${version}, ${target}`);
  console.log(`size      ${(bytes.length / 1e6).toFixed(1)} MB`);
  console.log(`SHA-256   ${hash}`);
  if (target === Deno.build.target) {
    const { first, median } = await measureStart(output, version);
    console.log(`start-up  ${seconds(median)} (median), ${seconds(first)} the first time`);
  } else {
    console.log(`start-up  not measured: this is ${Deno.build.target}`);
  }
  if (dirname(output) === join(ROOT, "dist")) writeSum(output, hash);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** dist/SHA256SUMS has a line for each executable, as sha256sum reads it. */
function writeSum(output: string, hash: string): void {
  const file = join(dirname(output), "SHA256SUMS");
  const name = basename(output);
  let lines: string[] = [];
  try {
    lines = Deno.readTextFileSync(file).split("\n");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const others = lines.filter((line) => line !== "" && line.slice(66) !== name);
  Deno.writeTextFileSync(file, [...others, `${hash}  ${name}`].sort().join("\n") + "\n");
}

function parseOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", default: Deno.build.target },
      output: { type: "string" },
      "self-extracting": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { target } = values;
  const name = target === Deno.build.target ? "fmsg" : `fmsg-${target}`;
  return {
    target,
    output: values.output === undefined ? join(ROOT, "dist", name) : resolve(values.output),
    selfExtracting: values["self-extracting"],
  };
}

if (import.meta.main) {
  try {
    const options = parseOptions(Deno.args);
    if (options === null) console.log(USAGE);
    else await build(options);
  } catch (error) {
    // What parseArgs throws is a TypeError, in words.
    if (!(error instanceof BuildError || error instanceof TypeError)) throw error;
    console.error(`compile: ${error.message}`);
    Deno.exitCode = error instanceof BuildError ? 1 : 2;
  }
}

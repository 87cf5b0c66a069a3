// The program as a few JavaScript files in one folder: what every form of the executable carries.

import { basename, dirname, join } from "node:path";
import { BundleError, bundlePage } from "../../src/api/web/bundle.ts";
import { EMBEDDED, pack } from "../../src/api/web/page_file.ts";
import { attempt, BuildError, run } from "./command.ts";

/** The file that is started. */
export const MAIN = "main.js";

/** Bundles the checkout `root` into the empty folder `into`; the version and commit that were written into it. */
export async function bundle(root: string, into: string): Promise<string> {
  await deno(root, "main.ts", "--code-splitting", "--outdir", into);
  const workers = workersOf(root);
  for (const worker of workers) {
    await deno(root, worker, "--output", join(into, bundledName(worker)));
  }
  const commit = await commitOf(root);
  let stamped = 0;
  for (const { name } of Deno.readDirSync(into)) {
    const file = join(into, name);
    const text = nameWorkers(Deno.readTextFileSync(file), workers, name);
    stamped += text.split(COMMIT).length - 1;
    Deno.writeTextFileSync(file, text.replaceAll(COMMIT, commit));
  }
  if (stamped === 0) throw new BuildError(`src/version.ts no longer has ${COMMIT} to replace`);
  // Read by src/api/web/load.ts, relative to the modules.
  Deno.writeTextFileSync(join(into, EMBEDDED), await page());
  return commit;
}

/** The page in the browser. It is made of the checkout that this script belongs to. */
async function page(): Promise<string> {
  try {
    return pack(await bundlePage());
  } catch (error) {
    if (error instanceof BundleError) {
      throw new BuildError(`The page: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** What src/version.ts has in place of the commit. */
const COMMIT = "@COMMIT@";

async function deno(root: string, entry: string, ...args: string[]): Promise<void> {
  await run(Deno.execPath(), ["bundle", "--quiet", "--platform=deno", ...args, entry], root);
}

/** The modules that the program starts as workers. A bundle does not take them along by itself. */
function workersOf(root: string): string[] {
  const found = sourcesBelow(join(root, "src")).flatMap((file) =>
    [...Deno.readTextFileSync(file).matchAll(WORKER)].map(([, path = ""]) =>
      join(dirname(file), path)
    )
  );
  const workers = [...new Set(found)].sort();
  if (new Set([MAIN, ...workers.map(bundledName)]).size <= workers.length) {
    throw new BuildError(`Two of main.ts, ${workers.join(", ")} have one name: rename one`);
  }
  return workers;
}

function sourcesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    if (isDirectory) return sourcesBelow(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

/** How the program starts a worker. */
const WORKER = /new Worker\(\s*new URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g;

function bundledName(worker: string): string {
  return `${basename(worker, ".ts")}.js`;
}

/** In the bundle all files are in one folder. A worker that would be looked for elsewhere stops the build. */
function nameWorkers(text: string, workers: readonly string[], file: string): string {
  const known = new Set(workers.map(bundledName));
  let named = 0;
  const result = text.replaceAll(WORKER, (_, path: string) => {
    const name = bundledName(path);
    if (known.has(name)) named++;
    return `new Worker(new URL("./${name}", import.meta.url)`;
  });
  if (named === text.split("new Worker(").length - 1) return result;
  throw new BuildError(
    `${file} starts a worker that would not be found: write new Worker(new URL("./FILE.ts", import.meta.url)…`,
  );
}

/** As `git describe` names it: with -dirty when the checkout has changes. */
async function commitOf(root: string): Promise<string> {
  const described = await attempt(
    "git",
    ["describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"],
    root,
  ).catch(() => null);
  return described?.success === true ? described.stdout.trim() : "unknown commit";
}

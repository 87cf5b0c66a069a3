// How long the executable takes to start.

import { BuildError } from "./command.ts";

export interface StartUp {
  /** Milliseconds of the first start, with an empty cache. */
  readonly first: number;
  /** The median of the starts after it, in milliseconds. */
  readonly median: number;
}

const STARTS = 5;

/** Runs `FILE --version` with a cache of its own. Throws a BuildError when that does not print the version. */
export async function measureStart(file: string, version: string): Promise<StartUp> {
  const cache = Deno.makeTempDirSync({ prefix: "fmsg-start-" });
  try {
    const first = await start(file, version, cache);
    const others: number[] = [];
    for (let i = 0; i < STARTS; i++) others.push(await start(file, version, cache));
    others.sort((a, b) => a - b);
    return { first, median: others[STARTS >> 1] ?? NaN };
  } finally {
    Deno.removeSync(cache, { recursive: true });
  }
}

async function start(file: string, version: string, cache: string): Promise<number> {
  const began = performance.now();
  const { stdout, stderr } = await new Deno.Command(file, {
    args: ["--version"],
    env: { CACHE_DIRECTORY: cache },
    stdin: "null",
  }).output();
  const ms = performance.now() - began;
  const [printed, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (printed !== version) {
    throw new BuildError(`${file} --version prints "${printed}" in place of "${version}": ${said}`);
  }
  return ms;
}

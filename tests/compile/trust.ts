// The cache of the self-extracting form: nobody else may put a program there that its user would start.

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  emptyFolder,
  filesBelow,
  filledCache,
  fmsg,
  IS_ROOT,
  SELF_EXTRACTING,
  STRANGER,
} from "./support.ts";

const REFUSED =
  "fmsg: found no folder to unpack into: name one in XDG_CACHE_HOME that is yours, and only yours to write to\n";

/** Lays everything that is needed to be started into a cache; the folder of the program in it. */
async function plant(cache: string): Promise<string> {
  const { entry } = filledCache(cache);
  const main = join(entry, "main.js");
  const { size } = Deno.statSync(main);
  Deno.writeTextFileSync(main, 'console.log("planted");'.padEnd(size));
  const { stdout } = await start(cache);
  assert.equal(stdout, "planted\n", "it would be started if it were trusted");
  return entry;
}

function start(CACHE_DIRECTORY: string): ReturnType<typeof fmsg> {
  // Nothing else can be used: the folder for temporary files is not there, and cannot be made.
  const env = { CACHE_DIRECTORY, TMPDIR: "/dev/null" };
  return fmsg(["--version"], { program: SELF_EXTRACTING, env });
}

Deno.test("a cache that others may write to is not used, wherever on its path that is", async () => {
  const above = emptyFolder();
  const cache = join(above, "cache");
  await plant(cache);
  const cases = [[above, 0o002], [cache, 0o020], [join(cache, "program"), 0o002]] as const;
  for (const [folder, more] of cases) {
    const mode = (Deno.statSync(folder).mode ?? 0) & 0o777;
    Deno.chmodSync(folder, mode | more);
    const { code, stdout, stderr } = await start(cache);
    assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: "", stderr: REFUSED }, folder);
    Deno.chmodSync(folder, mode);
  }
});

Deno.test("a program in the cache that others may write to is replaced before it is started", async () => {
  for (const name of ["", "main.js"]) {
    const cache = emptyFolder();
    const entry = await plant(cache);
    Deno.chmodSync(join(entry, name), 0o722);
    assert.doesNotMatch((await start(cache)).stdout, /planted/);
  }
});

Deno.test("a symbolic link in place of a file of the program is not followed", async () => {
  const cache = emptyFolder();
  const entry = await plant(cache);
  const elsewhere = join(emptyFolder(), "main.js");
  Deno.renameSync(join(entry, "main.js"), elsewhere);
  Deno.symlinkSync(elsewhere, join(entry, "main.js"));
  assert.doesNotMatch((await start(cache)).stdout, /planted/);
});

// Only root can make a folder somebody else's; whoever is not has no other's home in the environment by mistake either.
if (IS_ROOT) {
  Deno.test("a cache of somebody else is not used, nor is a home of somebody else that root has in its environment", async () => {
    const cache = emptyFolder();
    await plant(cache);
    Deno.chownSync(join(cache, "program"), STRANGER, STRANGER);
    assert.equal((await start(cache)).stderr, REFUSED);

    const HOME = emptyFolder();
    Deno.chownSync(HOME, STRANGER, STRANGER);
    const { stderr } = await fmsg(["--version"], {
      program: SELF_EXTRACTING,
      env: { HOME, TMPDIR: "/dev/null" },
    });
    assert.equal(stderr, REFUSED);
    assert.deepEqual(filesBelow(HOME), []);
  });
}

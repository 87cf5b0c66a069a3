// The executable that "deno compile" makes: a small runtime with the bundle behind it.

import { join } from "node:path";
import { MAIN } from "./bundle.ts";
import { attempt, BuildError, complaint } from "./command.ts";
import { PERMISSIONS, V8_FLAGS } from "./flags.ts";

/** Null when it was made, or why the base binary for the target cannot be had. Other failures are a BuildError. */
export async function compile(
  folder: string,
  target: string,
  output: string,
): Promise<string | null> {
  const modules = [...Deno.readDirSync(folder)].map(({ name }) => name);
  // Not --quiet: it would be remembered, and silence the program's warnings too.
  const { success, stderr } = await attempt(Deno.execPath(), [
    "compile",
    "--no-config",
    "--no-lock",
    // It would be kept in the folder for temporary files under a name that everybody can guess, and be believed.
    "--no-code-cache",
    ...PERMISSIONS,
    `--v8-flags=${V8_FLAGS}`,
    `--target=${target}`,
    "--app-name=fmsg",
    ...modules.filter((name) => name !== MAIN).map((name) => `--include=${join(folder, name)}`),
    `--output=${output}`,
    join(folder, MAIN),
  ], folder);
  if (success) return null;
  const [, causes] = /Setting up base binary\.?([^]*)/.exec(complaint(stderr)) ?? [];
  if (causes === undefined) throw new BuildError(`deno compile failed:\n${complaint(stderr)}`);
  return causes.trim().split(/\n\s*(?:\d+: )?/).at(-1) ?? "";
}

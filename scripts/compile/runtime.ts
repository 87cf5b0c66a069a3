// The runtime that a self-extracting executable carries.

import { join } from "node:path";
import { attempt, BuildError, complaint } from "./command.ts";

/** The executable of this Deno for a target: the one that runs here, or from the npm package for that platform. */
export async function runtimeFor(target: string, folder: string): Promise<string> {
  if (target === Deno.build.target) return Deno.execPath();
  const name = PACKAGES[target];
  if (name === undefined) {
    throw new BuildError(
      `There is no runtime for ${target} at hand, but for ${Object.keys(PACKAGES).join(", ")}`,
    );
  }
  const packageName = `${name}@${Deno.version.deno}`;
  Deno.mkdirSync(folder);
  const { success, stderr } = await attempt(
    Deno.execPath(),
    ["install", "--no-lock", "--node-modules-dir=auto", `npm:${packageName}`],
    folder,
  );
  if (!success) throw new BuildError(`${packageName} cannot be had:\n${complaint(stderr)}`);
  return join(folder, "node_modules", name, "deno");
}

const PACKAGES: Readonly<Record<string, string>> = {
  "x86_64-unknown-linux-gnu": "@deno/linux-x64-glibc",
  "aarch64-unknown-linux-gnu": "@deno/linux-arm64-glibc",
};

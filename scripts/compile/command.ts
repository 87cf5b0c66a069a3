// Commands that the build runs.

import { basename } from "node:path";

/** A step of the build that failed; the message is for a person. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

export interface Ran {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** No step of a build takes longer than this, downloads included. */
const STEP_MS = 10 * 60_000;

/** Runs a command in a folder; throws a BuildError when there is no such command. */
export async function attempt(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<Ran> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(STEP_MS),
  });
  try {
    const { success, stdout, stderr } = await child.output();
    return { success, stdout: text(stdout), stderr: text(stderr) };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new BuildError(`${command} is not installed, and the build needs it`, { cause });
  }
}

/** The same, for commands that have to succeed: what they print. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await attempt(command, args, cwd);
  if (success) return stdout;
  throw new BuildError(`${basename(command)} ${args[0] ?? ""} failed:\n${complaint(stderr)}`);
}

/** What deno complains of, without the trace that it adds for its own developers. */
export function complaint(stderr: string): string {
  return stderr.replace(/\s*Stack backtrace:[^]*$/, "").trim();
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

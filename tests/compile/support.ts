// The executable under test, built once, and ways to run it as a person or a service manager would.

import { basename, join } from "node:path";
import { waitFor, within } from "../support/wait.ts";

const BUILD = new URL("../../scripts/compile.ts", import.meta.url).pathname;

/** Everything of these tests; others may look into it, as into /tmp. */
const FOLDER = Deno.makeTempDirSync({ prefix: "fmsg-compile-test-" });
Deno.chmodSync(FOLDER, 0o755);

/** The form that the build prefers, and the one that carries a runtime: the same file where only that can be made. */
export const EXECUTABLE = join(FOLDER, "build", "fmsg");
export const SELF_EXTRACTING = join(FOLDER, "build", "fmsg-self-extracting");

/** What the build printed. */
export const built: { stdout: string; stderr: string } = { stdout: "", stderr: "" };

/** The first two starts, at once with an empty CACHE. */
export const firstStarts: Ran[] = [];

export async function build(): Promise<void> {
  Object.assign(built, await buildTo(EXECUTABLE));
  if (isScript(EXECUTABLE)) Deno.linkSync(EXECUTABLE, SELF_EXTRACTING);
  else await buildTo(SELF_EXTRACTING, "--self-extracting");
  const start = () => fmsg(["--version"], { program: SELF_EXTRACTING });
  firstStarts.push(...await Promise.all([start(), start()]));
}

async function buildTo(output: string, ...flags: string[]): Promise<typeof built> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", BUILD, "--output", output, ...flags],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`It cannot be built: ${text(stderr)}`);
  return { stdout: text(stdout), stderr: text(stderr) };
}

export function isScript(file: string): boolean {
  using opened = Deno.openSync(file);
  const start = new Uint8Array(2);
  opened.readSync(start);
  return text(start) === "#!";
}

export function cleanUp(): void {
  for (const folder of locked) Deno.chmodSync(folder, 0o755);
  Deno.removeSync(FOLDER, { recursive: true });
}

const locked: string[] = [];

/** A folder that nothing can be added to, until the tests are over. */
export function lock(folder: string): void {
  locked.push(folder);
  Deno.chmodSync(folder, 0o555);
}

let folders = 0;

/** An empty folder. */
export function emptyFolder(): string {
  const folder = join(FOLDER, `folder${++folders}`);
  Deno.mkdirSync(folder);
  return folder;
}

/** A cache for the tests that need none of their own. The build fills it: each unpacking takes seconds. */
export const CACHE = emptyFolder();

/** A cache that holds the program already, and the folder of the program in it. */
export function filledCache(
  cache: string = emptyFolder(),
): { readonly cache: string; readonly entry: string } {
  const from = entryOf(CACHE);
  const entry = join(cache, "program", basename(from));
  Deno.mkdirSync(entry, { recursive: true });
  for (const { name, isFile } of Deno.readDirSync(from)) {
    if (!isFile) continue;
    // Tests change the modules; the runtime, which is nearly all of it, they leave alone.
    const put = name.endsWith(".js") ? Deno.copyFileSync : Deno.linkSync;
    put(join(from, name), join(entry, name));
  }
  return { cache, entry };
}

/** The one folder of the program in a cache. */
export function entryOf(cache: string): string {
  const [first, ...others] = [...Deno.readDirSync(join(cache, "program"))];
  if (first === undefined || others.length > 0) {
    throw new Error(`${cache} does not hold one program`);
  }
  return join(cache, "program", first.name);
}

export interface Choices {
  readonly program?: string;
  /** Beside PATH=/bin, which is all there is. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
  /** As somebody who has built nothing here and may not write anywhere, where these tests are run by root. */
  readonly asStranger?: boolean;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const RUN_MS = 60_000;

/** Whoever runs these tests can become another user. */
export const IS_ROOT = Deno.uid() === 0;

/** The user "nobody" of most systems. */
export const STRANGER = 65534;

/** Runs the program with nothing in its environment but a cache. */
export async function fmsg(args: readonly string[], choices: Choices = {}): Promise<Ran> {
  const { program = EXECUTABLE, env = { CACHE_DIRECTORY: CACHE }, stdin, cwd, asStranger } =
    choices;
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { PATH: "/bin", ...env },
    cwd: cwd ?? FOLDER,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...asStranger && IS_ROOT ? { uid: STRANGER, gid: STRANGER } : {},
  }).spawn();
  const output = child.output();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await within(RUN_MS, `fmsg ${args.join(" ")}`, output);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A host that runs in the foreground of a process of its own. */
export class RunningHost implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #log = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#reading = this.#read();
  }

  /** Resolves once it listens. */
  static async start(configFile: string): Promise<RunningHost> {
    const host = new RunningHost(
      new Deno.Command(EXECUTABLE, {
        args: ["host", "run", "--config", configFile],
        clearEnv: true,
        env: { PATH: "/bin", CACHE_DIRECTORY: CACHE },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
        // A group of its own: if anything stands between, that is ended with it.
        detached: true,
      }).spawn(),
    );
    await waitFor(() => host.#log.includes("listening"), { what: "the host to listen" });
    return host;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Its exit status after a signal to the process that was started. */
  async stop(signal: Deno.Signal): Promise<number> {
    this.#child.kill(signal);
    const { code } = await within(RUN_MS, "the host to stop", this.#child.status);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.pid, "SIGKILL");
    } catch {
      // It has been stopped.
    }
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const part of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#log += part;
    }
  }
}

/** The paths of all files below a folder, relative to it. */
export function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(join(folder, name)).map((below) => join(name, below)) : [name]
  ).sort();
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

// A folder in which `fmsg host init` sets a host up, and what is in it afterwards.

import { join } from "node:path";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { runCommandLine } from "../../src/cli/main.ts";
import { capturing, type Ran } from "./support.ts";

export class InitPlace implements Disposable {
  readonly dir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "fmsg-init-" }));
  readonly config = join(this.dir, "etc", "fmsg.yaml");
  readonly data = join(this.dir, "data");

  /** Flags that keep everything inside the folder and on this machine. */
  get flags(): string[] {
    return [
      ...["--config", this.config, "--data-dir", this.data, "--listen", "127.0.0.1:0"],
      ...["--no-unit", "--certificate", "self-made"],
    ];
  }

  /** `fmsg host init --yes` with these flags; behind them `flags`, where they are not there yet. */
  async init(...words: readonly string[]): Promise<Ran> {
    const mine = words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0]);
    return await this.run("host", "init", "--yes", ...words, ...without(this.flags, mine));
  }

  async run(...words: readonly string[]): Promise<Ran> {
    const output = capturing();
    const status = await runCommandLine(words, output.to);
    return { status, ...output.taken() };
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  read(...parts: readonly string[]): string {
    return readFileSync(this.path(...parts), "utf8");
  }

  write(text: string, ...parts: readonly string[]): string {
    const path = this.path(...parts);
    Deno.mkdirSync(join(path, ".."), { recursive: true });
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** Everything in the folder: names, modes, owners, contents. Files of the store change by being opened: only their names. */
  snapshot(): string[] {
    const walk = (folder: string): string[] =>
      readdirSync(folder).toSorted().flatMap((name) => {
        const path = join(folder, name);
        const { mode, uid, gid } = lstatSync(path);
        const line = `${path.slice(this.dir.length)} ${mode.toString(8)} ${uid}:${gid}`;
        if (lstatSync(path).isDirectory()) return [line, ...walk(path)];
        return [folder === this.data ? line : `${line} ${readFileSync(path, "utf8")}`];
      });
    return walk(this.dir);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** The flags but those that are given already, with their values. */
function without(flags: readonly string[], given: readonly (string | undefined)[]): string[] {
  const left: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] ?? "";
    const takesValue = flags[i + 1]?.startsWith("--") === false;
    const isGiven = given.includes(flag) || flag === "--no-unit" && given.includes("--unit") ||
      flag === "--certificate" && given.some((one) => OF_CERTIFICATE.includes(one ?? ""));
    if (!isGiven) left.push(flag, ...takesValue ? [flags[i + 1] ?? ""] : []);
    if (takesValue) i++;
  }
  return left;
}

const OF_CERTIFICATE = ["--cert", "--email", "--acme-directory", "--agree-tos"];

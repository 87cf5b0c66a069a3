// What the machine and an earlier set-up answer already.

import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, parse, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findConfig } from "../../config.ts";
import { programPath } from "../../program.ts";
import { CommandError } from "../context.ts";
import { answersOf, type ExistingAnswers } from "./configuration.ts";
import type { Given } from "./flags.ts";
import { shellWord } from "./shell_word.ts";

export interface Found {
  readonly isRoot: boolean;
  /** Is systemd in charge of this machine? */
  readonly systemd: boolean;
  /** The domain that the machine's own name suggests; null: none. */
  readonly domain: string | null;
  /** Where fmsg.yaml goes unless told: where there is one, or else where this user can have one. Absolute. */
  readonly configFile: string;
  /** The executable that a unit starts; absolute. */
  readonly program: string;
  /** Is that the one that runs? Not in a checkout. */
  readonly isProgram: boolean;
  /** How a person starts it, as the first words of a command. */
  readonly typed: string;
}

/** A fmsg.yaml that is there already. */
export interface Existing {
  readonly text: string;
  readonly answers: ExistingAnswers;
}

export function lookAround(given: Given): Found {
  const isRoot = Deno.uid() === 0;
  const program = programPath();
  return {
    isRoot,
    systemd: existsSync("/run/systemd/system") || existsSync("/etc/systemd/system"),
    domain: domainOf(Deno.hostname()),
    configFile: given.configFile ?? usualConfigFile(isRoot),
    program: program ?? USUAL_PROGRAM,
    isProgram: program !== null,
    typed: program === null ? fromCheckout() : shellWord(typedAs(program)),
  };
}

/** Null also for a file without a word in it. Throws a ConfigError when there is one that cannot be used. */
export function readExisting(file: string): Existing | null {
  const text = textOf(file);
  return text === null || text.trim() === "" ? null : { text, answers: answersOf(text, file) };
}

/** What a file holds; null when there is none. Throws a CommandError that names it. */
export function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new CommandError(
      `Cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** The domain in whose name a machine called `hostName` is a host, such as example.com for mail.example.com. */
export function domainOf(hostName: string): string | null {
  const labels = hostName.toLowerCase().replace(/\.$/, "").split(".");
  const [, ...rest] = labels;
  const domain = labels.length > 2 ? rest : labels;
  if (domain.length < 2 || NO_DOMAINS.has(domain.at(-1) ?? "")) return null;
  return domain.every((label) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label)) &&
      !/^\d+$/.test(domain.at(-1) ?? "")
    ? domain.join(".")
    : null;
}

/** Names that end so are known inside a network only. */
const NO_DOMAINS: ReadonlySet<string> = new Set([
  "arpa",
  "home",
  "internal",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
]);

const ETC = "/etc/fmsg/fmsg.yaml";
const USUAL_PROGRAM = "/usr/local/bin/fmsg";

function usualConfigFile(isRoot: boolean): string {
  // What $FMSG_CONFIG names need not be there yet.
  const named = Deno.env.get("FMSG_CONFIG");
  if (named) return resolve(named);
  return resolve(
    findConfig(undefined, { get: () => undefined }, existsSync) ?? (isRoot ? ETC : "fmsg.yaml"),
  );
}

function fromCheckout(): string {
  const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));
  return `deno run -A ${dirname(main) === Deno.cwd() ? "main.ts" : shellWord(main)}`;
}

/** The name alone where a shell finds that very program under it. */
function typedAs(program: string): string {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  const first = folders.map((folder) => join(folder, "fmsg")).find((file) => existsSync(file));
  return first !== undefined && real(first) === real(program) ? "fmsg" : program;
}

function real(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

/** Does a command find this configuration by itself? */
export function isUsualConfig(file: string): boolean {
  return !existsSync(resolve("fmsg.yaml")) && file === ETC || file === resolve("fmsg.yaml");
}

/** Where data goes unless told: for each configuration of the machine its own folder, and beside any other one. */
export function usualDataDir({ isRoot }: Pick<Found, "isRoot">, configFile: string): string {
  const name = serviceName(configFile);
  return isRoot && name !== null ? join("/var/lib", name) : join(dirname(configFile), "data");
}

/** What the service of a configuration of the machine is called: fmsg, or fmsg-b for /etc/fmsg/b.yaml; null for any other. */
export function serviceName(configFile: string): string | null {
  if (configFile === ETC) return "fmsg";
  if (dirname(configFile) !== dirname(ETC)) return null;
  return `fmsg-${parse(configFile).name.replace(/[^A-Za-z0-9-]/g, "-")}`;
}

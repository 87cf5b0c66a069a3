// What a set-up consists of: directories, files with their whole text, a user. Nothing is written here.

import { existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, parseConfig } from "../../config.ts";
import { changedForRestart } from "../../host/settings.ts";
import { accessOf } from "./access.ts";
import type { Answers } from "./answers.ts";
import { writeConfiguration } from "./configuration.ts";
import { CommandError } from "../context.ts";
import { type Existing, textOf } from "./found.ts";
import type { Gathered } from "./questions.ts";
import { selfMade } from "./self_made.ts";
import { type UnitFacts, unitText } from "./unit.ts";

export interface PlannedFile {
  readonly path: string;
  readonly what: string;
  readonly text: string;
  /** What is there now; null: nothing. */
  readonly before: string | null;
  /** For a new file. */
  readonly mode: number;
  /** It belongs to whoever the data directory belongs to. */
  readonly ofData: boolean;
  /** It is shown to nobody. */
  readonly secret: boolean;
}

export interface PlannedDirectory {
  readonly path: string;
  readonly mode: number;
}

type UnitState =
  | "none"
  | "new"
  | "same"
  | "changed"
  /** Somebody has edited it: it stays as it is unless a person wants it replaced. */
  | "edited";

export interface Plan {
  readonly answers: Answers;
  /** The configuration as the host will read it. */
  readonly config: Config;
  /** Those that do not exist, outermost first. */
  readonly directories: readonly PlannedDirectory[];
  /** All of them, also those that are as they should be already. */
  readonly files: readonly PlannedFile[];
  readonly unit: UnitState;
  readonly unitFacts: UnitFacts;
  /** The keys of a changed configuration that a running host reads at its start only. */
  readonly needsRestart: readonly string[];
}

/** Is there anything to write? */
export function isChange(file: PlannedFile): boolean {
  return file.text !== file.before;
}

/** Throws a ConfigError when an existing configuration cannot be changed. */
export async function makePlan(gathered: Gathered, replaceUnit: boolean): Promise<Plan> {
  const { answers, existing } = gathered;
  requireFolder(answers.dataDir);
  const text = writeConfiguration(answers, existing?.text ?? null);
  const config = parseConfig(text, answers.configFile);
  const unitFacts = factsOf(answers, config);
  const unit = planUnit(answers, existing, unitFacts);
  const files: PlannedFile[] = [
    ...answers.certificate.kind === "self-made" ? await selfMade(answers) : [],
    {
      path: answers.configFile,
      what: "configuration",
      text,
      before: existing?.text ?? blankText(answers.configFile),
      mode: 0o644,
      ofData: false,
      secret: false,
    },
  ];
  if (unit.file !== null && (unit.state !== "edited" || replaceUnit)) files.push(unit.file);
  return {
    answers,
    config,
    directories: missing([
      { path: answers.dataDir, mode: 0o700 },
      ...files.map(({ path, ofData }) => ({ path: dirname(path), mode: ofData ? 0o700 : 0o755 })),
    ]),
    files,
    unit: unit.state,
    unitFacts,
    needsRestart: existing === null ? [] : changedForRestart(existing.answers.config, config),
  };
}

/** Throws a CommandError where there can be no such folder: it, or what it is in, is something else. */
export function requireFolder(folder: string): void {
  let at = folder;
  while (statIfThere(at) === undefined && at !== dirname(at)) at = dirname(at);
  if (statIfThere(at)?.isDirectory() === true) return;
  const what = at === folder ? "" : `, so that there can be no ${folder}`;
  throw new CommandError(`${at} is no folder${what}: name another folder for the data`);
}

function statIfThere(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Something on the way is no folder, or nothing that may be passed.
    return undefined;
  }
}

/** A file without a word in it counts as none, and is written over. */
function blankText(file: string): string | null {
  const text = textOf(file);
  return text?.trim() === "" ? text : null;
}

function factsOf({ certificate, dataDir }: Answers, config: Config): UnitFacts {
  return {
    access: certificate.kind === "files" ? accessOf([certificate.cert, certificate.key]) : [],
    dataDirFixed: cannotMove(dataDir),
    shutdownTimeout: config.shutdown_timeout,
  };
}

/** A mount point, or a link to elsewhere than where systemd itself puts such directories. */
function cannotMove(directory: string): boolean {
  const its = lstatSync(directory, { throwIfNoEntry: false });
  if (its === undefined) return false;
  if (its.isSymbolicLink()) return !realpathSync(directory).startsWith("/var/lib/private/");
  return its.dev !== statSync(dirname(directory)).dev;
}

/** A unit is ours to change as long as it is what we would have written for the configuration before. */
function planUnit(
  answers: Answers,
  existing: Existing | null,
  facts: UnitFacts,
): { readonly state: UnitState; readonly file: PlannedFile | null } {
  const { unitFile } = answers;
  if (unitFile === null) return { state: "none", file: null };
  const text = unitText(answers, facts);
  const before = textOf(unitFile);
  const file: PlannedFile = {
    path: unitFile,
    what: "systemd unit",
    text,
    before,
    mode: 0o644,
    ofData: false,
    secret: false,
  };
  if (before === null) return { state: "new", file };
  if (before === text) return { state: "same", file };
  return { state: before === textBefore(answers, existing) ? "changed" : "edited", file };
}

function textBefore(answers: Answers, existing: Existing | null): string | null {
  if (existing === null) return null;
  const { domain, dataDir, listen, certificate, api, config } = existing.answers;
  if (certificate === null) return null;
  const before = { ...answers, domain, dataDir, listen, certificate, api };
  return unitText(before, factsOf(before, config));
}

/** Each directory that has to be made, with those that it is in. */
function missing(wanted: readonly PlannedDirectory[]): PlannedDirectory[] {
  const found = new Map<string, PlannedDirectory>();
  for (const { path, mode } of wanted) {
    const chain: PlannedDirectory[] = [];
    for (let at = path; !existsSync(at) && !found.has(at); at = dirname(at)) {
      // Only the innermost may be for us alone.
      chain.unshift({ path: at, mode: at === path ? mode : 0o755 });
    }
    for (const directory of chain) found.set(directory.path, directory);
  }
  return [...found.values()];
}

// Doing what was planned, and undoing it when something goes wrong on the way.

import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { loadCertificate } from "../../certificate/load.ts";
import { loadConfig } from "../../config.ts";
import { connectToHost } from "../../host/mod.ts";
import { DirectoryLock, own, storeFile } from "../../store/mod.ts";
import { Address } from "../../wire/mod.ts";
import { CommandError } from "../context.ts";
import { withWriter } from "../open.ts";
import { textOf } from "./found.ts";
import { isChange, type Plan, type PlannedDirectory, type PlannedFile } from "./plan.ts";

export interface Done {
  readonly user: "added" | "there already" | null;
}

/** Told of each thing that is done. */
type Progress = (what: string) => void;

/**
 * Writes everything and adds the user, or leaves everything as it was: when a step fails, or `signal` says between two
 * steps that it is enough. Only a process that is killed can leave a part, and no file of it is half written.
 */
export async function carryOut(plan: Plan, signal: AbortSignal, tell: Progress): Promise<Done> {
  const undo: Undo = [];
  try {
    for (const directory of plan.directories) {
      signal.throwIfAborted();
      undo.push(makeDirectory(directory, plan));
    }
    for (const file of plan.files.filter(isChange)) {
      signal.throwIfAborted();
      writeFile(file, plan, undo);
      tell(`${file.before === null ? "Wrote" : "Changed"} ${file.path}`);
    }
    check(plan);
    signal.throwIfAborted();
    const user = await addUser(plan, undo);
    signal.throwIfAborted();
    return { user };
  } catch (error) {
    await takeBack(undo, tell);
    throw error;
  }
}

/** What takes back the steps so far, in their order. */
type Undo = (() => void | Promise<void>)[];

/** What cannot be taken back is told, and does not keep the rest from it. */
async function takeBack(undo: Undo, tell: Progress): Promise<void> {
  for (const step of undo.toReversed()) {
    try {
      await step();
    } catch (error) {
      tell(`This could not be taken back: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function makeDirectory({ path, mode }: PlannedDirectory, { answers }: Plan): () => void {
  attempt(`make the folder ${path}`, () => {
    Deno.mkdirSync(path, { mode });
    // What is inside the data directory belongs to whoever that belongs to.
    if (path.startsWith(`${answers.dataDir}/`)) own(path, answers.dataDir, mode);
  });
  return () => removeIfEmpty(path);
}

/** The file is replaced at once by a whole one, durably. Mode and owner of one that was there stay. */
function writeFile(file: PlannedFile, { answers }: Plan, undo: Undo): void {
  attempt(`write ${file.path}`, () => {
    const { before: text } = file;
    // A link stays one.
    const path = text === null ? file.path : realpathSync(file.path);
    // Somebody may have changed it since it was read, perhaps in an editor beside this question.
    if (textOf(path) !== text) throw new Error("it has changed meanwhile; start again");
    if (text === null) {
      undo.push(() => removeIfThere(path));
      replace(path, file.text, (partial) => {
        if (file.ofData) own(partial, answers.dataDir, file.mode);
        else Deno.chmodSync(partial, file.mode);
      });
    } else {
      const owner = statSync(path);
      undo.push(() => replace(path, text, (partial) => keepOwner(partial, owner)));
      replace(path, file.text, (partial) => keepOwner(partial, owner));
    }
  });
}

interface Owner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function keepOwner(file: string, { mode, uid, gid }: Owner): void {
  const { uid: mine, gid: ours } = statSync(file);
  if (uid !== mine || gid !== ours) Deno.chownSync(file, uid, gid);
  Deno.chmodSync(file, mode & 0o7777);
}

/** Nobody else can look into it before `settle` has said who may. */
function replace(path: string, text: string, settle: (partial: string) => void): void {
  const partial = join(dirname(path), `.fmsg-${crypto.randomUUID()}.partial`);
  try {
    using file = Deno.openSync(partial, { write: true, createNew: true, mode: 0o600 });
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
    settle(partial);
    file.syncSync();
    Deno.renameSync(partial, path);
  } catch (error) {
    removeIfThere(partial);
    throw error;
  }
  using folder = Deno.openSync(dirname(path));
  folder.syncSync();
}

/** What was written is read by those who will read it. */
function check({ answers, config }: Plan): void {
  const read = loadConfig(answers.configFile);
  if (JSON.stringify(read) !== JSON.stringify(config)) {
    throw new CommandError(`${answers.configFile} does not say what was written: start again`);
  }
  if (read.tls?.kind === "files") loadCertificate(read.tls, `fmsg.${read.domain}`);
}

async function addUser(
  { answers: { user }, config }: Plan,
  undo: Undo,
): Promise<Done["user"]> {
  const address = user === null ? null : Address.parse(user);
  const { data_dir } = config;
  const before = new Set(readdirSync(data_dir));
  if (!before.has(basename(storeFile(data_dir)))) undo.push(() => removeStore(data_dir, before));
  // Without a user the store is made all the same: what cannot be, shows now.
  if (address === null) {
    await withWriter(config, () => Promise.resolve());
    return null;
  }
  const added = await withWriter(
    config,
    (writer) =>
      writer.submit("addUser", { address: address.text, name: "", accepting: true, limits: {} }),
  );
  if (!added) return "there already";
  undo.push(() => withWriter(config, (writer) => removeUser(writer, address)));
  return "added";
}

type Writer = Parameters<Parameters<typeof withWriter>[1]>[0];

async function removeUser(writer: Writer, { key }: Address): Promise<void> {
  await writer.submit("removeUser", { key });
}

/** A store that was made here, unless a host has begun to use it. */
async function removeStore(dataDir: string, before: ReadonlySet<string>): Promise<void> {
  using host = await connectToHost(dataDir);
  using lock = host === null ? DirectoryLock.take(dataDir) : null;
  if (lock === null) return;
  for (const name of readdirSync(dataDir)) {
    if (!before.has(name)) Deno.removeSync(join(dataDir, name), { recursive: true });
  }
}

function removeIfEmpty(path: string): void {
  if (readdirSync(path).length === 0) Deno.removeSync(path);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function attempt<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new CommandError(
      `Cannot ${what}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

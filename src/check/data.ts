// The data directory: that it is there, who may look into it, and how much room its disk has.

import { accessSync, constants, readFileSync, type Stats, statSync } from "node:fs";
import type { Config } from "../config.ts";
import { freeSpace, hasRoom, storeFile } from "../store/mod.ts";
import { type Finding, findingsOn, wordsOf } from "./finding.ts";

const on = findingsOn("data");

/** What can be told of a directory without a look at what is in it. */
export interface Directory {
  readonly path: string;
  /** null: there is none. */
  readonly is: {
    readonly directory: boolean;
    readonly mode: number;
    readonly uid: number;
    /** The store in it; null where there is none, or it cannot be seen. */
    readonly store: { readonly uid: number; readonly mode: number } | null;
    /** May this process read and write there? */
    readonly usable: boolean;
  } | null;
}

export interface Space {
  readonly free: number;
  readonly floor: number;
  /** False: messages are refused. */
  readonly room: boolean;
}

/** Whether the rest of the directory can be looked at, too. */
export function examineData(
  { data_dir, limits }: Config,
): { findings: Finding[]; usable: boolean } {
  const directory = lookAtDirectory(data_dir);
  const findings = judgeDirectory(directory, ownerOf);
  const usable = directory.is?.directory === true && directory.is.usable;
  if (usable) {
    try {
      const floor = limits.min_free_disk;
      findings.push(
        judgeSpace(data_dir, { free: freeSpace(data_dir), floor, room: hasRoom(data_dir, floor) }),
      );
    } catch (error) {
      findings.push(on.warning(
        "disk",
        `The free space of ${data_dir} cannot be told: ${wordsOf(error)}`,
        "look at it with df",
      ));
    }
  }
  return { findings, usable };
}

/** A user: as people are told of them, and as chown takes them. */
export interface Owner {
  readonly shown: string;
  readonly typed: string;
}

export function judgeDirectory(
  { path, is }: Directory,
  ownerOf: (uid: number) => Owner,
): Finding[] {
  if (is === null) {
    return [on.warning(
      "data-dir",
      `The data directory ${path} is not there yet`,
      'it is made when the host starts, if its user may; otherwise let "fmsg host init" make it',
    )];
  }
  if (!is.directory) {
    return [on.fail(
      "data-dir",
      `data_dir: ${path} is no directory`,
      "set data_dir in fmsg.yaml to a directory that is the host's alone",
    )];
  }
  const findings: Finding[] = [];
  const owner = ownerOf(is.uid);
  if (!is.usable) {
    findings.push(on.fail(
      "data-dir",
      `This user may not use the data directory ${path}, which belongs to ${owner.shown}`,
      `run the check as root or as ${owner.shown}; if that is not the host's user, type: chown -R USER: ${path}`,
    ));
  }
  if (is.store !== null && is.store.uid !== is.uid) {
    findings.push(on.fail(
      "data-owner",
      `The store in ${path} belongs to ${
        ownerOf(is.store.uid).shown
      }, the directory to ${owner.shown}: a host that runs as one cannot use the other`,
      `type: chown -R ${owner.typed}: ${path}`,
    ));
  }
  const storeOpen = is.store !== null && (is.store.mode & 0o007) !== 0;
  if ((is.mode & 0o002) !== 0 || ((is.mode & 0o001) !== 0 && storeOpen)) {
    findings.push(on.fail(
      "data-access",
      `Every user of this machine can get at the messages in ${path}`,
      `type: chmod -R o-rwx ${path}`,
    ));
  } else if ((is.mode & 0o007) !== 0) {
    findings.push(on.warning(
      "data-access",
      `Every user of this machine can look into ${path}, though not into the messages`,
      `type: chmod o-rwx ${path}`,
    ));
  }
  return findings.length > 0 ? findings : [
    on.ok(
      "data-dir",
      `The data directory ${path} belongs to ${owner.shown}, and is closed to others`,
    ),
  ];
}

export function judgeSpace(path: string, { free, floor, room }: Space): Finding {
  const seen = `${sizeText(free)} are free in ${path}`;
  if (!room) {
    return on.fail(
      "disk",
      `${seen}, too little: new messages are refused (limits.min_free_disk: ${sizeText(floor)})`,
      "free some space on that disk, or move data_dir to a larger one",
    );
  }
  if (free < 2 * floor) {
    return on.warning(
      "disk",
      `${seen}; below ${sizeText(floor)} new messages are refused`,
      "free some space on that disk, or set retention.max_age in fmsg.yaml",
    );
  }
  return on.ok("disk", seen);
}

/** Bytes to read. */
function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Math.round(bytes / 1024 ** power * 10) / 10} ${units[power]}`;
}

function lookAtDirectory(path: string): Directory {
  const stat = statOf(path);
  if (stat === null) return { path, is: null };
  return {
    path,
    is: {
      directory: stat.isDirectory(),
      mode: stat.mode,
      uid: stat.uid,
      store: statOf(storeFile(path)),
      usable: isUsable(path),
    },
  };
}

/** Null for what is not there, or cannot be seen. */
function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One without a line there, as systemd's DynamicUser, has a number only. */
function ownerOf(uid: number): Owner {
  const name = nameOf(uid);
  return name === null ? { shown: `uid ${uid}`, typed: String(uid) } : { shown: name, typed: name };
}

function nameOf(uid: number): string | null {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
    return lines.find(([, , number]) => number === String(uid))?.[0] ?? null;
  } catch {
    return null;
  }
}

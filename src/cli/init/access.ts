// Who may read a file: what has to be passed on the way to it, for a service that is not root.

import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";

/** A folder to pass, or a file to read. */
export interface Access {
  readonly path: string;
  readonly kind: "file" | "folder";
  /** The permission bits. */
  readonly mode: number;
  readonly gid: number;
  /** The group by its name, or by its number where it has none. */
  readonly group: string;
}

/** As many links as the system follows. */
const MAX_LINKS = 40;

/** Everything on the way to `files`, through their links, each once; a file that is not there ends its way. */
export function accessOf(files: readonly string[]): Access[] {
  const found = new Map<string, Access>();
  const groups = groupNames();
  for (const file of files) walk(resolve(file), found, groups);
  return [...found.values()];
}

function walk(file: string, found: Map<string, Access>, groups: Map<number, string>): void {
  let left = file.split(sep).slice(1);
  let path = "/";
  for (let links = 0; left.length > 0;) {
    const [name = "", ...rest] = left;
    left = rest;
    const next = resolve(path, name);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isSymbolicLink()) {
      if (++links > MAX_LINKS) return;
      left = [...resolve(dirname(next), readlinkSync(next)).split(sep).slice(1), ...left];
      path = "/";
      continue;
    }
    path = next;
    found.set(path, {
      path,
      kind: stat.isDirectory() ? "folder" : "file",
      mode: stat.mode & 0o777,
      gid: stat.gid,
      group: groups.get(stat.gid) ?? String(stat.gid),
    });
  }
}

/** Those of the machine itself; one from a directory service is called by its number, which is as good. */
function groupNames(): Map<number, string> {
  try {
    const lines = readFileSync("/etc/group", "utf8").split("\n");
    return new Map(lines.flatMap((line): [number, string][] => {
      const [name = "", , gid = ""] = line.split(":");
      return gid === "" ? [] : [[Number(gid), name]];
    }));
  } catch {
    return new Map();
  }
}

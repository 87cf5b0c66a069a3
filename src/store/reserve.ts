// Room on the disk that is kept for the moment when it is full: then what needs little room can still be done (deleting,
// recording, opening the store), and the host goes on (row P8).

import { statfsSync } from "node:fs";
import { join } from "node:path";
import { own } from "./database.ts";

/**
 * Bytes that are kept: enough to bring a whole write-ahead log into the store's file. SQLite starts the log anew only
 * after that, and until then even deleting needs room.
 */
export const RESERVE_SIZE = 32 * 1024 * 1024;

/** Bytes that have to be free besides. */
const BESIDES = 16 * 1024 * 1024;

/** Bytes; with less, a store may not be openable. */
const LITTLE = 4 * 1024 * 1024;

/** How long a disk that was full is believed to be, in milliseconds. */
const CHECK_MS = 1000;

/** A file that can be given up. It is absent on disks that are too small for it, and empty once it was given up. */
export class Reserve {
  readonly #dataDir: string;
  #checked = -Infinity;
  /** It was given up, and the disk has no room for it since: nothing is to be stored now. */
  #spent: boolean;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    removeIfThere(unfinished(dataDir));
    this.#spent = reserveSpent(dataDir);
  }

  /** Was the reserve given up, and is there still no room for it? Looks again from time to time. */
  spent(): boolean {
    if (!this.#spent) return false;
    const now = performance.now();
    if (now - this.#checked < CHECK_MS) return true;
    this.#checked = now;
    this.take();
    return this.#spent;
  }

  /** Takes the room if it is not taken and the disk has it, and some besides. Never fails: there is a later time. */
  take(): void {
    try {
      if (!isTaken(this.#dataDir)) {
        if (freeSpace(this.#dataDir) < RESERVE_SIZE + BESIDES) return;
        fill(this.#dataDir);
      }
      this.#spent = false;
    } catch {
      // Somebody was quicker.
      removeIfThere(unfinished(this.#dataDir));
    }
  }

  /** Gives the room up, when it was taken: there is a little more of it now. */
  release(): boolean {
    if (!isTaken(this.#dataDir)) return false;
    Deno.truncateSync(reserveFile(this.#dataDir), 0);
    this.#spent = true;
    this.#checked = -Infinity;
    return true;
  }

  /** Gives the room up if the disk is full. */
  releaseIfFull(): void {
    if (isFull(this.#dataDir)) this.release();
  }
}

/** May messages be stored: with so much free space as a floor, and not while the reserve is spent? */
export function hasRoom(dataDir: string, floor: number): boolean {
  const free = freeSpace(dataDir);
  return free >= floor && (!reserveSpent(dataDir) || free >= RESERVE_SIZE + BESIDES);
}

/** Is next to nothing free on the disk of this directory? */
export function isFull(dataDir: string): boolean {
  return freeSpace(dataDir) < LITTLE;
}

/** Was the reserve of this directory given up, so that nothing is stored until there is room for it again? */
export function reserveSpent(dataDir: string): boolean {
  return sizeOf(dataDir) === 0;
}

function isTaken(dataDir: string): boolean {
  return (sizeOf(dataDir) ?? 0) > 0;
}

function reserveFile(dataDir: string): string {
  return join(dataDir, "reserve");
}

export function freeSpace(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize;
}

/** Null where there is none. */
function sizeOf(dataDir: string): number | null {
  try {
    return Deno.statSync(reserveFile(dataDir)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Random bytes, since some file systems keep zeros without room. The file is there once it is whole. */
function fill(dataDir: string): void {
  const path = unfinished(dataDir);
  using file = Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o600 });
  own(path, dataDir);
  const block = new Uint8Array(1024 * 1024);
  const random = crypto.getRandomValues(new Uint8Array(64 * 1024));
  for (let at = 0; at < block.length; at += random.length) block.set(random, at);
  for (let at = 0; at < RESERVE_SIZE;) {
    at += file.writeSync(block.subarray(0, RESERVE_SIZE - at));
  }
  Deno.renameSync(path, reserveFile(dataDir));
}

function unfinished(dataDir: string): string {
  return `${reserveFile(dataDir)}.new`;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

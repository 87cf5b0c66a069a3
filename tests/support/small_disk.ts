// A disk that is small enough to be filled: a tmpfs of the test's own, or a small one that the machine has.

import { join } from "node:path";
import { statfsSync } from "node:fs";

const MIB = 1024 * 1024;

/** A machine's own tmpfs is filled for a moment if it is no larger, as a container's /dev/shm (64 MiB, mostly). */
const SMALL = 256 * MIB;

/** Set where this process has a user namespace of its own, in which everybody may mount. */
const IN_NAMESPACE = "FMSG_TEST_IN_NAMESPACE";

export class SmallDisk implements AsyncDisposable {
  readonly #leave: () => Promise<unknown>;
  readonly #ballast: string;

  private constructor(readonly folder: string, leave: () => Promise<unknown>) {
    this.#leave = leave;
    this.#ballast = join(folder, "ballast");
  }

  /** Puts an empty disk of `size` bytes in the place of an empty folder. */
  static async at(folder: string, size: number): Promise<SmallDisk> {
    if (await mount(folder, size)) {
      // Lazily: after a test that failed the host has its files open there.
      return new SmallDisk(folder, () => run("umount", "--lazy", folder));
    }
    const other = smallTmpfs(size);
    if (other === null) {
      throw new Error(
        "There is no small disk for this test: run it as root, allow user namespaces (unshare -rm), " +
          `or mount a tmpfs of ${size} to ${SMALL} bytes that it may write to`,
      );
    }
    const there = await Deno.makeTempDir({ dir: other, prefix: "fmsg-test-" });
    await Deno.remove(folder);
    await Deno.symlink(there, folder);
    return new SmallDisk(folder, () => Deno.remove(there, { recursive: true }));
  }

  /** Bytes that are free. */
  get room(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Fills the disk up to so many bytes. */
  async fill(leave = 0): Promise<void> {
    using file = await Deno.open(this.#ballast, { create: true, append: true });
    try {
      for (let piece = MIB; piece >= 1; piece = Math.floor(piece / 2)) {
        const bytes = new Uint8Array(piece);
        while (this.room - leave >= piece) {
          if (await file.write(bytes) === 0) break;
        }
      }
    } catch (error) {
      if (!/os error 28/.test(String(error))) throw error;
    }
  }

  /** Frees what `fill` took. */
  async clear(): Promise<void> {
    await Deno.remove(this.#ballast);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leave();
  }
}

/**
 * A test that needs small disks. Where the machine has none and this process may not mount one, the test's file is run
 * again in a user namespace, in which it may.
 */
export function smallDiskTest(
  name: string,
  file: string | undefined,
  size: number,
  test: (t: Deno.TestContext) => Promise<void>,
): void {
  Deno.test(name, async (t) => {
    if (!await needsNamespace(size)) return await test(t);
    const { success, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["-rm", Deno.execPath(), "test", "-A", "--filter", name, file ?? "."],
      env: { [IN_NAMESPACE]: "1" },
      stdin: "null",
    }).output();
    if (success) return;
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
    throw new Error(`In a namespace of its own: ${text}`);
  });
}

/** True where nothing but a namespace helps. */
async function needsNamespace(size: number): Promise<boolean> {
  if (Deno.env.has(IN_NAMESPACE) || smallTmpfs(size) !== null) return false;
  const folder = await Deno.makeTempDir({ prefix: "fmsg-test-" });
  try {
    if (!await mount(folder, MIB)) return true;
    await run("umount", folder);
    return false;
  } finally {
    await Deno.remove(folder);
  }
}

function mount(folder: string, size: number): Promise<boolean> {
  return run("mount", "-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", folder);
}

/** A tmpfs of the machine that has room for `size`, is small, and can be written; or null. */
function smallTmpfs(size: number): string | null {
  const lines = Deno.readTextFileSync("/proc/mounts").split("\n").map((line) => line.split(" "));
  for (const [, folder, type] of lines) {
    if (type !== "tmpfs" || folder === undefined) continue;
    try {
      const { blocks, bavail, bsize } = statfsSync(folder);
      if (blocks * bsize > SMALL || bavail * bsize < size) continue;
      Deno.removeSync(Deno.makeTempDirSync({ dir: folder }));
      return folder;
    } catch {
      // It cannot be written.
    }
  }
  return null;
}

/** False when the program fails, or is not there. */
async function run(program: string, ...args: readonly string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

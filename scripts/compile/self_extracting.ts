// The executable that carries a whole runtime: a shell script with a tar.gz behind it, see header.sh.

import { join } from "node:path";
import header from "./header.sh" with { type: "text" };
import { MAIN } from "./bundle.ts";
import { BuildError, run } from "./command.ts";
import { PERMISSIONS, V8_FLAGS } from "./flags.ts";

/** A multiple of what disks read at once. Whatever is read behind the header begins there. */
const HEADER_BYTES = 16384;

/** What the runtime is called in the cache, and in lists of processes. */
const RUNTIME = "fmsg";

/** What keeps the runtime from looking at what lies around where it is started, and from loading anything. */
const RUNTIME_FLAGS = ["--no-config", "--no-lock", "--no-npm", "--no-remote", "--cached-only"];

export interface SelfExtracting {
  /** The folder of the bundle; the runtime is put there too. */
  readonly folder: string;
  /** The runtime's executable, for the target. */
  readonly runtime: string;
  readonly version: string;
  readonly target: string;
  readonly output: string;
}

export async function makeSelfExtracting(options: SelfExtracting): Promise<void> {
  const { folder, runtime, version, target, output } = options;
  Deno.copyFileSync(runtime, join(folder, RUNTIME));
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  for (const name of files) Deno.chmodSync(join(folder, name), name === RUNTIME ? 0o755 : 0o644);
  const payload = await pack(folder, files);
  const [architecture = target] = target.split("-");
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    ARCH: architecture,
    HASH: (await sha256(payload)).slice(0, 32),
    FILES: files.join(" "),
    SIZE: String(files.reduce((sum, name) => sum + Deno.statSync(join(folder, name)).size, 0)),
    HEADER: String(HEADER_BYTES),
    FLAGS: [...RUNTIME_FLAGS, ...PERMISSIONS, `--v8-flags=${V8_FLAGS}`].join(" "),
    MAIN,
  };
  using file = await Deno.open(output, { write: true, createNew: true, mode: 0o755 });
  const writer = file.writable.getWriter();
  await writer.write(padded(fill(header, values)));
  await writer.write(payload);
  await writer.close();
}

/** The hash of what a file holds, in hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** The same files make the same bytes. Level 6: the last percent of size would take twice the time. */
async function pack(folder: string, files: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const unsafe = files.find((name) => !/^[\w.-]+$/.test(name));
  if (unsafe !== undefined) {
    throw new BuildError(`The bundle has a file ${unsafe}: sh cannot name it`);
  }
  const archive = `${folder}.tar`;
  await run("tar", [
    ...["--create", "--format=ustar", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"],
    ...["--file", archive, ...files],
  ], folder);
  await run("gzip", ["-n", "-6", archive], folder);
  return Deno.readFileSync(`${archive}.gz`);
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/@([A-Z]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new BuildError(`header.sh names @${name}@, which is nothing`);
    return value;
  });
}

function padded(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES).fill("\n".charCodeAt(0));
  const { read } = new TextEncoder().encodeInto(text, bytes);
  if (read < text.length) throw new BuildError(`header.sh is longer than ${HEADER_BYTES} bytes`);
  return bytes;
}

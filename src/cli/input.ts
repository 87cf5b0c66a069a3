// A file that a person names as input, or stdin, read whole.

import { CommandError, UsageError } from "./context.ts";
import { formatSize } from "./terminal.ts";

/** The bytes of `file`, or of stdin for "-", at most `limit`; `what` names in words what it should be. */
export async function readInput(file: string, limit: number, what: string): Promise<Uint8Array> {
  if (file !== "-") return await readFile(file, limit);
  if (Deno.stdin.isTerminal()) {
    throw new UsageError(`Nothing comes from stdin but what is typed: pipe ${what} into "-"`);
  }
  return await readAll(Deno.stdin.readable, limit, "what came from stdin");
}

async function readFile(file: string, limit: number): Promise<Uint8Array> {
  try {
    using opened = await Deno.open(file);
    if ((await opened.stat()).isDirectory) throw new Error("it is a folder");
    const pieces = readPieces(opened);
    return await readAll(pieces, limit, file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      error instanceof Deno.errors.NotFound
        ? `There is no file ${file}`
        : `Cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** The file stays open at the end: whoever opened it closes it. */
async function* readPieces(file: Deno.FsFile): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const piece = new Uint8Array(64 * 1024);
    const length = await file.read(piece);
    if (length === null) return;
    yield piece.subarray(0, length);
  }
}

async function readAll(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
  name: string,
): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit) throw new CommandError(`${name} is larger than ${formatSize(limit)}`);
    all.push(piece);
  }
  return new Uint8Array(await new Blob(all.map((piece) => new Uint8Array(piece))).arrayBuffer());
}

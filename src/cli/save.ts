// fmsg save: an attachment, or the body, as a file.

import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import type { MessageView, PartName } from "../store/mod.ts";
import { same } from "../wire/mod.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { typedMessage } from "./message_text.ts";
import { openConfig, withMailbox } from "./open.ts";
import { formatSize, safe } from "./terminal.ts";

interface SaveOptions extends CommonOptions {
  readonly body?: boolean;
  readonly output?: string;
  readonly force?: boolean;
}

const STDOUT = "-";

export function saveCommand(output: Output): Command {
  return command(
    "save",
    "write an attachment, or the body, to a file",
    "fmsg save 7 menu.pdf",
    "fmsg save 7 --body -o letter.txt",
  )
    .argument("<id>", "the message")
    .argument("[filename]", "the attachment; it is written to a file of that name in this folder")
    .option("--body", "the body in place of an attachment; written to stdout unless told")
    .option("-o, --output <file>", 'the file to write, or "-" for stdout')
    .option("--force", "replace a file that exists")
    .action((id: string, filename: string | undefined, options: SaveOptions) =>
      save(id, filename, options, output)
    );
}

async function save(
  id: string,
  filename: string | undefined,
  options: SaveOptions,
  output: Output,
): Promise<void> {
  if ((filename === undefined) === (options.body !== true)) {
    throw new UsageError("Name one thing to save: an attachment, or --body");
  }
  await withMailbox(openConfig(options), async (mailbox) => {
    const message = typedMessage(mailbox, id);
    const { name, size } = partOf(message, filename);
    const content = mailbox.content(message.id, name);
    if (content === null) throw new CommandError(`The content of message ${message.id} is gone`);
    const file = options.output ?? (name === null ? STDOUT : basename(name));
    if (file === STDOUT) {
      requireHarmlessStdout(message, options, output);
      for await (const bytes of content) await output.write(bytes);
      return;
    }
    await writeWhole(file, content, options.force === true);
    printResult(output, options, { file, size }, () => `Wrote ${safe(file)}, ${formatSize(size)}`);
  });
}

function partOf(
  message: MessageView,
  filename: string | undefined,
): { readonly name: PartName; readonly size: number } {
  if (filename === undefined) return { name: null, size: message.size };
  const { attachments } = message;
  // Names of one message differ in more than case, so whoever types one need not match it.
  const found = attachments.find((one) => one.filename === filename) ??
    attachments.find((one) => same(one.filename, filename.normalize("NFC")));
  if (found !== undefined) return { name: found.filename, size: found.size };
  const names = attachments.map((one) => one.filename).join(", ");
  throw new CommandError(
    `Message ${message.id} has no attachment "${filename}"; ` +
      (names === "" ? "it has none at all" : `it has ${names}`),
  );
}

function requireHarmlessStdout(message: MessageView, options: SaveOptions, output: Output): void {
  if (options.json === true) {
    throw new UsageError("--json needs -o FILE: stdout cannot hold the content as well");
  }
  // What a stranger wrote could command the terminal.
  if (output.isTerminal && options.force !== true) {
    throw new UsageError(
      `The content would go to the terminal as it is: name a file with -o FILE, read it with "fmsg show ${message.id}", or add --force`,
    );
  }
}

/** Writes all of a file, or nothing; never over a file that exists, unless `replace`. */
async function writeWhole(
  file: string,
  content: AsyncIterable<Uint8Array>,
  replace: boolean,
): Promise<void> {
  requireFree(file, replace);
  const partial = join(dirname(file), `.fmsg-${crypto.randomUUID()}.part`);
  try {
    using handle = Deno.openSync(partial, { write: true, createNew: true });
    for await (const bytes of content) writeAll(handle, bytes);
    if (replace) Deno.renameSync(partial, file);
    else moveToFree(partial, file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `Cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  } finally {
    removeIfThere(partial);
  }
}

function requireFree(file: string, replace: boolean): void {
  const found = statusOf(file);
  if (found === null) return;
  // A device or a folder is never replaced.
  if (!found.isFile && !found.isSymlink) {
    throw new CommandError(
      found.isDirectory
        ? `${file} is a folder: name a file in it with -o`
        : `${file} is no regular file: name one with -o, or "-o -" for stdout`,
    );
  }
  if (!replace) throw taken(file);
}

function statusOf(file: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new CommandError(
      `Cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** A link fails where a rename would replace a file that appeared meanwhile. */
function moveToFree(partial: string, file: string): void {
  try {
    Deno.linkSync(partial, file);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw taken(file);
    // Some file systems have no links; the look at the beginning has to do there.
    Deno.renameSync(partial, file);
  }
}

function taken(file: string): CommandError {
  return new CommandError(
    `${file} exists: name another file with -o, or add --force to replace it`,
  );
}

function writeAll(handle: Deno.FsFile, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(handle.writeSync(rest));
}

function removeIfThere(file: string): void {
  try {
    Deno.removeSync(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

// fmsg message …: messages as the operator looks after them.

import { Command } from "commander";
import { isProblem } from "../protocol/mod.ts";
import type { StoreWriter } from "../store/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import { command, CommandError, type CommonOptions, type Output, printResult } from "./context.ts";
import { messageId } from "./ids.ts";
import { openConfig, withWriter } from "./open.ts";
import { formatSize } from "./terminal.ts";

interface DeleteOptions extends CommonOptions {
  readonly for?: string;
}

export function messageCommand(output: Output): Command {
  const message = new Command("message").description("delete messages");
  message.addCommand(
    command(
      "delete",
      "delete messages, with what was added to them, and give back their space; asks nothing",
      "fmsg message delete 7 8",
      "fmsg message delete 7 --for @bob@example.com",
    )
      .argument("<ids...>", "messages or drafts; a batch stands for its message")
      .option(
        "--for <address>",
        "only this user has it no more, also if removed meanwhile (default: nobody here has it)",
      )
      .action((ids: string[], options: DeleteOptions) => remove(ids, options, output)),
  );
  return message;
}

interface Deletion {
  /** Gone: nobody here has it any more. */
  readonly deleted: { readonly id: number; readonly gone: boolean }[];
  /** Why others could not be deleted. */
  readonly problems: string[];
  /** Bytes that the file system got back. */
  freed: number;
}

async function remove(
  texts: readonly string[],
  options: DeleteOptions,
  output: Output,
): Promise<void> {
  const ids = texts.map((text) => messageId(text, "ID"));
  const address = options.for === undefined ? null : typedAddress(options.for, "--for");
  const { problems, ...done } = await withWriter(
    openConfig(options),
    (writer) => deleteAll(writer, ids, address?.text ?? null),
  );
  if (done.deleted.length > 0 || problems.length === 0) {
    printResult(output, options, done, () => inWords(done, address?.text ?? null));
  }
  const [first, ...more] = problems;
  if (first === undefined) return;
  throw new CommandError(more.length === 0 ? first : `${first} (and ${more.length} more)`);
}

/** What can be deleted is, whatever becomes of the others. */
async function deleteAll(
  writer: StoreWriter,
  ids: readonly number[],
  address: string | null,
): Promise<Deletion> {
  const done: Deletion = { deleted: [], problems: [], freed: 0 };
  for (const id of ids) {
    const deleted = await writer.submit("delete", { message: id, for: address });
    if (isProblem(deleted)) done.problems.push(deleted.message);
    else done.deleted.push({ id: deleted.id, gone: deleted.gone });
  }
  if (!done.deleted.some(({ gone }) => gone)) return done;
  for (;;) {
    const { freed, left } = await writer.submit("reclaim", { all: true });
    done.freed += freed;
    if (left === 0) return done;
  }
}

function inWords({ deleted, freed }: Omit<Deletion, "problems">, address: string | null): string {
  const whose = address === null ? "" : ` for ${shownAddress(address)}`;
  const lines = deleted.map(({ id, gone }) =>
    `Message ${id} is deleted${whose}${gone ? "" : "; others here still have it"}`
  );
  return [...lines, ...freed === 0 ? [] : [`${formatSize(freed)} given back`]].join("\n");
}

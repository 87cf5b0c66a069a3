// fmsg add-to: recipients are added to a message.

import type { Command } from "commander";
import { wireSpelling } from "./addresses.ts";
import { command, type CommonOptions, type Output, printResult } from "./context.ts";
import { orFail, printedHash } from "./delivery.ts";
import { messageId } from "./ids.ts";
import { openConfig, withMailbox, withWriter } from "./open.ts";

interface AddToOptions extends CommonOptions {
  readonly from: string;
}

export function addToCommand(output: Output): Command {
  return command(
    "add-to",
    "add recipients to a message; they get all of it, and everybody learns of them",
  )
    .requiredOption(
      "--from <address>",
      'who adds them: the sender, or someone in "to", of this host',
    )
    .argument("<id>", "the message")
    .argument("<addresses...>", "the recipients to add")
    .action((id: string, addresses: string[], options: AddToOptions) =>
      addTo(id, addresses, options, output)
    );
}

async function addTo(
  id: string,
  addresses: readonly string[],
  options: AddToOptions,
  output: Output,
): Promise<void> {
  const config = openConfig(options);
  const to = addresses.flatMap((text) => text.split(",")).filter((text) => text !== "").map(
    wireSpelling,
  );
  const sent = await withWriter(config, async (writer) =>
    orFail(
      await writer.submit("addTo", {
        message: messageId(id, "ID"),
        from: wireSpelling(options.from),
        to,
      }),
    ));
  const original = await withMailbox(config, (mailbox) => mailbox.message(sent.id)?.id ?? sent.id);
  const printed = { id: original, batch_id: sent.id, hash: printedHash(sent) };
  printResult(
    output,
    options,
    printed,
    () =>
      `Added ${to.length} to message ${printed.id}, as batch ${printed.batch_id}${
        printed.hash === null ? "; it waits with the draft" : `\n${printed.hash}`
      }`,
  );
}

// fmsg thread: the whole thread of a message, from its root.

import type { Command } from "commander";
import type { Mailbox, MessageView } from "../store/mod.ts";
import { shownAddress } from "./addresses.ts";
import { command, type CommonOptions, type Output } from "./context.ts";
import {
  addressesText,
  attachmentText,
  bodyText,
  sentText,
  topicText,
  typedMessage,
} from "./message_text.ts";
import { openConfig, withMailbox } from "./open.ts";
import { formatSize, safe, wrap } from "./terminal.ts";

/** Of a body is shown so much, at most. */
const MAX_BODY = 2048;
const MAX_LINES = 12;

/** Columns by which a reply stands further right than what it answers, as long as there is room. */
const STEP = 2;

export function threadCommand(output: Output): Command {
  return command(
    "thread",
    "show the thread of a message from its beginning, with the replies indented",
    "fmsg thread 7",
  )
    .argument("<id>", "any message of the thread")
    .action((id: string, options: CommonOptions) => thread(id, options, output));
}

async function thread(id: string, options: CommonOptions, output: Output): Promise<void> {
  await withMailbox(openConfig(options), async (mailbox) => {
    const messages = mailbox.thread(typedMessage(mailbox, id).id);
    if (options.json === true) return output.print(JSON.stringify(messages));
    const depths = depthsOf(messages);
    for (const [i, message] of messages.entries()) {
      const text = await messageText(mailbox, message, output, depths.get(message.id) ?? 0);
      output.print(i === 0 ? text : `\n${text}`);
    }
  });
}

/** How many messages of the thread stand above each message, by its id. */
function depthsOf(messages: readonly MessageView[]): ReadonlyMap<number, number> {
  const depths = new Map<number, number>();
  const byHash = new Map<string, number>();
  for (const { id, pid, hash, add_to } of messages) {
    const above = pid === null ? undefined : byHash.get(pid);
    const depth = above === undefined ? 0 : above + 1;
    depths.set(id, depth);
    // Who was added by a batch answers the batch.
    for (const known of [hash, ...add_to.map((batch) => batch.hash)]) {
      if (known !== null) byHash.set(known, depth);
    }
  }
  return depths;
}

async function messageText(
  mailbox: Mailbox,
  message: MessageView,
  output: Output,
  depth: number,
): Promise<string> {
  const { style } = output;
  const indent = Math.min(depth * STEP, Math.floor(Math.min(output.columns, 80) / 3));
  const columns = output.columns - indent;
  const title = `${style.bold(`${message.id}  ${shownAddress(message.from)}`)}  ${
    sentText(message.time)
  }  ${topicText(message, style)}`;
  const added = message.add_to.map(({ from, to }) =>
    style.dim(`added by ${shownAddress(from)}: ${addressesText(to)}`)
  );
  const attachments = message.attachments.map((one) => style.dim(`+ ${attachmentText(one)}`));
  return [title, ...added, await shortBody(mailbox, message, output, columns), ...attachments]
    .filter((text) => text !== "")
    .flatMap((text) => wrap(text, columns).split("\n"))
    .map((line) => (" ".repeat(indent) + line).trimEnd())
    .join("\n");
}

async function shortBody(
  mailbox: Mailbox,
  message: MessageView,
  { style }: Output,
  columns: number,
): Promise<string> {
  if (message.size === 0) return "";
  const body = await bodyText(mailbox, message, MAX_BODY);
  if (body === null) {
    return style.dim(`(${safe(message.type)}, ${formatSize(message.size)})`);
  }
  const lines = wrap(body.text.replace(/\n+$/, ""), columns).split("\n");
  const isWhole = !body.cut && lines.length <= MAX_LINES;
  if (isWhole) return lines.join("\n");
  return [...lines.slice(0, MAX_LINES), style.dim(`… "fmsg show ${message.id}" shows all of it`)]
    .join("\n");
}

// fmsg show: one message, to read.

import type { Command } from "commander";
import type { Mailbox, MessageView } from "../store/mod.ts";
import { exactAddress, shownAddress } from "./addresses.ts";
import { command, type CommonOptions, type Output, printResult } from "./context.ts";
import {
  addressesText,
  attachmentText,
  bodyText,
  deliveryLines,
  sentText,
  topicText,
  typedMessage,
} from "./message_text.ts";
import { openConfig, withMailbox } from "./open.ts";
import { formatSize, pad, safe, wrap } from "./terminal.ts";

/** Bytes of a body that are shown; `fmsg save` writes all of it. */
const MAX_BODY = 256 * 1024;

export function showCommand(output: Output): Command {
  return command("show", "show a message, and what became of it", "fmsg show 7")
    .argument("<id>", 'the message, as "fmsg list" numbers them')
    .action((id: string, options: CommonOptions) => show(id, options, output));
}

async function show(id: string, options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  await withMailbox(config, async (mailbox) => {
    const message = typedMessage(mailbox, id);
    const text = options.json === true
      ? ""
      : await messageText(mailbox, message, config.domain, output);
    printResult(output, options, message, () => text);
  });
}

async function messageText(
  mailbox: Mailbox,
  message: MessageView,
  home: string,
  output: Output,
): Promise<string> {
  const { columns, style } = output;
  const delivery = deliveryLines(message, output, Date.now() / 1000)
    .map((line) => hanging(line, 2, columns));
  return [
    headerBlock(mailbox, message, home, output),
    "",
    await bodyBlock(mailbox, message, output),
    ...(delivery.length === 0 ? [] : ["", style.bold("Delivery"), ...delivery]),
  ].join("\n");
}

/** Columns of the names of fields. */
const LABEL = 13;

function headerBlock(
  mailbox: Mailbox,
  message: MessageView,
  home: string,
  output: Output,
): string {
  const flags = [
    message.important ? output.style.red("important") : "",
    message.no_reply ? "any reply is discarded" : "",
  ].filter((flag) => flag !== "");
  const field = (name: string, value: string): string => {
    const label = pad(name === "" ? "" : `${name}:`, LABEL);
    return output.style.dim(label) + hanging(value, LABEL, output.columns);
  };
  return [
    output.style.bold(`Message ${message.id}`),
    field("From", exactAddress(message.from, home)),
    field("To", message.to.map((to) => exactAddress(to, home)).join(", ")),
    ...message.add_to.map(({ from, to, time, batch_id }) =>
      field(
        "Added",
        `by ${shownAddress(from)}: ${addressesText(to)} (${sentText(time)}, batch ${batch_id})`,
      )
    ),
    field("Date", sentText(message.time)),
    message.pid === null
      ? field("Topic", topicText({ ...message, important: false }, output.style))
      : parentField(mailbox, message, message.pid, field),
    field("Type", safe(message.type)),
    field("Size", formatSize(message.size)),
    ...(flags.length === 0 ? [] : [field("Flags", flags.join(", "))]),
    ...message.attachments.map((one, i) =>
      field(i === 0 ? "Attachments" : "", attachmentText(one))
    ),
    field("Hash", message.hash ?? "none until it is sent"),
  ].join("\n");
}

/** The message that this one answers, or adds to: its id where it is here, and the beginning of its hash. */
function parentField(
  mailbox: Mailbox,
  message: MessageView,
  pid: string,
  field: (name: string, value: string) => string,
): string {
  const short = `${pid.slice(0, 16)}…`;
  if (message.add_to.some(({ batch_id }) => batch_id === message.id)) {
    return field("Adds to", `${short}, which is not here`);
  }
  const parent = mailbox.thread(message.id).find(({ hash, add_to }) =>
    hash === pid || add_to.some((batch) => batch.hash === pid)
  );
  return field("Answers", parent === undefined ? short : `message ${parent.id} (${short})`);
}

async function bodyBlock(mailbox: Mailbox, message: MessageView, output: Output): Promise<string> {
  const { columns, style } = output;
  if (message.size === 0) return style.dim("(no text)");
  const save = `fmsg save ${message.id} --body -o FILE`;
  const body = await bodyText(mailbox, message, MAX_BODY);
  if (body === null) {
    return style.dim(`(${safe(message.type)}, ${formatSize(message.size)}; "${save}" writes it)`);
  }
  const text = wrap(body.text.replace(/\n+$/, ""), columns);
  if (!body.cut) return text;
  const shown = `the first ${formatSize(MAX_BODY)} of ${formatSize(message.size)}`;
  return `${text}\n${style.dim(`(${shown}; "${save}" writes all of it)`)}`;
}

/** A text in lines that fit beside an indentation; all but the first have it already. */
function hanging(text: string, indent: number, columns: number): string {
  return wrap(text, columns - indent).replaceAll("\n", `\n${" ".repeat(indent)}`);
}

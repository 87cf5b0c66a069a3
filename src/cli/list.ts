// fmsg list: what an address received, or sent.

import type { Command } from "commander";
import type { Mailbox, MessageView } from "../store/mod.ts";
import type { Address } from "../wire/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import { command, CommandError, type CommonOptions, type Output, UsageError } from "./context.ts";
import { deliverySummary, sentText, topicText } from "./message_text.ts";
import { openConfig, withMailbox } from "./open.ts";
import { formatSize, table, truncate } from "./terminal.ts";

interface ListOptions extends CommonOptions {
  readonly sent?: boolean;
  readonly limit?: string;
  readonly offset?: string;
}

/** Messages unless told. */
export const DEFAULT_LIMIT = 20;

/** Messages in memory at a time, however many are asked for. */
const PAGE = 500;

export function listCommand(output: Output): Command {
  return command(
    "list",
    "list the messages of an address, the newest first",
    "fmsg list @alice@example.com",
    "fmsg list @alice@example.com --sent --limit 5",
  )
    .argument("<address>", "a user of this host")
    .option("--sent", "what they sent, with what became of it, instead of what they received")
    .option("--limit <n>", `so many at most (default: ${DEFAULT_LIMIT})`)
    .option("--offset <n>", "leave out so many of the newest")
    .action((address: string, options: ListOptions) => list(address, options, output));
}

async function list(text: string, options: ListOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const limit = amount(options.limit, "--limit", DEFAULT_LIMIT);
  const offset = amount(options.offset, "--offset", 0);
  const sent = options.sent === true;
  await withMailbox(openConfig(options), (mailbox) => {
    requireKnown(mailbox, address);
    const pages = messagePages(
      (size, from) =>
        sent ? mailbox.sent(address, size, from) : mailbox.received(address, size, from),
      limit,
      offset,
    );
    if (options.json === true) return printJson(pages, output);
    const isEmpty = printTable(pages, sent, output) === 0;
    if (isEmpty && limit > 0) {
      const what = `${shownAddress(address.text)} has ${sent ? "sent" : "received"} nothing`;
      output.note(offset === 0 ? `${what} yet` : `${what} beyond the newest ${offset}`);
    }
  });
}

/** Up to `limit` messages, some at a time; each id once, although messages arrive meanwhile. */
export function* messagePages(
  read: (limit: number, offset: number) => readonly MessageView[],
  limit: number,
  offset: number,
): Generator<readonly MessageView[], void> {
  let left = limit;
  let at = offset;
  let oldest = Infinity;
  while (left > 0) {
    const size = Math.min(left, PAGE);
    const page = read(size, at);
    const news = page.filter(({ id }) => id < oldest);
    if (news.length > 0) yield news;
    oldest = news.at(-1)?.id ?? oldest;
    left -= news.length;
    at += page.length;
    if (page.length < size) return;
  }
}

export function printJson(pages: Iterable<readonly MessageView[]>, output: Output): void {
  let opening = "[";
  for (const page of pages) {
    for (const message of page) {
      output.print(opening + JSON.stringify(message));
      opening = ",";
    }
  }
  output.print(opening === "[" ? "[]" : "]");
}

/** The number of messages that it printed. */
export function printTable(
  pages: Iterable<readonly MessageView[]>,
  sent: boolean,
  output: Output,
): number {
  const { isTerminal, style, columns } = output;
  let head = isTerminal
    ? ["id", "time", sent ? "to" : "from", "topic", "size", "files", sent ? "delivery" : ""]
    : [];
  let printed = 0;
  for (const page of pages) {
    const rows = page.map((message) => [
      String(message.id),
      sentText(message.time),
      // A long address leaves room for the topic.
      truncate(sent ? recipientsText(message) : senderText(message), Math.max(12, columns / 4)),
      topicText(message, style),
      formatSize(message.size),
      message.attachments.length === 0 ? "" : String(message.attachments.length),
      sent ? deliverySummary(message.delivery, style) : "",
    ]);
    output.print(table(rows, {
      head: head.map(style.dim),
      columns,
      align: ["right", "left", "left", "left", "right", "right"],
      flexible: 3,
    }));
    head = [];
    printed += rows.length;
  }
  return printed;
}

function senderText({ from }: MessageView): string {
  return shownAddress(from);
}

function recipientsText({ to, add_to }: MessageView): string {
  const all = [...to, ...add_to.flatMap((batch) => batch.to)];
  const more = all.length > 1 ? ` +${all.length - 1}` : "";
  return shownAddress(all[0] ?? "") + more;
}

/** A user who was removed may have left messages. */
export function requireKnown(mailbox: Mailbox, address: Address): void {
  const isKnown = mailbox.user(address.key) !== null ||
    mailbox.received(address, 1, 0).length > 0 || mailbox.sent(address, 1, 0).length > 0;
  if (isKnown) return;
  throw new CommandError(
    `${shownAddress(address.text)} is no user here; "fmsg user list" shows who is`,
  );
}

export function amount(text: string | undefined, option: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${option}: "${text}" is no number of messages; write one as in 100`);
}

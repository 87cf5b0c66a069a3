// fmsg queue …: what waits for delivery.

import { Command } from "commander";
import type { MessageView, QueueEntry } from "../store/mod.ts";
import type { Config } from "../config.ts";
import { shownDomain, typedDomain } from "./addresses.ts";
import { command, CommandError, type CommonOptions, type Output, printResult } from "./context.ts";
import { messageId } from "./ids.ts";
import { addressesText, whenText } from "./message_text.ts";
import { openConfig, withMailbox, withWriter } from "./open.ts";
import { safe, table } from "./terminal.ts";

export function queueCommand(output: Output): Command {
  const queue = new Command("queue").description("what waits for delivery, why, and until when");
  queue.addCommand(
    command("list", "list what waits, the next attempt first", "fmsg queue list")
      .action((options: CommonOptions) => list(options, output)),
  );
  queue.addCommand(
    command("retry", "try again now what waits", "fmsg queue retry", "fmsg queue retry 7")
      .argument("[id]", "only this message, with its batches, or this batch (default: everything)")
      .action((id: string | undefined, options: CommonOptions) => retry(id, options, output)),
  );
  queue.addCommand(
    command(
      "cancel",
      "give up on a message that waits; its recipients there do not get it",
      "fmsg queue cancel 7",
      "fmsg queue cancel 7 example.org",
    )
      .argument("<id>", "the message, with its batches, or a batch")
      .argument("[domain]", "only the delivery to this domain (default: to all that it waits for)")
      .action((id: string, domain: string | undefined, options: CommonOptions) =>
        cancel(id, domain, options, output)
      ),
  );
  return queue;
}

async function list(options: CommonOptions, output: Output): Promise<void> {
  const entries = await withMailbox(openConfig(options), (mailbox) => mailbox.queue());
  if (options.json !== true && entries.length === 0) {
    return output.note("Nothing waits for delivery");
  }
  printResult(output, options, entries, () => {
    const { style, columns, isTerminal } = output;
    const now = Date.now() / 1000;
    const head = ["id", "batch", "domain", "to", "tried", "next", "until", "why"];
    return table(entries.map((entry) => row(entry, isTerminal, now)), {
      head: isTerminal ? head.map(style.dim) : [],
      columns,
      align: ["right", "right"],
      flexible: 7,
    });
  });
}

function row(entry: QueueEntry, isTerminal: boolean, now: number): string[] {
  const { id, batch_id, domain, recipients, attempts, next_attempt, last_error, expires } = entry;
  return [
    String(id),
    batch_id === null ? "" : String(batch_id),
    shownDomain(domain),
    isTerminal ? String(recipients.length) : addressesText(recipients),
    `${attempts}×`,
    next_attempt === null ? "blocked" : whenText(next_attempt, now),
    whenText(expires, now),
    safe(last_error ?? (attempts === 0 ? "not tried yet" : "")),
  ];
}

async function retry(
  text: string | undefined,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const id = text === undefined ? null : messageId(text, "ID");
  const config = openConfig(options);
  const retried = await withWriter(config, (writer) => writer.submit("retry", { message: id }));
  if (retried === 0 && id !== null) throw await nothingWaits(id, config);
  printResult(
    output,
    options,
    { retried },
    () => retried === 0 ? "Nothing waits for delivery" : `${deliveries(retried)} due now`,
  );
}

async function cancel(
  text: string,
  typed: string | undefined,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const id = messageId(text, "ID");
  const domain = typed === undefined ? null : typedDomain(typed, "DOMAIN");
  const config = openConfig(options);
  const cancelled = await withWriter(
    config,
    (writer) => writer.submit("cancel", { message: id, domain }),
  );
  if (cancelled === 0) throw await nothingWaits(id, config, domain);
  printResult(output, options, { cancelled }, () => `${deliveries(cancelled)} cancelled`);
}

function deliveries(number: number): string {
  return number === 1 ? "1 delivery is" : `${number} deliveries are`;
}

/** Why nothing was found under an id. */
async function nothingWaits(
  id: number,
  config: Config,
  domain: string | null = null,
): Promise<CommandError> {
  const [message, entries] = await withMailbox(
    config,
    (mailbox): [MessageView | null, QueueEntry[]] => [mailbox.message(id), mailbox.queue()],
  );
  const waiting = entries.filter((entry) => entry.id === id || entry.batch_id === id);
  const domains = waiting.map((entry) => shownDomain(entry.domain)).join(", ");
  if (message === null) return new CommandError(`There is no message ${id} here`);
  if (waiting.length === 0) {
    return new CommandError(
      `Nothing of message ${id} waits; "fmsg show ${id}" tells what became of it`,
    );
  }
  return new CommandError(
    domain === null
      ? `Message ${id} has to wait until the message that it belongs to is delivered to ${domains}`
      : `Message ${id} does not wait for ${shownDomain(domain)}, but for ${domains}`,
  );
}

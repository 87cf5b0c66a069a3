// Waiting until a message is delivered, and what a command prints of what it sent.

import { hex } from "../wire/mod.ts";
import type { DeliveryView, Mailbox } from "../store/mod.ts";
import type { Config } from "../config.ts";
import { CommandError, type Output, UsageError } from "./context.ts";
import { formatTime, safe } from "./terminal.ts";
import { withMailbox } from "./open.ts";
import { isProblem, type Problem } from "../protocol/mod.ts";
import type { Drafted, Sent } from "../store/mod.ts";

/** How often a waiting command looks, in milliseconds. */
const LOOK_AGAIN_MS = 50;

/** The seconds that `--wait[=SECONDS]` asks for, or null without it. */
export function waitSeconds(option: string | undefined): number | null {
  if (option === undefined) return null;
  const seconds = Number(option);
  if (!(seconds >= 0)) throw new UsageError(`--wait: "${option}" is no number of seconds`);
  return seconds;
}

/** What was sent, or a CommandError that says why it was not. */
export function orFail<Done extends Sent | Drafted>(done: Done | Problem): Done {
  if (isProblem(done)) throw new CommandError(done.message);
  return done;
}

/** Waits until every recipient has its last state, or the time is over. Shows progress on a terminal. */
export async function waitForDelivery(
  config: Config,
  id: number,
  seconds: number,
  output: Output,
): Promise<readonly DeliveryView[]> {
  const until = Date.now() + seconds * 1000;
  return await withMailbox(config, async (mailbox) => {
    const told = new Set<string>();
    for (;;) {
      const delivery = deliveryOf(mailbox, id);
      if (output.isTerminal) tellNews(delivery, told, output);
      if (delivery.every(({ state }) => state !== "pending") || Date.now() >= until) {
        return delivery;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  });
}

/** Fails when a recipient did not get the message, or has not yet. */
export function requireDelivered(delivery: readonly DeliveryView[]): void {
  const missing = delivery.filter(({ state }) => state === "failed" || state === "pending");
  if (missing.length === 0) return;
  const words = missing.map((recipient) => `${recipient.address} ${outcomeInWords(recipient)}`);
  throw new CommandError(`Not delivered to everyone: ${words.join("; ")}`);
}

/** What became of one recipient, in words. */
export function outcomeInWords(delivery: DeliveryView): string {
  const { state, reason, next_attempt } = delivery;
  if (isUntried(delivery)) return "waits for its first attempt";
  switch (state) {
    case "local":
      return "has it (here)";
    case "delivered":
      return "has it";
    case "failed":
      return `does not get it: ${reason ?? "no reason is known"}`;
    case "pending": {
      const next = next_attempt === null ? "" : `, next attempt ${formatTime(next_attempt)}`;
      return `waits${reason === null ? "" : `: ${reason}`}${next}`;
    }
  }
}

/** Nothing has come of it yet, good or bad. */
function isUntried({ state, attempts, reason }: DeliveryView): boolean {
  return state === "pending" && attempts === 0 && reason === null;
}

/** The hash of what was sent, as it is printed; a draft has none yet. */
export function printedHash(done: Sent | Drafted): string | null {
  return done.kind === "sent" ? hex(done.hash) : null;
}

function deliveryOf(mailbox: Mailbox, id: number): readonly DeliveryView[] {
  return mailbox.message(id)?.delivery ?? [];
}

function tellNews(delivery: readonly DeliveryView[], told: Set<string>, output: Output): void {
  const { style } = output;
  for (const recipient of delivery) {
    if (isUntried(recipient)) continue;
    const line = `${recipient.address} ${outcomeInWords(recipient)}`;
    if (told.has(line)) continue;
    told.add(line);
    const mark = recipient.state === "failed"
      ? style.red("✗")
      : recipient.state === "pending"
      ? style.yellow("…")
      : style.green("✓");
    output.note(`${mark} ${safe(line)}`);
  }
}

// Messages in words: what list, show and thread have in common. All of it is harmless to print.

import { codeMeaning, codeName, decoderFor, isText } from "../wire/mod.ts";
import type { AttachmentView, DeliveryView, Mailbox, MessageView } from "../store/mod.ts";
import { shownAddress } from "./addresses.ts";
import { CommandError, type Output } from "./context.ts";
import { messageId } from "./ids.ts";
import { formatDuration, formatSize, formatTime, safe, type Style } from "./terminal.ts";

/** The message of the id that was typed. */
export function typedMessage(mailbox: Mailbox, text: string): MessageView {
  const id = messageId(text, "ID");
  const message = mailbox.message(id);
  if (message === null) {
    throw new CommandError(
      `There is no message ${id} here; "fmsg list ADDRESS" shows what there is`,
    );
  }
  return message;
}

/** The topic of a first message; a reply has none of its own. */
export function topicText(message: MessageView, style: Style): string {
  const mark = message.important ? `${style.red("!")} ` : "";
  if (message.pid !== null) return `${mark}${style.dim("↳ reply")}`;
  return mark + (message.topic === "" ? style.dim("(no topic)") : safe(message.topic));
}

/** Addresses, separated by commas. */
export function addressesText(addresses: readonly string[]): string {
  return addresses.map(shownAddress).join(", ");
}

export function attachmentText({ filename, type, size }: AttachmentView): string {
  return `${safe(filename)}  ${safe(type)}  ${formatSize(size)}`;
}

/** What became of a message, in as few words as say it; the end may be cut off, so trouble comes first. */
export function deliverySummary(delivery: readonly DeliveryView[], style: Style): string {
  const count = (...states: DeliveryView["state"][]): number =>
    delivery.filter(({ state }) => states.includes(state)).length;
  const kinds = [
    { word: "failed", number: count("failed"), paint: style.red },
    { word: "waiting", number: count("pending"), paint: style.yellow },
    { word: "delivered", number: count("local", "delivered"), paint: style.green },
  ].filter(({ number }) => number > 0);
  return kinds.map(({ word, number, paint }) =>
    paint(kinds.length > 1 ? `${number} ${word}` : word)
  )
    .join(", ");
}

/** A line for each recipient: who, and what became of it. */
export function deliveryLines(message: MessageView, output: Output, now: number): string[] {
  const { style } = output;
  return message.delivery.map((recipient) => {
    const words = `${shownAddress(recipient.address)} ${safe(outcomeText(recipient, now))}`;
    switch (recipient.state) {
      case "local":
      case "delivered":
        return `${style.green("✓")} ${words}`;
      case "pending":
        return `${style.yellow("…")} ${words}`;
      case "failed":
        return `${style.red("✗")} ${words}`;
    }
  });
}

function outcomeText(recipient: DeliveryView, now: number): string {
  const { state, code, attempts, next_attempt } = recipient;
  const byCode = code === null ? null : `${codeName(code)} (${code}): ${codeMeaning(code)}`;
  switch (state) {
    case "local":
      return `has it, here${code === null ? "" : ` (${code})`}`;
    case "delivered":
      return `has it${code === null ? "" : ` (${code} ${codeName(code)})`}`;
    case "failed":
      return `does not get it: ${recipient.reason ?? byCode ?? "no reason is known"}`;
    case "pending":
      return [
        recipient.reason === null ? "waits" : `waits: ${recipient.reason}`,
        attemptsText(attempts, next_attempt, now),
      ].join("; ");
  }
}

/** How often it was tried, and when it is tried next. */
export function attemptsText(attempts: number, nextAttempt: number | null, now: number): string {
  const tried = attempts === 0
    ? "not tried yet"
    : `tried ${attempts === 1 ? "once" : `${attempts} times`}`;
  return nextAttempt === null ? tried : `${tried}, next ${whenText(nextAttempt, now)}`;
}

/** A point in time to come, as seen from now. */
export function whenText(time: number, now: number): string {
  return time - now < 1 ? "now" : `in ${formatDuration(time - now)}`;
}

/** The beginning of a message's body as text, or null when it is of a type that is none. */
export async function bodyText(
  mailbox: Mailbox,
  message: MessageView,
  maxBytes: number,
): Promise<{ readonly text: string; readonly cut: boolean } | null> {
  if (!isText(message.type)) return null;
  const content = mailbox.content(message.id, null);
  if (content === null) return null;
  const bytes = await firstBytes(content, maxBytes);
  // Bytes at the end that are a piece of a character are left out.
  const text = decoderFor(message.type, bytes).decode(bytes, { stream: true });
  return { text: safe(text, { multiline: true }), cut: message.size > bytes.length };
}

async function firstBytes(
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const first = new Uint8Array(maxBytes);
  let length = 0;
  for await (const chunk of content) {
    const piece = chunk.subarray(0, maxBytes - length);
    first.set(piece, length);
    length += piece.length;
    if (length === maxBytes) break;
  }
  return first.subarray(0, length);
}

/** When a message was sent; a draft was not. */
export function sentText(time: number | null): string {
  return time === null ? "not sent yet" : formatTime(time);
}

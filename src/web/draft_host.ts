// The host's copy of a draft: read as it is now, and deleted; and what is told where it is not what was thought.

import type { MessageItem } from "../api/message_schema.ts";
import * as client from "./client.ts";
import { type Apart, type DraftContent, type Found, foundAs, type Here } from "./draft_steps.ts";
import { Offline, Refused } from "./errors.ts";
import { texts } from "./texts.ts";

/** What is written here and the host's copy are two things from now on. */
export class WentApart extends Refused {
  constructor(why: Apart) {
    super(409, texts.writing.apart[why], null);
  }
}

/** Milliseconds in which all of a text has to be here: whatever else is done with the draft waits for it. */
const DEADLINE = 60_000;

/**
 * Deletes the host's copy, if it is there; with `here` only where it says what is known. What comes back stays: the message
 * that it was sent as meanwhile, or what was written elsewhere. Throws what client.ts throws.
 */
export async function deleteOnHost(id: number, here: Here | null): Promise<MessageItem | null> {
  if (here !== null) {
    const { item, found } = await readOnHost(id, () => here);
    if (found.kind !== "saved") return item;
  }
  try {
    await client.deleteDraft(id);
    return null;
  } catch (error) {
    if (isRefusal(error, [404])) return null;
    const item = isRefusal(error, [403]) ? await itemOnHost(id) : null;
    if (item === null || item.time === null) throw error;
    return item;
  }
}

/** Of what was to be discarded. */
export function whyItStays({ time }: MessageItem): Refused {
  const { sentBefore, changedBefore } = texts.writing;
  return new Refused(409, time === null ? changedBefore : sentBefore, null);
}

/** `here` is asked when the answer is there. Throws what client.ts throws. */
export async function readOnHost(
  id: number,
  here: () => Here,
): Promise<{ readonly item: MessageItem | null; readonly found: Found }> {
  const item = await itemOnHost(id);
  const host = item && { content: await contentOf(item), isSent: item.time !== null };
  return { item, found: foundAs(host, here()) };
}

/** Not as it was kept for reading offline: that may be older than what was written since. */
async function itemOnHost(id: number): Promise<MessageItem | null> {
  try {
    return await client.message(id, { fresh: true });
  } catch (error) {
    if (isRefusal(error, [404])) return null;
    throw error;
  }
}

export async function contentOf(item: MessageItem): Promise<DraftContent> {
  return {
    to: item.to,
    topic: item.topic,
    pid: item.pid,
    text: await textOf(item),
    markdown: /^text\/markdown\b/i.test(item.type),
    important: item.important,
    noReply: item.no_reply,
  };
}

/** Of a body that comes piece by piece client.ts waits for the head alone. */
async function textOf(item: MessageItem): Promise<string> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), DEADLINE);
  const { signal } = late;
  try {
    return (await client.bodyText(item, { all: true, fresh: true, signal })).text;
  } catch (error) {
    throw signal.aborted ? new Offline({ cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

export function isRefusal(error: unknown, statuses: readonly number[]): boolean {
  return error instanceof Refused && statuses.includes(error.status);
}

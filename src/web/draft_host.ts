// The host's copy of a draft: read as it is now, and deleted.

import type { MessageItem } from "../api/message_schema.ts";
import * as client from "./client.ts";
import type { DraftContent } from "./draft_steps.ts";
import { Refused } from "./errors.ts";
import { texts } from "./texts.ts";

/**
 * Deletes the host's copy, if it is there. What comes back is the message that it was sent as meanwhile: that stays. Throws
 * what client.ts throws.
 */
export async function deleteOnHost(id: number): Promise<MessageItem | null> {
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
export function wasSent(): Refused {
  return new Refused(409, texts.writing.sentBefore, null);
}

/** Not as it was kept for reading offline: that may be older than what was written since. */
export async function itemOnHost(id: number): Promise<MessageItem | null> {
  try {
    return await client.message(id, { fresh: true });
  } catch (error) {
    if (isRefusal(error, [404])) return null;
    throw error;
  }
}

export async function contentOf(item: MessageItem): Promise<DraftContent> {
  const { text } = await client.bodyText(item, { all: true, fresh: true });
  return {
    to: item.to,
    topic: item.topic,
    pid: item.pid,
    text,
    markdown: /^text\/markdown\b/i.test(item.type),
    important: item.important,
    noReply: item.no_reply,
  };
}

export function isRefusal(error: unknown, statuses: readonly number[]): boolean {
  return error instanceof Refused && statuses.includes(error.status);
}

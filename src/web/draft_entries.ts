// What the list of drafts shows: those on the host, and what only this browser has of them. Pure.

import type { MessageItem } from "../api/message_schema.ts";
import type { LocalDraft } from "./local_drafts.ts";
import { previewText } from "./short_text.ts";

export interface DraftEntry {
  /** Of the host's copy; null: there is none. */
  readonly id: number | null;
  /** Of this browser's copy; null: there is none. */
  readonly local: string | null;
  readonly to: readonly string[];
  /** null: it is not known. */
  readonly topic: string | null;
  readonly text: string;
  readonly attachments: boolean;
}

/**
 * What only this browser has comes first: nobody else keeps it. So does what it has of a draft that the host does not list:
 * it was sent or deleted elsewhere, or stands further down. `topicOf`: of the thread of a message.
 */
export function draftEntries(
  local: readonly LocalDraft[],
  hosts: readonly MessageItem[],
  topicOf: (pid: number) => string | null,
): DraftEntry[] {
  const known = new Map(hosts.map((item) => [item.id, item]));
  const copies = new Map(local.flatMap((one) => one.id === null ? [] : [[one.id, one]]));
  return [
    ...local.filter(({ id }) => id === null || !known.has(id)).map((one) => localEntry(one, null)),
    ...hosts.map((item) => {
      const newer = copies.get(item.id);
      return newer === undefined ? hostEntry(item) : localEntry(newer, item);
    }),
  ];

  function localEntry({ key, id, content }: LocalDraft, item: MessageItem | null): DraftEntry {
    const { to, topic, pid, text } = content;
    const attachments = item !== null && item.attachments.length > 0;
    return { id, local: key, to, topic: topicFor(topic, pid), text, attachments };
  }

  function hostEntry(item: MessageItem): DraftEntry {
    const { id, to, topic, pid } = item;
    const attachments = item.attachments.length > 0;
    return {
      id,
      local: null,
      to,
      topic: topicFor(topic, pid),
      text: previewText(item),
      attachments,
    };
  }

  /** An answer has the topic of its thread. */
  function topicFor(topic: string, pid: number | null): string | null {
    return pid === null ? topic : topicOf(pid);
  }
}

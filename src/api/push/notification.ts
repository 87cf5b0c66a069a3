// What a notification of a message says (FMSG-003 "Push Payload"), and how a push service is to treat it.

import type { PushPayload } from "../client_types.ts";
import type { MessageItem } from "../message_schema.ts";

/** A notification on its way. */
export interface Notification {
  readonly payload: PushPayload;
  readonly urgency: "normal" | "high";
}

/** Characters of a message that a notification shows: no system has room for more. */
export const MOST_SHOWN = 300;

/** `root`: the id under which the message's thread begins for the recipient. */
export function notificationOf(message: MessageItem, root: number): Notification {
  return {
    payload: {
      title: message.from,
      body: shown(bodyOf(message)),
      threadId: root,
      url: `/?thread=${root}`,
      tag: `thread-${root}`,
      icon: "/icon-192.png",
    },
    urgency: message.important ? "high" : "normal",
  };
}

/** A message without a text is told of by its topic, or by what it is. */
function bodyOf({ short_text = "", topic, type, size }: MessageItem): string {
  return [short_text, topic].find((text) => text.trim() !== "") ?? `[${type}, ${size} bytes]`;
}

/** On one line, without what no screen shows. */
function shown(text: string): string {
  const characters = [...text.replaceAll(/[\p{Cc}\s]+/gu, " ").trim()];
  return characters.length <= MOST_SHOWN
    ? characters.join("")
    : `${characters.slice(0, MOST_SHOWN - 1).join("")}…`;
}

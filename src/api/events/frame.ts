// An event as the text of one frame (FMSG-003 "Frames and Events").

import { Buffer } from "node:buffer";
import type { IdentityMailbox, MessageChange } from "../../store/mod.ts";
import { messageItem } from "../message_json.ts";

/**
 * The event with the message as the mailbox's identity sees it now, shaped like an item of its lists; null when it sees
 * none: it was deleted meanwhile, or is not its to see.
 */
export function eventFrame(
  event: MessageChange["event"],
  id: number,
  mailbox: IdentityMailbox,
): Buffer | null {
  const message = mailbox.message(id);
  if (message === null) return null;
  return Buffer.from(JSON.stringify({ type: event, data: messageItem(mailbox, message) }));
}

// What people and clients see of the store. The names are those of the JSON that commands print.

import type { UserLimits } from "./operations.ts";

/** A message as `fmsg show --json` prints it. */
export interface MessageView {
  readonly id: number;
  /** Null for a draft, as is its time. */
  readonly hash: string | null;
  readonly pid: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly add_to: readonly BatchView[];
  /** POSIX seconds. */
  readonly time: number | null;
  readonly topic: string;
  readonly type: string;
  /** Bytes of the data after decompression. */
  readonly size: number;
  readonly important: boolean;
  readonly no_reply: boolean;
  readonly attachments: readonly AttachmentView[];
  readonly delivery: readonly DeliveryView[];
}

export interface BatchView {
  readonly batch_id: number;
  readonly hash: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly time: number | null;
}

export interface AttachmentView {
  readonly filename: string;
  readonly type: string;
  readonly size: number;
}

export interface DeliveryView {
  readonly address: string;
  readonly state: "local" | "pending" | "delivered" | "failed";
  /** Null while pending. */
  readonly code: number | null;
  readonly reason: string | null;
  readonly attempts: number;
  /** POSIX seconds, or null when no attempt is due. */
  readonly next_attempt: number | null;
}

export interface QueueEntry {
  readonly id: number;
  readonly batch_id: number | null;
  readonly domain: string;
  readonly recipients: readonly string[];
  readonly attempts: number;
  readonly next_attempt: number | null;
  readonly last_error: string | null;
  /** POSIX seconds: until when delivery is tried. */
  readonly expires: number;
}

export interface UserView {
  readonly address: string;
  readonly name: string;
  readonly accepting: boolean;
  readonly limits: UserLimits;
  readonly usage: Readonly<Record<UsageName, number>>;
}

const USAGE_NAMES = [
  "recv_messages",
  "recv_bytes",
  "send_messages",
  "send_bytes",
  "recv_messages_day",
  "recv_bytes_day",
  "send_messages_day",
  "send_bytes_day",
] as const;

type UsageName = typeof USAGE_NAMES[number];

/** A piece of a message's content: `null` is the data, a text names an attachment. */
export type PartName = string | null;

// What one identity sees of a message through FMSG-003.

import type { Bytes } from "../wire/mod.ts";

/** A message or draft as the identity that asked may see it. Addresses are as they were written. */
export interface ClientMessage {
  /** Of a message with batches: the original's. */
  readonly id: number;
  /** The id of the parent, or null when there is none, or none here. */
  readonly pid: number | null;
  readonly from: string;
  readonly to: readonly string[];
  /** One for each of `to`. */
  readonly toDelivery: readonly ClientDelivery[];
  /** The oldest first; of very many, the newest hundred, with a thousand addresses. */
  readonly addTo: readonly ClientBatch[];
  /** POSIX seconds; null for a draft. */
  readonly time: number | null;
  /** Empty for a reply. */
  readonly topic: string;
  readonly type: string;
  /** Bytes of the data after decompression. */
  readonly size: number;
  /** Whether the data went over the wire compressed, or will. */
  readonly deflate: boolean;
  readonly important: boolean;
  readonly noReply: boolean;
  /** POSIX seconds: when this identity, as a recipient, first read it. */
  readonly readAt: number | null;
  readonly attachments: readonly ClientAttachment[];
  /** In hexadecimal; null for a draft. */
  readonly hash: string | null;
  readonly isDraft: boolean;
  /** Is this identity `from`? */
  readonly isSender: boolean;
  /** Has this identity received it, in `to` or by a batch? */
  readonly isRecipient: boolean;
  /** May this identity add recipients: is it `from`, or in `to`? */
  readonly mayAdd: boolean;
}

export interface ClientBatch {
  readonly batchId: number;
  readonly from: string;
  readonly to: readonly string[];
  /** One for each of `to`. */
  readonly toDelivery: readonly ClientDelivery[];
  /** POSIX seconds; null while it waits with a draft. */
  readonly time: number | null;
}

export interface ClientAttachment {
  readonly filename: string;
  readonly type: string;
  /** Bytes after decompression. */
  readonly size: number;
}

export interface ClientDelivery {
  readonly address: string;
  /** Unknown: of a draft, and of recipients elsewhere of what was received. */
  readonly state: "unknown" | "local" | "pending" | "delivered" | "failed";
  /** POSIX seconds. */
  readonly deliveredAt: number | null;
  /** What the last attempt was answered with; null once delivered. */
  readonly code: number | null;
  /** This and what follows are told to who sent it there: the message, or the batch. To others: null, 0 and null. */
  readonly reason: string | null;
  readonly attempts: number;
  /** POSIX seconds, or null when no attempt is due. */
  readonly nextAttempt: number | null;
}

/** A step of a message's lineage. Of what is not this identity's to see, FMSG-003 'thread' shows only that it is there. */
export type LineageEntry =
  | { readonly kind: "visible"; readonly message: ClientMessage }
  | {
    readonly kind: "hidden";
    readonly id: number;
    readonly from: string;
    readonly time: number;
  };

/** The data of a message, or an attachment. */
export interface ClientPart {
  readonly type: string;
  /** Bytes after decompression. */
  readonly size: number;
  /** null for the data. */
  readonly filename: string | null;
  /**
   * The bytes from `start` up to `end`, after decompression; all of them by default. Throws a StoreError when they go
   * while they are read, since the message was deleted or the draft changed.
   */
  read(start?: number, end?: number): AsyncGenerator<Bytes, void>;
}

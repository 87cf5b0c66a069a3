// Everything that can be asked of the writer, as plain data: it crosses threads and the control socket.

import type { Bytes, HeaderHash, MessageHash } from "../wire/mod.ts";
import type { AccessOperations } from "./access_operations.ts";
import type { PushOperations } from "./push_operations.ts";
import type { SessionOperations } from "./session_operations.ts";
import type { Acceptance, ComposedAttachment, ComposedPart, Problem } from "../protocol/mod.ts";

/** Each operation's name with what it takes and what it gives. */
export interface Operations extends AccessOperations, SessionOperations, PushOperations {
  /** A message or batch from another host: stored when anyone here takes it. */
  readonly accept: { readonly takes: Accept; readonly gives: Acceptance };
  /** The next 64 KiB (or the last, shorter piece) of content that is too large for one operation. */
  readonly stage: {
    readonly takes: { readonly token: string; readonly bytes: Bytes };
    readonly gives: null;
  };
  /** Throws staged content away that nothing adopted. */
  readonly discard: { readonly takes: { readonly token: string }; readonly gives: null };
  /** A new message of a user here. */
  readonly send: { readonly takes: Send; readonly gives: Sent | Problem };
  /** Keeps a message that is sent later. */
  readonly draft: { readonly takes: Send; readonly gives: Drafted | Problem };
  /** Replaces what a draft says, and its data; its attachments and the batches that wait with it stay. */
  readonly replaceDraft: { readonly takes: ReplaceDraft; readonly gives: Drafted | Problem };
  /** Adds an attachment to a draft. */
  readonly attach: { readonly takes: Attach; readonly gives: Drafted | Problem };
  /** Takes an attachment off a draft. */
  readonly detach: { readonly takes: Detach; readonly gives: Drafted | Problem };
  /** Sends a draft, and just after it the batches that wait with it; refused as one. */
  readonly sendDraft: { readonly takes: SendDraft; readonly gives: Sent | Problem };
  /** A recipient has read what is listed as this message: the first time counts. */
  readonly markRead: { readonly takes: MarkRead; readonly gives: ReadMark | Problem };
  /** A batch of added recipients by a user here; on a draft it waits with that. */
  readonly addTo: { readonly takes: AddRecipients; readonly gives: Sent | Drafted | Problem };
  /** What came of an attempt to deliver a message to a domain. */
  readonly record: { readonly takes: Attempt; readonly gives: Recorded };
  /** Makes waiting deliveries due now: of one message (with its batches), or all; the number of rows. */
  readonly retry: { readonly takes: { readonly message: number | null }; readonly gives: number };
  /** Ends waiting deliveries of a message (with its batches), to one domain or all; the number of rows. */
  readonly cancel: {
    readonly takes: { readonly message: number; readonly domain: string | null };
    readonly gives: number;
  };
  /** Deletes a message or draft, for one user or for everybody here. */
  readonly delete: { readonly takes: Delete; readonly gives: Deleted | Problem };
  /** Deletes what is older than it may be: so many copies of users, 0 when there are none left. */
  readonly expire: { readonly takes: Expire; readonly gives: number };
  /** Indexes some of the messages of an earlier program for searching; whether any are left. */
  readonly indexOlder: { readonly takes: IndexOlder; readonly gives: boolean };
  /** Takes the words of what was deleted out of a piece of the index; whether there is more to do. */
  readonly cleanIndex: { readonly takes: null; readonly gives: boolean };
  /** Gives some of the store's free space back to the file system. */
  readonly reclaim: { readonly takes: Reclaim; readonly gives: Reclaimed };
  /** Adds a user, whose is what is still here of an earlier one; false when the address is taken. */
  readonly addUser: { readonly takes: NewUser; readonly gives: boolean };
  /** Changes what is given of a user; false when there is none. */
  readonly setUser: { readonly takes: UserChange; readonly gives: boolean };
  /** Adds users, and changes those who are users already: all of them, or none should one fail. */
  readonly importUsers: {
    readonly takes: { readonly users: readonly ImportedUser[] };
    readonly gives: null;
  };
  /** Removes a user; what they received and sent stays until it is deleted. False when there is none. */
  readonly removeUser: { readonly takes: { readonly key: string }; readonly gives: boolean };
}

export type OperationName = keyof Operations;

/** One operation with its input. */
export type Operation = {
  [Name in OperationName]: { readonly name: Name; readonly input: Operations[Name]["takes"] };
}[OperationName];

/** Content in the operation itself (up to one chunk), or staged under a token. */
export type ContentSource =
  | { readonly kind: "inline"; readonly bytes: Bytes }
  | { readonly kind: "staged"; readonly token: string };

export interface Accept {
  readonly header: Bytes;
  readonly headerHash: HeaderHash;
  /** Null for a batch on a stored original, whose hash the writer computes. */
  readonly messageHash: MessageHash | null;
  readonly content: ContentSource | null;
  readonly answer: MessageHash | null;
}

export interface MessageFields {
  readonly from: string;
  readonly to: readonly string[];
  /** The topic of a first message, or the id of the message that this one answers. */
  readonly start: { readonly topic: string } | { readonly replyTo: number };
  readonly body: ComposedPart;
  readonly attachments: readonly ComposedAttachment[];
  readonly important: boolean;
  readonly noReply: boolean;
}

export interface Send extends MessageFields {
  readonly content: ContentSource;
}

/** Only `fields.from` may do any of this: for others there is no such draft. */
export interface ReplaceDraft extends Omit<MessageFields, "attachments"> {
  readonly id: number;
  /** The data alone. */
  readonly content: ContentSource;
}

export interface Attach {
  readonly draft: number;
  readonly from: string;
  readonly attachment: ComposedAttachment;
  readonly content: ContentSource;
}

export interface Detach {
  readonly draft: number;
  readonly from: string;
  readonly filename: string;
}

export interface SendDraft {
  readonly id: number;
  /** Whose draft it has to be; null: anybody's. */
  readonly from: string | null;
}

export interface MarkRead {
  readonly message: number;
  readonly for: string;
}

export interface ReadMark {
  readonly kind: "read";
  /** POSIX seconds of the first time. */
  readonly at: number;
}

export interface AddRecipients {
  /** The id of the original. */
  readonly message: number;
  readonly from: string;
  readonly to: readonly string[];
}

export interface Sent {
  readonly kind: "sent";
  readonly id: number;
  readonly hash: MessageHash;
  readonly time: number;
}

/** A draft, or a batch that waits with one, by the id that it keeps when it is sent. */
export interface Drafted {
  readonly kind: "drafted";
  readonly id: number;
}

export interface Delete {
  /** A message, with its batches; or a batch, which stands for its message; or a draft. */
  readonly message: number;
  /** The address that shall have it no more; null: nobody here. */
  readonly for: string | null;
  /** Only if it is a draft; what is sent stays. */
  readonly draft?: true;
}

export interface Deleted {
  readonly kind: "deleted";
  /** The message under which what was deleted was listed. */
  readonly id: number;
  /** Nobody here has it any more: it is no longer stored. */
  readonly gone: boolean;
}

export interface Expire {
  /** Seconds for which what a user received or sent is kept; null: for good. */
  readonly maxAge: number | null;
  /** The same for users who have a rule of their own, by the keys of their addresses. */
  readonly users: Readonly<Record<string, number | null>>;
  /** How much is deleted at most. */
  readonly limit: number;
}

export interface IndexOlder {
  /** How many messages at most; fewer where they are long. */
  readonly limit: number;
}

export interface Reclaim {
  /** True: all of it; false: some is kept for what comes next. */
  readonly all: boolean;
}

/** In bytes. */
export interface Reclaimed {
  readonly kind: "reclaimed";
  readonly freed: number;
  /** What further operations would give back. */
  readonly left: number;
}

export interface Attempt {
  readonly message: number;
  readonly domain: string;
  readonly outcome: AttemptOutcome;
  /** POSIX seconds of the next attempt, should one be due. */
  readonly nextAttempt: number;
}

export type AttemptOutcome =
  | { readonly kind: "rejected"; readonly code: number }
  | { readonly kind: "add to accepted" }
  /** Codes for the first so many of the domain's recipients; `lost` says why there are no more. */
  | { readonly kind: "codes"; readonly codes: readonly number[]; readonly lost: string | null }
  | { readonly kind: "failed"; readonly reason: string };

/** What a recorded attempt leaves: nothing to do, or a next attempt. */
export type Recorded = "finished" | "waiting";

/** Limits for one user by their names in fmsg.yaml; a name that is absent takes the host's default, null is none. */
export type UserLimits = Readonly<Partial<Record<LimitName, number | null>>>;

export const LIMIT_NAMES = [
  "recv_messages",
  "recv_bytes",
  "recv_bytes_per_message",
  "recv_bytes_per_day",
  "recv_messages_per_day",
  "send_bytes",
  "send_bytes_per_message",
  "send_bytes_per_day",
  "send_messages_per_day",
] as const;

export type LimitName = typeof LIMIT_NAMES[number];

/** As UserLimits; "default" goes back to the host's limit. */
export type LimitChanges = Readonly<Partial<Record<LimitName, number | null | "default">>>;

export interface NewUser {
  readonly address: string;
  readonly name: string;
  readonly accepting: boolean;
  readonly limits: LimitChanges;
}

export interface UserChange {
  readonly key: string;
  readonly name?: string;
  readonly accepting?: boolean;
  readonly limits?: LimitChanges;
}

/** A user to add or to change; what is not said stays, or is what a new user has. */
export interface ImportedUser extends Omit<UserChange, "key"> {
  /** With the spelling that the user gets. */
  readonly address: string;
}

/** What a commit changed, for those in the host who wait for it. */
export type Change =
  /** Something for this domain is due, or may be. */
  | { readonly kind: "outbound"; readonly domain: string }
  /** Sessions of browsers were ended, or may be: with their users, or because these are switched off. */
  | { readonly kind: "sessions ended" }
  | MessageChange;

/** An event of FMSG-003 for those of these keys who have the message, by the id under which it is listed. */
export interface MessageChange {
  readonly kind: "message";
  readonly event: "new_msg" | "delivered" | "recipients_added";
  readonly message: number;
  readonly keys: readonly string[];
}

/** The answer to one operation. */
export type Outcome =
  | { readonly ok: true; readonly value: Operations[OperationName]["gives"] }
  | { readonly ok: false; readonly message: string };

/** What a writer gives for operations that it committed together. */
export interface Committed {
  readonly outcomes: readonly Outcome[];
  readonly changes: readonly Change[];
}

/** What the writer has to know of the configuration. */
export interface WriterSettings {
  readonly domain: string;
  readonly quota: Readonly<Record<LimitName, number | null>>;
  readonly maxSize: number;
  readonly maxExpandedSize: number;
  readonly discloseUsers: boolean;
  /** Seconds for which delivery is tried. */
  readonly window: number;
  /** Seconds after its time for which a message is accepted; for so long, what was deleted is remembered. */
  readonly acceptedFor: number;
}

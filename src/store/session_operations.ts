// What is asked of the writer about browsers that sign in: links that are good for one sign-in, and sessions.

import type { Bytes } from "../wire/mod.ts";
import type { Problem } from "../protocol/mod.ts";

export interface SessionOperations {
  /** Lets a browser sign in as a user, once. Of too many links of one user the oldest goes. */
  readonly createSignInLink: {
    readonly takes: NewSignInLink;
    readonly gives: SignInLink | Problem;
  };
  /** Uses a link up, and opens a session of its user. Of too many sessions of one user the longest unused goes. */
  readonly openSession: { readonly takes: NewSession; readonly gives: Session | Problem };
  /** A session is used: it goes on from now. False when there is none. */
  readonly touchSession: { readonly takes: { readonly id: string }; readonly gives: boolean };
  /** Ends a session, of that user where one is named. False when there is none. */
  readonly endSession: { readonly takes: EndSession; readonly gives: boolean };
  /** Ends all sessions of a user, and makes links that are not used yet worthless; the number of sessions. */
  readonly endSessions: {
    readonly takes: { readonly addressKey: string };
    readonly gives: number;
  };
}

/** Links of one user that are good at once. */
export const MAX_LINKS = 20;

/** Browsers in which one user is signed in at once. */
export const MAX_SESSIONS = 50;

/** Seconds after its last use for which a session goes on. */
export const SESSION_KEPT = 90 * 86_400;

/** Characters that are kept of what a browser says of itself. */
export const MAX_BROWSER = 256;

export interface NewSignInLink {
  /** The folded address of the user. */
  readonly addressKey: string;
  /** SHA-256 of the token in the link. */
  readonly hash: Bytes;
  /** POSIX seconds. */
  readonly expires: number;
}

export interface SignInLink {
  readonly kind: "sign-in link";
  /** As it is spelled in the directory. */
  readonly address: string;
  /** POSIX seconds. */
  readonly expires: number;
}

export interface NewSession {
  /** SHA-256 of the token in the link that is used up. */
  readonly link: Bytes;
  readonly id: string;
  /** SHA-256 of what the browser is given. */
  readonly hash: Bytes;
  /** What the browser says of itself; it is cut to `MAX_BROWSER` characters. */
  readonly agent: string;
}

export interface EndSession {
  readonly id: string;
  /** The folded address of the user whose session it has to be; null: anybody's. */
  readonly addressKey: string | null;
}

/** A browser is signed in. */
export interface Session {
  readonly kind: "session";
  readonly id: string;
  /** As it is spelled in the directory. */
  readonly address: string;
  /** What the browser said of itself: anything at all. */
  readonly agent: string;
  /** POSIX seconds. */
  readonly created: number;
  /** POSIX seconds: its last use, within an hour. */
  readonly used: number;
  /** POSIX seconds at which it ends unless it is used. */
  readonly expires: number;
}

// The token of a link that signs a browser in. Without the packages of the interface, since commands make links too.

import { createHash, randomBytes } from "node:crypto";
import type { Bytes } from "../../wire/mod.ts";

/** A token that was just made. */
export interface SignInToken {
  /** What the link ends with: 32 bytes in base64url. */
  readonly text: string;
  /** What is stored. */
  readonly hash: Bytes;
}

export function makeSignInToken(): SignInToken {
  const text = randomBytes(32).toString("base64url");
  return { text, hash: hashOf(text) };
}

/** The hash of a token that somebody presents; null for what is none. */
export function readSignInToken(text: string): Bytes | null {
  return /^[A-Za-z0-9_-]{43}$/.test(text) ? hashOf(text) : null;
}

/** A token has 256 random bits: nobody guesses it from its hash, so the hash may be a quick one. */
function hashOf(text: string): Bytes {
  return new Uint8Array(createHash("sha256").update(text).digest());
}

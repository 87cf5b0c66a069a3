// What a browser shows to be a session: made, read and hashed.

import { createHash, randomBytes } from "node:crypto";
import type { Bytes } from "../../wire/mod.ts";

export interface SessionKey {
  readonly id: string;
  /** What is stored. */
  readonly hash: Bytes;
  /** The cookie's value: the id, a dot, and 32 bytes in base64url. */
  readonly text: string;
}

export function makeSessionKey(): SessionKey {
  const id = randomBytes(8).toString("hex");
  const text = `${id}.${randomBytes(32).toString("base64url")}`;
  return { id, text, hash: hashOf(text) };
}

/** What a cookie holds; null where that is no session's. */
export function readSessionKey(text: string): SessionKey | null {
  const id = /^([0-9a-f]{16})\.[A-Za-z0-9_-]{43}$/.exec(text)?.[1];
  return id === undefined ? null : { id, text, hash: hashOf(text) };
}

/** As that of a link's token: quick. */
function hashOf(text: string): Bytes {
  return new Uint8Array(createHash("sha256").update(text).digest());
}

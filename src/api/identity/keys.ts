// API keys, `fmsgk_<key-id>_<secret>`: made, read and hashed. Without the packages of the interface, since commands make keys too.

import { createHash, randomBytes } from "node:crypto";
import type { Bytes } from "../../wire/mod.ts";

/** A key that was just made. */
export interface ApiKey {
  readonly id: string;
  /** What its owner is given, once. */
  readonly text: string;
  /** What is stored. */
  readonly hash: Bytes;
}

/** Hexadecimal, so that no part holds the `_` that separates them. */
const KEY = /^fmsgk_([0-9a-f]{16})_[0-9a-f]{64}$/;

export function makeApiKey(): ApiKey {
  const id = randomBytes(8).toString("hex");
  const text = `fmsgk_${id}_${randomBytes(32).toString("hex")}`;
  return { id, text, hash: hashOf(text) };
}

/** The id and the hash of a key that somebody presents; null for what is none. */
export function readApiKey(text: string): { readonly id: string; readonly hash: Bytes } | null {
  const id = KEY.exec(text)?.[1];
  return id === undefined ? null : { id, hash: hashOf(text) };
}

/** The secret has 256 random bits: nobody guesses it from its hash, so the hash may be a quick one. */
function hashOf(text: string): Bytes {
  return new Uint8Array(createHash("sha256").update(text).digest());
}

// What is asked of the writer about access through FMSG-003: API-access grants, and the keys that tokens are signed with.

import type { Bytes } from "../wire/mod.ts";
import type { Problem } from "../protocol/mod.ts";

export interface AccessOperations {
  /** Lets an owner act as an address. A derived sub-account's address becomes a user where it is none. */
  readonly createGrant: { readonly takes: NewGrant; readonly gives: Grant | Problem };
  /** Puts a new key in the place of a grant's key. */
  readonly rotateGrantKey: { readonly takes: NewGrantKey; readonly gives: Grant | Problem };
  /** Replaces the ranges that a grant's key may be used from. */
  readonly setGrantCidrs: { readonly takes: GrantCidrs; readonly gives: Grant | Problem };
  /** Ends a grant, and its key with it. The address stays a user. False when there is none. */
  readonly deleteGrant: { readonly takes: GrantName; readonly gives: boolean };
  /** Makes a key that signs tokens where there is none; the id of the one that signs. */
  readonly ensureSigningKey: { readonly takes: null; readonly gives: string };
  /** Signs with a new key from now on; its id. */
  readonly rotateSigningKey: { readonly takes: RotateSigningKey; readonly gives: string };
}

export const GRANT_TYPES = ["derived_sub_account", "delegated_identity"] as const;

export type GrantType = typeof GRANT_TYPES[number];

/** Derived sub-accounts that an owner may have grants for. */
export const MAX_SUB_ACCOUNTS = 5;

/** Users that the grants of one owner may register in all, those included whose grants are gone. */
export const MAX_REGISTERED = 50;

/** Ranges of addresses that a grant may have. */
export const MAX_CIDRS = 64;

/** Seconds for which a signing key verifies after it was replaced: the longest that a token is valid, and some skew. */
export const SIGNING_KEY_KEPT = 366 * 86_400;

/** An owner may act as an address: one by the name of `agent`, or with the grant's key. */
export interface Grant {
  readonly kind: "grant";
  /** As it is spelled in the directory. */
  readonly owner: string;
  readonly agent: string;
  readonly address: string;
  readonly type: GrantType;
  readonly keyId: string;
  /** `address/bits` each. */
  readonly cidrs: readonly string[];
  /** POSIX seconds at which its key expires. */
  readonly expires: number;
  /** POSIX seconds. */
  readonly created: number;
}

export interface GrantName {
  /** The folded address of the owner. */
  readonly ownerKey: string;
  readonly agent: string;
}

/** A key as it is stored. */
export interface GrantKey {
  readonly id: string;
  /** SHA-256 of the whole key. */
  readonly hash: Bytes;
  /** POSIX seconds. */
  readonly expires: number;
}

export interface NewGrant extends GrantName {
  /** Null: the sub-account that is derived from owner and agent. An address: an operator delegates it. */
  readonly delegated: string | null;
  readonly cidrs: readonly string[];
  readonly key: GrantKey;
}

export interface NewGrantKey extends GrantName {
  readonly key: GrantKey;
}

export interface GrantCidrs extends GrantName {
  readonly cidrs: readonly string[];
}

export interface RotateSigningKey {
  /** True: earlier keys verify no more, so that every token signed so far is refused; what was subscribed to with one ends. */
  readonly revoke: boolean;
}

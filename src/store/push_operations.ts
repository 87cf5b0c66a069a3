// What is asked of the writer about Web Push: where notifications go, and the key by which push services know this host.

import type { Bytes } from "../wire/mod.ts";

export interface PushOperations {
  /** Keeps a subscription, in place of one with that endpoint. Of too many of one address the oldest goes. */
  readonly subscribePush: { readonly takes: NewPushSubscription; readonly gives: null };
  /** False when there is none. */
  readonly unsubscribePush: { readonly takes: PushEndpoint; readonly gives: boolean };
  /** Makes the key where there is none; its public part. */
  readonly ensureVapidKey: { readonly takes: null; readonly gives: string };
}

/** Subscriptions of one address. */
export const MAX_SUBSCRIPTIONS = 20;

/** A subscription by its name: FMSG-003 scopes it to identity and endpoint. */
export interface PushEndpoint {
  /** The folded address. */
  readonly addressKey: string;
  /** A URL, which is a secret of the browser's. */
  readonly endpoint: string;
}

/** What a notification is encrypted with (RFC 8291). */
export interface PushSubscription extends PushEndpoint {
  /** The browser's public key: a point of P-256 in 65 bytes. */
  readonly p256dh: Bytes;
  /** The secret that authenticates, of 16 bytes. */
  readonly auth: Bytes;
}

/** Seconds for which a subscription that was made with a token lasts, unless it is refreshed. */
export const SUBSCRIPTION_KEPT = 90 * 86_400;

/** A subscription lasts as long as that by which it was made, and outside of a session `SUBSCRIPTION_KEPT`. */
export interface NewPushSubscription extends PushSubscription {
  /** The id of the browser's session, or null. */
  readonly session: string | null;
  /** The id of the API key that the token was of, or null. */
  readonly keyId: string | null;
  /** The folded address of the owner who acts as the address, or null. */
  readonly ownerKey: string | null;
}

/** By which push services know this host (VAPID, RFC 8292). Both parts are base64url. */
export interface VapidKey {
  /** A point of P-256 in 65 bytes. */
  readonly publicKey: string;
  readonly privateKey: string;
}

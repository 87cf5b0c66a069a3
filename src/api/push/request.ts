// A notification as a request to a push service: encrypted for one browser (RFC 8291), signed with the host's key (RFC 8292).

import { createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import type { PushSubscription, VapidKey } from "../../store/mod.ts";
import type { Notification } from "./notification.ts";

export interface PushRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Seconds for which a push service keeps a notification for a browser that is not there: later it is no news. */
const TTL = 86_400;

/** Throws an Error when the browser's keys are none. */
export async function pushRequest(
  subscription: PushSubscription,
  key: VapidKey,
  domain: string,
  { payload, urgency }: Notification,
): Promise<PushRequest> {
  const { encryptNotification, vapidHeaders } = await import("@block65/webcrypto-web-push");
  const { endpoint, p256dh, auth } = subscription;
  const browser = {
    endpoint,
    expirationTime: null,
    keys: { p256dh: base64url(p256dh), auth: base64url(auth) },
  };
  const { headers } = await vapidHeaders(browser, { ...key, subject: subjectOf(domain) });
  // It is padded to the same length always, so that the service does not learn how much was written.
  const text = new TextEncoder().encode(JSON.stringify(payload));
  const body = await encryptNotification(browser, text);
  return {
    headers: {
      authorization: headers.authorization,
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(TTL),
      urgency,
      topic: topicOf(payload.tag, key),
    },
    body,
  };
}

/**
 * Whom a push service writes to when there is trouble. RFC 8292 takes https too, but an inbox tells nobody who runs it;
 * `postmaster` is there wherever there is mail (RFC 5321), and all services take it, whatever `api.public_url` is.
 */
function subjectOf(domain: string): string {
  return `mailto:postmaster@${domain}`;
}

/**
 * What a service puts a newer notification in the place of an older one by (RFC 8030 5.4), in the 32 characters that there
 * are. Not the tag itself: how many messages a host has is none of the service's business.
 */
function topicOf(tag: string, { privateKey }: VapidKey): string {
  return createHmac("sha256", privateKey).update(tag).digest("base64url").slice(0, 32);
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

// Subscriptions to notifications (FMSG-003 "Web Push"), and the key that browsers subscribe with.

import { Buffer } from "node:buffer";
import { ECDH } from "node:crypto";
import type { Bytes } from "../../wire/mod.ts";
import { PUSH_ENDPOINT, PUSH_KEY, PUSH_SUBSCRIPTION } from "../client_types.ts";
import { ApiError } from "../error.ts";
import { jsonResponse, noContent } from "../response.ts";
import { type Route, route } from "../route.ts";
import { egressOf, endpointProblem } from "./egress.ts";

export const pushRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/push/key",
    operation: "get_push_key",
    summary: "The key that a browser subscribes with (VAPID)",
    admission: "identity",
    answers: { 200: { description: "The key, in base64url", json: PUSH_KEY } },
  }, ({ context }) => {
    const key = context.access.vapidKey();
    if (key === null) throw new ApiError(503, "There is no key yet: try again in a moment");
    return jsonResponse({ key: key.publicKey });
  }),

  route({
    method: "post",
    path: "/fmsg/push/subscribe",
    operation: "subscribe_push",
    summary: "Create or refresh a Web Push subscription",
    admission: "identity",
    body: { json: PUSH_SUBSCRIPTION },
    answers: { 201: { description: "The browser is subscribed" } },
  }, async ({ context, identity, readBody }) => {
    const { endpoint, keys } = await readBody();
    const problem = endpointProblem(endpoint, egressOf(context.config()));
    if (problem !== null) throw new ApiError(400, `"endpoint" ${problem}`);
    await context.writer.submit("subscribePush", {
      addressKey: identity.address.key,
      endpoint,
      p256dh: pointIn(keys.p256dh),
      auth: secretIn(keys.auth),
      session: identity.sessionId,
      keyId: identity.keyId,
      ownerKey: identity.actsAs ? identity.owner.key : null,
    });
    return new Response(null, { status: 201 });
  }),

  route({
    method: "delete",
    path: "/fmsg/push/subscribe",
    operation: "unsubscribe_push",
    summary: "Delete a Web Push subscription",
    admission: "identity",
    body: { json: PUSH_ENDPOINT },
    answers: { 204: { description: "The browser is not subscribed (any more)" } },
  }, async ({ context, identity, readBody }) => {
    const { endpoint } = await readBody();
    await context.writer.submit("unsubscribePush", { addressKey: identity.address.key, endpoint });
    return noContent();
  }),
];

/** RFC 8291 3.1: a point of P-256, uncompressed. Whether it is on the curve is seen here, not when it is used. */
function pointIn(text: string): Bytes {
  const bytes = bytesIn(text);
  if (bytes !== null && bytes.length === 65 && bytes[0] === 4) {
    try {
      ECDH.convertKey(bytes, "prime256v1", undefined, undefined, "compressed");
      return bytes;
    } catch {
      // It is told below.
    }
  }
  throw new ApiError(400, '"keys.p256dh" has to be a public key on P-256: 65 bytes in base64url');
}

/** RFC 8291 3.2. */
function secretIn(text: string): Bytes {
  const bytes = bytesIn(text);
  if (bytes?.length === 16) return bytes;
  throw new ApiError(400, '"keys.auth" has to be 16 bytes in base64url');
}

/** Some clients write plain base64, or with padding. */
function bytesIn(text: string): Bytes | null {
  return /^[A-Za-z0-9_+/-]*={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, "base64")) : null;
}

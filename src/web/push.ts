// Notifications while the page is closed: Web Push by the browser's own service, which the host sends to.

import * as client from "./client.ts";

export type PushHindrance = "denied" | "none";

/** What keeps this browser from telling of new messages while the page is closed; null: nothing does. */
export function pushHindrance(): PushHindrance | null {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) return "none";
  return Notification.permission === "denied" ? "denied" : null;
}

export async function pushState(): Promise<"on" | "off" | PushHindrance> {
  return pushHindrance() ?? (await subscriptionHere() === null ? "off" : "on");
}

/** Asks the person, so call it for a press of a button. Not allowed: nothing happens. Throws where a service fails. */
export async function turnPushOn(): Promise<void> {
  if (await Notification.requestPermission() !== "granted") return;
  await subscribe(await client.pushKey());
}

/** Also where the host cannot be told: it drops a subscription that is gone at the first message for it. */
export async function turnPushOff(): Promise<void> {
  const endpoint = await forgetPush();
  if (endpoint !== null) await client.unsubscribePush(endpoint);
}

/**
 * At the start of the page: the host may have another key than when this browser subscribed, or may have forgotten the
 * subscription with the session that it was made in. Throws what client.ts throws.
 */
export async function renewPush(): Promise<void> {
  const subscription = await subscriptionHere();
  if (subscription === null || Notification.permission !== "granted") return;
  const key = await client.pushKey();
  if (keyOf(subscription) === key) return await client.subscribePush(subscription.toJSON());
  await subscription.unsubscribe();
  await subscribe(key);
}

/** In this browser alone, after signing out: the host has ended it with the session. The endpoint that it had. */
export async function forgetPush(): Promise<string | null> {
  const subscription = await subscriptionHere();
  await subscription?.unsubscribe();
  return subscription?.endpoint ?? null;
}

async function subscribe(key: string): Promise<void> {
  const registration = await Promise.race([navigator.serviceWorker.ready, late()]);
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  });
  await client.subscribePush(subscription.toJSON());
}

/** Where the worker was refused, the browser never says that it is ready. Milliseconds. */
const READY_DEADLINE = 10_000;

function late(): Promise<never> {
  return new Promise((_, reject) => {
    const error = new DOMException("The service worker is not ready", "TimeoutError");
    setTimeout(() => reject(error), READY_DEADLINE);
  });
}

async function subscriptionHere(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker?.getRegistration();
  return await registration?.pushManager?.getSubscription() ?? null;
}

/** base64url without padding, as the host writes it. "" where the browser does not tell. */
function keyOf({ options: { applicationServerKey: key } }: PushSubscription): string {
  if (key === null) return "";
  const text = btoa(String.fromCharCode(...new Uint8Array(key)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

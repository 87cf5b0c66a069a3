// The page's side of its service worker: registered, told what to forget, and Web Push by it.

import type { FromWorker, ToWorker } from "./worker_messages.ts";

/**
 * Browsers count the address of a worker among what has to be trusted (Trusted Types). What a policy makes is no string to
 * them, but is one to all that takes addresses.
 */
interface ScriptPolicy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy;
}
const WORKER = "/sw.js";

/** Does not throw: without a worker the page works, but not offline. `onOpen`: somebody chose a notification. */
export async function startWorker(onOpen: (url: string) => void): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === "open") onOpen(data.url);
  });
  try {
    const page: Window & { readonly trustedTypes?: TrustedTypes } = globalThis.window;
    const policy = page.trustedTypes?.createPolicy("fmsg", {
      // The one address there is, whatever is asked for.
      createScriptURL: () => WORKER,
    });
    await navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER);
  } catch {
    // Private windows refuse.
  }
}

/** What was kept for offline reading goes. */
export async function forgetSeen(): Promise<void> {
  // Also by itself: the worker may be gone, or not there yet.
  const message: ToWorker = { kind: "forget" };
  navigator.serviceWorker?.controller?.postMessage(message);
  if ("caches" in globalThis) await caches.delete(SEEN).catch(() => false);
}

/** The cache of what was seen. */
export const SEEN = "fmsg-seen";

/** Whether this browser can be told of new messages while the page is closed. */
export async function pushState(): Promise<"on" | "off" | "denied" | "none"> {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) return "none";
  if (Notification.permission === "denied") return "denied";
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription() ?? null;
  return subscription === null ? "off" : "on";
}

/** Asks the person, so call it for a press of a button. null: not allowed. Throws where the browser's service fails. */
export async function subscribeHere(key: string): Promise<PushSubscriptionJSON | null> {
  if (await Notification.requestPermission() !== "granted") return null;
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  });
  return subscription.toJSON();
}

/** The endpoint that it had, to be told to the host; null: there was none. */
export async function unsubscribeHere(): Promise<string | null> {
  const registration = await navigator.serviceWorker?.getRegistration();
  const subscription = await registration?.pushManager.getSubscription() ?? null;
  if (subscription === null) return null;
  await subscription.unsubscribe();
  return subscription.endpoint;
}

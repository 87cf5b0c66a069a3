// The page's side of its service worker: registered, told what to forget, and asked for new versions of the page.

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

/** Milliseconds between looks for a new version. */
const LOOK = 60_000;
let looked = 0;

/** Call it when the host may have been started anew. Does not throw; what is found is taken, as `onNewVersion` tells. */
export async function lookForNewVersion(): Promise<void> {
  if (!("serviceWorker" in navigator) || Date.now() - looked < LOOK) return;
  looked = Date.now();
  const registration = await navigator.serviceWorker.getRegistration();
  await registration?.update().catch(() => {});
}

/**
 * The worker of a new version has taken over: the page that is open is of the one before, unless it was loaded in the
 * meantime. Its parts that are not loaded yet may be gone.
 */
export function onNewVersion(told: () => void): void {
  navigator.serviceWorker?.addEventListener("controllerchange", () => {
    isOutdated().then((outdated) => outdated && told(), () => {});
  });
}

/** Does the page that the host gives now name other files than this one was made of? */
async function isOutdated(): Promise<boolean> {
  const own = document.querySelector<HTMLScriptElement>("script[type=module]");
  const now = await (await fetch("/")).text();
  return own !== null && !now.includes(`"${new URL(own.src).pathname}"`);
}

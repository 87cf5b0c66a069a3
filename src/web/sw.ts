// The service worker: the page without a network, messages that were seen, and notifications of new ones.

import { SEEN } from "./offline.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** What the page's library of types lacks: those of workers cannot stand beside those of windows. */
interface LastingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface RequestEvent extends LastingEvent {
  readonly request: Request;
  readonly clientId: string;
  respondWith(response: Promise<Response>): void;
}
interface PushedEvent extends LastingEvent {
  readonly data: { json(): unknown } | null;
}
interface ClickEvent extends LastingEvent {
  readonly notification: Notification;
}
interface Tab {
  readonly url: string;
  readonly focused: boolean;
  readonly visibilityState: string;
  focus(): Promise<unknown>;
  postMessage(message: FromWorker): void;
}
interface Worker {
  readonly location: URL;
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<readonly Tab[]>;
    openWindow(url: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: LastingEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: RequestEvent) => void): void;
  addEventListener(type: "push", listener: (event: PushedEvent) => void): void;
  addEventListener(type: "notificationclick", listener: (event: ClickEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker>) => void): void;
}
declare const self: Worker;

/** Put in front by the server: the paths of the page's files, which have their version in their names. */
declare const SHELL: readonly string[];

const SHELL_CACHE = `fmsg-shell ${SHELL.join(" ")}`;
/** Longer the network is not waited for where the same was seen before. */
const PATIENCE = 6_000;
const MOST_ENTRIES = 400;
const LARGEST_ENTRY = 512 * 1024;
/** The entry that says whose the others are. */
const WHOSE = "/fmsg-whose";

/** Grows with every forgetting: what was asked for before is not kept after. */
let generation = 0;
/** How often a draft, by its path, was changed: what of it was asked for before is not kept after. */
const changes = new Map<string, number>();

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", ({ data }) => {
  if (data.kind === "forget") void forget();
});
self.addEventListener("push", (event) => event.waitUntil(pushed(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(pathIn(event.notification.data)));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  const lasting = (work: Promise<unknown>): void => event.waitUntil(work);
  if (pathname === "/session") event.respondWith(ofSession(request, lasting));
  else if (request.method !== "GET") {
    const path = pathOfDraft(pathname);
    if (path !== null) event.respondWith(ofDraft(request, path));
  } else if (request.mode === "navigate") {
    // The page is one document; what else is navigated to (a file that is downloaded) is the network's.
    if (pathname === "/") event.respondWith(document());
  } else if (SHELL.includes(pathname)) event.respondWith(ofShell(request));
  else if (isKept(pathname)) event.respondWith(ofMessages(request, lasting));
});

async function install(): Promise<void> {
  const cache = await caches.open(SHELL_CACHE);
  await cache.addAll(SHELL);
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("fmsg-shell ") && name !== SHELL_CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

/** Of what replaces, deletes or sends a draft: the draft's own. */
function pathOfDraft(pathname: string): string | null {
  return /^(\/fmsg\/[1-9][0-9]*)(?:\/send)?$/.exec(pathname)?.[1] ?? null;
}

/** Lists, messages, their bodies, and the small among their files: pictures. Nothing that is asked anew each time. */
function isKept(pathname: string): boolean {
  return /^\/fmsg(?:\/sent|\/[1-9][0-9]*(?:\/data|\/header|\/attach\/[^/]+)?)?$/.test(pathname);
}

async function document(): Promise<Response> {
  try {
    const response = await fetch("/", { signal: AbortSignal.timeout(PATIENCE) });
    // Something stands before a host that is being started anew, and says so.
    return response.status < 500 ? response : await cached("/", SHELL_CACHE) ?? response;
  } catch {
    return await cached("/", SHELL_CACHE) ?? failing();
  }
}

async function ofShell(request: Request): Promise<Response> {
  return await cached(request, SHELL_CACHE) ?? await fetch(request);
}

/** A browser whose store is broken keeps nothing, and goes on by the network. */
async function cached(
  request: Request | string,
  cacheName: string,
): Promise<Response | undefined> {
  return await caches.match(request, { cacheName }).catch(() => undefined);
}

/** Who is signed in decides what may be shown, so whatever changes that makes all else forgotten. */
async function ofSession(
  request: Request,
  lasting: (work: Promise<unknown>) => void,
): Promise<Response> {
  if (request.method === "GET") return await ofMessages(request, lasting);
  const response = await fetch(request);
  // A link that is no good signs nobody out.
  const isOver = response.status === 401 && request.method === "DELETE";
  if (response.ok || isOver) await forget();
  return response;
}

/** What was seen of a draft is old from then on: whoever went on with that would write over what is newer. */
async function ofDraft(request: Request, path: string): Promise<Response> {
  const response = await fetch(request);
  // The host has done it, whatever becomes of what is kept.
  if (response.ok) await forgetDraft(path).catch(() => {});
  return response;
}

async function forgetDraft(path: string): Promise<void> {
  changes.set(path, (changes.get(path) ?? 0) + 1);
  const cache = await caches.open(SEEN);
  await cache.delete(path);
  await cache.delete(`${path}/data`);
}

/** Another one later: what was asked for in between is neither to be kept nor to be shown. */
function asOf({ url }: Request): string {
  const path = new URL(url).pathname.replace(/\/data$/, "");
  return `${generation} ${changes.get(path) ?? 0}`;
}

/** From the network; without one, what was seen before. */
async function ofMessages(
  request: Request,
  lasting: (work: Promise<unknown>) => void,
): Promise<Response> {
  const asked = asOf(request);
  // Who asks so (request.ts) would take what is old for new, and write over what is newer.
  const isAskedFresh = request.cache === "no-store";
  const seen = isAskedFresh ? Promise.resolve(undefined) : cached(request, SEEN);
  const fresh = fetch(request);
  try {
    const response = await Promise.race([fresh, patience(seen)]);
    if (response.status === 401) await forget();
    if (response.status === 200) {
      const copy = response.clone();
      if (new URL(request.url).pathname === "/session") await checkWhose(response.clone());
      lasting(keep(request, copy, asked));
    }
    if (response.status === 404) lasting(caches.open(SEEN).then((cache) => cache.delete(request)));
    if (response.status < 500) return response;
    return await seen ?? response;
  } catch {
    const kept = asOf(request) === asked ? await seen : undefined;
    return kept ?? await fresh.catch(failing);
  }
}

/** Rejects when the network takes long and something was seen; never resolves. */
async function patience(seen: Promise<Response | undefined>): Promise<never> {
  if (await seen === undefined) return await new Promise<never>(() => {});
  return await new Promise<never>((_, reject) => setTimeout(() => reject(new Error()), PATIENCE));
}

function failing(): Response {
  // As the network itself would have it; the page knows that as being offline.
  return Response.error();
}

/** Of somebody else than before: what was seen is not theirs. */
async function checkWhose(response: Response): Promise<void> {
  const { address }: { address?: unknown } = await response.json().catch(() => ({}));
  if (typeof address !== "string") return;
  const cache = await caches.open(SEEN);
  const known = await (await cache.match(WHOSE))?.text();
  if (known === address) return;
  if (known !== undefined) await forget();
  // The first that this worker sees of anybody: nobody's notifications are to be closed.
  else await caches.delete(SEEN);
  await (await caches.open(SEEN)).put(WHOSE, new Response(address));
}

async function keep(request: Request, response: Response, asked: string): Promise<void> {
  const length = Number(response.headers.get("content-length") ?? 0);
  if (length > LARGEST_ENTRY) return await response.body?.cancel();
  const body = await response.arrayBuffer().catch(() => null);
  if (body === null || body.byteLength > LARGEST_ENTRY) return;
  // The session's own entry is what told whose it is: it is kept though forgetting came before it.
  if (asOf(request) !== asked && new URL(request.url).pathname !== "/session") return;
  const { headers, status } = response;
  const cache = await caches.open(SEEN);
  await cache.put(request, new Response(body, { headers, status })).catch(() => {});
  // The oldest come first: what is put again moves to the end.
  const keys = await cache.keys();
  for (const key of keys.slice(0, Math.max(0, keys.length - MOST_ENTRIES))) {
    if (new URL(key.url).pathname !== WHOSE) await cache.delete(key);
  }
}

async function forget(): Promise<void> {
  generation++;
  await caches.delete(SEEN);
  for (const notification of await self.registration.getNotifications()) notification.close();
}

/** Nothing is shown to who has the page before the eyes: it shows the message itself. */
async function pushed(data: PushedEvent["data"]): Promise<void> {
  if ((await tabs()).some(isBeforeTheEyes)) return;
  const { title, body, tag, url } = payloadIn(data);
  await self.registration.showNotification(title, {
    body,
    tag,
    data: url,
    icon: "/icon-192.png",
    badge: "/icon-192.png",
  });
}

function payloadIn(data: PushedEvent["data"]): Record<"title" | "body" | "tag" | "url", string> {
  let payload: Partial<Record<string, unknown>> | null = null;
  try {
    const json: unknown = data?.json();
    payload = typeof json === "object" && json !== null ? { ...json } : null;
  } catch {
    // Shown without words: browsers want every push to be shown.
  }
  const text = (name: string): string => {
    const value = payload?.[name];
    return typeof value === "string" ? value : "";
  };
  return { title: text("title") || "fmsg", body: text("body"), tag: text("tag"), url: text("url") };
}

/** A path of this page, whatever the notification says. */
function pathIn(data: unknown): string {
  const url = URL.parse(typeof data === "string" ? data : "/", self.location.href);
  return url?.origin === self.location.origin && url.pathname === "/" ? `/${url.search}` : "/";
}

/** Those that show the page, not a file of the host; the one that was last used first. */
async function tabs(): Promise<readonly Tab[]> {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => new URL(url).pathname === "/");
}

function isBeforeTheEyes({ focused, visibilityState }: Tab): boolean {
  return focused && visibilityState === "visible";
}

async function open(url: string): Promise<void> {
  const [tab] = await tabs();
  if (tab === undefined) {
    await self.clients.openWindow(url);
    return;
  }
  // Not every browser lets it: then it is shown there all the same.
  await tab.focus().catch(() => {});
  tab.postMessage({ kind: "open", url });
}

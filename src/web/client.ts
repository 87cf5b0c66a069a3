// The interface of the host as typed functions (FMSG-003, and docs/api.md for what is beyond it). Each may throw
// Refused, Offline, SignedOut.

import type {
  Added,
  DraftBody,
  Drafted,
  Lookup,
  MessageHeader,
  Read,
  Sent,
  Session,
  SignedIn,
} from "../api/client_types.ts";
import type { MessageItem, MessageJson } from "../api/message_schema.ts";
import type { List } from "./mail.ts";
import { Offline } from "./errors.ts";
import { request, requestJson } from "./request.ts";

export { upload, type UploadOptions } from "./upload.ts";

export interface Reading {
  readonly signal?: AbortSignal | undefined;
  /** Not what the service worker has kept: where the host cannot be asked, that is Offline. */
  readonly fresh?: boolean;
}

export interface Page extends Reading {
  /** 100 at most. */
  readonly limit: number;
}

/** Of a link, once: it signs this browser in. */
export function signIn(token: string): Promise<SignedIn> {
  return requestJson("/session", { method: "POST", json: { token } });
}

export function currentSession(): Promise<Session> {
  return requestJson("/session");
}

/** Ends the session of this browser. */
export async function signOut(): Promise<void> {
  await request("/session", { method: "DELETE" });
}

/** Ends the session of another browser of the same address. */
export async function endSession(id: string): Promise<void> {
  await request(`/session/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** A page of a list, the newest id first: only ids below `before`; Infinity, from the top. */
export function list(
  which: List,
  { limit, before, ...reading }: Page & { readonly before: number },
): Promise<MessageItem[]> {
  const path = which === "received" ? "/fmsg" : "/fmsg/sent";
  const below = before === Infinity ? "" : `&before=${before}`;
  return requestJson(`${path}?limit=${limit}${below}`, reading);
}

/** A page of what is found. Refused with 400, in words for people, where the query says nothing. */
export function search(
  query: string,
  { limit, offset, ...reading }: Page & { readonly offset: number },
): Promise<MessageItem[]> {
  return requestJson(
    `/fmsg/search?q=${encodeURIComponent(query)}&limit=${limit}&offset=${offset}`,
    reading,
  );
}

/** One message, as an item of a list. Refused with 404 where there is none that this identity may see. */
export async function message(id: number, reading: Reading = {}): Promise<MessageItem> {
  const found: MessageJson = await requestJson(`/fmsg/${id}`, reading);
  return { id, ...found };
}

export interface BodyText {
  readonly text: string;
  /** false: it goes on; ask again with `all`. */
  readonly whole: boolean;
}

/** So much of a body is read to be shown, unless the reader asks for the rest. */
export const SHOWN_BYTES = 1024 * 1024;

/** The start of a body as text, or all of it. */
export async function bodyText(
  { id, type }: Pick<MessageItem, "id" | "type">,
  { all = false, ...reading }: Reading & { readonly all?: boolean } = {},
): Promise<BodyText> {
  const { signal } = reading;
  const response = await request(`/fmsg/${id}/data`, reading);
  const decoder = decoderOf(type);
  const reader = response.body?.getReader();
  if (reader === undefined) return { text: "", whole: true };
  const pieces: string[] = [];
  let left = all ? Number.MAX_SAFE_INTEGER : SHOWN_BYTES;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.length > left) {
        // Half a character at the cut stays in the decoder, and is not shown.
        pieces.push(decoder.decode(value.subarray(0, left), { stream: true }));
        return { text: pieces.join(""), whole: false };
      }
      left -= value.length;
      pieces.push(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw new Offline({ cause: error });
  } finally {
    // The rest is not transferred. Of a body that came to its end this does nothing.
    await reader.cancel().catch(() => {});
  }
  pieces.push(decoder.decode());
  return { text: pieces.join(""), whole: true };
}

/** Unknown and missing charsets are read as UTF-8: wrong characters are shown as such, nothing fails. */
function decoderOf(type: string): TextDecoder {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(type)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/** Where the browser itself downloads from: a link with `download`. */
export function attachmentUrl(id: number, filename: string): string {
  return `/fmsg/${id}/attach/${encodeURIComponent(filename)}`;
}

/** Where the browser downloads a body from. */
export function dataUrl(id: number): string {
  return `/fmsg/${id}/data`;
}

/** A file in memory, to preview it; show it by `URL.createObjectURL`. Ask only for what is small. */
export async function attachment(
  id: number,
  filename: string,
  signal?: AbortSignal,
): Promise<Blob> {
  const response = await request(attachmentUrl(id, filename), { signal });
  try {
    return await response.blob();
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw new Offline({ cause: error });
  }
}

/** Takes a file off a draft. */
export async function removeAttachment(id: number, filename: string): Promise<void> {
  await request(attachmentUrl(id, filename), { method: "DELETE" });
}

/** The id of the new draft. A draft has one recipient at least (FMSG-003 `POST /fmsg`). */
export async function createDraft(draft: DraftBody): Promise<number> {
  const { id }: Drafted = await requestJson("/fmsg", { method: "POST", json: draft });
  return id;
}

/** Its attachments stay. */
export async function replaceDraft(id: number, draft: DraftBody): Promise<void> {
  await request(`/fmsg/${id}`, { method: "PUT", json: draft });
}

export async function deleteDraft(id: number): Promise<void> {
  await request(`/fmsg/${id}`, { method: "DELETE" });
}

/** Refused with 409: it was sent before, or a domain cannot accept the reply; the message tells the way out. */
export function sendDraft(id: number): Promise<Sent> {
  return requestJson(`/fmsg/${id}/send`, { method: "POST" });
}

/** One batch, on a sent message at once, on a draft when that is sent. */
export function addRecipients(id: number, addresses: readonly string[]): Promise<Added> {
  return requestJson(`/fmsg/${id}/add-to`, { method: "POST", json: { add_to: addresses } });
}

export function markRead(id: number): Promise<Read> {
  return requestJson(`/fmsg/${id}/read`, { method: "POST" });
}

export function lookUp(address: string, signal?: AbortSignal): Promise<Lookup> {
  return requestJson(`/fmsg/lookup?address=${encodeURIComponent(address)}`, { signal });
}

/** The hash and the exact header, also of each batch. */
export function header(id: number): Promise<MessageHeader> {
  return requestJson(`/fmsg/${id}/header`);
}

/** The public key that subscriptions are made for, base64url. */
export async function pushKey(): Promise<string> {
  const { key }: { readonly key: string } = await requestJson("/fmsg/push/key");
  return key;
}

export async function subscribePush(subscription: PushSubscriptionJSON): Promise<void> {
  await request("/fmsg/push/subscribe", { method: "POST", json: subscription });
}

export async function unsubscribePush(endpoint: string): Promise<void> {
  await request("/fmsg/push/subscribe", { method: "DELETE", json: { endpoint } });
}

// Routes beyond FMSG-003 that the author's newer clients call: the thread as JSON, and reactions (docs/api.md).

import * as v from "valibot";
import type { ClientMessage, ClientPart, IdentityMailbox, LineageEntry } from "../../store/mod.ts";
import { isText } from "../../wire/mod.ts";
import { messageJson } from "../message_json.ts";
import { BY_ID } from "../parameters.ts";
import { notFound } from "../problem_status.ts";
import { jsonResponse } from "../response.ts";
import { type Route, route } from "../route.ts";
import { ID, named } from "../schema.ts";
import { textOf } from "../text.ts";

/** Messages of a lineage, as FMSG-003 recommends for the thread as text. */
const MOST_MESSAGES = 100;

/** Bytes of text in one answer: it is put together in memory. */
const MOST_TEXT = 4 * 1024 * 1024;

const PART = {
  type: v.string(),
  size: ID,
  cache_key: v.optional(v.string()),
  cacheable: v.boolean(),
};

const THREAD = named("Thread", {
  root_id: ID,
  trigger_id: ID,
  complete: v.boolean(),
  messages: v.array(
    v.variant("visible", [
      v.object({ visible: v.literal(false), id: ID }),
      v.looseObject({
        visible: v.literal(true),
        id: ID,
        message_sha256: v.optional(v.string()),
        body: v.object({ ...PART, text: v.optional(v.string()), download: v.optional(v.string()) }),
        attachments: v.array(
          v.object({ ...PART, position: v.number(), filename: v.string(), download: v.string() }),
        ),
      }),
    ]),
  ),
});

type ThreadItem = v.InferOutput<typeof THREAD>["messages"][number];
type Body = Extract<ThreadItem, { visible: true }>["body"];

const threadMessages = route({
  method: "get",
  path: "/fmsg/:id/thread/messages",
  operation: "get_thread_messages",
  summary: "Load the direct ancestor lineage as JSON (beyond FMSG-003)",
  admission: "identity",
  params: BY_ID,
  answers: {
    200: { description: "The messages, the root first", json: THREAD },
    413: { description: "More than 4 MiB of text; code thread_too_large" },
    422: { description: "More than 100 messages; code thread_too_deep" },
  },
}, async ({ context, identity, params }) => {
  const mailbox = context.mailbox(identity.address);
  const lineage = mailbox.lineage(params.id, MOST_MESSAGES);
  const [root, trigger] = [lineage?.at(0), lineage?.at(-1)];
  if (lineage === null || root === undefined || trigger === undefined) throw notFound();
  if (lineage.length > MOST_MESSAGES) {
    return coded(422, "thread_too_deep", `The thread has more than ${MOST_MESSAGES} messages`);
  }
  if (textIn(lineage) > MOST_TEXT) {
    return coded(413, "thread_too_large", "The thread has more than 4 MiB of text");
  }
  const messages: ThreadItem[] = [];
  for (const entry of lineage) messages.push(await threadItem(mailbox, entry));
  return jsonResponse({
    root_id: idOf(root),
    trigger_id: idOf(trigger),
    complete: messages.every(({ visible }) => visible),
    messages,
  });
});

/**
 * Reactions (FMSG-005) are messages with the flag "terminal" of fmsg 0.6, which a host of 0.4 has to refuse as a
 * reserved one. A message without the flag would be a reply to everybody, so nothing is sent.
 */
const react = route({
  method: "post",
  path: "/fmsg/:id/react",
  operation: "react",
  summary: "Refused: reactions need a later version of fmsg (beyond FMSG-003)",
  admission: "identity",
  params: BY_ID,
  body: { json: v.object({ emoji: v.nullish(v.string()) }) },
  answers: { 501: { description: "Always; code reactions_unsupported" } },
}, ({ context, identity, params }) => {
  if (context.mailbox(identity.address).message(params.id) === null) throw notFound();
  return coded(
    501,
    "reactions_unsupported",
    "This host speaks fmsg 0.4, which has no reactions: send a reply instead",
  );
});

export const compatibleRoutes: readonly Route[] = [threadMessages, react];

async function threadItem(mailbox: IdentityMailbox, entry: LineageEntry): Promise<ThreadItem> {
  if (entry.kind === "hidden") return { id: entry.id, visible: false };
  const { message } = entry;
  const { id, hash } = message;
  const fields = messageJson(message, null);
  return {
    id,
    visible: true,
    ...fields,
    ...hash === null ? {} : { message_sha256: hash },
    body: await bodyOf(mailbox, message),
    attachments: message.attachments.map(({ filename, type, size }, position) => {
      const name = encodeURIComponent(filename);
      return {
        position,
        type,
        filename,
        size,
        download: `/fmsg/${id}/attach/${name}`,
        ...cached(hash, `attachment:${position}:${name}`),
      };
    }),
  };
}

/** The text itself where the body is some, else where to load it from. */
async function bodyOf(mailbox: IdentityMailbox, message: ClientMessage): Promise<Body> {
  const { id, type, size, hash } = message;
  const part = isInline(type) ? mailbox.part(id, null) : null;
  const text = part === null ? null : await wholeText(part);
  return {
    type,
    size,
    ...text === null ? { download: `/fmsg/${id}/data` } : { text },
    ...cached(hash, "body"),
  };
}

async function wholeText(part: ClientPart): Promise<string | null> {
  const bytes = new Uint8Array(part.size);
  let filled = 0;
  for await (const chunk of part.read()) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return textOf(part.type, bytes, part.size);
}

function textIn(lineage: readonly LineageEntry[]): number {
  return lineage.reduce(
    (sum, entry) =>
      entry.kind === "visible" && isInline(entry.message.type) ? sum + entry.message.size : sum,
    0,
  );
}

function isInline(type: string): boolean {
  return isText(type) || /^[^;]*\+json *(?:;|$)/i.test(type);
}

/** A sent message's hash covers all its parts, so they can be kept under it for good. */
function cached(hash: string | null, part: string): { cache_key?: string; cacheable: boolean } {
  return hash === null
    ? { cacheable: false }
    : { cache_key: `sha256:${hash}:${part}`, cacheable: true };
}

function idOf(entry: LineageEntry): number {
  return entry.kind === "hidden" ? entry.id : entry.message.id;
}

function coded(status: 413 | 422 | 501, code: string, error: string): Response {
  return jsonResponse({ error, code }, status);
}

// Drafts: made, replaced, deleted, sent (FMSG-003 "Message Routes").

import { type StagedPart, stageStream } from "../../host/part_stream.ts";
import { isProblem, type Problem } from "../../protocol/mod.ts";
import type { ClientMessage, MessageFields } from "../../store/mod.ts";
import { Address, addressProblem, mediaTypeSpelling } from "../../wire/mod.ts";
import { DRAFT, type DraftBody, DRAFTED, SENT } from "../client_types.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../error.ts";
import type { Identity } from "../identity/identity.ts";
import { BY_ID } from "../parameters.ts";
import { alreadySent, problemError } from "../problem_status.ts";
import { jsonResponse, noContent } from "../response.ts";
import { type Route, route } from "../route.ts";
import { visible } from "./messages.ts";

/** It is in memory as a whole, on a small heap: what is larger goes as an attachment, which is streamed. */
const MOST_JSON = 32 * 1024 * 1024;

/** A text in JSON takes up to three times its bytes, where a client escapes all that is not ASCII. */
const BODY = {
  json: DRAFT,
  limit: (context: ApiContext): number =>
    Math.min(3 * context.config().limits.max_expanded_size + 256 * 1024, MOST_JSON),
};

export const draftRoutes: readonly Route[] = [
  route({
    method: "post",
    path: "/fmsg",
    operation: "create_draft",
    summary: "Create a draft",
    admission: "identity",
    takesRoom: true,
    body: BODY,
    answers: { 201: { description: "The draft", json: DRAFTED } },
  }, async ({ context, identity, readBody }) => {
    const body = await readBody();
    const fields = fieldsOf(context, identity, body);
    await using data = await stagedData(context, body);
    const drafted = await context.writer.submit("draft", {
      ...fields,
      body: data.part,
      attachments: [],
      content: data.content,
    });
    if (isProblem(drafted)) throw contentProblem(drafted);
    data.adopted();
    return jsonResponse({ id: drafted.id }, 201);
  }),

  route({
    method: "put",
    path: "/fmsg/:id",
    operation: "replace_draft",
    summary: "Replace what a draft says; its attachments stay",
    admission: "identity",
    takesRoom: true,
    params: BY_ID,
    body: BODY,
    answers: { 200: { description: "The draft", json: DRAFTED } },
  }, async ({ context, identity, params, readBody }) => {
    const { id } = ownDraft(context, identity, params.id);
    const body = await readBody();
    const fields = fieldsOf(context, identity, body);
    await using data = await stagedData(context, body);
    const drafted = await context.writer.submit("replaceDraft", {
      ...fields,
      id,
      body: data.part,
      content: data.content,
    });
    if (isProblem(drafted)) throw contentProblem(drafted);
    data.adopted();
    return jsonResponse({ id });
  }),

  route({
    method: "delete",
    path: "/fmsg/:id",
    operation: "delete_draft",
    summary: "Delete a draft, with its attachments and the recipients to be added",
    admission: "identity",
    params: BY_ID,
    answers: { 204: { description: "It is deleted" } },
  }, async ({ context, identity, params }) => {
    const { id } = ownDraft(context, identity, params.id);
    const deleted = await context.writer.submit("delete", {
      message: id,
      for: identity.address.text,
      draft: true,
    });
    if (isProblem(deleted)) throw problemError(deleted);
    return noContent();
  }),

  route({
    method: "post",
    path: "/fmsg/:id/send",
    operation: "send_draft",
    summary: "Send a draft",
    admission: "identity",
    takesRoom: true,
    params: BY_ID,
    answers: {
      200: { description: "It is accepted for delivery", json: SENT },
    },
  }, async ({ context, identity, params }) => {
    const { id } = ownDraft(context, identity, params.id, 409);
    const sent = await context.writer.submit("sendDraft", { id, from: identity.address.text });
    if (isProblem(sent)) throw problemError(sent, 409);
    return jsonResponse({ id: sent.id, time: sent.time });
  }),
];

/**
 * The draft, if it is one of this identity's. Another participant, and anybody once it is sent, is told 403; a second
 * send is told `sent`. The writer looks again, in its transaction.
 */
export function ownDraft(
  context: ApiContext,
  { address }: Identity,
  id: number,
  sent: 403 | 409 = 403,
): ClientMessage {
  const message = visible(context.mailbox(address), id);
  if (!message.isSender) {
    throw new ApiError(403, "Only its sender may change, send or delete a message");
  }
  if (!message.isDraft) throw alreadySent(sent);
  return message;
}

/** What the body says, without the data. Throws an ApiError: 400, or 403 for a `from` that is somebody else. */
function fieldsOf(
  context: ApiContext,
  { address }: Identity,
  body: DraftBody,
): Omit<MessageFields, "body" | "attachments"> {
  const from = Address.parse(body.from);
  if (from === null) {
    throw new ApiError(400, `"from" is no address: ${addressProblem(body.from) ?? ""}`);
  }
  if (!Address.same(from, address)) {
    throw new ApiError(403, '"from" has to be the address that is authenticated');
  }
  return {
    from: address.text,
    to: body.to,
    start: startOf(context, address, body),
    important: body.important ?? false,
    noReply: body.no_reply ?? false,
  };
}

function startOf(
  context: ApiContext,
  address: Address,
  { pid = null, topic }: DraftBody,
): MessageFields["start"] {
  if (pid === null) return { topic: topic ?? "" };
  if ((topic ?? "") !== "") {
    throw new ApiError(
      400,
      'A reply has the topic of its thread: "topic" has to be empty beside "pid"',
    );
  }
  // What is hidden looks like what is absent (row N2).
  const parent = Number.isSafeInteger(pid) ? context.mailbox(address).message(pid) : null;
  if (parent === null || parent.isDraft) throw noParent();
  return { replyTo: parent.id };
}

function noParent(): ApiError {
  return new ApiError(400, '"pid" is no message that you have');
}

/** In a draft's content nothing but its parent can be missing: it went meanwhile. */
function contentProblem(problem: Problem): ApiError {
  return problem.reason === "message not found" ? noParent() : problemError(problem);
}

/** Throws an ApiError with 413 for more than a message may hold. */
async function stagedData({ config, writer }: ApiContext, body: DraftBody): Promise<StagedPart> {
  const bytes = new TextEncoder().encode(body.data ?? "");
  const most = config().limits.max_expanded_size;
  if (bytes.length > most) {
    throw new ApiError(413, `"data" has ${bytes.length} bytes, more than the ${most} of a message`);
  }
  return await stageStream(writer, mediaTypeSpelling(body.type), pieces(bytes), most);
}

/** No more at once than would come from a socket: what is compressed in one go blocks all else. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

const PIECE = 64 * 1024;

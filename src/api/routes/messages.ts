// Lists of messages, one message, its read state, and recipients added to it (FMSG-003 "Message Routes").

import * as v from "valibot";
import { isProblem } from "../../protocol/mod.ts";
import type { ClientMessage, IdentityMailbox } from "../../store/mod.ts";
import { ADDED, ADDING, READ } from "../client_types.ts";
import { ApiError } from "../error.ts";
import { messageItem, messageItems } from "../message_json.ts";
import { MESSAGE, MESSAGE_ITEM } from "../message_schema.ts";
import { BY_ID, PAGE } from "../parameters.ts";
import { notFound, problemError } from "../problem_status.ts";
import { jsonResponse } from "../response.ts";
import { type Route, route } from "../route.ts";

export const messageRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg",
    operation: "list_received",
    summary: "List received messages, the newest id first",
    admission: "identity",
    query: PAGE,
    answers: { 200: { description: "Messages", json: v.array(MESSAGE_ITEM) } },
  }, ({ context, identity, query }) => {
    const mailbox = context.mailbox(identity.address);
    return listed(mailbox, mailbox.received(query.limit, query.offset, query.before));
  }),

  route({
    method: "get",
    path: "/fmsg/sent",
    operation: "list_sent",
    summary: "List authored messages and drafts, the newest id first",
    admission: "identity",
    query: PAGE,
    answers: { 200: { description: "Messages and drafts", json: v.array(MESSAGE_ITEM) } },
  }, ({ context, identity, query }) => {
    const mailbox = context.mailbox(identity.address);
    return listed(mailbox, mailbox.authored(query.limit, query.offset, query.before));
  }),

  route({
    method: "get",
    path: "/fmsg/:id",
    operation: "get_message",
    summary: "Retrieve message metadata",
    admission: "identity",
    params: BY_ID,
    answers: { 200: { description: "The message", json: MESSAGE } },
  }, ({ context, identity, params }) => {
    const mailbox = context.mailbox(identity.address);
    const { id: _, ...message } = messageItem(mailbox, visible(mailbox, params.id));
    return jsonResponse(message);
  }),

  route({
    method: "post",
    path: "/fmsg/:id/read",
    operation: "mark_read",
    summary: "Mark a received message read; a repeated call gives the first time again",
    admission: "identity",
    params: BY_ID,
    answers: {
      200: { description: "When it was first read", json: READ },
    },
  }, async ({ context, identity, params }) => {
    const { address } = identity;
    const message = context.mailbox(address).message(params.id);
    if (message === null || !message.isRecipient) throw notFound();
    const mark = await context.writer.submit("markRead", {
      message: message.id,
      for: address.text,
    });
    if (isProblem(mark)) throw problemError(mark);
    return jsonResponse({ id: message.id, time_read: mark.at });
  }),

  route({
    method: "post",
    path: "/fmsg/:id/add-to",
    operation: "add_recipients",
    summary: "Add recipients as one new batch; on a draft it waits with that",
    admission: "identity",
    takesRoom: true,
    params: BY_ID,
    body: { json: ADDING, limit: () => RECIPIENTS_LIMIT },
    answers: {
      200: { description: "How many were added", json: ADDED },
    },
  }, async ({ context, identity, params, readBody }) => {
    const { address } = identity;
    const message = visible(context.mailbox(address), params.id);
    if (!message.mayAdd) {
      throw new ApiError(403, 'Only the sender and those in "to" may add recipients');
    }
    const { add_to } = await readBody();
    const added = await context.writer.submit("addTo", {
      message: message.id,
      from: address.text,
      to: add_to,
    });
    if (isProblem(added)) throw problemError(added);
    return jsonResponse({ id: message.id, added: add_to.length });
  }),
];

/** 255 addresses of 255 bytes, with escapes. */
const RECIPIENTS_LIMIT = 256 * 1024;

/** The message, if this identity may see it: else 404, as for one that does not exist (row N2). */
export function visible(mailbox: IdentityMailbox, id: number): ClientMessage {
  const message = mailbox.message(id);
  if (message === null) throw notFound();
  return message;
}

function listed(mailbox: IdentityMailbox, messages: readonly ClientMessage[]): Response {
  return jsonResponse(messageItems(mailbox, messages));
}

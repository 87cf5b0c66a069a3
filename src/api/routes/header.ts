// The exact header of a message and its hashes, for whoever wants to check them (beyond FMSG-003).

import { Buffer } from "node:buffer";
import type { ClientHeader } from "../../store/mod.ts";
import { type Bytes, hex } from "../../wire/mod.ts";
import { MESSAGE_HEADER, type MessageHeader } from "../client_types.ts";
import { ApiError } from "../error.ts";
import { BY_ID } from "../parameters.ts";
import { notFound } from "../problem_status.ts";
import { jsonResponse } from "../response.ts";
import { type Route, route } from "../route.ts";
import { visible } from "./messages.ts";

/** Headers of batches in one answer: each repeats all of the original's, and strangers may add to a message. */
const MOST_BYTES = 4 * 1024 * 1024;

export const headerRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/:id/header",
    operation: "get_header",
    summary: "Retrieve the exact header and the hashes of a message (beyond FMSG-003)",
    admission: "identity",
    params: BY_ID,
    answers: { 200: { description: "The header, and those of its batches", json: MESSAGE_HEADER } },
  }, ({ context, identity, params }) => {
    const mailbox = context.mailbox(identity.address);
    const message = visible(mailbox, params.id);
    if (message.isDraft) throw new ApiError(404, "A draft has no header before it is sent");
    const headers = mailbox.headers(message.id, MOST_BYTES);
    if (headers === null) throw notFound();
    const answer: MessageHeader = {
      ...headerJson(headers),
      batches: headers.batches.map((batch) => ({ batch_id: batch.id, ...headerJson(batch) })),
    };
    return jsonResponse(answer);
  }),
];

function headerJson(
  { hash, headerHash, header }: ClientHeader,
): Pick<MessageHeader, "hash" | "header_hash" | "header"> {
  return { hash: hex(hash), header_hash: hex(headerHash), header: base64(header) };
}

function base64(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

// Full-text search in what an identity may see (beyond FMSG-003).

import * as v from "valibot";
import { QueryError, SearchBusy } from "../../store/mod.ts";
import { ApiError } from "../error.ts";
import { messageItems } from "../message_json.ts";
import { MESSAGE_ITEM } from "../message_schema.ts";
import { PAGE_ENTRIES } from "../parameters.ts";
import { jsonResponse } from "../response.ts";
import { type Route, route } from "../route.ts";

export const searchRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/search",
    operation: "search_messages",
    summary: "Find messages by words of their topics, texts, addresses and file names",
    admission: "identity",
    query: v.object({
      q: v.string(),
      ...PAGE_ENTRIES,
    }),
    answers: {
      200: { description: "Messages that hold all of the words", json: v.array(MESSAGE_ITEM) },
    },
  }, async ({ context, identity, query }) => {
    const { address } = identity;
    const mailbox = context.mailbox(address);
    const { q, limit, offset } = query;
    const hits = await found(() => context.search.find(address, q, limit, offset));
    return jsonResponse(messageItems(mailbox, mailbox.messages(hits.map(({ id }) => id))));
  }),
];

async function found<Hits>(search: () => Promise<Hits>): Promise<Hits> {
  try {
    return await search();
  } catch (error) {
    if (error instanceof QueryError) throw new ApiError(400, error.message, {}, { cause: error });
    if (!(error instanceof SearchBusy)) throw error;
    throw new ApiError(503, error.message, { "retry-after": "10" }, { cause: error });
  }
}

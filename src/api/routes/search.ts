// Full-text search in what an identity may see (beyond FMSG-003).

import * as v from "valibot";
import { QueryError } from "../../store/mod.ts";
import { ApiError } from "../error.ts";
import { MESSAGE_ITEM, messageItem } from "../message_json.ts";
import { PAGE_ENTRIES } from "../parameters.ts";
import { jsonResponse } from "../response.ts";
import { type Route, route } from "../route.ts";

export const searchRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/search",
    summary: "Find messages by words of their topics, texts, addresses and file names",
    admission: "identity",
    query: v.object({
      q: v.string(),
      ...PAGE_ENTRIES,
    }),
    answers: {
      200: { description: "Messages that hold all of the words", json: v.array(MESSAGE_ITEM) },
    },
  }, ({ context, identity, query }) => {
    const { address } = identity;
    const mailbox = context.mailbox(address);
    const hits = found(() => context.search.find(address, query.q, query.limit, query.offset));
    return jsonResponse(hits.flatMap(({ id }) => {
      const message = mailbox.message(id);
      return message === null ? [] : [messageItem(mailbox, message)];
    }));
  }),
];

function found<Hits>(search: () => Hits): Hits {
  try {
    return search();
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new ApiError(400, error.message, {}, { cause: error });
  }
}

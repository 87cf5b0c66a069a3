// The body of a message, whole (FMSG-003 "Content Routes").

import { endingOfType } from "../../host/file_type.ts";
import { download } from "../download.ts";
import { BY_ID } from "../parameters.ts";
import { notFound } from "../problem_status.ts";
import { type Route, route } from "../route.ts";
import { visible } from "./messages.ts";

export const contentRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/:id/data",
    operation: "download_data",
    summary: "Download message data",
    admission: "identity",
    params: BY_ID,
    answers: {
      200: { description: "The data, of the media type of the message", content: "*/*" },
      206: { description: "A range of it", content: "*/*" },
      304: { description: "It is what the client has" },
    },
  }, ({ context, identity, params, request }) => {
    const mailbox = context.mailbox(identity.address);
    const { id, hash } = visible(mailbox, params.id);
    const part = mailbox.part(id, null);
    if (part === null) throw notFound();
    return download({ part, hash, filename: `message-${id}.${endingOfType(part.type)}` }, request);
  }),
];

// Attachments: uploaded to a draft, downloaded, taken off a draft (FMSG-003 "Attachment Routes").

import { typeOfFile } from "../../host/file_type.ts";
import { stageStream } from "../../host/part_stream.ts";
import { isProblem } from "../../protocol/mod.ts";
import type { ClientMessage } from "../../store/mod.ts";
import { isFilename, mediaTypeSpelling, same } from "../../wire/mod.ts";
import { UPLOADED } from "../client_types.ts";
import { download } from "../download.ts";
import { ApiError } from "../error.ts";
import { BY_FILENAME, BY_ID } from "../parameters.ts";
import { problemError } from "../problem_status.ts";
import { jsonResponse, noContent } from "../response.ts";
import { type Route, route } from "../route.ts";
import { readFile } from "../server/multipart.ts";
import { ownDraft } from "./drafts.ts";
import { visible } from "./messages.ts";

export const attachmentRoutes: readonly Route[] = [
  route({
    method: "post",
    path: "/fmsg/:id/attach",
    operation: "upload_attachment",
    summary: "Upload one attachment to a draft; one of the same name is replaced",
    admission: "identity",
    takesRoom: true,
    params: BY_ID,
    body: { multipart: "file" },
    answers: {
      201: {
        description: "The attachment",
        json: UPLOADED,
      },
    },
  }, async ({ context, identity, params, request }) => {
    const { id, size, attachments } = ownDraft(context, identity, params.id);
    const { writer } = context;
    const most = context.config().limits.max_expanded_size - size;
    await using staging = new AsyncDisposableStack();
    const { staged, filename } = await readFile(request, most + FORM, async (file) => {
      const filename = attachmentName(file.filename);
      const left = attachments.filter((other) => other.filename !== filename)
        .reduce((left, other) => left - other.size, most);
      const bytes = bounded(file.bytes, Math.max(left, 0));
      const staged = await stageStream(writer, typeOf(file.type, filename), bytes, most);
      return { staged: staging.use(staged), filename };
    });
    const { part, content } = staged;
    const attached = await writer.submit("attach", {
      draft: id,
      from: identity.address.text,
      attachment: { ...part, filename },
      content,
    });
    if (isProblem(attached)) throw problemError(attached);
    staged.adopted();
    return jsonResponse({ filename, size: part.expandedSize ?? part.size }, 201);
  }),

  route({
    method: "get",
    path: "/fmsg/:id/attach/:filename",
    operation: "download_attachment",
    summary: "Download one attachment",
    admission: "identity",
    params: BY_FILENAME,
    answers: {
      200: { description: "The file, of its own media type", content: "*/*" },
      206: { description: "A range of it", content: "*/*" },
      304: { description: "It is what the client has" },
    },
  }, ({ context, identity, params, request }) => {
    const mailbox = context.mailbox(identity.address);
    const message = visible(mailbox, params.id);
    const filename = nameIn(message, params.filename);
    const part = mailbox.part(message.id, filename);
    if (part === null) throw noAttachment();
    return download({ part, hash: message.hash, filename }, request);
  }),

  route({
    method: "delete",
    path: "/fmsg/:id/attach/:filename",
    operation: "delete_attachment",
    summary: "Delete an attachment from a draft",
    admission: "identity",
    params: BY_FILENAME,
    answers: { 204: { description: "It is deleted" } },
  }, async ({ context, identity, params }) => {
    const draft = ownDraft(context, identity, params.id);
    const detached = await context.writer.submit("detach", {
      draft: draft.id,
      from: identity.address.text,
      filename: nameIn(draft, params.filename),
    });
    if (isProblem(detached)) throw problemError(detached);
    return noContent();
  }),
];

/** What a form takes besides its file. */
const FORM = 64 * 1024;

/** Names with path parts, control characters or `..` are refused, not repaired (row N9). */
function attachmentName(filename: string): string {
  // Some file systems compose letters of two characters, which the grammar of file names does not know.
  const name = filename.normalize("NFC");
  if (isFilename(name)) return name;
  throw new ApiError(
    400,
    'The file name may hold letters and numbers, with single "-", "_", "." and blanks between them, ' +
      "up to 255 bytes: rename the file",
  );
}

/** Names of one message differ in more than case, so whoever asks for one need not match it. */
function nameIn({ attachments }: ClientMessage, name: string): string {
  const found = attachments.find(({ filename }) => filename === name) ??
    attachments.find(({ filename }) => same(filename, name));
  if (found === undefined) throw noAttachment();
  return found.filename;
}

function noAttachment(): ApiError {
  return new ApiError(404, "The message has no attachment of that name");
}

/** The author's command-line client calls everything application/octet-stream: then the name tells more. */
function typeOf(type: string | null, filename: string): string {
  const spelled = type === null ? "" : mediaTypeSpelling(type);
  return spelled === "" || spelled === "application/octet-stream" ? typeOfFile(filename) : spelled;
}

async function* bounded(
  bytes: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array, void> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > most) {
      throw new ApiError(413, `The message would be too large: there is room for ${most} bytes`);
    }
    yield chunk;
  }
}

// A message behind its ancestors, as plain text (FMSG-003 "Content Routes", row N8).

import type { IdentityMailbox, LineageEntry } from "../../store/mod.ts";
import { decoderFor, isText } from "../../wire/mod.ts";
import { BY_ID } from "../parameters.ts";
import { notFound } from "../problem_status.ts";
import { type Route, route } from "../route.ts";
import { rfc3339 } from "../time.ts";

/** Ancestors that are shown at most. */
const HOPS = 100;

/** Bytes of bodies in one thread. A body that passes it is cut, and says so. */
const MOST = 16 * 1024 * 1024;

export const threadRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/:id/thread",
    operation: "get_thread",
    summary: "Render the message behind its direct ancestors, root first",
    admission: "identity",
    params: BY_ID,
    answers: { 200: { description: "The thread", content: "text/plain; charset=utf-8" } },
  }, ({ context, identity, params }) => {
    const mailbox = context.mailbox(identity.address);
    const entries = mailbox.lineage(params.id, HOPS);
    if (entries === null) throw notFound();
    const text = ReadableStream.from(threadText(mailbox, entries));
    return new Response(text.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  }),
];

/** The whole text in pieces; of each body a piece at a time is in memory. */
async function* threadText(
  mailbox: IdentityMailbox,
  entries: readonly LineageEntry[],
): AsyncGenerator<string, void> {
  let left = MOST;
  for (const [i, entry] of entries.entries()) {
    if (i > 0) yield "\n";
    yield `${headline(entry)}\n`;
    if (entry.kind === "hidden") {
      yield "[message not visible to you]\n";
      continue;
    }
    const { id, type, size } = entry.message;
    if (!isText(type)) {
      yield `[non-text message: ${type}, ${size} bytes]\n`;
      continue;
    }
    const shown = Math.min(size, left);
    left -= shown;
    yield* withoutEndOfLines(bodyText(mailbox, id, shown));
    if (shown < size) yield `[cut: GET /fmsg/${id}/data gives all ${size} bytes]\n`;
  }
}

function headline(entry: LineageEntry): string {
  const { from, time } = entry.kind === "visible" ? entry.message : entry;
  return `--- ${from} ${time === null ? "draft" : rfc3339(time)} ---`;
}

async function* bodyText(
  mailbox: IdentityMailbox,
  id: number,
  bytes: number,
): AsyncGenerator<string, void> {
  const part = mailbox.part(id, null);
  if (part === null || bytes === 0) return;
  let decoder: TextDecoder | null = null;
  for await (const chunk of part.read(0, bytes)) {
    decoder ??= decoderFor(part.type, chunk);
    yield decoder.decode(chunk, { stream: true });
  }
  if (decoder !== null) yield decoder.decode();
}

/** Entries are set apart by one blank line, so the line ends at the end of a body shrink to one; nothing stays nothing. */
async function* withoutEndOfLines(pieces: AsyncIterable<string>): AsyncGenerator<string, void> {
  let ends = "";
  let isEmpty = true;
  for await (const piece of pieces) {
    const text = piece.slice(0, endOfText(piece));
    if (text !== "") {
      yield ends + text;
      ends = "";
      isEmpty = false;
    }
    ends += piece.slice(text.length);
  }
  if (!isEmpty) yield "\n";
}

/** Where the line ends at the end begin. No regular expression: one would take quadratic time for line ends within. */
function endOfText(piece: string): number {
  let end = piece.length;
  while (end > 0 && (piece[end - 1] === "\n" || piece[end - 1] === "\r")) end--;
  return end;
}

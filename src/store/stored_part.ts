// A part of stored content: the data of a message or an attachment, decompressed.

import { constants, inflateSync } from "node:zlib";
import { inflated } from "../protocol/mod.ts";
import { type Bytes, decodeHeader, type Header, mediaTypeText, type Part } from "../wire/mod.ts";
import { CHUNK_SIZE, CHUNKS_PER_CONTENT, readContent, readWhole } from "./contents.ts";
import { type Database, type Row, StoreError } from "./database.ts";
import type { Draft } from "./drafts.ts";
import type { PartName } from "./views.ts";

/** A part, and where it is: from `offset` on in that content, as it goes over the wire. */
export interface StoredPart extends Pick<Part, "size" | "expandedSize"> {
  readonly name: PartName;
  readonly type: string;
  readonly content: number;
  readonly offset: number;
}

/** What was being read was deleted, or replaced by something else. */
export class PartGone extends StoreError {}

/** The data of a message and then its attachments. */
export function partsOfMessage(
  message: Row,
  header: Header = decodeHeader(message.blob("header")),
): StoredPart[] {
  const content = message.integer("content");
  let offset = 0;
  return [{ ...header, filename: null }, ...header.attachments].map((part) => {
    const { filename, type, size, expandedSize } = part;
    const at = offset;
    offset += size;
    const name = mediaTypeText(type) ?? "";
    return { name: filename, type: name, size, expandedSize, content, offset: at };
  });
}

/** The data of a draft and then its attachments. */
export function partsOfDraft({ fields, contents }: Draft): StoredPart[] {
  return [{ ...fields.body, filename: null }, ...fields.attachments].flatMap((part, place) => {
    const { filename, type, size, expandedSize } = part;
    const content = contents[place];
    return content === undefined
      ? []
      : [{ name: filename, type, size, expandedSize, content, offset: 0 }];
  });
}

/**
 * The bytes of a part from `start` up to `end`, decompressed; a StoreError when they are not all there. In a compressed
 * part the bytes before `start` are inflated too, and none after `end`.
 */
export async function* readPart(
  db: Database,
  { content, offset, size, expandedSize }: StoredPart,
  start = 0,
  end = Infinity,
): AsyncGenerator<Bytes, void> {
  const last = Math.min(end, expandedSize ?? size);
  if (start >= last) return;
  if (expandedSize === null) {
    yield* readWhole(db, content, offset + start, last - start);
    return;
  }
  let at = 0;
  for await (const piece of inflated(readWhole(db, content, offset, size))) {
    const wanted = piece.subarray(Math.max(0, start - at), last - at);
    at += piece.length;
    if (wanted.length > 0) yield wanted;
    if (at >= last) return;
  }
}

/**
 * The first bytes of a part, decompressed, `most` of them or fewer: it is looked at in passing, so little is read even
 * where a stranger compressed it so that all its bytes are far behind. Null where the store is damaged there: a list
 * goes on.
 */
function startOfPart(db: Database, part: StoredPart, most: number): Bytes | null {
  const { content, offset, size, expandedSize } = part;
  if (expandedSize === null) return firstBytes(db, content, offset, Math.min(size, most));
  const first = Math.max(most, SMALLEST_START);
  let taken = Math.min(size, first);
  for (;;) {
    const wire = firstBytes(db, content, offset, taken);
    const bytes = inflatedSoFar(wire, most);
    if (bytes === null) return null;
    if (bytes.length >= most || taken >= Math.min(size, 16 * first)) {
      return bytes.slice(0, most);
    }
    taken = Math.min(size, 2 * taken);
  }
}

/** As `startOfPart` of parts that are data (null: of none), in one statement for nearly all of them. */
export function startsOfData(
  db: Database,
  parts: readonly (StoredPart | null)[],
  most: number,
): (Bytes | null)[] {
  const taken = Math.max(most, SMALLEST_START);
  // No further than the first chunk, where the data begins.
  if (taken > CHUNK_SIZE) return parts.map((part) => part && startOfPart(db, part, most));
  const contents = parts.flatMap((part) => part?.content ?? []);
  const rows = db.all(
    `SELECT wanted.value AS content, substr(chunk.bytes, 1, ?2) AS bytes
     FROM json_each(?1) wanted CROSS JOIN chunk
     WHERE chunk.id = ?3 * coalesce(
       (SELECT part FROM piece WHERE content = wanted.value AND place = 0), wanted.value)`,
    JSON.stringify(contents),
    taken,
    CHUNKS_PER_CONTENT,
  );
  const beginnings = new Map(rows.map((row) => [row.integer("content"), row.blob("bytes")]));
  return parts.map((part) => {
    if (part === null) return null;
    const { content, size, expandedSize } = part;
    const wire = (beginnings.get(content) ?? new Uint8Array()).subarray(0, size);
    if (expandedSize === null) return wire.subarray(0, most);
    const bytes = inflatedSoFar(wire, most);
    if (bytes !== null && bytes.length < most && size > taken) return startOfPart(db, part, most);
    return bytes?.slice(0, most) ?? null;
  });
}

/**
 * What this much of a stream inflates to, or the first of that, of at least `most` bytes. A byte may stand for a thousand:
 * of such, less is inflated.
 */
function inflatedSoFar(wire: Bytes, most: number): Bytes | null {
  try {
    for (let length = wire.length; length > 0; length >>= 2) {
      const bytes = inflatedUpTo(wire.subarray(0, length), Math.max(64 * most, CHUNK_SIZE));
      if (bytes === null) continue;
      if (bytes.length >= most || length === wire.length) return bytes;
      break;
    }
    return inflatedUpTo(wire, Infinity);
  } catch {
    return null;
  }
}

/** null where it is more than so many bytes. */
function inflatedUpTo(wire: Bytes, most: number): Bytes | null {
  try {
    return new Uint8Array(inflateSync(wire, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...most < INFLATED ? { maxOutputLength: most } : {},
    }));
  } catch (error) {
    if (error instanceof RangeError && "code" in error && error.code === TOO_LARGE) return null;
    throw error;
  }
}

/** The runtime's own bound on what it inflates at once. */
const INFLATED = 2 ** 31 - 1;

const TOO_LARGE = "ERR_BUFFER_TOO_LARGE";

/** Bytes that a compressed part is read from at least: its stream may begin with a table of some hundred bytes. */
const SMALLEST_START = 512;

function firstBytes(db: Database, content: number, offset: number, length: number): Bytes {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for (const chunk of readContent(db, content, offset, offset + length)) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return bytes.subarray(0, filled);
}

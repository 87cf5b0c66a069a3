// The exact headers of what one identity sees, with their hashes: what a message was on its way between hosts.

import type { Bytes } from "../wire/mod.ts";
import type { ClientMessage } from "./client_views.ts";
import type { Database } from "./database.ts";

export interface ClientHeader {
  /** Of the message, or of the batch. */
  readonly id: number;
  /** The message hash: of the header and of the content. */
  readonly hash: Bytes;
  readonly headerHash: Bytes;
  /** As transmitted. */
  readonly header: Bytes;
}

export interface ClientHeaders extends ClientHeader {
  /** Of the batches that the message is shown with, in their order. */
  readonly batches: readonly ClientHeader[];
}

/**
 * The headers of a message that was sent or received, and of its batches; null when it is gone. Of those the newest, whose
 * headers have `most` bytes, or a single one with more.
 */
export function headersOf(
  db: Database,
  message: ClientMessage,
  most: number,
): ClientHeaders | null {
  const own = headerOf(db, message.id);
  if (own === null) return null;
  const batches: ClientHeader[] = [];
  let bytes = 0;
  for (const { batchId } of message.addTo.toReversed()) {
    const batch = headerOf(db, batchId);
    if (batch === null) continue;
    bytes += batch.header.length;
    if (batches.length > 0 && bytes > most) break;
    batches.unshift(batch);
  }
  return { ...own, batches };
}

function headerOf(db: Database, id: number): ClientHeader | null {
  const row = db.get("SELECT hash, header_hash, header FROM message WHERE id = ?", id);
  return row === null ? null : {
    id,
    hash: row.blob("hash"),
    headerHash: row.blob("header_hash"),
    header: row.blob("header"),
  };
}

// The two SHA-256 digests of the protocol, kept apart by type.

import { createHash, type Hash } from "node:crypto";
import type { Bytes } from "./bytes.ts";

declare const of: unique symbol;

/** SHA-256 of the header exactly as transmitted: what a CHALLENGE names. 32 bytes. */
export type HeaderHash = Bytes & { readonly [of]: "header" };

/**
 * SHA-256 of the header as transmitted, then the decompressed data, then each decompressed attachment ("Computing
 * Message Hash"): what a _pid_ and a CHALLENGE RESPONSE hold. 32 bytes.
 */
export type MessageHash = Bytes & { readonly [of]: "message" };

export const HASH_LENGTH = 32;

export function headerHash(header: Uint8Array): HeaderHash {
  return branded<HeaderHash>(createHash("sha256").update(header).digest());
}

/** A message hash that grows with the content: header first, then decompressed bytes in their order. */
export class MessageHasher {
  readonly #hash: Hash;

  constructor(header: Uint8Array) {
    this.#hash = createHash("sha256").update(header);
  }

  update(expanded: Uint8Array): void {
    this.#hash.update(expanded);
  }

  /** The digest; call it once, after the last byte. */
  digest(): MessageHash {
    return branded<MessageHash>(this.#hash.digest());
  }
}

/** Takes 32 bytes from the wire or the store as a message hash; throws a RangeError for any other length. */
export function asMessageHash(bytes: Uint8Array): MessageHash {
  return branded<MessageHash>(bytes);
}

/** Takes 32 bytes from the wire as a header hash; throws a RangeError for any other length. */
export function asHeaderHash(bytes: Uint8Array): HeaderHash {
  return branded<HeaderHash>(bytes);
}

function branded<Brand extends Bytes>(bytes: Uint8Array): Brand {
  if (bytes.length !== HASH_LENGTH) {
    throw new RangeError(`A SHA-256 digest has ${HASH_LENGTH} bytes, not ${bytes.length}`);
  }
  // The one place where the brand is given; a copy, so that no digest keeps a larger buffer alive.
  return new Uint8Array(bytes) as Brand;
}

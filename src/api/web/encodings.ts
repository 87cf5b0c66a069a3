// Compression of what the page is made of: done once, and chosen by what the client takes.

import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

export type Encoding = "br" | "gzip" | "identity";

export type Encoded = Readonly<Record<Encoding, Uint8Array<ArrayBuffer>>>;

/** As small as can be, in a thread of the runtime's own. What does not become smaller stays as it is. */
export async function encode(bytes: Uint8Array<ArrayBuffer>): Promise<Encoded> {
  const quality = constants.BROTLI_MAX_QUALITY;
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
    promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  const smaller = (other: Uint8Array): Uint8Array<ArrayBuffer> =>
    other.length < bytes.length ? new Uint8Array(other) : bytes;
  return { br: smaller(br), gzip: smaller(gzipped), identity: bytes };
}

/** The smallest that a client takes, by its Accept-Encoding (RFC 9110 12.5.3); nothing said means as it is. */
export function encodingFor(accepted: string | null): Encoding {
  const weights = new Map(
    (accepted ?? "").toLowerCase().split(",").map((item) => {
      const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
      const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
      return [name, q === undefined ? 1 : Number(q)];
    }),
  );
  const takes = (name: string): boolean => (weights.get(name) ?? weights.get("*") ?? 0) > 0;
  if (takes("br")) return "br";
  return takes("gzip") ? "gzip" : "identity";
}

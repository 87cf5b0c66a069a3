// What a request says of who makes it: the headers `Authorization` and `X-FMSG-Act-As`.

import { Address } from "../../wire/mod.ts";
import { ApiError } from "../error.ts";
import { unauthorized } from "./refusal.ts";

/** The token or key behind `Bearer`. Throws an ApiError (401). */
export function bearerToken(authorization: string | null): string {
  if (authorization === null || authorization.trim() === "") {
    throw unauthorized("Authentication is needed: send the header Authorization: Bearer <token>");
  }
  // RFC 9110 11.4: the scheme in any case, then spaces, then the one token.
  const token = /^ *bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization)?.[1];
  if (token !== undefined) return token;
  throw unauthorized("The header Authorization is malformed: send Authorization: Bearer <token>");
}

/** Who an owner wants to act as; null: nobody else. Throws an ApiError (400) for what is no address. */
export function actAsAddress(text: string | null): Address | null {
  const wanted = text?.trim() ?? "";
  if (wanted === "") return null;
  const address = Address.parse(asUtf8(wanted));
  if (address !== null) return address;
  throw new ApiError(
    400,
    "X-FMSG-Act-As (act_as) is no fmsg address: one looks like @user@example.com",
  );
}

/** HTTP hands bytes of a header over as characters; letters beyond ASCII are two of them or more. */
function asUtf8(text: string): string {
  const bytes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  if (bytes.some((byte) => byte > 0xff)) return text;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    return text;
  }
}

// Who a request is made for.

import type { Address } from "../../wire/mod.ts";
import type { SessionKey } from "../session/key.ts";

/** The one address in whose scope a request is processed (FMSG-003 "Identity Scope"). */
export interface Identity {
  /** The effective identity: whose messages it is about. */
  readonly address: Address;
  /** Who was authenticated; not `address` when acting as a grant, or by a grant's key. */
  readonly owner: Address;
  /**
   * How: a token of an identity provider (the host's own, or another), one that an API key was exchanged for, or the
   * session of a browser.
   */
  readonly via: "identity provider" | "api key" | "session";
  /** Who issued the token; of a session, the host. */
  readonly issuer: string;
  /** POSIX seconds at which the token expires; of a session, unless it is used. */
  readonly expires: number;
  /** The id of the API key that the token was exchanged for; null: of an identity provider. */
  readonly keyId: string | null;
  /** The id of the session; null: there is none. */
  readonly sessionId: string | null;
  /** The id of the host's own key that signed the token; null: another identity provider's, or none. */
  readonly signedBy: string | null;
  /** POSIX seconds at which the host signed it; null: another identity provider's, or none. */
  readonly issued: number | null;
  /** The owner named the address that the request is made for (FMSG-003 "Act-As"), be it the owner's own. */
  readonly actsAs: boolean;
}

/** Is this an owner who acts for nobody else? Only then are grants managed (FMSG-003 "Act-As"). */
export function isDirectOwner({ via, actsAs }: Identity): boolean {
  return via !== "api key" && !actsAs;
}

/** What a request brings to be authenticated. */
export interface Credentials {
  /** The `Authorization` header, or `Bearer <token>` for a token of the query (WebSocket). */
  readonly authorization: string | null;
  /** The cookie; whoever sends `Authorization` is judged by that alone. */
  readonly session: SessionKey | null;
  /** `X-FMSG-Act-As`, or `act_as` of the query. */
  readonly actAs: string | null;
  /** Of the client, in its canonical form. */
  readonly ip: string;
}

// Who a request is made for: from its token to an identity, or a refusal (FMSG-003 "Authentication").

import type { Config } from "../../config.ts";
import { type Log, readRoots } from "../../host/mod.ts";
import { inRanges } from "../../net/mod.ts";
import { Address } from "../../wire/mod.ts";
import type {
  Access,
  Grant,
  Session,
  SigningKey,
  StoreWriter,
  UserStatus,
} from "../../store/mod.ts";
import { ApiError } from "../error.ts";
import type { SessionKey } from "../session/key.ts";
import { actAsAddress, bearerToken } from "./headers.ts";
import type { Credentials, Identity } from "./identity.ts";
import { firstPartyIssuerOf, issuerOf } from "./issuer.ts";
import { readApiKey } from "./keys.ts";
import { ProviderKeys } from "./provider_keys.ts";
import { unauthorized, unavailable } from "./refusal.ts";
import {
  addressClaim,
  type Claims,
  CLOCK_SKEW,
  importPublicKey,
  readHint,
  signGrantToken,
  type TokenHint,
  verifyToken,
} from "./tokens.ts";

/** What `POST /fmsg/token` answers. */
export interface IssuedToken {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** Seconds from now. */
  readonly expires_in: number;
  /** RFC 3339. */
  readonly expires_at: string;
}

/** Seconds between two notes that a session is in use. */
const NOTED_EVERY = 3600;

/** Seconds that a token for an API key is valid. */
const GRANT_TOKEN_LIFETIME = 12 * 3600;

/** The section `api` of the configuration, which is there where the interface is. */
export type ApiConfig = NonNullable<Config["api"]>;

export interface AuthenticatorParts {
  /** As it is now: a reload changes it. */
  readonly config: () => Config & { readonly api: ApiConfig };
  readonly log: Log;
  readonly writer: StoreWriter;
  /** Users, grants and signing keys. */
  readonly access: Access;
}

export class Authenticator implements AsyncDisposable {
  readonly #parts: AuthenticatorParts;
  #provider: ProviderKeys | null = null;
  /** By the ids of sessions. */
  readonly #noting = new Map<string, Promise<void>>();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /** Throws an ApiError: 401, 403, 400 for an act-as that is no address, or 503 while it cannot be told. */
  async authenticate({ authorization, session, actAs, ip }: Credentials): Promise<Identity> {
    const claimed = authorization === null && session !== null
      ? this.#signedIn(session)
      : await this.#bearer(authorization);
    if (claimed.via === "api key" && actAs !== null && actAs.trim() !== "") {
      throw new ApiError(403, "A token of an API key cannot act as others");
    }
    const wanted = actAsAddress(actAs);
    const identity = wanted === null ? claimed : { ...claimed, address: wanted, actsAs: true };
    return this.#asStored(identity, ip);
  }

  /** For what goes on for long: throws an ApiError when the identity is no longer valid. */
  recheck(identity: Identity, ip: string): void {
    const { sessionId } = identity;
    if (sessionId === null) this.#recheckToken(identity);
    else this.#use(this.#stored((access) => access.session(sessionId)));
    this.#asStored(identity, ip);
  }

  /** Gives a token for the API key in the header `Authorization`. Throws an ApiError: 401, 403 or 503. */
  async exchangeKey(authorization: string | null, ip: string): Promise<IssuedToken> {
    const key = readApiKey(bearerToken(authorization));
    if (key === null) {
      throw unauthorized("This is no API key: one looks like fmsgk_<key-id>_<secret>");
    }
    const grant = this.#stored((access) => access.grantByKey(key.id, key.hash));
    if (grant === null) throw unauthorized("The API key is not known, or was revoked");
    requireUsable(grant, ip);
    this.#user(grant.owner);
    this.#user(grant.address);
    const now = Math.floor(Date.now() / 1000);
    const expires = Math.floor(Math.min(now + GRANT_TOKEN_LIFETIME, grant.expires));
    const issuer = firstPartyIssuerOf(this.#parts.config());
    const { token } = await signGrantToken(await this.#signingKey(), issuer, grant, expires);
    return {
      access_token: token,
      token_type: "Bearer",
      expires_in: Math.max(0, expires - now),
      expires_at: new Date(expires * 1000).toISOString().replace(".000Z", "Z"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider?.[Symbol.asyncDispose]();
    await this.#ended;
    await Promise.all(this.#noting.values());
  }

  /** Who has this session. */
  #signedIn({ id, hash }: SessionKey): Identity {
    const session = this.#use(this.#stored((access) => access.sessionByHash(id, hash)));
    const address = Address.parse(session.address);
    if (address === null) throw unavailable(UNREADABLE);
    return sessionIdentity(session, address, issuerOf(this.#parts.config()));
  }

  /** Throws an ApiError (401) where there is no session; notes now and then that it is in use, so that it goes on. */
  #use(session: Session | null): Session {
    if (session === null) throw unauthorized("The session has ended: sign in with another link");
    const { id, used } = session;
    // A use that is still to come was noted by a clock that was wrong.
    if (Math.abs(Date.now() / 1000 - used) >= NOTED_EVERY && !this.#noting.has(id)) {
      const { writer, log } = this.#parts;
      const noted = writer.submit("touchSession", { id }).then(() => {}, (error: unknown) => {
        log.warn("a session's use could not be noted", { session: id, error: String(error) });
      });
      this.#noting.set(id, noted.finally(() => this.#noting.delete(id)));
    }
    return session;
  }

  #recheckToken({ expires, issuer, signedBy }: Identity): void {
    if (expires + CLOCK_SKEW <= Date.now() / 1000) throw unauthorized("The token has expired");
    const config = this.#parts.config();
    const { idp } = config.api;
    // A reload may name another provider, or another URL.
    if (![issuerOf(config), firstPartyIssuerOf(config), idp.issuer].includes(issuer)) {
      throw unauthorized(NOT_TRUSTED);
    }
    if (signedBy !== null && this.#stored((access) => access.signingKey(signedBy)) === null) {
      throw unauthorized(KEY_GONE);
    }
  }

  async #bearer(authorization: string | null): Promise<Identity> {
    const token = bearerToken(authorization);
    if (token.startsWith("fmsgk_")) {
      throw unauthorized("An API key is exchanged for a token first, at POST /fmsg/token");
    }
    return await this.#verify(token);
  }

  /** What the token claims; whether its users and its grant are there is to be seen. */
  async #verify(token: string): Promise<Identity> {
    const hint = readHint(token);
    const config = this.#parts.config();
    const { domain, api: { idp } } = config;
    switch (hint.issuer) {
      case issuerOf(config): {
        const { claims, signedBy } = await this.#verifyOwn(token, hint);
        return ownerIdentity(addressClaim(claims, "sub", domain), hint, claims, signedBy);
      }
      case firstPartyIssuerOf(config): {
        const { claims, signedBy } = await this.#verifyOwn(token, hint);
        const { exp: expires, api_key_id: keyId } = claims;
        if (typeof keyId !== "string") throw unauthorized("The token names no API key");
        const address = addressClaim(claims, "sub", domain);
        const owner = addressClaim(claims, "owner", domain);
        const issued = claims.iat ?? null;
        return {
          address,
          owner,
          via: "api key",
          issuer: hint.issuer,
          expires,
          keyId,
          sessionId: null,
          signedBy,
          issued,
          actsAs: false,
        };
      }
      case idp.issuer: {
        const key = await this.#providerKeys(idp.jwks ?? "").find(hint.kid);
        const { audience } = idp;
        const claims = await verifyToken(token, key, { issuer: hint.issuer, audience });
        return ownerIdentity(addressClaim(claims, idp.claim, domain), hint, claims, null);
      }
      default:
        throw unauthorized(NOT_TRUSTED);
    }
  }

  /** Of what the host signed itself, the audience is the issuer. */
  async #verifyOwn(
    token: string,
    { kid, issuer }: TokenHint,
  ): Promise<{ readonly claims: Claims; readonly signedBy: string }> {
    if (kid === null) throw unauthorized("The token does not say which key signed it (kid)");
    const key = this.#stored((access) => access.signingKey(kid));
    if (key === null) throw unauthorized(KEY_GONE);
    const publicKey = await importPublicKey(key.jwk.x);
    const claims = await verifyToken(token, publicKey, { issuer, audience: issuer });
    return { claims, signedBy: kid };
  }

  /** Checks what may change while a token is valid, at this moment; the identity in the directory's spelling. */
  #asStored(identity: Identity, ip: string): Identity {
    const { owner, address, keyId, issued, actsAs } = identity;
    if (keyId !== null) {
      const grant = this.#stored((access) => access.grantByKeyId(keyId));
      if (grant === null || !isOf(grant, owner, address)) {
        throw unauthorized("The API key of the token was revoked");
      }
      requireUsable(grant, ip);
    }
    if (actsAs && this.#stored((access) => access.grantFor(owner.key, address.key)) === null) {
      throw new ApiError(403, "There is no grant to act as that address");
    }
    return {
      ...identity,
      owner: this.#user(owner.text, issued),
      address: this.#user(address.text),
    };
  }

  /** Throws an ApiError: 403 unless there is such a user, who is accepting; 401 for a token that was `issued` to another. */
  #user(text: string, issued: number | null = null): Address {
    const key = Address.parse(text)?.key ?? "";
    const user = this.#stored((access) => access.user(key));
    if (user === null) throw new ApiError(403, `${text} is no user here`);
    if (!user.accepting) throw new ApiError(403, `${text} is switched off: ask the operator`);
    if (issued !== null && isOlder(issued, user)) {
      throw unauthorized(`The token was issued before ${text} was added here: get another one`);
    }
    const address = Address.parse(user.address);
    if (address === null) throw unavailable(UNREADABLE);
    return address;
  }

  async #signingKey(): Promise<SigningKey> {
    const key = this.#stored((access) => access.currentSigningKey());
    if (key !== null) return key;
    await this.#parts.writer.submit("ensureSigningKey", null).catch((error: unknown) => {
      throw unavailable(UNREADABLE, error);
    });
    const made = this.#stored((access) => access.currentSigningKey());
    if (made === null) throw unavailable(UNREADABLE);
    return made;
  }

  /** A reload may name another provider. */
  #providerKeys(url: string): ProviderKeys {
    if (this.#provider?.url === url) return this.#provider;
    const before = this.#provider;
    if (before !== null) {
      this.#ended = Promise.all([this.#ended, before[Symbol.asyncDispose]()]).then(() => {});
    }
    const { log, config } = this.#parts;
    return this.#provider = new ProviderKeys(url, () => readRoots(config()), log);
  }

  /** What the store says; a store that says nothing lets nobody in. */
  #stored<Value>(read: (access: Access) => Value): Value {
    try {
      return read(this.#parts.access);
    } catch (error) {
      this.#parts.log.error("The store cannot be read, so that nobody is let in", {
        reason: error instanceof Error ? error.message : String(error),
      });
      throw unavailable(UNREADABLE, error);
    }
  }
}

const NOT_TRUSTED = "The token's issuer (iss) is not the one that is trusted here";
const KEY_GONE = "The key that signed the token is not one of this host's, or not any more";
const UNREADABLE = "The host cannot tell whether this is allowed: try again later";

function ownerIdentity(
  owner: Address,
  { issuer }: TokenHint,
  { exp, iat }: Claims,
  signedBy: string | null,
): Identity {
  return {
    address: owner,
    owner,
    via: "identity provider",
    issuer,
    expires: exp,
    keyId: null,
    sessionId: null,
    signedBy,
    issued: signedBy === null ? null : iat ?? null,
    actsAs: false,
  };
}

function sessionIdentity({ id, expires }: Session, owner: Address, issuer: string): Identity {
  return {
    address: owner,
    owner,
    via: "session",
    issuer,
    expires,
    keyId: null,
    sessionId: id,
    signedBy: null,
    issued: null,
    actsAs: false,
  };
}

/**
 * Whoever had the address before, and was removed, is not who has it now. Tokens count in whole seconds; a time to come
 * says that the clock was wrong.
 */
function isOlder(issued: number, { created }: UserStatus): boolean {
  return issued < Math.floor(created) && created <= Date.now() / 1000;
}

function isOf(grant: Grant, owner: Address, address: Address): boolean {
  return Address.parse(grant.owner)?.key === owner.key &&
    Address.parse(grant.address)?.key === address.key;
}

/** The key of a grant is unexpired, and used from where it may be (FMSG-003 "First-Party API JWT Profile"). */
function requireUsable({ expires, cidrs }: Grant, ip: string): void {
  if (expires <= Date.now() / 1000) throw unauthorized("The API key has expired");
  if (!inRanges(ip, cidrs)) {
    throw new ApiError(403, "The API key may not be used from this address (allowed_cidrs)");
  }
}

// JSON Web Tokens (RFC 7519) with Ed25519, and nothing else (FMSG-003 "Security Considerations").

import { randomUUID } from "node:crypto";
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import { Address } from "../../wire/mod.ts";
import type { Grant, SigningKey } from "../../store/mod.ts";
import { unauthorized } from "./refusal.ts";

/** Characters of a token; those of identity providers have a few hundred. */
export const MAX_TOKEN = 8 * 1024;

/** Seconds by which clocks may differ. */
export const CLOCK_SKEW = 10;

/** Pinned: what a token says of its algorithm selects nothing. */
const ALGORITHM = "EdDSA";

/** What an unverified token says of itself: enough to know who should verify it. */
export interface TokenHint {
  readonly issuer: string;
  readonly kid: string | null;
}

export interface TokenRules {
  readonly issuer: string;
  /** Null: any, or none. */
  readonly audience: string | null;
}

/** What a verified token says. */
export interface Claims extends JWTPayload {
  /** POSIX seconds. */
  readonly exp: number;
}

export interface SignedToken {
  readonly token: string;
  /** POSIX seconds. */
  readonly expires: number;
}

/** Throws an ApiError (401) for what is no token that could be taken. */
export function readHint(token: string): TokenHint {
  if (token.length > MAX_TOKEN) throw unauthorized("The token is too long");
  const { alg, kid } = read(() => decodeProtectedHeader(token));
  if (alg !== ALGORITHM) {
    throw unauthorized(`The token is not signed with ${ALGORITHM}, which is the one way here`);
  }
  const { iss } = read(() => decodeJwt(token));
  if (typeof iss !== "string") throw unauthorized("The token names no issuer (iss)");
  // RFC 7515 4.1.4: a text, where it is there at all.
  if (kid !== undefined && typeof kid !== "string") throw unauthorized(NO_TOKEN);
  return { issuer: iss, kid: kid ?? null };
}

/** Throws an ApiError (401) unless the signature and every claim that FMSG-003 names are right at this moment. */
export async function verifyToken(
  token: string,
  key: CryptoKey,
  { issuer, audience }: TokenRules,
): Promise<Claims> {
  const payload = await verified(token, key, issuer, audience);
  const { exp, iat } = payload;
  // The package looks at the time of issue only where tokens have a greatest age.
  if (iat !== undefined && iat > Date.now() / 1000 + CLOCK_SKEW) {
    throw unauthorized(
      "The token was issued in the future (iat): see whether the clocks are right",
    );
  }
  if (exp === undefined) throw unauthorized("The token has no time at which it expires (exp)");
  return { ...payload, exp };
}

/** The address in a claim. Throws an ApiError (401) where there is none of this domain. */
export function addressClaim(claims: Claims, name: string, domain: string): Address {
  const value = claims[name];
  const address = typeof value === "string" ? Address.parse(value) : null;
  if (address === null) throw unauthorized(`The token has no fmsg address in its claim ${name}`);
  if (address.domain === domain) return address;
  throw unauthorized(`The address in the token's claim ${name} is of another domain`);
}

/** A token of the host as an identity provider: whoever has it is the owner of that address. */
export async function signIdentityToken(
  key: SigningKey,
  issuer: string,
  address: string,
  lifetime: number,
): Promise<SignedToken> {
  const claims = { fmsg_address: address, jti: randomUUID() };
  const now = Math.floor(Date.now() / 1000);
  return await sign(key, issuer, address, claims, now, now + Math.floor(lifetime));
}

/** FMSG-003 "First-Party API JWT Profile". `expires` is in POSIX seconds. */
export async function signGrantToken(
  key: SigningKey,
  issuer: string,
  { owner, address, keyId }: Grant,
  expires: number,
): Promise<SignedToken> {
  const claims = { owner, api_key_id: keyId };
  return await sign(key, issuer, address, claims, Math.floor(Date.now() / 1000), expires);
}

/** An Ed25519 key to verify with, from a JWK; of the JWK nothing counts but the point. */
export async function importPublicKey(x: string): Promise<CryptoKey> {
  return await importJWK({ kty: "OKP", crv: "Ed25519", x }, ALGORITHM);
}

async function sign(
  { kid, jwk }: SigningKey,
  issuer: string,
  subject: string,
  claims: JWTPayload,
  now: number,
  expires: number,
): Promise<SignedToken> {
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, kid, typ: "JWT" })
    .setIssuer(issuer)
    .setAudience(issuer)
    .setSubject(subject)
    .setIssuedAt(now)
    .setExpirationTime(expires)
    .sign(await importJWK({ ...jwk }, ALGORITHM));
  return { token, expires };
}

async function verified(
  token: string,
  key: CryptoKey,
  issuer: string,
  audience: string | null,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      issuer,
      ...(audience === null ? {} : { audience }),
      clockTolerance: CLOCK_SKEW,
      requiredClaims: ["exp"],
    });
    return payload;
  } catch (error) {
    throw unauthorized(whatIsWrong(error), error);
  }
}

function whatIsWrong(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "The token has expired";
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "The token's signature is wrong";
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return WRONG_CLAIMS[error.claim] ?? "A claim of the token is wrong";
  }
  return NO_TOKEN;
}

const WRONG_CLAIMS: Readonly<Record<string, string>> = {
  iss: "The token's issuer (iss) is not the one that is trusted here",
  aud: "The token is for another audience (aud)",
  exp: "The token has no time at which it expires (exp), or none that is a number",
  nbf: "The token is not valid yet (nbf)",
  iat: "The token's time of issue (iat) is no number",
};

const NO_TOKEN = "The token is malformed: it is no signed JSON Web Token";

function read<Value>(decode: () => Value): Value {
  try {
    return decode();
  } catch (error) {
    throw unauthorized(NO_TOKEN, error);
  }
}

// The Ed25519 keys that the host signs tokens with, in the writer: made, replaced, and dropped when they verify no more.

import { createHash, generateKeyPairSync } from "node:crypto";
import { type RotateSigningKey, SIGNING_KEY_KEPT } from "./access_operations.ts";
import type { Database, Row } from "./database.ts";

/** A key in the form of RFC 8037. */
export interface SigningKey {
  readonly kid: string;
  readonly jwk: SigningJwk;
  /** POSIX seconds until when it verifies; null: the one that signs. */
  readonly retired: number | null;
}

export interface SigningJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  /** The private part. */
  readonly d: string;
}

export function ensureSigningKey(db: Database, now: number): string {
  const current = db.get("SELECT kid FROM signing_key WHERE retired IS NULL");
  return current === null ? addKey(db, now) : current.text("kid");
}

export function rotateSigningKey(db: Database, { revoke }: RotateSigningKey, now: number): string {
  if (revoke) {
    db.run("DELETE FROM signing_key");
    // Whoever had such a token may have named an endpoint (row N12).
    db.run("DELETE FROM push_subscription WHERE session IS NULL");
  }
  db.run("DELETE FROM signing_key WHERE retired < ?", now);
  db.run("UPDATE signing_key SET retired = ? WHERE retired IS NULL", now + SIGNING_KEY_KEPT);
  return addKey(db, now);
}

export function signingKeyOf(row: Row): SigningKey {
  return {
    kid: row.text("kid"),
    jwk: readJwk(row.text("jwk")),
    retired: row.optional("retired", (r, name) => r.real(name)),
  };
}

function addKey(db: Database, now: number): string {
  const jwk = asSigningJwk(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }));
  const kid = thumbprint(jwk);
  db.run(
    "INSERT INTO signing_key (kid, jwk, created, retired) VALUES (?, ?, ?, NULL)",
    kid,
    JSON.stringify(jwk),
    now,
  );
  return kid;
}

/** RFC 7638. */
function thumbprint({ crv, kty, x }: SigningJwk): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
}

function readJwk(text: string): SigningJwk {
  const value: unknown = JSON.parse(text);
  return asSigningJwk(typeof value === "object" && value !== null ? value : {});
}

function asSigningJwk(value: object): SigningJwk {
  const x: unknown = Reflect.get(value, "x");
  const d: unknown = Reflect.get(value, "d");
  if (typeof x !== "string" || typeof d !== "string") {
    throw new TypeError("A signing key of the store is none");
  }
  return { kty: "OKP", crv: "Ed25519", x, d };
}

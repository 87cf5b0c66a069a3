// The host's own public keys, as others fetch them (RFC 7517).

import type { Access } from "../../store/mod.ts";

export interface PublicKey {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly alg: "EdDSA";
  readonly use: "sig";
}

export interface PublicKeys {
  readonly keys: readonly PublicKey[];
}

/** Of every key that verifies at this moment, the one that signs first. */
export function publicKeys(access: Access): PublicKeys {
  return {
    keys: access.signingKeys().map(({ kid, jwk: { kty, crv, x } }) => ({
      kty,
      crv,
      x,
      kid,
      alg: "EdDSA",
      use: "sig",
    })),
  };
}

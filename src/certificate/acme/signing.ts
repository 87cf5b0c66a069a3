// The account's key, and what it signs (RFC 8555 6.2). Import lazily: loads jose.

import {
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  FlattenedSign,
  generateKeyPair,
  importJWK,
  type JWK,
} from "jose";

const ALGORITHM = "ES256";

/** The members of a private P-256 key (RFC 7518 6.2), as it is kept. */
export interface PrivateJwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

export interface SignedRequest {
  readonly url: string;
  readonly nonce: string;
  /** null: POST-as-GET (RFC 8555 6.3). */
  readonly payload: object | null;
  /** The account's URL; null: the key itself goes along, as for a new account. */
  readonly kid: string | null;
}

export class AccountKey {
  readonly #key: CryptoKey;
  readonly #publicJwk: JWK;
  /** Of RFC 7638, for key authorisations (RFC 8555 8.1). */
  readonly thumbprint: string;

  private constructor(key: CryptoKey, publicJwk: JWK, thumbprint: string) {
    this.#key = key;
    this.#publicJwk = publicJwk;
    this.thumbprint = thumbprint;
  }

  static async generate(): Promise<PrivateJwk> {
    const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    const { kty, crv, x, y, d } = await exportJWK(privateKey);
    if (!crv || !x || !y || !d || !kty) throw new TypeError("A new key lacks a part");
    return { kty, crv, x, y, d };
  }

  /** Throws when it is no private P-256 key. */
  static async load(jwk: PrivateJwk): Promise<AccountKey> {
    const { kty, crv, x, y } = jwk;
    const key = await importJWK({ ...jwk }, ALGORITHM);
    if (key instanceof Uint8Array) throw new TypeError("The account's key is no P-256 key");
    return new AccountKey(key, { kty, crv, x, y }, await calculateJwkThumbprint({ ...jwk }));
  }

  /** The body of a request. */
  async sign({ url, nonce, payload, kid }: SignedRequest): Promise<string> {
    const bytes = new TextEncoder().encode(payload === null ? "" : JSON.stringify(payload));
    const signed = await new FlattenedSign(bytes)
      .setProtectedHeader({
        alg: ALGORITHM,
        url,
        nonce,
        ...(kid === null ? { jwk: this.#publicJwk } : { kid }),
      })
      .sign(this.#key);
    return JSON.stringify(signed);
  }
}

// A browser that subscribed to Web Push, with decrypting of its own (RFC 8291 and 8188), independent of what encrypts.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Bytes, concat } from "../../src/wire/mod.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" } as const;

export class Browser {
  private constructor(
    readonly publicKey: Bytes,
    readonly auth: Bytes,
    private readonly privateKey: CryptoKey,
  ) {}

  static async make(): Promise<Browser> {
    const keys = await crypto.subtle.generateKey(P256, true, ["deriveBits"]);
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
    const auth = crypto.getRandomValues(new Uint8Array(16));
    return new Browser(publicKey, auth, keys.privateKey);
  }

  /** With keys that are known, in base64url. */
  static async of(publicKey: string, privateKey: string, auth: string): Promise<Browser> {
    const point = bytesOf(publicKey);
    const [x, y] = [textOf(point.subarray(1, 33)), textOf(point.subarray(33))];
    const jwk = { kty: "EC", crv: "P-256", x, y, d: privateKey };
    const key = await crypto.subtle.importKey("jwk", jwk, P256, false, ["deriveBits"]);
    return new Browser(point, bytesOf(auth), key);
  }

  /** What `PushSubscription.toJSON()` gives. */
  subscription(endpoint: string): Record<string, unknown> {
    const keys = { p256dh: textOf(this.publicKey), auth: textOf(this.auth) };
    return { endpoint, expirationTime: null, keys };
  }

  /** What is in the body of a push. Throws when it is not for this browser, or not whole. */
  async decrypt(body: Bytes): Promise<string> {
    const salt = body.slice(0, 16);
    const view = new DataView(body.buffer, body.byteOffset);
    const recordSize = view.getUint32(16);
    assert.equal(view.getUint8(20), 65);
    const sender = body.slice(21, 86);
    const record = body.slice(86);
    assert.ok(record.length <= recordSize, "there is one record");

    const publicKey = await crypto.subtle.importKey("raw", sender, P256, false, []);
    const shared = await crypto.subtle.deriveBits(
      { name: "ECDH", public: publicKey },
      this.privateKey,
      256,
    );
    const info = concat([ascii("WebPush: info\0"), this.publicKey, sender]);
    const secret = await hkdf(new Uint8Array(shared), this.auth, info, 256);
    const key = await hkdf(secret, salt, ascii("Content-Encoding: aes128gcm\0"), 128);
    const nonce = await hkdf(secret, salt, ascii("Content-Encoding: nonce\0"), 96);
    const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    const padded = new Uint8Array(
      await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, aes, record),
    );
    const end = padded.findLastIndex((byte) => byte !== 0);
    assert.equal(padded[end], 2, "the last record ends with a 2");
    return new TextDecoder("utf-8", { fatal: true }).decode(padded.subarray(0, end));
  }
}

async function hkdf(secret: Bytes, salt: Bytes, info: Bytes, bits: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const params = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(params, key, bits));
}

function ascii(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

export function bytesOf(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "base64url"));
}

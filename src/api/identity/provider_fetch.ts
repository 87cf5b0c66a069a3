// Fetches the keys of an identity provider: a JSON Web Key Set (RFC 7517), bounded in time and size.

import { systemRoots } from "../../net/mod.ts";
import { PROGRAM_VERSION } from "../../version.ts";
import { importPublicKey } from "./tokens.ts";

/** A key of the provider's that can have signed a token. */
export interface ProviderKey {
  /** Null where it has none. */
  readonly kid: string | null;
  readonly key: CryptoKey;
}

/** Bytes of a set, and keys in it; sets have a few of a few hundred bytes. */
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

const DEADLINE_MS = 5000;

/**
 * The Ed25519 keys of the set at `url`. `extraRoots` (PEM) are trusted besides those of the runtime and the system.
 * Throws an Error that says what is wrong.
 */
export async function fetchProviderKeys(
  url: string,
  extraRoots: string | null,
  ending: AbortSignal,
): Promise<ProviderKey[]> {
  const client = Deno.createHttpClient({
    caCerts: [systemRoots(), extraRoots].filter((pem) => pem !== null),
  });
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error("no whole answer in 5 s")), DEADLINE_MS);
  try {
    const response = await fetch(url, {
      client,
      // To whom else the keys could be moved, nobody has configured.
      redirect: "manual",
      signal: AbortSignal.any([late.signal, ending]),
      headers: { accept: "application/json", "user-agent": `fmsg/${PROGRAM_VERSION}` },
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the answer has status ${response.status}`);
    }
    return await keysIn(await readText(response));
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES / 1024} KiB`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function keysIn(text: string): Promise<ProviderKey[]> {
  const set: unknown = JSON.parse(text);
  const jwks: unknown = property(set, "keys");
  if (!Array.isArray(jwks)) throw new Error("the answer is no JSON Web Key Set");
  if (jwks.length > MAX_KEYS) throw new Error(`the answer has more than ${MAX_KEYS} keys`);
  const keys: ProviderKey[] = [];
  for (const jwk of jwks) {
    const key = await ed25519(jwk);
    const kid = property(jwk, "kid");
    if (key !== null) keys.push({ kid: typeof kid === "string" ? kid : null, key });
  }
  return keys;
}

/** Null for what cannot have signed a token here: another kind of key, one for another purpose, or none. */
async function ed25519(jwk: unknown): Promise<CryptoKey | null> {
  const [x, use, alg] = [property(jwk, "x"), property(jwk, "use"), property(jwk, "alg")];
  const isOne = property(jwk, "kty") === "OKP" && property(jwk, "crv") === "Ed25519" &&
    (use === undefined || use === "sig") &&
    (alg === undefined || alg === "EdDSA" || alg === "Ed25519");
  if (!isOne || typeof x !== "string") return null;
  return await importPublicKey(x).catch(() => null);
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

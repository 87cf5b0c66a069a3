// A store and an authenticator on it, tokens forged in every way, and what refusals and logs say.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signWith,
} from "node:crypto";
import { join } from "node:path";
import { Authenticator } from "../../../src/api/identity/authenticator.ts";
import type { ApiConfig } from "../../../src/api/context.ts";
import { ApiError } from "../../../src/api/error.ts";
import type { Credentials, Identity } from "../../../src/api/identity/identity.ts";
import { issuerOf } from "../../../src/api/identity/issuer.ts";
import { type ApiKey, makeApiKey } from "../../../src/api/identity/keys.ts";
import { signIdentityToken } from "../../../src/api/identity/tokens.ts";
import { type Config, parseConfig } from "../../../src/config.ts";
import { Log } from "../../../src/host/mod.ts";
import { isProblem } from "../../../src/protocol/mod.ts";
import { Access, type NewGrant, type SigningKey } from "../../../src/store/mod.ts";
import { HERE, TestStore, type User } from "../../store/support.ts";

export { HERE };

export const ALICE = `@Alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const ALICE_KEY = ALICE.toLowerCase();

/** Where requests come from unless a test says so. */
export const IP = "192.0.2.1";

/** POSIX seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

export class Stage implements AsyncDisposable {
  /** Everything that was logged. */
  logged = "";
  readonly log = new Log({
    level: "debug",
    readable: false,
    write: (text) => void (this.logged += text),
  });
  readonly authenticator: Authenticator;
  #config: Config & { api: ApiConfig };
  #isShut = false;

  private constructor(readonly store: TestStore, readonly access: Access, api: string) {
    this.#config = configWith(api);
    this.authenticator = new Authenticator({
      config: () => this.#config,
      log: this.log,
      writer: store.writer,
      access,
    });
  }

  /** `api` are lines of the section of that name. */
  static async open(users: readonly User[] = [ALICE, BOB], api = ""): Promise<Stage> {
    const store = await TestStore.open(users);
    await store.writer.submit("ensureSigningKey", null);
    return new Stage(store, new Access(store.folder), api);
  }

  get config(): Config {
    return this.#config;
  }

  reload(api: string): void {
    this.#config = configWith(api);
  }

  get issuer(): string {
    return issuerOf(this.#config);
  }

  get signingKey(): SigningKey {
    return this.access.currentSigningKey() ?? assert.fail("there is no signing key");
  }

  /** A token as `fmsg token` prints it. */
  async token(address: string, lifetime = 3600): Promise<string> {
    return (await signIdentityToken(this.signingKey, this.issuer, address, lifetime)).token;
  }

  /** Authenticates a token. */
  async asks(token: string, more: Partial<Credentials> = {}): Promise<Identity> {
    return await this.authenticator.authenticate({
      authorization: `Bearer ${token}`,
      session: null,
      actAs: null,
      ip: IP,
      ...more,
    });
  }

  /** Makes a grant of Alice's with a key; a derived sub-account unless an address is given. */
  async grant(
    agent: string,
    changes: Partial<Omit<NewGrant, "key">> & { readonly expires?: number } = {},
  ): Promise<ApiKey> {
    const { expires = now() + 86_400, ...rest } = changes;
    const key = makeApiKey();
    const made = await this.store.writer.submit("createGrant", {
      ownerKey: ALICE_KEY,
      agent,
      delegated: null,
      cidrs: ["0.0.0.0/0", "::/0"],
      ...rest,
      key: { id: key.id, hash: key.hash, expires },
    });
    assert.ok(!isProblem(made), isProblem(made) ? made.message : "");
    return key;
  }

  /** The token for an API key. */
  async exchange(key: ApiKey, ip = IP): Promise<string> {
    return (await this.authenticator.exchangeKey(`Bearer ${key.text}`, ip)).access_token;
  }

  /** From now on the store cannot be read. */
  shutStore(): void {
    if (!this.#isShut) this.access[Symbol.dispose]();
    this.#isShut = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.flush();
    await this.authenticator[Symbol.asyncDispose]();
    this.shutStore();
    await this.store[Symbol.asyncDispose]();
  }
}

function configWith(api: string): Config & { api: ApiConfig } {
  const text = `domain: ${HERE}\napi:\n  listen: "127.0.0.1:0"\n${api}`;
  const config = parseConfig(text, join(Deno.cwd(), "fmsg.yaml"));
  assert.ok(config.api !== null);
  return { ...config, api: config.api };
}

/** What a refusal says. Fails for anything but an ApiError of this status. */
export async function refusal(status: number, promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.status, status, error.message);
    return error.message;
  }
  assert.fail(`It was not refused with ${status}`);
}

/** Keys of a stranger, or of an identity provider. */
export interface Keys {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

export function ed25519(kid: string): Keys {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid } };
}

/** The private part of one of the host's own keys. */
export function ownKeys({ kid, jwk }: SigningKey): Keys {
  const { d: _, ...open } = jwk;
  return { kid, privateKey: importPrivate(jwk), jwk: { ...open, kid } };
}

function importPrivate(jwk: SigningKey["jwk"]): KeyObject {
  const pkcs8 = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.from(jwk.d, "base64url"),
  ]);
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
}

/** A token with whatever header and claims, signed by `signer` over what is signed. */
export function forge(
  header: unknown,
  claims: unknown,
  signer: (input: string) => Uint8Array | string,
): string {
  const encode = (value: unknown): string => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return Buffer.from(text).toString("base64url");
  };
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${Buffer.from(signer(input)).toString("base64url")}`;
}

/** A token as it should be, but for what is changed; undefined leaves a field out. */
export function signed(
  { kid, privateKey }: Keys,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): string {
  return forge(
    { alg: "EdDSA", typ: "JWT", kid, ...header },
    claims,
    (input) => signWith(null, Buffer.from(input), privateKey),
  );
}

/** A signature by HMAC, with the secret in whatever form. */
export function hmac(secret: string | Uint8Array): (input: string) => Uint8Array {
  return (input) => createHmac("sha256", secret).update(input).digest();
}

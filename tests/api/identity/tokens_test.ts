// Identity tokens, of the host itself and of another identity provider (row N1, FMSG-003 "Minimum Interoperability
// Tests" 1): what is taken, and everything that is not.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign as signWith } from "node:crypto";
import { MAX_TOKEN } from "../../../src/api/identity/tokens.ts";
import { holdClock } from "../../store/support.ts";
import { ISSUER, Provider } from "./provider.ts";
import {
  ALICE,
  BOB,
  ed25519,
  forge,
  HERE,
  hmac,
  type Keys,
  now,
  ownKeys,
  refusal,
  signed,
  Stage,
} from "./stage.ts";

/** Whose tokens are tried: those that the host signs itself, or those of a provider with an audience. */
interface Scene extends AsyncDisposable {
  readonly stage: Stage;
  readonly keys: Keys;
  readonly issuer: string;
  readonly audience: string;
  readonly claim: string;
}

const SCENES: Readonly<Record<string, () => Promise<Scene>>> = {
  "the host's own token": async () => {
    const stage = await Stage.open();
    const { issuer } = stage;
    const keys = ownKeys(stage.signingKey);
    const claim = "sub";
    return { stage, keys, issuer, audience: issuer, claim, ...disposing(stage) };
  },
  "a provider's token": async () => {
    const keys = ed25519("first");
    const provider = new Provider([keys]);
    const stage = await Stage.open(undefined, provider.lines("    audience: fmsg\n"));
    const claim = "fmsg_address";
    return {
      stage,
      keys,
      issuer: ISSUER,
      audience: "fmsg",
      claim,
      ...disposing(stage, provider),
    };
  },
};

function disposing(...all: readonly AsyncDisposable[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const one of all) await one[Symbol.asyncDispose]();
    },
  };
}

for (const [whose, open] of Object.entries(SCENES)) {
  Deno.test(`N1 ${whose}: valid, it makes its address the identity, in the directory's spelling`, async () => {
    await using scene = await open();
    const { stage, keys, issuer, audience, claim } = scene;
    const exp = now() + 60;
    const good = [
      { iss: issuer, aud: audience, exp, [claim]: `@ALICE@${HERE.toUpperCase()}` },
      { iss: issuer, aud: [`https://other.example`, audience], exp, [claim]: ALICE },
      { iss: issuer, aud: audience, exp, iat: now() + 5, nbf: now() + 5, [claim]: ALICE },
      { iss: issuer, aud: audience, exp: now() - 5, [claim]: ALICE },
    ];
    for (const claims of good) {
      const identity = await stage.asks(signed(keys, claims));
      assert.equal(identity.address.text, ALICE);
      assert.equal(identity.owner.text, ALICE);
      assert.equal(identity.via, "identity provider");
      assert.equal(identity.keyId, null);
      assert.equal(identity.expires, claims.exp);
    }
  });

  Deno.test(`N1 ${whose}: any claim that is wrong is refused with 401, and says which one`, async () => {
    await using scene = await open();
    const { stage, keys, issuer, audience, claim } = scene;
    const good = { iss: issuer, aud: audience, exp: now() + 60, [claim]: ALICE };
    const wrong: [RegExp, Record<string, unknown>][] = [
      [/issuer/, { iss: "https://evil.example" }],
      [/issuer/, { iss: `${issuer}/` }],
      [/issuer/, { iss: [issuer] }],
      [/issuer/, { iss: undefined }],
      [/aud/, { aud: "other" }],
      [/aud/, { aud: ["other", `${audience}2`] }],
      [/aud/, { aud: [] }],
      [/aud/, { aud: undefined }],
      [/expired/, { exp: now() - 20 }],
      [/expired/, { exp: 0 }],
      [/exp/, { exp: undefined }],
      [/exp/, { exp: String(now() + 60) }],
      [/exp/, { exp: null }],
      [/nbf/, { nbf: now() + 60 }],
      [/iat/, { iat: now() + 60 }],
      [/iat/, { iat: "today" }],
      [/claim/, { [claim]: undefined }],
      [/claim/, { [claim]: "alice" }],
      [/claim/, { [claim]: [ALICE] }],
      [/claim/, { [claim]: { toString: ALICE } }],
      [/claim/, { [claim]: `${ALICE} ` }],
      [/another domain/, { [claim]: "@alice@other.example" }],
      [/another domain/, { [claim]: `@alice@sub.${HERE}` }],
    ];
    for (const [says, changes] of wrong) {
      const token = signed(keys, { ...good, ...changes });
      assert.match(await refusal(401, stage.asks(token)), says, JSON.stringify(changes));
    }
  });

  Deno.test(`N1 ${whose}: only EdDSA with a key that is known: none, HMAC, ECDSA and strangers are refused`, async () => {
    await using scene = await open();
    const { stage, keys, issuer, audience, claim } = scene;
    const claims = { iss: issuer, aud: audience, exp: now() + 60, [claim]: ALICE };
    const { kid } = keys;
    const x = String(keys.jwk.x);
    const stranger = ed25519(kid);
    const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const byP256 = (input: string): Uint8Array =>
      signWith("sha256", Buffer.from(input), { key: p256.privateKey, dsaEncoding: "ieee-p1363" });
    const byRsa = (input: string): Uint8Array =>
      signWith("sha256", Buffer.from(input), rsa.privateKey);
    const good = signed(keys, claims);
    const [head = "", payload = "", signature = ""] = good.split(".");
    const other = Buffer.from(JSON.stringify({ ...claims, [claim]: BOB })).toString("base64url");
    const forged: Record<string, string> = {
      "none": forge({ alg: "none", kid }, claims, () => ""),
      "None": forge({ alg: "None", kid }, claims, () => ""),
      "no algorithm": forge({ kid }, claims, () => ""),
      "EdDSA without signature": forge({ alg: "EdDSA", kid }, claims, () => ""),
      "a signature of zeros": forge({ alg: "EdDSA", kid }, claims, () => new Uint8Array(64)),
      "HS256 with x as text": forge({ alg: "HS256", kid }, claims, hmac(x)),
      "HS256 with x": forge({ alg: "HS256", kid }, claims, hmac(Buffer.from(x, "base64url"))),
      "HS256 with the JWK": forge({ alg: "HS256", kid }, claims, hmac(JSON.stringify(keys.jwk))),
      "EdDSA made by HMAC": forge({ alg: "EdDSA", kid }, claims, hmac(x)),
      "ES256": forge({ alg: "ES256", kid }, claims, byP256),
      "EdDSA made by ECDSA": forge({ alg: "EdDSA", kid }, claims, byP256),
      "RS256": forge({ alg: "RS256", kid }, claims, byRsa),
      "Ed25519, the name that FMSG-003 does not use": signed(keys, claims, { alg: "Ed25519" }),
      "a stranger's key by that name": signed(stranger, claims),
      "a stranger's key in the header": signed(stranger, claims, { jwk: stranger.jwk }),
      "a stranger's key by URL": signed(stranger, claims, { jku: "https://evil.example/jwks" }),
      "another kid": signed(keys, claims, { kid: "second" }),
      "a kid that is a path": signed(keys, claims, { kid: "../../etc/passwd" }),
      "a kid that is SQL": signed(keys, claims, { kid: "' OR 1=1 --" }),
      "an extension that must be understood": signed(keys, claims, { crit: ["x"], x: 1 }),
      "an unencoded payload": signed(keys, claims, { crit: ["b64"], b64: false }),
      "another payload": `${head}.${other}.${signature}`,
      "no payload": `${head}..${signature}`,
      "a part too many": `${good}.${payload}`,
      "two parts": `${head}.${payload}`,
      "no JSON": forge({ alg: "EdDSA", kid }, "hello", () => ""),
      "JSON that is a list": signed(keys, {}, {}).replace(/^[^.]+/, "W10"),
    };
    for (const [what, token] of Object.entries(forged)) {
      const message = await refusal(401, stage.asks(token)).catch((error) => {
        throw new Error(`${what}: ${error}`);
      });
      assert.ok(!message.includes(signature) && !message.includes(payload), what);
    }
    await refusal(401, stage.asks(signed(keys, { ...claims, pad: "x".repeat(MAX_TOKEN) })));
    assert.equal((await stage.asks(good)).address.text, ALICE);
    stage.log.flush();
    assert.ok(!stage.logged.includes(payload) && !stage.logged.includes(signature));
  });

  Deno.test(`N1 ${whose}: an address that is unknown or not accepting is refused, and so is all while the store is shut`, async () => {
    await using scene = await open();
    const { stage, keys, issuer, audience, claim } = scene;
    const claims = { iss: issuer, aud: audience, exp: now() + 60 };
    await refusal(403, stage.asks(signed(keys, { ...claims, [claim]: `@zed@${HERE}` })));

    const bob = signed(keys, { ...claims, [claim]: BOB });
    const identity = await stage.asks(bob);
    await stage.store.writer.submit("setUser", { key: BOB, accepting: false });
    assert.match(await refusal(403, stage.asks(bob)), /operator/);
    assert.throws(() => stage.authenticator.recheck(identity, "192.0.2.1"), { status: 403 });
    await stage.store.writer.submit("setUser", { key: BOB, accepting: true });
    await stage.asks(bob);
    stage.authenticator.recheck(identity, "192.0.2.1");
    await stage.store.writer.submit("removeUser", { key: BOB });
    await refusal(403, stage.asks(bob));

    stage.shutStore();
    await refusal(503, stage.asks(signed(keys, { ...claims, [claim]: ALICE })));
    stage.log.flush();
    assert.match(stage.logged, /"level":"error"/);
  });
}

Deno.test("N1 a provider without an audience: its tokens need none, and the host's own still theirs", async () => {
  const keys = ed25519("only");
  await using provider = new Provider([keys]);
  await using stage = await Stage.open(undefined, provider.lines("    claim: sub\n"));
  const exp = now() + 60;
  for (const aud of [undefined, "anything", ["a", "b"]]) {
    const token = signed(keys, { iss: ISSUER, aud, exp, sub: BOB });
    assert.equal((await stage.asks(token)).address.text, BOB);
  }
  const own = ownKeys(stage.signingKey);
  await refusal(401, stage.asks(signed(own, { iss: stage.issuer, exp, sub: BOB })));
  // One issuer's key is worth nothing for the other's tokens.
  await refusal(401, stage.asks(signed(own, { iss: ISSUER, exp, sub: BOB })));
  const aud = stage.issuer;
  await refusal(401, stage.asks(signed(keys, { iss: stage.issuer, aud, exp, sub: BOB })));
});

Deno.test("N1 without a provider only the host's own tokens are taken", async () => {
  await using stage = await Stage.open();
  const keys = ed25519("any");
  const claims = { iss: ISSUER, exp: now() + 60, sub: ALICE, fmsg_address: ALICE };
  assert.match(await refusal(401, stage.asks(signed(keys, claims))), /issuer/);
  assert.equal((await stage.asks(await stage.token(ALICE))).address.text, ALICE);
});

Deno.test("N1 own keys: a rotated key verifies on, a revoked one does not, at the very next request", async () => {
  await using stage = await Stage.open();
  const before = await stage.token(ALICE);
  const identity = await stage.asks(before);
  await stage.store.writer.submit("rotateSigningKey", { revoke: false });
  const after = await stage.token(ALICE);
  await stage.asks(before);
  await stage.asks(after);
  stage.authenticator.recheck(identity, "192.0.2.1");

  await stage.store.writer.submit("rotateSigningKey", { revoke: true });
  for (const token of [before, after]) await refusal(401, stage.asks(token));
  assert.throws(() => stage.authenticator.recheck(identity, "192.0.2.1"), { status: 401 });
  await stage.asks(await stage.token(ALICE));
});

Deno.test("N1 own tokens die with their user: who gets the address later is another person", async () => {
  await using stage = await Stage.open();
  const keys = ownKeys(stage.signingKey);
  const { issuer } = stage;
  const claims = { iss: issuer, aud: issuer, sub: ALICE, exp: now() + 3600 };
  const early = signed(keys, { ...claims, iat: now() - 3000 });
  assert.match(await refusal(401, stage.asks(early)), /before .* was added/);
  const token = await stage.token(ALICE);
  const identity = await stage.asks(token);
  await stage.store.writer.submit("removeUser", { key: ALICE.toLowerCase() });
  await refusal(403, stage.asks(token));
  using clock = holdClock();
  clock.at += 60;
  await stage.store.addUser(ALICE);
  await refusal(401, stage.asks(token));
  assert.throws(() => stage.authenticator.recheck(identity, "192.0.2.1"), { status: 401 });
  await stage.asks(await stage.token(ALICE));
});

Deno.test("N1 a user who was added while the clock was wrong, in a time to come, is let in", async () => {
  await using stage = await Stage.open([BOB]);
  {
    using clock = holdClock();
    clock.at += 86_400;
    await stage.store.addUser(ALICE);
  }
  await stage.asks(await stage.token(ALICE));
});

Deno.test("N1 a reload ends what goes on with tokens of an issuer that is trusted no more", async () => {
  const keys = ed25519("first");
  await using provider = new Provider([keys]);
  await using stage = await Stage.open(undefined, provider.lines());
  const claims = { iss: ISSUER, exp: now() + 60, fmsg_address: ALICE };
  const theirs = await stage.asks(signed(keys, claims));
  const own = await stage.asks(await stage.token(ALICE));
  for (const identity of [theirs, own]) stage.authenticator.recheck(identity, "192.0.2.1");
  stage.reload("");
  assert.throws(() => stage.authenticator.recheck(theirs, "192.0.2.1"), { status: 401 });
  stage.authenticator.recheck(own, "192.0.2.1");
  stage.reload("  public_url: https://other.example/\n");
  assert.throws(() => stage.authenticator.recheck(own, "192.0.2.1"), { status: 401 });
});

Deno.test("N1 own tokens are for the URL that the host has: another's are refused", async () => {
  await using stage = await Stage.open();
  const token = await stage.token(ALICE);
  await stage.asks(token);
  stage.reload("  public_url: https://other.example/\n");
  await refusal(401, stage.asks(token));
  await stage.asks(await stage.token(ALICE));
});

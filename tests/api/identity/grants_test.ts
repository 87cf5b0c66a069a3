// API keys, the tokens they are exchanged for, and acting as a grant (row N11, FMSG-003 "Minimum Interoperability
// Tests" 11).

import assert from "node:assert/strict";
import { isDirectOwner } from "../../../src/api/identity/identity.ts";
import { firstPartyIssuerOf } from "../../../src/api/identity/issuer.ts";
import { makeApiKey } from "../../../src/api/identity/keys.ts";
import { signGrantToken } from "../../../src/api/identity/tokens.ts";
import {
  ALICE,
  ALICE_KEY,
  BOB,
  ed25519,
  HERE,
  IP,
  now,
  ownKeys,
  refusal,
  signed,
  Stage,
} from "./stage.ts";

const BOT = `@Alice_bot@${HERE}`;
const NAME = { ownerKey: ALICE_KEY, agent: "bot" };

Deno.test("N11 exchange: an API key gives a token for twelve hours, which is the granted address", async () => {
  await using stage = await Stage.open();
  const key = await stage.grant("bot");
  const issued = await stage.authenticator.exchangeKey(`bEARER ${key.text}`, IP);
  assert.equal(issued.token_type, "Bearer");
  assert.ok(issued.expires_in > 43_190 && issued.expires_in <= 43_200);
  assert.match(issued.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(Math.abs(Date.parse(issued.expires_at) / 1000 - now() - 43_200) < 60);

  const [, payload = ""] = issued.access_token.split(".");
  const { iat, ...claims } = JSON.parse(atob(payload));
  assert.deepEqual(claims, {
    sub: BOT,
    owner: ALICE,
    api_key_id: key.id,
    iss: `https://fmsg.${HERE}/fmsg/token`,
    aud: `https://fmsg.${HERE}/fmsg/token`,
    exp: iat + issued.expires_in,
  });

  const identity = await stage.asks(issued.access_token);
  assert.equal(identity.address.text, BOT);
  assert.equal(identity.owner.text, ALICE);
  assert.equal(identity.via, "api key");
  assert.equal(isDirectOwner(identity), false);
});

Deno.test("N11 exchange: a token never outlives its key, and an expired key is refused", async () => {
  await using stage = await Stage.open();
  const expires = now() + 600;
  const key = await stage.grant("bot", { expires });
  const issued = await stage.authenticator.exchangeKey(`Bearer ${key.text}`, IP);
  assert.equal(Date.parse(issued.expires_at) / 1000, expires);
  assert.ok(issued.expires_in <= 600);

  const old = await stage.grant("old", { expires: now() - 1 });
  const exchanged = stage.authenticator.exchangeKey(`Bearer ${old.text}`, IP);
  assert.match(await refusal(401, exchanged), /expired/);
});

Deno.test("N11 exchange: what is no key, no known one, or nearly one is refused with 401, and said nowhere", async () => {
  await using stage = await Stage.open();
  const key = await stage.grant("bot");
  const unknown = makeApiKey();
  const secret = key.text.slice(key.text.lastIndexOf("_") + 1);
  const wrong = [
    null,
    "",
    "Bearer",
    "Bearer ",
    `Basic ${key.text}`,
    key.text,
    `Bearer ${key.text}, Bearer ${key.text}`,
    `Bearer ${unknown.text}`,
    `Bearer fmsgk_${key.id}_${secret.replace(/.$/, (last) => last === "0" ? "1" : "0")}`,
    `Bearer fmsgk_${unknown.id}_${secret}`,
    `Bearer fmsgk_${key.id}_`,
    `Bearer fmsgk_${key.id}`,
    `Bearer ${key.text}0`,
    `Bearer ${key.text.toUpperCase()}`,
    `Bearer ${await stage.token(ALICE)}`,
  ];
  for (const authorization of wrong) {
    const message = await refusal(401, stage.authenticator.exchangeKey(authorization, IP));
    assert.ok(!message.includes(secret) && !message.includes(key.id), message);
  }
  // Nor is a key itself a token.
  assert.match(await refusal(401, stage.asks(key.text)), /exchanged/);
  stage.log.flush();
  assert.equal(stage.logged, "");
  const stored = JSON.stringify(stage.store.rows("SELECT * FROM api_grant"));
  assert.ok(!stored.includes(secret));
});

Deno.test("N11 source addresses: a key and its tokens work from where they may, and nowhere else", async () => {
  await using stage = await Stage.open();
  const cidrs = ["203.0.113.0/24", "2001:db8::/32"];
  const key = await stage.grant("bot", { cidrs });
  const exchange = (ip: string) => stage.authenticator.exchangeKey(`Bearer ${key.text}`, ip);
  for (const ip of ["203.0.114.1", "2001:db9::1", "192.0.2.1", "127.0.0.1"]) {
    await refusal(403, exchange(ip));
  }
  await exchange("2001:db8:ffff::1");
  const { access_token: token } = await exchange("203.0.113.7");
  const identity = await stage.asks(token, { ip: "203.0.113.255" });
  await refusal(403, stage.asks(token, { ip: "203.0.112.255" }));

  // A change counts at once, and needs no new token.
  const changed = { ...NAME, cidrs: ["198.51.100.4/32"] };
  await stage.store.writer.submit("setGrantCidrs", changed);
  await refusal(403, stage.asks(token, { ip: "203.0.113.7" }));
  assert.throws(() => stage.authenticator.recheck(identity, "203.0.113.7"), { status: 403 });
  stage.authenticator.recheck(identity, "198.51.100.4");
  await stage.asks(token, { ip: "198.51.100.4" });
});

Deno.test("N11 revocation: tokens die with their key, when it is rotated and when the grant is deleted", async () => {
  await using stage = await Stage.open();
  const first = await stage.grant("bot");
  const before = await stage.exchange(first);
  const socket = await stage.asks(before);
  const second = makeApiKey();
  await stage.store.writer.submit("rotateGrantKey", {
    ...NAME,
    key: { id: second.id, hash: second.hash, expires: now() + 600 },
  });
  await refusal(401, stage.asks(before));
  await refusal(401, stage.exchange(first));
  assert.throws(() => stage.authenticator.recheck(socket, IP), { status: 401 });
  const after = await stage.exchange(second);
  await stage.asks(after);

  await stage.store.writer.submit("deleteGrant", NAME);
  await refusal(401, stage.asks(after));
  await refusal(401, stage.exchange(second));

  // Made again, the grant has nothing to do with the old tokens.
  await stage.grant("bot");
  for (const token of [before, after]) await refusal(401, stage.asks(token));
});

Deno.test("N11 revocation: tokens die with the key's time, the signing key, and either user", async () => {
  await using stage = await Stage.open();
  const key = await stage.grant("bot");
  const { writer } = stage.store;
  const token = await stage.exchange(key);
  const grant = stage.access.grantByKeyId(key.id) ?? assert.fail();
  const identity = await stage.asks(token);

  for (const user of [ALICE_KEY, BOT.toLowerCase()]) {
    await writer.submit("setUser", { key: user, accepting: false });
    await refusal(403, stage.asks(token));
    await refusal(403, stage.exchange(key));
    assert.throws(() => stage.authenticator.recheck(identity, IP), { status: 403 });
    await writer.submit("setUser", { key: user, accepting: true });
  }
  await stage.asks(token);

  await writer.submit("rotateGrantKey", {
    ...NAME,
    key: { id: key.id, hash: key.hash, expires: now() - 1 },
  });
  assert.match(await refusal(401, stage.asks(token)), /expired/);
  await writer.submit("rotateGrantKey", {
    ...NAME,
    key: { id: key.id, hash: key.hash, expires: now() + 600 },
  });
  await stage.asks(token);

  const issuer = firstPartyIssuerOf(stage.config);
  const late = await signGrantToken(stage.signingKey, issuer, grant, now() - 11);
  assert.match(await refusal(401, stage.asks(late.token)), /expired/);
  assert.throws(
    () => stage.authenticator.recheck({ ...identity, expires: now() - 11 }, IP),
    { status: 401 },
  );

  await writer.submit("rotateSigningKey", { revoke: true });
  await refusal(401, stage.asks(token));
  assert.equal((await stage.asks(await stage.exchange(key))).address.text, BOT);

  await writer.submit("removeUser", { key: ALICE_KEY });
  await refusal(401, stage.exchange(key));
});

Deno.test("N11 first-party tokens: owner, address and key have to be those of one grant, and the key the host's", async () => {
  await using stage = await Stage.open();
  const key = await stage.grant("bot");
  const other = await stage.grant("bob", { delegated: BOB });
  const issuer = firstPartyIssuerOf(stage.config);
  const good = {
    iss: issuer,
    aud: issuer,
    exp: now() + 60,
    sub: BOT,
    owner: ALICE,
    api_key_id: key.id,
  };
  const own = ownKeys(stage.signingKey);
  await stage.asks(signed(own, good));
  const wrong: Record<string, unknown>[] = [
    { sub: ALICE },
    { sub: BOB },
    { owner: BOB },
    { owner: BOT },
    { owner: undefined },
    { api_key_id: other.id },
    { api_key_id: undefined },
    { api_key_id: [key.id] },
    { api_key_id: "" },
    { aud: stage.issuer },
    { iss: stage.issuer },
    { iss: stage.issuer, aud: issuer },
  ];
  for (const changes of wrong) {
    await refusal(401, stage.asks(signed(own, { ...good, ...changes })));
  }
  await refusal(401, stage.asks(signed(ed25519(own.kid), good)));
  await refusal(401, stage.asks(signed(own, good, { kid: undefined })));
});

Deno.test("N11 act-as: an owner acts as the addresses of the owner's own grants, and as nobody else", async () => {
  await using stage = await Stage.open([ALICE, BOB, `@carol@${HERE}`, `@dora@${HERE}`]);
  await stage.grant("bot");
  await stage.grant("sales", { delegated: `@carol@${HERE}` });
  await stage.grant("theirs", { ownerKey: BOB, delegated: `@dora@${HERE}` });
  const token = await stage.token(ALICE);
  const as = (actAs: string) => stage.asks(token, { actAs });

  const identity = await as(BOT.toUpperCase().replace("EXAMPLE", "example"));
  assert.equal(identity.address.text, BOT);
  assert.equal(identity.owner.text, ALICE);
  assert.equal(identity.via, "identity provider");
  assert.equal(isDirectOwner(identity), false);
  assert.equal((await as(` @carol@${HERE} `)).address.text, `@carol@${HERE}`);

  const direct = await as("  ");
  assert.equal(direct.address.text, ALICE);
  assert.equal(isDirectOwner(direct), true);

  const theirs = [BOB, `@dora@${HERE}`, `@zed@${HERE}`, "@alice_bot@other.example", ALICE];
  for (const other of theirs) await refusal(403, as(other));
  for (const none of ["bot", "@", "alice_bot", `${BOT},${BOB}`, "\u{1F600}"]) {
    await refusal(400, as(none));
  }
  // It is seen to at every request.
  await stage.store.writer.submit("deleteGrant", NAME);
  await refusal(403, as(BOT));
  assert.throws(() => stage.authenticator.recheck(identity, IP), { status: 403 });
});

Deno.test("N11 act-as: one's own address by a grant is no direct owner, who alone manages grants", async () => {
  await using stage = await Stage.open();
  await stage.grant("cli", { delegated: ALICE });
  const identity = await stage.asks(await stage.token(ALICE), { actAs: ALICE });
  assert.equal(identity.address.text, ALICE);
  assert.equal(isDirectOwner(identity), false);
});

Deno.test("N11 act-as: never with a token of an API key, not even for its own address", async () => {
  await using stage = await Stage.open();
  const token = await stage.exchange(await stage.grant("bot"));
  await stage.grant("other");
  for (const actAs of [BOT, `@Alice_other@${HERE}`, ALICE, "nobody"]) {
    await refusal(403, stage.asks(token, { actAs }));
  }
});

Deno.test("N11 act-as: a header's bytes are read as UTF-8, and what came decoded as it is", async () => {
  await using stage = await Stage.open();
  await stage.grant("böt");
  const address = `@Alice_böt@${HERE}`;
  const token = await stage.token(ALICE);
  const latin1 = Array.from(
    new TextEncoder().encode(address),
    (byte) => String.fromCharCode(byte),
  ).join("");
  for (const actAs of [address, latin1]) {
    assert.equal((await stage.asks(token, { actAs })).address.text, address);
  }
});

Deno.test("N11 fail closed: while the store cannot be read, keys and tokens are refused with 503", async () => {
  await using stage = await Stage.open();
  const key = await stage.grant("bot");
  const token = await stage.exchange(key);
  const identity = await stage.asks(token);
  stage.shutStore();
  await refusal(503, stage.asks(token));
  await refusal(503, stage.exchange(key));
  assert.throws(() => stage.authenticator.recheck(identity, IP), { status: 503 });
});

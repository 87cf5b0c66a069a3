// The grant routes, the token route and the public keys, by what is sent to them (row N11).

import assert from "node:assert/strict";
import * as v from "valibot";
import { HERE } from "../../store/support.ts";
import { ALICE, BOB, RouteStage, type Told } from "./asking.ts";

const IN_TIME = "2999-12-31T00:00:00Z";
const EVERYWHERE = ["0.0.0.0/0", "::/0"];

const WITH_KEY = v.looseObject({ agent: v.string(), addr: v.string(), api_key: v.string() });

function statusOf({ status, body }: Told): string {
  return `${status} ${JSON.stringify(body)}`;
}

/** Creates a grant of Alice's; what it is told. */
async function create(
  stage: RouteStage,
  changes: Readonly<Record<string, unknown>>,
): Promise<Told> {
  return await stage.ask("POST /fmsg/sub-accounts", {
    by: ALICE,
    json: { agent: "bot", allowed_cidrs: EVERYWHERE, key_expires_at: IN_TIME, ...changes },
  });
}

async function createdKey(stage: RouteStage, agent = "bot"): Promise<string> {
  return v.parse(WITH_KEY, (await create(stage, { agent })).body).api_key;
}

async function exchanged(stage: RouteStage, key: string, ip?: string): Promise<Told> {
  return await stage.ask("POST /fmsg/token", {
    authorization: `Bearer ${key}`,
    ...ip === undefined ? {} : { ip },
  });
}

Deno.test("N11 create: the grant and its key are answered with 201, the ranges in their one spelling", async () => {
  await using stage = await RouteStage.open();
  const cidrs = ["203.0.113.0/24", "2001:DB8::/32", " 203.0.113.0/24"];
  // Whatever else is asked for: an owner gets no other address (FMSG-003 "POST /fmsg/sub-accounts").
  const others = { addr: BOB, grant_type: "delegated_identity", delegated: BOB };
  const created = await create(stage, { allowed_cidrs: cidrs, ...others });
  assert.equal(created.status, 201);
  const { api_key: key, ...grant } = v.parse(WITH_KEY, created.body);
  const [, id] = /^fmsgk_([^_]+)_[^_]+$/.exec(key) ?? [];
  assert.deepEqual(grant, {
    agent: "bot",
    addr: `@alice_bot@${HERE}`,
    grant_type: "derived_sub_account",
    key_id: id,
    allowed_cidrs: ["203.0.113.0/24", "2001:db8::/32"],
    key_expires_at: IN_TIME,
  });
  const listed = await stage.ask("GET /fmsg/sub-accounts", { by: ALICE });
  assert.deepEqual(listed.body, { max_sub_accounts: 5, sub_accounts: [grant] });
  const got = await stage.ask("GET /fmsg/sub-accounts/bot", { by: ALICE });
  assert.deepEqual([got.status, got.body], [200, grant]);
});

Deno.test("N11 create: an agent is 1 to 64 bytes of letters, digits, dots and hyphens, without _ and @; else 400", async () => {
  await using stage = await RouteStage.open();
  const bad = [
    "",
    "a_b",
    "@a",
    "a b",
    "a/b",
    "a\u0000",
    "-",
    "..",
    "a.",
    "ä".repeat(33),
    "½",
    "a\u0301",
  ];
  for (const agent of [...bad, 7, null, undefined, ["bot"]]) {
    const refused = await create(stage, { agent });
    assert.equal(refused.status, 400, `${agent}: ${statusOf(refused)}`);
  }
  for (const agent of ["b", "Bot-2.x", "агент", "٣", "ä".repeat(32)]) {
    const taken = await create(stage, { agent });
    assert.equal(taken.status, 201, `${agent}: ${statusOf(taken)}`);
  }
});

Deno.test("N11 create: allowed_cidrs hold 1 to 64 ranges of IPv4 or IPv6; else 400", async () => {
  await using stage = await RouteStage.open();
  const bad = [
    [],
    [""],
    ["203.0.113.0"],
    ["203.0.113.0/33"],
    ["::/129"],
    ["203.0.113/24"],
    ["host/24"],
    ["0.0.0.0/0", ""],
    [7],
    "0.0.0.0/0",
    {},
    null,
    undefined,
    Array.from({ length: 65 }, (_, i) => `10.0.${i}.0/24`),
  ];
  for (const cidrs of bad) {
    const refused = await create(stage, { allowed_cidrs: cidrs });
    assert.equal(refused.status, 400, `${cidrs}: ${statusOf(refused)}`);
    const replaced = await stage.ask("PATCH /fmsg/sub-accounts/bot", {
      by: ALICE,
      json: { allowed_cidrs: cidrs },
    });
    assert.equal(replaced.status, 400, `${cidrs}: ${statusOf(replaced)}`);
  }
});

Deno.test("N11 create: key_expires_at is a time to come in the form of RFC 3339; else 400", async () => {
  await using stage = await RouteStage.open();
  const bad = [
    "2001-01-01T00:00:00Z",
    new Date().toISOString(),
    "2999-12-31",
    "2999-12-31 00:00:00Z",
    "2999-12-31T00:00:00",
    "2999-02-30T00:00:00Z",
    "2999-12-31T24:01:00Z",
    "tomorrow",
    "",
    32503680000,
    null,
    undefined,
  ];
  for (const expires of bad) {
    const refused = await create(stage, { key_expires_at: expires });
    assert.equal(refused.status, 400, `${expires}: ${statusOf(refused)}`);
  }
  const zoned = await create(stage, { key_expires_at: "2998-12-31T23:30:00.25-01:00" });
  assert.deepEqual(
    v.parse(v.looseObject({ key_expires_at: v.string() }), zoned.body).key_expires_at,
    "2999-01-01T00:30:00Z",
  );
});

Deno.test("N11 create: the same agent again is a conflict, whatever its case, and the sixth is one too many", async () => {
  await using stage = await RouteStage.open();
  for (const agent of ["one", "two", "three", "four", "five"]) await createdKey(stage, agent);
  assert.equal((await create(stage, { agent: "ONE" })).status, 409);
  assert.equal((await create(stage, { agent: "six" })).status, 403);
  assert.equal((await stage.ask("DELETE /fmsg/sub-accounts/Two", { by: ALICE })).status, 204);
  assert.equal((await create(stage, { agent: "six" })).status, 201);
});

Deno.test("N11 create: an address that is somebody's own is never taken over", async () => {
  await using stage = await RouteStage.open([ALICE, `@alice_bot@${HERE}`]);
  assert.equal((await create(stage, { agent: "bot" })).status, 409);
});

Deno.test("N11 owner: grants of others, and those that are none, are 404 on every route", async () => {
  await using stage = await RouteStage.open();
  await createdKey(stage);
  for (const by of [ALICE, BOB]) {
    const agent = by === ALICE ? "none" : "bot";
    const answers = [
      await stage.ask(`GET /fmsg/sub-accounts/${agent}`, { by }),
      await stage.ask(`PATCH /fmsg/sub-accounts/${agent}`, {
        by,
        json: { allowed_cidrs: EVERYWHERE },
      }),
      await stage.ask(`POST /fmsg/sub-accounts/${agent}/rotate-key`, {
        by,
        json: { key_expires_at: IN_TIME },
      }),
      await stage.ask(`DELETE /fmsg/sub-accounts/${agent}`, { by }),
    ];
    assert.deepEqual(answers.map(({ status }) => status), [404, 404, 404, 404]);
  }
  const listed = await stage.ask("GET /fmsg/sub-accounts", { by: BOB });
  assert.deepEqual(listed.body, { max_sub_accounts: 5, sub_accounts: [] });
});

Deno.test("N11 rotate: the earlier key is refused, the ranges stay, and the new key is told once", async () => {
  await using stage = await RouteStage.open();
  const before = await createdKey(stage);
  const rotated = await stage.ask("POST /fmsg/sub-accounts/bot/rotate-key", {
    by: ALICE,
    json: { key_expires_at: "2998-06-01T00:00:00Z" },
  });
  const { api_key: after, ...grant } = v.parse(WITH_KEY, rotated.body);
  assert.equal(rotated.status, 200);
  assert.notEqual(after, before);
  assert.equal((await exchanged(stage, before)).status, 401);
  assert.equal((await exchanged(stage, after)).status, 200);
  const got = await stage.ask("GET /fmsg/sub-accounts/bot", { by: ALICE });
  assert.deepEqual(got.body, grant);
  assert.deepEqual(grant["allowed_cidrs"], EVERYWHERE);
  assert.equal(grant["key_expires_at"], "2998-06-01T00:00:00Z");
});

Deno.test("N11 replace: ranges are replaced, not merged, and the key stays good", async () => {
  await using stage = await RouteStage.open();
  const key = await createdKey(stage);
  const replaced = await stage.ask("PATCH /fmsg/sub-accounts/bot", {
    by: ALICE,
    json: { allowed_cidrs: ["198.51.100.0/24"] },
  });
  assert.equal(replaced.status, 200);
  assert.deepEqual(
    v.parse(v.looseObject({ allowed_cidrs: v.array(v.string()) }), replaced.body).allowed_cidrs,
    ["198.51.100.0/24"],
  );
  assert.equal((await exchanged(stage, key, "127.0.0.1")).status, 403);
  assert.equal((await exchanged(stage, key, "198.51.100.9")).status, 200);
});

Deno.test("N11 owner: neither the token of a key nor an owner who acts as a grant manages grants", async () => {
  await using stage = await RouteStage.open();
  const key = await createdKey(stage);
  const schema = v.looseObject({ access_token: v.string() });
  const { access_token: token } = v.parse(schema, (await exchanged(stage, key)).body);
  const asKey = { authorization: `Bearer ${token}` };
  const asGrant = { by: ALICE, actAs: `@alice_bot@${HERE}` };
  for (const asking of [asKey, asGrant]) {
    const answers = [
      await stage.ask("GET /fmsg/sub-accounts", asking),
      await stage.ask("POST /fmsg/sub-accounts", { ...asking, json: {} }),
      await stage.ask("GET /fmsg/sub-accounts/bot", asking),
      await stage.ask("PATCH /fmsg/sub-accounts/bot", { ...asking, json: {} }),
      await stage.ask("POST /fmsg/sub-accounts/bot/rotate-key", { ...asking, json: {} }),
      await stage.ask("DELETE /fmsg/sub-accounts/bot", asking),
    ];
    assert.deepEqual(answers.map(({ status }) => status), [403, 403, 403, 403, 403, 403]);
  }
});

Deno.test("N11 token: the claims are those of FMSG-003, for 12 hours, and the times agree", async () => {
  await using stage = await RouteStage.open();
  const key = await createdKey(stage);
  const before = Math.floor(Date.now() / 1000);
  const { status, body, headers } = await exchanged(stage, key);
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  const { access_token: token, ...rest } = v.parse(
    v.looseObject({ access_token: v.string(), expires_at: v.string() }),
    body,
  );
  const [head = "", payload = ""] = token.split(".");
  const claims = v.parse(
    v.looseObject({ iat: v.number(), exp: v.number(), iss: v.string(), aud: v.string() }),
    decoded(payload),
  );
  assert.equal(
    v.parse(v.looseObject({ alg: v.string(), kid: v.string() }), decoded(head)).alg,
    "EdDSA",
  );
  assert.equal(claims["sub"], `@alice_bot@${HERE}`);
  assert.equal(claims["owner"], ALICE);
  assert.equal(claims["api_key_id"], key.split("_")[1]);
  assert.equal(claims.iss, `https://fmsg.${HERE}/fmsg/token`);
  assert.equal(claims.aud, claims.iss);
  assert.ok(claims.iat >= before && claims.exp === claims.iat + 43_200);
  assert.deepEqual(rest, {
    token_type: "Bearer",
    expires_in: 43_200,
    expires_at: new Date(claims.exp * 1000).toISOString().replace(".000Z", "Z"),
  });
});

Deno.test("N11 token: what is no key, an unknown one and one with another secret are 401", async () => {
  await using stage = await RouteStage.open();
  const key = await createdKey(stage);
  const other = key.replace(/.$/, (last) => last === "0" ? "1" : "0");
  for (
    const wrong of [
      other,
      key.slice(0, -1),
      `${key}0`,
      "fmsgk_a_b",
      "fmsgk_",
      await stage.token(ALICE),
    ]
  ) {
    assert.equal((await exchanged(stage, wrong)).status, 401, wrong);
  }
  assert.equal((await stage.ask("POST /fmsg/token")).status, 401);
  assert.equal(
    (await stage.ask("POST /fmsg/token", { authorization: `Basic ${key}` })).status,
    401,
  );
});

Deno.test("N11 token: no key is stored, but its hash", async () => {
  await using stage = await RouteStage.open();
  const [, , secret = ""] = (await createdKey(stage)).split("_");
  for (const name of ["fmsg.db", "fmsg.db-wal"]) {
    const bytes = await Deno.readFile(`${stage.store.folder}/${name}`);
    assert.equal(new TextDecoder("latin1").decode(bytes).includes(secret), false, name);
  }
});

Deno.test("N11 keys: the public halves of the keys that sign are told to everybody, and nothing of the private ones", async () => {
  await using stage = await RouteStage.open();
  const [first, second] = [
    await stage.ask("GET /fmsg/jwks.json"),
    await stage.ask("GET /.well-known/jwks.json"),
  ];
  assert.deepEqual(first.body, second.body);
  const { keys } = v.parse(
    v.object({ keys: v.array(v.looseObject({ kid: v.string() })) }),
    first.body,
  );
  assert.deepEqual(keys.map((key) => Object.keys(key).toSorted()), [[
    "alg",
    "crv",
    "kid",
    "kty",
    "use",
    "x",
  ]]);
  const before = keys[0]?.kid;
  await stage.store.writer.submit("rotateSigningKey", { revoke: false });
  const schema = v.looseObject({ keys: v.array(v.looseObject({ kid: v.string() })) });
  const kids = v.parse(schema, (await stage.ask("GET /fmsg/jwks.json")).body).keys.map(({ kid }) =>
    kid
  );
  assert.equal(kids.length, 2);
  assert.equal(kids[1], before, "what it signed is still good");
});

function decoded(part: string): unknown {
  const bytes = Uint8Array.fromBase64(part, { alphabet: "base64url" });
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return value;
}

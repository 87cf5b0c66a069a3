// Row N1 over HTTP: which tokens a running host takes, from itself and from an identity provider, and that nobody else is
// let in, whatever it brings (FMSG-003 "Minimum Interoperability Tests" 1).

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign as signWith } from "node:crypto";
import { Access } from "../../src/store/mod.ts";
import { ISSUER, Provider } from "../api/identity/provider.ts";
import { ed25519, forge, hmac, type Keys, now, ownKeys, signed } from "../api/identity/stage.ts";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { closedRoutes, expect, fieldsOf } from "./api_client.ts";

type Claims = Readonly<Record<string, unknown>>;

/** Whoever is refused is told why, and that a token is wanted (RFC 6750). */
async function refused(
  status: 401 | 403 | 503,
  answer: Promise<ApiAnswer>,
  what = "",
): Promise<string> {
  const got = await answer;
  assert.equal(got.status, status, `${what} ${got.text}`);
  const { error, ...rest } = fieldsOf(got);
  assert.ok(typeof error === "string" && error !== "", got.text);
  assert.deepEqual(rest, {});
  if (status === 401) assert.match(got.headers.get("www-authenticate") ?? "", /^Bearer\b/);
  return error;
}

/** The keys that the host signs with at this moment. */
function keysOf(host: HostProcess): Keys {
  using access = new Access(host.dataDir);
  return ownKeys(access.currentSigningKey() ?? assert.fail("the host has no key"));
}

/** A host that trusts a provider, whose users are alice and bob. */
async function trusting(world: World, provider: Provider): Promise<HostProcess> {
  return await world.host({
    api: { idp: { issuer: ISSUER, audience: "fmsg", jwks: provider.url } },
    users: ["alice", "bob"],
    config: { log: { level: "debug" } },
  });
}

/** Wrong in one thing each: claims, and fields of the header. */
function wrongClaims(
  good: Claims,
  claim: string,
): [what: string, claims: Claims, header?: Claims][] {
  return [
    ["expired", { ...good, exp: now() - 60 }],
    ["never expires", { ...good, exp: undefined }],
    ["expires some day", { ...good, exp: "tomorrow" }],
    ["not valid yet", { ...good, nbf: now() + 60 }],
    ["issued in the future", { ...good, iat: now() + 60 }],
    ["wrong issuer", { ...good, iss: "https://evil.example" }],
    ["issuer with a slash", { ...good, iss: `${String(good.iss)}/` }],
    ["issuer in capitals", { ...good, iss: String(good.iss).toUpperCase() }],
    ["two issuers", { ...good, iss: [good.iss] }],
    ["no issuer", { ...good, iss: undefined }],
    ["wrong audience", { ...good, aud: "other" }],
    ["no audience", { ...good, aud: undefined }],
    ["no address", { ...good, [claim]: undefined }],
    ["a name that is no address", { ...good, [claim]: "alice" }],
    ["several addresses", { ...good, [claim]: [good[claim]] }],
    ["another domain", { ...good, [claim]: "@alice@elsewhere.test" }],
    ["unknown kid", good, { kid: "nobody's" }],
    ["kid of another type", good, { kid: 7 }],
    ["what nobody understands is critical", good, { crit: ["exp"] }],
    ["payload outside of the token", good, { b64: false, crit: ["b64"] }],
    ["alg of another spelling", good, { alg: "eddsa" }],
  ];
}

/** Signed by other means than Ed25519, or by another key. */
function wrongSignatures(
  { kid, jwk, privateKey }: Keys,
  good: Claims,
): [what: string, token: string][] {
  const point = Buffer.from(String(jwk.x), "base64url");
  const stranger = ed25519(kid);
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const token = signed({ kid, jwk, privateKey }, good);
  const [head = "", , signature = ""] = token.split(".");
  const other = Buffer.from(JSON.stringify({ ...good, jti: "2" })).toString("base64url");
  return [
    ["none", forge({ alg: "none", kid }, good, () => "")],
    ["None", forge({ alg: "None", kid }, good, () => "")],
    ["none, with a signature", `${forge({ alg: "none", kid }, good, () => "")}${signature}`],
    ["HS256 with the public key", forge({ alg: "HS256", kid }, good, hmac(point))],
    ["HS256 with the text of the key", forge({ alg: "HS256", kid }, good, hmac(String(jwk.x)))],
    ["HS256 with the whole JWK", forge({ alg: "HS256", kid }, good, hmac(JSON.stringify(jwk)))],
    ["EdDSA that is HMAC", forge({ alg: "EdDSA", kid }, good, hmac(point))],
    [
      "ES256",
      forge({ alg: "ES256", kid }, good, (input) => signWith("sha256", Buffer.from(input), ec)),
    ],
    ["a stranger's key by a known kid", signed(stranger, good)],
    ["a stranger's key in the header", signed(stranger, good, { jwk: stranger.jwk })],
    ["a stranger's key at a URL", signed(stranger, good, { jku: "https://evil.example/jwks" })],
    ["another payload", `${head}.${other}.${signature}`],
    ["no signature", token.slice(0, token.lastIndexOf(".") + 1)],
    ["half of it", token.slice(0, token.length / 2)],
    ["more behind it", `${token}.e30`],
    ["too long", signed({ kid, jwk, privateKey }, { ...good, more: "x".repeat(9000) })],
    ["nothing", "e30"],
  ];
}

Deno.test("N1 tokens of the host and of an identity provider, over HTTP", async (t) => {
  await using world = await World.make();
  const theirs = ed25519("theirs");
  await using provider = new Provider([theirs]);
  const host = await trusting(world, provider);
  const own = keysOf(host);
  const tried: string[] = [];

  await t.step("N1 valid ones are let in; whatever is wrong with one is 401", async () => {
    const ask = (token: string): Promise<ApiAnswer> =>
      host.api.with(token).get("/fmsg/sub-accounts");
    const alice = host.address("alice");
    const issuer = `https://fmsg.${host.domain}`;
    const profiles: [keys: Keys, claim: string, good: Claims][] = [
      [own, "sub", { iss: issuer, aud: issuer, exp: now() + 600, sub: alice }],
      [theirs, "fmsg_address", { iss: ISSUER, aud: "fmsg", exp: now() + 600, fmsg_address: alice }],
    ];
    for (const [keys, claim, good] of profiles) {
      const valid = signed(keys, { ...good, iat: now(), nbf: now() });
      await expect(200, ask(valid));
      await expect(200, ask(signed(keys, { ...good, [claim]: alice.toUpperCase() })));
      tried.push(valid);
      for (const [what, claims, header] of wrongClaims(good, claim)) {
        const token = signed(keys, claims, header);
        await refused(401, ask(token), what);
        tried.push(token);
      }
      for (const [what, token] of wrongSignatures(keys, good)) await refused(401, ask(token), what);
      // Nobody but who is named as its issuer can have signed a token.
      const [others] = profiles.flatMap(([other]) => other === keys ? [] : [other]);
      if (others !== undefined) await refused(401, ask(signed(others, good)), "the other's key");
    }
  });

  await t.step(
    "N1 a token of one kind is none of another: own, first-party, provider's",
    async () => {
      const [alice, bob] = [host.address("alice"), host.address("bob")];
      const client = await host.client("alice");
      const made = fieldsOf(
        await expect(
          201,
          client.post("/fmsg/sub-accounts", {
            agent: "bot",
            allowed_cidrs: ["0.0.0.0/0"],
            key_expires_at: "2999-01-01T00:00:00Z",
          }),
        ),
      );
      const issuer = `https://fmsg.${host.domain}`;
      const party = `${issuer}/fmsg/token`;
      const exp = now() + 600;
      const bot = { sub: made.addr, owner: alice, api_key_id: made.key_id, exp };
      const ask = (token: string): Promise<ApiAnswer> => host.api.with(token).get("/fmsg");
      await expect(200, ask(signed(own, { ...bot, iss: party, aud: party })));
      const confused: [string, string][] = [
        ["a provider's as first-party", signed(theirs, { ...bot, iss: party, aud: party })],
        ["a provider's as own", signed(theirs, { iss: issuer, aud: issuer, sub: alice, exp })],
        [
          "own as a provider's",
          signed(own, { iss: ISSUER, aud: "fmsg", fmsg_address: alice, exp }),
        ],
        ["first-party for the audience of own", signed(own, { ...bot, iss: party, aud: issuer })],
        [
          "own for the audience of first-party",
          signed(own, { iss: issuer, aud: party, sub: alice, exp }),
        ],
        [
          "first-party without a key",
          signed(own, { ...bot, iss: party, aud: party, api_key_id: undefined }),
        ],
        ["another's address by the key", signed(own, { ...bot, iss: party, aud: party, sub: bob })],
        [
          "the owner's address by the key",
          signed(own, { ...bot, iss: party, aud: party, sub: alice }),
        ],
        ["another owner", signed(own, { ...bot, iss: party, aud: party, owner: bob })],
        ["a key in place of a token", String(made.api_key)],
      ];
      for (const [what, token] of confused) await refused(401, ask(token), what);
      // A token is no key, and neither is one in the query.
      await refused(401, client.post("/fmsg/token"));
      await refused(401, host.api.post(`/fmsg/token?access_token=${String(made.api_key)}`));
      await refused(401, host.api.get(`/fmsg?access_token=${client.token}`));
      // Nor in the path, where it belongs even less.
      await expect(404, host.api.post(`/fmsg/token/${String(made.api_key)}`));
      await expect(404, host.api.get(`/fmsg/ws/${client.token}`));
      tried.push(String(made.api_key), String(client.token));
    },
  );

  await t.step(
    "N1 an address that is unknown, switched off or removed is refused with 403, whoever vouches for it",
    async () => {
      const vouched = (user: string): ApiClient =>
        host.api.with(signed(theirs, {
          iss: ISSUER,
          aud: "fmsg",
          exp: now() + 600,
          fmsg_address: host.address(user),
        }));
      await refused(403, vouched("stranger").get("/fmsg"));
      const both = [await host.client("bob"), vouched("bob")];
      for (const client of both) await expect(200, client.get("/fmsg"));
      await host.setUser(host.address("bob"), "--accepting=false");
      for (const client of both) await refused(403, client.get("/fmsg"));
      await host.setUser(host.address("bob"), "--accepting=true");
      for (const client of both) await expect(200, client.get("/fmsg"));
      await host.json(["user", "remove", host.address("bob")]);
      for (const client of both) await refused(403, client.get("/fmsg"));
    },
  );

  await t.step("N1 none of the tokens is in the log, in which each request is", async () => {
    // None of it is in the log, in whose lines each request is.
    await host.stop();
    const log = JSON.stringify(host.log);
    assert.ok(log.includes("/fmsg/sub-accounts"));
    for (const token of tried) assert.ok(!log.includes(token.split(".")[2] ?? token), token);
  });
});

Deno.test("N1 who is let in at all, over HTTP", async (t) => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice", "bob"] });

  await t.step("N1 a request with the header twice, or a malformed one, is nobody's", async () => {
    const [alice, bob] = await Promise.all(["alice", "bob"].map((name) => host.client(name)));
    assert.ok(alice?.token && bob?.token);
    const bearer = (token: string): string => `authorization: Bearer ${token}\r\n`;
    const good = bearer(alice.token);
    assert.equal(await statusOf(host, good), 200);
    assert.equal(await statusOf(host, good + bearer(bob.token)), 401);
    assert.equal(await statusOf(host, good + good), 401);
    assert.equal(await statusOf(host, `${good}authorization: Basic YTpi\r\n`), 401);
    assert.equal(await statusOf(host, `authorization: Bearer ${alice.token}, Bearer x\r\n`), 401);
    assert.equal(await statusOf(host, `authorization: Basic ${alice.token}\r\n`), 401);
    assert.equal(await statusOf(host, `authorization: ${alice.token}\r\n`), 401);
    assert.equal(await statusOf(host, "authorization: Bearer\r\n"), 401);
    const actAs = (address: string): string => `x-fmsg-act-as: ${address}\r\n`;
    assert.equal(await statusOf(host, good + actAs(host.address("bob"))), 403);
    assert.equal(
      await statusOf(host, good + actAs(host.address("alice")) + actAs("@x@y.test")),
      400,
    );
  });

  await t.step(
    "N1 every route but the open ones refuses who brings no token, or a wrong one, all alike",
    async () => {
      const answers = new Map<string, Set<string>>([["", new Set()], ["e30.e30.e30", new Set()]]);
      const routes = await closedRoutes(host.api);
      assert.ok(routes.length > 20, `${routes.length}`);
      for (const route of routes) {
        const [method = "", path = ""] = route.split(" ");
        const target = path.replace("{id}", "1").replace(/\{\w+\}/, "a");
        for (const [token, texts] of answers) {
          const client = host.api.with(token === "" ? null : token);
          texts.add(await refused(401, client.request(method.toUpperCase(), target), route));
        }
      }
      for (const texts of answers.values()) assert.equal(texts.size, 1, [...texts].join());
    },
  );

  await t.step(
    "N1 the host's keys: told without their private parts; rotated they verify on, revoked no more",
    async () => {
      const first = await host.client("alice");
      await host.json(["key", "rotate"]);
      const second = host.api.with(await host.token(host.address("alice")));
      for (const client of [first, second]) await expect(200, client.get("/fmsg"));
      for (const path of ["/fmsg/jwks.json", "/.well-known/jwks.json"]) {
        const { keys } = fieldsOf(await expect(200, host.api.get(path)));
        assert.ok(Array.isArray(keys) && keys.length === 2);
        for (const key of keys) {
          assert.deepEqual(Object.keys(key).toSorted(), ["alg", "crv", "kid", "kty", "use", "x"]);
        }
        assert.equal(keys[0].kid, keysOf(host).kid, "the one that signs is the first");
      }
      await host.json(["key", "rotate", "--revoke"]);
      for (const client of [first, second]) await refused(401, client.get("/fmsg"));
      const { keys } = fieldsOf(await expect(200, host.api.get("/fmsg/jwks.json")));
      assert.ok(Array.isArray(keys) && keys.length === 1);
    },
  );
});

Deno.test("N1 a provider that is down: 503 before its keys are known, and nobody is let in; then its known keys count", async () => {
  await using world = await World.make();
  const theirs = ed25519("theirs");
  await using provider = new Provider([theirs]);
  provider.behaviour = () => new Response(null, { status: 500 });
  const host = await trusting(world, provider);
  const claims = {
    iss: ISSUER,
    aud: "fmsg",
    exp: now() + 600,
    fmsg_address: host.address("alice"),
  };
  const ask = (keys: Keys): Promise<ApiAnswer> => host.api.with(signed(keys, claims)).get("/fmsg");
  for (const keys of [theirs, ed25519("made up")]) {
    const answer = await ask(keys);
    await refused(503, Promise.resolve(answer));
    assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/);
  }
  // Those who need no provider are let in all the while.
  await expect(200, (await host.client("alice")).get("/fmsg"));
  provider.behaviour = null;
  await waitFor(async () => (await ask(theirs)).status === 200, { what: "the provider's keys" });
  provider.behaviour = () => new Response(null, { status: 500 });
  await expect(200, ask(theirs));
  // Of a key that is not known it cannot be told whether it is the provider's: nobody is let in by it.
  await refused(503, ask(ed25519("new")));
  await expect(200, ask(theirs));
});

/** The status for a request with these lines in its header, as they are: a library would join or refuse them. */
async function statusOf(host: HostProcess, lines: string): Promise<number> {
  const { hostname, port } = new URL(host.api.base);
  using socket = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET /fmsg HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n${lines}\r\n`;
  await socket.write(new TextEncoder().encode(request));
  const chunks = await Array.fromAsync(socket.readable);
  const text = new TextDecoder().decode(Buffer.concat(chunks));
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
}

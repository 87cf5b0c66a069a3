// fmsg token: identity tokens that the host signs itself (row N1).

import assert from "node:assert/strict";
import { join } from "node:path";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { Access } from "../../src/store/mod.ts";
import { publicKeys } from "../../src/api/identity/jwks.ts";
import { Place } from "./support.ts";

const DAY = 86_400;

interface Printed {
  readonly token: string;
  readonly address: string;
  readonly issuer: string;
  readonly expires: number;
}

/** What anybody makes of a token with the host's public keys. */
async function verify(place: Place, token: string): Promise<Record<string, unknown>> {
  using access = new Access(join(place.dir, "data"));
  const { keys } = publicKeys(access);
  assert.ok(keys.every((key) => !("d" in key)));
  const set = createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) });
  return (await jwtVerify(token, set)).payload;
}

Deno.test("a token is signed for thirty days, and whoever has the public keys can verify it", async () => {
  using place = new Place();
  await place.addUsers("Alice");
  const printed = await place.json("token", "@alice@a.test") as Printed;
  const { token, ...rest } = printed;
  const { jti, iat, exp, ...claims } = await verify(place, token);
  const issuer = "https://fmsg.a.test";
  assert.deepEqual(rest, { address: "@Alice@a.test", issuer, expires: exp });
  assert.deepEqual(claims, {
    iss: issuer,
    aud: issuer,
    sub: "@Alice@a.test",
    fmsg_address: "@Alice@a.test",
  });
  assert.equal(typeof jti, "string");
  assert.ok(Math.abs(Number(iat) - Date.now() / 1000) < 60);
  assert.equal(Number(exp) - Number(iat), 30 * DAY);
  assert.equal(decodeProtectedHeader(token).alg, "EdDSA");

  const other = await place.json("token", "@alice@a.test") as Printed;
  assert.notEqual(decodeJwt(other.token).jti, jti);
  assert.equal(decodeProtectedHeader(other.token).kid, decodeProtectedHeader(token).kid);
});

Deno.test("a token is alone on stdout, lasts as long as was said, and names the host's URL", async () => {
  const api = 'api: {listen: "127.0.0.1:0", public_url: "https://mail.a.test/"}\n';
  using place = new Place("a.test", api);
  await place.addUsers("alice");
  const ran = await place.run(["token", "@alice@a.test", "--expires", "12h"]);
  assert.equal(ran.status, 0);
  const token = ran.stdout.trim();
  const { iss, aud, exp, iat } = await verify(place, token);
  assert.deepEqual([iss, aud], ["https://mail.a.test", "https://mail.a.test"]);
  assert.equal(Number(exp) - Number(iat), DAY / 2);
  assert.ok(!ran.stderr.includes(token));
  assert.doesNotMatch(ran.stderr, /api\.listen/);
  assert.equal(
    (await place.json("token", "@alice@a.test", "--expires=365d") as Printed).token.length > 0,
    true,
  );
});

Deno.test("a host without an interface says so beside the token", async () => {
  using place = new Place();
  await place.addUsers("alice");
  assert.match((await place.run(["token", "@alice@a.test"])).stderr, /api\.listen/);
});

Deno.test("a token for nobody, or for too long, is an error that says what to do", async () => {
  using place = new Place();
  await place.addUsers("alice", "off");
  await place.json("user", "set", "@off@a.test", "--accepting=false");
  const wrong: [status: number, says: RegExp, ...words: string[]][] = [
    [1, /no user here.*fmsg user add/, "@bob@a.test"],
    [1, /no address of this host/, "@alice@b.test"],
    [1, /--accepting=true/, "@off@a.test"],
    [2, /ADDRESS/, "alice"],
    [2, /--expires/, "@alice@a.test", "--expires", "366d"],
    [2, /--expires/, "@alice@a.test", "--expires", "0s"],
    [2, /--expires/, "@alice@a.test", "--expires", "tomorrow"],
    [2, /--expires/, "@alice@a.test", "--expires", "2020-01-01T00:00:00Z"],
  ];
  for (const [status, says, ...words] of wrong) {
    const ran = await place.run(["token", ...words]);
    assert.equal(ran.status, status, words.join(" "));
    assert.match(ran.stderr, says);
    assert.equal(ran.stdout, "");
  }
});

// The cookie of a session, and the one origin that it counts for.

import assert from "node:assert/strict";
import { ApiError } from "../../../src/api/error.ts";
import { forgettingCookie, keepingCookie, sessionCookie } from "../../../src/api/session/cookie.ts";
import { makeSessionKey, readSessionKey } from "../../../src/api/session/key.ts";
import { makeSignInToken, readSignInToken } from "../../../src/api/session/token.ts";
import { type FromClient, ownOrigin, requireOwnOrigin } from "../../../src/api/session/origin.ts";
import { type Config, parseConfig } from "../../../src/config.ts";

function configOf(api: string): Config {
  return parseConfig(`domain: a.test\napi: {listen: "127.0.0.1:8000"${api}}`, "fmsg.yaml");
}

const PLAIN = configOf("");
const TLS = configOf(", tls: true");
const PUBLIC = configOf(', public_url: "https://FMSG.a.test:443/x"');
const HERE = configOf(', public_url: "http://127.0.0.9:8000"');

function from(headers: Record<string, string>, ip = "127.0.0.1"): FromClient {
  return { request: new Request("http://host/", { headers }), ip };
}

Deno.test("session: tokens and keys are read as they were made, and nothing else is one", () => {
  const token = makeSignInToken();
  assert.deepEqual(readSignInToken(token.text), token.hash);
  assert.equal(Array.from(atob(token.text.replace(/-/g, "+").replace(/_/g, "/"))).length, 32);
  for (
    const text of ["", `${token.text}A`, token.text.slice(1), `${token.text}=`, "é".repeat(43)]
  ) {
    assert.equal(readSignInToken(text), null);
  }
  const key = makeSessionKey();
  assert.deepEqual(readSessionKey(key.text), key);
  assert.notDeepEqual(makeSessionKey().id, key.id);
  const { text } = key;
  for (const one of ["", text.slice(1), `${text}x`, text.replace(".", "-"), `${text}\n`]) {
    assert.equal(readSessionKey(one), null);
  }
});

Deno.test("session: the page's origin is that of public_url, or what the browser opened where that cannot deceive", () => {
  const cases: [Config, Record<string, string>, string, string | null][] = [
    [PUBLIC, {}, "192.0.2.1", "https://fmsg.a.test"],
    [PUBLIC, { host: "evil.example" }, "192.0.2.1", "https://fmsg.a.test"],
    [TLS, { host: "fmsg.a.test" }, "192.0.2.1", "https://fmsg.a.test"],
    [TLS, { host: "FMSG.a.test:8443" }, "192.0.2.1", "https://fmsg.a.test:8443"],
    [TLS, {}, "192.0.2.1", null],
    [TLS, { host: "a@b" }, "192.0.2.1", null],
    [PLAIN, { host: "127.0.0.1:8000" }, "127.0.0.1", "http://127.0.0.1:8000"],
    [PLAIN, { host: "localhost:8000" }, "127.0.0.1", "http://localhost:8000"],
    [PLAIN, { host: "[::1]:8000" }, "::1", "http://[::1]:8000"],
    // A name that was made to lead here, and clear text from elsewhere.
    [PLAIN, { host: "rebound.example:8000" }, "127.0.0.1", null],
    [PLAIN, { host: "192.0.2.9:8000" }, "192.0.2.1", null],
    // A proxy on this machine that nobody told of.
    [PLAIN, { host: "192.0.2.9:8000" }, "127.0.0.1", null],
    [PLAIN, { host: "127.0.0.1.example:8000" }, "127.0.0.1", null],
    // Passed on by a proxy that is known.
    [HERE, {}, "192.0.2.1", "http://127.0.0.9:8000"],
    [PLAIN, { host: "localhost/x" }, "127.0.0.1", null],
  ];
  for (const [config, headers, ip, origin] of cases) {
    assert.equal(ownOrigin(config, from(headers, ip)), origin, JSON.stringify(headers));
  }
  const refused = (headers: Record<string, string>): unknown => {
    try {
      return requireOwnOrigin(PLAIN, from({ host: "localhost:8000", ...headers }));
    } catch (error) {
      return error instanceof ApiError ? error.status : error;
    }
  };
  assert.equal(refused({ origin: "http://localhost:8000" }), "http://localhost:8000");
  for (const origin of ["http://localhost:3000", "https://localhost:8000", "null", ""]) {
    assert.equal(refused({ origin }), 403, origin);
  }
  assert.equal(refused({}), 403);
});

Deno.test("session: nobody signs in in clear text but on this machine, whatever public_url says", () => {
  for (const site of ["http://192.168.1.5:8000", "http://fmsg.a.test", "http://127.evil.example"]) {
    const config = configOf(`, public_url: "${site}"`);
    for (const ip of ["192.168.1.9", "127.0.0.1"]) {
      const asks = from({ host: new URL(site).host, origin: site }, ip);
      assert.throws(() => requireOwnOrigin(config, asks), {
        status: 403,
        message: /the https one/,
      });
      const cookie = `fmsg=${makeSessionKey().text}; __Host-fmsg=${makeSessionKey().text}`;
      assert.equal(sessionCookie(config, from({ host: new URL(site).host, cookie }, ip)), null);
    }
  }
});

Deno.test("session: the cookie is the host's alone, not for scripts, not for other sites, and Secure with TLS", () => {
  const key = makeSessionKey();
  assert.equal(
    keepingCookie("https://fmsg.a.test", key),
    `__Host-fmsg=${key.text}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000`,
  );
  assert.equal(
    keepingCookie("http://localhost:8000", key),
    `fmsg=${key.text}; Path=/; HttpOnly; SameSite=Strict; Max-Age=7776000`,
  );
  assert.equal(
    forgettingCookie("https://fmsg.a.test"),
    "__Host-fmsg=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
  );
});

Deno.test("session: the cookie is found among others, and of two by its name none counts", () => {
  const { text, ...key } = makeSessionKey();
  const other = makeSessionKey().text;
  const found = (cookie: string, config = PUBLIC): unknown =>
    sessionCookie(config, from({ host: "localhost:8000", cookie }));
  const whole = { ...key, text };
  for (
    const cookie of [
      `__Host-fmsg=${text}`,
      `a=b; __Host-fmsg=${text};c`,
      `a="x=__Host-fmsg";__Host-fmsg=${text};`,
      `__Host-fmsg=${text}; __Host-fmsg=${text}`,
      `fmsg=${other}; __Host-fmsg=${text}`,
      // What a neighbouring site set for its whole domain does not sign anybody out.
      `x=1,__Host-fmsg=${other}; __Host-fmsg=${text}`,
      `__Host-fmsg=${text}; x=1, __Host-fmsg=${other}`,
      `\u00a0__Host-fmsg=${other}; __Host-fmsg=${text}`,
    ]
  ) {
    assert.deepEqual(found(cookie), whole, cookie);
  }
  for (
    const cookie of [
      "",
      ";;==;",
      `fmsg=${text}`,
      `x__Host-fmsg=${text}`,
      `__host-fmsg=${text}`,
      `__Host-fmsg=${text}; __Host-fmsg=${other}`,
      `__Host-fmsg=${text}x`,
      // Nor does it sign anybody in.
      `x=1,__Host-fmsg=${text}`,
      `x=1, __Host-fmsg=${text}`,
      `\u00a0__Host-fmsg=${text}`,
      `a; \u00a0__Host-fmsg=${text}`,
      `a="x=__Host-fmsg", __Host-fmsg=${text}`,
      "__Host-fmsg=",
      "__Host-fmsg",
    ]
  ) {
    assert.equal(found(cookie), null, cookie);
  }
  assert.deepEqual(found(`fmsg=${text}`, PLAIN), whole);
  assert.equal(found(`__Host-fmsg=${text}`, PLAIN), null);
});

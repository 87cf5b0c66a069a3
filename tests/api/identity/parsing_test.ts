// Whatever is sent as a token, a key, an act-as or a range: an answer, and never anything but a refusal (row N1).

import assert from "node:assert/strict";
import fc from "fast-check";
import { ApiError } from "../../../src/api/error.ts";
import { actAsAddress, bearerToken } from "../../../src/api/identity/headers.ts";
import { makeApiKey, readApiKey } from "../../../src/api/identity/keys.ts";
import { readRange } from "../../../src/api/identity/ranges.ts";
import { readHint } from "../../../src/api/identity/tokens.ts";
import { ALICE, forge, IP, Stage } from "./stage.ts";

/** Runs it; fails for anything thrown that is no refusal of a client's mistake. */
function orRefused<Value>(work: () => Value): Value | null {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    assert.ok([400, 401].includes(error.status));
    return null;
  }
}

const ANYTHING = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.base64String());

/** Parts of tokens, right and wrong. */
const TOKENS = fc.oneof(
  ANYTHING,
  fc.tuple(ANYTHING, ANYTHING, ANYTHING).map((parts) => parts.join(".")),
  fc.tuple(fc.jsonValue(), fc.jsonValue(), fc.string()).map(([header, claims, signature]) =>
    forge(header, claims, () => signature)
  ),
  fc.record({
    alg: fc.constantFrom("EdDSA", "none", "HS256"),
    kid: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
  }).chain((header) =>
    fc.record({
      iss: fc.oneof(fc.constant("https://fmsg.here.example"), fc.jsonValue()),
      exp: fc.oneof(fc.double(), fc.jsonValue()),
      sub: fc.oneof(fc.constant(ALICE), fc.jsonValue()),
    }).map((claims) => forge(header, claims, () => new Uint8Array(64)))
  ),
);

Deno.test("N1 parsing: any header, token, act-as, key and range is read or refused", () => {
  fc.assert(fc.property(ANYTHING, (text) => {
    const token = orRefused(() => bearerToken(text));
    assert.equal(token, null);
    const behind = orRefused(() => bearerToken(`Bearer ${text}`));
    assert.ok(behind === null || behind === text.trim());
    const address = orRefused(() => actAsAddress(text));
    assert.ok(address === null || address.text.startsWith("@"));
    assert.equal(readApiKey(text), null);
    readRange(text);
    orRefused(() => readHint(text));
  }));
  fc.assert(fc.property(TOKENS, (token) => void orRefused(() => readHint(token))));
});

Deno.test("N1 parsing: any token that the host did not sign is refused, whatever it says", async () => {
  await using stage = await Stage.open();
  await fc.assert(
    fc.asyncProperty(TOKENS, async (token) => {
      await assert.rejects(
        stage.authenticator.authenticate({
          session: null,
          authorization: `Bearer ${token}`,
          actAs: null,
          ip: IP,
        }),
        { name: "ApiError", status: 401 },
      );
    }),
    { numRuns: 300 },
  );
});

Deno.test("API keys: long, unlike each other, of three parts, and read back as they were made", () => {
  const keys = Array.from({ length: 200 }, () => makeApiKey());
  assert.equal(new Set(keys.map(({ id }) => id)).size, 200);
  for (const { id, text, hash } of keys) {
    const [prefix, ...rest] = text.split("_");
    assert.equal(prefix, "fmsgk");
    assert.equal(rest.length, 2);
    assert.equal(rest[0], id);
    assert.equal(rest[1]?.length, 64);
    assert.deepEqual(readApiKey(text), { id, hash });
    assert.equal(hash.length, 32);
  }
});

Deno.test("ranges: IPv4 and IPv6 with their bits, in one spelling; nothing else", () => {
  const good = {
    "203.0.113.0/24": "203.0.113.0/24",
    " 0.0.0.0/0 ": "0.0.0.0/0",
    "2001:DB8::/32": "2001:db8::/32",
    "2001:0db8:0:0::1/128": "2001:db8::1/128",
    "::/0": "::/0",
    "192.0.2.1/32": "192.0.2.1/32",
    "192.0.2.0/024": "192.0.2.0/24",
  };
  for (const [text, range] of Object.entries(good)) assert.equal(readRange(text), range);
  const wrong = [
    "",
    "/",
    "/8",
    "192.0.2.1",
    "192.0.2.1/33",
    "192.0.2/24",
    "::/129",
    "::1/-1",
    "a/8",
  ];
  for (const text of [...wrong, "10.0.0.0/8/8", "fe80::1%eth0/64", "10.0.0.0/", "0x7f.1/8"]) {
    assert.equal(readRange(text), null, text);
  }
});

// T5: authorities that are not there, not who they say, or not what they should be. Everything ends, and nothing breaks.

import assert from "node:assert/strict";
import { makeAuthority } from "../../src/certificate/make.ts";
import { AcmeServer } from "../support/acme_server.ts";
import type { Resource } from "../support/acme_replies.ts";
import { NAME, Stage } from "./acme_stage.ts";

const RESOURCES: readonly Resource[] = [
  ...["directory", "new-nonce", "new-account", "new-order"] as const,
  ...["authorization", "challenge", "order", "finalize", "certificate"] as const,
];

const NOWHERE = "https://127.0.0.1:1/none";
const JUNK: readonly string[] = [
  ...["", "null", "[]", "{}", '{"status": 7}', `<html>Welcome!${"<br>".repeat(99)}`, "\0"],
  // Like an order, and like an authorisation, but with nothing in them or a state that there is not.
  JSON.stringify({ status: "pending", authorizations: [], finalize: NOWHERE }),
  JSON.stringify({ status: "odd", authorizations: [NOWHERE], finalize: NOWHERE, challenges: [] }),
];

Deno.test("T5 nobody at the URL is told as that", async () => {
  await using stage = await Stage.set();
  const gone = await AcmeServer.start(stage.world.authority, { ip: stage.world.address() });
  await gone[Symbol.asyncDispose]();
  const { failure, message } = await stage.failure({ directory: gone.directory });
  assert.equal(failure, "unreachable");
  assert.match(message, /^Nobody answers at 127\.\S+ \(connection refused\): check the URL/);
});

Deno.test("T5 a name that is not in the DNS is told as that", async () => {
  await using stage = await Stage.set();
  const { failure, message } = await stage.failure({ directory: "https://acme.invalid/dir" });
  assert.equal(failure, "unreachable");
  assert.match(message, /^acme\.invalid cannot be found in the DNS/);
});

Deno.test("T5 an authority whose TLS certificate is not trusted learns nothing, and tls.ca is named", async () => {
  await using stage = await Stage.set();
  for (const extraRoots of [null, (await makeAuthority("Another")).pem]) {
    const { failure, message } = await stage.failure({ extraRoots });
    assert.equal(failure, "not trusted");
    assert.match(message, /is not trusted \(UnknownIssuer\): .* the file that tls\.ca names/);
  }
  assert.deepEqual(stage.server.calls, []);
});

Deno.test("T5 an authority under another name than its certificate's is not trusted", async () => {
  await using stage = await Stage.set();
  await using other = await AcmeServer.start(stage.world.authority, {
    ip: stage.world.address(),
    names: ["127.99.99.99"],
  });
  const { failure, message } = await stage.failure({ directory: other.directory });
  assert.equal(failure, "not trusted");
  assert.match(message, /not valid for name .*check the URL in tls\.acme\.directory/);
});

Deno.test("T5 roots that are none are told as that", async () => {
  await using stage = await Stage.set();
  const extraRoots = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const { failure, message } = await stage.failure({ extraRoots });
  assert.equal(failure, "not trusted");
  assert.match(message, /tls\.ca/);
});

/** By GET, HEAD and POST. */
for (const resource of ["directory", "new-nonce", "finalize"] as const) {
  Deno.test(`T5 an authority that falls silent at ${resource} is waited for no longer than told`, async () => {
    await using stage = await Stage.set();
    stage.server.twist = (call) => call.resource === resource ? "silence" : null;
    const { failure, message } = await stage.failure({}, { timing: { requestMs: 300 } });
    assert.equal(failure, "unreachable");
    assert.match(message, /^No answer from \S+ within 0\.3 s/);
    // The next try goes on, and makes do with the same order where there is one.
    stage.server.twist = () => null;
    await stage.obtain();
    assert.equal(stage.server.count("new-order"), 1);
  });
}

for (const resource of RESOURCES) {
  Deno.test(`T5 an answer to ${resource} that ends in its middle is an error, and no more`, async () => {
    await using stage = await Stage.set();
    stage.server.twist = (call) => call.resource === resource ? "cut" : null;
    const { failure, message } = await stage.failure();
    assert.equal(failure, "unreachable");
    assert.match(message, /^The connection to \S+ failed \(/);
    assert.equal(stage.certificate, null);
    stage.server.twist = () => null;
    await stage.obtain();
  });

  Deno.test(`T5 junk in the place of ${resource} is told as that, and the next try goes well`, async () => {
    await using stage = await Stage.set();
    // What is in these answers is of no use to us; the first time it is instead of what was to be done.
    const isUnread = ["challenge", "finalize", "new-nonce"].includes(resource);
    for (const body of JUNK) {
      const { server } = stage;
      server.twist = (call) =>
        call.resource === resource && (!isUnread || server.count(resource) === 1)
          ? { status: 200, body }
          : null;
      if (isUnread) {
        await stage.obtain({}, { timing: { attemptMs: 500 } }).catch(() => {});
      } else {
        const { failure, message } = await stage.failure();
        assert.match(failure, /^not understood|^bad certificate|^account/);
        assert.ok(message.length < 250, message);
      }
      stage.forgetAttempts();
    }
    stage.server.twist = () => null;
    await stage.obtain();
  });

  Deno.test(`T5 an answer to ${resource} without end is cut off`, async () => {
    await using stage = await Stage.set();
    const body = "x".repeat(3_000_000);
    stage.server.twist = (call) => call.resource === resource ? { status: 200, body } : null;
    // An answer to HEAD has no body.
    if (resource === "new-nonce") return void await stage.obtain();
    const { failure, message } = await stage.failure();
    assert.equal(failure, "not understood");
    assert.match(message, /answers with more than 256 KiB/);
  });

  Deno.test(`T5 an abort at ${resource} ends the try at once with its reason, and leaves nothing open`, async () => {
    await using stage = await Stage.set();
    const stop = new AbortController();
    const reason = new Error("enough");
    stage.server.twist = (call) => {
      if (call.resource !== resource) return null;
      stop.abort(reason);
      return "silence";
    };
    await assert.rejects(
      stage.obtain({}, { signal: stop.signal }),
      (error) => error === reason,
    );
    // As one that was killed: the next try goes on with what there is.
    assert.deepEqual(stage.read("attempts.json").attempts.map(({ outcome }) => outcome), ["begun"]);
    stage.server.twist = () => null;
    await stage.obtain();
    assert.equal(stage.server.accounts.size, 1);
    assert.equal(stage.server.count("new-order"), resource === "new-order" ? 2 : 1);
    assert.equal(stage.server.count("finalize"), resource === "finalize" ? 2 : 1);
  });
}

Deno.test("T5 a try that was aborted before it began asks nobody", async () => {
  await using stage = await Stage.set();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(stage.obtain({}, { signal }), (error) => error === reason);
  assert.deepEqual(stage.server.calls, []);
});

Deno.test("T5 a redirect is not followed but told", async () => {
  await using stage = await Stage.set();
  stage.server.twist = () => ({
    status: 301,
    body: "",
    headers: { location: "https://new.test/" },
  });
  const { failure, message } = await stage.failure();
  assert.equal(failure, "not understood");
  assert.match(message, /answers 301 and sends on to https:\/\/new\.test\/: write the final URL/);
});

Deno.test("T5 an authority that gives no nonces is told as that", async () => {
  await using stage = await Stage.set();
  stage.server.twist = ({ resource }) =>
    resource === "directory" || resource === "new-nonce"
      ? {
        status: 200,
        headers: { "replay-nonce": "" },
        body: resource === "directory"
          ? JSON.stringify({
            newNonce: stage.server.directory.replace("directory", "new-nonce"),
            newAccount: "https://127.0.0.1/a",
            newOrder: "https://127.0.0.1/o",
          })
          : "",
      }
      : null;
  const { failure, message } = await stage.failure();
  assert.equal(failure, "not understood");
  assert.match(message, /gives no nonce \(RFC 8555 7\.2\)/);
});

Deno.test("RFC 8555 6.1: URLs in clear text are not followed, not even to this machine, wherever they stand", async () => {
  await using stage = await Stage.set();
  const { server } = stage;
  const clear = server.directory.replace("https:", "http:").replace("directory", "order/0");
  const spoilt: readonly (readonly [Resource, object, string?])[] = [
    ["directory", { newNonce: clear, newAccount: clear, newOrder: clear }],
    ["order", order({ authorizations: [clear] })],
    ["new-order", order({}), clear],
  ];
  for (const [resource, value, location] of spoilt) {
    server.twist = (call) =>
      call.resource === resource
        ? {
          status: 200,
          ...(location === undefined ? {} : { headers: { location } }),
          body: JSON.stringify(value),
        }
        : null;
    const { failure, message } = await stage.failure();
    assert.equal(failure, "not understood");
    assert.match(message, /sends on to http:\/\/\S+, which is not https: as it is itself/);
  }
});

Deno.test("RFC 8555 7.3, 7.4: an account or an order without its URL, or one that is revoked, is of no use", async () => {
  await using stage = await Stage.set();
  const none = { "content-type": "application/json" };
  stage.server.twist = ({ resource }) =>
    resource === "new-account"
      ? { status: 201, headers: none, body: JSON.stringify({ status: "valid" }) }
      : null;
  assert.match((await stage.failure()).message, /gives no account that can be used/);
  const revoked = { status: 201, headers: { location: NOWHERE }, body: '{"status": "revoked"}' };
  stage.server.twist = ({ resource }) => resource === "new-account" ? revoked : null;
  assert.match((await stage.failure()).message, /no account that can be used \(it is revoked\)/);
  stage.server.twist = ({ resource }) =>
    resource === "new-order"
      ? { status: 201, headers: none, body: JSON.stringify(order({})) }
      : null;
  assert.match((await stage.failure()).message, /does not say where it is \(RFC 8555 7\.4\)/);
});

/** JSON of an order. */
function order(change: object): object {
  return { status: "pending", authorizations: [NOWHERE], finalize: NOWHERE, ...change };
}

Deno.test("T5 a certificate that does not fit is refused, and the one before stays", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const before = stage.certificate;
  const { server } = stage;
  const stranger = await makeAuthority("Stranger");
  const other = await stranger.issue(NAME);
  const day = 24 * 3600;
  const cases: readonly (readonly [() => void, RegExp])[] = [
    [() => server.issuedName = "fmsg.b.test", /it is for DNS:fmsg\.b\.test, not for fmsg\.a\.test/],
    [() => server.backdated = 100 * day, /it is valid from .* but the clock of this machine says/],
    [() => server.rest = stranger.pem, /certificate 1 is not signed by the one behind it/],
    [
      () => server.rest = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      /it cannot be read/,
    ],
    [() => server.rest = stage.world.authority.pem.repeat(10), /11 certificates came/],
    [
      () =>
        server.twist = ({ resource }) =>
          resource === "certificate" ? { status: 200, body: other.cert } : null,
      /it is for another key/,
    ],
  ];
  for (const [spoil, why] of cases) {
    const { issuedName, backdated, rest, twist } = server;
    spoil();
    stage.forgetAttempts();
    const { failure, message } = await stage.failure();
    assert.equal(failure, "bad certificate");
    assert.match(message, why);
    assert.match(message, /the one before stays/);
    assert.equal(stage.certificate, before);
    Object.assign(server, { issuedName, backdated, rest, twist });
  }
  stage.forgetAttempts();
  await stage.obtain();
  assert.notEqual(stage.certificate, before);
});

Deno.test("T5 a certificate that is not valid yet by the host's clock is fetched again, not made again", async () => {
  await using stage = await Stage.set();
  const { server } = stage;
  server.backdated = -2 * 24 * 3600;
  for (let i = 0; i < 6; i++) {
    const { failure, message } = await stage.failure();
    assert.equal(failure, "clock");
    assert.match(message, /is valid from .* but the clock of this machine says .*; set it right/);
  }
  // A little is everybody's.
  server.backdated = -30 * 60;
  await stage.obtain();
  assert.equal(server.count("new-order"), 1);
});

Deno.test("RFC 8555 8.1: a token that is no base64url, or is very long, is not put on port 80, nor is a long URL asked", async () => {
  await using stage = await Stage.set();
  const url = NOWHERE;
  const challenges: readonly object[] = [
    ...["", "a/../b", "a b", "a\r\nb", "x".repeat(513)].map((token) => ({ url, token })),
    { url: `${url}/${"x".repeat(2048)}`, token: "x" },
  ];
  for (const challenge of challenges) {
    const body = JSON.stringify({
      status: "pending",
      challenges: [{ type: "http-01", ...challenge }],
    });
    stage.server.twist = ({ resource }) =>
      resource === "authorization" ? { status: 200, body } : null;
    const { failure, message } = await stage.failure();
    assert.equal(failure, "not understood");
    assert.match(message, /sent no authorization of ACME \("challenges\.0\.(?:token|url)"\)/);
  }
});

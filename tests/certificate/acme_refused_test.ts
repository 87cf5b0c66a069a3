// T5: whatever an authority complains of becomes one line that says what to do, and the old certificate stays.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AcmeFailure } from "../../src/certificate/acme/mod.ts";
import { problem, PROBLEMS, type Reply } from "../support/acme_replies.ts";
import { NAME, Stage } from "./acme_stage.ts";

/** What the authority says of a validation, and what becomes of it. */
const VALIDATIONS: readonly (readonly [type: string, AcmeFailure, RegExp])[] = [
  ["dns", "dns", /cannot look up fmsg\.a\.test: add its address records/],
  [
    "connection",
    "connection",
    /cannot reach port 80 .*, and no request of it arrived here: open it/,
  ],
  ["tls", "connection", /cannot reach port 80/],
  [
    "unauthorized",
    "unauthorized",
    /^Somebody else answers on port 80 of fmsg\.a\.test.*arrived here/,
  ],
  ["incorrectResponse", "unauthorized", /^Somebody else answers on port 80/],
  ["caa", "caa", /A CAA record forbids .* add one to the DNS/],
  ["serverInternal", "unreachable", /has a fault: wait/],
  ["oddity", "not understood", /refuses this with "oddity"/],
];

Deno.test("T5 a validation that fails says what to do, and is over", async (t) => {
  await using stage = await Stage.set();
  for (const [type, failure, message] of VALIDATIONS) {
    await t.step(type, async () => {
      const detail = "seen\nby the\u001b[31m authority";
      stage.server.validationProblem = { type: PROBLEMS + type, detail };
      const ordered = stage.server.count("new-order");
      const before = stage.certificate;
      const error = await stage.failure();
      assert.equal(error.failure, failure);
      assert.equal(error.problem, type);
      assert.match(error.message, message);
      assert.match(error.message, /\(it says: seen by the \[31m authority\)$/);
      assert.equal(stage.certificate, before);
      const [{ outcome, challenged } = { outcome: "", challenged: false }] =
        stage.read("attempts.json").attempts;
      assert.deepEqual([outcome, challenged], ["failed", true]);
      // Nothing is left of it: the next try is a new order.
      stage.server.validationProblem = null;
      await stage.obtain();
      assert.equal(stage.server.count("new-order"), ordered + 2);
      stage.forgetAttempts();
    });
  }
});

Deno.test("T5 a request that arrived, and all the same was answered wrongly, is told apart", async () => {
  await using stage = await Stage.set();
  const [listen] = stage.settings.listen;
  stage.server.twist = ({ resource, payload }) => {
    // As an authority that asked from several places, of which one saw something else.
    if (resource !== "challenge" || payload === null) return null;
    stage.server.validationProblem = { type: `${PROBLEMS}unauthorized` };
    return null;
  };
  const progress = Promise.withResolvers<void>();
  const failing = stage.failure({}, {
    progress: ({ kind }) => kind === "validating" && progress.resolve(),
    timing: { pollMs: 500 },
  });
  await progress.promise;
  const token = `http://${listen?.ip}:${listen?.port}/.well-known/acme-challenge/token-0`;
  const response = await fetch(token);
  assert.equal(response.status, 200);
  await response.text();
  const { failure, message } = await failing;
  assert.equal(failure, "unauthorized");
  assert.match(message, /got another answer than this host gave, although a request arrived here/);
});

/** What the authority says of a request, and what becomes of it. */
const REFUSALS: readonly (readonly [string, Reply, AcmeFailure, RegExp])[] = [
  [
    "rateLimited",
    problem("rateLimited", { status: 429, headers: { "retry-after": "7200" } }),
    "rate limited",
    /gives no more for fmsg\.a\.test for now: wait until \d{4}-\d\d-\d\d \d\d:\d\d UTC/,
  ],
  [
    "429 of something in between",
    { status: 429, body: "slow down", headers: { "retry-after": "60" } },
    "rate limited",
    /wants fewer requests: wait until/,
  ],
  [
    "rejectedIdentifier",
    problem("rejectedIdentifier"),
    "name refused",
    /gives no certificates for/,
  ],
  [
    "unsupportedIdentifier",
    problem("unsupportedIdentifier"),
    "name refused",
    /use files \(tls\.cert, tls\.key\)/,
  ],
  ["caa", problem("caa"), "caa", /CAA record forbids/],
  [
    "subproblems",
    problem("compound", {
      subproblems: [{ type: `${PROBLEMS}caa`, detail: "CAA of a.test", identifier: null }],
    }),
    "caa",
    /CAA record forbids .*\(it says: This is compound; CAA of a\.test\)/,
  ],
  [
    "userActionRequired",
    problem("userActionRequired", { instance: "https://ca.test/terms/2\n" }),
    "account",
    /wants something from you first: look at https:\/\/ca\.test\/terms\/2/,
  ],
  [
    "malformed",
    problem("malformed", { status: 400 }),
    "not understood",
    /does not take what it was/,
  ],
  ...["badCSR", "badPublicKey", "badSignatureAlgorithm", "orderNotReady"].map((type) =>
    [type, problem(type), "not understood", /does not take what it was sent/] as const
  ),
  [
    "badNonce without end",
    problem("badNonce", { status: 400 }),
    "unreachable",
    /none of the nonces/,
  ],
  ["serverInternal", problem("serverInternal", { status: 500 }), "unreachable", /has a fault/],
  [
    "a fault with the name of something else",
    problem("unauthorized", { status: 500 }),
    "unreachable",
    /has a fault/,
  ],
  [
    "a page for people",
    { status: 502, body: `<html>\n<h1>Bad Gateway</h1>${" Oh!".repeat(100)}` },
    "unreachable",
    /answers 502 \("<html> <h1>Bad Gateway<\/h1>[ Oh!]{33}"\): it has a fault/,
  ],
  ["a 404", { status: 404, body: "" }, "not understood", /answers 404: check the URL/],
];

Deno.test("T5 an order that is refused says what to do, and the certificate stays", async (t) => {
  await using stage = await Stage.set();
  await stage.obtain();
  const before = stage.certificate;
  for (const [what, reply, failure, message] of REFUSALS) {
    await t.step(what, async () => {
      stage.forgetAttempts();
      const ordered = stage.server.count("new-order");
      stage.server.twist = ({ resource }) => resource === "new-order" ? reply : null;
      const error = await stage.failure();
      assert.equal(error.failure, failure);
      assert.match(error.message, message);
      assert.equal(error.retryAfter !== null, reply.headers?.["retry-after"] !== undefined);
      assert.equal(stage.certificate, before);
      assert.ok(stage.server.count("new-order") - ordered < 20);
    });
  }
});

Deno.test("T5 the time that an authority wants to be left alone is kept to", async () => {
  await using stage = await Stage.set();
  const reply = problem("rateLimited", { status: 429, headers: { "retry-after": "7200" } });
  stage.server.twist = ({ resource }) => resource === "new-order" ? reply : null;
  const refused = await stage.failure();
  const asked = stage.server.calls.length;
  const { failure, retryAfter, message } = await stage.failure();
  assert.equal(failure, "too often");
  assert.deepEqual(retryAfter, refused.retryAfter);
  assert.match(message, /wait until .* UTC \(the last answer was: .*gives no more/);
  assert.equal(stage.server.calls.length, asked);
});

const ACCOUNTS: readonly (readonly [string, RegExp])[] = [
  ["externalAccountRequired", /external account binding/],
  ["invalidContact", /does not take the address in tls\.acme\.email: correct it/],
  ["unsupportedContact", /does not take the address in tls\.acme\.email: correct it/],
  ["userActionRequired", /wants something from you first: look with the authority/],
];

for (const [type, message] of ACCOUNTS) {
  Deno.test(`T5 an account that is refused with ${type} says what to do`, async () => {
    await using stage = await Stage.set();
    stage.server.twist = ({ resource }) => resource === "new-account" ? problem(type) : null;
    const error = await stage.failure();
    assert.equal(error.failure, "account");
    assert.match(error.message, message);
    // The key stays: the next try does not make another.
    const key = JSON.stringify(Object.values(stage.read("account.json").accounts)[0]?.key);
    stage.server.twist = () => null;
    await stage.obtain();
    assert.equal(JSON.stringify(Object.values(stage.read("account.json").accounts)[0]?.key), key);
  });
}

Deno.test("T5 an authority that wants accounts of its web site is told apart before it is asked", async () => {
  await using stage = await Stage.set();
  stage.server.meta = { externalAccountRequired: true };
  const { failure, message } = await stage.failure();
  assert.equal(failure, "account");
  assert.match(message, /external account binding/);
  assert.equal(stage.server.count("new-account"), 0);
});

Deno.test("T5 a web server that has the port is named as what it may be, and the authority is not asked", async () => {
  await using stage = await Stage.set();
  const [listen] = stage.settings.listen;
  const other = createServer().listen(listen?.port, listen?.ip);
  await once(other, "listening");
  try {
    const { failure, message } = await stage.failure();
    assert.equal(failure, "port");
    assert.match(
      message,
      /another program has the port, perhaps a web server; .*tls\.acme\.listen/,
    );
    assert.equal(stage.server.count("new-order"), 0);
  } finally {
    other.close();
    await once(other, "close");
  }
  // Nothing of the failure is in the way of the next try.
  await stage.obtain();
});

Deno.test("T5 an address that is not this machine's is named", async () => {
  await using stage = await Stage.set();
  const { failure, message } = await stage.failure({ listen: [{ ip: "192.0.2.1", port: 80 }] });
  assert.equal(failure, "port");
  assert.match(message, /192\.0\.2\.1:80 .*this machine has no such address/);
});

Deno.test("T5 the port is free again after a try, whether it went well or not", async () => {
  await using stage = await Stage.set();
  const [listen] = stage.settings.listen;
  const isFree = async (): Promise<boolean> => {
    const server = createServer().listen(listen?.port, listen?.ip);
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  };
  await stage.obtain();
  assert.ok(await isFree());
  stage.server.validationProblem = { type: `${PROBLEMS}dns` };
  await stage.failure();
  assert.ok(await isFree());
});

Deno.test("T5 a name that can be proved by DNS only is told apart", async () => {
  await using stage = await Stage.set();
  stage.server.twist = ({ resource }) =>
    resource === "authorization"
      ? {
        status: 200,
        body: JSON.stringify({
          status: "pending",
          challenges: [{ type: "dns-01", url: "https://ca.test/1", token: "x" }],
        }),
      }
      : null;
  const { failure, message } = await stage.failure();
  assert.equal(failure, "name refused");
  assert.match(
    message,
    new RegExp(`wants ${NAME.replaceAll(".", "\\.")} proved by dns-01, not by HTTP`),
  );
});

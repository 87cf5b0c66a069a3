// The routes of Web Push: what is taken, what is refused, and whose it is (FMSG-003 "Web Push", row N12).

import assert from "node:assert/strict";
import { Browser, bytesOf, textOf } from "../../support/push_browser.ts";
import { ALICE, BOB, RouteStage, type Told } from "../routes/asking.ts";

const ENDPOINT = "https://push.example/send/abc";
const SUBSCRIBE = "POST /fmsg/push/subscribe";
const UNSUBSCRIBE = "DELETE /fmsg/push/subscribe";

function subscribed(stage: RouteStage, user: string): (readonly [string, string])[] {
  return stage.context.access.pushSubscriptions(stage.addressOf(user).key)
    .map(({ endpoint, p256dh }) => [endpoint, textOf(p256dh)]);
}

function errorOf({ body }: Told): string {
  const error: unknown = typeof body === "object" && body !== null
    ? Reflect.get(body, "error")
    : null;
  assert.ok(typeof error === "string" && !error.includes("\n"), JSON.stringify(body));
  return error;
}

Deno.test("N12 subscribe is 201 without a body, replaces the keys of an endpoint, and is the identity's alone", async () => {
  await using stage = await RouteStage.open();
  const [first, second] = [await Browser.make(), await Browser.make()];
  const [one, two] = [first, second].map(({ publicKey }) => textOf(publicKey));
  const post = async (by: string, browser: Browser): Promise<void> => {
    const told = await stage.ask(SUBSCRIBE, { by, json: browser.subscription(ENDPOINT) });
    assert.deepEqual([told.status, told.headers.get("content-type")], [201, null]);
  };
  await post(ALICE, first);
  await post(ALICE, second);
  await post(BOB, first);
  assert.deepEqual(subscribed(stage, ALICE), [[ENDPOINT, two]]);
  assert.deepEqual(subscribed(stage, BOB), [[ENDPOINT, one]]);

  const json = { endpoint: ENDPOINT };
  assert.equal((await stage.ask(UNSUBSCRIBE, { by: BOB, json })).status, 204);
  assert.deepEqual(subscribed(stage, BOB), []);
  assert.deepEqual(subscribed(stage, ALICE), [[ENDPOINT, two]], "another's stays");
});

Deno.test("N12 unsubscribe is 204, again and for what was never there", async () => {
  await using stage = await RouteStage.open();
  const json = (await Browser.make()).subscription(ENDPOINT);
  assert.equal((await stage.ask(SUBSCRIBE, { by: ALICE, json })).status, 201);
  for (let times = 0; times < 2; times++) {
    assert.equal((await stage.ask(UNSUBSCRIBE, { by: ALICE, json })).status, 204);
  }
  assert.equal((await stage.ask(UNSUBSCRIBE, { by: ALICE, json: { endpoint: "?" } })).status, 204);
  assert.deepEqual(subscribed(stage, ALICE), []);
});

Deno.test("N12 what is no subscription is 400 with the reason, and nothing is kept", async () => {
  await using stage = await RouteStage.open();
  const browser = await Browser.make();
  const whole = browser.subscription(ENDPOINT);
  const { auth } = browser;
  const keys = { p256dh: textOf(browser.publicKey), auth: textOf(auth) };
  const offCurve = browser.publicKey.slice();
  offCurve[64] = (offCurve[64] ?? 0) ^ 1;
  const compressed = new Uint8Array([2, ...browser.publicKey.slice(1, 33)]);
  for (
    const [json, reason] of [
      ["text", /The body/],
      [{ ...whole, endpoint: undefined }, /"endpoint" is missing/],
      [{ ...whole, endpoint: null }, /"endpoint"/],
      [{ ...whole, endpoint: "http://push.example/" }, /"endpoint" has to be an https URL/],
      [{ ...whole, endpoint: "https://push.example:8443/" }, /port 443/],
      [{ ...whole, endpoint: "https://localhost:443@10.0.0.1/" }, /user and password/],
      [{ ...whole, endpoint: `${ENDPOINT}${"x".repeat(2048)}` }, /2048 bytes/],
      [{ ...whole, keys: undefined }, /"keys" is missing/],
      [{ ...whole, keys: { auth: keys.auth } }, /"keys.p256dh" is missing/],
      [{ ...whole, keys: { p256dh: keys.p256dh } }, /"keys.auth" is missing/],
      ...[textOf(offCurve), textOf(compressed), textOf(new Uint8Array(65)), "!!", ""].map((
        p256dh,
      ) =>
        [{ ...whole, keys: { ...keys, p256dh } }, /"keys.p256dh" has to be a public key/] as const
      ),
      ...[textOf(auth.slice(1)), `${textOf(auth)}AA`, "not base64 at all", ""].map((auth) =>
        [{ ...whole, keys: { ...keys, auth } }, /"keys.auth" has to be 16 bytes/] as const
      ),
    ] as const
  ) {
    const told = await stage.ask(SUBSCRIBE, { by: ALICE, json });
    assert.equal(told.status, 400, JSON.stringify(json));
    assert.match(errorOf(told), reason);
  }
  const told = await stage.ask(UNSUBSCRIBE, { by: ALICE, json: {} });
  assert.match(errorOf(told), /"endpoint" is missing/);
  assert.deepEqual(subscribed(stage, ALICE), []);
});

Deno.test("N12 what browsers and others add or write otherwise is taken", async () => {
  await using stage = await RouteStage.open();
  const browser = await Browser.make();
  const padded = (bytes: Uint8Array<ArrayBuffer>): string => bytes.toBase64();
  const { publicKey, auth } = browser;
  for (
    const json of [
      { ...browser.subscription(ENDPOINT), expirationTime: 1.5, more: true },
      { endpoint: ENDPOINT, keys: { p256dh: padded(publicKey), auth: padded(auth) } },
    ]
  ) {
    assert.equal((await stage.ask(SUBSCRIBE, { by: ALICE, json })).status, 201);
    assert.deepEqual(subscribed(stage, ALICE), [[ENDPOINT, textOf(publicKey)]]);
    await stage.ask(UNSUBSCRIBE, { by: ALICE, json });
  }
});

Deno.test("N12 who acts as a grant subscribes the grant, for as long as it is one", async () => {
  await using stage = await RouteStage.open();
  const made = await stage.ask("POST /fmsg/sub-accounts", {
    by: ALICE,
    json: {
      agent: "bot",
      allowed_cidrs: ["127.0.0.0/8"],
      key_expires_at: "2099-01-01T00:00:00Z",
    },
  });
  const { addr: bot, api_key: key } = Object(made.body);
  const exchanged = await stage.ask("POST /fmsg/token", { authorization: `Bearer ${key}` });
  const authorization = `Bearer ${Object(exchanged.body).access_token}`;
  const browser = await Browser.make();
  const acting = { by: ALICE, actAs: bot, json: browser.subscription(`${ENDPOINT}1`) };
  assert.equal((await stage.ask(SUBSCRIBE, acting)).status, 201);
  const byKey = { authorization, json: browser.subscription(`${ENDPOINT}2`) };
  assert.equal((await stage.ask(SUBSCRIBE, byKey)).status, 201);
  const endpoints = (): string[] => subscribed(stage, bot).map(([endpoint]) => endpoint).sort();
  assert.deepEqual(endpoints(), [`${ENDPOINT}1`, `${ENDPOINT}2`]);
  assert.deepEqual(subscribed(stage, ALICE), []);

  const json = { key_expires_at: "2099-01-01T00:00:00Z" };
  await stage.ask("POST /fmsg/sub-accounts/bot/rotate-key", { by: ALICE, json });
  assert.deepEqual(endpoints(), [`${ENDPOINT}1`]);
  await stage.ask("DELETE /fmsg/sub-accounts/bot", { by: ALICE });
  assert.deepEqual(endpoints(), []);
});

Deno.test("N12 the key to subscribe with is told, and 503 before there is one", async () => {
  await using stage = await RouteStage.open();
  assert.equal((await stage.ask("GET /fmsg/push/key", { by: ALICE })).status, 503);
  const made = await stage.context.writer.submit("ensureVapidKey", null);
  const told = await stage.ask("GET /fmsg/push/key", { by: ALICE });
  assert.deepEqual([told.status, told.body], [200, { key: made }]);
  assert.equal(bytesOf(made).length, 65);
});

// A notification as a request: what a browser decrypts, and what a push service reads (row N12).

import assert from "node:assert/strict";
import { importJWK, jwtVerify } from "jose";
import { notificationOf } from "../../../src/api/push/notification.ts";
import { pushRequest } from "../../../src/api/push/request.ts";
import { Access } from "../../../src/store/mod.ts";
import { Browser, bytesOf, textOf } from "../../support/push_browser.ts";
import { TestStore } from "../../store/support.ts";
import { item } from "./items.ts";

const ENDPOINT = "https://push.example:444/send/abc?d=e";

Deno.test("N12 the tests' browser decrypts what RFC 8291 has in its appendix", async () => {
  const browser = await Browser.of(
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
    "BTBZMqHH6r4Tts7J_aSIgg",
  );
  const body =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLoc" +
    "InmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
  assert.equal(
    await browser.decrypt(bytesOf(body)),
    "When I grow up, I want to be a watermelon",
  );
});

Deno.test("N12 a push is for one browser, signed by the host for one service, and says no more than it has to", async () => {
  await using store = await TestStore.open();
  await store.writer.submit("ensureVapidKey", null);
  using access = new Access(store.folder);
  const key = access.vapidKey();
  assert.ok(key !== null);
  const [browser, other] = [await Browser.make(), await Browser.make()];
  const { publicKey: p256dh, auth } = browser;
  const subscription = { addressKey: "@a@b.example", endpoint: ENDPOINT, p256dh, auth };
  const make = (changes: Parameters<typeof item>[0], root = 42) =>
    pushRequest(subscription, key, "b.example", notificationOf(item(changes), root));
  const { headers, body } = await make({ short_text: "hello" });
  const bytes = new Uint8Array(body);

  assert.deepEqual(JSON.parse(await browser.decrypt(bytes)), {
    title: "@sender@far.example",
    body: "hello",
    threadId: 42,
    url: "/?thread=42",
    tag: "thread-42",
    icon: "/icon-192.png",
  });
  await assert.rejects(other.decrypt(bytes));

  const { authorization = "", ...others } = headers;
  const [, token = "", k = ""] = /^vapid t=([^,]+), k=([^,]+)$/.exec(authorization) ?? [];
  assert.equal(k, key.publicKey);
  const point = bytesOf(k);
  assert.deepEqual([point.length, point[0]], [65, 4]);
  const [x, y] = [textOf(point.subarray(1, 33)), textOf(point.subarray(33))];
  const { payload, protectedHeader } = await jwtVerify(
    token,
    await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256"),
    { audience: "https://push.example:444", algorithms: ["ES256"] },
  );
  assert.equal(protectedHeader.alg, "ES256");
  assert.equal(payload.sub, "mailto:postmaster@b.example");
  const hours = ((payload.exp ?? 0) - Date.now() / 1000) / 3600;
  assert.ok(hours > 1 && hours < 24, "RFC 8292: no more than 24 hours");

  const { topic = "", ...fixed } = others;
  assert.deepEqual(fixed, {
    "content-encoding": "aes128gcm",
    "content-type": "application/octet-stream",
    ttl: "86400",
    urgency: "normal",
  });
  assert.match(topic, /^[\w-]{32}$/);

  const long = await make({ short_text: "long ".repeat(100), important: true });
  assert.equal(long.body.length, body.length, "its length tells nothing");
  assert.ok(body.length <= 4096, "RFC 8030: what every service takes");
  assert.equal(long.headers.urgency, "high");
  assert.equal(long.headers.topic, topic, "one thread, one topic");
  const another = await make({}, 43);
  assert.notEqual(another.headers.topic, topic);
  assert.notDeepEqual(another.body, (await make({}, 43)).body, "each has keys of its own");
});

// From a new message to what a push service gets, and what becomes of its answers (row N12).

import assert from "node:assert/strict";
import { INTERNET } from "../../../src/api/push/egress.ts";
import { Browser } from "../../support/push_browser.ts";
import { answer } from "../../support/push_service.ts";
import { waitFor } from "../../support/wait.ts";
import { ALICE, BOB, CAROL, PushStage } from "./stage.ts";

Deno.test("N12 each subscription of each recipient is told of a new message, and nobody else", async () => {
  await using stage = await PushStage.open();
  const { service, browser } = stage;
  for (const [user, path] of [[BOB, "/b1"], [BOB, "/b2"], [CAROL, "/c"], [ALICE, "/a"]] as const) {
    await stage.subscribe(user, path);
  }
  await stage.send({ from: ALICE, to: [BOB], body: "for Bob" });
  await stage.send({ from: ALICE, to: [BOB, CAROL], body: "for both", important: true });
  await stage.counted("sent", 5);
  for (const path of ["/b1", "/b2"]) {
    const first = await service.payload(browser, path, 1);
    assert.deepEqual([first.title, first.body], [ALICE, "for Bob"]);
    assert.equal((await service.payload(browser, path, 2)).body, "for both");
  }
  assert.equal((await service.payload(browser, "/c")).body, "for both");
  assert.deepEqual(service.at("/a"), []);
  assert.deepEqual(service.at("/b1").map(({ headers }) => headers.get("urgency")), [
    "normal",
    "high",
  ]);
});

Deno.test("N12 notifications of a thread have the root that the recipient sees, and one topic", async () => {
  await using stage = await PushStage.open();
  const { service, browser } = stage;
  await stage.subscribe(BOB, "/b");
  await stage.subscribe(CAROL, "/c");
  const root = await stage.send({ from: ALICE, to: [BOB] });
  const second = await stage.send({ from: ALICE, to: [BOB, CAROL], start: { replyTo: root } });
  await stage.send({ from: ALICE, to: [BOB, CAROL], start: { replyTo: second } });
  await stage.send({ from: ALICE, to: [BOB] });
  await stage.counted("sent", 6);
  const threads = async (path: string, count: number): Promise<unknown[]> => {
    const payloads: unknown[] = [];
    for (let nth = 1; nth <= count; nth++) {
      const { threadId, tag, url } = await service.payload(browser, path, nth);
      assert.deepEqual([tag, url], [`thread-${threadId}`, `/?thread=${threadId}`]);
      payloads.push(threadId);
    }
    return payloads;
  };
  assert.deepEqual((await threads("/b", 4)).slice(0, 3), [root, root, root]);
  // What Carol has no part in is nothing that she could open.
  assert.deepEqual(await threads("/c", 2), [second, second]);
  const topics = service.at("/b").map(({ headers }) => headers.get("topic"));
  assert.deepEqual(new Set(topics.slice(0, 3)).size, 1);
  assert.notEqual(topics[3], topics[0]);
});

Deno.test("N12 a subscription that the service has no more is removed: 404 and 410, and no other status", async () => {
  await using stage = await PushStage.open();
  const { service } = stage;
  const statuses = [404, 410, 400, 403, 413, 301, 200];
  service.answering = ({ path }) => answer(Number(path.slice(1)), { location: "/201" });
  for (const status of statuses) await stage.subscribe(BOB, `/${status}`);
  // The same endpoint, which somebody else has as well.
  await stage.subscribe(CAROL, "/410");
  await stage.send({ from: ALICE, to: [BOB] });
  await stage.counted("gone", 2);
  await stage.counted("failed", 4);
  await stage.counted("sent", 1);
  assert.equal(service.pushes.length, statuses.length, "each was asked once, and no other");
  assert.deepEqual(
    stage.endpoints(BOB).map((endpoint) => endpoint.replace(/^.*\//, "")).sort(),
    ["200", "301", "400", "403", "413"],
  );
  assert.equal(stage.endpoints(CAROL).length, 1);
});

Deno.test("N12 what may pass is tried three times in all, and when the service wants", async () => {
  await using stage = await PushStage.open();
  const { service, browser } = stage;
  let left = 2;
  service.answering = ({ path }) => {
    switch (path) {
      case "/soon":
        return left-- > 0 ? answer(429) : answer(201);
      case "/later":
        return answer(503, { "retry-after": "86400" });
      case "/cut":
        return "";
      default:
        return answer(500);
    }
  };
  for (const path of ["/soon", "/later", "/cut", "/never"]) await stage.subscribe(BOB, path);
  await stage.send({ from: ALICE, to: [BOB], body: "once" });
  await stage.counted("sent", 1);
  await stage.counted("failed", 3);
  const tries = ["/soon", "/later", "/cut", "/never"].map((path) => service.at(path).length);
  assert.deepEqual(tries, [3, 1, 3, 3]);
  assert.equal((await service.payload(browser, "/soon", 3)).body, "once");
  assert.equal(stage.endpoints(BOB).length, 4);
});

Deno.test("N12 an owner's sub-accounts have no more pushes under way than the owner alone", async () => {
  await using stage = await PushStage.open({ limits: { underWayOfOne: 1 } });
  const { service, store } = stage;
  const bot = ALICE.replace("alice", "alice_bot");
  const key = { id: "k", hash: new Uint8Array(32), expires: Date.now() / 1000 + 3600 };
  const grant = { agent: "bot", delegated: null, cidrs: ["::/0"], key };
  await store.writer.submit("createGrant", { ownerKey: ALICE, ...grant });
  service.answering = ({ path }) => path === "/carol" ? answer(201) : null;
  for (const [user, path] of [[ALICE, "/alice"], [bot, "/bot"], [CAROL, "/carol"]] as const) {
    await stage.subscribe(user, path);
  }
  await stage.send({ from: BOB, to: [ALICE, bot, CAROL] });
  await stage.counted("sent", 1);
  await waitFor(() => service.pushes.length > 1);
  assert.equal(service.at("/alice").length + service.at("/bot").length, 1);
  assert.equal(stage.pushes.size, 2);
});

Deno.test("N12 Retry-After is kept to", async () => {
  await using stage = await PushStage.open();
  const { service } = stage;
  service.answering = () =>
    service.pushes.length === 1 ? answer(429, { "retry-after": "1" }) : answer(201);
  await stage.subscribe(BOB, "/b");
  const started = performance.now();
  await stage.send({ from: ALICE, to: [BOB] });
  await stage.counted("sent", 1);
  assert.ok(performance.now() - started >= 990);
  assert.equal(service.pushes.length, 2);
});

Deno.test("N12 an endpoint with an address that is not on the internet is never connected to", async () => {
  await using stage = await PushStage.open();
  const { service } = stage;
  const { port } = service;
  const names = ["mixed.test", "private.test", "nowhere.test"];
  for (const name of names) await stage.subscribe(BOB, `https://${name}:${port}/`);
  await stage.subscribe(BOB, `https://127.0.0.1:${port}/`);
  await stage.send({ from: ALICE, to: [BOB] });
  await stage.counted("failed", 4);
  assert.equal(service.connections, 0);
  assert.equal(stage.endpoints(BOB).length, 4, "its name may have another address tomorrow");
});

Deno.test("N12 unless told otherwise loopback is not on the internet, nor is another port", async () => {
  await using stage = await PushStage.open({ egress: () => INTERNET });
  await stage.subscribe(BOB, "/b");
  await stage.subscribe(BOB, "https://push.test/");
  await stage.send({ from: ALICE, to: [BOB] });
  await stage.counted("failed", 2);
  assert.equal(stage.service.connections, 0);
});

Deno.test("N12 of several addresses the first that is there is taken; the certificate is for the name", async () => {
  await using stage = await PushStage.open();
  const { service } = stage;
  await stage.subscribe(BOB, `https://several.test:${service.port}/`);
  await stage.send({ from: ALICE, to: [BOB] });
  // It is reached at the second address, and has no certificate for that name.
  await stage.counted("failed", 1);
  assert.equal(service.connections, 3);
  assert.deepEqual(service.pushes, []);
});

Deno.test("N12 a service that hangs costs others nothing", async () => {
  await using stage = await PushStage.open({ times: { deadlineMs: 60_000 } });
  const { service } = stage;
  service.answering = ({ path }) => path === "/c" ? answer(201) : null;
  for (let i = 0; i < 10; i++) await stage.subscribe(BOB, `/b${i}`);
  await stage.subscribe(CAROL, "/c");
  await stage.send({ from: ALICE, to: [BOB] });
  await waitFor(() => service.open === 2);
  await stage.send({ from: ALICE, to: [CAROL] });
  await stage.counted("sent", 1);
  assert.equal(service.open, 2);
});

Deno.test("N12 a push that has no answer in time is given up", async () => {
  await using stage = await PushStage.open({ times: { deadlineMs: 100, againMs: [] } });
  stage.service.answering = () => null;
  await stage.subscribe(BOB, "/b");
  await stage.send({ from: ALICE, to: [BOB] });
  await stage.counted("failed", 1);
  await waitFor(() => stage.service.open === 0);
});

Deno.test("N12 what waits goes by what is subscribed when its turn comes: refreshed keys, or nothing", async () => {
  await using stage = await PushStage.open({ times: { againMs: [200] } });
  const { service, browser } = stage;
  service.answering = () => service.pushes.length <= 2 ? answer(503) : answer(201);
  await stage.subscribe(BOB, "/kept", { p256dh: (await Browser.make()).publicKey });
  await stage.subscribe(BOB, "/ended");
  await stage.send({ from: ALICE, to: [BOB], body: "late" });
  await waitFor(() => service.pushes.length === 2);
  await stage.subscribe(BOB, "/kept");
  await stage.store.writer.submit("unsubscribePush", {
    addressKey: BOB,
    endpoint: service.endpoint("/ended"),
  });
  await stage.counted("sent", 1);
  await waitFor(() => stage.pushes.size === 0);
  assert.equal((await service.payload(browser, "/kept", 2)).body, "late");
  assert.equal(service.at("/ended").length, 1);
  assert.equal(stage.count("failed"), 0);
});

Deno.test("N12 who may not use the interface any more is not notified", async () => {
  await using stage = await PushStage.open();
  await stage.subscribe(BOB, "/b");
  await stage.subscribe(CAROL, "/c");
  const sending = { from: ALICE, to: [BOB, CAROL] };
  await stage.store.send(sending);
  await stage.store.writer.submit("setUser", { key: BOB, accepting: false });
  stage.publish();
  await stage.counted("sent", 1);
  assert.deepEqual(stage.service.at("/b"), []);
});

Deno.test("N12 with too much waiting the oldest notifications are dropped, and counted", async () => {
  await using stage = await PushStage.open({ limits: { waitingOfOne: 3 } });
  stage.service.answering = () => null;
  await stage.subscribe(BOB, "/b");
  for (let i = 0; i < 6; i++) await stage.send({ from: ALICE, to: [BOB], body: `no. ${i}` });
  await stage.counted("dropped", 2);
  assert.equal(stage.pushes.size, 4);
});

Deno.test("N12 neither endpoints nor keys nor what is written stand in the log", async () => {
  await using stage = await PushStage.open();
  const { service } = stage;
  service.answering = ({ path }) => answer(path.endsWith("good") ? 201 : 400);
  await stage.subscribe(BOB, "/capability-good");
  await stage.subscribe(BOB, "/capability-bad");
  await stage.send({ from: ALICE, to: [BOB], body: "a word between us" });
  await stage.counted("sent", 1);
  await stage.counted("failed", 1);
  const lines = await waitFor(() => {
    const text = stage.log.join("");
    return text.split('"service":"push.test"').length === 3 && text;
  });
  assert.doesNotMatch(lines, /capability|between us|vapid/);
});

// Web Push by a running host: from the routes to a push service on loopback that decrypts (row N12).

import assert from "node:assert/strict";
import { importJWK, jwtVerify } from "jose";
import { Browser, bytesOf, textOf } from "../support/push_browser.ts";
import { answer, PushService } from "../support/push_service.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { draft, replyTo } from "../support/message.ts";
import type { ApiClient } from "../support/api_client.ts";
import { expect, fieldsOf, sentBy } from "./api_client.ts";

const SUBSCRIBE = "/fmsg/push/subscribe";

async function subscribe(client: ApiClient, browser: Browser, endpoint: string): Promise<void> {
  const { headers, text } = await expect(
    201,
    client.post(SUBSCRIBE, browser.subscription(endpoint)),
  );
  assert.deepEqual([text, headers.get("content-type")], ["", null]);
}

async function unsubscribe(client: ApiClient, endpoint: string): Promise<void> {
  const { text } = await expect(204, client.request("DELETE", SUBSCRIBE, { json: { endpoint } }));
  assert.equal(text, "");
}

Deno.test("Web Push", async (t) => {
  await using world = await World.make();
  const ip = world.address();
  await using service = await PushService.start(world.authority, { ip });
  world.dns.set("push.test", "A", [ip]);
  const name = "rebound.test";
  await using trap = await PushService.start(world.authority, { name, ip: world.address() });
  world.dns.set(name, "A", [trap.ip, "10.0.0.1"]);
  const pat = await world.peer({ domain: "pat.test" });
  const host = await world.host({ api: true, users: ["alice", "bob", "carol"] });
  const [alice, bob, carol] = [
    await host.client("alice"),
    await host.client("bob"),
    await host.client("carol"),
  ];
  const [from, to, third] = ["alice", "bob", "carol"].map((name) => host.address(name));
  assert.ok(from !== undefined && to !== undefined && third !== undefined);
  const [phone, laptop] = [await Browser.make(), await Browser.make()];

  await t.step(
    "N12 subscribed, a browser gets each new message encrypted, signed with the key that it subscribed with",
    async () => {
      const key = String(fieldsOf(await expect(200, bob.get("/fmsg/push/key"))).key);
      await subscribe(bob, phone, service.endpoint("/phone"));
      const id = await sentBy(alice, { from, to: [to], data: "hello Bob" });
      const { headers } = await service.taken("/phone");
      assert.deepEqual(await service.payload(phone, "/phone"), {
        title: from,
        body: "hello Bob",
        threadId: id,
        url: `/?thread=${id}`,
        tag: `thread-${id}`,
        icon: "/icon-192.png",
      });
      assert.deepEqual(
        ["content-encoding", "ttl", "urgency"].map((name) => headers.get(name)),
        ["aes128gcm", "86400", "normal"],
      );
      const [, token = "", k = ""] =
        /^vapid t=([^,]+), k=(.+)$/.exec(headers.get("authorization") ?? "") ?? [];
      assert.equal(k, key);
      const [x, y] = [textOf(bytesOf(k).subarray(1, 33)), textOf(bytesOf(k).subarray(33))];
      const publicKey = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
      await jwtVerify(token, publicKey, {
        audience: `https://push.test:${service.port}`,
        algorithms: ["ES256"],
      });
    },
  );

  await t.step("N12 refreshed keys take the place of those before", async () => {
    await subscribe(bob, laptop, service.endpoint("/phone"));
    await sentBy(alice, { from, to: [to], data: "for other keys" });
    assert.equal((await service.payload(laptop, "/phone", 2)).body, "for other keys");
  });

  await t.step(
    "N12 what comes from another host is told too, under the root that the recipient sees",
    async () => {
      const root = draft({ from: "@pat@pat.test", to: [to], topic: "Lunch", body: "at one?" });
      await pat.send(root);
      await pat.send(replyTo(root, { from: "@pat@pat.test", to: [to, third], body: "at two" }));
      await subscribe(carol, phone, service.endpoint("/carol"));
      const [first, second] = [
        await service.payload(laptop, "/phone", 3),
        await service.payload(laptop, "/phone", 4),
      ];
      assert.deepEqual([first.title, first.body], ["@pat@pat.test", "at one?"]);
      assert.deepEqual([second.body, second.threadId], ["at two", first.threadId]);
      assert.deepEqual(second.tag, first.tag);
      const [, , one, two] = service.at("/phone").map(({ headers }) => headers.get("topic"));
      assert.equal(one, two);
      assert.deepEqual(service.at("/carol"), [], "what came before is not told");
    },
  );

  await t.step("N12 nobody is told of another's messages, nor unsubscribes another", async () => {
    await unsubscribe(bob, service.endpoint("/carol"));
    await sentBy(alice, { from, to: [third], data: "for Carol" });
    assert.equal((await service.payload(phone, "/carol")).body, "for Carol");
    assert.equal(service.at("/phone").length, 4);
  });

  await t.step("N12 unsubscribed, a browser is told nothing; again is no mistake", async () => {
    for (let times = 0; times < 2; times++) await unsubscribe(bob, service.endpoint("/phone"));
    await sentBy(alice, { from, to: [to, third], data: "for Carol's browser only" });
    await service.taken("/carol", 2);
    assert.equal(service.at("/phone").length, 4);
  });

  await t.step("N12 a subscription that its service has no more is removed", async () => {
    service.answering = ({ path }) => answer(path === "/gone" ? 410 : 201);
    await subscribe(bob, phone, service.endpoint("/gone"));
    await subscribe(bob, phone, service.endpoint("/there"));
    await sentBy(alice, { from, to: [to] });
    await Promise.all([service.taken("/gone"), service.taken("/there")]);
    await waitFor(async () => {
      await sentBy(alice, { from, to: [to] });
      const [gone, there] = ["/gone", "/there"].map((path) => service.at(path).length);
      return (there ?? 0) > (gone ?? 0) + 1;
    });
  });

  await t.step(
    "N12 a name with one address that is private is never connected to",
    async () => {
      await subscribe(carol, phone, trap.endpoint("/rebound"));
      await sentBy(alice, { from, to: [third] });
      await waitFor(() => host.log.some(({ service }) => service === name));
      assert.equal(trap.connections, 0);
    },
  );

  await t.step("N12 neither endpoints nor keys stand in the log", () => {
    const log = JSON.stringify(host.log);
    for (const secret of ["/phone", "/gone", "/rebound", textOf(phone.auth), "for Carol"]) {
      assert.ok(!log.includes(secret), secret);
    }
  });

  await t.step(
    "N12 the key and the subscriptions are there after a restart, also when a service hangs",
    async () => {
      const { key } = fieldsOf(await expect(200, bob.get("/fmsg/push/key")));
      service.answering = () => null;
      await sentBy(alice, { from, to: [to] });
      await waitFor(() => service.open > 0);
      await host.stop();
      await waitFor(() => service.open === 0);
      service.answering = () => answer(201);
      await host.start();
      assert.equal(fieldsOf(await expect(200, bob.get("/fmsg/push/key"))).key, key);
      const before = service.at("/there").length;
      await sentBy(alice, { from, to: [to], data: "and on" });
      assert.equal((await service.payload(phone, "/there", before + 1)).body, "and on");
    },
  );
});

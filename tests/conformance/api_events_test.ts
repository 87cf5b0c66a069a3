// Row N10, and the events of rows N2, N6, N7 and N11: what a client hears by WebSocket from a running host, whoever caused it.

import assert from "node:assert/strict";
import { ListeningClient } from "../api/events/listening_client.ts";
import { HANDSHAKE, type Opening, RawSocket } from "../api/events/raw_socket.ts";
import type { ApiClient } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { addTo as batch, draft } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { addTo, send } from "./command.ts";

Deno.test("events of a running host", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    api: { origins: ["https://mail.example"] },
    users: ["alice", "bob", "carol"],
  });
  const pat = await world.peer({ domain: "pat.test" });
  const [alice, bob, carol] = await Promise.all(
    ["alice", "bob", "carol"].map((name) => host.client(name)),
  );
  assert.ok(alice !== undefined && bob !== undefined && carol !== undefined);
  const [from, to] = [host.address("alice"), host.address("bob")];

  await t.step(
    "N10 new_msg of a message by the interface, by the command line, and from another host",
    async () => {
      await using client = await listen(bob);
      const byInterface = await sent(alice, { from, to: [to], topic: "by the interface" });
      const byCommand = (await send(host, { from, to: [to] })).id;
      const from2 = await pat.send(
        draft({ from: "@pat@pat.test", to: [to], topic: "from elsewhere", body: "hi" }),
      );
      assert.deepEqual(from2.rest, [200]);
      const events = await client.first(3);
      assert.deepEqual(events.map(({ type }) => type), ["new_msg", "new_msg", "new_msg"]);
      assert.deepEqual(events.slice(0, 2).map(({ data }) => data.id), [byInterface, byCommand]);
      assert.deepEqual([events[2]?.data.from, events[2]?.data.topic, events[2]?.data.short_text], [
        "@pat@pat.test",
        "from elsewhere",
        "hi",
      ]);
      // HTTP is what counts: the data of an event is the item of the list.
      const listed = await bob.get("/fmsg?limit=3");
      assert.deepEqual(listed.json, events.map(({ data }) => data).reverse());
    },
  );

  await t.step("N2 nobody hears of what is another's", async () => {
    await using other = await listen(carol);
    await using client = await listen(bob);
    const id = await sent(alice, { from, to: [to] });
    await client.event("new_msg", id);
    const own = await sent(alice, { from, to: [host.address("carol")] });
    await other.event("new_msg", own);
    assert.equal(other.events.length, 1);
  });

  await t.step(
    "N7 delivered: the sender hears of each delivery, here and elsewhere, and of one that failed",
    async () => {
      await using client = await listen(alice);
      pat.script({ codes: [200, 102] });
      const there = ["@a@pat.test", "@b@pat.test"];
      const id = await sent(alice, { from, to: [to, ...there] });
      const last = await waitFor(() =>
        client.events.findLast(({ type, data }) =>
          type === "delivered" && data.id === id &&
          data.to_delivery.every(({ state }) => state !== "pending")
        )
      );
      assert.deepEqual(
        last.data.to_delivery.map(({ addr, state, response_code: code, time_delivered: time }) => [
          addr,
          state,
          code,
          time !== null,
        ]),
        [[to, "local", null, true], [there[0], "delivered", null, true], [
          there[1],
          "failed",
          102,
          false,
        ]],
      );
    },
  );

  await t.step(
    "N6 recipients_added by the interface, by the command line, and from another host; the added get new_msg too",
    async () => {
      await using sender = await listen(alice);
      await using recipient = await listen(bob);
      await using added = await listen(carol);
      const id = await sent(alice, { from, to: [to] });
      const { status } = await bob.post(`/fmsg/${id}/add-to`, { add_to: [host.address("carol")] });
      assert.equal(status, 200);
      await added.event("new_msg", id);
      for (const client of [sender, recipient, added]) {
        const { data } = await client.event("recipients_added", id);
        assert.deepEqual(data.add_to.map(({ add_to_from, to }) => [add_to_from, to]), [
          [to, [host.address("carol")]],
        ]);
      }
      const second = await sent(alice, { from, to: [to] });
      await addTo(host, second, from, host.address("carol"));
      await recipient.event("recipients_added", second);

      const letter = draft({ from: "@pat@pat.test", to: [to], body: "for three" });
      await pat.send(letter);
      const { data } = await waitFor(() =>
        recipient.events.find(({ data }) => data.short_text === "for three")
      );
      await pat.send(batch(letter, { from: "@pat@pat.test", to: [host.address("carol")] }));
      await recipient.event("recipients_added", data.id);
      await added.event("new_msg", data.id);
    },
  );

  await t.step("N10 a browser brings its token in the query; the log has no token", async () => {
    await using client = await ListeningClient.open(host.api.events, {
      query: `?access_token=${bob.token}`,
      headers: { origin: "https://mail.example" },
    });
    await client.event("new_msg", await sent(alice, { from, to: [to] }));
    assert.ok(bob.token !== null && !JSON.stringify(host.log).includes(bob.token));
  });

  await t.step(
    "N10 who is not authenticated is refused before the upgrade, with JSON",
    async () => {
      await refused(host, {}, 401);
      await refused(host, { token: "no.token.atall" }, 401);
      await refused(host, { path: `/fmsg/ws?access_token=${bob.token}x` }, 401);
    },
  );

  await t.step(
    "N10 origin: a site that is not in api.origins is refused with 403, also with a good token",
    async () => {
      const token = bob.token ?? "";
      for (const origin of ["https://evil.example", "http://mail.example", "null"]) {
        await refused(host, { token, headers: { ...HANDSHAKE, origin } }, 403);
        await refused(
          host,
          { path: `/fmsg/ws?access_token=${token}`, headers: { ...HANDSHAKE, origin } },
          403,
        );
      }
    },
  );

  await t.step(
    "N10 without a handshake there is an answer in JSON: 426, or 400 for half of one",
    async () => {
      const { status, headers, json } = await bob.get("/fmsg/ws");
      assert.equal(status, 426);
      assert.equal(headers.get("upgrade"), "websocket");
      assert.ok(json !== undefined);
      const { "sec-websocket-key": _, ...half } = HANDSHAKE;
      await refused(host, { token: bob.token ?? "", headers: half }, 400);
    },
  );

  await t.step(
    "N10 state by HTTP after the host was away: sockets end with 1001, and a list has what was missed",
    async () => {
      await using before = await listen(bob);
      await host.stop();
      assert.equal((await before.end()).code, 1001);
      await host.start();
      const missed = await sent(alice, { from, to: [to] });
      await using after = await listen(bob);
      const next = await sent(alice, { from, to: [to] });
      await after.event("new_msg", next);
      assert.deepEqual(after.events.map(({ data }) => data.id), [next]);
      const listed = await bob.get("/fmsg?limit=2");
      assert.deepEqual(idsOf(listed.json), [next, missed]);
    },
  );
});

Deno.test("events of grants", async (t) => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice", "bob"] });
  const [alice, bob] = [await host.client("alice"), await host.client("bob")];
  const from = host.address("bob");
  const made = await alice.post("/fmsg/sub-accounts", {
    agent: "bot",
    allowed_cidrs: ["127.0.0.0/8"],
    key_expires_at: "2099-01-01T00:00:00Z",
  });
  assert.equal(made.status, 201, made.text);
  const address = text(made.json, "addr");
  const exchanged = await host.api.with(text(made.json, "api_key")).post("/fmsg/token");
  const agent = host.api.with(text(exchanged.json, "access_token"));

  await t.step(
    "N10 act-as by header and by query, the header first; the owner hears nothing of the grant's",
    async () => {
      await using byHeader = await ListeningClient.open(host.api.events, {
        token: alice.token,
        headers: { "x-fmsg-act-as": address },
        query: "?act_as=@nobody@host1.test",
      });
      await using byQuery = await ListeningClient.open(host.api.events, {
        query: `?access_token=${alice.token}&act_as=${encodeURIComponent(address)}`,
      });
      await using byKey = await listen(agent);
      await using owner = await listen(alice);
      const id = await sent(bob, { from, to: [address] });
      for (const client of [byHeader, byQuery, byKey]) await client.event("new_msg", id);
      const own = await sent(bob, { from, to: [host.address("alice")] });
      await owner.event("new_msg", own);
      assert.deepEqual(owner.events.map(({ data }) => data.id), [own]);
      assert.deepEqual(byKey.events.map(({ data }) => data.id), [id]);
    },
  );

  await t.step(
    "N11 act-as for what is not the owner's grant, or with a key's token, is refused before the upgrade",
    async () => {
      const actAs = (other: string) => ({ ...HANDSHAKE, "x-fmsg-act-as": other });
      await refused(host, { token: bob.token ?? "", headers: actAs(address) }, 403);
      await refused(host, { token: alice.token ?? "", headers: actAs(from) }, 403);
      await refused(host, { token: agent.token ?? "", headers: actAs(address) }, 403);
    },
  );

  await t.step(
    "N11 a socket dies with its key: closed with 4401 before the next event, and not let in again",
    async () => {
      await using client = await listen(agent);
      await client.event("new_msg", await sent(bob, { from, to: [address] }));
      const gone = await alice.delete("/fmsg/sub-accounts/bot");
      assert.equal(gone.status, 204);
      // The last look at the key may be a second old.
      await waitFor(async () => {
        await sent(bob, { from, to: [address] });
        return client.closed;
      });
      assert.equal(client.closed?.code, 4401);
      await refused(host, { token: agent.token ?? "" }, 401);
    },
  );
});

Deno.test("N10 events over TLS by the host itself", async () => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true }, users: ["alice", "bob"] });
  const token = await host.token(host.address("bob"));
  await using client = await ListeningClient.open(`wss://${host.apiAddress}/fmsg/ws`, {
    token,
    tls: { ca: world.authority.pem, servername: "fmsg.host1.test" },
  });
  const { id } = await send(host, { from: host.address("alice"), to: [host.address("bob")] });
  await client.event("new_msg", id);
  await host.stop();
  assert.equal((await client.end()).code, 1001);
});

async function listen(client: ApiClient): Promise<ListeningClient> {
  return await ListeningClient.open(client.events, { token: client.token });
}

function target({ ip, apiAddress }: HostProcess): { readonly ip: string; readonly port: number } {
  return { ip, port: Number(apiAddress.slice(apiAddress.lastIndexOf(":") + 1)) };
}

async function refused(host: HostProcess, opening: Opening, status: number): Promise<void> {
  using socket = await RawSocket.open(target(host), opening);
  assert.equal(socket.status, status, socket.head);
  assert.match(JSON.stringify(await socket.json()), /^\{"error":".+"\}$/);
}

/** Makes a draft and sends it; gives its id. */
async function sent(
  client: ApiClient,
  { from, to, topic = "" }: {
    readonly from: string;
    readonly to: readonly string[];
    readonly topic?: string;
  },
): Promise<number> {
  const fields = { version: 1, from, to, topic, type: "text/plain", size: 5, data: "hello" };
  const made = await client.post("/fmsg", fields);
  assert.equal(made.status, 201, made.text);
  const id = number(made.json, "id");
  const { status, text } = await client.post(`/fmsg/${id}/send`);
  assert.equal(status, 200, text);
  return id;
}

function idsOf(list: unknown): number[] {
  assert.ok(Array.isArray(list));
  return list.map((item) => number(item, "id"));
}

function number(value: unknown, name: string): number {
  const found = field(value, name);
  assert.ok(typeof found === "number", `${name} is no number in ${JSON.stringify(value)}`);
  return found;
}

function text(value: unknown, name: string): string {
  const found = field(value, name);
  assert.ok(typeof found === "string", `${name} is no text in ${JSON.stringify(value)}`);
  return found;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

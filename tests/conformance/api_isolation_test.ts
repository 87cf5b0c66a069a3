// Row N2 as a matrix: every route of the description, called by everybody who must not have what it is about, beside those
// who may. What is hidden is answered like what does not exist, to the byte.

import assert from "node:assert/strict";
import { ListeningClient } from "../api/events/listening_client.ts";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import { World } from "../support/world.ts";
import {
  closedRoutes,
  draftedBy,
  expect,
  fieldsOf,
  idsOf,
  letterOf,
  sentBy,
} from "./api_client.ts";
import { command } from "./command.ts";

/** An id that no message has. */
const ABSENT = 4711;

interface Client {
  readonly api: ApiClient;
  /** Whom it is for. */
  readonly address: string;
}

type Ask = (client: Client, id: number) => Promise<ApiAnswer>;

/** What each route that is about one message is asked. */
const ABOUT_ONE: Readonly<Record<string, Ask>> = {
  "get /fmsg/{id}": ({ api }, id) => api.get(`/fmsg/${id}`),
  "get /fmsg/{id}/data": ({ api }, id) => api.get(`/fmsg/${id}/data`),
  "get /fmsg/{id}/header": ({ api }, id) => api.get(`/fmsg/${id}/header`),
  "get /fmsg/{id}/thread": ({ api }, id) => api.get(`/fmsg/${id}/thread`),
  "get /fmsg/{id}/thread/messages": ({ api }, id) => api.get(`/fmsg/${id}/thread/messages`),
  "get /fmsg/{id}/attach/{filename}": ({ api }, id) => api.get(`/fmsg/${id}/attach/a.txt`),
  "put /fmsg/{id}": ({ api, address }, id) =>
    api.put(`/fmsg/${id}`, letterOf({ from: address, to: [address] })),
  "delete /fmsg/{id}": ({ api }, id) => api.delete(`/fmsg/${id}`),
  "delete /fmsg/{id}/attach/{filename}": ({ api }, id) => api.delete(`/fmsg/${id}/attach/a.txt`),
  "post /fmsg/{id}/attach": ({ api }, id) =>
    api.upload(`/fmsg/${id}/attach`, { filename: "b.txt", body: "mine" }),
  "post /fmsg/{id}/send": ({ api }, id) => api.post(`/fmsg/${id}/send`),
  "post /fmsg/{id}/add-to": ({ api, address }, id) =>
    api.post(`/fmsg/${id}/add-to`, { add_to: [address] }),
  "post /fmsg/{id}/read": ({ api }, id) => api.post(`/fmsg/${id}/read`),
  "post /fmsg/{id}/react": ({ api }, id) => api.post(`/fmsg/${id}/react`, { emoji: "x" }),
};

/** Of these every participant gets what they are about; of the others only who is told there. */
const READS = Object.keys(ABOUT_ONE).filter((route) => route.startsWith("get "));

/** Before it is sent a message has no header. */
const READS_OF_DRAFT = READS.filter((route) => route !== "get /fmsg/{id}/header");

/** What the sender alone may, and only before it is sent. */
const CHANGES = [
  "put /fmsg/{id}",
  "delete /fmsg/{id}",
  "delete /fmsg/{id}/attach/{filename}",
  "post /fmsg/{id}/attach",
  "post /fmsg/{id}/send",
];

/** Routes that are about no message of a given id; the tests below ask them too, those of push_test.ts what is of Web Push. */
const OTHERS = [
  "get /fmsg/lookup",
  "get /fmsg/push/key",
  "post /fmsg/push/subscribe",
  "delete /fmsg/push/subscribe",
  "get /fmsg",
  "get /fmsg/sent",
  "get /fmsg/search",
  "get /fmsg/ws",
  "post /fmsg",
  "get /fmsg/sub-accounts",
  "post /fmsg/sub-accounts",
  "get /fmsg/sub-accounts/{agent}",
  "patch /fmsg/sub-accounts/{agent}",
  "delete /fmsg/sub-accounts/{agent}",
  "post /fmsg/sub-accounts/{agent}/rotate-key",
];

/** Everything of an answer that could tell something. */
function wholeOf({ status, headers, text }: ApiAnswer): unknown {
  return { status, text, headers: [...headers].filter(([name]) => name !== "date") };
}

async function ask(route: string, client: Client, id: number): Promise<ApiAnswer> {
  const about = ABOUT_ONE[route] ?? assert.fail(route);
  return await about(client, id);
}

/** Every route about one message answers that there is none. */
async function assertHidden(client: Client, ids: readonly number[], who: string): Promise<void> {
  for (const route of Object.keys(ABOUT_ONE)) {
    const absent = wholeOf(await expect(404, ask(route, client, ABSENT)));
    for (const id of ids) {
      assert.deepEqual(wholeOf(await ask(route, client, id)), absent, `${who}: ${route} of ${id}`);
    }
  }
  const reply = (pid: number): Promise<ApiAnswer> =>
    client.api.post("/fmsg", letterOf({ from: client.address, to: [client.address], pid }));
  const absent = wholeOf(await expect(400, reply(ABSENT)));
  for (const id of ids) assert.deepEqual(wholeOf(await reply(id)), absent, `${who}: pid ${id}`);
  for (const list of ["/fmsg?limit=100", "/fmsg/sent?limit=100", "/fmsg/search?q=secret"]) {
    const listed = idsOf(await expect(200, client.api.get(list)));
    assert.deepEqual(listed.filter((id) => ids.includes(id)), [], `${who}: ${list}`);
  }
}

async function statuses(
  routes: readonly string[],
  client: Client,
  id: number,
): Promise<[string, number][]> {
  const all: [string, number][] = [];
  for (const route of routes) all.push([route, (await ask(route, client, id)).status]);
  return all;
}

function all(routes: readonly string[], status: number): [string, number][] {
  return routes.map((route) => [route, status]);
}

Deno.test("N2 every route, called by everybody who must not have what it is about", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    api: true,
    users: ["alice", "bob", "carol", "eve", "gone"],
  });
  const clientOf = async (name: string): Promise<Client> => ({
    api: await host.client(name),
    address: host.address(name),
  });
  const [alice, bob] = [await clientOf("alice"), await clientOf("bob")];
  const [carol, eve, gone] = [
    await clientOf("carol"),
    await clientOf("eve"),
    await clientOf("gone"),
  ];
  const grant = fieldsOf(
    await expect(
      201,
      alice.api.post("/fmsg/sub-accounts", {
        agent: "bot",
        allowed_cidrs: ["127.0.0.0/8"],
        key_expires_at: "2999-01-01T00:00:00Z",
      }),
    ),
  );
  const { access_token: token } = fieldsOf(
    await expect(200, host.api.with(String(grant.api_key)).post("/fmsg/token")),
  );
  const bot: Client = { api: host.api.with(String(token)), address: host.address("alice_bot") };
  const asBot: Client = { api: alice.api.actingAs(bot.address), address: bot.address };

  const written = async (by: Client, to: readonly Client[]): Promise<number> => {
    const addresses = to.map(({ address }) => address);
    const letter = { from: by.address, to: addresses, topic: "secret", data: "a secret text" };
    const id = await draftedBy(by.api, letter);
    const file = { filename: "a.txt", body: "a secret file" };
    await expect(201, by.api.upload(`/fmsg/${id}/attach`, file));
    return id;
  };
  const sent = async (by: Client, to: readonly Client[]): Promise<number> => {
    const id = await written(by, to);
    await expect(200, by.api.post(`/fmsg/${id}/send`));
    return id;
  };
  /** Adds somebody; the id of the batch. */
  const added = async (by: Client, id: number, whom: Client): Promise<number> => {
    await expect(200, by.api.post(`/fmsg/${id}/add-to`, { add_to: [whom.address] }));
    const { add_to: batches } = fieldsOf(await expect(200, by.api.get(`/fmsg/${id}`)));
    assert.ok(Array.isArray(batches));
    return batches.at(-1).batch_id;
  };

  await t.step("N2 the matrix has every route of the description", async () => {
    const closed = await closedRoutes(host.api);
    assert.deepEqual([...Object.keys(ABOUT_ONE), ...OTHERS].toSorted(), closed.toSorted());
  });

  const draft = await written(alice, [bob]);
  const waiting = await added(alice, draft, carol);
  const message = await sent(alice, [bob]);
  const batch = await added(bob, message, carol);
  const mine = [draft, waiting, message, batch];

  await t.step("N2 a stranger: of sent messages, drafts, and batches of either", async () => {
    await assertHidden(eve, mine, "a stranger");
    const letter = letterOf({ from: alice.address, to: [eve.address] });
    await expect(403, eve.api.post("/fmsg", letter));
    // Nothing came of all that.
    for (const [client, id] of [[alice, draft], [bob, message]] as const) {
      assert.equal((await expect(200, client.api.get(`/fmsg/${id}/data`))).text, "a secret text");
      await expect(200, client.api.get(`/fmsg/${id}/attach/a.txt`));
    }
  });

  await t.step("N2 a participant who is not the sender reads, and changes nothing", async () => {
    assert.deepEqual(await statuses(READS, bob, message), all(READS, 200));
    assert.deepEqual(await statuses(CHANGES, bob, message), all(CHANGES, 403));
    await assertHidden(bob, [draft, waiting], "who is to get it");
  });

  await t.step(
    "N2 an added recipient reads from then on, changes nothing and adds nobody",
    async () => {
      for (const id of [message, batch]) {
        assert.deepEqual(await statuses(READS, carol, id), all(READS, 200));
        assert.deepEqual(await statuses(CHANGES, carol, id), all(CHANGES, 403));
      }
      await expect(403, carol.api.post(`/fmsg/${message}/add-to`, { add_to: [eve.address] }));
      await expect(200, carol.api.post(`/fmsg/${message}/read`));
      await assertHidden(carol, [draft, waiting], "who is to be added");
    },
  );

  await t.step("N2 read marks are each participant's own", async () => {
    const readBy = async ({ api }: Client): Promise<unknown> =>
      fieldsOf(await expect(200, api.get(`/fmsg/${message}`))).read;
    assert.deepEqual([await readBy(alice), await readBy(bob), await readBy(carol)], [
      false,
      false,
      true,
    ]);
  });

  await t.step(
    "N2 an answer tells who has not what it answers no more than that it is there",
    async () => {
      const letter = { from: bob.address, to: [alice.address], pid: message, data: "an answer" };
      const answer = await sentBy(bob.api, letter);
      await added(alice, answer, eve);
      await assertHidden(eve, [message, batch], "who has an answer");
      const { text } = await expect(200, eve.api.get(`/fmsg/${answer}/thread`));
      assert.ok(text.includes("[message not visible to you]") && text.includes("an answer"), text);
      assert.ok(!text.includes("secret"), text);
      const { text: json } = await expect(200, eve.api.get(`/fmsg/${answer}/thread/messages`));
      assert.ok(!json.includes("secret"), json);
    },
  );

  await t.step(
    "N2 an owner sees nothing of a grant's, and a grant nothing of the owner's",
    async () => {
      const its = [await written(bot, [bob]), await sent(bot, [bob]), await sent(bob, [bot])];
      await assertHidden(alice, its, "an owner");
      await assertHidden(bot, mine, "a grant's key");
      await assertHidden(asBot, mine, "an owner who acts as the grant");
      for (const [i, id] of its.entries()) {
        const reads = i === 0 ? READS_OF_DRAFT : READS;
        assert.deepEqual(await statuses(reads, bot, id), all(reads, 200));
        assert.deepEqual(await statuses(reads, asBot, id), all(reads, 200));
      }
    },
  );

  await t.step("N2 grants are their owner's alone", async () => {
    const ranges = { allowed_cidrs: ["0.0.0.0/0"] };
    const expires = { key_expires_at: "2999-01-01T00:00:00Z" };
    const tries = (agent: string): Promise<ApiAnswer>[] => [
      eve.api.get(`/fmsg/sub-accounts/${agent}`),
      eve.api.patch(`/fmsg/sub-accounts/${agent}`, ranges),
      eve.api.post(`/fmsg/sub-accounts/${agent}/rotate-key`, expires),
      eve.api.delete(`/fmsg/sub-accounts/${agent}`),
    ];
    const masked = async (agent: string): Promise<unknown> =>
      (await Promise.all(tries(agent).map((answer) => expect(404, answer))))
        .map((answer) => wholeOf({ ...answer, text: answer.text.replace(agent, "agent") }));
    assert.deepEqual(await masked("bot"), await masked("bat"));
    assert.deepEqual(fieldsOf(await eve.api.get("/fmsg/sub-accounts")).sub_accounts, []);
    const taken = { agent: "bot", ...ranges, ...expires };
    for (const other of [bot, asBot]) {
      await expect(403, other.api.post("/fmsg/sub-accounts", taken));
      for (const answer of tries("bot").keys()) {
        const method = ["GET", "PATCH", "POST", "DELETE"][answer] ?? "";
        const path = `/fmsg/sub-accounts/bot${method === "POST" ? "/rotate-key" : ""}`;
        await expect(403, other.api.request(method, path));
      }
    }
    await expect(200, bot.api.get("/fmsg"));
  });

  await t.step(
    "N2 who deleted a message has it no more, on any route; others have it",
    async () => {
      const id = await sent(alice, [bob, carol]);
      const { status, stderr } = await command(host, [
        "message",
        "delete",
        String(id),
        "--for",
        bob.address,
      ]);
      assert.equal(status, 0, stderr);
      await assertHidden(bob, [id], "who deleted it");
      for (const other of [alice, carol]) {
        assert.deepEqual(await statuses(READS, other, id), all(READS, 200));
      }
    },
  );

  await t.step("N2 events are those of the one who listens", async () => {
    const listen = ({ api }: Client): Promise<ListeningClient> =>
      ListeningClient.open(api.events, { token: api.token });
    await using ofEve = await listen(eve);
    await using ofAlice = await listen(alice);
    await using ofBot = await listen(bot);
    await using ofBob = await listen(bob);
    const id = await sent(bot, [bob]);
    await ofBob.event("new_msg", id);
    await ofBot.event("delivered", id);
    await added(bob, id, carol);
    await ofBot.event("recipients_added", id);
    // Events of a socket come in the order of the commits: what came of the message before is here by then.
    const last = await sent(bob, [eve, alice]);
    for (const socket of [ofEve, ofAlice]) {
      await socket.event("new_msg", last);
      assert.deepEqual(socket.events.map(({ data }) => data.id), [last]);
    }
  });

  await t.step("N2 a user who was removed gets nothing, in one and the same way", async () => {
    const id = await sent(alice, [gone]);
    await expect(200, gone.api.get(`/fmsg/${id}`));
    await host.json(["user", "remove", gone.address]);
    for (const route of Object.keys(ABOUT_ONE)) {
      const absent = wholeOf(await expect(403, ask(route, gone, ABSENT)));
      assert.deepEqual(wholeOf(await ask(route, gone, id)), absent, route);
    }
    const lists = ["/fmsg", "/fmsg/sent", "/fmsg/search?q=secret", "/fmsg/sub-accounts"];
    for (const path of [...lists, `/fmsg/lookup?address=${alice.address}`]) {
      await expect(403, gone.api.get(path));
    }
    await assert.rejects(ListeningClient.open(gone.api.events, { token: gone.api.token }), /403/);
  });
});

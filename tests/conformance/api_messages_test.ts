// The interface of a running host: drafts, replies, recipients, deliveries (rows N2-N7).

import assert from "node:assert/strict";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import { waitFor } from "../support/wait.ts";
import { deliveryOf, draftedBy, expect, fieldsOf, idsOf, letterOf, sentBy } from "./api_client.ts";
import { SharedHosts } from "./shared_hosts.ts";

const shared = new SharedHosts(
  { api: true, challenge: "never" },
  { api: true, challenge: "never" },
);

Deno.test("N3 a draft from POST to send, and nothing of it can be changed afterwards", async () => {
  const { address, client } = await shared.users("alice", "bob");
  const [alice, bob] = [await client("alice"), await client("bob")];
  const [from, to] = [address("alice"), [address("bob")]];

  const id = await draftedBy(alice, { from, to, data: "first" });
  await expect(200, alice.put(`/fmsg/${id}`, letterOf({ from, to, data: "second" })));
  await expect(201, alice.upload(`/fmsg/${id}/attach`, { filename: "a.txt", body: "attached" }));
  await expect(201, alice.upload(`/fmsg/${id}/attach`, { filename: "b.txt", body: "wrong" }));
  await expect(204, alice.delete(`/fmsg/${id}/attach/b.txt`));
  assert.deepEqual(idsOf(await bob.get("/fmsg")), []);
  const sent = fieldsOf(await expect(200, alice.post(`/fmsg/${id}/send`)));
  assert.equal(sent.id, id);

  const [got] = idsOf(await bob.get("/fmsg"));
  assert.equal(got, id);
  const message = fieldsOf(await expect(200, bob.get(`/fmsg/${id}`)));
  assert.deepEqual([message.time, message.from, message.size, message.read], [
    sent.time,
    from,
    6,
    false,
  ]);
  assert.equal("id" in message, false);
  assert.equal((await bob.get(`/fmsg/${id}/data`)).text, "second");
  const file = await expect(200, bob.get(`/fmsg/${id}/attach/a.txt`));
  assert.equal(file.text, "attached");
  assert.match(file.headers.get("content-disposition") ?? "", /^attachment;/);
  assert.equal(file.headers.get("x-content-type-options"), "nosniff");

  await expect(409, alice.post(`/fmsg/${id}/send`));
  for (const user of [alice, bob]) {
    await expect(
      403,
      user.put(
        `/fmsg/${id}`,
        letterOf({ from: address(user === alice ? "alice" : "bob"), to }),
      ),
    );
    await expect(403, user.delete(`/fmsg/${id}`));
    await expect(403, user.upload(`/fmsg/${id}/attach`, { filename: "c.txt", body: "late" }));
    await expect(403, user.delete(`/fmsg/${id}/attach/a.txt`));
  }
  assert.deepEqual(fieldsOf(await bob.get(`/fmsg/${id}`)), message);

  const other = await draftedBy(alice, { from, to });
  await expect(204, alice.delete(`/fmsg/${other}`));
  await expect(404, alice.get(`/fmsg/${other}`));
});

Deno.test("N2 what is another's looks like what does not exist, on every route", async () => {
  const { address, client } = await shared.users("alice", "bob", "eve");
  const alice = await client("alice");
  const eve = await client("eve");
  const letter = { from: address("alice"), to: [address("bob")] };
  const sent = await sentBy(alice, letter);
  const draft = await draftedBy(alice, letter);
  await alice.upload(`/fmsg/${draft}/attach`, { filename: "a.txt", body: "secret" });
  const tries = (id: number): [string, () => Promise<ApiAnswer>][] => [
    ["get", () => eve.get(`/fmsg/${id}`)],
    ["data", () => eve.get(`/fmsg/${id}/data`)],
    ["thread", () => eve.get(`/fmsg/${id}/thread`)],
    ["attachment", () => eve.get(`/fmsg/${id}/attach/a.txt`)],
    ["attach", () => eve.upload(`/fmsg/${id}/attach`, { filename: "b.txt", body: "x" })],
    ["detach", () => eve.delete(`/fmsg/${id}/attach/a.txt`)],
    ["read", () => eve.post(`/fmsg/${id}/read`)],
    ["send", () => eve.post(`/fmsg/${id}/send`)],
    ["delete", () => eve.delete(`/fmsg/${id}`)],
    ["add-to", () => eve.post(`/fmsg/${id}/add-to`, { add_to: [address("eve")] })],
    [
      "replace",
      () => eve.put(`/fmsg/${id}`, letterOf({ from: address("eve"), to: [address("eve")] })),
    ],
  ];
  const absent = new Map<string, ApiAnswer>();
  for (const [name, request] of tries(4711)) absent.set(name, await expect(404, request()));
  for (const id of [sent, draft]) {
    for (const [name, request] of tries(id)) {
      assert.equal((await expect(404, request())).text, absent.get(name)?.text, name);
    }
  }
  const reply = (pid: number) =>
    eve.post("/fmsg", letterOf({ from: address("eve"), to: [address("alice")], pid }));
  assert.equal((await expect(400, reply(sent))).text, (await expect(400, reply(4711))).text);
  assert.deepEqual(idsOf(await eve.get("/fmsg")), []);
  assert.deepEqual(idsOf(await eve.get("/fmsg/sent")), []);
  assert.deepEqual(idsOf(await eve.get("/fmsg/search?q=hello")), []);
  await expect(
    403,
    eve.post("/fmsg", letterOf({ from: address("alice"), to: [address("eve")] })),
  );
});

Deno.test("N4 replies: an undeliverable one is refused with 409 and the way out", async (t) => {
  const { address, client } = await shared.users("alice", "bob");
  const near = await shared.world.peer();
  const far = await shared.world.peer();
  const alice = await client("alice");
  const from = address("alice");
  const reply = async (pid: number, to: readonly string[]): Promise<ApiAnswer> => {
    const id = await draftedBy(alice, { from, to, pid });
    const answer = await alice.post(`/fmsg/${id}/send`);
    if (answer.status === 409) {
      // It is still a draft, which its sender may change or delete.
      assert.equal(fieldsOf(await expect(200, alice.get(`/fmsg/${id}`))).time, null);
      await expect(204, alice.delete(`/fmsg/${id}`));
    }
    return answer;
  };
  const refused = async (answer: Promise<ApiAnswer>): Promise<void> => {
    const { error } = fieldsOf(await expect(409, answer));
    assert.match(String(error), /add .* to|new thread/i);
  };

  await t.step("N4 a reply within the thread's domains goes out", async () => {
    const root = await sentBy(alice, { from, to: [near.address("zoe"), address("bob")] });
    await deliveryOf(alice, root, near.address("zoe"), "delivered");
    await expect(200, reply(root, [near.address("zoe")]));
    await expect(200, reply(root, [address("bob")]));
  });
  await t.step("N4 a domain that was never a recipient of the parent", async () => {
    const root = await sentBy(alice, { from, to: [near.address("zoe")] });
    await refused(reply(root, [far.address("ruth")]));
    await refused(reply(root, [near.address("zoe"), far.address("ruth")]));
  });
  await t.step("N4 a domain to which the parent's delivery failed", async () => {
    near.script({ codes: [100] });
    const root = await sentBy(alice, { from, to: [near.address("nobody")] });
    await deliveryOf(alice, root, near.address("nobody"), "failed");
    await refused(reply(root, [near.address("zoe")]));
  });
  await t.step("N4 while the parent's delivery is pending, a reply may go", async () => {
    far.deafen();
    const root = await sentBy(alice, { from, to: [far.address("ruth")] });
    await expect(200, reply(root, [far.address("ruth")]));
    await far.listen();
    await deliveryOf(alice, root, far.address("ruth"), "delivered");
  });
  await t.step("N4 a reply carries no topic, and its pid is an id of here", async () => {
    const root = await sentBy(alice, { from, to: [address("bob")], topic: "root" });
    const bob = await client("bob");
    const letter = { from: address("bob"), to: [from], pid: root };
    await expect(400, bob.post("/fmsg", letterOf({ ...letter, topic: "again" })));
    const id = await sentBy(bob, letter);
    const message = fieldsOf(await expect(200, alice.get(`/fmsg/${id}`)));
    assert.deepEqual([message.has_pid, message.pid, message.topic], [true, root, ""]);
  });
});

Deno.test("N5 N6 added recipients see the message; a batch is whole and keeps its identity", async () => {
  const { address, client } = await shared.users("alice", "bob", "carol", "dave");
  const peer = await shared.world.peer();
  const [alice, bob, carol] = [await client("alice"), await client("bob"), await client("carol")];
  const id = await sentBy(alice, { from: address("alice"), to: [address("bob")] });
  await expect(404, carol.get(`/fmsg/${id}`));
  const add = (who: ApiClient, add_to: unknown) => who.post(`/fmsg/${id}/add-to`, { add_to });
  const zoe = peer.address("zoe");
  assert.deepEqual(fieldsOf(await expect(200, add(bob, [address("carol"), zoe]))), {
    id,
    added: 2,
  });
  await deliveryOf(alice, id, zoe, "delivered");
  assert.deepEqual(idsOf(await carol.get("/fmsg")), [id]);
  const before = fieldsOf(await expect(200, carol.get(`/fmsg/${id}`))).add_to;

  await expect(403, add(carol, [address("dave")]));
  await expect(409, add(alice, [address("dave"), address("CAROL")]));
  await expect(400, add(alice, [address("dave"), address("DAVE")]));
  await expect(400, add(alice, []));
  await expect(400, add(alice, [address("dave"), "nobody"]));
  assert.deepEqual(idsOf(await (await client("dave")).get("/fmsg")), []);
  assert.deepEqual(fieldsOf(await expect(200, alice.get(`/fmsg/${id}`))).add_to, before);
  await expect(200, add(alice, [address("dave"), address("bob")]));
  const after = fieldsOf(await expect(200, alice.get(`/fmsg/${id}`))).add_to;
  assert.ok(Array.isArray(after) && Array.isArray(before));
  assert.deepEqual(after.slice(0, 1), before);
  assert.equal(after.length, 2);

  const first = fieldsOf(await expect(200, carol.post(`/fmsg/${id}/read`)));
  assert.deepEqual(fieldsOf(await expect(200, carol.post(`/fmsg/${id}/read`))), first);
  assert.equal(fieldsOf(await carol.get(`/fmsg/${id}`)).time_read, first.time_read);
  assert.equal(fieldsOf(await bob.get(`/fmsg/${id}`)).read, false);
  await expect(404, alice.post(`/fmsg/${id}/read`));
});

Deno.test("N7 deliveries: local, pending, delivered, and failed with the code", async () => {
  const { address, client } = await shared.users("alice", "bob");
  const [near, far] = [
    await shared.world.peer(),
    await shared.world.peer(),
  ];
  const alice = await client("alice");
  far.deafen();
  near.script({ codes: [200, 102] });
  const to = [
    address("bob"),
    near.address("zoe"),
    near.address("shy"),
    far.address("ruth"),
    address("nobody"),
  ];
  const id = await sentBy(alice, { from: address("alice"), to });
  const states = await waitFor(async () => {
    const { to_delivery } = fieldsOf(await alice.get(`/fmsg/${id}`));
    assert.ok(Array.isArray(to_delivery));
    const states = to_delivery.map((
      { addr, time_delivered, response_code },
    ) => [addr, time_delivered === null ? null : "a time", response_code]);
    return states[1]?.[1] === null ? null : states;
  });
  assert.deepEqual(states, [
    [to[0], "a time", null],
    [to[1], "a time", null],
    [to[2], null, 102],
    [to[3], null, null],
    [to[4], null, 100],
  ]);
  await far.listen();
  const ruth = await deliveryOf(alice, id, far.address("ruth"), "delivered");
  assert.match(String(ruth.time_delivered), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  // A recipient sees who else has it, of others' deliveries nothing.
  const bob = await client("bob");
  assert.deepEqual(fieldsOf(await bob.get(`/fmsg/${id}`)).to, to);
});

Deno.test("N3 N6 many at once: a draft is sent once, and of batches with a name in common one is taken whole", async () => {
  const { address, client } = await shared.users("alice", "bob", "carol");
  const [alice, bob] = [await client("alice"), await client("bob")];
  const id = await draftedBy(alice, {
    from: address("alice"),
    to: [address("bob"), address("alice")],
  });
  const many = async (ask: (i: number) => Promise<ApiAnswer>): Promise<number[]> => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i)));
    return answers.map(({ status }) => status).toSorted();
  };
  const onlyOne = [200, ...Array(19).fill(409)];
  assert.deepEqual(await many(() => alice.post(`/fmsg/${id}/send`)), onlyOne);
  assert.deepEqual(idsOf(await bob.get("/fmsg")), [id]);
  const others = (i: number): string[] => [`@a${i}@far.test`, `@b${i}@far.test`];
  assert.deepEqual(
    await many((i) =>
      (i % 2 === 0 ? alice : bob)
        .post(`/fmsg/${id}/add-to`, { add_to: [...others(i), address("carol")] })
    ),
    onlyOne,
  );
  const { add_to } = fieldsOf(await expect(200, bob.get(`/fmsg/${id}`)));
  assert.ok(Array.isArray(add_to) && add_to.length === 1);
  const winner = /^@a(\d+)@/.exec(add_to[0].to[0])?.[1];
  assert.deepEqual(add_to[0].to, [...others(Number(winner)), address("carol")]);
  const read = await Promise.all(Array.from({ length: 20 }, () => bob.post(`/fmsg/${id}/read`)));
  assert.equal(new Set(read.map(({ text }) => text)).size, 1);
});

Deno.test("N6 B5 a batch on what came from elsewhere is told to the domains of all participants", async () => {
  const [near, far] = [
    await shared.users("alice", "bob"),
    await shared.usersAt(1, "zoe", "yan"),
  ];
  const [alice, bob, zoe] = [
    await near.client("alice"),
    await near.client("bob"),
    await far.client("zoe"),
  ];
  const id = await sentBy(alice, {
    from: near.address("alice"),
    to: [near.address("bob"), far.address("zoe")],
  });
  const [there = 0] = await waitFor(async () => {
    const ids = idsOf(await zoe.get("/fmsg"));
    return ids.length === 0 ? null : ids;
  });
  // Nobody of the sender's domain is added.
  const add_to = [far.address("yan")];
  await expect(200, zoe.post(`/fmsg/${there}/add-to`, { add_to }));
  for (const client of [alice, bob]) {
    const batches = await waitFor(async () => {
      const { add_to } = fieldsOf(await expect(200, client.get(`/fmsg/${id}`)));
      return Array.isArray(add_to) && add_to.length > 0 ? add_to : null;
    });
    assert.deepEqual(
      batches.map(({ add_to_from, to, to_delivery: [yan] }) => [add_to_from, to, yan.state]),
      [[far.address("zoe"), add_to, "unknown"]],
    );
  }
});

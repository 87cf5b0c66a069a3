// Row N13: the author's clients, unchanged, against running hosts: what fmsg-cli and fmsg-mcp ask, request by request.

import assert from "node:assert/strict";
import * as v from "valibot";
import { CommandFailed, FmsgCli } from "../api/clients/fmsg_cli.ts";
import { FmsgMcp, McpRefused } from "../api/clients/fmsg_mcp.ts";
import { waitFor } from "../support/wait.ts";
import { type Guests, SharedHosts } from "./shared_hosts.ts";

const LATER = "2999-12-31T00:00:00Z";
const UTF_8 = new TextDecoder();

const shared = new SharedHosts({ api: true }, { api: true });

/** A key as `fmsg key create` prints it. */
async function keyOf({ host, address }: Guests, user: string): Promise<string> {
  const schema = v.looseObject({ key: v.string() });
  return v.parse(schema, await host.json(["key", "create", address(user)])).key;
}

async function loggedIn(guests: Guests, user: string): Promise<FmsgCli> {
  return await FmsgCli.login(guests.host.api.base, await keyOf(guests, user));
}

async function fails(command: Promise<unknown>, status: number): Promise<string> {
  const error = await command.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof CommandFailed, `it did not fail: ${error}`);
  assert.equal(error.status, status, error.text);
  return v.parse(v.strictObject({ error: v.string() }), JSON.parse(error.text)).error;
}

async function refused(call: Promise<unknown>, status: number): Promise<McpRefused> {
  const error = await call.then(() => null, (error: unknown) => error);
  assert.ok(error instanceof McpRefused, `it was not refused: ${error}`);
  assert.equal(error.status, status, error.message);
  return error;
}

Deno.test("N13 fmsg-cli: login with a key, send, list, sent, get, get-data and a reply across two hosts", async () => {
  const here = await shared.users("alice");
  const there = await shared.usersAt(1, "bob");
  const [alice, bob] = [await loggedIn(here, "alice"), await loggedIn(there, "bob")];
  assert.deepEqual([alice.user, bob.user], [here.address("alice"), there.address("bob")]);
  assert.deepEqual([await alice.list(), await alice.sent()], [[], []]);

  const text = "Grüße & <mehr>";
  const sent = await alice.send(bob.user, text, { topic: "Hello", important: true });
  const [listed] = await waitFor(async () => {
    const list = await bob.list();
    return list.length === 1 && list;
  }, { what: "Bob has it" });
  assert.ok(listed !== undefined);
  assert.deepEqual(
    [listed.from, listed.to, listed.topic, listed.important, listed.time],
    [alice.user, [bob.user], "Hello", true, sent.time],
  );
  assert.equal((await bob.get(listed.id)).short_text, text);
  assert.equal(UTF_8.decode(await bob.getData(-1)), text);

  const empty = await bob.send(alice.user, "", { pid: listed.id, noReply: true });
  const answer = await waitFor(async () => (await alice.list(1))[0], { what: "Alice has it" });
  assert.deepEqual(
    [answer.pid, answer.has_pid, answer.topic, answer.no_reply, answer.size, answer.time],
    [sent.id, true, "", true, 0, empty.time],
  );
  const [mine] = await alice.sent(20, 0);
  assert.equal(mine?.id, sent.id);
  assert.notEqual(mine.to_delivery[0]?.time_delivered, null);
  assert.deepEqual(await alice.sent(20, 1), []);
});

Deno.test("N13 fmsg-cli: draft create, update, attach, get-attach, rm-attach, draft send, and del of another", async () => {
  const here = await shared.users("alice", "bob", "carol");
  const [alice, bob] = [await loggedIn(here, "alice"), await loggedIn(here, "bob")];
  const { id } = await alice.draftCreate(bob.user, "first", { topic: "Plan" });
  await alice.update(id, { text: "second", type: "text/markdown" });
  await alice.update(id, { to: [bob.user, here.address("carol")], important: true });
  const draft = await alice.get(id);
  assert.deepEqual(
    [draft.topic, draft.short_text, draft.type, draft.to, draft.important, draft.time],
    ["Plan", "second", "text/markdown", [bob.user, here.address("carol")], true, null],
  );

  const content = new Uint8Array(100_000).map((_, i) => i * 7 % 251);
  const file = "Übersicht 2.pdf";
  assert.deepEqual(await alice.attach(id, `/home/alice/${file}`, content), {
    filename: file,
    size: content.length,
  });
  await alice.attach(id, "notes.txt", new TextEncoder().encode("notes"));
  await alice.rmAttach(id, "notes.txt");
  await fails(alice.rmAttach(id, "notes.txt"), 404);
  await fails(alice.attach(id, "bad (1).txt", content), 400);
  assert.deepEqual(await alice.getAttach(id, file), content);

  const sent = await alice.draftSend(id);
  assert.equal(sent.id, id);
  assert.deepEqual(await bob.getAttach(-1, file), content);
  const [{ attachments } = {}] = await bob.list();
  assert.equal(
    attachments?.[0]?.["type"],
    "application/pdf",
    "by its name, since the client says none",
  );
  await fails(alice.draftSend(id), 409);
  await fails(alice.update(id, { text: "third" }), 403);
  await fails(alice.attach(id, "late.txt", content), 403);
  await fails(alice.rmAttach(id, file), 403);
  await fails(alice.del(id), 403);

  const other = await alice.draftCreate(bob.user, "not this one");
  await alice.del(other.id);
  await fails(alice.get(other.id), 404);
});

Deno.test("N13 fmsg-cli: add-to, and a reply that a domain cannot take is refused with the way out", async () => {
  const here = await shared.users("alice", "carol");
  const there = await shared.usersAt(1, "bob");
  const alice = await loggedIn(here, "alice");
  const bob = there.address("bob");
  const { id } = await alice.send(here.address("carol"), "for Carol");
  assert.match(await fails(alice.send(bob, "and Bob?", { pid: id }), 409), /add these recipients/);
  assert.deepEqual(await alice.addTo(id, bob), { id, added: 1 });
  await fails(alice.addTo(id, bob.toUpperCase()), 409);
  const [batch] = (await alice.get(id)).add_to;
  assert.deepEqual([batch?.add_to_from, batch?.to], [alice.user, [bob]]);
  const [received] = await waitFor(async () => {
    const list = await there.host.list(bob);
    return list.length === 1 && list;
  }, { what: "Bob has it" });
  assert.equal(received?.from, alice.user);
});

Deno.test("N13 fmsg-cli: watch hears of what comes, what was delivered and who was added", async () => {
  const here = await shared.users("alice");
  const there = await shared.usersAt(1, "bob", "dave");
  const [alice, bob] = [await loggedIn(here, "alice"), await loggedIn(there, "bob")];
  await using hers = await alice.watch();
  await using his = await bob.watch();
  const { id } = await alice.send(bob.user, "Hello");
  const came = (await his.next("new_msg")).data;
  assert.deepEqual([came.from, came["short_text"]], [alice.user, "Hello"]);
  const delivered = (await hers.next("delivered")).data;
  assert.equal(delivered.id, id);
  assert.notEqual(delivered.to_delivery[0]?.time_delivered, null);
  await alice.addTo(id, there.address("dave"));
  assert.equal((await hers.next("recipients_added")).data.add_to.length, 1);
  assert.deepEqual((await his.next("recipients_added")).data.add_to[0]?.to, [
    there.address("dave"),
  ]);
});

Deno.test("N13 fmsg-cli: sub-accounts with the owner's token; with a key they are refused", async () => {
  const here = await shared.users("alice", "bob");
  const byKey = await loggedIn(here, "alice");
  await fails(byKey.subAccounts(), 403);
  await fails(byKey.createSubAccount("bot", ["127.0.0.0/8"], LATER), 403);

  const owner = await FmsgCli.login(
    here.host.api.base,
    await here.host.token(here.address("alice")),
  );
  assert.equal(owner.user, here.address("alice"));
  const created = await owner.createSubAccount("bot", ["127.0.0.0/8", "2001:db8::/32"], LATER);
  const { api_key: key, ...grant } = created;
  assert.equal(grant.addr, here.address("alice_bot"));
  const { max_sub_accounts: max, sub_accounts: all } = await owner.subAccounts();
  assert.deepEqual([max, all.map(({ agent }) => agent)], [5, ["bot", "cli"]]);
  assert.deepEqual(await owner.subAccount("bot"), grant);

  const bot = await FmsgCli.login(here.host.api.base, key ?? "");
  assert.equal(bot.user, here.address("alice_bot"));
  await bot.send(here.address("bob"), "from the bot");
  assert.equal((await bot.sent()).length, 1);
  assert.deepEqual(await owner.sent(), [], "an owner sees nothing of a grant's");

  assert.deepEqual((await owner.updateCidrs("bot", ["10.0.0.0/8"])).allowed_cidrs, ["10.0.0.0/8"]);
  await fails(bot.list(), 403);
  await owner.updateCidrs("bot", ["127.0.0.0/8"]);
  await bot.list();
  const rotated = await owner.rotateKey("bot", LATER);
  await fails(bot.list(), 401);
  const again = await FmsgCli.login(here.host.api.base, rotated.api_key ?? "");
  assert.equal((await again.sent()).length, 1);
  await owner.deleteSubAccount("bot");
  await fails(again.sent(), 401);
  await fails(owner.subAccount("bot"), 404);
});

Deno.test("N13 fmsg-mcp: an agent waits, replies with a file, reads the thread, adds somebody and marks as read", async () => {
  const here = await shared.users("alice");
  const there = await shared.usersAt(1, "bob", "carol");
  const alice = new FmsgMcp(here.host.api.base, await keyOf(here, "alice"));
  const bob = new FmsgMcp(there.host.api.base, await keyOf(there, "bob"));
  const [ALICE, BOB] = [await alice.whoami(), await bob.whoami()];
  assert.deepEqual([ALICE, BOB], [here.address("alice"), there.address("bob")]);

  await using his = await bob.listen();
  const note = new TextEncoder().encode("attached");
  const first = await alice.send({
    to: [BOB],
    topic: "Hello",
    body: "hello *bob*",
    attachments: [{ filename: "note.txt", data: note, type: "text/plain" }],
  });
  const came = await his.next();
  assert.deepEqual([came.from, came.root, came.reaction, came.terminal], [
    ALICE,
    came.id,
    null,
    false,
  ]);
  assert.equal(await bob.getText(came.id), "hello *bob*");
  const file = await bob.downloadAttachment(came.id, "note.txt");
  assert.match(file.headers.get("content-type") ?? "", /^text\/plain/);
  assert.match(file.headers.get("content-disposition") ?? "", /^attachment;/);
  assert.deepEqual(await file.bytes(), note);

  await using hers = await alice.listen();
  const long = "long ".repeat(1000);
  await bob.send({ to: [ALICE], pid: came.id, body: long });
  const answer = await hers.next();
  assert.deepEqual([answer.pid, answer.root, await alice.getText(answer.id)], [first, first, long]);
  assert.deepEqual(await alice.getThread(answer.id), ["hello *bob*", long]);
  assert.equal((await alice.threadMessages(answer.id)).complete, true);

  assert.equal((await alice.deliveryStatus(first)).get(BOB), "delivered");
  const added = await alice.addRecipients(first, [there.address("carol")]);
  assert.equal(added, 1);
  assert.equal(await alice.markRead(answer.id), await alice.markRead(answer.id));
  assert.equal((await alice.listInbox())[0]?.read, true);
  assert.deepEqual((await alice.listSent(1, 0)).map(({ id }) => id), [first]);
});

Deno.test("N13 fmsg-mcp: a stranger is refused everything, a reaction is told why not, and a failed send leaves no draft", async () => {
  const here = await shared.users("alice", "bob", "carol");
  const [alice, carol] = await Promise.all(
    ["alice", "carol"].map(async (user) =>
      new FmsgMcp(here.host.api.base, await keyOf(here, user))
    ),
  );
  assert.ok(alice !== undefined && carol !== undefined);
  const secret = new TextEncoder().encode("secret");
  const id = await alice.send({
    to: [here.address("bob")],
    topic: "private",
    body: "secret",
    attachments: [{ filename: "secret.txt", data: secret, type: "text/plain" }],
  });
  await refused(carol.getMessage(id), 404);
  await refused(carol.getThread(id), 404);
  await refused(carol.downloadAttachment(id, "secret.txt"), 404);
  await refused(carol.addRecipients(id, [here.address("carol")]), 404);
  await refused(carol.react(id, "👍"), 404);
  const { code, message } = await refused(alice.react(id, "👍"), 501);
  assert.deepEqual([code, /reply/.test(message)], ["reactions_unsupported", true]);

  await refused(alice.send({ to: ["@bob@elsewhere.test"], pid: id, body: "too far" }), 409);
  assert.deepEqual((await alice.listSent()).map((sent) => sent.id), [id]);
});

import assert from "node:assert/strict";
import { connectToHost } from "../../src/host/mod.ts";
import { ContentStaging, type Drafted, type Sent, StoreWriter } from "../../src/store/mod.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { type Bytes, concat, hex } from "../../src/wire/mod.ts";
import type { HostProcess } from "../support/host_process.ts";
import { noise } from "../support/message.ts";
import { messageOf } from "../support/peer_receive.ts";
import { World } from "../support/world.ts";
import { audit } from "../store/audit.ts";

/** Submits operations as a client of the running host does. */
async function throughHost<Value>(
  host: HostProcess,
  work: (writer: StoreWriter) => Promise<Value>,
): Promise<Value> {
  const backend = await connectToHost(host.dataDir);
  assert.ok(backend !== null, "the host answers on its control socket");
  await using writer = new StoreWriter(backend);
  return await work(writer);
}

function draftOf(host: HostProcess, to: readonly string[], body: Bytes) {
  return {
    from: host.address("alice"),
    to,
    start: { topic: "a draft" },
    body: { type: "text/plain;charset=UTF-8", size: body.length, expandedSize: null },
    attachments: [],
    content: { kind: "inline", bytes: body },
    important: false,
    noReply: false,
  } as const;
}

function drafted(done: Drafted | Sent | { kind: "refused"; message: string }): Drafted {
  assert.equal(done.kind, "drafted", "message" in done ? done.message : done.kind);
  assert.ok(done.kind === "drafted");
  return done;
}

Deno.test("B8 a batch on a draft waits with it, and goes out after it", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice"] });
  const peer = await world.peer();
  const body = new TextEncoder().encode("not yet");
  const zoe = peer.address("zoe");
  const ruth = peer.address("ruth");
  const alice = host.address("alice");

  const draft = await throughHost(
    host,
    async (writer) => drafted(await writer.submit("draft", draftOf(host, [zoe], body))),
  );

  await t.step("B8 a draft has neither hash nor time, and nothing is sent", async () => {
    const view = JSON.parse((await host.cli(["show", String(draft.id), "--json"])).stdout);
    assert.deepEqual([view.id, view.hash, view.time, view.topic], [
      draft.id,
      null,
      null,
      "a draft",
    ]);
    assert.deepEqual(await host.queue(), []);
  });

  const added = JSON.parse(
    (await host.cli(["add-to", String(draft.id), "--from", alice, ruth, "--json"])).stdout,
  );

  await t.step("B8 the batch waits with the draft, without a hash", async () => {
    assert.deepEqual([added.id, added.hash], [draft.id, null]);
    const view = JSON.parse((await host.cli(["show", String(draft.id), "--json"])).stdout);
    assert.deepEqual(view.add_to, [
      { batch_id: added.batch_id, hash: null, from: alice, to: [ruth], time: null },
    ]);
    assert.deepEqual(await host.queue(), []);
    assert.equal(peer.received.length, 0);
  });

  await t.step("B8 an address that waits with the draft is not added twice", async () => {
    const { code, stderr } = await host.cli(["add-to", String(draft.id), "--from", alice, ruth]);
    assert.equal(code, 1);
    assert.match(stderr, /added to draft .* before/);
  });

  await t.step(
    "B8 at send the draft goes out first, then the batch, with its own later time",
    async () => {
      const sent = await throughHost(
        host,
        (writer) => writer.submit("sendDraft", { id: draft.id, from: null }),
      );
      assert.ok(!isProblem(sent), isProblem(sent) ? sent.message : "");
      assert.equal(sent.id, draft.id);
      const first = messageOf(await peer.next());
      const second = messageOf(await peer.next());
      assert.equal(hex(first.hash), hex(sent.hash));
      assert.equal(first.fields.addTo, undefined);
      const view = await host.show(draft.id);
      assert.equal(view.hash, hex(sent.hash));
      const [batch] = view.add_to;
      assert.ok(batch !== undefined);
      assert.equal(batch.batch_id, added.batch_id);
      assert.equal(batch.hash, hex(second.hash));
      assert.ok(Number(batch.time) > Number(view.time), "the batch is later than its original");
    },
  );

  await t.step("B8 a draft is sent once", async () => {
    const again = await throughHost(
      host,
      (writer) => writer.submit("sendDraft", { id: draft.id, from: null }),
    );
    assert.equal(again.kind, "refused");
  });

  await t.step("R12 a draft is no parent: a reply to it is refused", async () => {
    const other = await throughHost(
      host,
      async (writer) => drafted(await writer.submit("draft", draftOf(host, [zoe], body))),
    );
    const { code, stderr } = await host.cli(
      ["send", "--from", alice, "--to", zoe, "--reply-to", String(other.id), "hm"],
    );
    assert.equal(code, 1);
    assert.match(stderr, /no message/);
  });

  await host.stop();
  audit(host.dataDir, { drafts: 1 });
});

Deno.test("N3 a draft is written part by part, and arrives as it was written", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice", "bob"] });
  const peer = await world.peer();
  const alice = host.address("alice");
  const bob = host.address("bob");
  const zoe = peer.address("zoe");
  const big = noise(200_000);
  const text = (words: string) => new TextEncoder().encode(words);

  const attach = (draft: number, from: string, filename: string, bytes: Bytes) =>
    throughHost(host, async (writer) => {
      await using staging = new ContentStaging(writer, bytes.length);
      await staging.write(bytes);
      const done = await writer.submit("attach", {
        draft,
        from,
        attachment: {
          type: "application/octet-stream",
          size: bytes.length,
          expandedSize: null,
          filename,
        },
        content: await staging.source(),
      });
      if (!isProblem(done)) staging.adopted();
      return done;
    });
  const send = (id: number, from: string) =>
    throughHost(host, (writer) => writer.submit("sendDraft", { id, from }));

  const { id } = await throughHost(
    host,
    async (writer) => drafted(await writer.submit("draft", draftOf(host, [bob], text("first")))),
  );

  await t.step("N3 attachments come and go, and the rest is replaced", async () => {
    drafted(await attach(id, alice, "one.txt", text("one")));
    drafted(await attach(id, alice, "big.bin", big));
    drafted(await attach(id, alice, "two.txt", text("two")));
    await throughHost(host, async (writer) => {
      drafted(await writer.submit("detach", { draft: id, from: alice, filename: "one.txt" }));
      const words = draftOf(host, [zoe, bob], text("at last"));
      drafted(await writer.submit("replaceDraft", { ...words, id }));
    });
    const view = await host.show(id);
    assert.deepEqual(view.attachments.map(({ filename, size }) => [filename, size]), [
      ["big.bin", 200_000],
      ["two.txt", 3],
    ]);
  });

  await t.step("N2 to others it is not there", async () => {
    for (const done of [await attach(id, bob, "x", text("x")), await send(id, bob)]) {
      assert.ok(isProblem(done) && done.reason === "message not found");
    }
  });

  await t.step("N3 it is sent whole, to those here and elsewhere", async () => {
    const sent = await send(id, alice);
    assert.ok(!isProblem(sent), isProblem(sent) ? sent.message : "");
    const got = messageOf(await peer.next());
    assert.equal(hex(got.hash), hex(sent.hash));
    assert.deepEqual(got.payload, concat([text("at last"), big, text("two")]));
    assert.deepEqual((await host.list(bob)).map((message) => message.id), [id]);
  });

  await t.step("N3 from then on it stays as it is", async () => {
    for (const done of [await attach(id, alice, "x", text("x")), await send(id, alice)]) {
      assert.ok(isProblem(done) && done.reason === "already sent");
    }
  });

  await host.stop();
  audit(host.dataDir);
});

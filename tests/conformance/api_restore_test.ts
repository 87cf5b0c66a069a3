// A backup that is made while clients upload, and restored: drafts, grants, keys and tokens go on (rows P5, N4, N11).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { audit } from "../store/audit.ts";
import { noise } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { openForReading } from "../../src/store/opening.ts";

const MIB = 1024 * 1024;
const MADE = v.object({ id: v.number() });
const GRANT = v.object({ api_key: v.string() });
const TOKEN = v.object({ access_token: v.string() });

Deno.test("P5 a restored host has drafts, grants and signing keys, so that keys and tokens go on working", async () => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", api: true, users: ["alice", "bob"] });
  const alice = await host.client("alice");
  const body = {
    version: 1,
    from: host.address("alice"),
    to: [host.address("bob")],
    topic: "kept",
    type: "text/plain;charset=UTF-8",
    data: "a draft",
  };
  const { id } = v.parse(MADE, (await alice.post("/fmsg", body)).json);
  const file = noise(300_000);
  const kept = { filename: "kept.bin", body: file };
  assert.equal((await alice.upload(`/fmsg/${id}/attach`, kept)).status, 201);
  assert.equal((await alice.post(`/fmsg/${id}/add-to`, { add_to: ["@x@far.test"] })).status, 200);
  const terms = { allowed_cidrs: ["0.0.0.0/0", "::/0"], key_expires_at: "2100-01-01T00:00:00Z" };
  const granted = await alice.post("/fmsg/sub-accounts", { agent: "helper", ...terms });
  const key = v.parse(GRANT, granted.json).api_key;
  const exchanged = await host.api.with(key).post("/fmsg/token");
  const helper = host.api.with(v.parse(TOKEN, exchanged.json).access_token);
  assert.equal((await helper.get("/fmsg")).status, 200);

  // Half of a file is in the store when the backup is made.
  const backedUp = Promise.withResolvers<void>();
  const uploading = alice.request("POST", `/fmsg/${id}/attach`, {
    body: ReadableStream.from(halves(backedUp.promise)),
    headers: { "content-type": "multipart/form-data; boundary=b" },
  });
  await waitFor(() => {
    using db = openForReading(host.dataDir);
    return db.get("SELECT 1 FROM content WHERE staged = 1") !== null;
  });
  const backup = join(world.folder, "backup");
  assert.equal((await host.cli(["host", "backup", backup])).code, 0);
  backedUp.resolve();
  assert.equal((await uploading).status, 201);

  // What is written after the backup is not in it.
  assert.equal((await alice.delete("/fmsg/sub-accounts/helper")).status, 204);
  assert.equal((await alice.post(`/fmsg/${id}/send`)).status, 200);
  assert.equal(await host.stop(), 0);
  await Deno.remove(host.dataDir, { recursive: true });
  const restored = await host.cli(["host", "restore", backup]);
  assert.equal(restored.code, 0, restored.stderr);
  await host.start();

  assert.equal((await helper.get("/fmsg")).status, 200);
  assert.equal((await host.api.with(key).post("/fmsg/token")).status, 200);
  const { json } = await alice.get(`/fmsg/${id}`);
  const draft = v.parse(
    v.object({
      time: v.null(),
      attachments: v.array(v.object({ filename: v.string() })),
      add_to: v.array(v.object({ to: v.array(v.string()) })),
    }),
    json,
  );
  assert.deepEqual(draft.attachments, [{ filename: "kept.bin" }]);
  assert.deepEqual(draft.add_to, [{ to: ["@x@far.test"] }]);
  const { bytes } = await alice.get(`/fmsg/${id}/attach/kept.bin`);
  assert.equal(hashOf(bytes), hashOf(file));
  audit(host.dataDir, { drafts: 1 });
  assert.equal((await host.cli(["host", "verify"])).code, 0);
  assert.equal((await alice.post(`/fmsg/${id}/send`)).status, 200);
});

/** A form that goes on when it is told to. */
async function* halves(goOn: Promise<void>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const text = new TextEncoder();
  yield text.encode(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n',
  );
  yield new Uint8Array(noise(MIB));
  await goOn;
  yield text.encode("\r\n--b--\r\n");
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

// A disk that gets full under clients of the interface (row P8): they are told 507, what was answered is there, and the
// interface works again by itself once there is room.

import assert from "node:assert/strict";
import * as v from "valibot";
import { audit } from "../store/audit.ts";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { noise } from "../support/message.ts";
import { SmallDisk, smallDiskTest } from "../support/small_disk.ts";
import { waitFor } from "../support/wait.ts";
import { type HostChoices, World } from "../support/world.ts";

const MIB = 1024 * 1024;

/** The host keeps a reserve of 32 MiB of it. */
const SIZE = 60 * MIB;

const MADE = v.object({ id: v.number() });
const LIST = v.array(
  v.object({ id: v.number(), attachments: v.array(v.object({ size: v.number() })) }),
);
const STATUS = v.object({ counts: v.object({ faults: v.number(), staging: v.number() }) });

class FullDisk implements AsyncDisposable {
  /** Drafts that were answered with 201, with the sizes of the files that were. */
  readonly drafts = new Map<number, number[]>();

  private constructor(
    readonly host: HostProcess,
    readonly disk: SmallDisk,
    readonly alice: ApiClient,
    readonly bob: ApiClient,
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async set(choices: HostChoices = {}): Promise<FullDisk> {
    await using made = new AsyncDisposableStack();
    const world = made.use(await World.make());
    const host = await world.host({ challenge: "never", api: true, ...choices, start: false });
    const disk = made.use(await SmallDisk.at(host.dataDir, SIZE));
    await host.start();
    await host.addUsers([host.address("alice"), host.address("bob")]);
    const [alice, bob] = [await host.client("alice"), await host.client("bob")];
    return new FullDisk(host, disk, alice, bob, made.move());
  }

  body(data = "Hello"): unknown {
    const { host } = this;
    const [from, to] = [host.address("alice"), [host.address("bob")]];
    return { version: 1, from, to, topic: "t", type: "text/plain;charset=UTF-8", data };
  }

  /** A new draft; its id, or null when it was refused as full. */
  async draft(): Promise<number | null> {
    const answer = await this.alice.post("/fmsg", this.body());
    if (isFull(answer)) return null;
    assert.equal(answer.status, 201, answer.text);
    const { id } = v.parse(MADE, answer.json);
    this.drafts.set(id, []);
    return id;
  }

  /** Whether a file was taken. */
  async upload(id: number, size: number): Promise<boolean> {
    const sizes = this.drafts.get(id) ?? [];
    const filename = `${sizes.length}.bin`;
    const answer = await this.alice.upload(`/fmsg/${id}/attach`, { filename, body: noise(size) });
    if (isFull(answer)) return false;
    assert.equal(answer.status, 201, answer.text);
    this.drafts.set(id, [...sizes, size]);
    return true;
  }

  /** What was answered with 201 is there, and nothing else; nothing that was refused has left anything. */
  async isTrue(): Promise<void> {
    const { json, text } = await this.alice.get("/fmsg/sent?limit=100");
    const found = v.parse(LIST, json, { message: text }).map(({ id, attachments }) =>
      [id, attachments.map(({ size }) => size)] as const
    );
    const wanted = [...this.drafts].toSorted(([a], [b]) => b - a);
    assert.deepEqual(found, wanted);
    await waitFor(async () => {
      const { counts } = v.parse(STATUS, await this.host.json(["host", "status"]));
      assert.equal(counts.faults, 0);
      return counts.staging === 0;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }
}

/** 507, as the interface says everything that is wrong. */
function isFull({ status, json, headers }: ApiAnswer): boolean {
  if (status !== 507) return false;
  assert.deepEqual(json, { error: "The host's disk is full: try again later" });
  assert.match(headers.get("content-type") ?? "", /^application\/json/);
  return true;
}

smallDiskTest("a disk that clients fill", import.meta.filename, SIZE, async (t) => {
  await using stage = await FullDisk.set({ limits: { min_free_disk: "0" } });
  const { host, disk, alice, bob } = stage;
  const sent = await stage.draft() ?? 0;
  assert.equal((await alice.post(`/fmsg/${sent}/send`)).status, 200);
  stage.drafts.set(sent, []);
  await disk.fill(8 * MIB);

  await t.step("P8 uploads are taken or answered with 507, several at once", async () => {
    const ids: number[] = [];
    for (let i = 0; i < 4; i++) ids.push(await stage.draft() ?? 0);
    for (let refused = 0; refused < 4;) {
      const taken = await Promise.all(
        ids.map((id, i) => stage.upload(id, [MIB, 3 * MIB, 1, 70_000][i] ?? 1)),
      );
      refused = taken.filter((was) => !was).length;
    }
    await stage.isTrue();
  });
  await t.step("P8 drafts and sends are refused, reading and deleting work", async () => {
    await disk.fill();
    await waitFor(async () => await stage.draft() === null);
    const [id = 0] = [...stage.drafts.keys()].filter((id) => id !== sent);
    assert.ok(isFull(await alice.put(`/fmsg/${id}`, stage.body("other"))));
    assert.ok(isFull(await alice.post(`/fmsg/${id}/send`)));
    assert.ok(isFull(await alice.post(`/fmsg/${sent}/add-to`, { add_to: ["@x@far.test"] })));
    await stage.isTrue();
    assert.equal((await bob.get(`/fmsg/${sent}/data`)).text, "Hello");
    assert.equal((await bob.post(`/fmsg/${sent}/read`)).status, 200);
    assert.equal((await alice.delete(`/fmsg/${id}`)).status, 204);
    stage.drafts.delete(id);
    await stage.isTrue();
  });
  await t.step("P8 killed, it starts on the full disk with what was answered", async () => {
    await host.kill();
    await host.start();
    await stage.isTrue();
  });
  await t.step("P8 with room everything works again, without a restart", async () => {
    await disk.clear();
    await waitFor(async () => await stage.draft() !== null);
    const id = await stage.draft() ?? 0;
    assert.ok(await stage.upload(id, 3 * MIB));
    assert.equal((await alice.post(`/fmsg/${id}/send`)).status, 200);
    await stage.isTrue();
    audit(host.dataDir, { drafts: stage.drafts.size - 2, deleted: true });
    assert.equal(await host.stop(), 0);
  });
});

smallDiskTest("clients below the floor", import.meta.filename, SIZE, async (t) => {
  await using stage = await FullDisk.set({ limits: { min_free_disk: "8MiB" } });
  const { host, disk, alice, bob } = stage;
  const [sent, id, other] = [await stage.draft(), await stage.draft(), await stage.draft()];
  assert.ok(await stage.upload(id ?? 0, 100_000));
  assert.equal((await alice.post(`/fmsg/${sent}/send`)).status, 200);
  await disk.fill(7 * MIB);

  await t.step("P8 what would be stored is refused before it is read", async () => {
    assert.equal(await stage.draft(), null);
    assert.equal(await stage.upload(id ?? 0, 1), false);
    // Whatever it is: nothing of the body is looked at.
    assert.ok(isFull(await alice.post("/fmsg", "no draft")));
    assert.ok(isFull(await alice.put(`/fmsg/${id}`, stage.body())));
    assert.ok(isFull(await alice.post(`/fmsg/${id}/send`)));
    assert.ok(isFull(await bob.post(`/fmsg/${sent}/add-to`, { add_to: ["@x@far.test"] })));
    await stage.isTrue();
  });
  await t.step("P8 a stranger is not told of it", async () => {
    assert.equal((await host.api.post("/fmsg", stage.body())).status, 401);
  });
  await t.step("P8 what needs no room works", async () => {
    assert.equal((await bob.get("/fmsg")).status, 200);
    assert.equal((await bob.post(`/fmsg/${sent}/read`)).status, 200);
    assert.equal((await alice.delete(`/fmsg/${id}/attach/0.bin`)).status, 204);
    assert.equal((await alice.delete(`/fmsg/${other}`)).status, 204);
    const terms = { allowed_cidrs: ["0.0.0.0/0"], key_expires_at: "2100-01-01T00:00:00Z" };
    assert.equal((await bob.post("/fmsg/sub-accounts", { agent: "a", ...terms })).status, 201);
    stage.drafts.set(id ?? 0, []);
    stage.drafts.delete(other ?? 0);
    await stage.isTrue();
  });
  await t.step("P8 above it, all works again", async () => {
    await disk.clear();
    assert.ok(await stage.upload(id ?? 0, MIB));
    assert.equal((await alice.post(`/fmsg/${id}/send`)).status, 200);
    await stage.isTrue();
    assert.equal(await host.stop(), 0);
  });
});

// Uploads that are given up, cut or refused in their midst leave nothing in the store (row N9), however many at once.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import * as v from "valibot";
import { audit } from "../store/audit.ts";
import { openForReading } from "../../src/store/opening.ts";
import { isWholeSoon } from "../crash/survival.ts";
import type { HostProcess } from "../support/host_process.ts";
import { noise } from "../support/message.ts";
import { waitFor, within } from "../support/wait.ts";
import { World } from "../support/world.ts";

const MIB = 1024 * 1024;
const MADE = v.object({ id: v.number() });

/** Uploads at once. */
const MANY = 20;

const STATUS = v.object({ counts: v.object({ faults: v.number(), staging: v.number() }) });

Deno.test("uploads that come to nothing", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    api: { uploads: MANY },
    users: ["alice", "bob"],
  });
  const alice = await host.client("alice");
  const ids: number[] = [];
  for (let i = 0; i < MANY; i++) {
    const made = await alice.post("/fmsg", {
      version: 1,
      from: host.address("alice"),
      to: [host.address("bob")],
      topic: "",
      type: "text/plain",
      data: "",
    });
    ids.push(v.parse(MADE, made.json).id);
  }
  const isAsBefore = async (): Promise<void> => {
    await waitFor(async () => {
      const { counts } = v.parse(STATUS, await host.json(["host", "status"]));
      assert.equal(counts.faults, 0);
      return counts.staging === 0;
    });
    await isWholeSoon(host, { drafts: MANY });
    const { status, json } = await alice.get(`/fmsg/${ids[0]}`);
    assert.equal(status, 200);
    assert.deepEqual(Reflect.get(Object(json), "attachments"), []);
  };

  await t.step("N9 clients that are gone in the midst of their uploads", async () => {
    const uploads = await Promise.all(ids.map((id) => Upload.begin(host, alice.token ?? "", id)));
    await Promise.all(uploads.map((upload) => upload.write(MIB)));
    await waitFor(() => staged(host) > 3);
    assert.deepEqual(new Set(uploads.map(({ answer }) => answer)), new Set([""]));
    for (const upload of uploads) upload.leave();
    await isAsBefore();
  });
  await t.step("N9 clients that send no more are cut, and told so", async () => {
    await host.configure({ limits: { idle_timeout: "2s" } });
    await host.reload();
    const uploads = await Promise.all(ids.map((id) => Upload.begin(host, alice.token ?? "", id)));
    await Promise.all(uploads.map((upload) => upload.write(200_000)));
    await Promise.all(uploads.map((upload) => upload.ended()));
    assert.ok(uploads.every(({ answer }) => /^(HTTP\/1\.1 408 |$)/.test(answer)));
    await isAsBefore();
    await host.configure({ limits: { idle_timeout: "60s" } });
    await host.reload();
  });
  await t.step("N9 files that turn out too large are 413", async () => {
    const body = noise(11 * MIB);
    const form = (id: number) => alice.upload(`/fmsg/${id}/attach`, { filename: "a.bin", body });
    for (let i = 0; i < 2; i++) {
      const answers = await Promise.all(ids.slice(i * 4, i * 4 + 4).map(form));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([413]));
    }
    await isAsBefore();
  });
  await t.step("N9 the host stops in the midst of uploads", async () => {
    const uploads = await Promise.all(ids.map((id) => Upload.begin(host, alice.token ?? "", id)));
    await Promise.all(uploads.map((upload) => upload.write(MIB)));
    await waitFor(() => staged(host) > 3);
    assert.equal(await host.stop(), 0);
    for (const upload of uploads) upload.leave();
    audit(host.dataDir, { drafts: MANY });
  });
});

/** One that declares more than it sends. */
class Upload {
  readonly #closed = Promise.withResolvers<void>();
  #answer = "";

  private constructor(private readonly socket: ReturnType<typeof connect>) {
    socket.on("error", () => {}).on("close", () => this.#closed.resolve());
    socket.setEncoding("latin1").on("data", (text: string) => this.#answer += text);
  }

  static async begin(host: HostProcess, token: string, id: number): Promise<Upload> {
    const [, ip = "", port = ""] = /^(.*):(\d+)$/.exec(host.apiAddress) ?? [];
    const socket = connect(Number(port), ip);
    await once(socket, "connect");
    const upload = new Upload(socket);
    socket.write(
      `POST /fmsg/${id}/attach HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n` +
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n" +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n',
    );
    return upload;
  }

  /** Resolves when the bytes are on their way; the host may have broken off. */
  write(size: number): Promise<void> {
    return new Promise((resolve) => this.socket.write(noise(size), () => resolve()));
  }

  /** What came in answer, if anything did. */
  get answer(): string {
    return this.#answer;
  }

  leave(): void {
    this.socket.destroy();
  }

  ended(): Promise<void> {
    return within(60_000, "the host to cut", this.#closed.promise);
  }
}

/** Contents on their way in. */
function staged(host: HostProcess): number {
  using db = openForReading(host.dataDir);
  return db.get("SELECT count(*) AS n FROM content WHERE staged = 1")?.integer("n") ?? 0;
}

// A host is killed while clients use its interface (row P4): what was answered is there, and nothing is half there.

import assert from "node:assert/strict";
import * as v from "valibot";
import { audit } from "../store/audit.ts";
import type { ApiClient } from "../support/api_client.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { CrashClient } from "./client.ts";
import { count, killAll, ROUNDS, seeded } from "./survival.ts";

/** Of the interface, besides what clients write: message ids with the time they were read, grants with their keys. */
interface Answered {
  readonly read: Map<number, number>;
  readonly grants: Map<string, string>;
}

const READ = v.object({ time_read: v.number() });
const GRANT = v.object({ api_key: v.string() });
const LIST = v.array(v.object({ id: v.number() }));

Deno.test("a host that is killed while clients write", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    api: { rate: 100_000 },
    users: ["alice", "bob", "carol"],
  });
  // The tokens are of the first run: later ones take them, since keys are kept.
  const [alice, bob, carol] = [
    await host.client("alice"),
    await host.client("bob"),
    await host.client("carol"),
  ];
  await t.step(
    "P4 killed at any moment: what was answered is there, and the rest is whole or not",
    () =>
      seeded(async (random) => {
        const to = [host.address("bob"), host.address("carol"), "@far@elsewhere.test"];
        const writers = [["alice", alice], ["alice", alice], ["carol", carol]] as const;
        const clients = writers.map(([name, api], i) =>
          new CrashClient(
            `writer ${i}`,
            host.address(name),
            api,
            i === 1 ? to.slice(0, 1) : to,
            random,
          )
        );
        const answered: Answered = { read: new Map(), grants: new Map() };
        for (let round = 0; round < ROUNDS; round++) {
          for (const client of clients) client.answers = 0;
          const working = [
            ...clients.map((client) => client.run()),
            untilGone(() => readSomething(bob, answered)),
            untilGone(() => grantSomething(carol, answered)),
          ];
          // However slow the machine is: in the midst of it.
          const enough = 3 + random.below(40);
          await waitFor(() => clients.reduce((sum, { answers }) => sum + answers, 0) >= enough);
          await sleep(random.below(200));
          await killAll(host);
          await Promise.all(working);
          await host.start();
          let drafts = 0;
          for (const [i, client] of clients.entries()) {
            const all = await client.survives();
            // Two write as alice.
            if (i !== 1) drafts += all;
          }
          await isThere(bob, carol, answered);
          audit(host.dataDir, { drafts, deleted: true });
          const verified = await host.cli(["host", "verify"]);
          assert.equal(verified.code, 0, verified.stdout + verified.stderr);
        }
      }),
  );
});

/** Works until a connection breaks off. */
async function untilGone(work: () => Promise<void>): Promise<void> {
  try {
    for (;;) await work();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

async function readSomething(bob: ApiClient, { read }: Answered): Promise<void> {
  const { json } = await bob.get("/fmsg?limit=10");
  for (const { id } of v.parse(LIST, json)) {
    const answer = await bob.post(`/fmsg/${id}/read`);
    if (answer.status !== 200) continue;
    const { time_read } = v.parse(READ, answer.json);
    assert.equal(read.get(id) ?? time_read, time_read);
    read.set(id, time_read);
    count("messages marked as read");
  }
  await sleep(20);
}

/** Makes a grant, has its key changed, and deletes it, so that there are never many. */
async function grantSomething(carol: ApiClient, { grants }: Answered): Promise<void> {
  const agent = `a${grants.size}x${Date.now() % 1e6}`;
  const terms = { allowed_cidrs: ["0.0.0.0/0", "::/0"], key_expires_at: "2100-01-01T00:00:00Z" };
  const made = await carol.post("/fmsg/sub-accounts", { agent, ...terms });
  assert.equal(made.status, 201, made.text);
  grants.set(agent, v.parse(GRANT, made.json).api_key);
  count("grants made");
  for (const [old] of [...grants].slice(0, -2)) {
    // Without an answer it may be there or not: then nothing is expected of it.
    grants.delete(old);
    await carol.delete(`/fmsg/sub-accounts/${old}`);
  }
}

async function isThere(
  bob: ApiClient,
  carol: ApiClient,
  { read, grants }: Answered,
): Promise<void> {
  for (const [id, at] of read) {
    const { json, status } = await bob.get(`/fmsg/${id}`);
    assert.equal(status, 200);
    assert.equal(v.parse(READ, json).time_read, at);
  }
  for (const key of grants.values()) {
    const { status } = await carol.with(key).post("/fmsg/token");
    assert.equal(status, 200, "the key of a grant that was made is not taken");
  }
  const { json } = await carol.get("/fmsg/sub-accounts");
  const { sub_accounts } = v.parse(
    v.object({ sub_accounts: v.array(v.object({ agent: v.string() })) }),
    json,
  );
  for (const { agent } of sub_accounts) {
    if (!grants.has(agent)) await carol.delete(`/fmsg/sub-accounts/${agent}`);
  }
}

// What is deleted while a client has it under way: a download is whole or breaks off, and is no fault of the host (row N8).

import assert from "node:assert/strict";
import * as v from "valibot";
import { isWholeSoon } from "../crash/survival.ts";
import { noise } from "../support/message.ts";
import { World } from "../support/world.ts";

const STATUS = v.object({ counts: v.object({ faults: v.number() }) });

Deno.test("deleted under way", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", api: true, users: ["alice", "bob"] });
  const bob = await host.client("bob");
  const body = noise(9_000_000);
  const { id } = await host.send({ from: host.address("alice"), to: [host.address("bob")], body });
  const noFault = async (): Promise<void> => {
    assert.equal(v.parse(STATUS, await host.json(["host", "status"])).counts.faults, 0);
  };

  await t.step(
    "N8 a message that goes while it is downloaded: all of it, or an end that is none",
    async () => {
      const response = await bob.fetch("GET", `/fmsg/${id}/data`);
      assert.equal(Number(response.headers.get("content-length")), body.length);
      const reader = response.body?.getReader();
      let size = (await reader?.read())?.value?.length ?? 0;
      assert.equal((await host.cli(["message", "delete", String(id)])).code, 0);
      try {
        for (;;) {
          const piece = await reader?.read();
          if (piece === undefined || piece.done) break;
          size += piece.value.length;
        }
        assert.equal(size, body.length);
      } catch (error) {
        assert.ok(error instanceof TypeError, String(error));
      }
      assert.equal((await bob.get(`/fmsg/${id}/data`)).status, 404);
      await isWholeSoon(host, { deleted: true });
      await noFault();
    },
  );
  await t.step("N1 a user who is removed has no access from then on", async () => {
    assert.equal((await bob.get("/fmsg")).status, 200);
    assert.equal((await host.cli(["user", "remove", host.address("bob")])).code, 0);
    assert.ok([401, 403].includes((await bob.get("/fmsg")).status));
    await noFault();
  });
});

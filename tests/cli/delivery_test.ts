// fmsg send --wait on a terminal: what it tells while it waits.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storeFile } from "../../src/store/mod.ts";
import { waitFor } from "../support/wait.ts";
import { Place } from "./support.ts";

const SEND = ["send", "--from", "@alice@a.test", "--to", "@bob@a.test,@x@b.test"];

Deno.test("send --wait tells nothing of a recipient for whom nothing was tried yet, but at the end", async () => {
  using place = new Place();
  await place.addUsers("alice", "bob");
  const { status, stderr } = await place.run([...SEND, "--wait=0.2", "Hello"], 80);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    "✓ @bob@a.test has it (here)\n" +
      "fmsg: Not delivered to everyone: @x@b.test waits for its first attempt\n",
  );
});

Deno.test("send --wait tells why an attempt failed and when the next one is", async () => {
  using place = new Place();
  await place.addUsers("alice", "bob");
  const sending = place.run([...SEND, "--wait=2", "Hello"], 80);
  using db = new DatabaseSync(storeFile(join(place.dir, "data")), { timeout: 5000 });
  await waitFor(() => db.prepare("SELECT 1 FROM outbound").get() !== undefined, {
    what: "the message to wait",
  });
  db.exec("UPDATE outbound SET attempts = 1, last_error = 'no route'");
  assert.match(
    (await sending).stderr,
    /^… @x@b\.test waits: no route, next attempt \d{4}-\d\d-\d\d \d\d:\d\d$/m,
  );
});

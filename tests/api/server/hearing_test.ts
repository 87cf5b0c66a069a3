// A server whose accept failed hears again.
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { Stage } from "./stage.ts";

Deno.test("S3 a server that had no file descriptor left is opened anew, and serves", async () => {
  const child = new URL("hearing_child.ts", import.meta.url).pathname;
  const { stdout, stderr, success } = await new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 60 && exec "$0" run -A "$1"', Deno.execPath(), child],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert.ok(success, text(stderr));
  assert.equal(text(stdout), "[null]\n");
});

Deno.test("S3 a server that hears is left alone", async () => {
  await using stage = await Stage.open({ hearingCheckMs: 20 });
  await waitFor(() => stage.server.connections > 0, { what: "a call of its own" });
  await waitFor(() => stage.server.connections === 0, { what: "its end" });
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  await client.saw("200 OK");
  assert.deepEqual(stage.reopened, []);
});

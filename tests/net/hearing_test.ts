// A listener whose accept failed hears again.
import assert from "node:assert/strict";
import { waitFor } from "../support/wait.ts";
import { withNet } from "./tls_setup.ts";

Deno.test("S3 a listener that had no file descriptor left is opened anew, and serves", async () => {
  const child = new URL("hearing_child.ts", import.meta.url).pathname;
  const { stdout, stderr, success } = await new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 60 && exec "$0" run -A "$1"', Deno.execPath(), child],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert.ok(success, text(stderr));
  assert.match(text(stdout), /^(handshake failed, )*reopened(, handshake failed)*\n$/);
});

Deno.test("a listener that hears is left alone, and tells nobody that it calls itself", () =>
  withNet(async (net) => {
    const host = await net.listen({ hearingCheckMs: 20 });
    const called = (): number => host.listener.connections;
    await waitFor(() => called() > 0, { what: "a call of its own" });
    await waitFor(() => called() === 0, { what: "its end" });
    await net.peer(host.port);
    await host.next();
    assert.deepEqual(host.refused, []);
    assert.deepEqual(host.reopened, []);
  }));

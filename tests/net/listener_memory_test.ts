import assert from "node:assert/strict";

Deno.test("S3 a connection whose handshake failed keeps no memory", async () => {
  const child = new URL("listener_memory_child.ts", import.meta.url).pathname;
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", child],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert.ok(success, text(stderr));
  // One that is kept, with its TLS, takes about 5000 bytes of the heap, and what it was sent besides.
  assert.ok(Number(text(stdout)) < 1000, `each keeps ${text(stdout).trim()} bytes`);
});

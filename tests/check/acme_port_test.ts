// The port for an authority's requests, tried on this machine.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { examinePort80 } from "../../src/check/acme_port.ts";
import { parseConfig } from "../../src/config.ts";

Deno.test("T5 a port that nobody listens on is free on both wildcard addresses; one that is taken is told once", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const wildcards = `["0.0.0.0:${address.port}", "[::]:${address.port}"]`;
  const config = parseConfig(
    `domain: a.test\ntls: {acme: {directory: "https://ca.test/", listen: ${wildcards}}}`,
    "fmsg.yaml",
  );
  try {
    const findings = await examinePort80(config);
    assert.deepEqual(findings.map(({ level }) => level), ["warning"]);
    assert.match(findings[0]?.seen ?? "", /Another program listens on 0\.0\.0\.0:\d+ and \[::\]/);
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
  const free = await examinePort80(config);
  assert.deepEqual(free.map(({ level }) => level), ["ok"], free[0]?.seen ?? "");
  assert.deepEqual(await examinePort80(parseConfig("domain: a.test", "fmsg.yaml")), []);
});

// The wizard waits for the records without making others remember that there are none.

import assert from "node:assert/strict";
import { waitForRecords } from "../../src/cli/init/dns_wait.ts";
import { parseConfig } from "../../src/config.ts";
import { DnsServer } from "../support/dns_server.ts";
import { delegate } from "../check/setup.ts";
import { waitFor } from "../support/wait.ts";

const WANTED = { a: ["192.0.2.7"], aaaa: [] };

/** What everybody asks, and the zone's own server beside it, on the same port of another address. */
async function servers(): Promise<{ open: DnsServer; zone: DnsServer } & AsyncDisposable> {
  const open = await DnsServer.start({ ip: "127.0.0.1" });
  const zone = await DnsServer.start({ ip: "127.0.0.2" });
  return {
    open,
    zone,
    [Symbol.asyncDispose]: async () => {
      await open.close();
      await zone.close();
    },
  };
}

Deno.test("the records are looked for at the zone's own servers first: others would remember that there are none", async () => {
  await using dns = await servers();
  const { open, zone } = dns;
  delegate(open, "a.test", ["ns.a.test"]);
  open.set("ns.a.test", "A", [zone.ip]);
  const config = parseConfig(
    `domain: a.test\ndns: {servers: ["${open.ip}:${open.port}"]}\n`,
    "fmsg.yaml",
  );
  const told: string[] = [];
  const waiting = waitForRecords(config, WANTED, {
    seconds: 30,
    signal: new AbortController().signal,
    tell: (line) => told.push(line),
    pause: 0.02,
    nameServerPort: zone.port,
  });
  const aboutTheName = (server: DnsServer) =>
    server.log.filter(({ name }) => name === "fmsg.a.test").length;
  await waitFor(() => aboutTheName(zone) >= 4);
  assert.equal(aboutTheName(open), 0);
  open.set("fmsg.a.test", "A", WANTED.a);
  zone.set("fmsg.a.test", "A", WANTED.a);
  assert.deepEqual(await waiting, { state: "seen" });
  assert.ok(aboutTheName(open) > 0);
  assert.deepEqual(told, ["nothing there yet"]);
});

Deno.test("where the zone's own servers do not answer, others have to do", async () => {
  await using dns = await servers();
  const { open, zone } = dns;
  delegate(open, "a.test", ["ns.a.test"]);
  open.set("ns.a.test", "A", ["127.0.0.3"]);
  open.set("fmsg.a.test", "A", WANTED.a);
  const config = parseConfig(
    `domain: a.test\ndns: {servers: ["${open.ip}:${open.port}"]}\n`,
    "fmsg.yaml",
  );
  const outcome = await waitForRecords(config, WANTED, {
    seconds: 30,
    signal: new AbortController().signal,
    tell: () => {},
    pause: 0.02,
    nameServerPort: zone.port,
  });
  assert.deepEqual(outcome, { state: "seen" });
});

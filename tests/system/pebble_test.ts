// T5: certificates from a real ACME server, Debian's pebble, with its failure modes on.

import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { createServer } from "node:tls";
import {
  AcmeError,
  type AcmeSettings,
  type AcmeStep,
  certificateFile,
  obtainCertificate,
} from "../../src/certificate/acme/mod.ts";
import { loadCertificate } from "../../src/certificate/load.ts";
import { World } from "../support/world.ts";
import { HTTP_PORT, Pebble } from "./pebble.ts";

const NAME = "fmsg.a.test";
const TIMING = { pollMs: 100 };

async function settingsFor(world: World, pebble: Pebble): Promise<AcmeSettings> {
  const ip = world.address();
  world.dns.set(NAME, "A", [ip]);
  const dataDir = join(world.folder, "data");
  await Deno.mkdir(dataDir, { recursive: true });
  return {
    directory: pebble.directory,
    email: "me@a.test",
    name: NAME,
    listen: [{ ip, port: HTTP_PORT }],
    dataDir,
    extraRoots: world.authority.pem,
  };
}

/** Obtains a certificate, and what was done on the way. */
async function obtain(settings: AcmeSettings): Promise<AcmeStep[]> {
  const steps: AcmeStep[] = [];
  await obtainCertificate(settings, { progress: (step) => steps.push(step), timing: TIMING });
  return steps;
}

/** The error of a try that has to fail. */
async function failure(settings: AcmeSettings): Promise<AcmeError> {
  try {
    await obtain(settings);
  } catch (error) {
    assert.ok(error instanceof AcmeError, String(error));
    return error;
  }
  throw new Error("A certificate was got, but the try should have failed");
}

/** Serves the certificate, and connects as somebody who trusts the authority's root alone. */
async function verify(settings: AcmeSettings, pebble: Pebble): Promise<void> {
  const file = certificateFile(settings.dataDir);
  const loaded = loadCertificate({ cert: file, key: file }, NAME);
  assert.deepEqual(loaded.warnings, []);
  const server = createServer({ cert: loaded.cert, key: loaded.key, minVersion: "TLSv1.3" });
  const [listen] = settings.listen;
  server.listen(HTTP_PORT + 100, listen?.ip);
  await once(server, "listening");
  try {
    const tcp = await Deno.connect({ hostname: listen?.ip ?? "", port: HTTP_PORT + 100 });
    using tls = await Deno.startTls(tcp, { hostname: NAME, caCerts: [await pebble.root()] });
    await tls.handshake();
  } finally {
    server.close();
    await once(server, "close");
  }
}

Deno.test("T5 a certificate is got by HTTP-01, and who trusts the authority's root trusts it", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world);
  const settings = await settingsFor(world, pebble);
  const steps = await obtain(settings);
  assert.deepEqual([...new Set(steps.map(({ kind }) => kind))], [
    "asking",
    "account",
    "listening",
    "validating",
    "requested",
    "validated",
    "issuing",
    "done",
  ]);
  await verify(settings, pebble);
});

Deno.test("T5 a chain of several intermediate certificates is served whole", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world, { env: { PEBBLE_CHAIN_LENGTH: "3" } });
  const settings = await settingsFor(world, pebble);
  await obtain(settings);
  const text = await Deno.readTextFile(certificateFile(settings.dataDir));
  assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 4);
  await verify(settings, pebble);
});

Deno.test("T5 an authority that refuses half of all nonces, and one that keeps to the strictest rules", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world, {
    env: { PEBBLE_WFE_NONCEREJECT: "50" },
    strict: true,
  });
  const settings = await settingsFor(world, pebble);
  await obtain(settings);
  await verify(settings, pebble);
});

Deno.test("T5 an authority that takes its time over validations is waited for", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world, {
    env: { PEBBLE_VA_NOSLEEP: "0", PEBBLE_VA_SLEEPTIME: "5" },
  });
  const settings = await settingsFor(world, pebble);
  await obtain(settings);
  await verify(settings, pebble);
});

Deno.test("T5 a renewal that the authority validates no more works with nobody on the name", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world, { env: { PEBBLE_AUTHZREUSE: "100" } });
  const settings = await settingsFor(world, pebble);
  await obtain(settings);
  world.dns.remove(NAME);
  const steps = await obtain(settings);
  assert.ok(!steps.some(({ kind }) => kind === "validating"));
  await verify(settings, pebble);
});

Deno.test("T5 a name that leads nowhere, to nobody, and to somebody else fails, each with its remedy", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world);
  const settings = await settingsFor(world, pebble);
  const away = world.address();
  world.dns.remove(NAME);
  // Pebble has no name of its own for it.
  const nowhere = await failure(settings);
  assert.equal(nowhere.failure, "connection");
  assert.match(nowhere.message, /could not resolve/);
  world.dns.set(NAME, "A", [away]);
  const nobody = await failure(settings);
  assert.equal(nobody.failure, "connection");
  assert.match(nobody.message, /no request of it arrived here: open it in the firewall/);
  await using other = Deno.serve(
    { hostname: away, port: HTTP_PORT, onListen: () => {} },
    () => new Response("It works!", { status: 404 }),
  );
  assert.ok(other);
  const somebody = await failure(settings);
  assert.equal(somebody.failure, "unauthorized");
  assert.match(somebody.message, /^Somebody else answers on port 80/);
});

Deno.test("T5 an authority that has forgotten everything makes the account again", async () => {
  await using world = await World.make();
  const ip = world.address();
  let settings: AcmeSettings | null = null;
  {
    await using pebble = await Pebble.start(world, { ip });
    settings = await settingsFor(world, pebble);
    await obtain(settings);
  }
  await using pebble = await Pebble.start(world, { ip });
  await obtain(settings);
  await verify(settings, pebble);
});

Deno.test("T5 an authority that wants external accounts is told apart", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world, {
    config: {
      externalAccountBindingRequired: true,
      externalAccountMACKeys: {
        "kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
      },
    },
  });
  const settings = await settingsFor(world, pebble);
  const { failure: kind, message } = await failure(settings);
  assert.equal(kind, "account");
  assert.match(message, /external account binding/);
});

Deno.test("T5 a name on the authority's list of refused ones is told as that", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world, { config: { domainBlocklist: ["a.test"] } });
  const settings = await settingsFor(world, pebble);
  const { failure: kind, message } = await failure(settings);
  assert.match(message, /gives no certificates for fmsg\.a\.test: choose another authority/);
  assert.equal(kind, "name refused");
});

Deno.test("T5 what root makes belongs to the owner of the data directory", async () => {
  await using world = await World.make();
  await using pebble = await Pebble.start(world);
  const settings = await settingsFor(world, pebble);
  await Deno.chown(settings.dataDir, 12345, 23456);
  await obtain(settings);
  const folder = join(settings.dataDir, "acme");
  for (const name of [".", ...[...Deno.readDirSync(folder)].map(({ name }) => name)]) {
    const { uid, gid } = await Deno.stat(join(folder, name));
    assert.deepEqual([uid, gid], [12345, 23456], name);
  }
});

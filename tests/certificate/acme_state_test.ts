// T5: what is kept between tries, and what keeps a host from asking too often, whatever happens to it.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PROBLEMS, type Resource } from "../support/acme_replies.ts";
import { waitFor } from "../support/wait.ts";
import { Stage } from "./acme_stage.ts";

const CHILD = fileURLToPath(new URL("acme_child.ts", import.meta.url));

/** Those of the shipped program. */
const PERMISSIONS = ["net", "read", "write", "env", "sys"].map((name) => `--allow-${name}`);

/** Runs a try in a process of its own, and kills that when the authority is asked for `resource`. */
async function killedAt(stage: Stage, resource: Resource): Promise<void> {
  let reached = false;
  stage.server.twist = (call) => {
    if (call.resource !== resource) return null;
    reached = true;
    return "silence";
  };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...PERMISSIONS, CHILD, JSON.stringify(stage.settings)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await waitFor(() => reached, { what: `the request for ${resource}` });
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  stage.server.twist = () => null;
}

/** An abort leaves the same, and is tried at each resource; here that the files are whole, and the lock is free. */
for (const resource of ["new-account", "challenge", "certificate"] as const) {
  Deno.test(`T5 a process that is killed while it waits for ${resource} leaves what the next one goes on with`, async () => {
    await using stage = await Stage.set();
    await killedAt(stage, resource);
    assert.deepEqual(stage.read("attempts.json").attempts.map(({ outcome }) => outcome), ["begun"]);
    await stage.obtain();
    assert.equal(stage.server.accounts.size, 1);
    assert.equal(stage.server.count("new-order"), 1);
    assert.equal(stage.server.count("finalize"), 1);
  });
}

Deno.test("T5 four certificates in a week are all that a host gets that loses its own again and again", async () => {
  await using stage = await Stage.set();
  for (let i = 0; i < 4; i++) {
    await stage.obtain();
    Deno.removeSync(stage.file("certificate.pem"));
  }
  const asked = stage.server.calls.length;
  const { failure, message, retryAfter } = await stage.failure();
  assert.equal(failure, "too often");
  assert.match(message, /was asked as often as its limits allow: wait until \d{4}-\d\d-\d\d/);
  const [first] = stage.read("attempts.json").attempts;
  assert.equal(retryAfter?.getTime(), (first?.at ?? 0) + 7 * 24 * 3600_000);
  assert.equal(stage.server.calls.length, asked, "the authority hears nothing of it");
});

Deno.test("T5 four failed validations in an hour are all, and the last reason is told", async () => {
  await using stage = await Stage.set();
  stage.server.validationProblem = { type: `${PROBLEMS}dns` };
  for (let i = 0; i < 4; i++) assert.equal((await stage.failure()).failure, "dns");
  const { failure, message, retryAfter } = await stage.failure();
  assert.equal(failure, "too often");
  assert.match(message, /\(the last answer was: .*cannot look up fmsg\.a\.test/);
  const [first] = stage.read("attempts.json").attempts;
  assert.equal(retryAfter?.getTime(), (first?.at ?? 0) + 3600_000);
  assert.equal(stage.server.count("challenge"), 4);
  // Another authority, or another name, has limits of its own.
  stage.server.validationProblem = null;
  await stage.obtain({ name: "fmsg.b.test" });
});

Deno.test("T5 what fails before the authority validates anything may be tried again at once", async () => {
  await using stage = await Stage.set();
  for (let i = 0; i < 6; i++) {
    const { failure } = await stage.failure({ listen: [{ ip: "192.0.2.1", port: 80 }] });
    assert.equal(failure, "port");
  }
  await stage.obtain();
});

Deno.test("T5 the attempts that are kept do not grow without end", async () => {
  await using stage = await Stage.set();
  for (let i = 0; i < 70; i++) await stage.failure({ directory: "https://127.0.0.1:3/" });
  assert.equal(stage.read("attempts.json").attempts.length, 64);
});

Deno.test("T5 two processes do not get a certificate for one data directory at once", async () => {
  await using stage = await Stage.set();
  const reached = Promise.withResolvers<void>();
  const stop = new AbortController();
  stage.server.twist = ({ resource }) => {
    if (resource !== "new-order") return null;
    reached.resolve();
    return "silence";
  };
  const first = stage.obtain({}, { signal: stop.signal });
  await reached.promise;
  const { failure, message } = await stage.failure();
  assert.equal(failure, "busy");
  assert.match(message, /Another fmsg is getting a certificate with .*: wait until it is through/);
  stop.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  stage.server.twist = () => null;
  await stage.obtain();
});

Deno.test("T5 a data directory that cannot be written is told before the authority is asked", async () => {
  await using stage = await Stage.set();
  Deno.writeTextFileSync(stage.file("."), "in the way");
  const { failure, message } = await stage.failure();
  assert.equal(failure, "state");
  assert.match(message, /^Cannot use .*acme: /);
  assert.deepEqual(stage.server.calls, []);
});

Deno.test("T5 a certificate that could not be written is fetched again by the next try, not made again", async () => {
  await using stage = await Stage.set();
  // As on a full disk: the new file cannot be made.
  Deno.mkdirSync(`${stage.file("certificate.pem.new")}/full`, { recursive: true });
  const { failure, message } = await stage.failure();
  assert.equal(failure, "state");
  assert.match(message, /^Cannot write .*certificate\.pem: /);
  Deno.removeSync(stage.file("certificate.pem.new"), { recursive: true });
  await stage.obtain();
  assert.equal(stage.server.count("new-order"), 1);
  assert.equal(stage.server.count("finalize"), 1);
  const { attempts } = stage.read("attempts.json");
  assert.equal(attempts.filter(({ issued }) => issued).length, 1, "and it counts once");
});

Deno.test("T5 what a process that was killed while it wrote left half is in nobody's way", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  for (const name of ["account.json", "attempts.json", "order.json", "certificate.pem"]) {
    Deno.writeTextFileSync(`${stage.file(name)}.new`, "{", { mode: 0o644 });
  }
  await stage.obtain({ email: "me@a.test" });
  for (const { name } of Deno.readDirSync(stage.file("."))) {
    assert.equal((Deno.statSync(stage.file(name)).mode ?? 0) & 0o777, 0o600, name);
    assert.doesNotMatch(name, /new$/);
  }
});

Deno.test("T5 a validation that is under way since an earlier try is not asked for again, but answered", async () => {
  await using stage = await Stage.set();
  stage.server.slow = 2;
  stage.server.twist = ({ resource }) => resource === "challenge" ? "cut" : null;
  assert.equal((await stage.failure()).failure, "unreachable");
  await stage.obtain();
  assert.equal(stage.server.count("challenge"), 1);
});

Deno.test("T5 an order that was through is not fetched again", async () => {
  await using stage = await Stage.set();
  const saved = Promise.withResolvers<string>();
  stage.server.twist = ({ resource }) => {
    if (resource === "certificate") saved.resolve(Deno.readTextFileSync(stage.file("order.json")));
    return null;
  };
  await stage.obtain();
  const before = stage.certificate;
  // As if the process had been killed before it could forget the order.
  Deno.writeTextFileSync(stage.file("order.json"), await saved.promise);
  await stage.obtain();
  assert.notEqual(stage.certificate, before);
  assert.equal(stage.server.count("new-order"), 2);
});

Deno.test("T5 an order of another authority or for another name is not gone on with", async () => {
  await using stage = await Stage.set();
  await using other = await Stage.set();
  const cut = ({ resource }: { resource: Resource }): "cut" | null =>
    resource === "certificate" ? "cut" : null;
  stage.server.twist = cut;
  await stage.failure();
  stage.server.twist = () => null;
  await stage.obtain({ name: "fmsg.b.test" });
  assert.equal(stage.server.count("new-order"), 2);
  stage.server.twist = cut;
  await stage.failure();
  await stage.obtain({
    directory: other.server.directory,
    extraRoots: other.world.authority.pem,
    listen: other.settings.listen,
  });
  assert.equal(other.server.count("new-order"), 1);
});

// T5: the certificate of a running host is got and renewed by itself, and whatever fails, the one before stays.

import assert from "node:assert/strict";
import {
  type AcmeError,
  type AcmeSettings,
  CertificateKeeper,
  type KeeperOptions,
  type Obtained,
} from "../../src/certificate/acme/mod.ts";
import { PROBLEMS } from "../support/acme_replies.ts";
import { waitFor } from "../support/wait.ts";
import { Stage, TIMING } from "./acme_stage.ts";

/** A keeper of the stage's host, and what it told. */
class Kept implements AsyncDisposable {
  readonly renewed: Obtained[] = [];
  readonly failed: { readonly error: AcmeError; readonly next: Date }[] = [];
  readonly keeper: CertificateKeeper;
  settings: AcmeSettings | null;

  constructor(stage: Stage, options: Partial<KeeperOptions> = {}) {
    this.settings = stage.settings;
    this.keeper = new CertificateKeeper({
      settings: () => this.settings,
      renewed: (obtained) => this.renewed.push(obtained),
      failed: (error, next) => this.failed.push({ error, next }),
      timing: TIMING,
      random: () => 0,
      ...options,
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.keeper[Symbol.asyncDispose]();
  }
}

Deno.test("T5 a host without a certificate gets one at once, and then sleeps until two thirds are over", async () => {
  await using stage = await Stage.set();
  await using kept = new Kept(stage);
  kept.keeper.start();
  assert.deepEqual(stage.server.calls, [], "who starts it goes on first");
  const [obtained] = await waitFor(() => kept.renewed.length > 0 && kept.renewed);
  const { expires, nextAttempt, lastError, attempts, active } = await waitFor(() =>
    kept.keeper.state.nextAttempt !== null && kept.keeper.state
  );
  assert.deepEqual(expires, obtained?.expires);
  assert.deepEqual([lastError, attempts, active], [null, 0, false]);
  const life = stage.server.lifetime * 1000;
  const end = expires?.getTime() ?? 0;
  assert.equal(nextAttempt?.getTime(), end - life + life * 2 / 3);
});

Deno.test("T5 a certificate of a minute is renewed again and again", async () => {
  await using stage = await Stage.set();
  // So old already that the two thirds are over in a second.
  stage.server.lifetime = 60;
  stage.server.backdated = 39;
  await using kept = new Kept(stage);
  kept.keeper.start();
  await waitFor(() => kept.renewed.length >= 3);
  assert.deepEqual(kept.failed, []);
});

Deno.test("T5 a certificate that is there and good for long is left alone", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const asked = stage.server.calls.length;
  await using kept = new Kept(stage);
  kept.keeper.start();
  await waitFor(() => kept.keeper.state.nextAttempt);
  kept.keeper.retryNow();
  kept.keeper.wake();
  await waitFor(() => kept.keeper.state.nextAttempt);
  assert.equal(stage.server.calls.length, asked);
});

Deno.test("T5 a failure is told with the next attempt, keeps what there is, and is over when someone asks", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const before = stage.certificate;
  // For another name it is no certificate.
  await using kept = new Kept(stage);
  kept.settings = { ...stage.settings, name: "fmsg.b.test" };
  stage.server.validationProblem = { type: `${PROBLEMS}dns` };
  kept.keeper.start();
  const [told] = await waitFor(() => kept.failed.length > 0 && kept.failed);
  assert.equal(told?.error.failure, "dns");
  const state = kept.keeper.state;
  assert.deepEqual(state.nextAttempt, told?.next);
  assert.equal(state.attempts, 1);
  assert.equal(state.expires, null);
  assert.match(state.lastError ?? "", /cannot look up fmsg\.b\.test/);
  const pause = (told?.next.getTime() ?? 0) - Date.now();
  assert.ok(pause > 60_000 && pause <= 300_000, `${pause} ms`);
  assert.equal(stage.certificate, before);
  stage.server.validationProblem = null;
  kept.keeper.wake();
  await waitFor(() => kept.keeper.state.nextAttempt);
  assert.equal(kept.renewed.length, 0, "a look is no attempt");
  kept.keeper.retryNow();
  await waitFor(() => kept.renewed.length > 0);
  assert.equal(kept.keeper.state.lastError, null);
  assert.equal(kept.keeper.state.attempts, 0);
});

Deno.test("T5 a host that starts again and again after a failure does not hammer the authority", async () => {
  await using stage = await Stage.set();
  stage.server.validationProblem = { type: `${PROBLEMS}connection` };
  {
    await using kept = new Kept(stage);
    kept.keeper.start();
    await waitFor(() => kept.failed.length > 0);
  }
  const asked = stage.server.calls.length;
  for (let i = 0; i < 5; i++) {
    await using kept = new Kept(stage);
    kept.keeper.start();
    const next = await waitFor(() => kept.keeper.state.nextAttempt);
    assert.ok(next.getTime() > Date.now() + 60_000);
    assert.match(kept.keeper.state.lastError ?? "", /cannot reach port 80/);
  }
  assert.equal(stage.server.calls.length, asked);
});

Deno.test("T5 asking again and again is bounded by the authority's limits, and the state says until when", async () => {
  await using stage = await Stage.set();
  stage.server.validationProblem = { type: `${PROBLEMS}dns` };
  await using kept = new Kept(stage);
  kept.keeper.start();
  for (let i = 1; i <= 4; i++) {
    await waitFor(() => kept.failed.length === i);
    kept.keeper.retryNow();
  }
  const [first] = stage.read("attempts.json").attempts;
  await waitFor(() => kept.keeper.state.nextAttempt?.getTime() === (first?.at ?? 0) + 3600_000);
  kept.keeper.retryNow();
  await waitFor(() => kept.keeper.state.nextAttempt);
  assert.equal(kept.failed.length, 4);
});

Deno.test("T5 another directory means another certificate, and the one before stays until that is there", async () => {
  await using staging = await Stage.set();
  await using production = await Stage.set();
  await staging.obtain();
  const before = staging.certificate;
  await using kept = new Kept(staging);
  kept.keeper.start();
  await waitFor(() => kept.keeper.state.nextAttempt);
  production.server.validationProblem = { type: `${PROBLEMS}dns` };
  kept.settings = {
    ...staging.settings,
    directory: production.server.directory,
    extraRoots: production.world.authority.pem,
    listen: production.settings.listen,
  };
  kept.keeper.wake();
  await waitFor(() => kept.failed.length > 0);
  assert.equal(staging.certificate, before);
  production.server.validationProblem = null;
  kept.keeper.retryNow();
  await waitFor(() => kept.renewed.length > 0);
  assert.notEqual(staging.certificate, before);
});

Deno.test("T5 a certificate that is damaged, or whose key is another's, is got anew", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const good = stage.certificate ?? "";
  const other = await stage.world.authority.issue(stage.settings.name);
  const [first = ""] = good.split("\n");
  const damaged = [
    good.slice(0, -200),
    good.replace(/-----BEGIN PRIVATE[^]*?END PRIVATE KEY-----/, other.key),
    "",
  ];
  for (const text of damaged) {
    Deno.writeTextFileSync(stage.file("certificate.pem"), text);
    stage.forgetAttempts();
    await using kept = new Kept(stage);
    kept.keeper.start();
    await waitFor(() => kept.renewed.length > 0);
    assert.ok(stage.certificate?.startsWith(first));
  }
});

Deno.test("T5 without settings for ACME nothing is done, until there are some", async () => {
  await using stage = await Stage.set();
  await using kept = new Kept(stage);
  kept.settings = null;
  kept.keeper.start();
  kept.keeper.retryNow();
  assert.deepEqual(kept.keeper.state, {
    expires: null,
    nextAttempt: null,
    lastError: null,
    attempts: 0,
    active: false,
  });
  kept.settings = stage.settings;
  await waitFor(() => {
    kept.keeper.wake();
    return kept.renewed.length > 0;
  });
});

Deno.test("T5 stopping ends an attempt at once, and the next start goes on with it", async () => {
  await using stage = await Stage.set();
  stage.server.twist = ({ resource }) => resource === "finalize" ? "silence" : null;
  const stopped = new Kept(stage);
  {
    await using kept = stopped;
    kept.keeper.start();
    await waitFor(() => stage.server.count("finalize") > 0);
    const { active, nextAttempt, attempts } = kept.keeper.state;
    assert.deepEqual([active, nextAttempt, attempts], [true, null, 0]);
  }
  assert.deepEqual(stopped.failed, [], "the host did not fail, it stops");
  stage.server.twist = () => null;
  await using kept = new Kept(stage);
  kept.keeper.start();
  const { lastError } = await waitFor(() =>
    kept.keeper.state.nextAttempt !== null && kept.keeper.state
  );
  assert.match(lastError ?? "", /ended before it was through/);
  kept.keeper.retryNow();
  await waitFor(() => kept.renewed.length > 0);
  assert.equal(stage.server.count("new-order"), 1);
});

Deno.test("T5 a keeper that was never started, or is stopped twice, stops", async () => {
  await using stage = await Stage.set();
  const kept = new Kept(stage);
  await kept[Symbol.asyncDispose]();
  kept.keeper.start();
  kept.keeper.retryNow();
  await kept[Symbol.asyncDispose]();
  assert.deepEqual(stage.server.calls, []);
});

Deno.test("T5 state that cannot be read is a failure like others, and tried again later", async () => {
  await using stage = await Stage.set();
  Deno.mkdirSync(stage.file("certificate.pem"), { recursive: true });
  await using kept = new Kept(stage);
  kept.keeper.start();
  const [told] = await waitFor(() => kept.failed.length > 0 && kept.failed);
  assert.equal(told?.error.failure, "state");
  assert.match(kept.keeper.state.lastError ?? "", /Cannot read .*certificate\.pem/);
  assert.ok((told?.next.getTime() ?? 0) > Date.now() + 30_000);
  Deno.removeSync(stage.file("certificate.pem"));
  kept.keeper.retryNow();
  await waitFor(() => kept.renewed.length > 0);
});

Deno.test("T5 a clock that is set back by a year during a pause does not make the pause a year long", async () => {
  await using stage = await Stage.set();
  Deno.mkdirSync(stage.file("certificate.pem"), { recursive: true });
  await using kept = new Kept(stage);
  kept.keeper.start();
  await waitFor(() => kept.failed.length > 0);
  Deno.removeSync(stage.file("certificate.pem"));
  kept.keeper.wake();
  await waitFor(() => kept.keeper.state.nextAttempt);
  assert.equal(kept.renewed.length, 0, "the pause is on");
  const rightly = Date.now;
  try {
    Date.now = () => rightly() - 365 * 24 * 3600_000;
    kept.keeper.wake();
    await waitFor(() => kept.renewed.length > 0);
  } finally {
    Date.now = rightly;
  }
});

Deno.test("T5 who asks while a try is under way that fails gets another at once", async () => {
  await using stage = await Stage.set();
  const { server } = stage;
  await using kept = new Kept(stage);
  server.twist = ({ resource, count }) => {
    if (resource !== "challenge") return null;
    server.validationProblem = count === 1 ? { type: `${PROBLEMS}dns` } : null;
    if (count === 1) kept.keeper.retryNow();
    return null;
  };
  kept.keeper.start();
  await waitFor(() => kept.renewed.length > 0);
  assert.equal(kept.failed.length, 1);
});

Deno.test("T5 settings that cannot be had are a failure like others", async () => {
  await using stage = await Stage.set();
  await using kept = new Kept(stage, {
    settings: () => {
      throw new Error("tls.ca: cannot read /nowhere");
    },
  });
  kept.keeper.start();
  const [told] = await waitFor(() => kept.failed.length > 0 && kept.failed);
  assert.equal(told?.error.failure, "unexpected");
  assert.match(told?.error.message ?? "", /tls\.ca: cannot read \/nowhere/);
  assert.match(kept.keeper.state.lastError ?? "", /tls\.ca/);
});

Deno.test("T5 while another process gets the certificate, the host waits for it", async () => {
  await using stage = await Stage.set();
  const reached = Promise.withResolvers<void>();
  let isHeld = true;
  // Every answer to the first "is it valid?" is "not yet", until the host has been seen to wait.
  stage.server.twist = ({ resource }) => {
    if (resource !== "order" || !isHeld) return null;
    reached.resolve();
    return { status: 200, body: JSON.stringify(PROCESSING) };
  };
  const first = stage.obtain();
  await reached.promise;
  await using kept = new Kept(stage);
  kept.keeper.start();
  await waitFor(() => kept.keeper.state.nextAttempt);
  assert.deepEqual(kept.failed, []);
  kept.keeper.retryNow();
  const [told] = await waitFor(() => kept.failed.length > 0 && kept.failed);
  assert.equal(told?.error.failure, "busy");
  isHeld = false;
  await first;
  kept.keeper.retryNow();
  await waitFor(() => kept.keeper.state.expires !== null && kept.keeper.state.lastError === null);
  assert.equal(kept.renewed.length, 0);
});

const PROCESSING = {
  status: "processing",
  authorizations: ["https://127.0.0.1/none"],
  finalize: "https://127.0.0.1/none",
};

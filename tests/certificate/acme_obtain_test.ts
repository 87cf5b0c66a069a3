// T5: a certificate by ACME, from a server that keeps to RFC 8555, at its worst.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { certificateFile, stepText, termsOf } from "../../src/certificate/acme/mod.ts";
import { loadCertificate } from "../../src/certificate/load.ts";
import { problem } from "../support/acme_replies.ts";
import { NAME, Stage } from "./acme_stage.ts";

Deno.test("T5 a certificate is obtained, and its one file serves as tls.cert and tls.key", async () => {
  await using stage = await Stage.set();
  const { file, expires } = await stage.obtain();
  assert.equal(file, certificateFile(stage.settings.dataDir));
  const loaded = loadCertificate({ cert: file, key: file }, NAME);
  assert.deepEqual(loaded.warnings, []);
  assert.deepEqual(loaded.expires, expires);
  const leaf = new X509Certificate(loaded.cert);
  assert.ok(leaf.verify(new X509Certificate(stage.world.authority.pem).publicKey));
  assert.deepEqual([...Deno.readDirSync(stage.file("."))].map(({ name }) => name).sort(), [
    "account.json",
    "attempts.json",
    "certificate.pem",
    "lock",
  ]);
});

Deno.test("T5 what was done on the way is told in sentences, and who asked", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const [listen] = stage.settings.listen;
  assert.deepEqual(stage.steps.map(stepText), [
    `Asking ${new URL(stage.server.directory).host}`,
    "Made an account there",
    `Listening for its requests on ${listen?.ip}:${listen?.port}`,
    `It looks whether ${NAME} leads here`,
    "It asked, from 127.0.0.1",
    `It found that ${NAME} leads here`,
    `It makes the certificate for ${NAME}`,
    stepText(stage.steps.at(-1) ?? { kind: "note", text: "" }),
  ]);
  assert.match(stepText(stage.steps.at(-1) ?? { kind: "note", text: "" }), /valid until \d{4}-/);
});

Deno.test("RFC 8555 6.1: every request has a User-Agent", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  for (const { headers } of stage.server.calls) {
    assert.match(headers["user-agent"] ?? "", /^fmsg\/\d/);
  }
});

Deno.test("T5 the files are for their owner only", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  assert.equal((Deno.statSync(stage.file(".")).mode ?? 0) & 0o777, 0o700);
  for (const { name } of Deno.readDirSync(stage.file("."))) {
    assert.equal((Deno.statSync(stage.file(name)).mode ?? 0) & 0o777, 0o600, name);
  }
});

Deno.test("T5 a renewal has the same account and a fresh key", async () => {
  await using stage = await Stage.set({ email: "me@a.test" });
  await stage.obtain();
  const first = stage.certificate ?? "";
  await stage.obtain();
  const second = stage.certificate ?? "";
  const keyIn = (text: string): string =>
    /-----BEGIN PRIVATE[^]+?END PRIVATE/.exec(text)?.[0] ?? "";
  assert.notEqual(keyIn(first), keyIn(second));
  assert.equal(stage.server.accounts.size, 1);
  assert.equal(stage.server.count("new-account"), 1);
  assert.equal(stage.server.count("account"), 0, "the address was known");
});

Deno.test("T5 another address is told to the authority, and none takes it back", async () => {
  await using stage = await Stage.set({ email: "me@a.test" });
  const contact = (): unknown => [...stage.server.accounts.values()][0]?.contact;
  await stage.obtain();
  assert.deepEqual(contact(), ["mailto:me@a.test"]);
  await stage.obtain({ email: "you@a.test" });
  assert.deepEqual(contact(), ["mailto:you@a.test"]);
  await stage.obtain({ email: null });
  assert.deepEqual(contact(), []);
  await stage.obtain({ email: null });
  assert.equal(stage.server.count("account"), 2, "it is told once");
  assert.equal(stage.server.accounts.size, 1);
});

Deno.test("RFC 8555 7.3.1: an account that is found again by its key is told the address", async () => {
  await using stage = await Stage.set({ email: "me@a.test" });
  await stage.obtain();
  // As after a kill before the authority's answer was kept.
  const state = stage.read("account.json");
  const accounts = Object.entries(state.accounts).map(([directory, account]) =>
    [directory, { ...account, url: null }] as const
  );
  const forgotten = { accounts: Object.fromEntries(accounts) };
  Deno.writeTextFileSync(stage.file("account.json"), JSON.stringify(forgotten));
  await stage.obtain({ email: "you@a.test" });
  const contacts = [...stage.server.accounts.values()].map(({ contact }) => contact);
  assert.deepEqual(contacts, [["mailto:you@a.test"]]);
});

Deno.test("T5 each authority has an account of its own", async () => {
  await using stage = await Stage.set();
  await using other = await Stage.set();
  await stage.obtain();
  await stage.obtain({
    directory: other.server.directory,
    extraRoots: other.world.authority.pem,
    listen: other.settings.listen,
  });
  const { accounts } = stage.read("account.json");
  assert.deepEqual(Object.keys(accounts), [stage.server.directory, other.server.directory]);
  const [one, two] = Object.values(accounts);
  assert.notEqual(one?.key.d, two?.key.d);
});

Deno.test("T5 an authorisation that is valid already asks nothing of port 80", async () => {
  await using stage = await Stage.set();
  stage.server.remembers = true;
  await stage.obtain();
  assert.equal(stage.server.count("challenge"), 0);
});

Deno.test("RFC 8555 6.5: a nonce that is refused is replaced, again and again", async () => {
  await using stage = await Stage.set();
  stage.server.refuseNonces = 8;
  await stage.obtain();
  assert.equal(stage.server.refuseNonces, 0);
});

Deno.test("T5 slow validations and slow issuing are waited for, as often as Retry-After says", async () => {
  await using stage = await Stage.set();
  const { server } = stage;
  server.slow = 1;
  server.twist = ({ resource }) => {
    server.retryAfter = resource === "authorization" ? "1" : null;
    return null;
  };
  const began = performance.now();
  await stage.obtain();
  // Not too early; how late is the machine's matter.
  assert.ok(performance.now() - began >= 1000);
  assert.equal(server.count("authorization"), 3);
});

Deno.test("T5 a Retry-After of years does not stop a try for years", async () => {
  await using stage = await Stage.set();
  stage.server.slow = 1;
  stage.server.retryAfter = new Date(Date.now() + 1e11).toUTCString();
  const { failure, message } = await stage.failure({}, { timing: { attemptMs: 500 } });
  assert.equal(failure, "unreachable");
  assert.match(message, /was not through with fmsg\.a\.test within 0\.5 s: the next try goes on/);
});

Deno.test("RFC 8555 7.4: an order that is not ready after all is asked what it wants", async () => {
  await using stage = await Stage.set();
  stage.server.twist = ({ resource, count }) =>
    resource === "finalize" && count === 1 ? problem("orderNotReady") : null;
  await stage.obtain();
  assert.equal(stage.server.count("finalize"), 2);
});

Deno.test("T5 an account that the authority lost is made again, with the same key", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const [before] = stage.server.accounts.keys();
  stage.server.accounts.clear();
  await stage.obtain();
  assert.deepEqual([...stage.server.accounts.keys()], [before]);
});

Deno.test("T5 an account that was deactivated gives way to a new one", async () => {
  await using stage = await Stage.set({ email: "me@a.test" });
  await stage.obtain();
  for (const account of stage.server.accounts.values()) account.status = "deactivated";
  await stage.obtain();
  assert.equal(stage.server.accounts.size, 2);
  for (const account of stage.server.accounts.values()) account.status = "deactivated";
  await stage.obtain({ email: "you@a.test" });
  assert.equal(stage.server.accounts.size, 3);
});

Deno.test("T5 an account that is well is not replaced because the authority does not do what it is asked", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  stage.server.twist = ({ resource }) => resource === "new-order" ? problem("unauthorized") : null;
  for (let i = 0; i < 3; i++) {
    const { failure, message } = await stage.failure();
    assert.equal(failure, "unauthorized");
    assert.match(message, /does not let this account do that for fmsg\.a\.test/);
  }
  const [first] = stage.server.accounts.keys();
  assert.equal(stage.server.accounts.size, 1);
  // Unless the authority says of the account itself that it is not.
  stage.server.twist = ({ resource, kid }) => {
    if (resource === "account") return { status: 200, body: '{"status": "revoked"}' };
    return resource === "new-order" && kid === first ? problem("unauthorized") : null;
  };
  await stage.obtain();
  assert.equal(stage.server.accounts.size, 2);
});

Deno.test("T5 account and attempts that are damaged are written anew, and the note says so", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  for (const junk of ["", "{", '{"accounts": {"x": 1}, "attempts": 3}', "\0\0\0"]) {
    Deno.writeTextFileSync(stage.file("account.json"), junk);
    Deno.writeTextFileSync(stage.file("attempts.json"), junk);
    Deno.writeTextFileSync(stage.file("order.json"), junk);
    stage.steps.length = 0;
    await stage.obtain();
    const notes = stage.steps.filter(({ kind }) => kind === "note").map(stepText).join("\n");
    for (const file of ["account", "attempts", "order"]) {
      assert.match(notes, new RegExp(`${file}\\.json is damaged, and is not used`));
    }
  }
  assert.equal(stage.server.accounts.size, 5);
});

Deno.test("T5 a key in account.json that is none is replaced", async () => {
  await using stage = await Stage.set();
  await stage.obtain();
  const state = stage.read("account.json");
  for (const { key } of Object.values(state.accounts)) key.d = "AAAA";
  Deno.writeTextFileSync(stage.file("account.json"), JSON.stringify(state));
  await stage.obtain();
  assert.equal(stage.server.accounts.size, 2);
});

Deno.test("T5 the terms can be read before anything else is asked", async () => {
  await using stage = await Stage.set();
  assert.deepEqual(await termsOf(stage.settings), {
    termsOfService: "https://ca.test/terms",
    website: null,
  });
  stage.server.meta = {};
  assert.deepEqual(await termsOf(stage.settings), { termsOfService: null, website: null });
  stage.server.meta = { externalAccountRequired: true };
  await assert.rejects(termsOf(stage.settings), /external account binding/);
  assert.equal(stage.server.calls.every(({ resource }) => resource === "directory"), true);
  const stop = new AbortController();
  const reason = new Error("enough");
  stage.server.twist = () => {
    stop.abort(reason);
    return "silence";
  };
  await assert.rejects(termsOf(stage.settings, stop.signal), (error) => error === reason);
});

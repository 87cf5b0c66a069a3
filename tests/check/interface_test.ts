// The interface for clients, examined on a running host and judged by what was seen.
import assert from "node:assert/strict";
import { examine, level, words } from "./setup.ts";
import { judgeClearText, judgeHere, judgePage, judgePublic } from "../../src/check/interface.ts";
import { parseConfig } from "../../src/config.ts";
import { World } from "../support/world.ts";

Deno.test("the interface of a running host is found to answer, under its public address too", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice"] });
  assert.equal(level(await examine(host), "api-answers"), "ok");

  await host.configure({ api: { public_url: `http://${host.apiAddress}` } });
  const answered = await examine(host);
  assert.equal(level(answered, "api-public-url"), "ok");
  assert.equal(level(answered, "api-page"), "ok");
  assert.match(words(answered, "api-clear-text"), /clear text → write it with https/);

  await host.configure({ api: { public_url: `http://${world.address()}:8000` } });
  const silent = await examine(host);
  assert.equal(level(silent, "api-public-url"), "warning");
  assert.match(words(silent, "api-public-url"), /nothing answers: .*refused/i);

  await host.configure({ api: { public_url: null, listen: `${host.ip}:8001` } });
  assert.match(words(await examine(host), "api-answers"), /has changed .* restart the host/);
});

Deno.test("an interface with TLS is found to answer on this machine, whatever its name leads to", async () => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true } });
  assert.equal(level(await examine(host), "api-answers"), "ok");
  await host.configure({ api: { public_url: "https://nowhere.invalid" } });
  const found = await examine(host);
  assert.equal(level(found, "api-answers"), "ok");
  // Once, and without what the runtime was doing.
  assert.match(
    words(found, "api-public-url"),
    /^As https:\/\/nowhere\.invalid nothing answers: dns error: /,
  );
});

Deno.test("a host without an interface is not told of one", async () => {
  await using world = await World.make();
  const host = await world.host();
  const found = await examine(host);
  assert.deepEqual(found.filter(({ topic }) => topic === "interface"), []);
});

Deno.test("an interface in clear text is warned of, unless it is on loopback or has TLS", () => {
  for (
    const [section, warned] of [
      ["listen: 127.0.0.1:8000", false],
      ['listen: "[::1]:8000"', false],
      ["listen: 0.0.0.0:443, tls: true", false],
      ["listen: 0.0.0.0:8000", true],
      ['listen: "[::]:80"', true],
      ["listen: 127.0.0.1:8000, public_url: https://a.test", false],
      ["listen: 127.0.0.1:8000, public_url: http://a.test", true],
    ] as const
  ) {
    const { api } = parseConfig(`domain: a.test\napi: {${section}}`, "fmsg.yaml");
    assert.ok(api !== null);
    assert.equal(judgeClearText(api).length > 0, warned, section);
  }
});

Deno.test("what is wrong with the interface is told with what to do", () => {
  assert.equal(judgeHere("127.0.0.1:8000", { kind: "other", status: 404 }).level, "fail");
  assert.equal(judgeHere("127.0.0.1:8000", { kind: "none", why: "refused" }).level, "fail");
  const page = judgePublic("https://a.test", { kind: "other", status: 502 });
  assert.equal(page.level, "warning");
  assert.match(page.seen, /status 502/);
  assert.match(page.remedy ?? "", /passes \/fmsg on/);
  const url = "https://a.test/chat";
  const inbox = judgePage(url, { kind: "other", status: 404 });
  assert.equal(inbox.level, "warning");
  assert.match(inbox.seen, /no inbox at https:\/\/a\.test\/ \(status 404\)/);
  assert.match(inbox.remedy ?? "", /pass on all paths/);
  assert.equal(judgePage(url, { kind: "none", why: "refused" }).level, "warning");
});

Deno.test("a web server that passes on the routes of apps alone leaves browsers without an inbox, and that is told", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true });
  const { base } = host.api;
  const proxy = Deno.serve(
    { hostname: host.ip, port: 8100, onListen: () => {} },
    async ({ url }) => {
      const { pathname } = new URL(url);
      if (!pathname.startsWith("/fmsg")) return new Response("no", { status: 404 });
      const passed = await fetch(base + pathname);
      return new Response(passed.body, { status: passed.status, headers: passed.headers });
    },
  );
  try {
    await host.configure({ api: { public_url: `http://${host.ip}:8100` } });
    const found = await examine(host);
    assert.equal(level(found, "api-public-url"), "ok");
    assert.match(words(found, "api-page"), /no inbox at .* \(status 404\) → have the web server/);
  } finally {
    await proxy.shutdown();
  }
});

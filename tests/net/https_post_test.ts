// A POST to an address that was chosen before: whom it reaches, and what an answer may do to it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { makeAuthority } from "../../src/certificate/make.ts";
import { httpsContext, httpsPost, type PostAnswer } from "../../src/net/mod.ts";
import { answer, PushService } from "../support/push_service.ts";
import { waitFor } from "../support/wait.ts";
import { openSockets } from "./open_sockets.ts";

const authority = await makeAuthority("Test authority");
const context = httpsContext(authority.pem);

async function post(
  service: PushService,
  signal = AbortSignal.timeout(20_000),
): Promise<PostAnswer> {
  return await httpsPost(
    {
      ip: "127.0.0.1",
      url: new URL(service.endpoint("/send/ä?x=1&y= 2")),
      headers: { ttl: "60" },
      body: new Uint8Array([1, 2, 3]),
    },
    context,
    signal,
  );
}

Deno.test("a POST goes to the address, under the name of the URL, and its answer is read to the end of its head", async () => {
  await using service = await PushService.start(authority);
  service.answering = () => answer(201, { location: "/m/1" });
  assert.deepEqual(await post(service), { status: 201, retryAfter: null });
  const [taken] = service.pushes;
  assert.equal(taken?.path, "/send/%C3%A4?x=1&y=%202");
  assert.deepEqual([...taken.body], [1, 2, 3]);
  assert.equal(taken.headers.get("host"), `push.test:${service.port}`);
  assert.equal(taken.headers.get("ttl"), "60");

  service.answering = () => answer(429, { "Retry-After": "7" });
  assert.deepEqual(await post(service), { status: 429, retryAfter: "7" });
  service.answering = () => `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${answer(200)}`;
  assert.deepEqual(await post(service), { status: 200, retryAfter: null });
  // Whatever comes behind it, or does not come: that is not waited for.
  service.answering = () =>
    `HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n${"x".repeat(99_999)}`;
  assert.equal((await post(service)).status, 200);
  service.answering = () => "HTTP/1.0 404 Not";
  assert.equal((await post(service)).status, 404);
  await waitFor(() => service.open === 0);
});

Deno.test("a POST reads 4 KiB of an answer at most, and what is no HTTP is none", async () => {
  await using service = await PushService.start(authority);
  service.answering = () => `HTTP/1.1 503 No\r\n${"a: b\r\n".repeat(100_000)}`;
  assert.deepEqual(await post(service), { status: 503, retryAfter: null });
  for (
    const [text, problem] of [
      ["HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000), /HTTP|interim/],
      [`HTTP/1.1 102 ${"x".repeat(100_000)}`, /interim/],
      ["SSH-2.0-x\r\n\r\n", /HTTP/],
      ["HTTP/1.1 999 What\r\n\r\n", /HTTP/],
      ["HTTP/2 200\r\n\r\n", /HTTP/],
      ["", /without an answer/],
    ] as const
  ) {
    service.answering = () => text;
    await assert.rejects(post(service), problem, text.slice(0, 40));
  }
  await waitFor(() => service.open === 0);
});

Deno.test("a POST is not sent to whoever has no certificate for the name", async () => {
  await using other = await PushService.start(authority, { certified: "other.test" });
  await assert.rejects(post(other), /altnames|match/i);
  await using stranger = await PushService.start(await makeAuthority("Stranger"));
  await assert.rejects(post(stranger), /certificate|issuer|verif/i);
  assert.deepEqual([...other.pushes, ...stranger.pushes], []);
});

Deno.test("a POST ends when it is told to, at any moment, and leaves nothing open", async () => {
  await using service = await PushService.start(authority);
  service.answering = () => null;
  const ending = new AbortController();
  const waiting = post(service, ending.signal);
  await waitFor(() => service.pushes.length === 1);
  ending.abort(new Error("told to"));
  await assert.rejects(waiting, /told to/);
  await waitFor(() => service.open === 0);
  await assert.rejects(post(service, ending.signal), /told to/);

  // Nobody says anything in the handshake.
  const mute = createTcpServer();
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  const address = mute.address();
  assert.ok(typeof address === "object" && address !== null);
  const connected = once(mute, "connection");
  const late = new AbortController();
  const url = new URL(`https://push.test:${address.port}/`);
  const hanging = httpsPost(
    { ip: "127.0.0.1", url, headers: {}, body: new Uint8Array() },
    context,
    late.signal,
  );
  const [socket] = await connected;
  late.abort(new Error("too late"));
  await assert.rejects(hanging, /too late/);
  await once(socket.resume(), "close");
  mute.close();
  await once(mute, "close");
  const nobody = httpsPost(
    { ip: "127.0.0.1", url, headers: {}, body: new Uint8Array() },
    context,
    AbortSignal.timeout(20_000),
  );
  await assert.rejects(nobody, /refused/i);
  await waitFor(() => openSockets(new Set([address.port])).length === 0);
});

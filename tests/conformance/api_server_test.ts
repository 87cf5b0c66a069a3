// The interface's server on a running host: refusals, limits, headers, origins, its life with the host (rows N9, N10).
import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import * as v from "valibot";
import type { ApiAnswer } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { SharedHosts } from "./shared_hosts.ts";

const shared = new SharedHosts(
  { api: { trusted_proxies: ["127.0.0.0/8"], uploads: 1 } },
  {
    api: { origins: ["https://app.example"], public_url: "https://fmsg.example/x" },
    config: { log: { level: "debug" } },
  },
);

const STATUS = v.object({
  api: v.object({ connections: v.number(), sockets: v.number() }),
  counts: v.object({ faults: v.number(), staging: v.number() }),
});

async function statusOf(host: HostProcess): Promise<v.InferOutput<typeof STATUS>> {
  return v.parse(STATUS, await host.json(["host", "status"]));
}

/** An error as FMSG-003 has it. */
function isError({ status, json, headers }: ApiAnswer, expected: number): void {
  assert.equal(status, expected);
  assert.equal(headers.get("content-type"), "application/json");
  assert.deepEqual(Object.keys(Object(json)), ["error"]);
}

/** What the host answers to an attempt to open a WebSocket. */
async function handshake(
  host: HostProcess,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const socket = connect({ host: host.ip, port: 8000 });
  try {
    let text = "";
    let over = false;
    socket.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
    socket.on("close", () => over = true).on("error", () => {});
    const fields = {
      host: host.apiAddress,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    await waitFor(() => over || /^HTTP\/1.1 101 [^]*\r\n\r\n/.test(text));
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), text };
  } finally {
    socket.destroy();
  }
}

Deno.test("N9 addresses and methods that are none are refused in JSON, and every answer is harmless to browsers", async () => {
  const { host, client } = await shared.users("alice");
  const alice = await client("alice");
  isError(await alice.get("/nothing"), 404);
  isError(await alice.get("/fmsg/1/nothing"), 404);
  // The page in the browser is no route: it takes nothing else, and what it has not is nothing.
  assert.equal((await alice.get("/")).headers.get("content-type"), "text/html; charset=utf-8");
  const notTaken = await alice.post("/", {});
  isError(notTaken, 405);
  assert.equal(notTaken.headers.get("allow"), "GET, HEAD, OPTIONS");
  isError(await alice.get("/nothing.js"), 404);
  const wrong = await alice.delete("/fmsg");
  isError(wrong, 405);
  assert.equal(wrong.headers.get("allow"), "GET, POST, HEAD, OPTIONS");
  const options = await alice.request("OPTIONS", "/fmsg/sent");
  assert.equal(options.status, 204);
  assert.equal(options.headers.get("allow"), "GET, HEAD, OPTIONS");
  // Neither is a message whose id is wrong.
  for (const path of ["/fmsg/sent", "/fmsg/search", "/fmsg/ws", "/fmsg/openapi.json"]) {
    const refused = await alice.delete(path);
    isError(refused, 405);
    assert.equal(refused.headers.get("allow"), "GET, HEAD, OPTIONS");
  }
  isError(await alice.get("/fmsg/ws"), 426);
  isError(await host.api.get("/fmsg/ws"), 401);
  const head = await alice.request("HEAD", "/fmsg");
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
  for (const answer of [await alice.get("/fmsg"), await host.api.get("/fmsg"), wrong, head]) {
    const { headers } = answer;
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("access-control-allow-origin"), null);
    assert.equal(headers.get("strict-transport-security"), null);
    assert.equal(headers.get("server"), null);
  }
});

Deno.test("N9 web sites may use the interface where api.origins has them, and no others", async () => {
  const { host, client } = await shared.usersAt(1, "alice");
  const alice = await client("alice");
  const preflight = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization,content-type,x-fmsg-act-as",
  };
  const allowed = await host.api.request("OPTIONS", "/fmsg/1", {
    headers: { origin: "https://app.example", ...preflight },
  });
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get("access-control-allow-origin"), "https://app.example");
  assert.match(allowed.headers.get("access-control-allow-headers") ?? "", /authorization/);
  assert.match(allowed.headers.get("access-control-allow-methods") ?? "", /PUT/);
  const other = await host.api.request("OPTIONS", "/fmsg/1", {
    headers: { origin: "https://evil.example", ...preflight },
  });
  assert.equal(other.headers.get("access-control-allow-origin"), null);

  const got = await alice.get("/fmsg", { headers: { origin: "https://app.example" } });
  assert.equal(got.headers.get("access-control-allow-origin"), "https://app.example");
  assert.match(got.headers.get("access-control-expose-headers") ?? "", /content-disposition/);
  assert.match(got.headers.get("strict-transport-security") ?? "", /max-age/);
  const plain = await alice.get("/fmsg");
  assert.equal(plain.headers.get("access-control-allow-origin"), null);
  for (const { headers } of [got, plain]) assert.match(headers.get("vary") ?? "", /origin/i);
  // A refusal too: otherwise a web site cannot tell its user why.
  const refused = await host.api.get("/fmsg", { headers: { origin: "https://app.example" } });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("access-control-allow-origin"), "https://app.example");
});

Deno.test("N10 a WebSocket is refused before it is one: no token, a wrong one, a foreign web site, another address", async () => {
  const { host, client } = await shared.usersAt(1, "alice");
  const { token } = await client("alice");
  const bearer = { authorization: `Bearer ${token}` };
  const events = "/fmsg/ws";
  for (
    const [path, headers, status] of [
      [events, bearer, 101],
      [`${events}?access_token=${token}`, {}, 101],
      [events, { ...bearer, origin: "https://app.example" }, 101],
      [events, { ...bearer, origin: "https://fmsg.example" }, 101],
      [events, { ...bearer, origin: "https://evil.example" }, 403],
      [events, { ...bearer, origin: "null" }, 403],
      [events, {}, 401],
      [`${events}?access_token=wrong`, {}, 401],
      // The header goes before the query.
      [`${events}?access_token=${token}`, { authorization: "Bearer wrong" }, 401],
      [`${events}?act_as=@bob@host2.test`, bearer, 403],
      [`${events}?act_as=nobody`, bearer, 400],
      [events, { ...bearer, "sec-websocket-version": "7" }, 400],
      [events, { ...bearer, upgrade: "h2c", connection: "Upgrade, close" }, 426],
      ["/fmsg", { ...bearer, connection: "Upgrade, close" }, 200],
    ] as const
  ) {
    const answer = await handshake(host, path, headers);
    assert.equal(answer.status, status, `${path.slice(0, 30)} ${answer.text}`);
    if (status < 400) continue;
    assert.match(answer.text, /content-type: application\/json\r\n/);
    assert.match(answer.text, /\{"error":"[^"]+/);
  }
  await waitFor(async () => (await statusOf(host)).api.sockets === 0);
  // Credentials of the query are nowhere in the log.
  const log = JSON.stringify(host.log);
  assert.match(log, /"path":"\/fmsg\/ws"/);
  for (const secret of [token ?? "", "access_token", "wrong"]) assert.ok(!log.includes(secret));
});

Deno.test("N9 requests over the rate are refused with 429 and when to come back, for an identity and for an address", async () => {
  await using world = await World.make();
  const host = await world.host({
    api: { rate: 0.01, trusted_proxies: ["127.0.0.0/8"] },
    users: ["alice", "bob"],
  });
  const from = (ip: string) => ({ headers: { "x-forwarded-for": ip } });
  const alice = await host.client("alice");
  // One always may.
  assert.equal((await alice.get("/fmsg", from("192.0.2.1"))).status, 200);
  const soon = await alice.get("/fmsg", from("192.0.2.2"));
  isError(soon, 429);
  assert.equal(soon.headers.get("retry-after"), "100");
  isError(await (await host.client("bob")).get("/fmsg", from("192.0.2.1")), 429);
  assert.equal((await (await host.client("bob")).get("/fmsg", from("192.0.2.3"))).status, 200);
});

Deno.test("N9 credentials that are wrong again and again are not looked at for a while, others are", async () => {
  const { host, client } = await shared.users("alice");
  const from = (ip: string) => ({ headers: { "x-forwarded-for": ip } });
  const alice = await client("alice");
  const wrong = host.api.with("wrong");
  let refused = 0;
  while ((await wrong.get("/fmsg", from("192.0.2.1"))).status === 401) refused++;
  assert.ok(refused >= 50 && refused < 70, `${refused}`);
  isError(await alice.get("/fmsg", from("192.0.2.1")), 429);
  assert.equal((await alice.get("/fmsg", from("192.0.2.2"))).status, 200);
});

Deno.test("N9 uploads of an identity at once are bounded by api.uploads", async () => {
  const { address, client } = await shared.users("alice");
  const alice = await client("alice");
  const draft = await alice.post("/fmsg", {
    version: 1,
    from: address("alice"),
    to: [address("alice")],
    type: "text/plain",
    size: 0,
  });
  assert.equal(draft.status, 201);
  const { id } = v.parse(v.object({ id: v.number() }), draft.json);
  const goOn = Promise.withResolvers<void>();
  const slow = (filename: string): Promise<ApiAnswer> =>
    alice.post(`/fmsg/${id}/attach`, undefined, {
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: new ReadableStream({
        async start(controller) {
          const head = `Content-Disposition: form-data; name="file"; filename="${filename}"`;
          controller.enqueue(new TextEncoder().encode(`--x\r\n${head}\r\n\r\n`));
          await goOn.promise;
          controller.enqueue(new TextEncoder().encode("content\r\n--x--\r\n"));
          controller.close();
        },
      }),
    });
  // Whichever comes second is answered, the other has not sent all yet.
  const uploads = [slow("a.txt"), slow("b.txt")];
  isError(await Promise.race(uploads), 429);
  goOn.resolve();
  const statuses = (await Promise.all(uploads)).map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [201, 429]);
  const third = await alice.upload(`/fmsg/${id}/attach`, { filename: "c.txt", body: "c" });
  assert.equal(third.status, 201);
});

Deno.test("N9 a proxy on this machine that is not trusted is told of once, and clients are not limited by its address", async () => {
  await using world = await World.make();
  const host = await world.host({ api: { rate: 1 }, users: ["alice"] });
  for (let i = 0; i < 30; i++) {
    const answer = await host.api.get("/fmsg", { headers: { "x-forwarded-for": "192.0.2.1" } });
    assert.equal(answer.status, 401);
  }
  assert.equal(host.log.filter(({ msg }) => /trusted_proxies/.test(String(msg))).length, 1);
});

Deno.test("T5 the interface shows the host's certificate, and the renewed one without dropping a connection", async () => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true }, users: ["alice"] });
  const name = `fmsg.${host.domain}`;
  const conn = await Deno.connect({ hostname: host.ip, port: 8000 });
  const secure = await Deno.startTls(conn, { hostname: name, caCerts: [world.authority.pem] });
  const ask = async (): Promise<string> => {
    await secure.write(new TextEncoder().encode("GET /fmsg HTTP/1.1\r\nHost: a\r\n\r\n"));
    const buffer = new Uint8Array(4096);
    return new TextDecoder().decode(buffer.subarray(0, await secure.read(buffer) ?? 0));
  };
  assert.match(await ask(), /^HTTP\/1.1 401 [^]*strict-transport-security/);
  await host.renewCertificate();
  await host.reload();
  assert.match(await ask(), /^HTTP\/1.1 401 /);
  secure.close();
});

Deno.test("N9 a port that is taken ends the start with an error that names it, and nothing is left running", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, start: false });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(8000, host.ip, resolve));
  const { code, stderr } = await host.cli(["host", "run"]);
  assert.equal(code, 1);
  assert.match(stderr, /api\.listen: Cannot listen on [^ ]+:8000: another program listens there/);
  await new Promise<void>((resolve) => other.close(() => resolve()));
  await host.start();
});

Deno.test("N9 a reload takes what it can, and names the keys that need a restart", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice"] });
  const alice = await host.client("alice");
  const origin = { headers: { origin: "https://app.example" } };
  assert.equal((await alice.get("/fmsg", origin)).headers.get("access-control-allow-origin"), null);
  const seen = host.log.length;
  await host.configure({
    api: { origins: ["https://app.example"], listen: `${host.ip}:8001`, tls: true },
  });
  await host.reload();
  const keys = host.log.slice(seen).filter(({ msg }) => /restart/.test(String(msg)))
    .map(({ key }) => key);
  assert.deepEqual(keys, ["api.listen", "api.tls"]);
  assert.equal(
    (await alice.get("/fmsg", origin)).headers.get("access-control-allow-origin"),
    "https://app.example",
  );
});

/** What is written on a socket of its own, which is then left alone; nothing that comes is read unless told. */
function attack(host: HostProcess, written: string, { reads = false } = {}): Socket {
  const socket = connect({ host: host.ip, port: 8000 });
  socket.on("error", () => {});
  if (reads) socket.resume();
  socket.write(written.replace(/\n/g, "\r\n"));
  return socket;
}

Deno.test("S3 with 300 connections to the interface that mean no good, messages come in, clients are served, and the host stops in order", async () => {
  await using world = await World.make();
  const host = await world.host({
    api: true,
    users: ["alice"],
    config: { shutdown_timeout: "2s" },
  });
  const peer = await world.peer();
  const alice = await host.client("alice");
  const head = `Host: a\nAuthorization: Bearer ${alice.token}\n`;
  const text = `{"data":"${"\\u0061".repeat(100_000)}`;
  const attacks = [
    "",
    "GET /fmsg HTT",
    `GET /fmsg HTTP/1.1\n${head}`,
    `POST /fmsg HTTP/1.1\n${head}Content-Length: 1000000\n\n${text}`,
    `POST /fmsg HTTP/1.1\n${head}Transfer-Encoding: chunked\n\n5;${"x".repeat(1000)}`,
    `POST /fmsg/1/attach HTTP/1.1\n${head}Content-Type: multipart/form-data; boundary=x\n` +
    "Content-Length: 1000\n\n--x\nContent-Disposition: form-data; name=file; filename=a\n\n",
    `GET /fmsg/openapi.json HTTP/1.1\n${head}\n`.repeat(16),
    `GET /fmsg/ws HTTP/1.1\n${head}Connection: upgrade\nUpgrade: websocket\n` +
    "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n",
    "\u0016\u0003\u0001\u0002\u0000\u0001",
  ];
  const sockets = Array.from(
    { length: 300 },
    (_, i) => attack(host, attacks[i % attacks.length] ?? ""),
  );
  try {
    for (let i = 0; i < 5; i++) {
      const letter = draft({ from: peer.address("kim"), to: [host.address("alice")] });
      assert.deepEqual((await peer.send(letter)).codes, [64, 200]);
      assert.equal((await alice.get("/fmsg")).status, 200);
    }
    const { counts } = await statusOf(host);
    assert.deepEqual(counts, { faults: 0, staging: 0 });
    assert.equal(await host.stop(), 0);
    await host.json(["host", "verify"]);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

Deno.test("O3 a host that stops finishes requests under way and says goodbye on WebSockets", async () => {
  await using world = await World.make();
  const host = await world.host({ api: true, users: ["alice"] });
  const alice = await host.client("alice");
  const socket = new WebSocket(`${alice.events}?access_token=${alice.token}`);
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  await new Promise((resolve) => socket.onopen = resolve);
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const encoder = new TextEncoder();
  const body = JSON.stringify({
    version: 1,
    from: host.address("alice"),
    to: [host.address("alice")],
    type: "text/plain",
    size: 0,
  });
  const request = alice.post("/fmsg", undefined, {
    headers: { "content-type": "application/json" },
    body: new ReadableStream({
      async start(controller) {
        controller.enqueue(encoder.encode(body.slice(0, 20)));
        begun.resolve();
        await goOn.promise;
        controller.enqueue(encoder.encode(body.slice(20)));
        controller.close();
      },
    }),
  });
  await begun.promise;
  // It is under way once the host knows of it.
  await waitFor(async () => (await statusOf(host)).api.connections >= 2);
  const stopping = host.stop();
  assert.equal((await closed).code, 1001);
  goOn.resolve();
  assert.equal((await request).status, 201);
  assert.equal(await stopping, 0);
});

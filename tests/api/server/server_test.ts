// The HTTP server: what it answers whatever is written to it, and what it bounds.
import assert from "node:assert/strict";
import { PATIENCE, waitFor, within } from "../../support/wait.ts";
import { boundedBody } from "../../../src/api/server/body.ts";
import { Stage } from "./stage.ts";

/** Answers with what the body held. */
async function echo(request: Request): Promise<Response> {
  return new Response(await request.text());
}

Deno.test("N9 what is no HTTP is answered as such and the connection closed; others are served on", async () => {
  await using stage = await Stage.open();
  for (
    const [written, status] of [
      ["GARBAGE\n\n", 400],
      ["GET /\n\n", 400],
      ["GET / HTTP/9.9\nHost: a\n\n", 400],
      ["FOO / HTTP/1.1\nHost: a\n\n", 400],
      ["GET / HTTP/1.1\nHost: a\nno colon\n\n", 400],
      ["GET /\u0001 HTTP/1.1\nHost: a\n\n", 400],
      ["POST / HTTP/1.1\nHost: a\nContent-Length: abc\n\n", 400],
      ["POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\n", 400],
      ["POST / HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n", 400],
      ["POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\nab", 400],
      [`GET /${"a".repeat(20_000)} HTTP/1.1\nHost: a\n\n`, 431],
      [`GET / HTTP/1.1\nHost: a\n${`x: ${"y".repeat(1000)}\n`.repeat(20)}\n`, 431],
    ] as const
  ) {
    const client = await stage.client();
    client.write(written);
    const answer = await client.end();
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), written.slice(0, 60));
    assert.match(answer, /x-common: yes\r\n/);
    assert.match(answer, /\r\n\r\n\{"error":"[^"]+"\}$/);
  }
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  await client.saw("\r\n\r\nGET");
});

Deno.test("N9 odd but valid requests reach the application, and what is no request of the web is refused with 400", async () => {
  await using stage = await Stage.open({
    answer: ({ url }) => Promise.resolve(new Response(new URL(url).pathname)),
  });
  for (
    const [target, path] of [
      ["/fmsg/%zz", "/fmsg/%zz"],
      ["/fmsg/1/attach/..%2f..%2fetc", "/fmsg/1/attach/..%2f..%2fetc"],
      ["/fmsg/../../etc", "/etc"],
      ["//evil.example/fmsg", "//evil.example/fmsg"],
      ["http://evil.example/fmsg?a", "/fmsg"],
      ["http://evil.example", "/"],
    ] as const
  ) {
    const client = await stage.client();
    client.write(`GET ${target} HTTP/1.1\nHost: :::\nConnection: close\n\n`);
    assert.ok((await client.end()).endsWith(`\r\n\r\n${path}`), target);
  }
  for (const line of ["OPTIONS * HTTP/1.1", "GET evil HTTP/1.1"]) {
    const client = await stage.client();
    client.write(`${line}\nHost: a\nConnection: close\n\n`);
    assert.match(await client.end(), /^HTTP\/1.1 400 /, line);
  }
});

Deno.test("N9 cookies in several lines are as in one, and a comma in one of them parts nothing", async () => {
  await using stage = await Stage.open({
    answer: ({ headers }) =>
      Promise.resolve(new Response(`${headers.get("cookie")}|${headers.get("x")}`)),
  });
  const client = await stage.client();
  client.write(
    "GET / HTTP/1.1\nHost: a\nCookie: a=1,b=2\nX: 1\ncookie: c=3\nX: 2\nConnection: close\n\n",
  );
  assert.ok((await client.end()).endsWith("\r\n\r\na=1,b=2; c=3|1, 2"));
});

Deno.test("N9 an answer of HEAD has the length and no body, and the connection goes on", async () => {
  let cancelled = 0;
  await using stage = await Stage.open({
    answer: ({ method }) =>
      Promise.resolve(
        method === "HEAD"
          ? new Response(new ReadableStream({ cancel: () => void cancelled++ }), {
            headers: { "content-length": "5" },
          })
          : new Response("hello"),
      ),
  });
  const client = await stage.client();
  client.write("HEAD / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\nHost: a\nConnection: close\n\n");
  const answers = (await client.end()).split("HTTP/1.1 200 OK");
  assert.equal(answers.length, 3);
  assert.match(answers[1] ?? "", /content-length: 5\r\n[^]*\r\n\r\n$/);
  assert.match(answers[2] ?? "", /\r\n\r\nhello$/);
  assert.equal(cancelled, 1);
});

Deno.test("N9 a refusal reaches a client that is still sending, and then the connection is closed", async () => {
  await using stage = await Stage.open({
    answer: () => Promise.resolve(Response.json({ error: "too large" }, { status: 413 })),
  });
  const client = await stage.client();
  client.write("POST / HTTP/1.1\nHost: a\nContent-Length: 100000000\n\n");
  const piece = "a".repeat(64 * 1024);
  for (let i = 0; i < 20; i++) client.socket.write(piece);
  assert.match(await client.end(), /^HTTP\/1.1 413 [^]*connection: close[^]*"too large"/i);
});

Deno.test("N9 a body is read as it is taken, in both encodings, and a keep-alive connection goes on", async () => {
  await using stage = await Stage.open({ answer: echo });
  const client = await stage.client();
  client.write("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello");
  await client.saw("\r\n\r\nhello");
  client.write("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabc\n");
  client.write("4\ndefg\n0\n\n");
  await client.saw("\r\n\r\nabcdefg");
});

Deno.test("N9 a body that breaks off is no failure of the server, and takes nothing with it", async () => {
  const seen: unknown[] = [];
  await using stage = await Stage.open({
    answer: async (request) => {
      try {
        for await (const _chunk of boundedBody(request, 1e9));
        return new Response("whole");
      } catch (error) {
        seen.push(error);
        return new Response("broken");
      }
    },
  });
  const client = await stage.client();
  client.write("POST / HTTP/1.1\nHost: a\nContent-Length: 100\n\nhello");
  await waitFor(() => stage.server.connections === 1);
  client.socket.destroy();
  await waitFor(() => seen.length === 1);
  assert.equal(String(seen[0]).startsWith("Gone:"), true);
  await waitFor(() => stage.server.connections === 0);
});

Deno.test("N9 who asks before sending is told to go on only when the body is wanted", async () => {
  await using stage = await Stage.open({
    answer: (request) =>
      request.url.endsWith("/refuse")
        ? Promise.resolve(new Response("no", { status: 413 }))
        : echo(request),
  });
  const wanted = await stage.client();
  wanted.write("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\n");
  await wanted.saw("HTTP/1.1 100 Continue\r\n\r\n");
  wanted.write("hello");
  await wanted.saw("\r\n\r\nhello");

  const refused = await stage.client();
  refused.write("POST /refuse HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 5\n\n");
  assert.match(await refused.end(), /^HTTP\/1.1 413 /);
});

Deno.test("N9 headers that are late are answered with 408, a connection on which nothing comes is closed", async () => {
  await using stage = await Stage.open({ bounds: { headerMs: 300, firstRequestMs: 1500 } });
  const [late, silent] = [await stage.client(), await stage.client()];
  late.write("GET / HTTP/1.1\nHos");
  assert.match(await late.end(), /^HTTP\/1.1 408 [^]*"error"/);
  await silent.end();
  await waitFor(() => stage.server.connections === 0);
});

Deno.test("N9 a connection between two requests is closed after a while", async () => {
  await using stage = await Stage.open({ bounds: { keepAliveMs: 200 } });
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  assert.match(await client.end(), /^HTTP\/1.1 200 /);
});

Deno.test("N9 a client that stops in the middle of its body is cut", async () => {
  await using stage = await Stage.open({ answer: echo, flow: { idleMs: 300, minRate: 1 } });
  const client = await stage.client();
  client.write("POST / HTTP/1.1\nHost: a\nContent-Length: 100\n\nhello");
  await client.end();
  await waitFor(() => stage.server.connections === 0);
});

Deno.test("N9 a client that does not take its download is cut, and the download ends", async () => {
  const ended = Promise.withResolvers<void>();
  await using stage = await Stage.open({
    flow: { idleMs: 500, minRate: 1 },
    answer: () =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
            cancel: () => ended.resolve(),
          }),
        ),
      ),
  });
  const client = await stage.client();
  client.socket.pause();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  await within(PATIENCE, "the download to end", ended.promise);
  await waitFor(() => stage.server.connections === 0);
});

Deno.test("N9 a handler that takes long is no fault of its client", async () => {
  const later = Promise.withResolvers<void>();
  await using stage = await Stage.open({
    flow: { idleMs: 100, minRate: 1e9 },
    bounds: { keepAliveMs: 100, firstRequestMs: 100 },
    answer: async () => {
      await later.promise;
      return new Response("at last");
    },
  });
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  // Longer than all of these, and than two looks at the connections.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  later.resolve();
  await client.saw("at last");
});

Deno.test("N9 a stream that fails in the middle cuts the connection, so that nobody takes it for whole", async () => {
  const stage = await Stage.open({
    answer: () =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("begin")),
            pull: (controller) => controller.error(new Error("the disk is gone")),
          }, { highWaterMark: 0 }),
        ),
      ),
  });
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  assert.doesNotMatch(await client.end(), /\r\n0\r\n\r\n$/);
  await waitFor(() => stage.failures.length === 1);
  assert.equal(String(stage.failures[0]), "Error: the disk is gone");
  await stage.server.close(0);
});

Deno.test("N9 connections are bounded in all and for an address, unless that stands for many", async () => {
  await using stage = await Stage.open({
    bounds: { total: 4, perAddress: 2 },
    standsForMany: (peer) => peer === "127.0.0.9",
  });
  const open = [await stage.client(), await stage.client()];
  await waitFor(() => stage.server.connections === 2);
  await (await stage.client()).end();
  await stage.client("127.0.0.9");
  await stage.client("127.0.0.9");
  await waitFor(() => stage.server.connections === 4);
  await (await stage.client("127.0.0.9")).end();
  open[0]?.socket.destroy();
  await waitFor(() => stage.server.connections === 3);
  const next = await stage.client();
  next.write("GET / HTTP/1.1\nHost: a\n\n");
  await next.saw("200 OK");
});

Deno.test("N9 requests that are sent ahead of their answers are bounded", async () => {
  const later = Promise.withResolvers<void>();
  await using stage = await Stage.open({
    bounds: { pipelined: 3 },
    answer: async () => {
      await later.promise;
      return new Response("x");
    },
  });
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n".repeat(4));
  await client.end();
  later.resolve();
});

Deno.test("N9 requests under way are finished when the server stops, idle connections closed, and nobody else taken", async () => {
  const later = Promise.withResolvers<void>();
  let begun = false;
  await using stage = await Stage.open({
    answer: async () => {
      begun = true;
      await later.promise;
      return new Response("finished");
    },
  });
  const [busy, idle] = [await stage.client(), await stage.client()];
  busy.write("GET / HTTP/1.1\nHost: a\n\n");
  await waitFor(() => begun && stage.server.connections === 2);
  const closing = stage.server.close(PATIENCE);
  await idle.end();
  await (await stage.client()).end();
  later.resolve();
  assert.match(await busy.end(), /connection: close[^]*finished$/i);
  await within(PATIENCE, "the server to close", closing);
});

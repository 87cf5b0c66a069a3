// Where a request begins and ends, and whose answer is whose: what a client or a proxy may try to have read in two ways.
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { Stage } from "./stage.ts";

Deno.test("N9 what a proxy might read otherwise is refused in JSON and the connection closed, and nothing behind it is a request", async () => {
  const reached: string[] = [];
  await using stage = await Stage.open({
    answer: async (request) => {
      reached.push(new URL(request.url).pathname);
      return new Response(await request.text());
    },
  });
  const chunked = "\n\n3\nabc\n0\n\n";
  for (
    const [written, status] of [
      ["GET / HTTP/1.1\n\n", 400],
      ["GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400],
      ["GET / HTTP/1.1\nHost: a\nX: a\n folded\n\n", 400],
      ["GET / HTTP/1.1\nHost: a\nX: a\0b\n\n", 400],
      [`POST / HTTP/1.0\nTransfer-Encoding: chunked${chunked}`, 400],
      [`POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked${chunked}`, 501],
      [`POST / HTTP/1.1\nHost: a\nTransfer-Encoding: xchunked${chunked}`, 400],
      [`POST / HTTP/1.1\nHost: a\nTransfer-Encoding : chunked${chunked}`, 400],
      [`POST / HTTP/1.1\nHost: a\nTransfer-Encoding:\n chunked${chunked}`, 400],
      ["POST / HTTP/1.1\nHost: a\nTransfer-Encoding:\nContent-Length: 3\n\nabc", 501],
      [
        `POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked${chunked}`,
        400,
      ],
      ["POST / HTTP/1.1\nHost: a\nContent-Length: 3, 3\n\nabc", 400],
      ["POST / HTTP/1.1\nHost: a\nContent-Length: +3\n\nabc", 400],
      ["POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0x3\nabc\n0\n\n", 400],
      ["POST / HTTP/1.1\nHost: a\nExpect: tea\nContent-Length: 1\n\na", 417],
      ["TRACE / HTTP/1.1\nHost: a\n\n", 405],
      ["CONNECT a:443 HTTP/1.1\nHost: a\n\n", 405],
    ] as const
  ) {
    reached.length = 0;
    const client = await stage.client();
    client.write(`${written}GET /behind HTTP/1.1\nHost: a\n\n`);
    const answer = await client.end();
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} [^]*x-common: yes\r\n`), written);
    assert.match(answer, /\r\nconnection: close\r\n/i, written);
    assert.match(answer, /\r\n\r\n\{"error":"[^\r\n]+"\}$/, written);
    if (status === 405) assert.match(answer, /\r\nallow: GET, /i);
    assert.ok(!reached.includes("/behind"), written);
  }
});

Deno.test("N9 the body of a GET is none, and what it holds is no request", async () => {
  await using stage = await Stage.open({
    answer: ({ url }) => Promise.resolve(new Response(new URL(url).pathname)),
  });
  const client = await stage.client();
  client.write("GET /a HTTP/1.1\nHost: a\nContent-Length: 33\n\n");
  client.write("GET /hidden HTTP/1.1\nHost: aaaa\n\n");
  client.write("GET /b HTTP/1.1\nHost: a\nConnection: close\n\n");
  const answers = await client.end();
  assert.equal(answers.split("HTTP/1.1 200 OK").length, 3);
  assert.doesNotMatch(answers, /hidden/);

  // The runtime would not read the rest of a large one: the connection is closed behind the answer.
  for (const method of ["GET", "HEAD"]) {
    const large = await stage.client();
    large.write(`${method} /a HTTP/1.1\nHost: a\nContent-Length: 5000000\n\n`);
    large.socket.write("a".repeat(5_000_000));
    assert.match(await large.end(), /^HTTP\/1.1 200 [^]*\r\nconnection: close/i);
  }
  await waitFor(() => stage.server.connections === 0);
});

Deno.test("N9 what is no HTTP behind a request ends the connection, and is not answered in the middle of that one's answer", async () => {
  const goOn = Promise.withResolvers<void>();
  await using stage = await Stage.open({
    answer: () =>
      Promise.resolve(
        new Response(
          ReadableStream.from((async function* () {
            yield new TextEncoder().encode("the first half");
            await goOn.promise;
            yield new TextEncoder().encode("the second half");
          })()),
          { headers: { "content-length": "29" } },
        ),
      ),
  });
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\n\n");
  await client.saw("the first half");
  client.write("garbage\n\n");
  assert.doesNotMatch(await client.end(), /HTTP\/1.1 400/);
  goOn.resolve();
});

Deno.test("N9 a client that takes no answers is cut, however small they are", async () => {
  let answered = 0;
  await using stage = await Stage.open({
    flow: { idleMs: 300, minRate: 1 },
    // It is not for those that it is cut.
    bounds: { pipelined: 1_000_000 },
    answer: () => {
      answered++;
      return Promise.resolve(Response.json({ text: "a".repeat(8000) }));
    },
  });
  const client = await stage.client();
  client.socket.pause();
  await waitFor(() => {
    client.write("GET / HTTP/1.1\nHost: a\n\n".repeat(10));
    return answered > 0 && stage.server.connections === 0;
  });
});

Deno.test("N9 who sends requests ahead of their answers gets them in their order, and is not cut for those that wait", async () => {
  const encoder = new TextEncoder();
  await using stage = await Stage.open({
    flow: { idleMs: 600, minRate: 1 },
    answer: async ({ url }) => {
      const name = new URL(url).pathname;
      if (name !== "/slow") return new Response(`whole ${name}`);
      await Promise.resolve();
      return new Response(ReadableStream.from((async function* () {
        for (let i = 0; i < 5; i++) {
          await new Promise((resolve) => setTimeout(resolve, 400));
          yield encoder.encode("slow ");
        }
      })()));
    },
  });
  const client = await stage.client();
  client.write("GET /slow HTTP/1.1\nHost: a\n\nGET /b HTTP/1.1\nHost: a\n\n");
  client.write("GET /c HTTP/1.1\nHost: a\nConnection: close\n\n");
  const said = await client.end();
  assert.match(said, /slow [^]*whole \/b[^]*whole \/c$/);
});

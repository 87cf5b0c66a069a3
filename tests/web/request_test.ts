// Requests to the host: how long is waited, and in what words a refusal is told.

import assert from "node:assert/strict";
import { Offline, Refused } from "../../src/web/errors.ts";
import { request, requestJson } from "../../src/web/request.ts";
import { texts } from "../../src/web/texts.ts";

/** Asks a host that answers so. */
async function asking(
  answer: () => Response,
  ask: (url: string) => Promise<unknown>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  await ask(`http://127.0.0.1:${server.addr.port}/`);
}

/** An answer whose head comes, and then nothing more. */
function halfAnswer(): Response {
  const started = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(new TextEncoder().encode('{"id":')),
  });
  return new Response(started, { headers: { "content-type": "application/json" } });
}

Deno.test("an answer that stops half-way is waited for no longer than for one that never comes", async () => {
  await asking(halfAnswer, async (url) => {
    await assert.rejects(requestJson(url, { deadline: 300 }), Offline);
  });
});

Deno.test("whoever asked and left is told of that, not of a host that cannot be reached", async () => {
  await asking(halfAnswer, async (url) => {
    const leaving = new AbortController();
    const asked = requestJson(url, { signal: leaving.signal });
    leaving.abort(new DOMException("Left", "AbortError"));
    await assert.rejects(asked, { name: "AbortError" });
  });
});

Deno.test("a body is read as it comes, however long after its head", async () => {
  const slow = (): Response => {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode("all ");
      await new Promise((resolve) => setTimeout(resolve, 600));
      yield new TextEncoder().encode("of it");
    };
    return new Response(ReadableStream.from(pieces()));
  };
  await asking(slow, async (url) => {
    const response = await request(url, { deadline: 300 });
    assert.equal(await response.text(), "all of it");
  });
});

Deno.test("a refusal is told in the host's own words, and a proxy's page in those of this one", async () => {
  await asking(() => Response.json({ error: "No such draft" }, { status: 404 }), async (url) => {
    await assert.rejects(request(url), new Refused(404, "No such draft", null));
  });
  await asking(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }), async (url) => {
    await assert.rejects(request(url), new Refused(502, texts.notices.refused(502), null));
  });
});

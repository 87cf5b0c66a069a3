// JSON bodies: what is taken, and what is refused before it costs anything.
import assert from "node:assert/strict";
import fc from "fast-check";
import { TakingTurns } from "../../../src/api/server/taking_turns.ts";
import { readJson } from "../../../src/api/server/body.ts";

const LIMIT = 256 * 1024;

function request(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  const request = new Request("http://host/fmsg", { method: "POST", body });
  request.headers.delete("content-type");
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  return request;
}

Deno.test("N3 a body is JSON with or without a charset of UTF-8, or without a type", async () => {
  for (
    const type of [
      "application/json",
      "Application/JSON",
      "application/json; charset=utf-8",
      'application/json;charset="UTF-8"',
      "application/json ; charset=UTF-8;",
    ]
  ) {
    assert.deepEqual(await readJson(request("[1]", { "content-type": type }), LIMIT), [1], type);
  }
  assert.deepEqual(await readJson(request("[1]"), LIMIT), [1]);
});

Deno.test("N3 a body of another type is refused with 415", async () => {
  for (
    const type of [
      "text/plain",
      "application/jsonp",
      "application/json; charset=latin1",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=a",
      "",
    ]
  ) {
    await assert.rejects(readJson(request("[1]", { "content-type": type }), LIMIT), {
      name: "ApiError",
      status: 415,
    }, type);
  }
});

Deno.test("N3 what is no JSON in UTF-8 is refused with 400", async () => {
  for (
    const body of [
      "",
      "{",
      "[1] 2",
      "{'a': 1}",
      "undefined",
      new Uint8Array([0x22, 0xff, 0x22]),
      new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]),
      "\ufeff\ufeff{}",
      '"a',
      '"\\"',
    ]
  ) {
    await assert.rejects(readJson(request(body), LIMIT), { name: "ApiError", status: 400 });
  }
  await assert.rejects(readJson(request(null), LIMIT), { name: "ApiError", status: 400 });
});

Deno.test("N9 JSON whose values would take more than its text is refused before it is parsed", async () => {
  for (
    const body of [
      "[".repeat(1000),
      "[".repeat(17) + "]".repeat(17),
      `[${"[],".repeat(30_000)}[]]`,
      `[${'"",'.repeat(40_000)}1]`,
      `[${"1,".repeat(40_000)}1]`,
      " ".repeat(70_000) + "1",
    ]
  ) {
    await assert.rejects(readJson(request(body), LIMIT), { name: "ApiError", status: 400 });
  }
});

Deno.test("N9 text in JSON may be as long as the limit, whatever it holds", async () => {
  const texts = fc.string({ unit: fc.constantFrom('"', "\\", "[", "{", "é", "a", "\n", "\u0000") });
  await fc.assert(fc.asyncProperty(fc.array(texts, { maxLength: 20 }), async (values) => {
    const value = { data: values.join("").repeat(300), list: values };
    const body = JSON.stringify(value);
    if (body.length > LIMIT) return;
    assert.deepEqual(await readJson(request(body), LIMIT), value);
  }));
});

Deno.test("N9 a body that says itself that it is too large is refused without a byte of it being read", async () => {
  let pulled = 0;
  const body = new ReadableStream({
    pull: (controller) => {
      pulled++;
      controller.enqueue(new Uint8Array(1024));
    },
  }, { highWaterMark: 0 });
  await assert.rejects(readJson(request(body, { "content-length": String(LIMIT + 1) }), LIMIT), {
    name: "ApiError",
    status: 413,
  });
  assert.equal(pulled, 0);
});

Deno.test("N9 a body of unknown length is refused as soon as it is too large", async () => {
  let pulled = 0;
  const body = new ReadableStream({
    pull: (controller) => {
      pulled++;
      // All of it in one text: otherwise it would be refused for its shape before.
      controller.enqueue(
        new TextEncoder().encode((pulled === 1 ? '"' : "a").padEnd(64 * 1024, "a")),
      );
    },
  }, { highWaterMark: 0 });
  await assert.rejects(readJson(request(body), LIMIT), { name: "ApiError", status: 413 });
  assert.equal(pulled, LIMIT / (64 * 1024) + 1);
});

Deno.test("N9 JSON is the same however it is cut into pieces, within characters, escapes and strings", async () => {
  const text = JSON.stringify({ a: 'é"\\\\"\\', b: ["中", "\u{1f600}"] }) + " ";
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at <= bytes.length; at++) {
    const body = ReadableStream.from([bytes.slice(0, at), bytes.slice(at)]);
    assert.deepEqual(await readJson(request(body), LIMIT), JSON.parse(text));
  }
  const nested = new TextEncoder().encode("[".repeat(17));
  const body = ReadableStream.from(Array.from(nested, (byte) => Uint8Array.of(byte)));
  await assert.rejects(readJson(request(body), LIMIT), { status: 400, message: /nested/ });
  const half = ReadableStream.from([Uint8Array.of(0x22, 0xc3)]);
  await assert.rejects(readJson(request(half), LIMIT), { status: 400 });
});

Deno.test("N9 large bodies are parsed one at a time, with rests in between, and a broken one holds nobody up", async () => {
  const turns = new TakingTurns();
  const busy = (ms: number) => (): number => {
    const started = performance.now();
    while (performance.now() < started + ms);
    return started;
  };
  const broken = turns.do(() => {
    throw new Error("broken");
  });
  await assert.rejects(broken, /broken/);
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => turns.do(busy(20))));
  // The clock of timers counts whole milliseconds.
  assert.ok((second ?? 0) - (first ?? 0) >= 39, `${first} ${second}`);
  assert.ok((third ?? 0) - (second ?? 0) >= 39, `${second} ${third}`);
});

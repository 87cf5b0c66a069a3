// The page as it is served, with files of the test's own.

import assert from "node:assert/strict";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { encodingFor } from "../../../src/api/web/encodings.ts";
import { isOfPage, Page } from "../../../src/api/web/mod.ts";
import { pack, type PageFile, unpack } from "../../../src/api/web/page_file.ts";

const TEXT = "<!doctype html>".repeat(100);
const SCRIPT = "/main-0123456789ab.js";

function file(path: string, text: string): PageFile {
  return { path, bytes: new TextEncoder().encode(text) };
}

const FILES = [
  file("/", TEXT),
  file(SCRIPT, "let a = 1;".repeat(50)),
  file("/sw.js", "1"),
  file("/icon.svg", "<svg/>"),
];

const SILENT = { error: (): void => assert.fail("nothing goes wrong") };

const page = new Page(SILENT, () => Promise.resolve(FILES));

async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<Response> {
  const answer = await page.answer(new Request(`http://host${path}`, { method, headers }));
  assert.ok(answer !== null, path);
  return answer;
}

Deno.test("the page comes in the smallest encoding that a client takes, and is the same in each", async () => {
  const decode = {
    br: brotliDecompressSync,
    gzip: gunzipSync,
    identity: (bytes: Uint8Array) => bytes,
  };
  const etags = new Set<string | null>();
  for (
    const [accepted, encoding] of [
      ["gzip, deflate, br, zstd", "br"],
      ["gzip", "gzip"],
      ["br;q=0, *", "gzip"],
      [null, "identity"],
    ] as const
  ) {
    const answer = await ask("/", accepted === null ? {} : { "accept-encoding": accepted });
    const bytes = await answer.bytes();
    assert.equal(answer.headers.get("content-encoding") ?? "identity", encoding);
    assert.equal(Number(answer.headers.get("content-length")), bytes.length);
    assert.equal(answer.headers.get("vary"), "accept-encoding");
    assert.equal(new TextDecoder().decode(decode[encoding](bytes)), TEXT);
    etags.add(answer.headers.get("etag"));
  }
  assert.equal(etags.size, 3);
});

Deno.test("Accept-Encoding is read as RFC 9110 has it", () => {
  for (
    const [accepted, encoding] of [
      ["", "identity"],
      ["*", "br"],
      ["BR", "br"],
      ["br;q=0", "identity"],
      ["br; q=0.001", "br"],
      ["gzip;q=nonsense", "identity"],
      ["identity, gzip;q=0, br ; q=0.0", "identity"],
      ["deflate", "identity"],
    ] as const
  ) assert.equal(encodingFor(accepted), encoding, accepted);
});

Deno.test("what is small already is not compressed", async () => {
  const answer = await ask("/sw.js", { "accept-encoding": "br, gzip" });
  assert.equal(answer.headers.get("content-encoding"), null);
  assert.equal(await answer.text(), "1");
});

Deno.test("a client that has the page already gets 304, and HEAD has all but the body", async () => {
  const accept = { "accept-encoding": "br" };
  const [first, head] = [await ask("/", accept), await ask("/", accept, "HEAD")];
  assert.deepEqual([...head.headers], [...first.headers]);
  assert.equal(await head.text(), "");
  await first.body?.cancel();
  const etag = first.headers.get("etag") ?? "";
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const answer = await ask("/", { ...accept, "if-none-match": known });
    assert.equal(answer.status, 304, known);
    assert.equal(answer.headers.get("etag"), etag);
    assert.equal(answer.body, null);
  }
  // Its own ETag for each encoding: what is kept of one does not stand for another.
  const other = await ask("/", { "accept-encoding": "gzip", "if-none-match": etag });
  assert.equal(other.status, 200);
  await other.body?.cancel();
});

Deno.test("names with a hash are kept for ever, the others asked for again; only programs get the page's policy", async () => {
  const of = async (path: string): Promise<Headers> => {
    const { headers, body } = await ask(path);
    await body?.cancel();
    return headers;
  };
  const [root, script, worker, icon] = [
    await of("/"),
    await of(SCRIPT),
    await of("/sw.js"),
    await of("/icon.svg"),
  ];
  assert.equal(script.get("cache-control"), "public, max-age=31536000, immutable");
  for (const headers of [root, worker, icon]) {
    assert.equal(headers.get("cache-control"), "no-cache");
  }
  for (const headers of [root, worker]) {
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; /);
    assert.match(policy, /; require-trusted-types-for 'script'/);
    assert.doesNotMatch(policy, /unsafe|data:|https?:|\*/);
  }
  for (const headers of [script, icon]) {
    assert.equal(headers.get("content-security-policy"), null);
  }
  assert.equal(root.get("content-type"), "text/html; charset=utf-8");
  assert.equal(icon.get("content-type"), "image/svg+xml");
});

Deno.test("many who ask at once wait for one page; what it has not is null", async () => {
  let loaded = 0;
  const later = Promise.withResolvers<PageFile[]>();
  const slow = new Page(SILENT, () => {
    loaded++;
    return later.promise;
  });
  const asked = ["/", "/", "/other.js"].map((path) =>
    slow.answer(new Request(`http://host${path}`))
  );
  later.resolve([...FILES]);
  const [one, two, none] = await Promise.all(asked);
  assert.deepEqual([loaded, one?.status, two?.status, none], [1, 200, 200, null]);
  await Promise.all([one?.body?.cancel(), two?.body?.cancel()]);
});

Deno.test("a page that cannot be made is told in the log and to who asks, and tried again", async () => {
  const logged: unknown[] = [];
  let broken = true;
  const log = { error: (_: string, fields?: unknown): void => void logged.push(fields) };
  const page = new Page(
    log,
    () => broken ? Promise.reject(new Error("main.tsx:1: no")) : Promise.resolve(FILES),
  );
  const request = new Request("http://host/");
  const answer = await page.answer(request);
  assert.equal(answer?.status, 500);
  assert.match(await answer.text(), /The log of the host says what is wrong/);
  assert.deepEqual(logged, [{ error: "main.tsx:1: no" }]);
  broken = false;
  const mended = await page.answer(request);
  assert.equal(mended?.status, 200);
  await mended.body?.cancel();
});

Deno.test("the page's paths are those of its files, and none of the interface", () => {
  for (const path of [...FILES.map(({ path }) => path), "/chunk-AB12.js", "/favicon.ico"]) {
    assert.ok(isOfPage(path), path);
  }
  for (
    const path of ["/fmsg", "/fmsg/1.js", "/session", "/a/../b.js", "/.env", "//a.js", "/x.php"]
  ) {
    assert.ok(!isOfPage(path), path);
  }
});

Deno.test("files are the same after they were embedded; what is no embedded page is refused", () => {
  const odd = { path: "/icon.png", bytes: new Uint8Array([0, 255, 13, 10]) };
  assert.deepEqual(unpack(pack([...FILES, odd])), [...FILES, odd]);
  for (const text of ["{}", "[1]", '[["/"]]']) assert.throws(() => unpack(text), TypeError);
});

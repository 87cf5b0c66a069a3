// Parts of messages as answers: ranges, validators, and names to save them as.

import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { attachmentDisposition, download } from "../../src/api/download.ts";
import { ApiError } from "../../src/api/error.ts";
import type { Bytes } from "../../src/wire/mod.ts";

const DATA = new TextEncoder().encode("0123456789");
const HASH = "ab".repeat(32);
const ETAG = `"${HASH}"`;

function answer(headers: Record<string, string> = {}, hash: string | null = HASH): Response {
  const part = { type: "text/plain", size: DATA.length, filename: null, read };
  return download({ part, filename: "message-1.txt", hash }, new Request("http://h/", { headers }));
}

async function* read(start = 0, end = DATA.length): AsyncGenerator<Bytes, void> {
  for (let at = start; at < end; at += 3) yield DATA.slice(at, Math.min(at + 3, end));
}

async function ranged(range: string, headers: Record<string, string> = {}): Promise<string> {
  const response = answer({ range, ...headers });
  return `${response.status} ${response.headers.get("content-range")} ${await response.text()}`;
}

Deno.test("a download is whole, with its length, its type, and a name to save it as", async () => {
  const response = answer();
  equal(response.status, 200);
  deepEqual(Object.fromEntries(response.headers), {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-disposition": 'attachment; filename="message-1.txt"',
    "content-length": "10",
    "content-type": "text/plain",
    etag: ETAG,
  });
  equal(await response.text(), "0123456789");
});

Deno.test("one range is served, whatever its form; several, or another unit, give the whole", async () => {
  equal(await ranged("bytes=2-4"), "206 bytes 2-4/10 234");
  equal(await ranged("bytes=0-0"), "206 bytes 0-0/10 0");
  equal(await ranged("bytes=7-"), "206 bytes 7-9/10 789");
  equal(await ranged("bytes=7-99"), "206 bytes 7-9/10 789");
  equal(await ranged("bytes=-3"), "206 bytes 7-9/10 789");
  equal(await ranged("bytes=-99"), "206 bytes 0-9/10 0123456789");
  for (const other of ["bytes=1-2,4-5", "lines=1-2", "bytes=5-2", "bytes=a-b", "bytes=-", ""]) {
    equal(await ranged(other), "200 null 0123456789", other);
  }
});

Deno.test("a range behind the end is 416 and says how much there is", () => {
  for (const range of ["bytes=10-", "bytes=99-100", "bytes=-0"]) {
    throws(() => answer({ range }), (error) =>
      error instanceof ApiError && error.status === 416 &&
      error.headers["content-range"] === "bytes */10");
  }
});

Deno.test("If-Range gives the rest only of what the client has", async () => {
  equal(await ranged("bytes=7-", { "if-range": ETAG }), "206 bytes 7-9/10 789");
  equal(await ranged("bytes=7-", { "if-range": '"other"' }), "200 null 0123456789");
  equal(
    await ranged("bytes=7-", { "if-range": "Sat, 01 Aug 2026 00:00:00 GMT" }),
    "200 null 0123456789",
  );
});

Deno.test("what the client has is not sent again; a draft has nothing to tell it by", async () => {
  for (const tag of [ETAG, `W/${ETAG}`, `"x", ${ETAG}`, "*"]) {
    const response = answer({ "if-none-match": tag });
    equal(response.status, 304, tag);
    equal(response.headers.get("etag"), ETAG);
    equal(await response.text(), "");
  }
  const draft = answer({ "if-none-match": "*" }, null);
  equal(draft.status, 200);
  equal(draft.headers.get("etag"), null);
  await draft.body?.cancel();
});

Deno.test("a file name is given in ASCII, and as it is where that differs", () => {
  equal(attachmentDisposition("notes.pdf"), 'attachment; filename="notes.pdf"');
  equal(
    attachmentDisposition("Größe (1)'s.txt"),
    `attachment; filename="Gr__e (1)'s.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%281%29%27s.txt`,
  );
  equal(attachmentDisposition("../../etc/passwd"), 'attachment; filename="__.._etc_passwd"');
  equal(attachmentDisposition('a"b\r\nX: y'), 'attachment; filename="a_b__X: y"');
  equal(attachmentDisposition("photo\u202Egpj.exe"), 'attachment; filename="photo_gpj.exe"');
});

Deno.test("no file name makes a header that is none, or another name than its own", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (name) => {
    const header = attachmentDisposition(name);
    equal(new Headers({ "content-disposition": header }).get("content-disposition"), header.trim());
    const [, quoted, , extended] =
      /^attachment; filename="([^"\\]*)"(; filename\*=UTF-8''([A-Za-z0-9%._~!#$&+^`|-]*))?$/.exec(
        header,
      ) ?? [];
    equal(typeof quoted, "string", header);
    if (extended !== undefined) decodeURIComponent(extended);
  }));
});

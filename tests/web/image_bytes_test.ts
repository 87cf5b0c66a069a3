// Pictures are known by their bytes, and not drawn when they are too large to be.

import assert from "node:assert/strict";
import fc from "fast-check";
import { fileKind, isPreviewed } from "../../src/web/file_kinds.ts";
import { imageFacts, isModestImage } from "../../src/web/image_bytes.ts";

/** Text as Latin-1, numbers as bytes. */
function bytes(...parts: readonly (string | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? Array.from(part, (sign) => sign.charCodeAt(0)) : [...part]
    ),
  );
}

const PNG = (width: number, height: number): Uint8Array =>
  bytes(
    "\x89PNG\r\n\x1a\n",
    [0, 0, 0, 13],
    "IHDR",
    [width >>> 24, width >> 16 & 255, width >> 8 & 255, width & 255],
    [height >>> 24, height >> 16 & 255, height >> 8 & 255, height & 255],
  );

Deno.test("each raster type is known by its bytes, with its size", () => {
  assert.deepEqual(imageFacts(PNG(640, 480)), { type: "image/png", width: 640, height: 480 });
  assert.deepEqual(imageFacts(bytes("GIF89a", [10, 0, 5, 0, 0, 0])), {
    type: "image/gif",
    width: 10,
    height: 5,
  });
  assert.deepEqual(
    imageFacts(bytes(
      [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2],
      [0xff, 0xc2, 0, 17, 8, 1, 0, 2, 0, 3],
    )),
    { type: "image/jpeg", width: 512, height: 256 },
  );
  assert.deepEqual(
    imageFacts(bytes("RIFF", [0, 0, 0, 0], "WEBPVP8X", [0, 0, 0, 0], [0, 0, 0, 0], [99, 0, 0], [
      49,
      0,
      0,
    ])),
    { type: "image/webp", width: 100, height: 50 },
  );
  assert.deepEqual(
    imageFacts(bytes(
      [0, 0, 0, 28],
      "ftypavif",
      [0, 0, 0, 20],
      "ispe",
      [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 128],
      "more that follows",
    )),
    { type: "image/avif", width: 256, height: 128 },
  );
});

Deno.test("what is none of them is no picture, whatever it is called: SVG, HTML, half a file", () => {
  for (const text of ["<svg onload=alert(1)>", "<!doctype html>", "", "GIF89a", "BM\0\0\0\0"]) {
    assert.equal(imageFacts(bytes(text)), null);
  }
  assert.equal(imageFacts(PNG(0, 5)), null);
  assert.equal(isPreviewed({ type: "image/svg+xml", size: 10 }), false);
  assert.equal(isPreviewed({ type: "image/png", size: 10_000_001 }), false);
  assert.equal(isPreviewed({ type: "image/png", size: 10 }), true);
});

Deno.test("a small file that is drawn as gigabytes is not shown", () => {
  const facts = imageFacts(PNG(60_000, 60_000));
  assert.ok(facts !== null && !isModestImage(facts));
});

Deno.test("property: no bytes make it throw", () => {
  const starts = [
    "\x89PNG\r\n\x1a\n",
    "GIF89a",
    "\xff\xd8\xff",
    "RIFF0000WEBPVP8X",
    "0000ftypavif",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 64 }), (start, rest) => {
      imageFacts(bytes(start, [...rest]));
    }),
  );
});

Deno.test("a file's kind is a short word", () => {
  assert.equal(fileKind("image/png", "a.png"), "PNG");
  assert.equal(fileKind("application/pdf", "a"), "PDF");
  assert.equal(fileKind("application/octet-stream", "a.tar"), "TAR");
  assert.equal(fileKind("application/octet-stream", "a"), "application/octet-stream");
  assert.equal(fileKind("constructor", "a"), "constructor");
});

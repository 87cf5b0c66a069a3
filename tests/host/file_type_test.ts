// Media types by file names, and file names by media types.

import { equal } from "node:assert/strict";
import { endingOfType, typeOfBody, typeOfFile } from "../../src/host/file_type.ts";

Deno.test("a file's name tells its type, in any case", () => {
  equal(typeOfFile("a.png"), "image/png");
  equal(typeOfFile("Report.PDF"), "application/pdf");
  equal(typeOfFile("a.tar.gz"), "application/gzip");
  equal(typeOfFile("README"), "application/octet-stream");
  equal(typeOfFile("a.constructor"), "application/octet-stream");
});

Deno.test("a type tells the ending that people expect", () => {
  equal(endingOfType("text/plain"), "txt");
  equal(endingOfType("text/plain; charset=utf-8"), "txt");
  equal(endingOfType("TEXT/Markdown"), "md");
  equal(endingOfType("text/html"), "html");
  equal(endingOfType("image/jpeg"), "jpg");
  equal(endingOfType("image/tiff"), "tiff");
  equal(endingOfType("application/x-unheard-of"), "bin");
  equal(endingOfType(""), "bin");
});

Deno.test("bytes are plain text where they are UTF-8", () => {
  equal(typeOfBody(new TextEncoder().encode("ö")), "text/plain;charset=UTF-8");
  equal(typeOfBody(Uint8Array.of(0xff)), "application/octet-stream");
});

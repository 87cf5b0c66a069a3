// What is taken out of the clipboard.

import { deepEqual } from "node:assert/strict";
import { pastedFiles } from "../../src/web/views/dropped_files.ts";

const PICTURE = new File(["bytes"], "image.png", { type: "image/png" });

function pasted(...types: string[]): string[] {
  // Of a FileList only what it lists is asked for.
  const files = Object.assign([PICTURE], { item: () => PICTURE });
  return pastedFiles({ types, files }).map(({ name }) => name);
}

Deno.test("pasted cells of a table are text, though a picture of them lies beside it", () => {
  deepEqual(pasted("text/plain", "text/html", "text/rtf", "Files"), []);
});

Deno.test("a pasted file is attached: from a screen, a web page, a folder", () => {
  deepEqual(pasted("Files"), ["image.png"]);
  deepEqual(pasted("text/html", "Files"), ["image.png"]);
  deepEqual(pasted("text/plain", "Files"), ["image.png"]);
  deepEqual(pastedFiles(null), []);
});

// Where the page comes from: the executable has it embedded, a checkout makes it.

import { IS_BUILT } from "../../version.ts";
import { EMBEDDED, type PageFile, unpack } from "./page_file.ts";

/** Throws an Error that says on one line what is wrong. */
export async function loadPage(): Promise<PageFile[]> {
  if (IS_BUILT) return unpack(await Deno.readTextFile(new URL(`./${EMBEDDED}`, import.meta.url)));
  const { bundlePage } = await import("./bundle.ts");
  return await bundlePage();
}

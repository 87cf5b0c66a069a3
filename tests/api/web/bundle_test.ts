// The page made from this checkout.

import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BundleError, bundlePage } from "../../../src/api/web/bundle.ts";
import { pageHeaders } from "../../../src/api/web/headers.ts";
import { isOfPage } from "../../../src/api/web/mod.ts";

Deno.test("the page is bundled with names after what it holds, and its service worker knows them", async () => {
  const files = new Map(
    (await bundlePage()).map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]),
  );
  const html = files.get("/") ?? "";
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);
  for (const path of named) assert.ok(files.has(path), path);
  const [script] = named.filter((path) => /^\/main-[0-9a-f]{12}\.js$/.test(path));
  const [style] = named.filter((path) => /^\/style-[0-9a-f]{12}\.css$/.test(path));
  assert.ok(script !== undefined && style !== undefined, named.join(" "));
  // The policy has neither inline scripts nor inline styles.
  assert.doesNotMatch(html, /<style|<script(?! type="module" src=)| style=| on\w+=/);

  const [, list = ""] = /^const SHELL=(\[.*?\]);/.exec(files.get("/sw.js") ?? "") ?? [];
  const shell: unknown = JSON.parse(list);
  assert.ok(Array.isArray(shell));
  assert.deepEqual(new Set(shell), new Set([...files.keys()].filter((path) => path !== "/sw.js")));

  const manifest: unknown = JSON.parse(files.get("/manifest.webmanifest") ?? "");
  const { icons } = Object(manifest);
  for (const { src } of icons) assert.ok(files.has(src), src);
});

/** A page with these sources; everything else of it is empty. */
async function bundleOf(sources: Readonly<Record<string, string>>): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "fmsg-page-" });
  try {
    await Deno.mkdir(join(folder, "icons"));
    const empty = ["icon.svg", "icon-32.png", "icon-192.png", "icon-512.png"];
    const all = {
      ...Object.fromEntries(empty.map((name) => [join("icons", name), ""])),
      ...{ "index.html": HTML, "manifest.webmanifest": "{}", "style.css": "", "sw.ts": "" },
      ...sources,
    };
    await Promise.all(
      Object.entries(all).map(([name, text]) => Deno.writeTextFile(join(folder, name), text)),
    );
    const files = await bundlePage(pathToFileURL(`${folder}/`));
    return new Map(files.map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const HTML = '<script type="module" src="/main.js"></script>';

Deno.test("what is loaded later is there by the names that scripts have for it, which are kept for ever", async () => {
  const files = await bundleOf({
    "main.tsx": 'import { both } from "./both.ts"; both("main"); import("./later.ts");',
    "later.ts": 'import { both } from "./both.ts"; both("later");',
    "both.ts": "export const both = (who: string): void => console.log(`both ${who}`);",
  });
  const scripts = [...files.keys()].filter((path) => path.endsWith(".js") && path !== "/sw.js");
  assert.equal(scripts.length, 3);
  for (const path of scripts) {
    assert.ok(isOfPage(path), path);
    assert.match(pageHeaders(path)["cache-control"] ?? "", /immutable/, path);
    for (const [, name = ""] of (files.get(path) ?? "").matchAll(/"\.(\/[^"]+)"/g)) {
      assert.ok(files.has(name), `${path} has ${name}`);
    }
  }
});

Deno.test("the scripts of the first view are asked for at once, those of later views are not", async () => {
  const files = await bundleOf({
    "main.tsx": 'import { both } from "./both.ts"; both("main"); import("./later.ts");',
    "later.ts": 'import { both } from "./both.ts"; import { deep } from "./deep.ts"; both(deep);',
    "both.ts":
      'import { deep } from "./deep.ts"; export const both = (who: string): void => console.log(deep, who);',
    "deep.ts": "export const deep = `deep ${Date.now()}`;",
  });
  const html = files.get("/") ?? "";
  const asked = [...html.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)]
    .map(([, path = ""]) => path);
  assert.ok(asked.length > 0, html);
  for (const path of asked) {
    assert.ok(files.has(path), path);
    assert.doesNotMatch(path, /main|later/);
  }
  // What main.js needs, and nothing beside it.
  const main = [...files].find(([path]) => path.startsWith("/main-"))?.[1] ?? "";
  const [, direct = ""] = /from"\.(\/[^"]+)"/.exec(main) ?? [];
  assert.ok(asked.includes(direct), `${direct}: ${html}`);
});

Deno.test("a page that cannot be bundled says where it is wrong, on one line", async () => {
  for (
    const [sources, message] of [
      [{ "main.tsx": "let a = ;\n" }, /main\.tsx:1/],
      [{ "main.tsx": 'import "./gone.ts";' }, /gone\.ts/],
      [{}, /fmsg-page-.*No such file/],
    ] as const
  ) {
    await assert.rejects(bundleOf(sources), (error) => {
      assert.ok(error instanceof BundleError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
});

// The build: what "deno compile" is given, as far as that can be seen in the file that it writes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { compile } from "../../scripts/compile/compiled.ts";
import { V8_FLAGS } from "../../scripts/compile/flags.ts";
import { bundlePage } from "../../src/api/web/bundle.ts";
import { EMBEDDED, unpack } from "../../src/api/web/page_file.ts";
import { emptyFolder, filledCache, fmsg, SELF_EXTRACTING } from "./support.ts";

/** The bundle that the build made, as it is unpacked: without the runtime and what that keeps. */
function bundled(): string {
  const { entry } = filledCache();
  Deno.removeSync(join(entry, "fmsg"));
  return entry;
}

Deno.test("deno compile takes every module of the program along, with its permissions and flags", async () => {
  const folder = bundled();
  const modules = [...Deno.readDirSync(folder)].map(({ name }) => name);
  for (
    const name of ["main.js", "worker.js", "copy_worker.js", "search_worker.js", "page.json"]
  ) {
    assert.ok(modules.includes(name), name);
  }
  const output = join(emptyFolder(), "fmsg");
  // Any file does as the base binary: the program is written behind it, and is not started here.
  const before = Deno.env.get("DENORT_BIN");
  Deno.env.set("DENORT_BIN", Deno.execPath());
  try {
    assert.equal(await compile(folder, Deno.build.target, output), null);
  } finally {
    if (before === undefined) Deno.env.delete("DENORT_BIN");
    else Deno.env.set("DENORT_BIN", before);
  }
  const written = new TextDecoder("latin1").decode(
    Deno.readFileSync(output).subarray(Deno.statSync(Deno.execPath()).size),
  );
  const metadata = JSON.parse(/\{"argv":.*?"app_name":"fmsg"\}/.exec(written)?.[0] ?? "null");
  const { permissions, v8_flags, code_cache_key, entrypoint_key, log_level } = metadata;
  const granted = Object.keys(permissions).filter((name) => Array.isArray(permissions[name]));
  assert.deepEqual(
    granted.filter((name) => name !== "allow_import").sort(),
    ["allow_env", "allow_net", "allow_read", "allow_sys", "allow_write", "deny_import"],
  );
  assert.equal(permissions.prompt, false);
  for (const flag of V8_FLAGS.split(",")) assert.ok(v8_flags.includes(flag), flag);
  assert.deepEqual({ code_cache_key, entrypoint_key, log_level }, {
    code_cache_key: null,
    entrypoint_key: "main.js",
    log_level: null,
  });
  for (const name of modules) {
    const start = Deno.readTextFileSync(join(folder, name)).slice(0, 200);
    assert.ok(written.includes(start), `${name} is in it`);
  }
});

Deno.test("the bundle has the page in the browser beside its modules, as this checkout makes it", async () => {
  const folder = bundled();
  const embedded = unpack(Deno.readTextFileSync(join(folder, EMBEDDED)));
  assert.deepEqual(embedded, await bundlePage());
});

Deno.test("the bundle names its workers where they are, and keeps apart what is loaded later", async () => {
  const folder = bundled();
  const { stdout } = await fmsg(["--version"], { program: SELF_EXTRACTING });
  const commit = / \((.+)\)\n$/.exec(stdout)?.[1] ?? "";
  assert.notEqual(commit, "");
  const text = (name: string): string => Deno.readTextFileSync(join(folder, name));
  const modules = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".js"));
  const all = modules.map(({ name }) => text(name)).join("\n");
  for (const [, name = ""] of all.matchAll(/new Worker\(new URL\("\.\/([^"]+)"/g)) text(name);
  assert.match(all, /new Worker\(new URL\("\.\/worker\.js", import\.meta\.url\)/);
  assert.ok(!all.includes("@COMMIT@") && all.includes(`"${commit}"`));

  const loaded = new Set(["main.js"]);
  for (const name of loaded) {
    for (const [, imported = ""] of text(name).matchAll(/^(?:\} from|import) "\.\/([^"]+)"/gm)) {
      loaded.add(imported);
    }
  }
  const start = [...loaded].map(text).join("\n");
  assert.ok(loaded.size > 1 && start.includes("runCommandLine"));
  assert.ok(!start.includes("X509CertificateGenerator"), "certificates are made later");
  assert.ok(all.includes("X509CertificateGenerator"));
  assert.ok(!start.includes("RGI_Emoji"), "what measures emoji is loaded with the first column");
  assert.ok(all.includes("RGI_Emoji"));
});

// The page made from the checkout: TypeScript and styles bundled, named after what they hold, and what refers to them.

import type { PageFile } from "./page_file.ts";

/** The page cannot be made from what the checkout holds; the message says where it is wrong, on one line. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

const WEB = new URL("../../web/", import.meta.url);

/** What index.html names; there it is replaced by the name with the hash. */
const ENTRIES = ["main.tsx", "style.css"];
const NAMED: ReadonlySet<string> = new Set(["main.js", "style.css"]);

/** Files that are served as they are. */
const PLAIN: Readonly<Record<string, string>> = {
  "/manifest.webmanifest": "manifest.webmanifest",
  "/icon.svg": "icons/icon.svg",
  "/icon-192.png": "icons/icon-192.png",
  "/icon-512.png": "icons/icon-512.png",
  "/favicon.ico": "icons/icon-32.png",
};

/** All files of the page, from its folder. Throws a BundleError. */
export async function bundlePage(web = WEB): Promise<PageFile[]> {
  try {
    return await bundled(web);
  } catch (error) {
    if (error instanceof BundleError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    // What is not there is not named by every error.
    throw new BundleError(`${web.pathname}: ${onOneLine(why)}`, { cause: error });
  }
}

async function bundled(web: URL): Promise<PageFile[]> {
  // One after the other: nothing goes on when one of them fails.
  const assets = await outputs({ entrypoints: sources(web, ...ENTRIES), codeSplitting: true });
  // One script: not every browser has modules in service workers.
  const [worker] = await outputs({ entrypoints: sources(web, "sw.ts"), format: "iife" });
  const plain: PageFile[] = [];
  for (const [path, file] of Object.entries(PLAIN)) {
    plain.push({ path, bytes: await Deno.readFile(new URL(file, web)) });
  }
  let page = await Deno.readTextFile(new URL("index.html", web));
  const hashed: PageFile[] = [];
  for (const { name, bytes } of assets) {
    // What is loaded later is named by its hash already, in the scripts that load it too.
    const isEntry = NAMED.has(name);
    const path = `/${isEntry ? await hashedName(name, bytes) : name}`;
    hashed.push({ path, bytes });
    if (isEntry) page = page.replaceAll(`"/${name}"`, `"${path}"`);
    else if (text(bytes).includes('"./main.js"')) {
      throw new BundleError("src/web/main.tsx may not be imported by other modules: it is renamed");
    }
  }
  page = withPreloads(page, new Map(assets.map(({ name, bytes }) => [name, text(bytes)])));
  const shell = ["/", ...hashed.map(({ path }) => path), ...Object.keys(PLAIN)];
  return [
    { path: "/", bytes: encoded(page) },
    { path: "/sw.js", bytes: encoded(withShell(shell, worker?.bytes ?? new Uint8Array())) },
    ...hashed,
    ...plain,
  ];
}

/**
 * Asks for all scripts of the first view at once: a browser would find each only in the one that imports it, and a phone far
 * away waits for every such step.
 */
function withPreloads(page: string, scripts: ReadonlyMap<string, string>): string {
  const needed = new Set<string>();
  const waiting = ["main.js"];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    // What is loaded later has a bracket: import("./later.js").
    for (
      const [, name = ""] of (scripts.get(next) ?? "").matchAll(/(?:from|import)"\.\/([^"]+)"/g)
    ) {
      if (needed.has(name) || !scripts.has(name)) continue;
      needed.add(name);
      waiting.push(name);
    }
  }
  const links = [...needed].sort().map((name) => `<link rel="modulepreload" href="/${name}">`);
  return page.replace('<script type="module"', (script) => links.join("") + script);
}

/** sw.ts declares SHELL: the paths to have offline. So its text changes with the page, and browsers take the new one. */
function withShell(shell: readonly string[], worker: Uint8Array): string {
  return `const SHELL=${JSON.stringify(shell)};${text(worker)}`;
}

function sources(web: URL, ...names: readonly string[]): string[] {
  return names.map((name) => decodeURIComponent(new URL(name, web).pathname));
}

/** Nothing is written there, but without it a bundle may have one file only. */
const NOWHERE = "/page";

interface Output {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function outputs(
  options: Pick<Deno.bundle.Options, "entrypoints" | "codeSplitting" | "format">,
): Promise<Output[]> {
  const { success, errors, outputFiles = [] } = await Deno.bundle({
    ...options,
    outputDir: NOWHERE,
    write: false,
    minify: true,
    platform: "browser",
  });
  const [first] = errors;
  if (!success) {
    const { file, line } = first?.location ?? {};
    const place = file === undefined ? "" : `${file}:${line}: `;
    throw new BundleError(onOneLine(`${place}${first?.text ?? "it cannot be bundled"}`));
  }
  return outputFiles.map(({ path, contents }) => ({
    name: path.slice(path.lastIndexOf("/") + 1),
    bytes: new Uint8Array(contents ?? []),
  }));
}

async function hashedName(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 12);
  const dot = name.lastIndexOf(".");
  return `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}

// The messages that the program's source holds, as a page of docs/ quotes them: with … for what is filled in.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SRC = new URL("../../src/", import.meta.url).pathname;

/** The source of a file or of all files in a folder below src/, each as `flattened` has it. */
export function sourceOf(path: string): string {
  const whole = join(SRC, path);
  if (path.endsWith(".ts")) return flattened(readFileSync(whole, "utf8"));
  return readdirSync(whole, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => sourceOf(join(path, name)))
    .join("\n\0\n");
}

/** Texts in one piece: what is put together with + is joined, and what a template fills in is …. */
function flattened(source: string): string {
  return withoutExpressions(source)
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/["'`]\s*\+\s*["'`]/g, "")
    .replace(/\\(["'`])/g, "$1")
    .replace(/\s+/g, " ");
}

function withoutExpressions(source: string): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const start = source.indexOf("${", at);
    if (start < 0) return parts.join("") + source.slice(at);
    let depth = 1;
    let end = start + 2;
    for (; depth > 0 && end < source.length; end++) {
      if (source[end] === "{") depth++;
      if (source[end] === "}") depth--;
    }
    parts.push(source.slice(at, start), "…");
    at = end;
  }
}

/** A message as a page quotes it, to be looked for: what … stands for is short and on the same line. */
export function patternOf(quoted: string): RegExp {
  const pieces = quoted.replace(/^…|…$/g, "").split("…").map((piece) => piece.trim())
    .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(pieces.join("[^\\0]{0,200}?"));
}

/** The first literal of each error of these classes; AcmeErrors name their kind first. */
export function messagesOf(source: string, classes: readonly string[]): string[] {
  return literalsBehind(`new (?:${classes.join("|")})\\(`, source);
}

/** The second literal of each pair: what the problems of an authority mean. */
export function explanationsOf(source: string): string[] {
  return literalsBehind("(?:return|\\?|:) \\[", source);
}

function literalsBehind(start: string, source: string): string[] {
  const found = source.matchAll(new RegExp(`${start} ?(?:"[a-z ]+", ?)?(["\`])(.*?)\\1`, "g"));
  return [...found].map(([, , message = ""]) => message);
}

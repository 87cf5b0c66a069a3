// Changing keys of a YAML text that people wrote: everything else keeps every byte.

import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml";

/** What to change, by the names of the file: a value as YAML in one line; null takes a key out; a tree is a section. */
export type Tree = { readonly [name: string]: string | null | Tree };

/** Something in the text is written in a way that is not changed here. */
export class EditError extends Error {
  override readonly name = "EditError";
}

/** A text as a YAML value that stands anywhere, also inside brackets. */
export function scalar(text: string): string {
  const plain = /^[\w/][\w./@%+:-]*$/.test(text) && !text.endsWith(":") &&
    parseDocument(text).toJS() === text;
  return plain ? text : JSON.stringify(text);
}

/** Texts as a YAML list in one line. */
export function list(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}

/** What the text, which has to be YAML, says there; null where it says nothing. */
export function valueIn(text: string, path: readonly string[]): unknown {
  let value: unknown = parseDocument(text).toJS();
  for (const name of path) {
    if (typeof value !== "object" || value === null) return null;
    value = new Map(Object.entries(value)).get(name);
  }
  return value ?? null;
}

/**
 * The text with the changes made. A key that goes stays as a comment, in the manner of fmsg.example.yaml, where it can
 * be found again, and is taken from there when it comes back; between braces it is taken out. Throws an EditError.
 */
export function edit(text: string, tree: Tree): string {
  const wanted = prune(tree);
  if (wanted === null) return text;
  const document = parseDocument(text);
  const { contents } = document;
  if (!isMap(contents)) throw new EditError("The text to edit has no keys");
  const editor = new Editor(text);
  editor.change(contents, wanted, 0, text.length);
  return editor.result();
}

/** Sections in which nothing changes say nothing. */
function prune(tree: Tree): Tree | null {
  const entries = Object.entries(tree).flatMap(
    ([name, value]): [string, string | null | Tree][] => {
      if (value === null || typeof value === "string") return [[name, value]];
      const inner = prune(value);
      return inner === null ? [] : [[name, inner]];
    },
  );
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

class Editor {
  readonly #edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  readonly #newline: string;

  constructor(readonly text: string) {
    this.#newline = text.includes("\r\n") ? "\r\n" : "\n";
  }

  result(): string {
    const { text } = this;
    let result = "";
    let at = 0;
    // Of those at one place, the inner section's comes first, as they were found.
    for (const edit of this.#edits.toSorted((a, b) => a.start - b.start)) {
      result += text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return result + text.slice(at);
  }

  /** `start`: where the mapping's own key is; `end`: where the next begins. Comments between them belong to it. */
  change(map: YAMLMap, tree: Tree, start: number, end: number): void {
    if (map.flow) {
      this.#replace(...rangeOf(map), this.#braces(map, tree));
      return;
    }
    const [first] = map.items;
    const indent = this.#indentAt(startOf(first));
    const added: Record<string, string | Tree> = {};
    for (const [name, value] of Object.entries(tree)) {
      const index = map.items.findIndex((pair) => nameOf(pair) === name);
      const pair = map.items[index];
      const next = map.items[index + 1];
      if (pair === undefined) {
        if (value !== null) added[name] = value;
      } else if (isEmpty(pair)) {
        if (value !== null) this.#fill(pair, value, indent, next ? startOf(next) : end);
      } else if (value === null) {
        this.#commentOut(startOf(pair), endOf(pair), indent.length);
      } else if (typeof value === "string") {
        this.#replaceValue(pair, value);
      } else {
        if (!isMap(pair.value)) throw new EditError(`${name} is no section`);
        this.change(pair.value, value, startOf(pair), next ? startOf(next) : end);
      }
    }
    this.#add(added, indent, start, endOf(map.items.at(-1)), end);
  }

  /** Gives a value to a key that has none, or null. */
  #fill(pair: Pair, value: string | Tree, indent: string, end: number): void {
    const keyEnd = rangeOf(pair.key)[1];
    const colon = this.text.indexOf(":", keyEnd) + 1;
    if (colon === 0 || this.text.slice(keyEnd, colon - 1).trim() !== "") {
      throw new EditError(`${nameOf(pair)} has no colon`);
    }
    const written = isNode(pair.value) ? rangeOf(pair.value) : [colon, colon];
    const stop = written[0] === written[1] ? colon : written[1];
    if (typeof value === "string") {
      this.#replace(colon, stop, ` ${value}`);
    } else {
      this.#replace(colon, stop, "");
      this.#add(value, indent + "  ", startOf(pair), stop, end);
    }
  }

  #replaceValue({ value }: Pair, wanted: string): void {
    if (isSeq(value) && !value.flow) {
      const texts = value.items.map((item) => isScalar(item) ? String(item.value) : "");
      const items: readonly string[] = JSON.parse(wanted);
      const indent = this.#indentAt(rangeOf(value)[0]);
      for (const [index, item] of value.items.entries()) {
        if (items.includes(texts[index] ?? "")) continue;
        const [start, stop] = rangeOf(item);
        this.#commentOut(start, stop, indent.length);
      }
      const lines = items.filter((item) => !texts.includes(item))
        .map((item) => `${indent}- ${JSON.stringify(item)}`);
      this.#insertLines(endOf(value.items.at(-1)), lines);
    } else {
      const [start, stop] = rangeOf(value);
      // A block's text ends with its line.
      const inside = this.text.slice(start, stop).trimEnd().length;
      this.#replace(start, start + inside, wanted);
    }
  }

  /** New keys of a section: where they stand as comments already, else behind its last line. */
  #add(tree: Tree, indent: string, start: number, lastContent: number, end: number): void {
    const lines: string[] = [];
    for (const [name, value] of Object.entries(tree)) {
      if (value === null) continue;
      const wanted = linesOf(name, value, indent);
      if (this.#uncomment(wanted, indent.length, start, end)) continue;
      if (indent === "") lines.push("");
      lines.push(...wanted);
    }
    // Comments that stand deeper than the keys belong to the last one.
    let behind = lastContent;
    for (const { at, text } of this.#rows(this.#trimmed(lastContent), end).slice(1)) {
      if (!text.startsWith(indent) || !/^\s+#/.test(text.slice(indent.length))) break;
      behind = at + text.length;
    }
    this.#insertLines(behind, lines);
  }

  #insertLines(behind: number, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const newline = this.text.indexOf("\n", this.#trimmed(behind));
    const text = lines.join(this.#newline);
    if (newline < 0) this.#replace(this.text.length, this.text.length, this.#newline + text);
    else this.#replace(newline + 1, newline + 1, text + this.#newline);
  }

  /** Takes lines out of comments, if they are there in this order with nothing but comments between them. */
  #uncomment(wanted: readonly string[], column: number, start: number, end: number): boolean {
    let found: number[] = [];
    for (const { at, text } of this.#rows(start, end)) {
      const line = wanted[found.length] ?? "";
      const commented = `${line.slice(0, column)}#${line.slice(column)}`;
      const behind = text.slice(commented.length);
      if (text.startsWith(commented) && /^(?:[ \t]+#.*|\s*)$/.test(behind)) found.push(at + column);
      else if (!/^\s*(?:#|$)/.test(text)) found = [];
      if (found.length < wanted.length) continue;
      for (const place of found) this.#replace(place, place + 1, "");
      return true;
    }
    return false;
  }

  #commentOut(start: number, end: number, column: number): void {
    for (const { at, text } of this.#rows(start, this.#trimmed(end))) {
      if (/^\s*(?:#|$)/.test(text)) continue;
      const place = at + Math.min(column, text.length - text.trimStart().length);
      this.#replace(place, place, "#");
    }
  }

  /** A mapping between braces, changed. */
  #braces(map: YAMLMap, tree: Tree): string {
    const [start, stop] = rangeOf(map);
    const left = { ...tree };
    const kept: { text: string; gap: string | null }[] = [];
    for (const [index, pair] of map.items.entries()) {
      const name = nameOf(pair);
      const value = Object.hasOwn(left, name) ? left[name] : undefined;
      const next = map.items[index + 1];
      const gap = next === undefined ? null : this.text.slice(endOf(pair), startOf(next));
      const text = this.text.slice(startOf(pair), endOf(pair));
      if (value === undefined) {
        kept.push({ text, gap });
        continue;
      }
      delete left[name];
      if (value === null) {
        // What is said about it stays, without the comma.
        if (gap?.includes("#")) kept.push({ text: "", gap: gap.replace(",", "") });
        continue;
      }
      if (isEmpty(pair)) {
        kept.push({ text: `${name}: ${inBraces(value)}`, gap });
        continue;
      }
      const [from, to] = rangeOf(pair.value);
      const inner = typeof value === "string"
        ? value
        : isMap(pair.value)
        ? this.#braces(pair.value, value)
        : inBraces(value);
      kept.push({
        text: this.text.slice(startOf(pair), from) + inner + this.text.slice(to, endOf(pair)),
        gap,
      });
    }
    for (const [name, value] of Object.entries(left)) {
      if (value !== null) kept.push({ text: `${name}: ${inBraces(value)}`, gap: null });
    }
    const [first] = map.items;
    const isBare = first === undefined;
    const head = isBare ? "{ " : this.text.slice(start, startOf(first));
    const tail = isBare ? " }" : this.text.slice(endOf(map.items.at(-1)), stop);
    if (kept.length === 0) return "{}";
    const body = kept.map(({ text, gap }, index) =>
      index < kept.length - 1 ? text + (gap ?? ", ") : gap?.includes("#") ? text + gap : text
    );
    return head + body.join("") + tail;
  }

  #replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  /** The lines that `start` to `end` touch, without their line breaks. */
  #rows(start: number, end: number): { readonly at: number; readonly text: string }[] {
    const rows: { at: number; text: string }[] = [];
    for (let at = this.#lineStart(start); at < end;) {
      const newline = this.text.indexOf("\n", at);
      const stop = newline < 0 ? this.text.length : newline;
      rows.push({ at, text: this.text.slice(at, stop).replace(/\r$/, "") });
      at = stop + 1;
    }
    return rows;
  }

  #lineStart(offset: number): number {
    return this.text.lastIndexOf("\n", offset - 1) + 1;
  }

  #indentAt(offset: number): string {
    return /^[ \t]*/.exec(this.text.slice(this.#lineStart(offset)))?.[0] ?? "";
  }

  /** Without the line breaks at the end. */
  #trimmed(offset: number): number {
    return this.text.slice(0, offset).trimEnd().length;
  }
}

function linesOf(name: string, value: string | Tree, indent: string): string[] {
  if (typeof value === "string") return [`${indent}${name}: ${value}`];
  const inner = Object.entries(value).flatMap(([name, value]) =>
    value === null ? [] : linesOf(name, value, indent + "  ")
  );
  return [`${indent}${name}:`, ...inner];
}

function inBraces(value: string | Tree): string {
  if (typeof value === "string") return value;
  const inner = Object.entries(value).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${inBraces(value)}`]
  );
  return `{ ${inner.join(", ")} }`;
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : "";
}

/** A key without a value, or with null, which is the same. */
function isEmpty({ value }: Pair): boolean {
  return value === null || (isScalar(value) && value.value === null);
}

function startOf(pair: Pair | undefined): number {
  return rangeOf(pair?.key)[0];
}

/** Where the last thing ends that is neither comment nor blank. */
function endOf(node: unknown): number {
  if (isPair(node)) return Math.max(endOf(node.key), endOf(node.value));
  if ((isMap(node) || isSeq(node)) && !node.flow) return endOf(node.items.at(-1));
  return node === null || node === undefined ? 0 : rangeOf(node)[1];
}

function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range = isNode(node) ? node.range : null;
  if (range === null || range === undefined) throw new EditError("A part of the text has no place");
  return [range[0], range[1]];
}

// The YAML side of fmsg.yaml: its text as plain values, where each key stands, and what is wrong with
// its structure (syntax, unknown and repeated keys, a value where keys belong). What the values
// mean is the schema's business.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { type KeyTree, nearestKey } from "./keys.ts";
import { shown } from "./quantities.ts";

/** Names from the top; a number is a place in a list. */
export type Path = readonly (string | number)[];

/** Something wrong: at which key, where in the text (null: it is not there), and in which words. */
export type Problem = {
  readonly path: Path;
  readonly offset: number | null;
  readonly what: string;
};

export type Reading = {
  /** Null when the text is no YAML or no mapping; then the problems say why. */
  readonly values: Readonly<Record<string, unknown>> | null;
  readonly problems: readonly Problem[];
  /** Where a key stands, or what it belongs to where it is not written; null: nowhere. */
  offsetOf(path: Path): number | null;
  /** 1-based. */
  lineOf(offset: number): number;
};

/** Reads a text, of which only the known keys are kept. Never throws. */
export function readDocument(text: string, known: KeyTree): Reading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The reader finds repeated keys itself, and can tell where the first one is.
    uniqueKeys: false,
  });
  const reader = new Reader(known, (offset) => lines.linePos(offset).line);

  // An unclosed bracket is noticed at the end, behind which there is no line to name.
  const end = text.trimEnd().length;
  // A tag nobody knows is a warning to the parser; here it is a wish that would go unheard.
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const offset = Math.min(pos[0], end);
    reader.problems.push(syntaxProblem(code, message, offset, lines.linePos(offset).col));
  }
  if (reader.problems.length === 0) reader.read(document.contents);
  return reader;
}

class Reader implements Reading {
  values: Record<string, unknown> | null = null;
  readonly problems: Problem[] = [];
  readonly #offsets = new Map<string, number>();

  constructor(readonly known: KeyTree, readonly lineOf: (offset: number) => number) {}

  offsetOf(path: Path): number | null {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offsets.get(placeOf(path.slice(0, length)));
      if (offset !== undefined) return offset;
    }
    return null;
  }

  read(top: unknown): void {
    if (top !== null && !isMap(top) && this.#plain(top, []) !== null) {
      this.#report([], startOf(top), "this is no mapping of keys; begin as in domain: example.com");
    } else {
      this.values = this.#section(top, this.known, []);
    }
  }

  #section(node: unknown, keys: KeyTree, path: Path): Record<string, unknown> {
    const values: [string, unknown][] = [];
    for (const { name, value, offset } of this.#pairs(node, path)) {
      const here = [...path, name];
      const below = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (below === undefined) {
        this.#report(here, offset, `is no known key; ${nearestKey(here.join("."), this.known)}`);
      } else if (below !== null && isMap(value)) {
        values.push([name, this.#section(value, below, here)]);
      } else {
        const seen = this.#plain(value, here);
        // Null is the default, as if the key were not there.
        if (seen === null) continue;
        if (below !== null) {
          const what = `${shown(seen)} stands where keys belong, such as ${Object.keys(below)[0]}`;
          this.#report(here, offset, what);
          continue;
        }
        values.push([name, seen]);
      }
    }
    return Object.fromEntries(values);
  }

  #plain(node: unknown, path: Path): unknown {
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const here = [...path, index];
        this.#offsets.set(placeOf(here), startOf(item));
        return this.#plain(item, here);
      });
    }
    if (isMap(node)) {
      const pairs = this.#pairs(node, path);
      return Object.fromEntries(
        pairs.map(({ name, value }) => [name, this.#plain(value, [...path, name])]),
      );
    }
    if (isAlias(node)) {
      const offset = this.offsetOf(path) ?? startOf(node);
      this.#report(path, offset, `*${node.source} is an alias; write the value itself`);
    }
    return isScalar(node) ? node.value : null;
  }

  /** The pairs of a mapping, each name once. */
  #pairs(node: unknown, path: Path): { name: string; value: unknown; offset: number }[] {
    const pairs: { name: string; value: unknown; offset: number }[] = [];
    for (const { key, value } of isMap(node) ? node.items : []) {
      const offset = startOf(key);
      if (!isScalar(key)) {
        this.#report(path, offset, "a key is no plain name; write names only");
        continue;
      }
      const name = String(key.value);
      const here = [...path, name];
      const first = this.#offsets.get(placeOf(here));
      if (first !== undefined) {
        const what = `is there twice, first on line ${this.lineOf(first)}; remove one of them`;
        this.#report(here, offset, what);
        continue;
      }
      this.#offsets.set(placeOf(here), offset);
      pairs.push({ name, value, offset });
    }
    return pairs;
  }

  #report(path: Path, offset: number, what: string): void {
    this.problems.push({ path, offset, what });
  }
}

function syntaxProblem(code: string, message: string, offset: number, column: number): Problem {
  if (code === "MULTIPLE_DOCS") {
    return { path: [], offset, what: "a second document begins here; keep one of them" };
  }
  const unquoted = code === "BAD_SCALAR_START" || code === "UNEXPECTED_TOKEN";
  const remedy = unquoted ? "; a text with @, [ or ] in it may need quotes" : "";
  const reason = message.replace(/\s+/g, " ").replace(/[.:]$/, "");
  return { path: [], offset, what: `no YAML from column ${column} on: ${reason}${remedy}` };
}

function startOf(node: unknown): number {
  const known = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node);
  return known ? node.range?.[0] ?? 0 : 0;
}

/** A path as the key of a map; host names have dots in them, so a dot would not do. */
function placeOf(path: Path): string {
  return path.join("\n");
}

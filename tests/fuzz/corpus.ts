// Recipes that brought something new, each with what it brought: a line of JSON each, so that changes can be read.

import { dirname, join } from "node:path";
import { parseRecipe, type Recipe } from "./recipe.ts";

/** The corpus that is checked in. */
export const OWN_CORPUS = join(import.meta.dirname ?? ".", "corpus");

/** Bytes that a corpus holds at most; what is found beyond is not kept. */
const MAX_BYTES = 100 * 1024;

const FILE = "recipes.jsonl";

export class Corpus {
  readonly #file: string;
  /** Recipes in JSON by their signatures. */
  readonly #entries: Map<string, string>;

  private constructor(file: string, entries: Map<string, string>) {
    this.#file = file;
    this.#entries = entries;
  }

  /** The corpus in that folder; an empty one where there is nothing yet. */
  static async read(folder: string): Promise<Corpus> {
    const file = join(folder, FILE);
    const text = await Deno.readTextFile(file).catch((error: unknown) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
    const lines = text.split("\n").filter((line) => line !== "");
    return new Corpus(file, new Map(lines.map((line) => parseLine(line, file))));
  }

  get recipes(): Recipe[] {
    return [...this.#entries.values()].map(parseRecipe);
  }

  knows(signature: string): boolean {
    return this.#entries.has(signature);
  }

  /** Keeps what brings something new, or the same with less; false where there is nothing to it, or no room. */
  add(signature: string, recipe: Recipe): boolean {
    const text = JSON.stringify(recipe);
    const known = this.#entries.get(signature);
    if (known !== undefined && known.length <= text.length) return false;
    if (known === undefined && this.#bytes + lineOf(signature, text).length > MAX_BYTES) {
      return false;
    }
    this.#entries.set(signature, text);
    return true;
  }

  async write(): Promise<void> {
    await Deno.mkdir(dirname(this.#file), { recursive: true });
    await Deno.writeTextFile(this.#file, this.#lines.toSorted().join(""));
  }

  get #lines(): string[] {
    return [...this.#entries].map(([signature, text]) => lineOf(signature, text));
  }

  get #bytes(): number {
    return this.#lines.reduce((sum, line) => sum + line.length, 0);
  }
}

function lineOf(signature: string, recipe: string): string {
  return `{"signature":${JSON.stringify(signature)},"recipe":${recipe}}\n`;
}

function parseLine(line: string, file: string): [signature: string, recipe: string] {
  const parsed: unknown = JSON.parse(line);
  if (
    typeof parsed !== "object" || parsed === null || !("signature" in parsed) ||
    !("recipe" in parsed) || typeof parsed.signature !== "string"
  ) {
    throw new Error(`${file} holds a line without signature and recipe: ${line.slice(0, 80)}`);
  }
  return [parsed.signature, JSON.stringify(parsed.recipe)];
}

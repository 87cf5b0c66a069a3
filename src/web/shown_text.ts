// What kind of text a body is, and whether a parser of Markdown is given it. Pure.

/**
 * Longer texts, and texts that go on for longer without a blank line, are shown plain: what a parser does grows with the
 * square of a paragraph, and a browser waits for it.
 */
const MOST_CHARACTERS = 128 * 1024;
const LONGEST_RUN = 8 * 1024;
/** Each that may open emphasis is compared with those that may close it. */
const MOST_DELIMITERS = 8_000;
/** Nested deeper, lists and quotes cost a parser more than they tell a reader. */
const DEEPEST = 24;
/** A row of a table is filled up to its head: a few signs a line would make millions of cells. */
const MOST_CELLS = 20_000;
/** One address, defined once, stands at every place that names it. */
const MOST_BRACKETS = 4_000;

/** Is the type one that is shown as Markdown? */
export function isMarkdown(type: string): boolean {
  return /^text\/markdown\s*(?:;|$)/i.test(type);
}

/** Is it text at all? HTML is: it is shown as what was written. */
export function isShownText(type: string): boolean {
  return /^(?:text\/[a-z0-9.+-]+|application\/json)\s*(?:;|$)/i.test(type);
}

/** Is it HTML? That is shown as what was written too, but nobody expects to read it so. */
export function isHtml(type: string): boolean {
  return /^text\/html\s*(?:;|$)/i.test(type);
}

/** Is it what a parser can be given? */
export function isModest(text: string): boolean {
  if (text.length > MOST_CHARACTERS) return false;
  // As the parser takes them.
  const lines = text.split(/\r\n?|\n/);
  let run = 0;
  let columns = 0;
  let brackets = 0;
  let delimiters = 0;
  for (const line of lines) {
    run = /^[ \t]*$/.test(line) ? 0 : run + line.length + 1;
    if (run > LONGEST_RUN) return false;
    columns = Math.max(columns, count(line, "|"));
    brackets += count(line, "[");
    delimiters += count(line, "*") + count(line, "_") + count(line, "~");
    // "> > > >" and "- - - -": each sign is a level, and so are two columns that a list is further in.
    const marks = /^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])(?=[\s>]|$))*/.exec(line)?.[0] ?? "";
    if (marks.replace(/\s+/g, "").length > DEEPEST) return false;
    const further = /^[ \t]*/.exec(marks)?.[0].length ?? 0;
    if (further > 2 * DEEPEST) return false;
  }
  return brackets <= MOST_BRACKETS && delimiters <= MOST_DELIMITERS &&
    columns * lines.length <= MOST_CELLS;
}

function count(line: string, sign: string): number {
  let found = 0;
  for (let at = line.indexOf(sign); at >= 0; at = line.indexOf(sign, at + 1)) found++;
  return found;
}

/** Many marks on one letter reach over lines, and a million of them take a browser half a minute. */
export function fewerMarks(text: string): string {
  return text.replace(/(\p{M}{12})\p{M}+/gu, "$1");
}

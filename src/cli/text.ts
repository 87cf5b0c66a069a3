// Text measured in terminal columns: width, padding, cutting, wrapping. Widths are those of what a terminal draws, so a
// CJK character or an emoji takes two columns, a combining mark none, and colours (SGR sequences) none.

let measure: ((text: string) => number) | null = null;

/**
 * Loads what measures text of every script, a quarter of the program's start, which commands without columns need not
 * wait for. Before it is there, a character takes one column: at worst a table does not line up.
 */
export async function loadWidths(): Promise<void> {
  measure ??= (await import("string-width")).default;
}

/** The columns that `text`, one line, takes in a terminal. */
export function width(text: string): number {
  if (!NOT_PRINTABLE_ASCII.test(text)) return text.length;
  return measure === null ? [...text].length : measure(text);
}

/** `text` filled up with spaces to `columns`, with the text at the `side`. Longer text stays as it is. */
export function pad(text: string, columns: number, side: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, columns - width(text)));
  return side === "left" ? text + space : space + text;
}

/** `text`, one line, cut to at most `columns` with an ellipsis where something is missing. */
export function truncate(text: string, columns: number): string {
  if (columns < 1) return "";
  if (width(text) <= columns) return text;
  let used = 0;
  let cut = 0;
  for (const piece of pieces(text)) {
    used += pieceWidth(piece);
    if (used >= columns) break;
    cut += piece.length;
  }
  // Colours that end in the part left out must end all the same.
  return text.slice(0, cut) + "…" + (text.slice(cut).match(SGR)?.join("") ?? "");
}

/**
 * `text` with every line broken into lines of at most `columns`: between words, and inside a word that is longer than
 * a line. Existing line breaks and indentation stay. Only a wide character in a single column sticks out.
 */
export function wrap(text: string, columns: number): string {
  return text.split("\n").flatMap((line) => wrapLine(line, Math.max(1, columns))).join("\n");
}

function wrapLine(line: string, columns: number): string[] {
  if (width(line) <= columns) return [line];
  const lines: string[] = [];
  let current = "";
  let used = 0;
  const put = (piece: string, columnsOfPiece: number): void => {
    if (used + columnsOfPiece > columns) {
      // Nothing but indentation makes no line of its own.
      if (current.trimEnd() !== "") lines.push(current.trimEnd());
      current = "";
      used = 0;
    }
    current += piece;
    used += columnsOfPiece;
  };
  for (const [word] of line.matchAll(WORD_OR_GAP)) {
    const columnsOfWord = width(word);
    if (word.startsWith(" ")) {
      // A gap that the line has no room for is the line break: it vanishes with the trimming.
      current += word;
      used += columnsOfWord;
    } else if (columnsOfWord <= columns) {
      put(word, columnsOfWord);
    } else {
      for (const piece of pieces(word)) put(piece, pieceWidth(piece));
    }
  }
  if (current.trimEnd() !== "" || lines.length === 0) lines.push(current.trimEnd());
  return lines;
}

let graphemes: Intl.Segmenter | null = null;
const SGR = new RegExp(String.raw`(\u{1b}\[[\d;]*m)`, "gu");
const NOT_PRINTABLE_ASCII = /[^ -~]/;
const WORD_OR_GAP = / +|[^ ]+/g;

/** What must not be cut in two: user-perceived characters, and colours. */
function* pieces(text: string): Generator<string> {
  if (!NOT_PRINTABLE_ASCII.test(text)) {
    yield* text;
    return;
  }
  // Made when it is needed, which for ASCII it is not: it takes as long as the rest of this module.
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const [index, part] of text.split(SGR).entries()) {
    // Splitting by a group puts what the group matched at the odd places.
    if (index % 2 === 1) yield part;
    else for (const { segment } of graphemes.segment(part)) yield segment;
  }
}

const knownWidths = new Map<string, number>();

/** As `width`, which costs microseconds a call: too much for each character of a long line. */
function pieceWidth(piece: string): number {
  // Longer ones are rare, and a stranger can make them as long as the text.
  if (piece.length > 12) return width(piece);
  const known = knownWidths.get(piece);
  if (known !== undefined) return known;
  if (knownWidths.size >= 4096) knownWidths.clear();
  const measured = width(piece);
  knownWidths.set(piece, measured);
  return measured;
}

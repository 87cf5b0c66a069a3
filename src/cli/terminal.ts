// Output for people: a stranger's text made harmless, colours where they are wanted, sizes and times to read.
import { styleText } from "node:util";
import { width } from "./text.ts";

export { table, type TableOptions } from "./table.ts";
export { loadWidths, pad, truncate, width, wrap } from "./text.ts";

/**
 * `text` without anything that commands the terminal, moves the cursor, turns the reading direction or stays invisible:
 * each such character becomes an escape like `\x1b` or `\u202e` that shows it. Letters of every script, emoji and the
 * joiners inside them stay. A line break becomes `⏎`, or `\n` with `multiline`; tabs become spaces, with `multiline` up
 * to the next multiple of 8 columns. The result is for reading: it cannot be turned back into the text.
 */
export function safe(text: string, options: { readonly multiline?: boolean } = {}): string {
  const shown = text.replaceAll("\r\n", "\n").replace(SUSPECT, showUnlessJoining);
  return options.multiline
    ? shown.split("\n").map(expandTabs).join("\n")
    : shown.replaceAll("\n", "⏎").replaceAll("\t", " ");
}

/** Colours and weights; each function gives its text back unchanged where they are not wanted. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  /** Black on white, whatever colours the terminal has; null where no colours are wanted. */
  readonly ink: ((text: string) => string) | null;
}

/**
 * The style for one output. Colours go to terminals other than `TERM=dumb`, unless `NO_COLOR` is set; `FORCE_COLOR`
 * decides before all of these (`0` and `false` mean none). Set to nothing is as good as not set.
 */
export function makeStyle(
  output: {
    readonly isTerminal: boolean;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Style {
  const { FORCE_COLOR, NO_COLOR, TERM } = output.env;
  const colour = FORCE_COLOR
    ? FORCE_COLOR !== "0" && FORCE_COLOR !== "false"
    : !NO_COLOR && output.isTerminal && TERM !== "dumb";
  const paint = (format: Exclude<keyof Style, "ink">) => (text: string): string =>
    // The question whether to colour is answered here: stdout, which styleText would ask, may be another output.
    colour ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: paint("bold"),
    dim: paint("dim"),
    red: paint("red"),
    green: paint("green"),
    yellow: paint("yellow"),
    cyan: paint("cyan"),
    // Of the 256 colours these two are no theme's to change.
    ink: colour ? (text) => `\x1b[38;5;16;48;5;231m${text}\x1b[39;49m` : null,
  };
}

/** A number of bytes to read: `512 B`, `1.4 KiB`, `10 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1024 is one of the next unit.
  while (Math.round(value) >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const rounded = value < 9.95 ? Math.round(value * 10) / 10 : Math.round(value);
  return `${rounded} ${SIZE_UNITS[unit]}`;
}

/** A point in time, in seconds since 1970, in local time to the minute: `2026-11-24 21:42`. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  // A sender may write any number as the time of a message.
  if (Number.isNaN(date.getTime())) return "invalid time";
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A span of time, rounded to its largest unit: `3 s`, `4 min`, `2 h`, `5 d`. */
export function formatDuration(seconds: number): string {
  const sign = seconds < 0 ? "-" : "";
  const whole = Math.round(Math.abs(seconds));
  if (whole < 60) return `${whole === 0 ? "" : sign}${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${sign}${minutes} min`;
  const hours = Math.round(whole / 3600);
  if (hours < 24) return `${sign}${hours} h`;
  return `${sign}${Math.round(whole / 86_400)} d`;
}

const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

// Besides the obvious: interlinear annotation, and everything that Unicode wants drawn as nothing (bidirectional controls,
// zero-width and tag characters are among it) but variation selectors, which choose a form of the character before.
const SUSPECT = new RegExp(
  String.raw`[[\p{Control}--[\t\n]]\p{Surrogate}\p{Line_Separator}\p{Paragraph_Separator}` +
    String.raw`\p{Noncharacter_Code_Point}\u{fff9}-\u{fffb}` +
    String.raw`[\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}]]`,
  "gv",
);

const ZWNJ = "\u200c";
const ZWJ = "\u200d";

function showUnlessJoining(character: string, offset: number, whole: string): string {
  if ((character === ZWJ || character === ZWNJ) && isJoining(character, offset, whole)) {
    return character;
  }
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

// In the scripts left out here joiners change nothing that one sees: there they only make two equal words differ.
let joinedLetter: RegExp | null = null;

/** Made when there is a joiner: its tables take milliseconds. */
function endsInJoinedLetter(text: string): boolean {
  joinedLetter ??= new RegExp(
    String.raw`[[\p{L}\p{M}]--[\p{scx=Latin}\p{scx=Greek}\p{scx=Cyrillic}` +
      String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}` +
      String.raw`\p{scx=Inherited}\p{scx=Common}\p{Default_Ignorable_Code_Point}]]$`,
    "v",
  );
  return joinedLetter.test(text);
}

const MARK = /\p{M}$/v;
const LETTER_FOLLOWS = /^(?!\p{Default_Ignorable_Code_Point})\p{L}/v;
const EMOJI = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\u{fe0f}]$/v;
const EMOJI_FOLLOWS = /^\p{Extended_Pictographic}/v;

/** Whether the joiner is a part of a word or an emoji. Indic words may end in one, after a mark (RFC 5892 A.1, A.2). */
function isJoining(joiner: string, offset: number, whole: string): boolean {
  const before = whole.slice(Math.max(0, offset - 2), offset);
  const after = whole.slice(offset + 1, offset + 3);
  if (endsInJoinedLetter(before)) return MARK.test(before) || LETTER_FOLLOWS.test(after);
  return joiner === ZWJ && EMOJI.test(before) && EMOJI_FOLLOWS.test(after);
}

function expandTabs(line: string): string {
  if (!line.includes("\t")) return line;
  const parts = line.split("\t");
  const last = parts.pop() ?? "";
  // Each part but the first begins at a tab stop, so that its own width is all that counts.
  return parts.map((part) => part + " ".repeat(8 - width(part) % 8)).join("") + last;
}

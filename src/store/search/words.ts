// The words of a text, folded, as they are indexed and as they are searched for.

/** A longer word, in characters, is cut into pieces that stand one after the other. */
const LONGEST = 64;

/**
 * The words of a text, in their order. Case, diacritics and the forms of a character do not count. Scripts that put no
 * spaces between words (and Korean, which puts its particles right behind them) give each character as a word, and so
 * does an emoji: a row of them is found as a phrase.
 */
export function words(text: string): string[] {
  return folded(text).match(ASCII.test(text) ? ASCII_WORD : WORD) ?? [];
}

/**
 * The words of a text, in their order, as the index takes them in: with something between them. The index itself finds the
 * words of plain ASCII, which is far quicker, as long as none is to be cut.
 */
export function indexText(text: string): string {
  return ASCII.test(text) && !TOO_LONG.test(text) ? text : words(text).join(" ");
}

const TOO_LONG = new RegExp(`[a-zA-Z0-9]{${LONGEST + 1}}`);

/** Written without spaces; some marks and letters belong to several scripts. */
const SINGLE = ["Han", "Hira", "Kana", "Bopo", "Hang", "Thai", "Laoo", "Khmr", "Mymr"]
  .map((script) => `\\p{scx=${script}}`).join("");

const WORD = new RegExp(
  [
    `[[${SINGLE}]&&[\\p{L}\\p{N}]]\\p{M}*`,
    "\\p{Extended_Pictographic}",
    "\\p{RI}",
    `[[\\p{L}\\p{N}\\p{M}]--[[${SINGLE}]&&[\\p{L}\\p{N}]]]{1,${LONGEST}}`,
  ].join("|"),
  "gv",
);

// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

const ASCII_WORD = new RegExp(`[a-z0-9]{1,${LONGEST}}`, "g");

function folded(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text.replace(UNSEEN, "").replace(PILE, "$1").normalize("NFKD").slice(0, LONGEST_TEXT)
    .replace(UNREAD, "").toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ")
    .normalize("NFKC");
}

/** UTF-16 units: a character may stand for eighteen. */
const LONGEST_TEXT = 128 * 1024;

const UNSEEN = /[\p{Cf}\p{VS}]/gu;

/** More marks on one letter than any language has; putting them in order takes a time that grows with their square. */
const PILE = /(\p{M}{8})\p{M}+/gu;

/**
 * Marks that are written or left out as the writer likes: accents, the vowels of Hebrew and Arabic and their lengthening,
 * circles around digits. Those of Indian scripts, of Thai and of Kana are parts of their words.
 */
const UNREAD =
  /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u20d0-\u20f0]/g;

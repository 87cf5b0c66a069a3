// Which parts of a text are words that were searched for, to be marked. Pure; the host decides what is found.

export interface TextPart {
  readonly text: string;
  readonly found: boolean;
}

const TERM =
  /(-?)(?:(?:from|to|topic|file):(?=\S))?(?:["“”„«»]+([^"“”„«»]*)["“”„«»]?|([^\s"“”„«»]+))/giu;
const WORD = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu;
/** Written without spaces: a word of the query may be a part of a row of them. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** What a query looks for, folded; without what it excludes. */
export function wordsOf(query: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, minus, quoted, bare] of query.matchAll(TERM)) {
    if (minus === "-") continue;
    for (const [word] of (quoted ?? bare ?? "").matchAll(WORD)) found.add(folded(word));
  }
  return found;
}

/** The text in its order, in parts. */
export function foundParts(text: string, wanted: ReadonlySet<string>): TextPart[] {
  const parts: TextPart[] = [];
  let done = 0;
  for (const match of text.matchAll(WORD)) {
    if (!isFound(match[0], wanted)) continue;
    if (match.index > done) parts.push({ text: text.slice(done, match.index), found: false });
    parts.push({ text: match[0], found: true });
    done = match.index + match[0].length;
  }
  if (done < text.length) parts.push({ text: text.slice(done), found: false });
  return parts;
}

/** The text from a little before the first word that is found; the beginning when none is. */
export function aroundFound(text: string, wanted: ReadonlySet<string>): string {
  for (const match of text.matchAll(WORD)) {
    if (!isFound(match[0], wanted)) continue;
    if (match.index < 60) return text;
    return `… ${text.slice(text.indexOf(" ", match.index - 40) + 1 || match.index)}`;
  }
  return text;
}

function isFound(word: string, wanted: ReadonlySet<string>): boolean {
  const own = folded(word);
  if (wanted.has(own)) return true;
  return UNSPACED.test(own) && [...wanted].some((one) => own.includes(one));
}

function folded(word: string): string {
  return word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

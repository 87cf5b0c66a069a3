// What people type, made into what the index understands. No input is an error of the index.

import { words } from "./words.ts";

/** The query says nothing that can be searched for, or too much; the message says what to do. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

/** In UTF-16 units. */
const LONGEST_QUERY = 1000;

/** Words of a query; each makes the search look at one more list. */
const MOST_WORDS = 32;

/** The columns that a query may name, by their names in a query. */
const FIELDS: Readonly<Record<string, string>> = {
  from: "sender",
  to: "recipients",
  topic: "topic",
  file: "names",
};

interface Term {
  readonly excluded: boolean;
  /** The column where it has to be; null: anywhere. */
  readonly column: string | null;
  /** They stand one behind the other. */
  readonly words: readonly string[];
}

/**
 * The expression for the index: what the holder of this word has, and what the query says. All words have to be there,
 * words in quotes (and such as `alice@example.com` or 東京) one behind the other; `-word` must not be there; `from:`,
 * `to:`, `topic:` and `file:` say where a word has to be.
 */
export function matchExpression(holder: string, query: string): string {
  if (query.length > LONGEST_QUERY) {
    throw new QueryError(`The query is too long: ${LONGEST_QUERY} characters at most`);
  }
  const terms = termsOf(query);
  const number = terms.reduce((sum, term) => sum + term.words.length, 0);
  if (number > MOST_WORDS) {
    throw new QueryError(
      `The query has ${number} words: leave some out, so that there are at most ${MOST_WORDS}`,
    );
  }
  if (terms.length === 0) {
    throw new QueryError("The query has no word to search for: name a word of the message");
  }
  const wanted = terms.filter(({ excluded }) => !excluded).map(phrase);
  const unwanted = terms.filter(({ excluded }) => excluded).map(phrase);
  const all = [`"${holder}"`, ...wanted].join(" AND ");
  return unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.join(" OR ")})`;
}

/** A word has nothing but letters, digits and the like: within quotes it is itself. */
function phrase({ column, words }: Term): string {
  const text = `"${words.join(" ")}"`;
  return column === null ? text : `${column} : ${text}`;
}

/** What is not excluded, named as a field or in quotes ends at a space; a quote that is not closed, at the end. */
const TERM =
  /(?<minus>-?)(?:(?<field>from|to|topic|file):(?=\S))?(?:["“”„«»]+(?<quoted>[^"“”„«»]*)["“”„«»]?|(?<bare>[^\s"“”„«»]+))/giu;

function termsOf(query: string): Term[] {
  return [...query.matchAll(TERM)].flatMap(({ groups = {} }) => {
    const { minus, field, quoted, bare = "" } = groups;
    const found = words(quoted ?? bare);
    if (found.length === 0) return [];
    if (quoted === undefined && /[\p{L}\p{N}]\*$/u.test(bare)) {
      throw new QueryError(`Words are found whole: leave out the "*" of "${bare}"`);
    }
    const column = FIELDS[field?.toLowerCase() ?? ""] ?? null;
    return [{ excluded: minus === "-", column, words: found }];
  });
}

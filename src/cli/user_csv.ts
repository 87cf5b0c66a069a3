// The CSV of users that fmsgid reads: its text to users, with what is wrong line by line, and back. No I/O.

import { Address, addressProblem } from "../wire/mod.ts";
import type { LimitChanges, LimitName, UserLimits } from "../store/mod.ts";
import { shownAddress, shownDomain, wireSpelling } from "./addresses.ts";
import { nearest } from "./suggest.ts";

/** Characters that the name of a user may have. */
export const MAX_NAME = 200;

/** A user as a line of the file has it; what the file has no column for is absent. */
export interface CsvUser {
  readonly address: Address;
  readonly name?: string;
  readonly accepting?: boolean;
  readonly limits: LimitChanges;
}

export interface CsvProblem {
  /** 1-based. */
  readonly line: number;
  readonly what: string;
}

export interface CsvUsers {
  readonly users: readonly CsvUser[];
  readonly problems: readonly CsvProblem[];
  /** Columns that mean nothing here, as fmsgid leaves out what it does not know. */
  readonly ignored: readonly string[];
}

/** What is written of a user. */
export interface UserRow {
  readonly address: string;
  readonly name: string;
  readonly accepting: boolean;
  readonly limits: UserLimits;
}

/** fmsgid's names of the limits, in the order of its example; the last is ours alone, and fmsgid leaves it out. */
const LIMIT_COLUMNS: readonly (readonly [column: string, limit: LimitName])[] = [
  ["limit_recv_size_total", "recv_bytes"],
  ["limit_recv_size_per_msg", "recv_bytes_per_message"],
  ["limit_recv_size_per_1d", "recv_bytes_per_day"],
  ["limit_recv_count_per_1d", "recv_messages_per_day"],
  ["limit_send_size_total", "send_bytes"],
  ["limit_send_size_per_msg", "send_bytes_per_message"],
  ["limit_send_size_per_1d", "send_bytes_per_day"],
  ["limit_send_count_per_1d", "send_messages_per_day"],
  ["limit_recv_count_total", "recv_messages"],
];

type Field =
  | { readonly kind: "address" | "display_name" | "accepting_new" }
  | { readonly kind: "limit"; readonly limit: LimitName };

const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ["address", { kind: "address" }],
  ["display_name", { kind: "display_name" }],
  ["accepting_new", { kind: "accepting_new" }],
  ...LIMIT_COLUMNS.map(([column, limit]): [string, Field] => [column, { kind: "limit", limit }]),
]);

/** Bytes of one line, quoted line breaks included; of fmsgid's columns none needs a tenth of it. */
const MAX_RECORD = 64 * 1024;

/** Reads the users of `domain` from a file's bytes. */
export async function parseUsers(bytes: Uint8Array, domain: string): Promise<CsvUsers> {
  const nothing = { users: [], ignored: [] };
  const notText = problemOfText(bytes);
  if (notText !== null) return { ...nothing, problems: [notText] };
  const { records, problem } = await readRecords(bytes);
  const [head, ...rows] = records;
  if (head === undefined) {
    const empty = { line: 1, what: "there is nothing in it: the first line names the columns" };
    return { ...nothing, problems: [problem ?? empty] };
  }
  const columns = readHead(head);
  if ("what" in columns) return { ...nothing, problems: [columns] };
  const users: CsvUser[] = [];
  const problems: CsvProblem[] = [];
  const lines = new Map<string, number>();
  for (const { cells, line } of rows) {
    const { user, what } = readRow(cells, columns, domain);
    const earlier = user === null ? undefined : lines.get(user.address.key);
    if (earlier !== undefined && user !== null) {
      what.push(`address: ${shownAddress(user.address.text)} is on line ${earlier} already`);
    }
    problems.push(...what.map((one) => ({ line, what: one })));
    if (user === null) continue;
    users.push(user);
    if (earlier === undefined) lines.set(user.address.key, line);
  }
  if (problem !== null) problems.push(problem);
  const ignored = columns.filter(({ name, field }) => field === null && name !== "");
  return { users, problems, ignored: ignored.map(({ name }) => name) };
}

interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

async function readRecords(
  bytes: Uint8Array,
): Promise<{ readonly records: readonly CsvRecord[]; readonly problem: CsvProblem | null }> {
  const { CsvError, parse } = await import("csv-parse/sync");
  const records: CsvRecord[] = [];
  const places = new Places(bytes);
  try {
    parse(bytes, {
      bom: true,
      // Around unquoted cells only: what is quoted is meant.
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      record_delimiter: ["\r\n", "\n"],
      max_record_size: MAX_RECORD,
      on_record: (cells: readonly string[], { bytes: end }) => {
        const line = places.next(end);
        // Spreadsheets leave lines of nothing but commas.
        if (cells.some((cell) => cell !== "")) records.push({ line, cells });
        return null;
      },
    });
    return { records, problem: null };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { records, problem: { line: places.next(bytes.length), what: syntax(error.code) } };
  }
}

/** Lines of records by where they end: csv-parse counts those inside of quotes wrongly after CR LF. */
class Places {
  #at = 0;
  #line = 1;

  constructor(private readonly bytes: Uint8Array) {}

  /** The line at which the next record begins, which ends before `end`. */
  next(end: number): number {
    while (this.#at < end && BLANK.has(this.bytes[this.#at] ?? 0)) this.#step();
    const line = this.#line;
    while (this.#at < end) this.#step();
    return line;
  }

  #step(): void {
    if (this.bytes[this.#at] === LINE_FEED) this.#line++;
    this.#at++;
  }
}

const LINE_FEED = 0x0a;
const BLANK: ReadonlySet<number> = new Set([LINE_FEED, 0x0d, 0x20, 0x09]);

function syntax(code: string): string {
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return 'a quote (") is opened that nothing closes';
    case "INVALID_OPENING_QUOTE":
      return 'there is a quote (") inside of a cell that has none around it: write "Al ""Ace"" Smith"';
    case "CSV_INVALID_CLOSING_QUOTE":
      return 'something follows the quote (") that ends a cell: inside of a cell a quote is written twice';
    case "CSV_MAX_RECORD_SIZE":
      return `the line is longer than ${MAX_RECORD} bytes, as if a quote (") were not closed`;
    default:
      return `this is no CSV (${code})`;
  }
}

function problemOfText(bytes: Uint8Array): CsvProblem | null {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return null;
  } catch {
    const upTo = new TextDecoder().decode(bytes).split("\ufffd")[0] ?? "";
    return {
      line: upTo.split("\n").length,
      what: 'this is not UTF-8: save it as CSV "UTF-8 (comma delimited)"',
    };
  }
}

interface Column {
  readonly name: string;
  /** Null where it means nothing here. */
  readonly field: Field | null;
}

/** As in fmsgid: in any order and any case, and only the address has to be there. */
function readHead({ cells, line }: CsvRecord): readonly Column[] | CsvProblem {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const twice = names.find((name, i) => FIELDS.has(name) && names.indexOf(name) < i);
  if (twice !== undefined) return { line, what: `there are two columns ${twice}` };
  if (!names.includes("address")) return { line, what: withoutAddress(cells) };
  for (const name of names.filter((name) => !FIELDS.has(name))) {
    // A limit that is left out for a slip of the finger would be no limit.
    const [meant] = nearest(name, [...FIELDS.keys()]);
    if (meant !== undefined) {
      return { line, what: `there is no column "${name}"; did you mean ${meant}?` };
    }
  }
  return names.map((name) => ({ name, field: FIELDS.get(name) ?? null }));
}

function withoutAddress(cells: readonly string[]): string {
  const [first = ""] = cells;
  const names = "the first line names the columns, as in address,display_name";
  if (first.includes(";")) return `cells are separated by commas here; ${names}`;
  return first.startsWith("@") ? names : `there is no column address: ${names}`;
}

function readRow(
  cells: readonly string[],
  columns: readonly Column[],
  domain: string,
): { readonly user: CsvUser | null; readonly what: string[] } {
  if (cells.length !== columns.length) {
    const has = `${cells.length} cell${cells.length === 1 ? "" : "s"}`;
    return { user: null, what: [`${has}, and the first line names ${columns.length} columns`] };
  }
  const what: string[] = [];
  let address: Address | null = null;
  let said: { readonly name?: string; readonly accepting?: boolean } = {};
  const limits: { [Name in LimitName]?: number | null | "default" } = {};
  for (const [i, { name, field }] of columns.entries()) {
    const cell = cells[i] ?? "";
    try {
      switch (field?.kind) {
        case "address":
          address = readAddress(cell, domain);
          break;
        case "display_name":
          said = { ...said, name: readName(cell) };
          break;
        case "accepting_new":
          said = { ...said, accepting: readFlag(cell) };
          break;
        case "limit":
          limits[field.limit] = readLimit(cell);
          break;
        case undefined:
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      what.push(`${name}: ${error.message}`);
    }
  }
  return { user: address === null ? null : { address, ...said, limits }, what };
}

function readAddress(cell: string, domain: string): Address {
  if (cell === "") throw new RangeError("there is none on this line");
  const spelled = wireSpelling(cell);
  const address = Address.parse(spelled);
  if (address === null) {
    throw new RangeError(`"${cell}" is no address: ${addressProblem(spelled)}`);
  }
  if (address.domain === domain) return address;
  throw new RangeError(
    `${shownAddress(address.text)} is no address of this host: it has to end in @${
      shownDomain(domain)
    }`,
  );
}

function readName(cell: string): string {
  const { length } = [...cell];
  if (length <= MAX_NAME) return cell;
  throw new RangeError(`${length} characters are more than ${MAX_NAME}`);
}

/** What fmsgid takes for a truth value, and no cell for true. */
function readFlag(cell: string): boolean {
  switch (cell.trim().toLowerCase()) {
    case "":
    case "true":
    case "t":
    case "1":
      return true;
    case "false":
    case "f":
    case "0":
      return false;
    default:
      throw new RangeError(`"${cell}" is no answer; write true or false`);
  }
}

/** An empty cell takes the default, which here is the configuration's. */
function readLimit(cell: string): number | null | "default" {
  const text = cell.trim();
  if (text === "") return "default";
  const value = /^[-+]?\d+$/.test(text) ? Number(text) : NaN;
  if (value === -1) return null;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(
    `"${cell}" is no number up to ${Number.MAX_SAFE_INTEGER}; write it without a unit, as in 1024, or -1 for no limit`,
  );
}

/** The users as a file that `parseUsers` and fmsgid read. */
export function formatUsers(users: readonly UserRow[]): string {
  // fmsgid has no such limit, so its column is there only where somebody has it.
  const columns = LIMIT_COLUMNS.filter(([, limit]) =>
    limit !== "recv_messages" || users.some(({ limits }) => limits.recv_messages !== undefined)
  );
  const head = ["address", "display_name", "accepting_new", ...columns.map(([name]) => name)];
  const rows = users.map(({ address, name, accepting, limits }) => [
    address,
    name,
    String(accepting),
    ...columns.map(([, limit]) => limitCell(limits[limit])),
  ]);
  return [head, ...rows].map((cells) => cells.map(quoted).join(",") + "\n").join("");
}

function limitCell(limit: number | null | undefined): string {
  return limit === undefined ? "" : limit === null ? "-1" : String(limit);
}

/** As RFC 4180 has it; spaces at the ends would be trimmed without quotes. */
function quoted(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

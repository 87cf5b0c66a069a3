// Answers of the interface as they came over the socket, and what must not be in them.

/** Answers that are refusals by a server that is in order: see docs/api.md. */
const REFUSALS_OVER_500 = new Set([501, 503]);

export interface Answers {
  readonly statuses: readonly number[];
  /** Is there nothing more to come? */
  readonly complete: boolean;
  /** What must not be; null when all is as it should be. */
  readonly problem: string | null;
}

/** Reads the answers to requests of these methods, in their order. `text` has a character for each byte. */
export function readAnswers(text: string, methods: readonly string[], closed: boolean): Answers {
  const statuses: number[] = [];
  let rest = text;
  const so = (complete: boolean, problem: string | null = null): Answers => ({
    statuses,
    complete,
    problem,
  });
  for (const method of methods) {
    const answer = readOne(rest, method, closed);
    if (answer === null) {
      return closed
        ? so(true, `no whole answer: ${JSON.stringify(rest.slice(0, 300))}`)
        : so(false);
    }
    rest = answer.rest;
    statuses.push(answer.status);
    const problem = problemOf(answer, method);
    if (problem !== null) return so(true, problem);
    if (answer.isLast) break;
  }
  return rest === "" ? so(true) : so(true, `more than the answers: ${JSON.stringify(rest)}`);
}

/** The statuses in what answers spoilt bytes: how many answers there are nobody knows. */
export function looseAnswers(text: string): Answers {
  const statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, code]) => Number(code));
  const bad = statuses.find(isFailure);
  const problem = bad !== undefined
    ? `it answered ${bad}: ${text.slice(0, 500)}`
    : text !== "" && !text.startsWith("HTTP/1.1 ")
    ? `this is no HTTP: ${JSON.stringify(text.slice(0, 200))}`
    : null;
  return { statuses, complete: false, problem };
}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly rest: string;
  /** Closes the server the connection? */
  readonly isLast: boolean;
}

/** null: it is not whole. */
function readOne(text: string, method: string, closed: boolean): Answer | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? NaN);
  const after = text.slice(end + 4);
  if (status >= 100 && status < 200 && status !== 101) return readOne(after, method, closed);
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  }));
  const isLast = /close/i.test(headers.get("connection") ?? "");
  const found = method === "HEAD" || status === 204 || status === 304
    ? { body: "", rest: after }
    : bodyOf(after, headers, closed);
  return found === null ? null : { status, headers, isLast, ...found };
}

function bodyOf(
  text: string,
  headers: ReadonlyMap<string, string>,
  closed: boolean,
): { readonly body: string; readonly rest: string } | null {
  const length = headers.get("content-length");
  if (length !== undefined) {
    const end = Number(length);
    return text.length < end ? null : { body: text.slice(0, end), rest: text.slice(end) };
  }
  if (headers.get("transfer-encoding") !== "chunked") {
    return closed ? { body: text, rest: "" } : null;
  }
  let body = "";
  for (let at = 0;;) {
    const line = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, line), 16);
    const end = line + 2 + size;
    if (line < 0 || text.length < end + 2) return null;
    if (size === 0) return { body, rest: text.slice(end + 2) };
    body += text.slice(line + 2, end);
    at = end + 2;
  }
}

function problemOf({ status, headers, body }: Answer, method: string): string | null {
  if (Number.isNaN(status)) return "the answer has no status";
  if (isFailure(status)) return `it answered ${status}: ${body}`;
  if (headers.get("x-content-type-options") !== "nosniff") return `${status} without nosniff`;
  if (status < 400 || method === "HEAD") return null;
  if (headers.get("content-type") !== "application/json") return `${status} that is no JSON`;
  return isError(body) ? null : `${status} with ${JSON.stringify(body.slice(0, 300))}`;
}

function isFailure(status: number): boolean {
  return status >= 500 && !REFUSALS_OVER_500.has(status);
}

/** FMSG-003 "Errors": an object with a text `error`; the author's newer routes add a `code`. */
function isError(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && "error" in value &&
      typeof value.error === "string" && value.error !== "" &&
      Object.keys(value).every((key) => key === "error" || key === "code");
  } catch {
    return false;
  }
}

// Values that a client may send, good ones by their names and odd ones of every kind.

import { type Below, pick, randomBytes } from "./random.ts";

/** What there is on the host that requests can be about. */
export interface Known {
  /** Its owner's, received or sent. */
  readonly messages: readonly number[];
  /** The newest that were made by requests before; they may be gone. */
  readonly drafts: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly agent: string;
  readonly filename: string;
}

/** A value with which a request is likely to be taken, for a property or a parameter of this name. */
export function goodValue(name: string, known: Known, below: Below): unknown {
  switch (name) {
    case "id":
      return pick(below, [...known.messages, ...known.drafts, ...known.drafts]);
    case "pid":
      return pick(below, [null, ...known.messages]);
    case "version":
      return 1;
    case "from":
      return known.from;
    case "to":
    case "add_to":
      return [pick(below, [known.to, known.from, "@zoe@elsewhere.test"])];
    case "type":
      return pick(below, ["text/plain", "text/plain;charset=UTF-8", "application/json"]);
    case "topic":
      return pick(below, ["", "Fuzz"]);
    case "data":
      return pick(below, ["Hello", "", "中文 é ".repeat(below(3000))]);
    case "size":
      return below(100);
    case "important":
    case "no_reply":
      return below(2) === 0;
    case "agent":
      return known.agent;
    case "allowed_cidrs":
      return ["127.0.0.0/8", "::1/128"];
    case "key_expires_at":
      return "2099-01-01T00:00:00Z";
    case "filename":
      return known.filename;
    case "emoji":
      return "👍";
    case "q":
      return pick(below, ["hello", "中文", "fuzz"]);
    case "address":
      return pick(below, [known.to, known.from, "@zoe@elsewhere.test"]);
    case "before":
      return String(1 + below(200));
    case "limit":
    case "offset":
      return String(1 + below(30));
    default:
      return "x";
  }
}

/** A value that nobody means well with. */
export function oddValue(below: Below): unknown {
  return pick(below, [
    () => null,
    () => below(2) === 0,
    () => pick(below, ODD_NUMBERS),
    () => oddText(below),
    () => [],
    () => Array.from({ length: below(400) }, () => oddText(below)),
    () => ({}),
    () => ({ ["__proto__"]: { admin: true }, constructor: 1, toString: null }),
    () => nested(below(40)),
  ])();
}

const ODD_NUMBERS = [0, -1, 1.5, 1e308, -0, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64, 1e-320];

export function oddText(below: Below): string {
  return pick(below, [
    () => "",
    () => "\u0000",
    () => "../../etc/passwd",
    () => "..%2f..%2f",
    () => "%",
    () => "\ud800",
    () => "\u202etxt.exe",
    () => "@alice@host1.test\r\nX-Evil: 1",
    () => "@@@",
    () => "' OR 1=1 --",
    () => '"*" NEAR( AND NOT',
    () => "a".repeat(pick(below, [255, 256, 4096, 70_000])),
    () => "é".repeat(128),
    () => "e\u0301".repeat(300),
    () => "9".repeat(30),
    () => "-1",
    () => "0x10",
    () => "1e3",
    () => " 1",
    () => 'text/html; charset="',
    () => "2099-02-30T25:61:61Z",
    () => "0.0.0.0/33",
    () => "null",
    () => "sent",
    () => "con.txt ",
    () => "a;b=c",
    () => "👩‍👩‍👧‍👦".repeat(below(20)),
    () => String.fromCodePoint(...randomBytes(20, below)),
  ])();
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

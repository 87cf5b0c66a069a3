// What a client of the interface writes, from seeds: requests of the description, good ones and ones gone wrong.

import { type Bytes, concat } from "../../src/wire/mod.ts";
import type { Operation } from "./api_description.ts";
import { goodValue, type Known, oddText, oddValue } from "./api_values.ts";
import { edited } from "./edits.ts";
import { edit } from "./generate_parts.ts";
import { type Below, pick, randomBytes, some } from "./random.ts";

export interface Scene extends Known {
  readonly operations: readonly Operation[];
  /** Tokens, the good one first. */
  readonly tokens: readonly string[];
  /** The page's own origin, and cookies for it, a good session's first. */
  readonly origin: string;
  readonly cookies: readonly string[];
}

export interface Writing {
  /** As in `GET /fmsg/{id}, odd query`. */
  readonly what: string;
  readonly pieces: readonly Bytes[];
  /** The methods of its requests, where each of them is to be answered as HTTP; null: the bytes were spoilt. */
  readonly methods: readonly string[] | null;
  readonly then: "wait" | "end" | "reset";
  /** The client does not read for as long. */
  readonly deafMs: number;
}

/** How a request goes wrong. */
const FAULTS = [
  "none",
  "none",
  "path",
  "query",
  "body value",
  "body value",
  "body bytes",
  "body type",
  "form",
  "method",
  "token",
  "session",
  "headers",
  "framing",
  "bytes",
  "bytes",
  "cut",
  "pipelined",
  "socket",
] as const;
type Fault = typeof FAULTS[number];

export function writing(scene: Scene, below: Below): Writing {
  const operation = pick(below, scene.operations);
  const fault = pick(below, FAULTS);
  const what = `${operation.method} ${operation.path}, ${fault}`;
  if (fault === "socket") return { ...socket(scene, below), what: "socket" };
  const request = requestOf(operation, fault, scene, below);
  const whole = bytesOf(request);
  const common = { what, then: "wait", deafMs: 0 } as const;
  switch (fault) {
    case "pipelined": {
      const next = requestOf(pick(below, scene.operations), "none", scene, below);
      const count = 1 + below(pick(below, [2, 12]));
      const requests = [request, ...Array.from({ length: count }, () => next)];
      const methods = requests.map(({ method }) => method);
      const deafMs = below(2) * 100;
      return { ...common, pieces: [concat(requests.map(bytesOf))], methods, deafMs };
    }
    case "bytes": {
      const spoilt = edited(whole, some(below, 4, () => edit(below)));
      return { ...common, pieces: cutUp(spoilt, below), methods: null, then: "end" };
    }
    case "framing":
      return { ...common, pieces: [whole], methods: null, then: "end" };
    case "cut": {
      const pieces = cutUp(whole.slice(0, below(whole.length + 1)), below);
      return { ...common, pieces, methods: null, then: pick(below, ["end", "reset"]) };
    }
    default:
      return { ...common, pieces: cutUp(whole, below), methods: [request.method] };
  }
}

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Bytes | null;
  /** The header that says how long the body is. */
  readonly framing: string;
}

function requestOf(operation: Operation, fault: Fault, scene: Scene, below: Below): Request {
  const body = bodyOf(operation, fault, scene, below);
  const method = fault === "method" ? pick(below, METHODS) : operation.method;
  return {
    method,
    target: targetOf(operation, fault, scene, below),
    headers: [
      ...fault === "session" ? sessionOf(scene, below) : tokenOf(fault, scene, below),
      ...body === null ? [] : [["Content-Type", body.type] as const],
      ...fault === "headers" ? some(below, 6, () => pick(below, ODD_HEADERS)(below)) : [],
    ],
    body: body?.bytes ?? null,
    framing: fault === "framing"
      ? pick(below, FRAMINGS)
      : body === null
      ? ""
      : `Content-Length: ${body.bytes.length}\r\n`,
  };
}

type Headers = Request["headers"];

function tokenOf(fault: Fault, { tokens }: Scene, below: Below): Headers {
  const token = fault === "token" ? pick(below, tokens) : tokens[0] ?? "";
  return [["Host", "fuzz"], ["Authorization", `Bearer ${token}`]];
}

/** As a browser asks in its session, or nearly so. */
function sessionOf({ origin, cookies }: Scene, below: Below): Headers {
  const cookie = below(2) === 0 ? cookies[0] ?? "" : pick(below, cookies);
  return [
    ["Host", below(4) === 0 ? "fuzz" : new URL(origin).host],
    ["Cookie", cookie],
    ...below(4) === 0
      ? []
      : [["Origin", pick(below, [origin, origin, "null", "http://x"])] as const],
  ];
}

function bytesOf({ method, target, headers, framing, body }: Request): Bytes {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `${method} ${target} HTTP/1.1\r\n${lines}${framing}\r\n`;
  return concat([new TextEncoder().encode(head), body ?? new Uint8Array()]);
}

function targetOf({ path, query }: Operation, fault: Fault, scene: Scene, below: Below): string {
  const filled = path.replace(/\{([a-z]+)\}/g, (_, name: string) => {
    const isOdd = fault === "path" && below(2) === 0;
    const value = isOdd ? oddText(below).toWellFormed() : String(goodValue(name, scene, below));
    return encodeURIComponent(value).slice(0, 8000);
  });
  const target = fault === "path" && below(4) === 0
    ? pick(below, [`/${filled}`, `${filled}/`, `${filled}/..`, `${filled};a`, `${filled}%zz`, "*"])
    : filled;
  const isOdd = fault === "query";
  const pairs = query.filter(() => isOdd || below(2) === 0).map((name) => {
    const value = isOdd ? oddText(below).toWellFormed() : String(goodValue(name, scene, below));
    return `${name}=${encodeURIComponent(value).slice(0, 4000)}`;
  });
  if (isOdd) pairs.push(pick(below, ["limit=1&limit=x", "&&=", "__proto__=1", "q=%ff%fe", "%00"]));
  return pairs.length === 0 ? target : `${target}?${pairs.join("&")}`;
}

interface Body {
  readonly type: string;
  readonly bytes: Bytes;
}

function bodyOf({ body }: Operation, fault: Fault, scene: Scene, below: Below): Body | null {
  if (body === "form" || fault === "form") return formOf(fault, scene, below);
  if (body === null && !fault.startsWith("body")) return null;
  const value: Record<string, unknown> = Object.fromEntries(
    (body ?? []).map((name) => [name, goodValue(name, scene, below)]),
  );
  if (fault === "body value") {
    const name = pick(below, [...Object.keys(value), "another", "__proto__"]);
    Object.defineProperty(value, name, {
      value: below(5) === 0 ? undefined : oddValue(below),
      enumerable: true,
    });
  }
  const text = JSON.stringify(fault === "body value" && below(6) === 0 ? oddValue(below) : value);
  const type = fault === "body type" ? pick(below, TYPES) : "application/json";
  const bytes = new TextEncoder().encode(text ?? "");
  return { type, bytes: fault === "body bytes" ? oddBytes(bytes, below) : bytes };
}

function oddBytes(bytes: Bytes, below: Below): Bytes {
  const text = new TextDecoder().decode(bytes);
  return pick(below, [
    () => edited(bytes, some(below, 5, () => edit(below))),
    () => concat([Uint8Array.of(0xef, 0xbb, 0xbf), bytes]),
    () => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff),
    // UTF-16.
    () => Uint8Array.from([...text].flatMap((character) => [character.charCodeAt(0) & 0xff, 0])),
    () => new TextEncoder().encode(text.replace("{", '{"from":1,"from":2,')),
    () => new TextEncoder().encode("[".repeat(below(100_000))),
    () => new TextEncoder().encode(`{"data":"${"a".repeat(below(900_000))}"`),
    () => new TextEncoder().encode(text.replaceAll('"', '"\\ud800')),
    () => randomBytes(below(300), below),
  ])();
}

/** A form for an upload, mostly a good one. */
function formOf(fault: Fault, scene: Scene, below: Below): Body {
  const isOdd = fault === "form";
  const boundary = isOdd && below(6) === 0 ? "b".repeat(below(300)) : "boundary";
  const name = isOdd ? oddText(below).toWellFormed().replace(/[\r\n"]/g, "") : scene.filename;
  const content = concat([new TextEncoder().encode("content "), randomBytes(below(2000), below)]);
  const part = (field: string, filename: string | null): Bytes =>
    concat([
      new TextEncoder().encode(
        `--${boundary}\r\nContent-Disposition: form-data; name="${field}"` +
          `${filename === null ? "" : `; filename="${filename}"`}\r\n` +
          `Content-Type: ${isOdd ? pick(below, TYPES) : "text/plain"}\r\n\r\n`,
      ),
      content,
      new TextEncoder().encode("\r\n"),
    ]);
  const parts = isOdd
    ? some(
      below,
      5,
      () => part(pick(below, ["file", "file", "other", ""]), pick(below, [name, name, null])),
    )
    : [part("file", name)];
  const whole = concat([...parts, new TextEncoder().encode(`--${boundary}--\r\n`)]);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: isOdd && below(2) === 0 ? edited(whole, some(below, 4, () => edit(below))) : whole,
  };
}

/** A WebSocket, and then bytes that are frames or none. */
function socket({ tokens }: Scene, below: Below): Omit<Writing, "what"> {
  const handshake = `GET /fmsg/ws HTTP/1.1\r\nHost: fuzz\r\nAuthorization: Bearer ${
    tokens[0] ?? ""
  }\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${
    pick(below, ["13", "13", "13", "8", "x"])
  }\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${
    pick(below, [
      "",
      "",
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      "Content-Length: 5\r\n",
    ])
  }\r\n`;
  const frames = some(below, 8, () => {
    const opcode = pick(below, [0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x00, 0xc1, 0x8f, below(256)]);
    const length = below(pick(below, [10, 126]));
    const lengths = below(8) === 0 ? [0xff, ...new Array(8).fill(255)] : [0x80 | length];
    return concat([Uint8Array.of(opcode, ...lengths), randomBytes(4 + length, below)]);
  });
  return {
    pieces: [new TextEncoder().encode(handshake), ...frames],
    methods: null,
    then: pick(below, ["end", "reset"]),
    deafMs: 0,
  };
}

function cutUp(bytes: Bytes, below: Below): Bytes[] {
  if (below(3) > 0 || bytes.length < 2) return [bytes];
  const at = 1 + below(bytes.length - 1);
  return [bytes.slice(0, at), bytes.slice(at)];
}

const METHODS = [
  "GET",
  "HEAD",
  "OPTIONS",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "TRACE",
  "PROPFIND",
  "QUERY",
];

const TYPES = [
  "text/plain",
  "application/json; charset=utf-16",
  "multipart/form-data",
  "multipart/form-data; boundary=",
  "application/x-www-form-urlencoded",
  "x",
  "",
  "text/html;".repeat(50),
];

const FRAMINGS = [
  "Content-Length: 0\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 99999999999\r\n",
  "Content-Length: -1\r\n",
  "Content-Length: 1\r\nContent-Length: 2\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding:\r\nContent-Length: 5\r\n",
  "Expect: 100-continue\r\nContent-Length: 5\r\n",
  "Expect: tea\r\nContent-Length: 5\r\n",
  "Host: another\r\n",
];

const ODD_HEADERS: readonly ((below: Below) => readonly [string, string])[] = [
  (below) => ["X-FMSG-Act-As", latin(oddText(below))],
  (
    below,
  ) => ["Range", `bytes=${pick(below, ["0-0", "-1", "5-1", "0-,5-", "9999999999999999-", "a"])}`],
  (below) => ["If-None-Match", pick(below, ["*", '"', "W/", `"${"a,".repeat(500)}"`])],
  (below) => ["If-Range", latin(oddText(below))],
  (below) => ["Origin", pick(below, ["null", "https://evil.example", ""])],
  (below) => ["X-Forwarded-For", pick(below, ["127.0.0.1", ",,,", "a".repeat(500), "::1:::"])],
  (below) => ["Accept", latin(oddText(below))],
  () => ["Authorization", "Basic YTpi"],
  () => ["Connection", "keep-alive, Upgrade, HTTP2-Settings"],
  () => ["Upgrade", "h2c"],
  () => ["Content-Encoding", "gzip"],
  () => ["Cookie", "a=b; ".repeat(200)],
  () => ["X-HTTP-Method-Override", "DELETE"],
  () => ["X".repeat(1000), "y"],
];

/** What a line of a header can hold. */
function latin(text: string): string {
  return text.replace(/[^ -~]/g, "?").slice(0, 1000);
}

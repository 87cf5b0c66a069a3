// fmsg host status in words, and without a host to tell of. With one: tests/conformance/status_test.ts.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { printResult } from "../../src/cli/context.ts";
import { statusInWords } from "../../src/cli/status.ts";
import { width } from "../../src/cli/terminal.ts";
import type { Status } from "../../src/host/mod.ts";
import { DirectoryLock } from "../../src/store/mod.ts";
import { capturing, isHarmless, Place } from "./support.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z") / 1000;
const DAY = 86_400;

type Last = Status["last"][number];

/** A host that has been up for a day and in which nothing happened. */
const IDLE: Status = {
  version: "1.2.3",
  pid: 4321,
  domain: "example.com",
  data_dir: "/var/lib/fmsg",
  addresses: ["0.0.0.0:4930"],
  uptime: DAY,
  connections: [],
  refused: {},
  exchanges: { "in accepted": 0, "out unreachable": 0 },
  last: [],
  queue: { waiting: 0, oldest: null, domains: [] },
  bans: [],
  quotas: [],
  messages: 0,
  users: 1,
  certificate: {
    expires: new Date((NOW + 60 * DAY) * 1000).toISOString(),
    warnings: [],
    acme: null,
  },
  api: null,
  disk: { free: 5 * 2 ** 30, floor: 2 ** 28, room: true, store: 2 ** 20 },
  memory: 100 * 2 ** 20,
  counts: {
    connections: 0,
    exchanges_in: 0,
    exchanges_out: 0,
    sockets: 1,
    timers: 3,
    staging: 0,
    outgoing: 0,
    faults: 0,
  },
};

function last(changes: Partial<Last> = {}): Last {
  return {
    time: NOW - 5,
    direction: "in",
    peer: "192.0.2.1",
    domain: "peer.example",
    to: null,
    header_hash: null,
    codes: [64, 200],
    challenge: "none",
    terminated: null,
    detail: null,
    bytes: 100,
    ms: 58.4,
    ...changes,
  };
}

/** As on a terminal of so many columns without colours, or as into a pipe. */
function words(changes: Partial<Status>, columns?: number): string {
  return statusInWords({ ...IDLE, ...changes }, capturing(columns).to, NOW);
}

/** The line that begins with `start`, without what stands in front. */
function line(text: string, start: string): string {
  const found = text.split("\n").find((one) => one.trimStart().startsWith(start));
  assert.ok(found !== undefined, `no line begins with ${start}:\n${text}`);
  return found.trim().replace(/ {2,}/g, "  ");
}

Deno.test("a host in which nothing happens has little to tell", () => {
  const text = words({}, 80).replace(/until [-0-9: ]+ \(/, "until DATE (");
  assert.deepEqual(text.split("\n"), [
    "Host         example.com, fmsg 1.2.3, process 4321, up for 1 d",
    "Listens on   0.0.0.0:4930",
    "Certificate  valid until DATE (60 d)",
    "Store        0 messages, 1 user, 1 MiB; 5 GiB free on its disk",
    "Memory       100 MiB",
    "Under way    0 exchanges in, 0 out",
    "",
    "Connected: 0",
    "",
    "Waiting for delivery: 0",
    "",
    "Exchanges since the start: none yet",
  ]);
});

Deno.test("who is connected is told with what they do, ten of them", () => {
  const connections = Array.from({ length: 12 }, (_, i) => ({
    peer: `192.0.2.${i}`,
    age: i,
    state: (["handshake", "waiting", "exchange"] as const)[i % 3] ?? "waiting",
  }));
  const text = words({ connections }, 80);
  assert.match(text, /^Connected: 12$/m);
  assert.equal(line(text, "192.0.2.0"), "192.0.2.0  in the handshake  for 0 s");
  assert.equal(line(text, "192.0.2.4"), "192.0.2.4  has said nothing yet  for 4 s");
  assert.equal(line(text, "192.0.2.8"), "192.0.2.8  in an exchange  for 8 s");
  assert.doesNotMatch(text, /192\.0\.2\.10/);
  assert.match(text, /^ {2}… and 2 more$/m);
});

Deno.test("what waits is told by domain, with how often it was tried, when it will be, and why", () => {
  const error = "No host of far.example could be reached (192.0.2.1: connection refused)";
  const text = words({
    queue: {
      waiting: 15,
      oldest: NOW - 7200,
      domains: [
        {
          domain: "far.example",
          waiting: 12,
          attempts: 5,
          next_attempt: NOW + 180,
          last_error: error,
        },
        {
          domain: "xn--bcher-kva.example",
          waiting: 1,
          attempts: 0,
          next_attempt: NOW,
          last_error: null,
        },
      ],
    },
  }, 80);
  const at = text.indexOf("Waiting");
  assert.deepEqual(text.slice(at, text.indexOf("\n\n", at)).split("\n"), [
    "Waiting for delivery: 15, the oldest for 2 h",
    "  far.example: 12, tried 5×, next in 3 min",
    `    ${error}`,
    "  bücher.example: 1, not tried yet, next now",
    "  … and 2 more for other domains",
  ]);
});

for (
  const [what, changes, expected] of [
    ["a message that was taken", {}, "5 s ago  in  peer.example  192.0.2.1  58 ms  200 accept"],
    [
      "trouble before what went well",
      { codes: [64, 200, 101, 200] },
      "5 s ago  in  peer.example  192.0.2.1  58 ms  101 user full, 200 accept ×2",
    ],
    ["a refusal", { codes: [4] }, "5 s ago  in  peer.example  192.0.2.1  58 ms  4 too big"],
    [
      "a code that nobody knows",
      { direction: "out", to: "far.example", codes: [64, 77] },
      "5 s ago  out  far.example  192.0.2.1  58 ms  77 code 77",
    ],
    [
      "why it broke off, and that it took long",
      { codes: [64], terminated: "too slow", ms: 30_400, time: NOW - 7200 },
      "2 h ago  in  peer.example  192.0.2.1  30 s  too slow",
    ],
    [
      "nobody there",
      { direction: "out", to: "far.example", peer: "", codes: [] },
      "5 s ago  out  far.example  58 ms  nobody reached",
    ],
    [
      "a header that was not understood",
      { domain: null, codes: [], terminated: "malformed header" },
      "5 s ago  in  192.0.2.1  58 ms  malformed header",
    ],
  ] satisfies [string, Partial<Last>, string][]
) {
  Deno.test(`the last exchanges tell of ${what}`, () => {
    const text = words({ last: [last(changes)] }, 120);
    assert.equal(line(text.slice(text.indexOf("Last exchanges")), expected.slice(0, 7)), expected);
  });
}

Deno.test("exchanges and refusals are summed up, without what never happened", () => {
  const text = words({
    exchanges: { "in accepted": 3, "in rejected": 0, "out accepted": 2, "out unreachable": 7 },
    refused: { "handshake failed": 4, banned: 1 },
  }, 80);
  assert.equal(line(text, "in "), "in  3 accepted");
  assert.equal(line(text, "out "), "out  2 accepted, 7 unreachable");
  assert.equal(line(text, "refused "), "refused  4 handshake failed, 1 banned");
});

Deno.test("a certificate that has expired or soon will, a full disk and faults are told with what they mean", () => {
  const expires = (at: number, ...warnings: string[]): Partial<Status> => ({
    certificate: { expires: new Date(at * 1000).toISOString(), warnings, acme: null },
  });
  const expired = words(expires(NOW - DAY, "tls.key: no such file"), 80);
  assert.match(expired, /^Certificate {2}expired on .*: other hosts refuse to talk to this one$/m);
  assert.match(expired, /^ {13}tls\.key: no such file$/m);
  assert.match(words(expires(NOW + 3 * DAY), 80), /^Certificate {2}valid until .* \(3 d\)$/m);
  const full = words({
    disk: { ...IDLE.disk, free: 1e6, room: false },
    counts: { ...IDLE.counts, faults: 2 },
  }, 80);
  assert.match(
    full,
    /977 KiB free on its disk\n {13}too little for new messages, which are\s+refused/,
  );
  assert.match(full, /^Faults {7}2: see "internal error" in the log$/m);
});

Deno.test("the interface is told of where there is one", () => {
  const api = { address: "127.0.0.1:8000", tls: false, connections: 3, sockets: 1, requests: 120 };
  assert.doesNotMatch(words({}, 80), /Interface/);
  assert.match(
    words({ api }, 80),
    /^Interface {4}127\.0\.0\.1:8000: 3 connections, 1 WebSocket, 120 requests so far$/m,
  );
  assert.match(words({ api: { ...api, tls: true } }, 80), /127\.0\.0\.1:8000 with TLS: /);
  assert.match(
    words({ api: { ...api, address: null } }, 80),
    /^Interface {4}waits for the certificate$/m,
  );
});

Deno.test("bans and quotas are told where there are any", () => {
  const text = words({
    bans: [{ address: "2001:db8::/64", until: NOW + 3600, reason: "malformed header" }],
    quotas: [
      { address: "@a@example.com", limit: "recv_bytes", used: 2 ** 20, max: 2 ** 20 },
      { address: "@b@example.com", limit: "send_messages_per_day", used: 85, max: 100 },
    ],
  }, 80);
  assert.match(text, /^Banned: 1$/m);
  assert.match(line(text, "2001:db8::/64"), /malformed header$/);
  assert.equal(line(text, "@a@"), "@a@example.com  recv_bytes  1 MiB of 1 MiB  100 %");
  assert.equal(line(text, "@b@"), "@b@example.com  send_messages_per_day  85 of 100  85 %");
});

const EVIL = "a\nb\x1b[2J\x7f\x9b31m\u2028\u202egnp.exe\u200b";

/** A host about which strangers could say what they like, and as much as they like. */
const HOSTILE: Partial<Status> = {
  connections: [{ peer: "2001:db8:85a3:1234:5678:8a2e:370:7334", age: 1e9, state: "waiting" }],
  last: [
    last({ domain: EVIL, terminated: EVIL }),
    last({ domain: `${"long.".repeat(50)}example`, peer: "2001:db8:85a3:1234:5678:8a2e:370:7334" }),
    last({ codes: Array.from({ length: 256 }, (_, i) => i) }),
    last({ time: NOW + 1e9, ms: 1e12 }),
  ],
  queue: {
    waiting: 2,
    oldest: NOW + 1e9,
    domains: [
      { domain: EVIL, waiting: 1, attempts: 1, next_attempt: NOW, last_error: EVIL },
      {
        domain: `${"long.".repeat(50)}example`,
        waiting: 1,
        attempts: 1e9,
        next_attempt: NOW,
        last_error: `${EVIL}${"words and more ".repeat(2000)}`,
      },
    ],
  },
  bans: [{ address: "192.0.2.1", until: NOW, reason: EVIL }],
  quotas: [{ address: `@${"x".repeat(200)}@${EVIL}`, limit: "recv_bytes", used: 1e12, max: 1 }],
  certificate: { expires: "never", warnings: [EVIL, "x".repeat(500)], acme: null },
};

for (const columns of [80, 60, 20, 1]) {
  Deno.test(`S3 whatever strangers say, ${columns} columns are obeyed, and nothing else is`, () => {
    const text = words(HOSTILE, columns);
    assert.ok(isHarmless(text), JSON.stringify(text));
    if (columns < 60) return;
    for (const one of text.split("\n")) assert.ok(width(one) <= columns, one);
    // Nobody makes the page so long that the rest of it is not seen.
    assert.ok(text.split("\n").length < 60, text);
  });
}

Deno.test("S3 JSON commands no terminal either, and means what it meant", () => {
  const output = capturing(80);
  printResult(output.to, { json: true }, { detail: EVIL }, () => "");
  const { stdout } = output.taken();
  assert.ok(isHarmless(stdout), stdout);
  assert.deepEqual(JSON.parse(stdout), { detail: EVIL });
});

Deno.test("into a pipe everything is told in full", () => {
  const domain = `${"long.".repeat(40)}example`;
  const text = words({
    last: [last({ domain })],
    queue: {
      waiting: 1,
      oldest: NOW,
      domains: [{
        domain,
        waiting: 1,
        attempts: 1,
        next_attempt: NOW,
        last_error: "why ".repeat(200),
      }],
    },
  });
  assert.ok(!text.includes("…"), text);
  assert.equal(text.split(domain).length, 3);
});

Deno.test("where no host runs, one line says so and what to do; the exit status is 1", async () => {
  using place = new Place();
  const data = join(place.dir, "data");
  for (
    const words of [["host", "status"], ["host", "status", "--json"], ["host", "bans", "list"]]
  ) {
    assert.deepEqual(await ended(place, words), [
      1,
      "",
      `fmsg: No host runs on ${data}: start it with "fmsg host run", or name its configuration with --config\n`,
    ]);
  }
  // Also where a host has been.
  await place.addUsers("alice");
  assert.equal((await ended(place, ["host", "status"]))[0], 1);
  await place.addUsers("bob");
});

Deno.test("a host that starts or stops is not taken for one that is not there", async () => {
  using place = new Place();
  await place.addUsers("alice");
  const data = join(place.dir, "data");
  mkdirSync(data, { recursive: true });
  using lock = DirectoryLock.take(data);
  assert.ok(lock !== null);
  assert.deepEqual(await ended(place, ["host", "status"]), [
    1,
    "",
    `fmsg: Process ${Deno.pid} holds ${data} and does not answer yet, or no more: it may be a host that starts or stops; try again\n`,
  ]);
});

async function ended(place: Place, words: readonly string[]): Promise<[number, string, string]> {
  const { status, stdout, stderr } = await place.run(words);
  return [status, stdout, stderr];
}

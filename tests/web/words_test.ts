// Deliveries, sizes and times in words.

import assert from "node:assert/strict";
import {
  codeWords,
  deliveryWords,
  fullTime,
  shortTime,
  sizeWords,
  summaryWords,
  timeWords,
} from "../../src/web/words.ts";
import { texts } from "../../src/web/texts.ts";
import { ACCEPTANCES, REJECTIONS, VERDICTS } from "../../src/wire/code.ts";
import { meaningOf } from "../../src/protocol/retry.ts";
import { delivery, item } from "./items.ts";

const NOW = Date.parse("2026-03-10T12:00:00Z");
const BOB = "@bob@b.test";

function words(
  fields: Parameters<typeof delivery>[1],
  { answers = false, time = 1 as number | null } = {},
) {
  return deliveryWords(delivery(BOB, fields), { time, answers, now: NOW, zone: "UTC" });
}

Deno.test("N7 every code of the specification has words, and every final one that can be helped what to do", () => {
  for (const code of Object.keys({ ...REJECTIONS, ...VERDICTS, ...ACCEPTANCES }).map(Number)) {
    assert.ok(!codeWords(code).includes("code"), `${code}`);
  }
  assert.equal(codeWords(77), "Refused with code 77");
  for (const code of Object.keys({ ...REJECTIONS, ...VERDICTS }).map(Number)) {
    if (meaningOf(code) !== "final" || code === 105) continue;
    assert.ok(Object.hasOwn(texts.delivery.todo, code), `${code}: ${codeWords(code)}`);
  }
});

Deno.test("N7 each state in words: delivered, failed, waiting with its next attempt, not told", () => {
  const next_attempt = "2026-03-10T14:05:00Z";
  const cases: [Parameters<typeof delivery>[1], string, string][] = [
    [{ state: "delivered", time_delivered: "2026-03-10T14:05:00Z" }, "done", "Delivered at 14:05"],
    [
      { state: "local", time_delivered: "2026-03-09T14:05:00Z" },
      "done",
      "Delivered yesterday 14:05",
    ],
    [
      { state: "pending", response_code: 101, next_attempt, attempts: 1 },
      "waiting",
      "Mailbox full, trying again at 14:05",
    ],
    [
      { state: "pending", reason: "time-out", next_attempt, attempts: 3 },
      "waiting",
      "Their host cannot be reached, trying again at 14:05",
    ],
    [
      { state: "pending", response_code: 5, attempts: 1, next_attempt: "2026-03-10T11:00:00Z" },
      "waiting",
      "No room on their host, trying again soon",
    ],
    [{ state: "pending", next_attempt: "2026-03-10T12:00:00Z" }, "waiting", "Being sent"],
    [{ state: "failed", response_code: 100 }, "failed", "No such user"],
    [{ state: "failed", reason: "no host" }, "failed", "Could not be delivered"],
    [{ state: "unknown" }, "unknown", texts.delivery.elsewhere],
  ];
  for (const [fields, tone, text] of cases) {
    const said = words(fields);
    assert.deepEqual([said.tone, said.text], [tone, text]);
  }
  assert.equal(words({ state: "pending" }, { time: null }).text, "Not sent yet");
  assert.match(
    words({ state: "pending", reason: "waits until …" }, { answers: true }).text,
    /it answers/,
  );
});

Deno.test("N7 the host's own words stand beside ours only where they tell more", () => {
  const detail = (fields: Parameters<typeof delivery>[1], answers = false) =>
    words(fields, { answers }).detail;
  const full = "user full (101): the mailbox is full";
  assert.equal(detail({ state: "failed", response_code: 101, reason: full }), null);
  assert.equal(
    detail({ state: "failed", response_code: 101, reason: `given up: ${full}` }),
    `given up: ${full}`,
  );
  assert.equal(detail({ state: "failed", reason: "no host" }), "no host");
  assert.equal(detail({ state: "pending", reason: "waits until …" }, true), null);
});

Deno.test("D6 after a final 6 the sender is told both ways out", () => {
  const { todo } = words({ state: "failed", response_code: 6 });
  assert.match(todo ?? "", /Add them/);
  assert.match(todo ?? "", /new conversation/);
});

Deno.test("N7 all deliveries of a message as one: the worst counts", () => {
  const of = (...states: ("delivered" | "pending" | "failed" | "unknown")[]) =>
    summaryWords(item(1, { to_delivery: states.map((state) => delivery(BOB, { state })) }));
  assert.equal(of("delivered", "pending", "failed")?.text, "Not delivered to 1 recipient");
  assert.equal(of("delivered", "pending", "pending")?.text, "Waiting for 2 recipients");
  assert.equal(of("delivered")?.tone, "done");
  assert.equal(of("unknown", "delivered"), null);
});

Deno.test("sizes: by thousands, never 1000 of a unit, one digit behind the point while it is small", () => {
  const said = [0, 1, 999, 1000, 1449, 9_949, 9_999, 999_499, 999_500, 10_485_760, 4_294_967_295]
    .map(sizeWords);
  assert.deepEqual(said, [
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1 kB",
    "1.4 kB",
    "9.9 kB",
    "10 kB",
    "999 kB",
    "1 MB",
    "10 MB",
    "4.3 GB",
  ]);
});

Deno.test("times: in the reader's zone, the day only where it is another", () => {
  const at = Date.parse("2026-03-09T23:30:00Z");
  assert.equal(timeWords(at, NOW, "UTC"), "yesterday 23:30");
  assert.equal(timeWords(at, NOW, "Europe/Vienna"), "at 00:30");
  assert.equal(shortTime(at, NOW, "UTC"), "9 Mar");
  assert.equal(shortTime(Date.parse("2025-03-09T00:00:00Z"), NOW, "UTC"), "9 Mar 2025");
  assert.match(fullTime(at, "UTC"), /9 March 2026.*23:30:00 UTC/);
  assert.equal(timeWords(NaN, NOW, "UTC"), "");
});

Deno.test("times: yesterday is the day before in the calendar, also where clocks were changed", () => {
  const berlin = (at: string, now: string) =>
    timeWords(Date.parse(at), Date.parse(now), "Europe/Berlin");
  // Put forward on 29 March, put back on 25 October 2026.
  assert.equal(berlin("2026-03-29T12:00+02:00", "2026-03-30T00:30+02:00"), "yesterday 12:00");
  assert.equal(berlin("2026-03-28T23:45+01:00", "2026-03-30T00:30+02:00"), "28 Mar 23:45");
  assert.equal(berlin("2026-10-24T12:00+02:00", "2026-10-25T23:30+01:00"), "yesterday 12:00");
});

Deno.test("numbers: one is one", () => {
  const { topicLeft } = texts.writing;
  assert.deepEqual([-2, -1, 0, 1].map(topicLeft), [
    "2 bytes too long",
    "1 byte too long",
    "0 bytes left",
    "1 byte left",
  ]);
  const { others } = texts.delivery;
  assert.deepEqual([1, 2].map(others), ["The other recipient", "The other 2 recipients"]);
});

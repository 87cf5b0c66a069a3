// What the interface says in codes and numbers, in words: deliveries, sizes, times. Pure; the words are in texts.ts.

import type { DeliveryJson, MessageItem } from "../api/message_schema.ts";
import { latestDeliveries } from "./message_facts.ts";
import { LANGUAGE, texts } from "./texts.ts";

/** How it stands with a delivery, for its colour and sign. */
export type Tone = "done" | "waiting" | "failed" | "unknown";

export interface DeliveryWords {
  readonly tone: Tone;
  /** `Mailbox full, trying again at 14:05`. */
  readonly text: string;
  /** The host's own words for what happened, in more detail; null when it has none. */
  readonly detail: string | null;
  /** What the sender can do; null when there is nothing, or no need. */
  readonly todo: string | null;
  /** The fmsg code, for those who look closer. */
  readonly code: number | null;
}

/**
 * One recipient's delivery. `now` in milliseconds; `time` is the message's, null for a draft. `answers`: has it a parent?
 * Then waiting without an attempt is waiting for that.
 */
export function deliveryWords(
  delivery: DeliveryJson,
  { time, answers, now, zone }: {
    readonly time: number | null;
    readonly answers: boolean;
    readonly now: number;
    readonly zone?: string;
  },
): DeliveryWords {
  const words = texts.delivery;
  const { state, response_code: code, reason, next_attempt: next, time_delivered: at } = delivery;
  const detail = isSaidByCode(reason, code) ? null : reason;
  if (time === null) return { tone: "waiting", text: words.draft, detail, todo: null, code };
  switch (state) {
    case "local":
    case "delivered": {
      const when = at === null ? null : timeWords(Date.parse(at), now, zone);
      return { tone: "done", text: words.delivered(when), detail: null, todo: null, code };
    }
    case "unknown":
      return { tone: "unknown", text: words.elsewhere, detail, todo: null, code };
    case "failed": {
      const text = code === null ? words.gaveUp : codeWords(code);
      const todo = code === null ? words.todoUnreachable : todoFor(code);
      return { tone: "failed", text, detail, todo, code };
    }
    case "pending": {
      const text = waitingWords(delivery);
      const isSaid = text === words.waitingForParent;
      return { tone: "waiting", text, detail: isSaid ? null : detail, todo: null, code };
    }
  }

  function waitingWords({ attempts }: DeliveryJson): string {
    const when = next === null ? null : Date.parse(next);
    const again = when === null ? null : when <= now ? texts.time.soon : timeWords(when, now, zone);
    if (code !== null) return words.again(codeWords(code), again);
    if (next === null && reason !== null && answers) return words.waitingForParent;
    if (attempts > 0 && reason !== null) return words.again(words.unreachable, again);
    return attempts > 0 ? words.waiting : words.sending;
  }
}

/** `user unknown (100): …`: what the host makes of a code alone is told here in better words. */
function isSaidByCode(reason: string | null, code: number | null): boolean {
  return code !== null && (reason?.split(": ", 1)[0]?.endsWith(` (${code})`) ?? false);
}

/** Of a thread, as its heading; `null`: its beginning is not known. */
export function topicWords({ topic }: { readonly topic: string | null }): string {
  if (topic === null) return texts.lists.unknownTopic;
  return topic === "" ? texts.lists.noTopic : topic;
}

/** Every code of the specification's table, "Reject or Accept Response". */
export function codeWords(code: number): string {
  return has(texts.delivery.codes, code)
    ? texts.delivery.codes[code]
    : texts.delivery.unknownCode(code);
}

/** What to do after a final code; null: nothing. */
export function todoFor(code: number): string | null {
  return has(texts.delivery.todo, code) ? texts.delivery.todo[code] : null;
}

/** All deliveries of an own message as one: the worst counts. null: there is nothing to tell. */
export function summaryWords(
  { time, to_delivery, add_to }: Pick<MessageItem, "time" | "to_delivery" | "add_to">,
): { readonly tone: Tone; readonly text: string } | null {
  if (time === null) return null;
  const states = latestDeliveries({ to_delivery, add_to }).map(({ state }) => state);
  const failed = states.filter((state) => state === "failed").length;
  const waiting = states.filter((state) => state === "pending").length;
  const words = texts.delivery.summary;
  if (failed > 0) return { tone: "failed", text: words.someFailed(failed) };
  if (waiting > 0) return { tone: "waiting", text: words.someWait(waiting) };
  if (states.some((state) => state === "unknown")) return null;
  return { tone: "done", text: words.delivered };
}

/** `1.4 MB`: as browsers and file managers count, by thousands. */
export function sizeWords(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  let value = bytes;
  let step = 0;
  // What would be rounded to a thousand is one of the next unit.
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1000;
    step++;
  }
  return new Intl.NumberFormat(LANGUAGE, {
    style: "unit",
    unit: units[step] ?? "byte",
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step > 0 && value < 9.95 ? 1 : 0,
  }).format(value);
}

/**
 * A moment within a sentence: `at 14:05` today, `yesterday 14:05`, else the date with the time; milliseconds, in the
 * reader's zone unless `zone` says otherwise.
 */
export function timeWords(at: number, now: number, zone?: string): string {
  if (!Number.isFinite(at)) return "";
  const clock = format("clock", at, zone);
  const day = dayOf(at, zone);
  if (day === dayOf(now, zone)) return texts.time.at(clock);
  if (day === dayBefore(now, zone)) return texts.time.yesterday(clock);
  return texts.time.on(format(sameYear(at, now, zone) ? "day" : "dayYear", at, zone)) + ` ${clock}`;
}

/** For a list: the time of day today, else the date. */
export function shortTime(at: number, now: number, zone?: string): string {
  if (!Number.isFinite(at)) return "";
  if (dayOf(at, zone) === dayOf(now, zone)) return format("clock", at, zone);
  return format(sameYear(at, now, zone) ? "day" : "dayYear", at, zone);
}

/** Date and time to the second, with the zone: for details and `title`. */
export function fullTime(at: number, zone?: string): string {
  return Number.isFinite(at) ? format("full", at, zone) : "";
}

const FORMATS = {
  clock: { hour: "2-digit", minute: "2-digit", hour12: false },
  day: { day: "numeric", month: "short" },
  dayYear: { day: "numeric", month: "short", year: "numeric" },
  full: { dateStyle: "full", timeStyle: "long" },
  key: { year: "numeric", month: "2-digit", day: "2-digit" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** One is dear to make, and a list needs hundreds. */
const made = new Map<string, Intl.DateTimeFormat>();

function format(name: keyof typeof FORMATS, at: number, zone: string | undefined): string {
  const key = `${name} ${zone ?? ""}`;
  let formatter = made.get(key);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat(`${LANGUAGE}-GB`, {
      ...FORMATS[name],
      ...zone === undefined ? {} : { timeZone: zone },
    });
    made.set(key, formatter);
  }
  return formatter.format(at);
}

function dayOf(at: number, zone: string | undefined): string {
  return format("key", at, zone);
}

/** 24 hours ago it may be the day before that, or still this one, where clocks were put forward or back. */
function dayBefore(now: number, zone: string | undefined): string {
  let at = now;
  while (dayOf(at, zone) === dayOf(now, zone)) at -= 6 * 3_600_000;
  return dayOf(at, zone);
}

function sameYear(at: number, now: number, zone: string | undefined): boolean {
  return dayOf(at, zone).slice(-4) === dayOf(now, zone).slice(-4);
}

function has<Table extends object>(table: Table, key: PropertyKey): key is keyof Table {
  return Object.hasOwn(table, key);
}

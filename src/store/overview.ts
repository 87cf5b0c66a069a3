// What an operator wants to know of a store at a glance. It is read on the thread that serves connections, which no call
// may hold up for long: how long each takes is written beside it.

import type { Database, Row } from "./database.ts";
import type { LimitName, WriterSettings } from "./operations.ts";
import { lastDay, readLimits } from "./users.ts";

/** Domains that are told one by one, and uses of limits. */
const MAX_DOMAINS = 20;
const MAX_QUOTAS = 100;

/** From this part of a limit on, its end is near. */
const NEAR = 0.8;

/** Users who are looked at in one go: each takes 40 µs at most. */
const USERS_AT_ONCE = 100;

/** Read for every page of metrics: 5 ms where 10,000 deliveries wait. */
export interface Overview {
  readonly messages: number;
  readonly users: number;
  /** Contents on their way in. */
  readonly staged: number;
  /** Deliveries that wait: a message counts once for each domain it goes to. */
  readonly waiting: number;
  /** When the message that waits longest was sent, in POSIX seconds; null when nothing waits. */
  readonly oldest: number | null;
}

export interface WaitingDomain {
  readonly domain: string;
  readonly waiting: number;
  /** Attempts that were made for the delivery that has had most. */
  readonly attempts: number;
  /** POSIX seconds; null while everything waits for a message before it. */
  readonly next_attempt: number | null;
  readonly last_error: string | null;
}

type Limits = WriterSettings["quota"];

/** Limits that are used up, other than those on a single message. */
const USED_LIMITS = [
  "recv_messages",
  "recv_bytes",
  "recv_bytes_per_day",
  "recv_messages_per_day",
  "send_bytes",
  "send_bytes_per_day",
  "send_messages_per_day",
] as const satisfies readonly LimitName[];

type UsedLimit = typeof USED_LIMITS[number];

/** A user who has used most of a limit. */
export interface QuotaUse {
  readonly address: string;
  readonly limit: LimitName;
  readonly used: number;
  readonly max: number;
}

const OPEN = "o.state IN ('blocked', 'waiting')";

export function overview(db: Database): Overview {
  const open = db.get(
    `SELECT count(*) AS n, min(m.time) AS oldest
     FROM outbound o JOIN message m ON m.id = o.message WHERE ${OPEN}`,
  );
  return {
    messages: count(db, "SELECT count(*) AS n FROM message"),
    users: count(db, "SELECT count(*) AS n FROM user"),
    staged: count(db, "SELECT count(*) AS n FROM content WHERE staged = 1"),
    waiting: open?.integer("n") ?? 0,
    oldest: open?.optional("oldest", (row, name) => row.real(name)) ?? null,
  };
}

/** The domains for which most waits: 8 ms where 10,000 deliveries wait. */
export function mostWaiting(db: Database): WaitingDomain[] {
  // Columns beside max() are those of the row that has it.
  const domains = db.all(
    `SELECT o.domain, count(*) AS waiting, max(o.attempts) AS attempts, o.last_error
     FROM outbound o WHERE ${OPEN} GROUP BY o.domain ORDER BY waiting DESC, o.domain LIMIT ?`,
    MAX_DOMAINS,
  );
  return domains.map((row) => ({
    domain: row.text("domain"),
    waiting: row.integer("waiting"),
    attempts: row.integer("attempts"),
    next_attempt: nextDue(db, row.text("domain")),
    last_error: row.optional("last_error", (r, name) => r.text(name)),
  }));
}

/** When the next delivery to a domain is due, in POSIX seconds; null when none will be. */
export function nextDue(db: Database, domain: string): number | null {
  return db.get(
    "SELECT min(next_attempt) AS due FROM outbound WHERE domain = ? AND state = 'waiting'",
    domain,
  )?.optional("due", (row, name) => row.real(name)) ?? null;
}

/**
 * The limits of which most is used, the fullest first, after some users each time: all of them may take seconds. The last
 * value counts.
 */
export function* quotasNearTheirEnd(
  db: Database,
  defaults: Limits,
  now: number,
): Generator<readonly QuotaUse[], void> {
  let near: QuotaUse[] = [];
  let after = "";
  for (;;) {
    const rows = db.all(
      "SELECT * FROM user WHERE key > ? ORDER BY key LIMIT ?",
      after,
      USERS_AT_ONCE,
    );
    near = [...near, ...rows.flatMap((row) => usesOf(db, row, defaults, now))]
      .filter(({ used, max }) => used >= max * NEAR)
      .sort((a, b) => b.used / b.max - a.used / a.max)
      .slice(0, MAX_QUOTAS);
    yield near;
    const last = rows.at(-1);
    if (last === undefined || rows.length < USERS_AT_ONCE) return;
    after = last.text("key");
  }
}

function usesOf(
  db: Database,
  row: Row,
  defaults: Limits,
  now: number,
): QuotaUse[] {
  const limits: Limits = { ...defaults, ...readLimits(row) };
  const key = row.text("key");
  const used = (name: UsedLimit): number => {
    switch (name) {
      case "recv_messages":
      case "recv_bytes":
      case "send_bytes":
        return row.integer(name);
      case "recv_messages_per_day":
        return lastDay(db, key, "recv", now).messages;
      case "recv_bytes_per_day":
        return lastDay(db, key, "recv", now).bytes;
      case "send_messages_per_day":
        return lastDay(db, key, "send", now).messages;
      case "send_bytes_per_day":
        return lastDay(db, key, "send", now).bytes;
    }
  };
  return USED_LIMITS.flatMap((limit) => {
    const max = limits[limit];
    return max === null || max === 0
      ? []
      : [{ address: row.text("address"), limit, used: used(limit), max }];
  });
}

function count(db: Database, sql: string): number {
  return db.get(sql)?.integer("n") ?? 0;
}

// What an operator wants to know of a store at a glance.

import type { Database, Row } from "./database.ts";
import type { LimitName, WriterSettings } from "./operations.ts";
import { lastDay, readLimits } from "./users.ts";

/** Domains that are told one by one, and users near their limits. */
const MAX_DOMAINS = 20;
const MAX_QUOTAS = 100;

/** From this part of a limit on, its end is near. */
const NEAR = 0.8;

export interface Overview {
  readonly messages: number;
  readonly users: number;
  /** Contents on their way in. */
  readonly staged: number;
  readonly queue: QueueOverview;
}

export interface QueueOverview {
  /** Deliveries: a message counts once for each domain it goes to. */
  readonly waiting: number;
  /** When the message that waits longest was sent, in POSIX seconds; null when nothing waits. */
  readonly oldest: number | null;
  /** The domains with the most that waits. */
  readonly domains: readonly WaitingDomain[];
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

export function overview(db: Database): Overview {
  return {
    messages: count(db, "SELECT count(*) AS n FROM message"),
    users: count(db, "SELECT count(*) AS n FROM user"),
    staged: count(db, "SELECT count(*) AS n FROM content WHERE staged = 1"),
    queue: queue(db),
  };
}

function queue(db: Database): QueueOverview {
  const open = "o.state IN ('blocked', 'waiting')";
  const oldest = db.get(
    `SELECT min(m.time) AS time FROM outbound o JOIN message m ON m.id = o.message WHERE ${open}`,
  );
  // Columns beside max() are those of the row that has it.
  const domains = db.all(
    `SELECT o.domain, count(*) AS waiting, max(o.attempts) AS attempts, o.last_error
     FROM outbound o WHERE ${open} GROUP BY o.domain ORDER BY waiting DESC, o.domain LIMIT ?`,
    MAX_DOMAINS,
  );
  return {
    waiting: count(db, `SELECT count(*) AS n FROM outbound o WHERE ${open}`),
    oldest: oldest?.optional("time", (row, name) => row.real(name)) ?? null,
    domains: domains.map((row) => ({
      domain: row.text("domain"),
      waiting: row.integer("waiting"),
      attempts: row.integer("attempts"),
      next_attempt: nextAttempt(db, row.text("domain")),
      last_error: row.optional("last_error", (r, name) => r.text(name)),
    })),
  };
}

function nextAttempt(db: Database, domain: string): number | null {
  return db.get(
    "SELECT min(next_attempt) AS due FROM outbound WHERE domain = ? AND state = 'waiting'",
    domain,
  )?.optional("due", (row, name) => row.real(name)) ?? null;
}

/** Users who have used most of a limit, the fullest first. */
export function quotasNearTheirEnd(
  db: Database,
  defaults: Limits,
  now: number,
): QuotaUse[] {
  return db.all("SELECT * FROM user ORDER BY key")
    .flatMap((row) => usesOf(db, row, defaults, now))
    .filter(({ used, max }) => used >= max * NEAR)
    .sort((a, b) => b.used / b.max - a.used / a.max)
    .slice(0, MAX_QUOTAS);
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

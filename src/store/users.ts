// Users in the writer: the directory, and what they have used of their limits.

import { Address, decodeHeader, expandedSize } from "../wire/mod.ts";
import { type Problem, type RecipientFacts, refuse } from "../protocol/mod.ts";
import type { Database, Row } from "./database.ts";
import {
  type ImportedUser,
  LIMIT_NAMES,
  type LimitName,
  type NewUser,
  type UserChange,
  type UserLimits,
  type WriterSettings,
} from "./operations.ts";
import type { Transaction } from "./transaction.ts";

type Limits = Readonly<Record<LimitName, number | null>>;

interface Usage {
  readonly messages: number;
  readonly bytes: number;
}

/** What is still here of an earlier user of that address is theirs, and counts. */
export function addUser(db: Database, user: NewUser, now: number): boolean {
  const address = Address.parse(user.address);
  if (address === null) throw new TypeError(`"${user.address}" is no address`);
  const { changes } = db.run(
    `INSERT INTO user (key, address, name, accepting, limits, created) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO NOTHING`,
    address.key,
    address.text,
    user.name,
    Number(user.accepting),
    JSON.stringify(user.limits, withoutDefaults),
    now,
  );
  if (changes === 0) return false;
  countAgain(db, address.key);
  return true;
}

export function setUser(db: Database, change: UserChange): boolean {
  const row = db.get("SELECT * FROM user WHERE key = ?", change.key);
  if (row === null) return false;
  db.run(
    "UPDATE user SET name = ?, accepting = ?, limits = ? WHERE key = ?",
    change.name ?? row.text("name"),
    Number(change.accepting ?? row.flag("accepting")),
    JSON.stringify({ ...readLimits(row), ...change.limits }, withoutDefaults),
    change.key,
  );
  return true;
}

/** Whoever is switched off is let in no more, in sessions that are open neither. */
export function changeUser({ db, changed }: Transaction, change: UserChange): boolean {
  const isThere = setUser(db, change);
  if (isThere && change.accepting === false) changed({ kind: "sessions ended" });
  return isThere;
}

/** Adds these users or changes them, whoever is there already; who is switched off by that is let in no more, as above. */
export function importUsers(
  { db, now, changed }: Transaction,
  users: readonly ImportedUser[],
): null {
  for (const user of users) {
    if (addUser(db, { name: "", accepting: true, limits: {}, ...user }, now)) continue;
    const key = Address.parse(user.address)?.key ?? "";
    setUser(db, { ...user, key });
    db.run("UPDATE user SET address = ? WHERE key = ?", user.address, key);
  }
  if (users.some(({ accepting }) => accepting === false)) changed({ kind: "sessions ended" });
  return null;
}

/** What is not written down takes the host's default. */
function withoutDefaults(_name: string, value: unknown): unknown {
  return value === "default" ? undefined : value;
}

/** Sessions of the user end with it, and those in which it is acted for as it. */
export function removeUser({ db, changed }: Transaction, key: string): boolean {
  db.run("DELETE FROM usage WHERE key = ?", key);
  const isGone = db.run("DELETE FROM user WHERE key = ?", key).changes > 0;
  if (isGone) changed({ kind: "sessions ended" });
  return isGone;
}

/** The limits that were set for a user, from the row's JSON. */
export function readLimits(row: Row): UserLimits {
  const parsed: unknown = JSON.parse(row.text("limits"));
  const limits: { -readonly [Name in LimitName]?: number | null } = {};
  if (typeof parsed !== "object" || parsed === null) return limits;
  for (const name of LIMIT_NAMES) {
    const value: unknown = Reflect.get(parsed, name);
    if (value === null || typeof value === "number") limits[name] = value;
  }
  return limits;
}

/** What 3.6.1.3 to 3.6.1.5 ask of a recipient who would get a message of `bytes` (expanded) now. */
export function recipientUser(
  db: Database,
  settings: WriterSettings,
  key: string,
  bytes: number,
  now: number,
): RecipientFacts["user"] {
  const row = db.get("SELECT * FROM user WHERE key = ?", key);
  if (row === null) return null;
  const limits: Limits = { ...settings.quota, ...readLimits(row) };
  const total = { messages: row.integer("recv_messages"), bytes: row.integer("recv_bytes") };
  const full = over(limits.recv_bytes_per_message, bytes) ||
    over(limits.recv_messages, total.messages + 1) ||
    over(limits.recv_bytes, total.bytes + bytes) ||
    (limitsDay(limits, "recv") && fullForDay(limits, "recv", lastDay(db, key, "recv", now), bytes));
  return { full, accepting: row.flag("accepting") };
}

/** Why the user cannot send a message of `bytes` (expanded) now, or null. */
export function sendingProblem(
  db: Database,
  settings: WriterSettings,
  sender: Address,
  bytes: number,
  now: number,
): Problem | null {
  const row = db.get("SELECT * FROM user WHERE key = ?", sender.key);
  if (row === null) {
    return refuse(
      "sender unknown",
      `${sender} is no user here: add it with "fmsg user add ${sender}"`,
    );
  }
  const limits: Limits = { ...settings.quota, ...readLimits(row) };
  if (over(limits.send_bytes_per_message, bytes)) {
    return refuse(
      "over quota",
      `The message holds ${bytes} bytes, more than ${sender} may send in one: send_bytes_per_message is ${limits.send_bytes_per_message}`,
    );
  }
  const exceeded = over(limits.send_bytes, row.integer("send_bytes") + bytes) ||
    (limitsDay(limits, "send") &&
      fullForDay(limits, "send", lastDay(db, sender.key, "send", now), bytes));
  return exceeded
    ? refuse(
      "over quota",
      `${sender} has used up a limit on sending: see "fmsg user show ${sender}"`,
    )
    : null;
}

/** Counts a message for a user, in the transaction that stores it. */
export function countUsage(
  db: Database,
  direction: "recv" | "send",
  key: string,
  bytes: number,
  now: number,
): void {
  db.run(
    direction === "recv"
      ? "UPDATE user SET recv_messages = recv_messages + 1, recv_bytes = recv_bytes + ? WHERE key = ?"
      : "UPDATE user SET send_messages = send_messages + 1, send_bytes = send_bytes + ? WHERE key = ?",
    bytes,
    key,
  );
  db.run(
    direction === "recv"
      ? `INSERT INTO usage (key, minute, recv_messages, recv_bytes) VALUES (?, ?, 1, ?)
         ON CONFLICT DO UPDATE SET recv_messages = recv_messages + 1, recv_bytes = recv_bytes + excluded.recv_bytes`
      : `INSERT INTO usage (key, minute, send_messages, send_bytes) VALUES (?, ?, 1, ?)
         ON CONFLICT DO UPDATE SET send_messages = send_messages + 1, send_bytes = send_bytes + excluded.send_bytes`,
    key,
    minuteOf(now),
    bytes,
  );
}

/** What a user has no more counts no more in all; to limits a day it makes no difference. */
export function uncountUsage(
  db: Database,
  direction: "recv" | "send",
  key: string,
  bytes: number,
): void {
  db.run(
    direction === "recv"
      ? "UPDATE user SET recv_messages = recv_messages - 1, recv_bytes = recv_bytes - ? WHERE key = ?"
      : "UPDATE user SET send_messages = send_messages - 1, send_bytes = send_bytes - ? WHERE key = ?",
    bytes,
    key,
  );
}

/** Sets what a user has in all to what is there. */
export function countAgain(db: Database, key: string): void {
  const received = db.all(
    `SELECT m.header FROM recipient r JOIN message m ON m.id = r.message
     WHERE r.key = ? AND r.shown IS NOT NULL`,
    key,
  );
  const sent = db.all("SELECT header FROM message WHERE from_key = ? AND sent = 1", key);
  db.run(
    "UPDATE user SET recv_messages = ?, recv_bytes = ?, send_messages = ?, send_bytes = ? WHERE key = ?",
    received.length,
    bytesOf(received),
    sent.length,
    bytesOf(sent),
    key,
  );
}

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + expandedSize(decodeHeader(row.blob("header"))), 0);
}

/** Drops what no limit a day looks at any more. */
export function forgetOldUsage(db: Database, now: number): void {
  db.run("DELETE FROM usage WHERE minute < ?", minuteOf(now) - MINUTES_A_DAY);
}

const MINUTES_A_DAY = 24 * 60;

function minuteOf(now: number): number {
  return Math.floor(now / 60);
}

/** What a user received or sent in the last 24 hours. */
export function lastDay(db: Database, key: string, direction: "recv" | "send", now: number): Usage {
  const row = db.get(
    `SELECT coalesce(sum(${direction}_messages), 0) AS messages, coalesce(sum(${direction}_bytes), 0) AS bytes
     FROM usage WHERE key = ? AND minute > ?`,
    key,
    minuteOf(now) - MINUTES_A_DAY,
  );
  return row === null
    ? { messages: 0, bytes: 0 }
    : { messages: row.integer("messages"), bytes: row.integer("bytes") };
}

function limitsDay(limits: Limits, direction: "recv" | "send"): boolean {
  return limits[`${direction}_messages_per_day`] !== null ||
    limits[`${direction}_bytes_per_day`] !== null;
}

function fullForDay(
  limits: Limits,
  direction: "recv" | "send",
  day: Usage,
  bytes: number,
): boolean {
  return over(limits[`${direction}_messages_per_day`], day.messages + 1) ||
    over(limits[`${direction}_bytes_per_day`], day.bytes + bytes);
}

function over(limit: number | null, value: number): boolean {
  return limit !== null && value > limit;
}

// Sign-in links and sessions of browsers in the writer: made, used, and ended.

import { type Problem, refuse } from "../protocol/mod.ts";
import type { Database, Row } from "./database.ts";
import {
  type EndSession,
  MAX_BROWSER,
  MAX_LINKS,
  MAX_SESSIONS,
  type NewSession,
  type NewSignInLink,
  type Session,
  SESSION_KEPT,
  type SignInLink,
} from "./session_operations.ts";
import type { Transaction } from "./transaction.ts";

export function createSignInLink(
  db: Database,
  { addressKey, hash, expires }: NewSignInLink,
  now: number,
): SignInLink | Problem {
  const user = db.get("SELECT address, accepting FROM user WHERE key = ?", addressKey);
  if (user === null) {
    return refuse(
      "user unknown",
      `${addressKey} is no user here: add it with "fmsg user add ${addressKey}"`,
    );
  }
  const address = user.text("address");
  if (!user.flag("accepting")) {
    return refuse(
      "user switched off",
      `${address} is switched off: "fmsg user set ${address} --accepting=true" switches it on`,
    );
  }
  db.run(
    "INSERT INTO sign_in_link (hash, address_key, created, expires) VALUES (?, ?, ?, ?)",
    hash,
    addressKey,
    now,
    expires,
  );
  db.run(
    `DELETE FROM sign_in_link WHERE hash IN (
       SELECT hash FROM sign_in_link WHERE address_key = ?
       ORDER BY created DESC, hash = ? DESC LIMIT -1 OFFSET ${MAX_LINKS})`,
    addressKey,
    hash,
  );
  return { kind: "sign-in link", address, expires };
}

/** The look-up by a hash tells nothing of other hashes that anybody could make use of, however long it takes. */
export function openSession(
  { db, now, changed }: Transaction,
  { link, id, hash, agent }: NewSession,
): Session | Problem {
  const row = db.get(
    `SELECT u.key, u.address, u.accepting FROM sign_in_link l JOIN user u ON u.key = l.address_key
     WHERE l.hash = ? AND l.expires > ?`,
    link,
    now,
  );
  if (row === null) return noLink();
  const address = row.text("address");
  // The link stays: it may be of use once the operator has switched the address on again.
  if (!row.flag("accepting")) {
    return refuse("user switched off", `${address} is switched off: ask the operator`);
  }
  const key = row.text("key");
  db.run("DELETE FROM sign_in_link WHERE hash = ?", link);
  db.run(
    `INSERT INTO session (id, hash, address_key, created, used, expires, agent)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    id,
    hash,
    key,
    now,
    now,
    now + SESSION_KEPT,
    shortened(agent),
  );
  const tooMany = db.run(
    `DELETE FROM session WHERE id IN (
       SELECT id FROM session WHERE address_key = ?
       ORDER BY used DESC, id = ? DESC LIMIT -1 OFFSET ${MAX_SESSIONS})`,
    key,
    id,
  );
  if (tooMany.changes > 0) changed({ kind: "sessions ended" });
  return readSession(db, id) ?? noLink();
}

export function touchSession(db: Database, { id }: { readonly id: string }, now: number): boolean {
  // One that has expired is not woken up.
  return db.run(
    "UPDATE session SET used = ?, expires = ? WHERE id = ? AND expires > ?",
    now,
    now + SESSION_KEPT,
    id,
    now,
  ).changes > 0;
}

export function endSession(
  { db, changed }: Transaction,
  { id, addressKey }: EndSession,
): boolean {
  const { changes } = db.run(
    "DELETE FROM session WHERE id = ? AND (? IS NULL OR address_key = ?)",
    id,
    addressKey,
    addressKey,
  );
  if (changes > 0) changed({ kind: "sessions ended" });
  return changes > 0;
}

export function endSessions({ db, changed }: Transaction, addressKey: string): number {
  db.run("DELETE FROM sign_in_link WHERE address_key = ?", addressKey);
  const { changes } = db.run("DELETE FROM session WHERE address_key = ?", addressKey);
  if (changes > 0) changed({ kind: "sessions ended" });
  return changes;
}

/** Drops what signs nobody in any more. */
export function forgetExpiredSessions(db: Database, now: number): void {
  db.run("DELETE FROM sign_in_link WHERE expires <= ?", now);
  db.run("DELETE FROM session WHERE expires <= ?", now);
}

/** With the spelling of the directory. */
export const SELECT_SESSION = `
  SELECT s.*, u.address AS address FROM session s JOIN user u ON u.key = s.address_key`;

export function sessionOf(row: Row): Session {
  return {
    kind: "session",
    id: row.text("id"),
    address: row.text("address"),
    agent: row.text("agent"),
    created: row.real("created"),
    used: row.real("used"),
    expires: row.real("expires"),
  };
}

function readSession(db: Database, id: string): Session | null {
  const row = db.get(`${SELECT_SESSION} WHERE s.id = ?`, id);
  return row === null ? null : sessionOf(row);
}

/** By characters, so that none is cut in two. */
function shortened(agent: string): string {
  return Array.from(agent.slice(0, 2 * MAX_BROWSER)).slice(0, MAX_BROWSER).join("").toWellFormed();
}

function noLink(): Problem {
  return refuse(
    "link not valid",
    "The link was used before, or has expired: ask the operator for another one",
  );
}

// Web Push in the store (row N12): subscriptions, which last as long as that by which they were made, and the host's key.

import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import type { Database, Row } from "./database.ts";
import {
  MAX_SUBSCRIPTIONS,
  type NewPushSubscription,
  type PushEndpoint,
  type PushSubscription,
  SUBSCRIPTION_KEPT,
  type VapidKey,
} from "./push_operations.ts";

export function subscribePush(db: Database, made: NewPushSubscription, now: number): null {
  const { addressKey, endpoint, p256dh, auth, session, keyId, ownerKey } = made;
  // Whoever is no user any more, or whose session ended meanwhile, has nothing to subscribe with.
  const isThere = db.get(
    `SELECT 1 FROM user WHERE key = ?1 AND (?2 IS NULL OR EXISTS (SELECT 1 FROM session WHERE id = ?2))
       AND (?3 IS NULL OR EXISTS (SELECT 1 FROM user WHERE key = ?3))`,
    addressKey,
    session,
    ownerKey,
  );
  if (isThere === null) return null;
  db.run(
    `INSERT OR REPLACE INTO push_subscription
       (address_key, endpoint, p256dh, auth, session, key_id, owner_key, created)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    addressKey,
    endpoint,
    p256dh,
    auth,
    session,
    keyId,
    ownerKey,
    now,
  );
  db.run(
    `DELETE FROM push_subscription WHERE address_key = ?1 AND endpoint IN (
       SELECT endpoint FROM push_subscription WHERE address_key = ?1
       ORDER BY endpoint = ?2, created
       LIMIT max(0, (SELECT count(*) FROM push_subscription WHERE address_key = ?1) - ?3))`,
    addressKey,
    endpoint,
    MAX_SUBSCRIPTIONS,
  );
  return null;
}

export function unsubscribePush(db: Database, { addressKey, endpoint }: PushEndpoint): boolean {
  const deleted = db.run(
    "DELETE FROM push_subscription WHERE address_key = ? AND endpoint = ?",
    addressKey,
    endpoint,
  );
  return deleted.changes > 0;
}

export function ensureVapidKey(db: Database, now: number): string {
  const known = readVapidKey(db);
  if (known !== null) return known.publicKey;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" });
  db.run(
    "INSERT INTO vapid_key (one, jwk, created) VALUES (1, ?, ?)",
    JSON.stringify(jwk),
    now,
  );
  return vapidKeyOf(jwk).publicKey;
}

export function readVapidKey(db: Database): VapidKey | null {
  const row = db.get("SELECT jwk FROM vapid_key WHERE one = 1");
  return row === null ? null : vapidKeyOf(JSON.parse(row.text("jwk")));
}

/** Those of an address that count at this moment, the newest first; with an endpoint, that one alone. */
export function readPushSubscriptions(
  db: Database,
  addressKey: string,
  endpoint: string | null,
): PushSubscription[] {
  return db.all(SELECT_IN_FORCE, addressKey, endpoint, Date.now() / 1000).map(subscriptionOf);
}

/** As a request by the same means would still be let in: FMSG-003 has tokens die with their grant, and so do these. */
const SELECT_IN_FORCE = `
  SELECT p.* FROM push_subscription p JOIN user u ON u.key = p.address_key
  WHERE p.address_key = ?1 AND (?2 IS NULL OR p.endpoint = ?2) AND u.accepting = 1
    AND CASE WHEN p.session IS NULL THEN p.created > ?3 - ${SUBSCRIPTION_KEPT} ELSE EXISTS (
      SELECT 1 FROM session s WHERE s.id = p.session AND s.expires > ?3) END
    AND (p.key_id IS NULL OR EXISTS (
      SELECT 1 FROM api_grant g WHERE g.key_id = p.key_id AND g.address_key = p.address_key
        AND g.expires > ?3 AND (SELECT accepting FROM user WHERE key = g.owner_key) = 1))
    AND (p.owner_key IS NULL OR EXISTS (
      SELECT 1 FROM api_grant g WHERE g.owner_key = p.owner_key AND g.address_key = p.address_key
        AND (SELECT accepting FROM user WHERE key = g.owner_key) = 1))
  ORDER BY p.created DESC, p.endpoint`;

function subscriptionOf(row: Row): PushSubscription {
  return {
    addressKey: row.text("address_key"),
    endpoint: row.text("endpoint"),
    p256dh: row.blob("p256dh"),
    auth: row.blob("auth"),
  };
}

function vapidKeyOf(jwk: unknown): VapidKey {
  const part = (name: string): string => {
    const value: unknown = typeof jwk === "object" && jwk !== null ? Reflect.get(jwk, name) : null;
    if (typeof value !== "string") throw new TypeError("The store's VAPID key is none");
    return value;
  };
  const point = [Buffer.of(UNCOMPRESSED), Buffer.from(part("x"), "base64url")];
  return {
    publicKey: Buffer.concat([...point, Buffer.from(part("y"), "base64url")]).toString("base64url"),
    privateKey: part("d"),
  };
}

/** How a point begins that is written with both its coordinates (SEC 1, 2.3.3). */
const UNCOMPRESSED = 4;

// What the interface reads of who may do what: users, grants, sessions, and the keys that tokens are signed with.

import { timingSafeEqual } from "node:crypto";
import type { Bytes } from "../wire/mod.ts";
import type { Grant } from "./access_operations.ts";
import type { Database, Row } from "./database.ts";
import { grantOf, readGrant, SELECT_GRANT } from "./grants.ts";
import { openForReading } from "./opening.ts";
import { readPushSubscriptions, readVapidKey } from "./push.ts";
import type { PushEndpoint, PushSubscription, VapidKey } from "./push_operations.ts";
import type { Session } from "./session_operations.ts";
import { SELECT_SESSION, sessionOf } from "./sessions.ts";
import { type SigningKey, signingKeyOf } from "./signing_keys.ts";

/** What the directory says of a user. */
export interface UserStatus {
  /** As it is spelled there. */
  readonly address: string;
  readonly name: string;
  readonly accepting: boolean;
  /** POSIX seconds: when the user was added; 0 where that was before anybody wrote it down. */
  readonly created: number;
  /** The folded address of the owner whose sub-account it is; null for who is none. */
  readonly registeredFor: string | null;
}

/** Reads on a connection of its own: each sees what is committed at that moment, so nothing that was revoked counts. */
export class Access implements Disposable {
  readonly #db: Database;

  constructor(dataDir: string) {
    this.#db = openForReading(dataDir);
  }

  /** The user by the folded address, or null. */
  user(key: string): UserStatus | null {
    const row = this.#db.get(
      "SELECT address, name, accepting, created, registered_for FROM user WHERE key = ?",
      key,
    );
    return row === null ? null : {
      address: row.text("address"),
      name: row.text("name"),
      accepting: row.flag("accepting"),
      created: row.real("created"),
      registeredFor: row.optional("registered_for", (row, name) => row.text(name)),
    };
  }

  grant(ownerKey: string, agent: string): Grant | null {
    return readGrant(this.#db, { ownerKey, agent });
  }

  /** The grant whose current key has that id. */
  grantByKeyId(keyId: string): Grant | null {
    const row = this.#db.get(`${SELECT_GRANT} WHERE g.key_id = ?`, keyId);
    return row === null ? null : grantOf(row);
  }

  /**
   * The grant whose current key has that id and this SHA-256. Takes as long for an id that is not there
   * (FMSG-003 "POST /fmsg/token").
   */
  grantByKey(keyId: string, hash: Bytes): Grant | null {
    const row = this.#db.get(`${SELECT_GRANT} WHERE g.key_id = ?`, keyId);
    const stored = row?.blob("key_hash") ?? new Uint8Array(hash.length);
    const isSame = stored.length === hash.length && timingSafeEqual(stored, hash);
    return row !== null && isSame ? grantOf(row) : null;
  }

  /** By their agents. */
  grantsOf(ownerKey: string): Grant[] {
    return this.#db.all(`${SELECT_GRANT} WHERE g.owner_key = ? ORDER BY g.agent_key`, ownerKey)
      .map(grantOf);
  }

  /** A grant by which an owner may act as an address, or null. */
  grantFor(ownerKey: string, addressKey: string): Grant | null {
    const row = this.#db.get(
      `${SELECT_GRANT} WHERE g.owner_key = ? AND g.address_key = ? ORDER BY g.agent_key LIMIT 1`,
      ownerKey,
      addressKey,
    );
    return row === null ? null : grantOf(row);
  }

  /** By their owners. */
  allGrants(): Grant[] {
    return this.#db.all(`${SELECT_GRANT} ORDER BY g.owner_key, g.agent_key`).map(grantOf);
  }

  /** Those that verify at this moment, the one that signs first. */
  signingKeys(): SigningKey[] {
    return this.#db.all(
      `SELECT * FROM signing_key WHERE retired IS NULL OR retired > ?
       ORDER BY retired IS NOT NULL, created DESC`,
      Date.now() / 1000,
    ).map(signingKeyOf);
  }

  /** The one of that id, if it verifies at this moment. */
  signingKey(kid: string): SigningKey | null {
    const row = this.#db.get(
      "SELECT * FROM signing_key WHERE kid = ? AND (retired IS NULL OR retired > ?)",
      kid,
      Date.now() / 1000,
    );
    return row === null ? null : signingKeyOf(row);
  }

  /** The one that signs; null before there is any. */
  currentSigningKey(): SigningKey | null {
    const row = this.#db.get("SELECT * FROM signing_key WHERE retired IS NULL");
    return row === null ? null : signingKeyOf(row);
  }

  /** The session of that id, if this is the SHA-256 of its cookie and it goes on at this moment. */
  sessionByHash(id: string, hash: Bytes): Session | null {
    const row = this.#session(id);
    const stored = row?.blob("hash") ?? new Uint8Array(hash.length);
    const isSame = stored.length === hash.length && timingSafeEqual(stored, hash);
    return row !== null && isSame ? sessionOf(row) : null;
  }

  /** The session of that id, if it goes on at this moment. */
  session(id: string): Session | null {
    const row = this.#session(id);
    return row === null ? null : sessionOf(row);
  }

  /** Those that go on at this moment, of a user by the folded address or of all; the last used first. */
  sessions(addressKey: string | null): Session[] {
    const now = Date.now() / 1000;
    const goOn = `${SELECT_SESSION} WHERE s.expires > ?`;
    const order = "ORDER BY s.used DESC, s.id";
    const rows = addressKey === null
      ? this.#db.all(`${goOn} ${order}`, now)
      : this.#db.all(`${goOn} AND s.address_key = ? ${order}`, now, addressKey);
    return rows.map(sessionOf);
  }

  /** Where notifications of an address go, by what counts at this moment. */
  pushSubscriptions(addressKey: string): PushSubscription[] {
    return readPushSubscriptions(this.#db, addressKey, null);
  }

  /** The subscription, if it counts at this moment. */
  pushSubscription({ addressKey, endpoint }: PushEndpoint): PushSubscription | null {
    return readPushSubscriptions(this.#db, addressKey, endpoint)[0] ?? null;
  }

  /** null before there is any. */
  vapidKey(): VapidKey | null {
    return readVapidKey(this.#db);
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }

  #session(id: string): Row | null {
    return this.#db.get(
      `${SELECT_SESSION} WHERE s.id = ? AND s.expires > ?`,
      id,
      Date.now() / 1000,
    );
  }
}

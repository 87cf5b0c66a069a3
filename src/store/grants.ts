// API-access grants in the writer (FMSG-003 "API-Access Grant Routes"): who may act as whom, and by which key.

import { Address, fold } from "../wire/mod.ts";
import { type Problem, refuse } from "../protocol/mod.ts";
import {
  type Grant,
  type GrantCidrs,
  type GrantName,
  type GrantType,
  MAX_CIDRS,
  MAX_REGISTERED,
  MAX_SUB_ACCOUNTS,
  type NewGrant,
  type NewGrantKey,
} from "./access_operations.ts";
import type { Database, Row } from "./database.ts";
import { addUser } from "./users.ts";

/** Bytes of UTF-8. */
const MAX_AGENT = 64;

/** 1 to 64 bytes of Unicode letters, digits, dots and hyphens (FMSG-003 "API-Access Grant Routes"). */
export function isAgentName(text: string): boolean {
  return /^[\p{L}\p{Nd}.-]+$/u.test(text) && new TextEncoder().encode(text).length <= MAX_AGENT;
}

/** `@owner_agent@domain`; null where that is no address, as behind a hyphen at the end. */
export function derivedAddress(owner: Address, agent: string): Address | null {
  return Address.parse(`@${owner.recipient}_${agent}@${owner.domain}`);
}

export function createGrant(db: Database, grant: NewGrant, now: number): Grant | Problem {
  const { ownerKey, agent, delegated, key } = grant;
  if (!isAgentName(agent)) return badAgent(agent);
  const cidrs = rangesJson(grant.cidrs);
  if (readGrant(db, grant) !== null) {
    return refuse("already granted", `There is a grant "${agent}" already`);
  }
  const owner = userNamed(db, ownerKey);
  if (owner === null) return refuse("user unknown", `${ownerKey} is no user here`);
  const address = delegated === null
    ? subAccount(db, owner, agent, now)
    : userNamed(db, fold(delegated)) ?? refuse("user unknown", `${delegated} is no user here`);
  if (!(address instanceof Address)) return address;
  const type: GrantType = delegated === null ? "derived_sub_account" : "delegated_identity";
  db.run(
    `INSERT INTO api_grant (owner_key, agent_key, agent, address_key, type, key_id, key_hash, cidrs, expires, created)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    owner.key,
    fold(agent),
    agent,
    address.key,
    type,
    key.id,
    key.hash,
    cidrs,
    key.expires,
    now,
  );
  return readGrant(db, grant) ?? noGrant(agent);
}

export function rotateGrantKey(db: Database, { key, ...name }: NewGrantKey): Grant | Problem {
  db.run(
    `UPDATE api_grant SET key_id = ?, key_hash = ?, expires = ? WHERE owner_key = ? AND agent_key = ?`,
    key.id,
    key.hash,
    key.expires,
    name.ownerKey,
    fold(name.agent),
  );
  return readGrant(db, name) ?? noGrant(name.agent);
}

export function setGrantCidrs(db: Database, { cidrs, ...name }: GrantCidrs): Grant | Problem {
  db.run(
    "UPDATE api_grant SET cidrs = ? WHERE owner_key = ? AND agent_key = ?",
    rangesJson(cidrs),
    name.ownerKey,
    fold(name.agent),
  );
  return readGrant(db, name) ?? noGrant(name.agent);
}

export function deleteGrant(db: Database, { ownerKey, agent }: GrantName): boolean {
  return db.run(
    "DELETE FROM api_grant WHERE owner_key = ? AND agent_key = ?",
    ownerKey,
    fold(agent),
  ).changes > 0;
}

/** With the spellings of the directory. */
export const SELECT_GRANT = `
  SELECT g.*, o.address AS owner, a.address AS address FROM api_grant g
  JOIN user o ON o.key = g.owner_key JOIN user a ON a.key = g.address_key`;

export function grantOf(row: Row): Grant {
  return {
    kind: "grant",
    owner: row.text("owner"),
    agent: row.text("agent"),
    address: row.text("address"),
    type: typeOf(row),
    keyId: row.text("key_id"),
    cidrs: rangesOf(row),
    expires: row.real("expires"),
    created: row.real("created"),
  };
}

export function readGrant(db: Database, { ownerKey, agent }: GrantName): Grant | null {
  const row = db.get(
    `${SELECT_GRANT} WHERE g.owner_key = ? AND g.agent_key = ?`,
    ownerKey,
    fold(agent),
  );
  return row === null ? null : grantOf(row);
}

/** The derived sub-account, which becomes a user if it is none; not if it is, or was, somebody's own. */
function subAccount(
  db: Database,
  owner: Address,
  agent: string,
  now: number,
): Address | Problem {
  const address = derivedAddress(owner, agent);
  if (address === null) return badAgent(agent);
  const grants = db.get(
    "SELECT count(*) AS n FROM api_grant WHERE owner_key = ? AND type = 'derived_sub_account'",
    owner.key,
  )?.integer("n") ?? 0;
  if (grants >= MAX_SUB_ACCOUNTS) {
    return refuse(
      "too many grants",
      `There are ${MAX_SUB_ACCOUNTS} sub-accounts already, and no more are allowed: delete one first`,
    );
  }
  const user = db.get("SELECT address, registered_for FROM user WHERE key = ?", address.key);
  if (user !== null) {
    const of = user.optional("registered_for", (row, name) => row.text(name));
    return of === owner.key ? address : taken(address);
  }
  // Whoever adds a user gets what is still here of an earlier one; an owner must not get at that by a name.
  if (hasMessages(db, address.key)) return taken(address);
  const registered = db.get("SELECT count(*) AS n FROM user WHERE registered_for = ?", owner.key)
    ?.integer("n") ?? 0;
  if (registered >= MAX_REGISTERED) {
    return refuse(
      "too many grants",
      `There were ${MAX_REGISTERED} sub-accounts, whose addresses are still users: the operator can remove some`,
    );
  }
  addUser(db, { address: address.text, name: "", accepting: true, limits: {} }, now);
  // Whatever an owner is limited to, more addresses must not be a way around it.
  db.run(
    "UPDATE user SET registered_for = ?, limits = (SELECT limits FROM user WHERE key = ?) WHERE key = ?",
    owner.key,
    owner.key,
    address.key,
  );
  return address;
}

function hasMessages(db: Database, key: string): boolean {
  return db.get(
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM recipient WHERE key = ? AND shown IS NOT NULL)
       OR EXISTS (SELECT 1 FROM message WHERE from_key = ? AND sent = 1)
       OR EXISTS (SELECT 1 FROM draft WHERE from_key = ?)`,
    key,
    key,
    key,
  ) !== null;
}

function userNamed(db: Database, key: string): Address | null {
  const row = db.get("SELECT address FROM user WHERE key = ?", key);
  return row === null ? null : Address.parse(row.text("address"));
}

function taken(address: Address): Problem {
  return refuse(
    "already granted",
    `${address} is, or was, an address of its own: choose another agent, or ask the operator for a grant of it`,
  );
}

function badAgent(agent: string): Problem {
  return refuse(
    "bad address",
    `No address can be made with the agent "${agent}": use letters and digits, with single dots or hyphens between them, and fewer of them`,
  );
}

function noGrant(agent: string): Problem {
  return refuse("grant not found", `There is no grant "${agent}"`);
}

/** Throws a TypeError where there are none or too many: callers have checked. */
function rangesJson(cidrs: readonly string[]): string {
  if (cidrs.length >= 1 && cidrs.length <= MAX_CIDRS) return JSON.stringify(cidrs);
  throw new TypeError(`A grant has 1 to ${MAX_CIDRS} ranges, not ${cidrs.length}`);
}

function rangesOf(row: Row): readonly string[] {
  const parsed: unknown = JSON.parse(row.text("cidrs"));
  return Array.isArray(parsed) ? parsed.filter((range) => typeof range === "string") : [];
}

function typeOf(row: Row): GrantType {
  const type = row.text("type");
  switch (type) {
    case "derived_sub_account":
    case "delegated_identity":
      return type;
    default:
      throw new TypeError(`A grant has the type ${type}`);
  }
}

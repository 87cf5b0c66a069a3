// What became of the recipients of a message that this host has to do with.

import { decodeHeader, type Header, recipients } from "../wire/mod.ts";
import type { Database, Row } from "./database.ts";
import type { DeliveryView } from "./views.ts";

export interface Delivery {
  /** In the header's to, then add to. */
  readonly place: number;
  readonly address: string;
  readonly state: DeliveryView["state"];
  /** The last one that this host was given; of those who wait too. */
  readonly code: number | null;
  /** Of those who wait, also why there was no code. */
  readonly reason: string | null;
  /** POSIX seconds: when it came into this state; null while pending. */
  readonly at: number | null;
  readonly attempts: number;
  /** POSIX seconds, or null when no attempt is due. */
  readonly nextAttempt: number | null;
}

/** What became of one message's recipients, by place. */
export function deliveriesOf(db: Database, message: Row): Delivery[] {
  const id = message.integer("id");
  return deliveriesOfAll(db, [{ id, header: decodeHeader(message.blob("header")) }]).get(id) ?? [];
}

/**
 * By the ids of the messages, and then by place; none for recipients elsewhere of what was received, which their own hosts
 * deliver.
 */
export function deliveriesOfAll(
  db: Database,
  messages: readonly { readonly id: number; readonly header: Header }[],
): ReadonlyMap<number, Delivery[]> {
  const rows = db.all(
    `SELECT message, place, state, code, reason, at FROM recipient
     WHERE message IN (SELECT value FROM json_each(?)) ORDER BY message, place`,
    JSON.stringify(messages.map(({ id }) => id)),
  );
  // There is nothing to look up where nobody is elsewhere, as with most of what is received.
  const leaving = new Set(
    rows.filter((row) => row.text("state") !== "local").map((row) => row.integer("message")),
  );
  const outbound = leaving.size === 0 ? NO_ROWS : outboundOf(db, leaving);
  const headers = new Map(messages.map(({ id, header }) => [id, recipients(header)]));
  const deliveries = new Map<number, Delivery[]>();
  for (const row of rows) {
    const id = row.integer("message");
    const address = headers.get(id)?.[row.integer("place")];
    if (address === undefined) continue;
    const delivery = deliveryOf(row, address.text, outbound.get(`${id} ${address.domain}`));
    const others = deliveries.get(id);
    if (others === undefined) deliveries.set(id, [delivery]);
    else others.push(delivery);
  }
  return deliveries;
}

const NO_ROWS: ReadonlyMap<string, Row> = new Map();

/** By message and domain. */
function outboundOf(db: Database, messages: Iterable<number>): ReadonlyMap<string, Row> {
  return new Map(
    db.all(
      `SELECT message, domain, state, attempts, next_attempt, last_error FROM outbound
       WHERE message IN (SELECT value FROM json_each(?))`,
      JSON.stringify([...messages]),
    ).map((row) => [`${row.integer("message")} ${row.text("domain")}`, row]),
  );
}

function deliveryOf(row: Row, address: string, outbound: Row | undefined): Delivery {
  const state = stateOf(row);
  const pending = state === "pending";
  const blocked = outbound?.text("state") === "blocked";
  return {
    place: row.integer("place"),
    address,
    state,
    code: row.optional("code", (r, name) => r.integer(name)),
    reason: row.optional("reason", (r, name) => r.text(name)) ??
      (blocked ? WAITS_FOR_PARENT : pending ? lastError(outbound) : null),
    at: row.optional("at", (r, name) => r.real(name)),
    attempts: outbound?.integer("attempts") ?? 0,
    nextAttempt: pending && !blocked && outbound !== undefined
      ? outbound.real("next_attempt")
      : null,
  };
}

export const WAITS_FOR_PARENT = "waits until the message that it belongs to is delivered there";

function stateOf(row: Row): DeliveryView["state"] {
  const state = row.text("state");
  switch (state) {
    case "local":
    case "pending":
    case "delivered":
    case "failed":
      return state;
    default:
      throw new TypeError(`A recipient has the state ${state}`);
  }
}

function lastError(delivery: Row | undefined): string | null {
  return delivery?.optional("last_error", (row, name) => row.text(name)) ?? null;
}

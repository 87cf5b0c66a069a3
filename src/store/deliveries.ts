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

/** By place; none for recipients elsewhere of what was received, which their own hosts deliver. */
export function deliveriesOf(
  db: Database,
  message: Row,
  header: Header = decodeHeader(message.blob("header")),
): Delivery[] {
  const id = message.integer("id");
  const rows = db.all("SELECT * FROM recipient WHERE message = ? ORDER BY place", id);
  if (rows.length === 0) return [];
  const addresses = recipients(header);
  // There is nothing to look up where nobody is elsewhere, as with most of what is received.
  const elsewhere = rows.some((row) => row.text("state") !== "local");
  const outbound = new Map(
    (elsewhere ? db.all("SELECT * FROM outbound WHERE message = ?", id) : [])
      .map((row) => [row.text("domain"), row]),
  );
  return rows.flatMap((row) => {
    const place = row.integer("place");
    const address = addresses[place];
    if (address === undefined) return [];
    const delivery = outbound.get(address.domain);
    const state = stateOf(row);
    const pending = state === "pending";
    const blocked = delivery?.text("state") === "blocked";
    return {
      place,
      address: address.text,
      state,
      code: row.optional("code", (r, name) => r.integer(name)),
      reason: row.optional("reason", (r, name) => r.text(name)) ??
        (blocked ? WAITS_FOR_PARENT : pending ? lastError(delivery) : null),
      at: row.optional("at", (r, name) => r.real(name)),
      attempts: delivery?.integer("attempts") ?? 0,
      nextAttempt: pending && !blocked && delivery !== undefined
        ? delivery.real("next_attempt")
        : null,
    };
  });
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

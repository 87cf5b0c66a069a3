// Whether there is anybody at an address, asked in the background while somebody writes.

import { type Signal, signal } from "@preact/signals";
import { type AddressState, lookupKey, stateOf } from "./address_state.ts";
import { type AddressProblem, typedAddress } from "./addresses.ts";
import * as client from "./client.ts";
import { session } from "./session.ts";

const found: Signal<ReadonlyMap<string, AddressState>> = signal(new Map());
/** So many hosts and users are asked for; of others nothing is told. */
const MOST = 200;
const AT_ONCE = 3;
const waiting: string[] = [];
let running = 0;

/** Read in a view it follows what is found out. What was not sure is asked again when it is written again. */
export function addressState(address: string): AddressState {
  const key = lookupKey(address, ownDomain());
  if (key === null) return "wrong";
  return found.value.get(key) ?? "checking";
}

/** Asks for those that are not known. */
export function lookUpAll(addresses: readonly string[]): void {
  for (const address of addresses) {
    const key = lookupKey(address, ownDomain());
    if (key === null || found.peek().size + waiting.length >= MOST) continue;
    const known = found.peek().get(key);
    if (known !== undefined && known !== "not sure") continue;
    set(key, "checking");
    waiting.push(address);
  }
  while (running < AT_ONCE && waiting.length > 0) void next();
}

/** Why it is wrong, for texts.ts to say. */
export function problemOf(address: string): AddressProblem | null {
  const typed = typedAddress(address, ownDomain());
  return typed.kind === "problem" ? typed.problem : null;
}

export function ownDomain(): string {
  const { value } = session;
  return value.kind === "in" ? value.session.domain : "";
}

async function next(): Promise<void> {
  const address = waiting.shift();
  const key = address === undefined ? null : lookupKey(address, ownDomain());
  if (address === undefined || key === null) return;
  running++;
  try {
    set(key, stateOf(await client.lookUp(address, AbortSignal.timeout(15_000))));
  } catch {
    // Offline, or too many at once: nothing is wrong with the address, and nothing is told.
    const left = new Map(found.peek());
    left.delete(key);
    found.value = left;
  } finally {
    running--;
    if (waiting.length > 0) void next();
  }
}

function set(key: string, state: AddressState): void {
  found.value = new Map(found.peek()).set(key, state);
}

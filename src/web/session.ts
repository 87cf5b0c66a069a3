// Who is signed in, in this browser.

import { type Signal, signal } from "@preact/signals";
import type { Session } from "../api/client_types.ts";
import * as client from "./client.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { forgetLocalDrafts } from "./local_drafts.ts";
import { forgetSeen } from "./offline.ts";
import { owner, setOwner } from "./owner.ts";
import { forgetPush } from "./push.ts";
import { signInToken } from "./router.ts";

export type SessionState =
  | { readonly kind: "starting" }
  /** `why`: the link was no good, the session ended, or nobody has signed in yet. */
  | { readonly kind: "out"; readonly why: "never" | "link" | "too often" | "ended" | "offline" }
  | { readonly kind: "in"; readonly session: Session };

export const session: Signal<SessionState> = signal({ kind: "starting" });

/**
 * Signs in by the link that the page was opened with, or goes on with the session there is. The token leaves the address
 * and the history before anything is asked, so that nobody finds it there later. Throws what nobody expects.
 */
export async function startSession(): Promise<void> {
  const token = signInToken(location.hash);
  if (location.hash.startsWith("#sign-in=")) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  try {
    if (token !== null) await client.signIn(token);
    await refreshSession();
  } catch (error) {
    // A link that was used before, opened once more where one is signed in.
    if (token !== null && reasonOf(error, true) === "link" && await isSignedIn()) return;
    session.value = { kind: "out", why: reasonOf(error, token !== null) };
    if (!isExpected(error)) throw error;
  }
}

/** Also after a session of another browser was ended. Throws what client.ts throws. */
export async function refreshSession(): Promise<void> {
  const now = await client.currentSession();
  const { value } = session;
  // Somebody else: first what is shown of the one before goes.
  if (value.kind === "in" && value.session.address !== now.address) {
    session.value = { kind: "starting" };
  }
  claim(now.address);
  session.value = { kind: "in", session: now };
}

/** What this browser keeps is of this address from now on; of another one nothing stays. */
function claim(address: string): void {
  const before = owner();
  if (before === address) return;
  forgetLocalDrafts();
  // Whoever signs in now has not asked to be told. Where nothing is kept nobody knows who was here.
  if (before !== null) forgetPush().catch(() => {});
  setOwner(address);
}

async function isSignedIn(): Promise<boolean> {
  try {
    await refreshSession();
    return true;
  } catch (error) {
    if (isExpected(error)) return false;
    throw error;
  }
}

/** Ends the session, and forgets what this browser has kept of it. Throws Offline: then it goes on. */
export async function signOut(): Promise<void> {
  try {
    await client.signOut();
  } catch (error) {
    if (!(error instanceof SignedOut)) throw error;
  }
  ended();
  forgetLocalDrafts();
  setOwner(null);
}

/**
 * The host says that the session is over. What was written and is not on the host stays, for the same address to go on with
 * when it signs in again; before anybody else it goes.
 */
export function ended(): void {
  if (session.value.kind === "out") return;
  session.value = { kind: "out", why: "ended" };
  void forgetSeen();
  // Whoever signs in here next has not asked to be told.
  forgetPush().catch(() => {});
}

function reasonOf(error: unknown, byLink: boolean): "never" | "link" | "too often" | "offline" {
  if (error instanceof SignedOut) return byLink ? "link" : "never";
  if (error instanceof Refused && error.status === 429) return "too often";
  if (error instanceof Refused && !error.isPassing && byLink) return "link";
  return "offline";
}

function isExpected(error: unknown): boolean {
  return error instanceof SignedOut || error instanceof Refused || error instanceof Offline;
}

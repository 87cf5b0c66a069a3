// Who is signed in, in this browser.

import { type Signal, signal } from "@preact/signals";
import type { Session } from "../api/client_types.ts";
import * as client from "./client.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { forgetLocalDrafts, localDrafts } from "./local_drafts.ts";
import { notify } from "./notices.ts";
import { forgetSeen } from "./offline.ts";
import { owner, setOwner } from "./owner.ts";
import { forgetPush } from "./push.ts";
import { SIGN_IN, signInToken } from "./router.ts";
import { texts } from "./texts.ts";

/** Why nobody is: the link was no good, the session ended, or nobody has signed in yet. */
export type Why = "never" | "link" | "too often" | "ended" | "offline";

export type SessionState =
  | { readonly kind: "starting" }
  | { readonly kind: "out"; readonly why: Why }
  | { readonly kind: "in"; readonly session: Session };

export const session: Signal<SessionState> = signal({ kind: "starting" });

/** null: nobody is signed in. */
export function addressIn(state: SessionState): string | null {
  return state.kind === "in" ? state.session.address : null;
}

/**
 * The token of a link that was opened where somebody is signed in, or has written what only this browser keeps: whoever sent
 * the link may have made it for another, and would read what is written from then on. So the person is asked. null: nothing
 * is to be asked.
 */
export const askedLink: Signal<string | null> = signal(null);

/**
 * Signs in by the link that the page was opened with, or goes on with the session there is. The token leaves the address
 * and the history before anything is asked, so that nobody finds it there later. Throws what nobody expects.
 */
export async function startSession(): Promise<void> {
  const token = signInToken(location.hash);
  if (location.hash.startsWith(SIGN_IN)) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (token === null) await goOn();
  else if (await isInUse()) askedLink.value = token;
  else await signInBy(token);
}

/** By the link, which ends the session there was. Throws what nobody expects. */
export async function signInBy(token: string): Promise<void> {
  askedLink.value = null;
  if (session.value.kind === "out") session.value = { kind: "starting" };
  try {
    await client.signIn(token);
  } catch (error) {
    const why = reasonOf(error, true);
    // Without an answer nobody knows who is signed in now; a link that is refused signs nobody out.
    if (why !== "offline" && (session.value.kind === "in" || await goOn() === "in")) {
      return notify(problemOf(why) ?? "");
    }
    session.value = { kind: "out", why };
    if (!isExpected(error)) throw error;
    return;
  }
  await goOn();
}

/** With the session there is. Throws what nobody expects. */
async function goOn(): Promise<SessionState["kind"]> {
  try {
    await refreshSession();
  } catch (error) {
    session.value = { kind: "out", why: reasonOf(error, false) };
    if (!isExpected(error)) throw error;
  }
  return session.value.kind;
}

/** Would another's signing in take something from whoever was here? In a browser that is new nobody is asked. */
async function isInUse(): Promise<boolean> {
  if (owner() === null) return false;
  return session.value.kind === "in" || await goOn() === "in" || localDrafts().length > 0;
}

/** What is told to whoever is not signed in; null: nothing went wrong. */
export function problemOf(why: Why): string | null {
  switch (why) {
    case "never":
      return null;
    case "link":
      return texts.signIn.used;
    case "too often":
      return texts.signIn.tooOften;
    case "ended":
      return texts.signIn.ended;
    case "offline":
      return texts.notices.offline;
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

function reasonOf(error: unknown, byLink: boolean): Exclude<Why, "ended"> {
  if (error instanceof SignedOut) return byLink ? "link" : "never";
  if (error instanceof Refused && error.status === 429) return "too often";
  if (error instanceof Refused && !error.isPassing && byLink) return "link";
  return "offline";
}

function isExpected(error: unknown): boolean {
  return error instanceof SignedOut || error instanceof Refused || error instanceof Offline;
}

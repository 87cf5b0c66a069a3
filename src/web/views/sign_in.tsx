// The page of whoever is not signed in: how to sign in, and why one is not; and the question before a link signs in.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { owner } from "../owner.ts";
import {
  addressIn,
  askedLink,
  problemOf,
  refreshSession,
  session,
  signInBy,
  startSession,
  type Why,
} from "../session.ts";
import { action } from "../state.ts";
import { texts } from "../texts.ts";
import { Dialog } from "./dialog.tsx";
import { Mark } from "./icons.tsx";

export function SignIn({ why }: { readonly why: Why }): JSX.Element {
  const problem = problemOf(why);
  useEffect(() => {
    if (why !== "offline") return;
    const again = (): unknown => action(startSession);
    addEventListener("online", again);
    return () => removeEventListener("online", again);
  }, [why]);
  // Another tab may have signed in again, as the one who was here: that is no change which it could tell of.
  useEffect(() => {
    const seen = (): void => {
      if (document.visibilityState === "hidden" || owner() === null) return;
      refreshSession().catch(() => {});
    };
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, []);
  return (
    <main class="sign-in" tabIndex={-1}>
      <div class="sign-in-box">
        <Mark class="sign-in-mark" />
        <div>
          <h1 class="sign-in-title">{texts.signIn.title}</h1>
          <p class="quiet">{location.host}</p>
        </div>
        <div role="status">{problem !== null && <p class="sign-in-problem">{problem}</p>}</div>
        {why === "offline"
          ? (
            <button
              type="button"
              class="button primary"
              onClick={() => action(startSession)}
            >
              {texts.page.tryAgain}
            </button>
          )
          : (
            <>
              <p>{texts.signIn.how}</p>
              <p class="quiet small">
                {texts.signIn.runs} <code class="sign-in-command">{texts.signIn.command}</code>
              </p>
            </>
          )}
      </div>
    </main>
  );
}

/** Asks before a link signs in where somebody else may be: see `askedLink`. */
export function LinkQuestion(): JSX.Element | null {
  const token = askedLink.value;
  if (token === null) return null;
  const here = addressIn(session.value);
  const stay = (): void => {
    askedLink.value = null;
  };
  const words = texts.signIn;
  return (
    <Dialog title={words.ask} onClose={stay}>
      <div class="sign-in-question">
        <p>
          {here !== null ? words.askedIn(<bdi>{here}</bdi>) : words.askedOut(<bdi>{owner()}</bdi>)}
        </p>
        <p>{words.askedOther}</p>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => action(() => signInBy(token))}>
            {words.byLink}
          </button>
          <button type="button" class="button primary" onClick={stay}>
            {here !== null ? words.stay : words.notNow}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

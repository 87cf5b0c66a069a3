// The page of whoever is not signed in: how to sign in, and why one is not.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { action } from "../state.ts";
import { type SessionState, startSession } from "../session.ts";
import { texts } from "../texts.ts";
import { Mark } from "./icons.tsx";

type Why = Extract<SessionState, { kind: "out" }>["why"];

export function SignIn({ why }: { readonly why: Why }): JSX.Element {
  const problem = problemOf(why);
  useEffect(() => {
    if (why !== "offline") return;
    const again = (): unknown => action(startSession);
    addEventListener("online", again);
    return () => removeEventListener("online", again);
  }, [why]);
  return (
    <main class="sign-in">
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

function problemOf(why: Why): string | null {
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

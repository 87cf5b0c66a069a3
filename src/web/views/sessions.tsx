// Where one is signed in, each with a button that ends it.

import type { JSX } from "preact";
import type { Session } from "../../api/client_types.ts";
import { agentParts } from "../agent.ts";
import * as client from "../client.ts";
import { Refused } from "../errors.ts";
import { announce } from "../notices.ts";
import { refreshSession } from "../session.ts";
import { action } from "../state.ts";
import { texts } from "../texts.ts";
import { shortTime } from "../words.ts";
import { returnFocus } from "./focus.ts";

type Browser = Session["sessions"][number];

export function Sessions({ sessions }: { readonly sessions: readonly Browser[] }): JSX.Element {
  // This browser first, then by their last use.
  const sorted = sessions.toSorted((a, b) =>
    Number(b.current) - Number(a.current) || b.used - a.used
  );
  return (
    <ul class="sessions">
      {sorted.map((browser) => <Line key={browser.id} browser={browser} />)}
    </ul>
  );
}

function Line({ browser }: { readonly browser: Browser }): JSX.Element {
  const { id, agent, created, used, current } = browser;
  const { browser: name, system } = agentParts(agent);
  const words = texts.settings.browserOn(name, system);
  const now = Date.now();
  const end = (): Promise<boolean> =>
    action(async () => {
      await endThere(id);
      await refreshSession();
      announce(texts.settings.ended(words));
      returnFocus(document.querySelector("main h1"));
    });
  return (
    <li class="sessions-line">
      <div>
        <p title={agent} dir="auto">{words}</p>
        <p class="quiet small">
          {texts.settings.since(shortTime(created * 1000, now))}
          {current ? "" : ` · ${texts.settings.used(shortTime(used * 1000, now))}`}
        </p>
      </div>
      {current ? <span class="chip small">{texts.settings.thisBrowser}</span> : (
        <button
          type="button"
          class="button plain"
          aria-label={texts.settings.endThere(words)}
          onClick={end}
        >
          {texts.settings.end}
        </button>
      )}
    </li>
  );
}

/** Ended before, from elsewhere or by a second press, is ended. */
async function endThere(id: Browser["id"]): Promise<void> {
  try {
    await client.endSession(id);
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error;
  }
}

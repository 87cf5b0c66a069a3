// The switch for notifications of new messages while the page is closed.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { pushHindrance, pushState, turnPushOff, turnPushOn } from "../push.ts";
import { action, notify } from "../state.ts";
import { texts } from "../texts.ts";

type PushState = Awaited<ReturnType<typeof pushState>>;

/** `pushKey`: of the host; null where it sends none. */
export function PushSwitch({ pushKey }: { readonly pushKey: string | null }): JSX.Element {
  const [state, setState] = useState<PushState | "asking">(() => pushHindrance() ?? "asking");
  useEffect(() => {
    pushState().then(setState, () => setState("none"));
  }, []);
  const change = async (on: boolean): Promise<void> => {
    setState("asking");
    await action(async () => {
      try {
        if (on) await turnPushOn();
        else await turnPushOff();
      } catch (error) {
        // The browser's own service fails by itself: no network of theirs, or a browser without one.
        if (!(error instanceof DOMException)) throw error;
        notify(texts.settings.notificationsFailed);
      }
    });
    setState(await pushState());
  };
  const { notificationsOn, notificationsDenied, notificationsNone, notificationsHint } =
    texts.settings;
  const possible = pushKey !== null && state !== "none" && state !== "denied";
  // Not disabled: it would lose the focus as soon as it is pressed.
  const blocked = !possible || state === "asking";
  const hint = pushKey === null || state === "none"
    ? notificationsNone
    : state === "denied"
    ? notificationsDenied
    : notificationsHint;
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={state === "on"}
        aria-disabled={blocked}
        onClick={(event) => blocked && event.preventDefault()}
        onChange={({ currentTarget }) => void change(currentTarget.checked)}
      />
      <span>
        {notificationsOn}
        <span class="switch-hint quiet small">{hint}</span>
      </span>
    </label>
  );
}

// Parts of the page that are loaded when they are first needed.

import type { ComponentType, FunctionComponent, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { texts } from "../texts.ts";

type Part<Props> = ComponentType<Props> | "loading" | "failed";

/** `later(() => import("./settings.tsx").then((m) => m.Settings))`: the component, with the same properties. */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): FunctionComponent<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Later(props: Props): JSX.Element {
    const [state, setState] = useState<{ readonly part: Part<Props>; readonly tries: number }>(
      () => ({
        part: loaded ?? "loading",
        tries: 0,
      }),
    );
    useEffect(() => {
      if (loaded !== null) return;
      let left = false;
      load().then(
        (component) => {
          loaded = component;
          if (!left) setState({ part: component, tries: 0 });
        },
        () => left || setState(({ tries }) => ({ part: "failed", tries })),
      );
      return () => {
        left = true;
      };
    }, [state.tries]);
    const { part: Part, tries } = state;
    if (Part === "loading") return <Loading />;
    if (Part !== "failed") return <Part {...props} />;
    const again = (): void => {
      // A new version of the page has its parts under other names: that one has to be loaded.
      if (tries > 0 && navigator.onLine) location.reload();
      else setState({ part: "loading", tries: tries + 1 });
    };
    return (
      <div class="later" role="alert">
        <p>{navigator.onLine ? texts.page.partFailed : texts.page.partOffline}</p>
        <button type="button" class="button" onClick={again}>{texts.page.tryAgain}</button>
      </div>
    );
  };
}

/** Quiet at first: most parts are there before it shows (shell.css). */
function Loading(): JSX.Element {
  return <p class="later later-loading quiet" role="status">{texts.lists.loading}</p>;
}

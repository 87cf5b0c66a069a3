// The keys that do something here, in a dialog; and the switch for those without Control.

import type { JSX } from "preact";
import { setSingleKeys, shortcuts, singleKeys } from "../shortcuts.ts";
import { texts } from "../texts.ts";
import { Dialog } from "./dialog.tsx";

export function ShortcutHelp({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const byWords = Map.groupBy(shortcuts.value, ({ description }) => description);
  return (
    <Dialog title={texts.shortcuts.title} onClose={onClose}>
      <dl class="shortcuts">
        {[...byWords].map(([words, entries]) => (
          <div key={words} class="shortcuts-line">
            <dt>{words}</dt>
            <dd>
              {[...new Set(entries.map(({ key }) => key))].map((key, at) => (
                <span key={key} class="shortcuts-keys">
                  {at > 0 && <span class="quiet">{texts.shortcuts.or}</span>}
                  <Keys text={key} />
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <SingleKeys />
    </Dialog>
  );
}

/** Also in the settings. */
export function SingleKeys(): JSX.Element {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={singleKeys.value}
        onChange={({ currentTarget }) => setSingleKeys(currentTarget.checked)}
      />
      <span>
        {texts.shortcuts.on}
        <span class="switch-hint quiet small">{texts.shortcuts.onHint}</span>
      </span>
    </label>
  );
}

/** `g i` is read as one after the other. */
function Keys({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {text.split(" ").map((part, at) => (
        <span key={part} class="shortcuts-keys">
          {at > 0 && <span class="quiet">{texts.shortcuts.then}</span>}
          {part.split("+").map((key) => (
            <kbd key={key}>{key === "Mod" ? MOD : texts.shortcuts.names[key] ?? key}</kbd>
          ))}
        </span>
      ))}
    </>
  );
}

const MOD = /Mac|iP/.test(navigator.userAgent) ? "⌘" : "Ctrl";

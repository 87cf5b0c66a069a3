// Settings: whose mailbox this is, how new messages are told, where one is signed in, and what the host takes.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Session } from "../../api/client_types.ts";
import { refreshSession, signOut } from "../session.ts";
import { action, go, route, session } from "../state.ts";
import { texts } from "../texts.ts";
import { sizeWords } from "../words.ts";
import { AddressName } from "./address_name.tsx";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icons.tsx";
import { PushSwitch } from "./push_switch.tsx";
import { Sessions } from "./sessions.tsx";
import { SingleKeys } from "./shortcut_help.tsx";

export function Settings(): JSX.Element | null {
  const heading = useRef<HTMLHeadingElement>(null);
  const label = useId();
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    void action(refreshSession);
  }, []);
  const { value } = session;
  if (value.kind !== "in") return null;
  const { address, limits, vapid_public_key: pushKey, sessions } = value.session;
  return (
    <section class="settings" aria-labelledby={label}>
      <header class="settings-head">
        <button
          type="button"
          class="button plain icon-only settings-back"
          aria-label={texts.page.back}
          title={texts.page.back}
          onClick={() => go({ ...route.value, open: null })}
        >
          <Icon name="back" />
        </button>
        <h1 id={label} ref={heading} tabIndex={-1}>{texts.settings.title}</h1>
      </header>
      <div class="settings-body">
        <div class="settings-me card">
          <Avatar address={address} size="large" />
          <div>
            <p class="settings-address">
              <AddressName address={address} full />
            </p>
            <p class="quiet small">{texts.settings.address}</p>
          </div>
        </div>
        <Part title={texts.settings.notifications}>
          <PushSwitch pushKey={pushKey} />
        </Part>
        <Part title={texts.shortcuts.title}>
          <SingleKeys />
        </Part>
        <Part title={texts.settings.browsers}>
          <Sessions sessions={sessions} />
        </Part>
        <Part title={texts.settings.limits}>
          <Limits limits={limits} />
        </Part>
        <div class="settings-out">
          <button type="button" class="button danger" onClick={() => action(signOut)}>
            <Icon name="sign-out" />
            {texts.settings.signOut}
          </button>
          <p class="quiet small">{texts.settings.signOutKept}</p>
        </div>
      </div>
    </section>
  );
}

function Part(
  { title, children }: { readonly title: string; readonly children: ComponentChildren },
): JSX.Element {
  const label = useId();
  return (
    <section aria-labelledby={label}>
      <h2 id={label} class="settings-title">{title}</h2>
      <div class="card settings-card">{children}</div>
    </section>
  );
}

function Limits({ limits }: { readonly limits: Session["limits"] }): JSX.Element {
  const { maxSize, maxExpanded, uploads } = texts.settings;
  return (
    <dl class="settings-limits">
      <div>
        <dt>{maxSize}</dt>
        <dd>{sizeWords(limits.max_size)}</dd>
      </div>
      {limits.max_expanded_size !== limits.max_size && (
        <div>
          <dt>{maxExpanded}</dt>
          <dd>{sizeWords(limits.max_expanded_size)}</dd>
        </div>
      )}
      <div>
        <dt>{uploads}</dt>
        <dd>{limits.uploads}</dd>
      </div>
    </dl>
  );
}

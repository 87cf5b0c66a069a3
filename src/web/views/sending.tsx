// An answer that was sent and has not left yet: it stands where it will be.

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { me } from "../state.ts";
import { texts } from "../texts.ts";
import type { Writing } from "../writing.ts";
import { AddressName } from "./address_name.tsx";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icons.tsx";

export function Sending({ writing }: { readonly writing: Writing }): JSX.Element {
  const { content, files } = writing.draft;
  const place = useRef<HTMLElement>(null);
  useLayoutEffect(() => place.current?.scrollIntoView({ block: "nearest" }), []);
  const own = me()?.address ?? "";
  const moving = files.files.value.find(({ state }) => state.kind === "uploading");
  const sent = moving?.state.kind === "uploading" ? moving.state.sent : 0;
  return (
    <article class="sending" ref={place} aria-label={texts.writing.states.sending}>
      <header class="sending-head">
        <Avatar address={own} />
        <span>
          <AddressName address={own} />
        </span>
        <span class="sending-state small quiet">
          <Icon name="clock" />
          {moving === undefined ? texts.writing.states.sending : texts.writing.uploading(
            moving.name,
            Math.min(100, Math.floor(sent / Math.max(1, moving.size) * 100)),
          )}
        </span>
      </header>
      <p class="sending-text" dir="auto">{content.value.text.slice(0, 2_000)}</p>
    </article>
  );
}

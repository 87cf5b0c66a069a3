// Says, before an answer is sent, whose host would refuse it for want of the message answered, and the ways out.

import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import type { MessageItem } from "../../api/message_schema.ts";
import { me } from "../state.ts";
import { strangersOf } from "../strangers.ts";
import { texts } from "../texts.ts";
import { Icon } from "./icons.tsx";
import { People } from "./participants.tsx";

/**
 * `item`: what is answered; `to`: well-formed addresses. Nothing is shown where nobody is a stranger. `onAdd` opens
 * <AddPeople item suggested/> with those whom it gets: once they are added the note goes by itself, and the answer can
 * be sent at once, for the host holds it back until the message is there (row D6).
 */
export function StrangersNote(
  { item, to, onAdd, onNewThread }: {
    readonly item: MessageItem;
    readonly to: readonly string[];
    readonly onAdd: (addresses: readonly string[]) => void;
    readonly onNewThread: () => void;
  },
): JSX.Element | null {
  const id = useId();
  const strangers = strangersOf(to, item, me()?.key ?? "");
  if (strangers === null) return null;
  const { addresses, add } = strangers;
  const words = texts.recovery.strangers;
  return (
    <div class="strangers" role="group" aria-labelledby={id}>
      <Icon name="warning" />
      <div class="strangers-words">
        <p id={id} role="status">
          {words.refused<ComponentChildren>(
            <People addresses={addresses} named={3} />,
            addresses.length,
          )}
        </p>
        {add === null && <p class="small">{words.cannotAdd}</p>}
        <div class="recovery-ways">
          {add !== null && (
            <button type="button" class="button" onClick={() => onAdd(add)}>
              <Icon name="add-people" />
              {words.add(add.length)}
            </button>
          )}
          <button type="button" class="button" onClick={onNewThread}>
            <Icon name="write" />
            {words.newThread}
          </button>
        </div>
      </div>
    </div>
  );
}

// Adds people to a message: says what they will see, who cannot be added, and what became of it at each.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { MessageItem } from "../../api/message_schema.ts";
import { addressKey, wellFormed } from "../addresses.ts";
import { mayAdd } from "../message_facts.ts";
import { Refused } from "../errors.ts";
import { addPeople, mail, me, tell } from "../state.ts";
import { alreadyOn } from "../strangers.ts";
import { texts } from "../texts.ts";
import { deliveryWords } from "../words.ts";
import { AddressName } from "./address_name.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { now } from "./now.ts";
import { Recipients } from "./recipients.tsx";

const MOST = 255;

/** `suggested` stand in the field from the start, without those who are on it. */
export function AddPeople(
  { item, suggested = [], onClose }: {
    readonly item: MessageItem;
    readonly suggested?: readonly string[];
    readonly onClose: () => void;
  },
): JSX.Element {
  const [added, setAdded] = useState<readonly string[] | null>(null);
  const current = mail.value.mailbox?.message(item.id) ?? item;
  return (
    <Dialog
      title={added === null ? texts.adding.title : texts.adding.added(added.length)}
      onClose={onClose}
    >
      {!mayAdd(current, me()?.key ?? "")
        ? <p>{texts.adding.notAllowed}</p>
        : added === null
        ? <Adding item={current} suggested={suggested} onAdded={setAdded} onClose={onClose} />
        : <Added item={current} addresses={added} onClose={onClose} />}
    </Dialog>
  );
}

function Adding(
  { item, suggested, onAdded, onClose }: {
    readonly item: MessageItem;
    readonly suggested: readonly string[];
    readonly onAdded: (addresses: readonly string[]) => void;
    readonly onClose: () => void;
  },
): JSX.Element {
  const on = alreadyOn(item);
  const [value, setValue] = useState<readonly string[]>(() => {
    const keys = new Set(on.map(addressKey));
    return suggested.filter((address) => !keys.has(addressKey(address))).slice(0, MOST);
  });
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    if (busy) return;
    const addresses = wellFormed(value);
    if (value.length === 0) return setProblem(texts.adding.nobody);
    if (addresses.length < value.length) return setProblem(texts.adding.wrong);
    setBusy(true);
    setProblem(null);
    try {
      await addPeople(item.id, addresses);
      onAdded(addresses);
    } catch (error) {
      setBusy(false);
      if (error instanceof Refused && error.status !== 429) setProblem(error.message);
      else tell(error);
    }
  };
  return (
    <form
      class="adding"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Recipients
        value={value}
        onChange={(after) => {
          setValue(after);
          setProblem(null);
        }}
        without={on}
        label={texts.adding.who}
        limit={MOST}
        problem={problem}
        autoFocus
      />
      <ul class="adding-facts small">
        <Fact icon="file">{texts.adding.see(item.attachments.length)}</Fact>
        {(item.pid !== null) && <Fact icon="branch">{texts.adding.notThread}</Fact>}
        <Fact icon="bell">{texts.adding.everybody}</Fact>
      </ul>
      <div class="dialog-actions">
        <button type="button" class="button plain" onClick={onClose}>{texts.adding.cancel}</button>
        <button type="submit" class="button primary" aria-disabled={busy}>
          <Icon name="add-people" />
          {busy ? texts.adding.adding : texts.adding.add}
        </button>
      </div>
    </form>
  );
}

function Fact(
  { icon, children }: { readonly icon: IconName; readonly children: string },
): JSX.Element {
  return (
    <li>
      <Icon name={icon} />
      <span>{children}</span>
    </li>
  );
}

/** The latest batch in which they are: its states follow what the host tells. */
function Added(
  { item, addresses, onClose }: {
    readonly item: MessageItem;
    readonly addresses: readonly string[];
    readonly onClose: () => void;
  },
): JSX.Element {
  const keys = new Set(addresses.map(addressKey));
  const batch = item.add_to.findLast(({ to }) =>
    to.some((address) => keys.has(addressKey(address)))
  );
  return (
    <div class="adding">
      <ul class="adding-result" aria-live="polite">
        {(batch?.to_delivery ?? []).map((delivery) => {
          const { tone, text, detail } = deliveryWords(delivery, {
            time: batch?.time ?? null,
            answers: false,
            now: now.value,
          });
          return (
            <li key={delivery.addr} class="adding-person">
              <span class={`tone-${tone}`}>
                <Icon name={tone === "done" ? "check" : tone === "failed" ? "warning" : "clock"} />
              </span>
              <span>
                <AddressName address={delivery.addr} full />
                <span class={`adding-state small tone-${tone}`}>{text}</span>
                {tone !== "done" && detail !== null && (
                  <span class="adding-state small quiet">
                    <bdi>{detail}</bdi>
                  </span>
                )}
              </span>
            </li>
          );
        })}
      </ul>
      <p class="small quiet">{texts.adding.follow}</p>
      <div class="dialog-actions">
        <button type="button" class="button primary" onClick={onClose}>{texts.adding.done}</button>
      </div>
    </div>
  );
}

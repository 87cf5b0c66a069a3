// What became of a message: for its sender, and for who added people, each recipient's state in words and what to do.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { DeliveryJson, MessageItem } from "../../api/message_schema.ts";
import { latestDeliveries } from "../message_facts.ts";
import { texts } from "../texts.ts";
import { deliveryWords, summaryWords, type Tone } from "../words.ts";
import { AddressName } from "./address_name.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { now } from "./now.ts";
import { AddedLine, followed } from "./participants.tsx";
import { Recovery } from "./recovery.tsx";

const SIGNS: Readonly<Record<Tone, IconName>> = {
  done: "check",
  waiting: "clock",
  failed: "warning",
  unknown: "info",
};
const LISTED = 20;

/** Nothing where there is nothing to follow. What failed is shown at once; the rest is a line that opens. */
export function Delivery({ item }: { readonly item: MessageItem }): JSX.Element | null {
  const { to, batches } = followed(item);
  const facts = { time: item.time, to_delivery: [...to], add_to: [...batches] };
  const latest = latestDeliveries(facts);
  const summary = summaryWords(facts);
  if (summary === null || latest.length === 0) return null;
  const failed = latest.filter(hasFailed);
  const others = new Set(latest.filter((delivery) => !hasFailed(delivery)));
  const tone = failed.length > 0 ? toneOfOthers(latest) : summary.tone;
  return (
    <div class="message-delivery">
      {failed.length > 0 && (
        <>
          <p class="hidden-text">{summary.text}</p>
          <DeliveryList item={item} deliveries={failed} label={texts.delivery.title} />
        </>
      )}
      {others.size > 0 && (
        <details class="message-people">
          <summary class={`tone-${tone}`}>
            <Icon name={SIGNS[tone]} />
            {failed.length > 0
              ? texts.delivery.others(others.size)
              : summary.tone === "done" && to.length === 0
              ? texts.delivery.summary.deliveredAdded
              : summary.text}
          </summary>
          <div class="message-people-all">
            <Others item={item} deliveries={to.filter((delivery) => others.has(delivery))} />
            {batches.map((batch) => (
              <div key={batch.batch_id}>
                <p class="small quiet">
                  <AddedLine batch={batch} />
                </p>
                <Others
                  item={item}
                  deliveries={batch.to_delivery.filter((delivery) => others.has(delivery))}
                />
              </div>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

/** Of one header. What failed stands above, and what was sent once more below. */
function Others(
  { item, deliveries }: {
    readonly item: MessageItem;
    readonly deliveries: readonly DeliveryJson[];
  },
): JSX.Element | null {
  if (deliveries.length === 0) return null;
  return <DeliveryList item={item} deliveries={deliveries} label={texts.message.sentTo} brief />;
}

function hasFailed({ state }: DeliveryJson): boolean {
  return state === "failed";
}

function toneOfOthers(deliveries: readonly DeliveryJson[]): Tone {
  return deliveries.some(({ state }) => state === "pending") ? "waiting" : "done";
}

/** `brief`: without what to do, which stands above. */
function DeliveryList(
  { item, deliveries, label, brief = false }: {
    readonly item: MessageItem;
    readonly deliveries: readonly DeliveryJson[];
    readonly label: string;
    readonly brief?: boolean;
  },
): JSX.Element {
  const [all, setAll] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const sorted = deliveries.toSorted((a, b) => urgency(a) - urgency(b));
  const shown = all ? sorted : sorted.slice(0, LISTED);
  return (
    <>
      <ul
        ref={list}
        class={brief ? "delivery-list" : "delivery-list delivery-failures"}
        aria-label={label}
        tabIndex={-1}
      >
        {shown.map((delivery) => (
          <Recipient key={delivery.addr} item={item} delivery={delivery} brief={brief} />
        ))}
      </ul>
      {shown.length < sorted.length && (
        <button
          type="button"
          class="button"
          onClick={() => {
            list.current?.focus({ preventScroll: true });
            setAll(true);
          }}
        >
          {texts.message.showAll(sorted.length)}
        </button>
      )}
    </>
  );
}

function Recipient(
  { item, delivery, brief }: {
    readonly item: MessageItem;
    readonly delivery: DeliveryJson;
    readonly brief: boolean;
  },
): JSX.Element {
  const { tone, text, detail, todo, code } = deliveryWords(delivery, {
    time: item.time,
    answers: item.pid !== null,
    now: now.value,
  });
  return (
    <li class="delivery-line">
      <span class={`delivery-sign tone-${tone}`}>
        <Icon name={SIGNS[tone]} />
      </span>
      <div class="delivery-words">
        <AddressName address={delivery.addr} full />
        <p class={`small tone-${tone}`}>
          {text}
          {code !== null && tone !== "done" && (
            <span class="quiet">{` (${texts.delivery.code(code)})`}</span>
          )}
        </p>
        {detail !== null && tone !== "done" && (
          <p class="small quiet delivery-detail">
            <bdi>{detail}</bdi>
          </p>
        )}
        {!brief && <Recovery item={item} delivery={delivery} todo={todo} />}
      </div>
    </li>
  );
}

/** What needs somebody stands first. */
function urgency({ state }: DeliveryJson): number {
  switch (state) {
    case "failed":
      return 0;
    case "pending":
      return 1;
    case "unknown":
      return 2;
    case "local":
    case "delivered":
      return 3;
  }
}

// What can be done for those to whom a message could not be delivered: the ways as buttons, then what comes of it.

import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { DeliveryJson, MessageItem } from "../../api/message_schema.ts";
import { addressKey } from "../addresses.ts";
import {
  failureOf,
  type Recovery as Found,
  recoveryOf,
  sentAgain,
  type Way,
} from "../recovery_steps.ts";
import { recover, type RecoveryWork, type Step, workOf } from "../recovery_work.ts";
import { go, mail, me, route } from "../state.ts";
import { texts } from "../texts.ts";
import { Icon, type IconName } from "./icons.tsx";
import { People } from "./participants.tsx";
import { Time } from "./time.tsx";

/**
 * Beside the first of those who failed in the same way; beside the others, and where nothing can be done by a button, what
 * to do in words (`todo`).
 */
export function Recovery(
  { item, delivery, todo }: {
    readonly item: MessageItem;
    readonly delivery: DeliveryJson;
    readonly todo: string | null;
  },
): JSX.Element | null {
  /** The button that was pressed goes: what comes in its place takes the focus. */
  const pressed = useRef(false);
  const { mailbox } = mail.value;
  const own = me()?.key;
  const words = todo === null ? null : <p class="small">{todo}</p>;
  if (mailbox === null || own === undefined || failureOf(delivery) === null) return words;
  if (addressKey(item.from) !== own) return words;
  const again = sentAgain(mailbox.all(), item);
  const later = again.get(addressKey(delivery.addr));
  if (later !== undefined) return <SentAgain item={later} focus={pressed.current} />;
  const parent = item.pid === null ? null : mailbox.message(item.pid);
  const done = new Set(again.keys());
  const recovery = recoveryOf({ item, delivery, parent, me: own, done });
  if (recovery === null || recovery.ways.length === 0) return words;
  const work = workOf(item, recovery);
  if (work !== null && !work.isOver) return <Progress work={work} pressed={pressed} />;
  return (
    <>
      {recovery.failure !== "parent" && words}
      <Ways
        recovery={recovery}
        focus={pressed.current}
        onChoose={(way) => {
          pressed.current = true;
          recover(item, recovery, way);
        }}
      />
    </>
  );
}

function SentAgain(
  { item, focus }: { readonly item: MessageItem; readonly focus: boolean },
): JSX.Element {
  const link = useRef<HTMLButtonElement>(null);
  useFocus(link, focus);
  return (
    <p class="recovery-again small">
      <Icon name="check" />
      <button
        ref={link}
        type="button"
        class="recovery-link"
        onClick={() => go({ ...route.value, open: { kind: "thread", id: item.id } })}
      >
        {texts.recovery.sentAgain<ComponentChildren>(
          <Time at={(item.time ?? 0) * 1000} form="words" />,
        )}
      </button>
    </p>
  );
}

function Ways(
  { recovery, focus, onChoose }: {
    readonly recovery: Found;
    readonly focus: boolean;
    readonly onChoose: (way: Way) => void;
  },
): JSX.Element {
  const first = useRef<HTMLButtonElement>(null);
  useFocus(first, focus);
  const { ways, to } = recovery;
  return (
    <div class="recovery">
      {to.length > 1 && (
        <p class="small quiet">
          {texts.recovery.forAll<ComponentChildren>(<People addresses={to} named={3} />)}
        </p>
      )}
      <div class="recovery-ways">
        {ways.map((way, at) => (
          <button
            key={way.kind}
            ref={at === 0 ? first : null}
            type="button"
            class="button"
            data-recovery={way.kind}
            onClick={() => onChoose(way)}
          >
            <Icon name={iconOf(way)} />
            {labelOf(way, recovery)}
          </button>
        ))}
      </div>
    </div>
  );
}

function iconOf({ kind }: Way): IconName {
  switch (kind) {
    case "add and send":
      return "add-people";
    case "send":
      return "send";
    case "write":
      return "write";
  }
}

function labelOf(way: Way, { failure, to }: Found): string {
  const words = texts.recovery;
  switch (way.kind) {
    case "add and send":
      return words.addAndSend;
    case "send":
      return words.send(to.length);
    case "write":
      if (failure === "address") return words.rightAddress;
      return failure === "size" ? words.smaller : words.newThread;
  }
}

/** Where nothing else has it. */
function useFocus(place: RefObject<HTMLElement | null>, wanted: boolean): void {
  useEffect(() => {
    const has = document.activeElement;
    if (wanted && (has === null || has === document.body)) {
      place.current?.focus({ preventScroll: true });
    }
  }, []);
}

function Progress(
  { work, pressed }: { readonly work: RecoveryWork; readonly pressed: RefObject<boolean> },
): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  useFocus(list, pressed.current === true);
  const steps = work.steps.value;
  const failed = steps.some(({ state }) => state === "failed");
  return (
    <div class="recovery">
      <ol ref={list} tabIndex={-1} class="recovery-steps" aria-label={texts.recovery.progress}>
        {steps.map((step) => <StepLine key={step.kind} step={step} />)}
      </ol>
      <div class="recovery-ways">
        {failed && (
          <button
            type="button"
            class="button"
            onClick={() => {
              list.current?.focus({ preventScroll: true });
              void work.run();
            }}
          >
            {texts.recovery.tryAgain}
          </button>
        )}
        <button
          type="button"
          class="button plain"
          onClick={() => {
            pressed.current = true;
            void work.cancel();
          }}
        >
          {texts.recovery.cancel}
        </button>
      </div>
    </div>
  );
}

const SIGNS: Readonly<Record<Step["state"], IconName | null>> = {
  "to do": null,
  doing: null,
  done: "check",
  failed: "warning",
};

function StepLine({ step }: { readonly step: Step }): JSX.Element {
  const { kind, state, percent, note } = step;
  const icon = SIGNS[state];
  const tone = state === "failed" ? "tone-failed" : state === "done" ? "tone-done" : "";
  return (
    <li
      class={`recovery-step recovery-step-${state.replace(" ", "-")}`}
      aria-current={state === "doing" ? "step" : undefined}
    >
      <span class={`recovery-sign ${tone}`}>
        {icon === null ? <span class="recovery-node" aria-hidden="true" /> : <Icon name={icon} />}
      </span>
      <span>
        {texts.recovery.steps[kind][state === "done" ? "done" : "doing"]}
        {percent !== null && state === "doing" && (
          <span class="quiet">{` ${texts.recovery.percent(percent)}`}</span>
        )}
        <span class="hidden-text">{` (${texts.recovery.states[state]})`}</span>
        {note !== null && (
          <span class={`recovery-note small ${tone === "tone-failed" ? tone : "quiet"}`}>
            {note}
          </span>
        )}
      </span>
    </li>
  );
}

// One message of a conversation: a line when it was read before, else all of it, on its place at the rail.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { MessageItem } from "../../api/message_schema.ts";
import type { ConversationEntry } from "../conversation.ts";
import { addressKey } from "../addresses.ts";
import { everybodyBut, mayAdd } from "../message_facts.ts";
import { previewText } from "../short_text.ts";
import { mail, markRead, me } from "../state.ts";
import { texts } from "../texts.ts";
import { summaryWords, timeWords } from "../words.ts";
import { answer } from "../writing.ts";
import { AddressName } from "./address_name.tsx";
import { Attachments } from "./attachments.tsx";
import { Avatar } from "./avatar.tsx";
import { Delivery } from "./delivery.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { later } from "./later.tsx";
import { MessageBody } from "./message_body.tsx";
import { now } from "./now.ts";
import { AddedPeople, followed, Participants } from "./participants.tsx";
import { Time } from "./time.tsx";

const Details = later(() => import("./details.tsx").then((module) => module.Details));
const AddPeople = later(() => import("./add_people.tsx").then((module) => module.AddPeople));

export interface MessageProps {
  readonly entry: ConversationEntry;
  readonly open: boolean;
  readonly onOpen: (open: boolean) => void;
  /** Its text stands on the page. */
  readonly onShown: () => void;
  /** To the message that it answers. */
  readonly onGo: (id: number) => void;
}

/** A row of the conversation; `data-message` is how it is found to be scrolled to. */
export function Message(props: MessageProps): JSX.Element {
  const { entry, open } = props;
  const { item, depth, joins, answered } = entry;
  const unread = isUnread(item);
  const classes = ["message", `message-depth-${depth}`, `message-joins-${joins}`];
  if (answered > 0) classes.push("message-goes-on");
  if (unread) classes.push("message-unread");
  if (open) classes.push("message-open");
  else if (item.pid !== null && !entry.follows) classes.push("message-answering");
  return (
    <li class={classes.join(" ")} data-message={item.id}>
      <Rail depth={depth} />
      <article
        class="message-box"
        tabIndex={-1}
        aria-label={texts.message.label(item.from, timeOf(item))}
      >
        {open ? <Open {...props} unread={unread} /> : <Folded {...props} unread={unread} />}
      </article>
    </li>
  );
}

/** Received, and not read. */
export function isUnread(item: MessageItem): boolean {
  return item.time !== null && !item.read && (mail.value.mailbox?.isReceived(item) ?? false);
}

/** The lines of the branches around, the way to this one, and its node. */
function Rail({ depth }: { readonly depth: number }): JSX.Element {
  return (
    <span class="rail" aria-hidden="true">
      {Array.from({ length: depth }, (_, i) => <span key={i} class={`rail-around rail-at-${i}`} />)}
      <span class="rail-above" />
      <span class="rail-below" />
      <span class="rail-node" />
    </span>
  );
}

interface ShownProps extends MessageProps {
  readonly unread: boolean;
}

function Folded({ entry, onOpen, onGo, unread }: ShownProps): JSX.Element {
  const { item } = entry;
  return (
    <>
      <AnswersLine entry={entry} onGo={onGo} />
      <button
        type="button"
        class="message-line"
        aria-expanded="false"
        onClick={() => onOpen(true)}
      >
        <Avatar address={item.from} size="small" />
        <span class="message-sender">
          <AddressName address={item.from} />
        </span>
        {unread && <span class="hidden-text">{texts.message.unread}</span>}
        {item.important && <Sign icon="important" words={texts.message.important} />}
        <span class="message-beginning quiet">
          <bdi>{firstWords(item)}</bdi>
        </span>
        {item.attachments.length > 0 && <Sign icon="attach" words={texts.lists.attachments} />}
        <DeliverySign item={item} />
        <span class="message-time small quiet">
          {item.time !== null && <Time at={item.time * 1000} />}
        </span>
      </button>
    </>
  );
}

function Open({ entry, onOpen, onShown, onGo, unread }: ShownProps): JSX.Element {
  const { item, answered } = entry;
  return (
    <>
      <header class="message-head">
        <Avatar address={item.from} />
        <div class="message-who">
          <h2 class="message-sender">
            <AddressName address={item.from} />
            {unread && <span class="hidden-text">{texts.message.unread}</span>}
          </h2>
          <Participants item={item} />
        </div>
        <span class="message-time small quiet">
          {item.time !== null && <Time at={item.time * 1000} form="words" />}
        </span>
        <button
          type="button"
          class="button plain icon-only message-fold"
          aria-expanded="true"
          aria-label={texts.message.fold}
          title={texts.message.fold}
          onClick={() => onOpen(false)}
        >
          <Icon name="chevron-down" />
        </button>
      </header>
      <AnswersLine entry={entry} onGo={onGo} />
      <AddedPeople item={item} />
      {item.important && <Mark icon="important" kind="important">{texts.message.important}</Mark>}
      <MessageBody item={item} onShown={onShown} onSeen={() => void markRead(item.id)} />
      <Attachments item={item} />
      {item.no_reply && (
        <Mark icon="no-reply" kind="no-reply">
          {isOwn(item) ? texts.message.noReplyOwn : texts.message.noReply}
        </Mark>
      )}
      <Delivery item={item} />
      <Actions item={item} answered={answered} />
    </>
  );
}

/** What it answers, where that is not right above. */
function AnswersLine(
  { entry, onGo }: { readonly entry: ConversationEntry; readonly onGo: (id: number) => void },
): JSX.Element | null {
  const { answers, follows } = entry;
  if (answers === null || follows) return null;
  const parent = mail.value.mailbox?.message(answers) ?? null;
  if (parent === null) {
    return (
      <p class="message-answers small quiet" title={texts.message.answersHiddenHint}>
        <Icon name="branch" />
        {texts.message.answersHidden}
      </p>
    );
  }
  return (
    <p class="message-answers small">
      <Icon name="branch" />
      <button type="button" class="message-go" onClick={() => onGo(answers)}>
        {texts.message.answers<ComponentChildren>(<AddressName address={parent.from} />)}
        {" · "}
        <bdi class="quiet">{firstWords(parent)}</bdi>
      </button>
    </p>
  );
}

function Actions(
  { item, answered }: { readonly item: MessageItem; readonly answered: number },
): JSX.Element {
  const [shown, setShown] = useState<"nothing" | "details" | "adding">("nothing");
  const own = me()?.key ?? "";
  const close = (): void => setShown("nothing");
  return (
    <footer class="message-actions">
      {!item.no_reply && (
        <>
          <button type="button" class="button" onClick={() => answer(item, "sender")}>
            <Icon name="reply" />
            {texts.message.reply}
          </button>
          {everybodyBut(item, own).length > 1 && (
            <button
              type="button"
              class="button"
              onClick={() => answer(item, "all")}
            >
              <Icon name="reply-all" />
              {texts.message.replyAll}
            </button>
          )}
        </>
      )}
      {mayAdd(item, own) && (
        <IconButton
          icon="add-people"
          label={texts.message.addPeople}
          onClick={() => setShown("adding")}
        />
      )}
      <IconButton
        icon="info"
        label={texts.message.details}
        onClick={() => setShown("details")}
      />
      {answered > 1 && (
        <span class="message-answered small quiet">
          <Icon name="branch" />
          {texts.message.answered(answered)}
        </span>
      )}
      {shown === "details" && <Details item={item} onClose={close} />}
      {shown === "adding" && <AddPeople item={item} onClose={close} />}
    </footer>
  );
}

function IconButton(
  { icon, label, onClick }: {
    readonly icon: IconName;
    readonly label: string;
    readonly onClick: () => void;
  },
): JSX.Element {
  return (
    <button
      type="button"
      class="button plain icon-only"
      data-action={icon}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

function Mark(
  { icon, kind, children }: {
    readonly icon: IconName;
    readonly kind: "important" | "no-reply";
    readonly children: string;
  },
): JSX.Element {
  return (
    <p class={`message-mark message-mark-${kind} small`}>
      <Icon name={icon} />
      {children}
    </p>
  );
}

/** In a folded line. */
function Sign(
  { icon, words }: { readonly icon: "important" | "attach"; readonly words: string },
): JSX.Element {
  return (
    <span class={`message-sign message-sign-${icon}`} title={words}>
      <Icon name={icon} />
      <span class="hidden-text">{words}</span>
    </span>
  );
}

/** In a folded line: only what needs somebody, or is not done yet. */
function DeliverySign({ item }: { readonly item: MessageItem }): JSX.Element | null {
  const { to, batches } = followed(item);
  if (to.length === 0 && batches.length === 0) return null;
  const summary = summaryWords({ time: item.time, to_delivery: [...to], add_to: [...batches] });
  if (summary === null || summary.tone === "done") return null;
  return (
    <span class={`message-sign tone-${summary.tone}`} title={summary.text}>
      <Icon name={summary.tone === "failed" ? "warning" : "clock"} />
      <span class="hidden-text">{summary.text}</span>
    </span>
  );
}

function isOwn(item: MessageItem): boolean {
  return addressKey(item.from) === me()?.key;
}

function firstWords(item: MessageItem): string {
  const beginning = previewText(item);
  if (beginning !== "") return beginning;
  return item.topic !== "" ? item.topic : item.attachments[0]?.filename ?? texts.lists.noText;
}

function timeOf({ time }: MessageItem): string {
  return time === null ? "" : timeWords(time * 1000, now.value);
}

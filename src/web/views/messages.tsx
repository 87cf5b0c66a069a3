// The messages of a thread as they are read: where one begins, what is folded, and what comes meanwhile.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { addressKey } from "../addresses.ts";
import type { ConversationEntry } from "../conversation.ts";
import { type Block, blocksOf } from "../conversation_window.ts";
import {
  type ConversationView,
  openedAt,
  type ViewFacts,
  withLookedAt,
  withNews,
  withOpen,
  withShown,
} from "../conversation_view.ts";
import { everybodyBut, mayAdd } from "../message_facts.ts";
import { useShortcut } from "../shortcuts.ts";
import { me } from "../state.ts";
import { texts } from "../texts.ts";
import { answer } from "../writing.ts";
import { AnswerBox } from "./answer_box.tsx";
import { Icon } from "./icons.tsx";
import { isUnread, Message } from "./message.tsx";
import { Place } from "./reading_place.ts";

export interface MessagesProps {
  /** Asked for. */
  readonly id: number;
  readonly root: number;
  readonly entries: readonly ConversationEntry[];
  /** Is the way up to the root loaded, or given up? */
  readonly settled: boolean;
}

export function Messages({ id, root, entries, settled }: MessagesProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const [place] = useState(() => new Place());
  const [view, setView] = useConversationView(id, entries, settled || place.isTaken);
  const own = (entry: ConversationEntry): boolean => facts.isOwn(entry);

  useLayoutEffect(
    () => scroller.current === null ? undefined : place.follow(scroller.current),
    [],
  );
  // The first time, and again as long as what is around is still coming and nobody has moved.
  useLayoutEffect(() => {
    if (view.fresh.length > 0) place.stay();
    else place.begin(view.target);
  }, [entries, settled]);
  useLayoutEffect(() => place.arrive());
  useEffect(() => {
    const written = entries.find((entry) => view.fresh.includes(entry.item.id) && own(entry));
    if (written !== undefined && !place.isTyping) goTo(written.item.id);
    else lookAround();
  }, [view.fresh]);

  function goTo(id: number): void {
    place.want(id);
    setView((view) => withLookedAt(withShown(withOpen(view, id, true), [id]), [id]));
  }
  function lookAround(): void {
    const seen = view.fresh.filter((id) => !place.isBelow(id));
    if (seen.length > 0) setView((view) => withLookedAt(view, seen));
  }

  const current = (): ConversationEntry | undefined => {
    const focused = place.focused();
    return entries.find(({ item }) => item.id === focused) ?? entries.at(-1);
  };
  useActions(current, place);

  if (entries.length === 0) {
    return (
      <div class="conversation-scroll" ref={scroller}>
        <p class="conversation-empty quiet">{texts.conversation.onlyDrafts}</p>
        <AnswerBox thread={root} />
      </div>
    );
  }
  const blocks = blocksOf(entries, view.shown, facts.isUnread);
  return (
    <div class="conversation-scroll" ref={scroller} onScroll={lookAround}>
      <ol class="messages" aria-label={texts.conversation.messages}>
        {blocks.map((block) =>
          block.kind === "folded"
            ? (
              <Fold
                key={`fold ${block.ids.at(block.unread > 0 ? -1 : 0)}`}
                block={block}
                onUnfold={() => {
                  if (block.next.length === block.ids.length) place.want(block.next[0] ?? root);
                  setView((view) => withShown(view, block.next));
                }}
              />
            )
            : (
              <Message
                key={block.entry.item.id}
                entry={block.entry}
                open={view.open.has(block.entry.item.id)}
                onOpen={(open) => {
                  place.keepFocus(block.entry.item.id);
                  setView((view) => withOpen(view, block.entry.item.id, open));
                }}
                onShown={() => place.arrive()}
                onGo={goTo}
              />
            )
        )}
      </ol>
      <AnswerBox thread={root} />
      {view.fresh.length > 0 && (
        <div class="conversation-news">
          <button
            type="button"
            class="button primary"
            onClick={() => goTo(view.fresh[0] ?? root)}
          >
            <Icon name="chevron-down" />
            {texts.conversation.newAnswers(view.fresh.length)}
          </button>
        </div>
      )}
    </div>
  );
}

const facts: ViewFacts = {
  isUnread: ({ item }) => isUnread(item),
  isOwn: ({ item }) => addressKey(item.from) === me()?.key,
};

type Change = (change: (view: ConversationView) => ConversationView) => void;

/** The view, with what came. Until it is `settled` it is made anew: ancestors come one by one. */
function useConversationView(
  id: number,
  entries: readonly ConversationEntry[],
  settled: boolean,
): readonly [ConversationView, Change] {
  const held = useRef<ConversationView | null>(null);
  const [, drawAgain] = useState(0);
  held.current = held.current === null || !settled
    ? keepOpen(openedAt(entries, id, facts), held.current)
    : withNews(held.current, entries, facts);
  const change: Change = (change) => {
    if (held.current === null) return;
    held.current = change(held.current);
    drawAgain((count) => count + 1);
  };
  return [held.current, change];
}

/** What was unread when it was opened stays where it is though it is read now. */
function keepOpen(view: ConversationView, before: ConversationView | null): ConversationView {
  if (before === null) return view;
  const target = view.known.has(before.target) ? before.target : view.target;
  return {
    ...view,
    target,
    open: new Set([...view.open, ...before.open]),
    shown: new Set([...view.shown, ...before.shown]),
  };
}

function Fold(
  { block, onUnfold }: {
    readonly block: Extract<Block, { kind: "folded" }>;
    readonly onUnfold: () => void;
  },
): JSX.Element {
  const { ids, unread, next } = block;
  const words = texts.conversation;
  return (
    <li class="messages-fold">
      <span class="rail" aria-hidden="true">
        <span class="rail-fold" />
      </span>
      <button type="button" class="button plain messages-unfold" onClick={onUnfold}>
        <span>{unread > 0 ? words.unread(ids.length, unread) : words.earlier(ids.length)}</span>
        {next.length < ids.length && <span class="quiet small">{words.unfold(next.length)}</span>}
      </button>
    </li>
  );
}

/** `r`, `a`, `p`: for the message with focus, else the last. */
function useActions(current: () => ConversationEntry | undefined, place: Place): void {
  const words = texts.conversation;
  const answering = (whom: "sender" | "all"): void => {
    const item = current()?.item;
    if (item !== undefined && !item.no_reply) answer(item, whom);
  };
  useShortcut("r", words.reply, () => answering("sender"));
  useShortcut("a", words.replyAll, () => {
    const item = current()?.item;
    if (item === undefined) return;
    answering(everybodyBut(item, me()?.key ?? "").length > 1 ? "all" : "sender");
  });
  useShortcut("p", words.addPeople, () => {
    const item = current()?.item;
    if (item !== undefined && mayAdd(item, me()?.key ?? "")) place.press(item.id, "add-people");
  });
}

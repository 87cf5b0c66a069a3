// The drafts: those on the host, and what only this browser has of them.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { deleteDraft } from "../client.ts";
import { dropLocally, type LocalDraft, localDrafts } from "../local_drafts.ts";
import type { Route } from "../router.ts";
import { action, drafts, go, hasMore, loadMore, mail, putMessage, route } from "../state.ts";
import { previewText } from "../short_text.ts";
import { texts } from "../texts.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { EmptyList, ListHead } from "./list_parts.tsx";
import { Beginning, Line, Sign, Topic } from "./thread_line.tsx";
import { VirtualList } from "./virtual_list.tsx";

interface Entry {
  /** Of the host's copy; null: there is none. */
  readonly id: number | null;
  /** Of this browser's copy; null: there is none. */
  readonly local: string | null;
  readonly to: readonly string[];
  readonly topic: string | null;
  readonly text: string;
  readonly attachments: boolean;
}

export function DraftList(): JSX.Element {
  const [discarding, setDiscarding] = useState<Entry | null>(null);
  // What is kept in this browser tells of no changes; those of the mailbox, and opening a draft, come close.
  void mail.value;
  const { open } = route.value;
  const entries = entriesOf();
  const more = hasMore("sent");
  const { lists, writing } = texts;
  return (
    <section class="list" aria-label={lists.drafts}>
      <ListHead title={lists.drafts} />
      {entries.length === 0 && (
        <EmptyList icon="draft" title={lists.emptyDrafts} hint={lists.emptyDraftsHint} write />
      )}
      {entries.length > 0 && (
        <VirtualList
          label={lists.drafts}
          place="drafts"
          items={entries}
          keyOf={({ id, local }) => id ?? local ?? ""}
          whole={!more}
          end={more && (
            <div class="list-end">
              <button
                type="button"
                class="button"
                onClick={() => action(() => loadMore("sent"))}
              >
                {lists.more}
              </button>
            </div>
          )}
          line={(entry, tabIndex) => (
            <div class="draft-line">
              <Line
                to={routeOf(entry)}
                tabIndex={tabIndex}
                isOpen={open?.kind === "draft" && open.id === entry.id}
                people={entry.to}
                at={null}
                topic={entry.topic === null
                  ? <span class="thread-none">{lists.answer}</span>
                  : <Topic text={entry.topic} />}
                prefix={entry.local !== null && (
                  <span class="thread-draft">{`${lists.onlyHere} `}</span>
                )}
                text={<Beginning text={entry.text} />}
                signs={entry.attachments &&
                  <Sign name="attach" tone="quiet" text={lists.attachments} />}
              />
              <button
                type="button"
                class="button plain icon-only draft-discard"
                aria-label={lists.discard(entry.topic ?? lists.answer)}
                onClick={() => setDiscarding(entry)}
              >
                <Icon name="trash" />
              </button>
            </div>
          )}
        />
      )}
      {discarding !== null && (
        <Dialog
          title={writing.discardTitle}
          onClose={() => setDiscarding(null)}
        >
          <p>{writing.discardSure}</p>
          <div class="draft-sure">
            <button type="button" class="button" onClick={() => setDiscarding(null)}>
              {lists.keep}
            </button>
            <button
              type="button"
              class="button danger"
              onClick={() => {
                setDiscarding(null);
                void action(() => discard(discarding));
              }}
            >
              {writing.discard}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

/** What only this browser has comes first: nobody else keeps it. */
function entriesOf(): Entry[] {
  const local = localDrafts();
  const byId = new Map(local.flatMap((one) => one.id === null ? [] : [[one.id, one]]));
  const onlyHere = local.filter(({ id }) => id === null).map((one) => localEntry(one, false));
  const known = drafts.value.map((item): Entry => {
    const { id, to, topic, pid, attachments } = item;
    const newer = byId.get(id);
    if (newer !== undefined) return localEntry(newer, attachments.length > 0);
    return {
      id,
      local: null,
      to,
      topic: pid === null ? topic : topicOf(pid),
      text: previewText(item),
      attachments: attachments.length > 0,
    };
  });
  return [...onlyHere, ...known];
}

function localEntry({ key, id, content }: LocalDraft, attachments: boolean): Entry {
  const { to, topic, pid, text } = content;
  return { id, local: key, to, topic: pid === null ? topic : topicOf(pid), text, attachments };
}

/** An answer has the topic of its thread; null: that is not known. */
function topicOf(pid: number): string | null {
  return mail.value.mailbox?.thread(pid)?.topic ?? null;
}

function routeOf({ id, local }: Entry): Route {
  return {
    list: "drafts",
    query: "",
    open: id === null
      ? { kind: "new", to: "", ...local === null ? {} : { local } }
      : { kind: "draft", id },
  };
}

async function discard({ id, local }: Entry): Promise<void> {
  if (id !== null) {
    await deleteDraft(id);
    putMessage(id, null);
  }
  if (local !== null) dropLocally(local);
  const { open } = route.value;
  const isOpen = id === null
    ? open?.kind === "new" && open.local === local
    : open?.kind === "draft" && open.id === id;
  go({ ...route.value, open: isOpen ? null : open }, { replace: true });
}

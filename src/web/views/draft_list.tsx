// The drafts: those on the host, and what only this browser has of them.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { draftEntries, type DraftEntry } from "../draft_entries.ts";
import { localDrafts } from "../local_drafts.ts";
import type { Route } from "../router.ts";
import { action, drafts, go, hasMore, loading, loadMore, mail, route } from "../state.ts";
import { texts } from "../texts.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { EmptyList, ListHead } from "./list_parts.tsx";
import { Beginning, Line, Sign, Topic } from "./thread_line.tsx";
import { VirtualList } from "./virtual_list.tsx";

export function DraftList(): JSX.Element {
  const [discarding, setDiscarding] = useState<DraftEntry | null>(null);
  // What is kept in this browser tells of no changes; those of the mailbox, and opening a draft, come close.
  void mail.value;
  const { open } = route.value;
  const entries = draftEntries(localDrafts(), drafts.value, topicOf);
  const more = hasMore("sent");
  const { lists, writing } = texts;
  return (
    <section class="list" aria-label={lists.drafts}>
      <ListHead title={lists.drafts} />
      {entries.length === 0 && more &&
        (loading.value ? <p class="list-loading quiet">{lists.loading}</p> : (
          <>
            <p class="list-loading quiet">{lists.draftsFurther}</p>
            <div class="list-end">
              <More />
            </div>
          </>
        ))}
      {entries.length === 0 && !more && (
        <EmptyList icon="draft" title={lists.emptyDrafts} hint={lists.emptyDraftsHint} write />
      )}
      {entries.length > 0 && (
        <VirtualList
          label={lists.drafts}
          place="drafts"
          items={entries}
          keyOf={({ id, local }) => local ?? id ?? ""}
          whole={!more}
          end={more && (
            <div class="list-end">
              <More />
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
                  <span class="thread-draft">
                    {`${entry.id === null ? lists.onlyHere : writing.states.changed} `}
                  </span>
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

/** Drafts stand among what was sent, and are known as far as that is loaded. */
function More(): JSX.Element {
  return (
    <button type="button" class="button" onClick={() => action(() => loadMore("sent"))}>
      {texts.lists.more}
    </button>
  );
}

/** An answer has the topic of its thread; null: that is not known. */
function topicOf(pid: number): string | null {
  return mail.value.mailbox?.thread(pid)?.topic ?? null;
}

function routeOf({ id, local }: DraftEntry): Route {
  return {
    list: "drafts",
    query: "",
    open: id === null
      ? { kind: "new", to: "", ...local === null ? {} : { local } }
      : { kind: "draft", id },
  };
}

async function discard(entry: DraftEntry): Promise<void> {
  const { discardKept } = await import("../writing.ts");
  await discardKept(entry);
  const { id, local } = entry;
  const { open } = route.value;
  const isOpen = id === null
    ? open?.kind === "new" && open.local === local
    : open?.kind === "draft" && open.id === id;
  go({ ...route.value, open: isOpen ? null : open }, { replace: true });
}

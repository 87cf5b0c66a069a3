// The inbox, and what was sent: threads, the latest first, with more of them before the end is reached.

import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import {
  action,
  connection,
  hasMore,
  inbox,
  loading,
  loadMore,
  openThread,
  sent,
} from "../state.ts";
import type { Snapshot } from "../sorted_runs.ts";
import { texts } from "../texts.ts";
import type { Thread } from "../thread.ts";
import { Icon } from "./icons.tsx";
import { EmptyList, ListHead } from "./list_parts.tsx";
import { ThreadLine } from "./thread_line.tsx";
import { VirtualList } from "./virtual_list.tsx";

export function ThreadList({ view }: { readonly view: "inbox" | "sent" }): JSX.Element {
  const threads = view === "inbox" ? inbox.value : sent.value;
  const more = hasMore(view);
  const busy = loading.value;
  const [failed, setFailed] = useState(false);
  const load = useCallback(() => {
    if (busy || failed) return;
    void action(() => loadMore(view)).then((done) => setFailed(!done));
  }, [view, busy, failed]);
  // Whoever is back online need not ask again.
  const isLive = connection.value === "live";
  useEffect(() => setFailed(false), [isLive, view]);
  useEffect(() => {
    if (threads.length === 0 && more) load();
  }, [threads.length, more, load]);
  const openRoot = openThread.value?.thread.root ?? null;
  const { lists } = texts;
  const title = lists[view];
  const again = failed && more && (
    <div class="list-end">
      <button type="button" class="button" onClick={() => setFailed(false)}>{lists.more}</button>
    </div>
  );
  return (
    <section class="list" aria-label={title}>
      <ListHead title={title} />
      {threads.length === 0 && more && (again || <p class="list-loading quiet">{lists.loading}</p>)}
      {threads.length === 0 && !more && (view === "inbox"
        ? <EmptyList icon="inbox" title={lists.emptyInbox} hint={lists.emptyInboxHint} />
        : <EmptyList icon="sent" title={lists.emptySent} hint={lists.emptySentHint} write />)}
      {threads.length > 0 && (
        <VirtualList
          key={view}
          label={title}
          place={view}
          items={threads}
          keyOf={rootOf}
          whole={!more}
          onNear={load}
          chip={view === "inbox"
            ? (scrolled, toTop) => <NewChip threads={threads} scrolled={scrolled} toTop={toTop} />
            : undefined}
          line={(thread, tabIndex) => (
            <ThreadLine
              thread={thread}
              to={{ list: view, query: "", open: { kind: "thread", id: thread.root } }}
              at={view === "inbox" ? thread.moment : thread.sentMoment}
              isOpen={thread.root === openRoot}
              tabIndex={tabIndex}
            />
          )}
          end={again}
        />
      )}
    </section>
  );
}

function rootOf({ root }: Thread): number {
  return root;
}

/** What came on top while one reads further down. */
function NewChip(
  { threads, scrolled, toTop }: {
    readonly threads: Snapshot<Thread>;
    readonly scrolled: boolean;
    readonly toTop: () => void;
  },
): JSX.Element {
  const seen = useRef(threads.at(0)?.moment ?? 0);
  if (!scrolled) seen.current = threads.at(0)?.moment ?? 0;
  let count = 0;
  for (const { moment, unread } of threads) {
    if (moment <= seen.current) break;
    if (unread > 0) count++;
  }
  return (
    <div class="list-new" role="status">
      {scrolled && count > 0 && (
        <button type="button" class="button primary" onClick={toTop}>
          <span class="list-up">
            <Icon name="back" />
          </span>
          {texts.lists.arrived(count)}
        </button>
      )}
    </div>
  );
}

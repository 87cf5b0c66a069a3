// The page on which a message is written: a new one, or a draft.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Offline } from "../errors.ts";
import type { Route } from "../router.ts";
import { go, mail, route, tell } from "../state.ts";
import { texts } from "../texts.ts";
import { closeBox, openedBy, routeOf, type Writing } from "../writing.ts";
import { attach } from "../writing_files.ts";
import { DraftStateLine } from "./composer_bar.tsx";
import { Composer } from "./composer_form.tsx";
import { useDroppedFiles } from "./dropped_files.ts";
import { Icon, Mark } from "./icons.tsx";

type State =
  | { readonly kind: "loading" }
  | { readonly kind: "here"; readonly writing: Writing }
  | { readonly kind: "gone" | "offline" | "failed" };

/** While one is open the address follows it: a reload, or coming back, leads to the same. */
export function WritePage({ open }: { readonly open: Route["open"] }): JSX.Element {
  const [state, setState] = useState<State>({ kind: "loading" });
  const [tries, setTries] = useState(0);
  const writing = state.kind === "here" && isOf(state.writing, open) ? state.writing : null;
  const id = writing?.draft.id.value ?? null;

  useEffect(() => {
    if (writing !== null) return;
    let left = false;
    setState({ kind: "loading" });
    openedBy(open).then((found) => {
      if (left) return;
      if (found === "gone") setState({ kind: "gone" });
      else if ("sent" in found) {
        go({ ...route.value, open: { kind: "thread", id: found.sent } }, { replace: true });
      } else {
        // Nobody writes the same in two places.
        closeBox(found);
        setState({ kind: "here", writing: found });
        go({ ...route.value, open: routeOf(found) }, { replace: true });
      }
    }, (error: unknown) => {
      if (left) return;
      setState({ kind: error instanceof Offline ? "offline" : "failed" });
      if (!(error instanceof Offline)) tell(error);
    });
    return () => {
      left = true;
    };
  }, [open, tries]);
  useEffect(() => {
    if (writing === null || id === null || open?.kind === "draft") return;
    go({ ...route.value, open: routeOf(writing) }, { replace: true });
  }, [writing, id]);

  if (writing !== null) return <Page key={writing.key} writing={writing} />;
  return (
    <section class="write" aria-label={texts.writing.title}>
      <Head title={texts.writing.title} />
      {state.kind === "loading" || state.kind === "here"
        ? <p class="later later-loading quiet" role="status">{texts.lists.loading}</p>
        : (
          <div class="conversation-empty" role="alert">
            <Mark />
            <p class="conversation-empty-title">{texts.writing.openFailed[state.kind]}</p>
            {state.kind !== "gone" && (
              <button
                type="button"
                class="button"
                onClick={() => setTries(tries + 1)}
              >
                {texts.page.tryAgain}
              </button>
            )}
          </div>
        )}
    </section>
  );
}

function Page({ writing }: { readonly writing: Writing }): JSX.Element {
  const section = useRef<HTMLElement>(null);
  const over = useDroppedFiles(() => section.current, (files) => attach(writing, files));
  const parent = writing.pid === null ? null : mail.value.mailbox?.message(writing.pid) ?? null;
  const title = writing.pid === null
    ? texts.writing.title
    : parent === null
    ? texts.lists.answer
    : texts.writing.answerTo(parent.from);
  return (
    <section class="write" aria-label={title} ref={section}>
      <Head title={title} writing={writing} />
      <Composer writing={writing} place="page" onGone={() => leave(writing)} />
      {over && <p class="drop-here">{texts.writing.drop}</p>}
    </section>
  );
}

function Head(
  { title, writing }: { readonly title: string; readonly writing?: Writing },
): JSX.Element {
  return (
    <header class="write-head">
      <button
        type="button"
        class="button plain icon-only write-back"
        aria-label={texts.page.back}
        title={texts.page.back}
        onClick={() => go({ ...route.value, open: null })}
      >
        <Icon name="back" />
      </button>
      <div class="write-about">
        <h1 class="write-title" tabIndex={-1}>{title}</h1>
        {writing !== undefined && <DraftStateLine writing={writing} />}
      </div>
    </header>
  );
}

/** It was discarded; where it is sent, writing.ts says where to. */
function leave(writing: Writing): void {
  if (writing.draft.isDiscarded) go({ ...route.value, open: null });
}

function isOf({ draft }: Writing, open: Route["open"]): boolean {
  if (open?.kind === "draft") return open.id === draft.id.value;
  return open?.kind === "new" && open.local === draft.key;
}

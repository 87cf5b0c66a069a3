// The page starts here: signs in, starts the mailbox and the service worker, and shows the page.

import { effect } from "@preact/signals";
import { render } from "preact";
import { lookForNewVersion, onNewVersion, startWorker } from "./offline.ts";
import { renewPush } from "./push.ts";
import { onOtherOwner } from "./owner.ts";
import { HOME, signInToken } from "./router.ts";
import { addressIn, ended, session, startSession } from "./session.ts";
import {
  beginAgain,
  connection,
  followAddress,
  go,
  notify,
  startMail,
  stopMail,
  tell,
} from "./state.ts";
import { texts } from "./texts.ts";
import { Shell } from "./views/shell.tsx";
import { LinkQuestion } from "./views/sign_in.tsx";

addEventListener("popstate", () => followAddress());
// A link pasted where the page is open already loads nothing anew.
addEventListener("hashchange", () => {
  if (signInToken(location.hash) !== null) startSession().catch(tell);
});
onOtherOwner((now) => {
  if (now === null) ended();
  else if (now !== addressIn(session.value)) startSession().catch(tell);
});

render(
  <>
    <Shell />
    <LinkQuestion />
  </>,
  document.body,
);

let address: string | null = null;
effect(() => {
  const now = addressIn(session.value);
  if (now === address) return;
  // Whoever signs in next has no use for what was open.
  if (address !== null) go(HOME, { replace: true });
  address = now;
  if (now === null) stopMail();
  else startMail(now);
});

// A host that was started anew has broken the connection: it may serve another page now.
let renewed = false;
effect(() => {
  if (connection.value !== "live") return;
  void lookForNewVersion();
  if (renewed) return;
  renewed = true;
  // Nobody waits for it; the settings show how it is.
  renewPush().catch(() => {});
});

onNewVersion(() =>
  notify(texts.page.newVersion, "news", {
    offer: { label: texts.page.reload, act: () => location.reload() },
    stays: true,
  })
);

// What a first visit begins with is asked for before there is a worker to keep it for reading offline.
if (navigator.serviceWorker?.controller === null) {
  const again = (): void => void beginAgain().catch(() => {});
  navigator.serviceWorker.addEventListener("controllerchange", again, { once: true });
}

startSession().catch(tell);
void startWorker((url) => {
  history.pushState(null, "", url);
  followAddress();
});

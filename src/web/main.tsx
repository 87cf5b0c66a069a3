// The page starts here: signs in, starts the mailbox and the service worker, and shows the page.

import { effect } from "@preact/signals";
import { render } from "preact";
import { startWorker } from "./offline.ts";
import { session, startSession } from "./session.ts";
import { followAddress, startMail, stopMail, tell } from "./state.ts";
import { Shell } from "./views/shell.tsx";

addEventListener("popstate", () => followAddress());

render(<Shell />, document.body);

let address: string | null = null;
effect(() => {
  const { value } = session;
  const now = value.kind === "in" ? value.session.address : null;
  if (now === address) return;
  address = now;
  if (now === null) stopMail();
  else startMail(now);
});

startSession().catch(tell);
void startWorker((url) => {
  history.pushState(null, "", url);
  followAddress();
});

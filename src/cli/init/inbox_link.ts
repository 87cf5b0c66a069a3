// The last words of the wizard where users may have their inbox in a browser: a link that opens it.

import { Address } from "../../wire/mod.ts";
import { shownAddress } from "../addresses.ts";
import type { Output } from "../context.ts";
import { safe, wrap } from "../terminal.ts";
import { codeOf, type Link, makeLink } from "../user_link.ts";
import type { Done } from "./carry_out.ts";
import type { Prepared } from "./prepare.ts";
import { MOST_COLUMNS } from "./words.ts";

/**
 * A link for the user that was added, or where browsers were let in just now for the only one there is; else null: who
 * runs the wizard again asks for no link. Everything is set up, so a link that cannot be made is told, and is no failure.
 */
export async function inboxLink(
  { plan }: Prepared,
  done: Done,
  [address, ...others]: readonly string[],
  tell: (line: string) => void,
): Promise<Link | null> {
  const isNew = done.user === "added" || plan.needsRestart.includes("api.listen");
  const user = address === undefined || others.length > 0 ? null : Address.parse(address);
  if (plan.config.api === null || user === null || !isNew) return null;
  try {
    return await makeLink(plan.config, user);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    tell(`There is no link to the inbox yet: ${safe(reason)}`);
    return null;
  }
}

export async function inboxLinkText(
  link: Link,
  { plan, running }: Prepared,
  output: Output,
): Promise<string> {
  const when = running === null
    ? "once the host runs"
    : plan.needsRestart.length > 0
    ? "once the host was restarted"
    : "now";
  const about = `The inbox of ${
    shownAddress(link.address)
  } opens ${when}, in any browser, with this link. It works once, within 24 hours:`;
  const code = await codeOf(link, output);
  return [
    wrap(about, Math.min(output.columns, MOST_COLUMNS)),
    "",
    ...code === null ? [] : [code, ""],
    link.link,
  ].join("\n");
}

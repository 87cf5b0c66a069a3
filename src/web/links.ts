// Where a link in a message may go, and what in a plain text is a link. Pure.

import { Address } from "../wire/address.ts";
import { formatRoute, HOME, SIGN_IN } from "./router.ts";

export interface LinkTarget {
  readonly href: string;
  /** To another site; false: it stays in this page. */
  readonly outside: boolean;
  /** What the reader is shown that it goes to; null where that is in the link already. */
  readonly host: string | null;
  /** Does the text of the link say where it goes? */
  readonly isNamedBy: (label: string) => boolean;
}

/**
 * http and https, mail addresses, and fmsg addresses; null for all else: scripts, data, files, paths of this host, links
 * that sign in.
 */
export function linkTarget(href: string): LinkTarget | null {
  const text = href.trim();
  const decoded = decodedAddress(text);
  if (decoded !== null) return addressTarget(decoded);
  if (!/^(?:https?:\/\/|mailto:)/i.test(text) || text.length > 4096) return null;
  const url = URL.parse(text);
  if (url === null) return null;
  if (url.protocol === "mailto:") return mailTarget(url);
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  // Of this host, or another: it would sign the reader in as whoever sent it.
  if (url.hash.startsWith(SIGN_IN)) return null;
  // Names in front of the host are there to be taken for it.
  url.username = "";
  url.password = "";
  return { href: url.href, outside: true, host: url.host, isNamedBy: (label) => names(label, url) };
}

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly target: LinkTarget };

const LINK =
  /https?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]{1,2000}|(?<![\p{L}\p{N}@._-])@[\p{L}\p{N}][\p{L}\p{N}._-]{0,200}@[a-z0-9][a-z0-9.-]{0,200}/giu;

/** A line of plain text with its links found. At most `most` links: the rest stays text. */
export function linkified(line: string, most = 200): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let links = 0;
  for (const found of line.matchAll(LINK)) {
    if (links >= most) break;
    const text = withoutEnd(found[0]);
    const target = linkTarget(text);
    if (target === null) continue;
    if (found.index > at) pieces.push({ kind: "text", text: line.slice(at, found.index) });
    pieces.push({ kind: "link", text, target });
    at = found.index + text.length;
    links++;
  }
  if (at < line.length) pieces.push({ kind: "text", text: line.slice(at) });
  return pieces;
}

/**
 * A full stop, a bracket or a comma behind belongs to the sentence, but not a bracket that was opened in the address. One
 * after the other: a pattern would be quadratic.
 */
function withoutEnd(text: string): string {
  let open = 0;
  for (const sign of text) open += sign === "(" ? 1 : sign === ")" ? -1 : 0;
  let end = text.length;
  while (end > 0 && ".,;:!?)]}'\"-".includes(text.charAt(end - 1))) {
    if (text.charAt(end - 1) === ")" && open++ >= 0) break;
    end--;
  }
  return text.slice(0, end);
}

/** To one address in the open: neither others in copy nor a text that somebody else has written. */
function mailTarget(url: URL): LinkTarget | null {
  const to = decodeURIComponentSafely(url.pathname);
  if (!/^[^\s,;@\p{C}]+@[^\s,;@\p{C}]+$/u.test(to)) return null;
  return {
    href: `mailto:${encodeURIComponent(to)}`,
    outside: true,
    host: to,
    isNamedBy: (label) => label.trim() === to,
  };
}

function addressTarget(address: Address): LinkTarget {
  const { text } = address;
  return {
    href: formatRoute({ ...HOME, open: { kind: "new", to: text } }),
    outside: false,
    host: text,
    isNamedBy: (label) => label.trim() === text,
  };
}

/** The label is the address of the page itself, or its host, and not another's. */
function names(label: string, url: URL): boolean {
  const text = label.trim();
  const said = URL.parse(/^https?:\/\//i.test(text) ? text : `https://${text}`);
  return said !== null && said.host === url.host && said.username === "" &&
    said.password === "" && /^[\x21-\x7e]+$/.test(text);
}

function decodedAddress(text: string): Address | null {
  return text.startsWith("@") ? Address.parse(decodeURIComponentSafely(text)) : null;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

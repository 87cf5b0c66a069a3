// Plain text as nodes: lines with their own direction, links found, no HTML anywhere.

import { linkified, type LinkTarget } from "./links.ts";
import { texts } from "./texts.ts";

/** What is behind is one node of text: a browser lays that out, but 10 MB of nodes not. */
const MOST_LINES = 5_000;
const LONGEST_LINE = 16 * 1024;
/** A line without a space is cut so often for layout, which is quadratic in some browsers. */
const MOST_LINKS = 1_000;

/** For `white-space: pre-wrap; overflow-wrap: anywhere`. */
export function plainFragment(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let links = 0;
  let at = 0;
  for (let count = 0; at < text.length && count < MOST_LINES; count++) {
    const end = text.indexOf("\n", at);
    const stop = end < 0 ? text.length : end;
    const line = text.slice(at, stop).replace(/\r$/, "");
    const block = document.createElement("div");
    block.dir = "auto";
    block.className = "text-line";
    if (line.length > LONGEST_LINE || links >= MOST_LINKS) appendInPieces(block, line);
    else {
      for (const piece of linkified(line, MOST_LINKS - links)) {
        if (piece.kind === "text") block.append(piece.text);
        else {
          links++;
          block.append(linkOf(piece.text, piece.target));
          const host = hostNote(piece.text, piece.target);
          if (host !== null) block.append(host);
        }
      }
    }
    // An empty block has no height.
    if (line === "") block.append(document.createElement("br"));
    fragment.append(block);
    at = stop + 1;
  }
  if (at < text.length) appendInPieces(fragment, text.slice(at));
  return fragment;
}

/**
 * Where a link goes, for what does not say it itself: names in other scripts as they are asked for (`xn--…`), so that a
 * letter that looks like another is seen. null: the link says it.
 */
export function hostNote(label: string, target: LinkTarget): HTMLElement | null {
  if (target.host === null || target.isNamedBy(label)) return null;
  const host = document.createElement("bdi");
  // What looks like an address, and goes elsewhere, wants to be taken for it.
  host.className = looksLikeAddress(label) ? "link-host link-warning" : "link-host";
  host.textContent = ` (${target.host})`;
  host.title = texts.message.linkGoesTo(target.host);
  return host;
}

function looksLikeAddress(label: string): boolean {
  return /:\/\/|^[^\s]+\.[^\s.]{2,}(?:\/|$)/u.test(label.trim().slice(0, 2_000));
}

/** Blocks of a bounded length: one block of a megabyte takes a browser seconds to break into lines. */
function appendInPieces(parent: Node, text: string): void {
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + LONGEST_LINE);
    // Not through the middle of a character.
    if (end < text.length && isFirstHalf(text.charCodeAt(end - 1))) end--;
    const block = document.createElement("div");
    block.dir = "auto";
    block.className = "text-piece";
    block.textContent = text.slice(at, end);
    parent.appendChild(block);
    at = end;
  }
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function linkOf(text: string, target: LinkTarget): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = target.href;
  link.rel = "noopener noreferrer";
  if (target.outside) link.target = "_blank";
  // The text is the address, and its signs cannot turn what is around.
  link.dir = "ltr";
  link.textContent = text;
  return link;
}

// Plain text as nodes: lines with their own direction, links found, no HTML anywhere.

import { linkified } from "./links.ts";

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
    if (line.length > LONGEST_LINE || links >= MOST_LINKS) appendInPieces(block, line);
    else {
      for (const piece of linkified(line, MOST_LINKS - links)) {
        if (piece.kind === "text") block.append(piece.text);
        else {
          links++;
          block.append(linkOf(piece.text, piece.target.href, piece.target.outside));
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

/** Blocks of a bounded length: one block of a megabyte takes a browser seconds to break into lines. */
function appendInPieces(parent: Node, text: string): void {
  for (let at = 0; at < text.length; at += LONGEST_LINE) {
    const block = document.createElement("div");
    block.dir = "auto";
    block.className = "text-piece";
    block.textContent = text.slice(at, at + LONGEST_LINE);
    parent.appendChild(block);
  }
}

function linkOf(text: string, href: string, outside: boolean): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = href;
  link.rel = "noopener noreferrer";
  if (outside) link.target = "_blank";
  // The text is the address: it shows where it goes, and its signs cannot turn what is around.
  link.dir = "ltr";
  link.textContent = text;
  return link;
}

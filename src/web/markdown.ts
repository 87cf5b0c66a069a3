// The text of a message as nodes: Markdown sanitised, plain text without any HTML at all. Nothing of it runs or loads.

import createPurify from "dompurify";
import { Marked } from "marked";
import { plainFragment } from "./plain_text.ts";
import { linkTarget } from "./links.ts";
import { texts } from "./texts.ts";

/** Longer texts, and texts with longer lines, are shown plain: a parser could take seconds for them. */
const MOST_CHARACTERS = 256 * 1024;
const LONGEST_LINE = 32 * 1024;

/** Nested deeper, lists and quotes cost a parser more than they tell a reader. */
const DEEPEST = 24;

const TAGS = [
  "a",
  "b",
  "blockquote",
  "br",
  "code",
  "del",
  "em",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
  "hr",
  "i",
  "li",
  "ol",
  "p",
  "pre",
  "s",
  "strong",
  "table",
  "tbody",
  "td",
  "th",
  "thead",
  "tr",
  "ul",
]; // deno-fmt-ignore

/** Is the type one that is shown as Markdown? */
export function isMarkdown(type: string): boolean {
  return /^text\/markdown\s*(?:;|$)/i.test(type);
}

/** Is it text at all? HTML is: it is shown as what was written. */
export function isShownText(type: string): boolean {
  return /^(?:text\/[a-z0-9.+-]+|application\/json)\s*(?:;|$)/i.test(type);
}

/** Text of the media type `type`, to be appended to an element. */
export function textFragment(text: string, type: string): DocumentFragment {
  return isMarkdown(type) && isModest(text) ? markdownFragment(text) : plainFragment(text);
}

/** `text` has to be modest, see MOST_CHARACTERS. */
export function markdownFragment(text: string): DocumentFragment {
  const html = parser.parse(text, { async: false });
  const fragment = purify().sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "start", "align"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  finish(fragment);
  return fragment;
}

function isModest(text: string): boolean {
  if (text.length > MOST_CHARACTERS) return false;
  for (const line of text.split("\n")) {
    if (line.length > LONGEST_LINE) return false;
    // "> > > >" and "- - - -": each sign is a level.
    const marks = /^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])(?=\s|>))*/.exec(line)?.[0] ?? "";
    if (marks.replace(/\s+/g, "").length > DEEPEST) return false;
  }
  return true;
}

const parser = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // HTML in Markdown is shown as what was written, and images as a link: nothing is loaded from elsewhere.
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
  },
});

let made: ReturnType<typeof createPurify> | undefined;

/** Made at the first need: it makes its Trusted Types policy `dompurify` by itself. */
function purify(): ReturnType<typeof createPurify> {
  made ??= createPurify();
  return made;
}

/** Links that go where they say, and blocks whose direction is that of their text. */
function finish(fragment: DocumentFragment): void {
  for (const link of fragment.querySelectorAll("a")) safeLink(link);
  for (const block of fragment.querySelectorAll("p,li,h1,h2,h3,h4,h5,h6,blockquote,td,th")) {
    block.setAttribute("dir", "auto");
  }
  for (const code of fragment.querySelectorAll("pre")) {
    code.setAttribute("dir", "ltr");
    // What scrolls sideways has to be reachable by keyboard.
    code.setAttribute("tabindex", "0");
  }
}

function safeLink(link: HTMLAnchorElement): void {
  const target = linkTarget(link.getAttribute("href") ?? "");
  if (target === null) {
    link.replaceWith(...link.childNodes);
    return;
  }
  const label = link.textContent ?? "";
  link.href = target.href;
  link.dir = "auto";
  link.rel = "noopener noreferrer";
  if (target.outside) link.target = "_blank";
  if (target.host === null || target.isNamedBy(label)) return;
  const host = document.createElement("bdi");
  host.className = "link-host";
  host.textContent = ` (${target.host})`;
  host.title = texts.message.linkGoesTo(target.host);
  link.after(host);
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

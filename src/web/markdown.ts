// The text of a message as nodes: Markdown sanitised, plain text without any HTML at all. Nothing of it runs or loads.

import createPurify from "dompurify";
import { Marked } from "marked";
import { linkTarget } from "./links.ts";
import { hostNote, plainFragment } from "./plain_text.ts";
import { fewerMarks, isMarkdown, isModest } from "./shown_text.ts";

/** Of a link; longer ones go nowhere. */
const LONGEST_ADDRESS = 4_096;

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

/** Text of the media type `type`, to be appended to an element. Does not throw. */
export function textFragment(text: string, type: string): DocumentFragment {
  const shown = fewerMarks(text);
  if (!isMarkdown(type) || !isModest(shown)) return plainFragment(shown);
  try {
    return markdownFragment(shown);
  } catch {
    // Nested so deep that the parser had no room left.
    return plainFragment(shown);
  }
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

const parser = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // HTML in Markdown is shown as what was written, and images as a link: nothing is loaded from elsewhere.
    html: ({ text, block }) =>
      block === true ? `<p>${escaped(text.trim()).replace(/\n/g, "<br>")}</p>` : escaped(text),
    image: ({ href, text }) => `<a href="${escaped(short(href))}">${escaped(text || href)}</a>`,
    link({ href, tokens }) {
      return `<a href="${escaped(short(href))}">${this.parser.parseInline(tokens)}</a>`;
    },
    // A box to be pressed would be a control of the page.
    checkbox: ({ checked }) => checked ? "[x] " : "[ ] ",
  },
});

/** An address that goes nowhere is none, see safeLink. */
function short(href: string): string {
  return href.length > LONGEST_ADDRESS ? "" : href;
}

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
  for (const heading of fragment.querySelectorAll("h1,h2,h3,h4,h5,h6")) {
    // Below the heading of the message, which is of the second level: its outline stays the page's own.
    const level = Math.min(6, Number(heading.localName.slice(1)) + 2);
    heading.setAttribute("role", "heading");
    heading.setAttribute("aria-level", String(level));
  }
  for (const code of fragment.querySelectorAll("pre")) {
    code.setAttribute("dir", "ltr");
    // What scrolls sideways has to be reachable by keyboard.
    code.setAttribute("tabindex", "0");
  }
  for (const table of fragment.querySelectorAll("table")) {
    const around = document.createElement("div");
    around.className = "text-table";
    around.tabIndex = 0;
    table.replaceWith(around);
    around.append(table);
  }
  for (const code of fragment.querySelectorAll("code")) showTurns(code);
}

/** Signs that turn the direction of writing around make code read as what it is not: they are shown by their numbers. */
function showTurns(code: Element): void {
  const text = code.textContent ?? "";
  const shown = text.replace(
    /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`,
  );
  if (shown !== text) code.textContent = shown;
}

function safeLink(link: HTMLAnchorElement): void {
  const target = linkTarget(link.getAttribute("href") ?? "");
  if (target === null) {
    link.replaceWith(...link.childNodes);
    return;
  }
  // A link without a sign to be seen would be one without a name.
  if (!hasSigns(link.textContent ?? "")) link.textContent = target.href;
  link.href = target.href;
  link.dir = "auto";
  link.rel = "noopener noreferrer";
  if (target.outside) link.target = "_blank";
  const host = hostNote(link.textContent ?? "", target);
  if (host !== null) link.after(host);
}

function hasSigns(text: string): boolean {
  return /[^\s\p{C}\p{Z}]/u.test(text);
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

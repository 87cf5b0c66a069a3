// How somebody likes to write, remembered in this browser.

const MARKDOWN = "fmsg-markdown";

/** Unless it was turned off. */
export function writesMarkdown(): boolean {
  try {
    return localStorage.getItem(MARKDOWN) !== "off";
  } catch {
    return true;
  }
}

export function setWritesMarkdown(on: boolean): void {
  try {
    localStorage.setItem(MARKDOWN, on ? "on" : "off");
  } catch {
    // The next message begins as the first did.
  }
}

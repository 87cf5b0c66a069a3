// Files that are dragged over a part of the page and dropped there, or pasted.

import { useEffect, useRef, useState } from "preact/hooks";

/** Is something over it? `target` gives the element, once it is on the page. */
export function useDroppedFiles(
  target: () => HTMLElement | null,
  onFiles: (files: readonly File[]) => void,
): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const element = target();
    if (element === null) return;
    const leaving = new AbortController();
    const listen = (type: "dragover" | "dragleave" | "drop", act: (event: DragEvent) => void) =>
      element.addEventListener(type, act, { signal: leaving.signal });
    listen("dragover", (event) => {
      if (!hasFiles(event)) return;
      // Else the browser opens the file in place of the page.
      event.preventDefault();
      setOver(true);
    });
    listen("dragleave", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && element.contains(relatedTarget))) setOver(false);
    });
    listen("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      latest.current([...event.dataTransfer?.files ?? []]);
    });
    return () => leaving.abort();
  }, []);
  return over;
}

/** None where it is text: of a table or a text of an office program the clipboard holds a picture too. */
export function pastedFiles(data: Pick<DataTransfer, "types" | "files"> | null): File[] {
  if (data === null) return [];
  const isText = data.types.includes("text/plain") && data.types.includes("text/html");
  return isText ? [] : [...data.files];
}

/** Text that is dragged is the text field's. */
function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") ?? false;
}

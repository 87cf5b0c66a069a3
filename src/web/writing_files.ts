// Files taken into a draft, after their sizes were looked at.

import { filenameFor } from "./addresses.ts";
import { session } from "./session.ts";
import { texts } from "./texts.ts";
import { sizeWords } from "./words.ts";
import { utf8Length } from "../wire/name.ts";
import { withRoom } from "./writing_rules.ts";
import type { Writing } from "./writing.ts";

/** Bytes that a message holds, with its files. */
export function mostBytes(): number {
  const { value } = session;
  return value.kind === "in" ? value.session.limits.max_size : Infinity;
}

/** Those for which there is room; of the others, and of those that are called otherwise now, is told why. */
export function attach(writing: Writing, files: readonly File[]): void {
  const { draft } = writing;
  const limit = mostBytes();
  const used = utf8Length(draft.content.value.text) + draft.files.size;
  const { taken, tooLarge } = withRoom(files, limit - used);
  const renamed = taken.filter(({ name }) => filenameFor(name) !== name.normalize("NFC"));
  writing.fileNotes.value = [
    ...tooLarge.map(({ name }) => texts.writing.tooLarge(name, sizeWords(limit))),
    ...renamed.map(({ name }) => texts.writing.renamed(name, filenameFor(name))),
  ];
  if (taken.length > 0) draft.files.add(taken);
}

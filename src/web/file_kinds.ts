// What a file is called by its type, and which are shown as pictures. Pure.

import type { AttachmentJson } from "../api/message_schema.ts";

/** Larger pictures are downloaded only. */
const LARGEST_PREVIEW = 10_000_000;

/** By what is said of it; the bytes are looked at once they are here (image_bytes.ts). */
export function isPreviewed({ type, size }: Pick<AttachmentJson, "type" | "size">): boolean {
  return size <= LARGEST_PREVIEW && /^image\/(?:png|jpeg|gif|webp|avif)\s*(?:;|$)/i.test(type);
}

/** Types have names in their own right, the same in every language. */
const NAMES: Readonly<Record<string, string>> = {
  "application/pdf": "PDF",
  "application/zip": "ZIP",
  "application/json": "JSON",
  "application/gzip": "GZIP",
  "text/markdown": "Markdown",
  "text/csv": "CSV",
  "text/html": "HTML",
  "text/calendar": "iCalendar",
  "image/svg+xml": "SVG",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PPTX",
};

/** `PNG`, `PDF`; for what has no short name the end of the file's name, else the type as it is. */
export function fileKind(type: string, filename: string): string {
  const [plain = ""] = type.toLowerCase().split(";", 1);
  const known = Object.hasOwn(NAMES, plain.trim()) ? NAMES[plain.trim()] : undefined;
  if (known !== undefined) return known;
  const short = /^(?:image|audio|video)\/([a-z0-9]{2,5})$/.exec(plain.trim())?.[1];
  if (short !== undefined) return short.toUpperCase();
  const ending = /\.([\p{L}\p{N}]{1,6})$/u.exec(filename)?.[1];
  return ending?.toUpperCase() ?? plain.trim();
}

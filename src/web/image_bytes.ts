// What kind of picture bytes are, and how large it is drawn: by the bytes themselves, whatever a name or a type says. Pure.

export interface ImageFacts {
  /** One of the raster types that are previewed. */
  readonly type: "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif";
  readonly width: number;
  readonly height: number;
}

/** null: none that is previewed, or one that does not say how large it is. Only the start has to be there. */
export function imageFacts(bytes: Uint8Array): ImageFacts | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const facts = pngFacts(bytes, view) ?? gifFacts(bytes, view) ?? jpegFacts(bytes, view) ??
    webpFacts(bytes, view) ?? avifFacts(bytes, view);
  return facts === null || facts.width === 0 || facts.height === 0 ? null : facts;
}

/** Drawn, a picture takes four bytes a point, however small its file is. */
const MOST_POINTS = 60_000_000;

/** May it be drawn? A file of a few kilobytes can be a picture of gigabytes. */
export function isModestImage({ width, height }: ImageFacts): boolean {
  return width * height <= MOST_POINTS;
}

function pngFacts(bytes: Uint8Array, view: DataView): ImageFacts | null {
  if (bytes.length < 24 || !has(bytes, 0, "\x89PNG\r\n\x1a\n") || !has(bytes, 12, "IHDR")) {
    return null;
  }
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

function gifFacts(bytes: Uint8Array, view: DataView): ImageFacts | null {
  if (bytes.length < 10 || !(has(bytes, 0, "GIF87a") || has(bytes, 0, "GIF89a"))) return null;
  return { type: "image/gif", width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** The segments up to the first that begins a frame. */
function jpegFacts(bytes: Uint8Array, view: DataView): ImageFacts | null {
  if (!has(bytes, 0, "\xff\xd8\xff")) return null;
  for (let at = 2; at + 9 <= bytes.length;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      return {
        type: "image/jpeg",
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
      };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

function webpFacts(bytes: Uint8Array, view: DataView): ImageFacts | null {
  if (bytes.length < 30 || !has(bytes, 0, "RIFF") || !has(bytes, 8, "WEBP")) return null;
  const type = "image/webp";
  if (has(bytes, 12, "VP8X")) {
    const three = (at: number): number =>
      view.getUint16(at, true) + (view.getUint8(at + 2) << 16) + 1;
    return { type, width: three(24), height: three(27) };
  }
  if (has(bytes, 12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return { type, width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1 };
  }
  if (!has(bytes, 12, "VP8 ")) return null;
  return {
    type,
    width: view.getUint16(26, true) & 0x3fff,
    height: view.getUint16(28, true) & 0x3fff,
  };
}

/** The largest of the sizes that its boxes tell. */
function avifFacts(bytes: Uint8Array, view: DataView): ImageFacts | null {
  if (!has(bytes, 4, "ftyp") || !(has(bytes, 8, "avif") || has(bytes, 8, "avis"))) return null;
  let width = 0;
  let height = 0;
  const end = Math.min(bytes.length - 16, 64 * 1024);
  for (let at = 12; at < end; at++) {
    if (!has(bytes, at, "ispe")) continue;
    width = Math.max(width, view.getUint32(at + 8));
    height = Math.max(height, view.getUint32(at + 12));
  }
  return { type: "image/avif", width, height };
}

function has(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

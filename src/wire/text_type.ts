// Media types whose data is text for people, and how its bytes are read.

/** Is data of this media type text? */
export function isText(type: string): boolean {
  return /^(?:text\/|application\/json *(?:;|$))/i.test(type);
}

/** The decoder for text of this media type; for UTF-16 its first bytes decide. */
export function decoderFor(type: string, bytes: Uint8Array): TextDecoder {
  const charset = charsetOf(type) ?? "utf-8";
  // RFC 2781 4.3: the byte order mark decides; without one it is big-endian, which is not what the Web's "utf-16" is.
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-16be";
  try {
    return new TextDecoder(charset === "utf-16" ? utf16 : charset);
  } catch {
    // A charset that nobody knows is most likely one that agrees with UTF-8 on most of it.
    return new TextDecoder();
  }
}

/** The character set that the media type names, in small letters; null where it names none. */
export function charsetOf(type: string): string | null {
  return /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1]?.toLowerCase() ?? null;
}

// The grammar that recipient parts and attachment filenames share ("Address", "Attachment").

const RECIPIENT = /^[\p{L}\p{N}]+(?:[-_.][\p{L}\p{N}]+)*$/u;
const FILENAME = /^[\p{L}\p{N}]+(?:[-_. ][\p{L}\p{N}]+)*$/u;
const DOMAIN_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Letters and numbers of any script, and `-`, `_`, `.` neither first, last nor adjacent. */
export function isRecipientName(text: string): boolean {
  return RECIPIENT.test(text);
}

/** As a recipient name, plus single spaces; under 256 bytes of UTF-8. */
export function isFilename(text: string): boolean {
  return FILENAME.test(text) && utf8Length(text) < 256;
}

/**
 * An RFC 1035 name as relaxed by RFC 1123: labels of letters, digits and inner hyphens. International domains are
 * written as A-labels on the wire (own decision: the specification names RFC 1035 and nothing else).
 */
export function isDomainName(text: string): boolean {
  return text.length <= 253 && text.split(".").every((label) => DOMAIN_LABEL.test(label));
}

/** How many bytes `text` takes as UTF-8. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is two units and four bytes, so two a unit.
    length += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3;
  }
  return length;
}

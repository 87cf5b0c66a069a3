// Small helpers on bytes that every layer needs.

/** Bytes whose buffer is an ordinary one: what can be written, hashed and handed to another thread. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Lower-case hexadecimal of `bytes`: the form in which hashes are printed and used as keys. */
export function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Are `a` and `b` the same bytes? Not in constant time: for hashes that are no secrets. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One array with the bytes of all `parts` in order. */
export function concat(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// A file of the page (src/web), as it was bundled, and as it is kept in the executable.

export interface PageFile {
  /** Where it is served, as in `/` or `/main-1f2e3d4c.js`. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The file that the executable has beside its modules: one, so that its form needs to know of no more. */
export const EMBEDDED = "page.json";

/** What `unpack` reads. */
export function pack(files: readonly PageFile[]): string {
  return JSON.stringify(files.map(({ path, bytes }) => [path, bytes.toBase64()]));
}

export function unpack(text: string): PageFile[] {
  const packed: unknown = JSON.parse(text);
  if (!Array.isArray(packed)) throw new TypeError(`${EMBEDDED} holds no files`);
  return packed.map((file: unknown) => {
    const [path, base64]: unknown[] = Array.isArray(file) ? file : [];
    if (typeof path !== "string" || typeof base64 !== "string") {
      throw new TypeError(`${EMBEDDED} holds what is no file`);
    }
    return { path, bytes: Uint8Array.fromBase64(base64) };
  });
}

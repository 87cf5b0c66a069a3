// Uploads a file to a draft, with progress and cancelling. XMLHttpRequest: fetch does not tell how much has left.

import type { Uploaded } from "../api/client_types.ts";
import { Offline } from "./errors.ts";
import { refusalOf } from "./request.ts";

export interface UploadOptions {
  /** Bytes that left, and how many there are with the form around the file. */
  readonly onProgress?: (sent: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Milliseconds without a byte moving after which an upload is given up. */
const STUCK = 60_000;

/** Throws Refused (413: too large, for the file or the message), Offline, SignedOut, or the signal's reason. */
export function upload(
  draft: number,
  file: Blob,
  filename: string,
  { onProgress, signal }: UploadOptions = {},
): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const xhr = new XMLHttpRequest();
    let watch = setTimeout(() => xhr.abort(), STUCK);
    const moved = (): void => {
      clearTimeout(watch);
      watch = setTimeout(() => xhr.abort(), STUCK);
    };
    const cancel = (): void => xhr.abort();
    signal?.addEventListener("abort", cancel);
    xhr.upload.onprogress = ({ loaded, total }) => {
      moved();
      onProgress?.(loaded, total);
    };
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) {
        try {
          return resolve(JSON.parse(xhr.responseText));
        } catch (error) {
          return reject(new Offline({ cause: error }));
        }
      }
      reject(refusalOf(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after")));
    };
    xhr.onerror = () => reject(new Offline());
    xhr.onabort = () => reject(signal?.aborted === true ? signal.reason : new Offline());
    xhr.onloadend = () => {
      clearTimeout(watch);
      signal?.removeEventListener("abort", cancel);
    };
    const form = new FormData();
    form.append("file", file, filename);
    xhr.open("POST", `/fmsg/${draft}/attach`);
    xhr.send(form);
  });
}

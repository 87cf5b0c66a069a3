// A picture in a message, fetched by the page and looked at before the browser draws it.

import { useEffect, useState } from "preact/hooks";
import { attachment } from "../client.ts";
import { imageFacts, isModestImage } from "../image_bytes.ts";

export type Preview =
  | { readonly kind: "waiting" | "none" }
  | {
    readonly kind: "here";
    readonly url: string;
    readonly width: number;
    readonly height: number;
  };

/** Loads once `wanted`; the picture is let go with the component. */
export function usePreview(id: number, filename: string, wanted: boolean): Preview {
  const [preview, setPreview] = useState<Preview>({ kind: "waiting" });
  useEffect(() => {
    if (!wanted) return;
    const cancel = new AbortController();
    let url: string | null = null;
    load(id, filename, cancel.signal).then(
      (found) => {
        if (found.kind === "here") url = found.url;
        if (!cancel.signal.aborted) setPreview(found);
        else if (url !== null) URL.revokeObjectURL(url);
      },
      // Offline, or gone: the file itself stands below, and says so when it is wanted.
      () => cancel.signal.aborted || setPreview({ kind: "none" }),
    );
    return () => {
      cancel.abort();
      if (url !== null) URL.revokeObjectURL(url);
    };
  }, [id, filename, wanted]);
  return preview;
}

/** The type is that of the bytes: an SVG or a page under the name of a picture is none. */
async function load(id: number, filename: string, signal: AbortSignal): Promise<Preview> {
  const blob = await attachment(id, filename, signal);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const facts = imageFacts(bytes);
  if (facts === null || !isModestImage(facts)) return { kind: "none" };
  const { type, width, height } = facts;
  return { kind: "here", url: URL.createObjectURL(new Blob([bytes], { type })), width, height };
}

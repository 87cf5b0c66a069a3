// What a message is underneath: its hash and its exact header, and those of each batch of people added.

import type { JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import type { MessageHeader } from "../../api/client_types.ts";
import type { MessageItem } from "../../api/message_schema.ts";
import { header } from "../client.ts";
import { notify, tell } from "../state.ts";
import { texts } from "../texts.ts";
import { sizeWords } from "../words.ts";
import { AddressName } from "./address_name.tsx";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { Time } from "./time.tsx";

type OneHeader = Pick<MessageHeader, "hash" | "header_hash" | "header">;

export function Details(
  { item, onClose }: { readonly item: MessageItem; readonly onClose: () => void },
): JSX.Element {
  const [found, setFound] = useState<MessageHeader | null>(null);
  useEffect(() => {
    let left = false;
    header(item.id).then((value) => left || setFound(value), (error: unknown) => {
      if (left) return;
      tell(error);
      onClose();
    });
    return () => {
      left = true;
    };
  }, [item.id]);
  const words = texts.details;
  return (
    <Dialog title={words.title} onClose={onClose}>
      <div class="details">
        <dl class="details-facts">
          <dt>{words.from}</dt>
          <dd>
            <AddressName address={item.from} full />
          </dd>
          <dt>{words.sent}</dt>
          <dd>{item.time !== null && <Time at={item.time * 1000} form="full" />}</dd>
          <dt>{words.type}</dt>
          <dd>
            <bdi>{item.type}</bdi>
          </dd>
          <dt>{words.size}</dt>
          <dd>{sizeWords(item.size)}</dd>
        </dl>
        <p class="small quiet">{words.explain}</p>
        {found === null ? <p class="quiet" role="status">{texts.lists.loading}</p> : (
          <>
            <HeaderView name={words.message} header={found} file={`message-${item.id}`} />
            {found.batches.length > 0 && <p class="small quiet">{words.explainBatch}</p>}
            {found.batches.map((batch, i) => (
              <HeaderView
                key={batch.batch_id}
                name={words.batch(i + 1)}
                header={batch}
                file={`message-${item.id}-added-${i + 1}`}
              />
            ))}
          </>
        )}
      </div>
    </Dialog>
  );
}

function HeaderView(
  { name, header, file }: {
    readonly name: string;
    readonly header: OneHeader;
    readonly file: string;
  },
): JSX.Element {
  const words = texts.details;
  const [form, setForm] = useState<"hex" | "base64">("hex");
  const group = useId();
  const bytes = Uint8Array.fromBase64(header.header);
  const text = form === "hex" ? inPairs(bytes.toHex()) : header.header;
  return (
    <section class="details-header" aria-labelledby={group}>
      <h3 id={group}>{name}</h3>
      <Value name={words.hash} value={header.hash} />
      <Value name={words.headerHash} value={header.header_hash} />
      <div class="details-value">
        <div class="details-line">
          <span class="small">{words.header(sizeWords(bytes.length))}</span>
          <fieldset class="details-form">
            <legend class="hidden-text">{words.form}</legend>
            {(["hex", "base64"] as const).map((each) => (
              <label key={each} class="small">
                <input
                  type="radio"
                  name={`${group}-form`}
                  checked={form === each}
                  onChange={() => setForm(each)}
                />
                {words[each]}
              </label>
            ))}
          </fieldset>
          <CopyButton
            what={form === "hex" ? bytes.toHex() : text}
            of={words.header(sizeWords(bytes.length))}
          />
          <button
            type="button"
            class="button plain icon-only"
            aria-label={words.download}
            title={words.download}
            onClick={() => download(bytes, `${file}.fmsg-header`)}
          >
            <Icon name="download" />
          </button>
        </div>
        <pre class="mono details-bytes" tabIndex={0}>{text}</pre>
      </div>
    </section>
  );
}

function Value({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div class="details-value">
      <div class="details-line">
        <span class="small">{name}</span>
        <CopyButton what={value} of={name} />
      </div>
      <code class="mono">{value}</code>
    </div>
  );
}

function CopyButton({ what, of }: { readonly what: string; readonly of: string }): JSX.Element {
  const label = `${texts.details.copy}: ${of}`;
  return (
    <button
      type="button"
      class="button plain icon-only"
      aria-label={label}
      title={label}
      onClick={() => void copy(what)}
    >
      <Icon name="copy" />
    </button>
  );
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(texts.details.copied, "news");
  } catch {
    // Not over plain http, and not where the person said no: what is shown can be marked and copied by hand.
    notify(texts.details.copyFailed);
  }
}

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after the press.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** By twos, as others show bytes too; a narrow page breaks the line between them. */
function inPairs(hex: string): string {
  return hex.replace(/.{4}(?=.)/g, "$& ");
}

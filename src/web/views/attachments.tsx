// The files of a message: downloaded by the browser itself, and pictures shown small where that is safe.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { AttachmentJson, MessageItem } from "../../api/message_schema.ts";
import { attachmentUrl } from "../client.ts";
import { fileKind, isPreviewed } from "../file_kinds.ts";
import { texts } from "../texts.ts";
import { sizeWords } from "../words.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { type Preview, usePreview } from "./preview.ts";
import { useNear } from "./seen.ts";

export function Attachments({ item }: { readonly item: MessageItem }): JSX.Element | null {
  if (item.attachments.length === 0) return null;
  const pictures = item.attachments.filter(isPreviewed);
  return (
    <div class="attachments">
      {pictures.length > 0 && (
        <ul class="attachment-pictures">
          {pictures.map((file) => <Picture key={file.filename} id={item.id} file={file} />)}
        </ul>
      )}
      <ul class="attachment-list" aria-label={texts.message.attachments(item.attachments.length)}>
        {item.attachments.map((file) => <File key={file.filename} id={item.id} file={file} />)}
      </ul>
    </div>
  );
}

function File(
  { id, file }: { readonly id: number; readonly file: AttachmentJson },
): JSX.Element {
  const { filename, size, type } = file;
  const kind = fileKind(type, filename);
  return (
    <li>
      <a
        class="attachment"
        href={attachmentUrl(id, filename)}
        download={filename}
      >
        <Icon name={type.startsWith("image/") ? "image" : "file"} />
        <span class="attachment-words">
          <span class="hidden-text">{`${texts.message.download} `}</span>
          <bdi class="attachment-name">{filename}</bdi>
          <span class="small quiet">{kind}, {sizeWords(size)}</span>
        </span>
        <Icon name="download" />
      </a>
    </li>
  );
}

/** A box that has its size before the picture is there. */
function Picture(
  { id, file }: { readonly id: number; readonly file: AttachmentJson },
): JSX.Element | null {
  const box = useRef<HTMLLIElement>(null);
  const [near, setNear] = useState(false);
  const [large, setLarge] = useState(false);
  useNear(box, () => setNear(true));
  const preview = usePreview(id, file.filename, near);
  return (
    <li class="attachment-picture" ref={box}>
      {preview.kind === "here"
        ? (
          <button
            type="button"
            class="attachment-open"
            aria-label={texts.message.viewImage(file.filename)}
            title={file.filename}
            onClick={() => setLarge(true)}
          >
            <img src={preview.url} alt="" decoding="async" />
          </button>
        )
        : <NoPicture preview={preview} />}
      {large && preview.kind === "here" && (
        <Dialog
          title={file.filename}
          onClose={() => setLarge(false)}
        >
          <div class="image-view">
            <img src={preview.url} alt={file.filename} />
            <p class="small quiet">
              {preview.width} × {preview.height}, {sizeWords(file.size)}
            </p>
            <a class="button" href={attachmentUrl(id, file.filename)} download={file.filename}>
              <Icon name="download" />
              {texts.message.download}
            </a>
          </div>
        </Dialog>
      )}
    </li>
  );
}

function NoPicture({ preview }: { readonly preview: Preview }): JSX.Element {
  return (
    <span class="attachment-none quiet small">
      <Icon name="image" />
      {preview.kind === "none" && texts.message.imageNot}
    </span>
  );
}

// Media types guessed from file names and content, and the other way round.

const PLAIN_TEXT = "text/plain;charset=UTF-8";

/** File name endings of the common media types. */
const TYPES = {
  aac: "audio/aac",
  apng: "image/apng",
  avif: "image/avif",
  azw: "application/vnd.amazon.ebook",
  bmp: "image/bmp",
  css: "text/css",
  csv: "text/csv",
  doc: "application/msword",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  epub: "application/epub+zip",
  gif: "image/gif",
  glb: "model/gltf-binary",
  gz: "application/gzip",
  heic: "image/heic",
  htm: "text/html",
  html: "text/html",
  ics: "text/calendar",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  md: "text/markdown",
  mid: "audio/midi",
  mp3: "audio/mpeg",
  odp: "application/vnd.oasis.opendocument.presentation",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  odt: "application/vnd.oasis.opendocument.text",
  oga: "audio/ogg",
  ogv: "video/ogg",
  opus: "audio/opus",
  otf: "font/otf",
  pdf: "application/pdf",
  png: "image/png",
  ppt: "application/vnd.ms-powerpoint",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  rtf: "application/rtf",
  stl: "model/stl",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  tif: "image/tiff",
  tiff: "image/tiff",
  ttf: "font/ttf",
  txt: PLAIN_TEXT,
  usdz: "model/vnd.usdz+zip",
  vcf: "text/vcard",
  wav: "audio/vnd.wave",
  weba: "audio/webm",
  webm: "video/webm",
  webp: "image/webp",
  woff: "font/woff",
  woff2: "font/woff2",
  xhtml: "application/xhtml+xml",
  xls: "application/vnd.ms-excel",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  xml: "application/xml",
  zip: "application/zip",
};

const BY_ENDING: ReadonlyMap<string, string> = new Map(Object.entries(TYPES));

/** The media type that a file's name suggests. */
export function typeOfFile(name: string): string {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return BY_ENDING.get(ending) ?? "application/octet-stream";
}

/** The ending that suits a file of a media type: `md` of `text/markdown`; `bin` of one that is not common. */
export function endingOfType(type: string): string {
  return ENDINGS.get(withoutParameters(type)) ?? "bin";
}

/** The first of several endings in the order of the alphabet, but for those that nobody expects. */
const ENDINGS: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...TYPES, htm: "", jpeg: "", tif: "" })
    .filter(([, type]) => type !== "")
    .map(([ending, type]) => [withoutParameters(type), ending]),
);

function withoutParameters(type: string): string {
  const end = type.indexOf(";");
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}

/** Plain text where the bytes are UTF-8, else bytes of no known type. */
export function typeOfBody(body: Uint8Array): string {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(body);
    return PLAIN_TEXT;
  } catch {
    return "application/octet-stream";
  }
}

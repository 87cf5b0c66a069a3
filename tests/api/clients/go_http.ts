// One HTTP exchange as the net/http package of Go makes it, whose headers a client in Go sends without saying so.

import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";

export interface GoRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As it stands in the request line. */
  readonly path: string;
  readonly token: string;
  readonly body?: Uint8Array | string;
  readonly type?: string;
}

export interface GoAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
}

/** `base`: as in `http://127.0.0.9:8000`. */
export async function goFetch(base: string, sent: GoRequest): Promise<GoAnswer> {
  const { method, path, token, body, type } = sent;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const { hostname, port, host } = new URL(base);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      method,
      hostname,
      port,
      path,
      agent: false,
      headers: {
        "Host": host,
        "User-Agent": "Go-http-client/1.1",
        ...bytes === undefined && method === "GET"
          ? {}
          : { "Content-Length": `${bytes?.length ?? 0}` },
        "Authorization": `Bearer ${token}`,
        ...type === undefined ? {} : { "Content-Type": type },
        "Accept-Encoding": "gzip",
      },
    }, resolve);
    outgoing.once("error", reject);
    outgoing.end(bytes);
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: new Uint8Array(await buffer(response)),
  };
}

/** A form with one file, in the very bytes of Go's mime/multipart. */
export function goForm(filename: string, content: Uint8Array): { type: string; body: Uint8Array } {
  const boundary = "3f0c9a".repeat(10);
  const name = filename.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const encoder = new TextEncoder();
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: Uint8Array.from([
      ...encoder.encode(head),
      ...content,
      ...encoder.encode(`\r\n--${boundary}--\r\n`),
    ]),
  };
}

/** `json.Marshal` of a string map: keys in order, and what would be special in HTML escaped. */
export function goJson(value: Readonly<Record<string, unknown>>): string {
  const sorted = Object.fromEntries(
    Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
  return JSON.stringify(sorted).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e")
    .replaceAll("&", "\\u0026");
}

/** A path segment as `url.Parse` and then the request line make it of one that nobody escaped. */
export function goSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent);
}

// What every answer says to browsers, and which web sites may use the interface.

import { cors } from "hono/cors";
import type { MiddlewareHandler } from "hono";
import type { Config } from "../../config.ts";
import type { ApiConfig } from "../context.ts";

/** Nothing that comes from here is ever shown as a page, run, or kept (row N9). */
const HARMLESS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** For half a year; shorter than a site's own promise may be. */
const STRICT = { ...HARMLESS, "strict-transport-security": "max-age=15552000" } as const;

/** Headers of every answer that does not set them itself. */
export function commonHeaders({ api }: Config): Readonly<Record<string, string>> {
  const secure = api?.tls === true || api?.public_url?.startsWith("https:") === true;
  return secure ? STRICT : HARMLESS;
}

/** Off unless api.origins names sites. */
export function crossOrigin(config: () => ApiConfig): MiddlewareHandler {
  const policy = cors({
    origin: (origin) => config().origins.includes(origin) ? origin : null,
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: ["authorization", "content-type", "x-fmsg-act-as", "range", "if-range"],
    exposeHeaders: [
      "accept-ranges",
      "content-disposition",
      "content-length",
      "content-range",
      "etag",
      "retry-after",
    ],
    maxAge: 600,
  });
  return (c, next) => config().origins.length === 0 ? next() : policy(c, next);
}

/** May a web site open a WebSocket? Programs that are no browsers say nothing of an origin. */
export function mayConnect(origin: string | null, { api }: Config, host: string | null): boolean {
  if (origin === null || api === null) return api !== null;
  if (api.origins.includes(origin)) return true;
  const { public_url: url } = api;
  if (url !== null) return URL.parse(url)?.origin === origin;
  // Without a public_url nobody knows the site's own name but the browser, which tells it twice.
  return api.tls && host !== null && origin === `https://${host}`;
}

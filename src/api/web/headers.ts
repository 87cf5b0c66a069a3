// What the page may do in a browser, and how long its files may be kept.

/**
 * Nothing from anywhere but here, nothing inline, no code from text: what is in a message can run nothing and load nothing.
 * `blob:` is for previews of images that the page has fetched by itself. DOMPurify makes the HTML of Markdown, and `fmsg`
 * is the page's own policy for the address of its service worker, which browsers count among what has to be trusted.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  // In browsers of today this has the WebSocket of the same host too.
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify fmsg",
].join("; ");

/** Of what the page never needs. */
const FEATURES = [
  "accelerometer",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "hid",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "serial",
  "usb",
  "xr-spatial-tracking",
].map((name) => `${name}=()`).join(", ");

/** For programs that run in the browser: the page itself, and its service worker. Others have those of every answer. */
const OF_PROGRAMS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": FEATURES,
} as const;

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/png",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};

/** Of the file that is served at this path. */
export function pageHeaders(path: string): Readonly<Record<string, string>> {
  const ending = path === "/" ? "html" : path.slice(path.lastIndexOf(".") + 1);
  return {
    "content-type": TYPES[ending] ?? "application/octet-stream",
    "cache-control": HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
    ...path === "/" || path === "/sw.js" ? OF_PROGRAMS : {},
  };
}

/** As bundle.ts names them, and the bundler what is loaded later: another content has another name. */
const HASHED = /^\/[\w-]+-(?:[0-9a-f]{12}|[0-9A-Z]{8})\.(?:js|css)$/;

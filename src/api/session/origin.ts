// The one web site that a session is for: the page that the interface serves itself.

import type { Config } from "../../config.ts";
import { ApiError } from "../error.ts";
import { isLoopback } from "../server/clients.ts";
import { isThisMachine } from "./link.ts";

/** A request, and the address of its client. */
export interface FromClient {
  readonly request: Request;
  readonly ip: string;
}

/**
 * The page's origin, as browsers write it in `Origin`; null where there is no page that may keep a session. In clear text
 * there is one only for browsers on this machine, whatever public_url says.
 *
 * Without a public_url it is made from `Host`, by which a browser says what its user typed. That a name of somebody else's
 * is made to lead here (DNS rebinding) gains nothing: the cookie is the browser's for the name that it was set for, and
 * never goes to another; with TLS the certificate has no such name either. On plain HTTP only loopback addresses and
 * `localhost` are taken, which cannot be made to lead elsewhere. Cookies know no ports there, so another program on the
 * same address gets the cookie too, as any program of that user could take it; its pages are another origin. Behind a
 * proxy, `Host` is often the proxy's business: public_url has to be set.
 */
export function ownOrigin({ api }: Config, { request, ip }: FromClient): string | null {
  if (api === null) return null;
  if (api.public_url !== null) return confidentialOrigin(api.public_url);
  const host = request.headers.get("host") ?? "";
  if (!/^[^/?#@\\\s]+$/.test(host)) return null;
  if (api.tls) return confidentialOrigin(`https://${host}`);
  return isLoopback(ip) ? confidentialOrigin(`http://${host}`) : null;
}

/** The origin of a URL; null where what goes there can be read on its way. */
function confidentialOrigin(text: string): string | null {
  const url = URL.parse(text);
  return url !== null && (url.protocol === "https:" || isThisMachine(text)) ? url.origin : null;
}

/** Throws an ApiError (403) for a request that another site's page made, or none at all: any other might use a cookie. */
export function requireOwnOrigin(config: Config, from: FromClient): string {
  const own = ownOrigin(config, from);
  if (own === null) {
    throw new ApiError(
      403,
      "Nobody can sign in at this address: set api.public_url to the https one that browsers open",
    );
  }
  if (from.request.headers.get("origin") === own) return own;
  const hint = config.api?.public_url === null
    ? "; if browsers open another address, set api.public_url to it"
    : "";
  throw new ApiError(403, `Only the page at ${own} may do this in a session${hint}`);
}

// Links that sign a browser in, `https://…/#sign-in=TOKEN`, and the address that they go to. Without the packages of the
// interface, since commands make links.

import type { Config } from "../../config.ts";
import { addressText } from "../../net/mod.ts";

/**
 * The token is behind the `#`, which browsers send to nobody: it gets into no log and no `Referer`. The page is at `/`,
 * whatever path apps find the interface at.
 */
export function signInLink(site: string, token: string): string {
  return `${new URL(site).origin}/#sign-in=${token}`;
}

/** Where a browser finds the interface, as far as the configuration tells; no slash at the end; null where there is none. */
export function siteOf({ api, domain }: Config): string | null {
  if (api === null) return null;
  if (api.public_url !== null) return api.public_url;
  const { ip, port } = api.listen;
  if (api.tls) return `https://fmsg.${domain}${port === 443 ? "" : `:${port}`}`;
  return `http://${addressText({ ip: HERE[ip] ?? ip, port })}`;
}

/** Does a URL lead to the machine that asks? Told by its name alone, which leads nowhere else whatever DNS says. */
export function isThisMachine(url: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(URL.parse(url)?.hostname ?? "");
}

/** Nobody can call all addresses at once; on this machine it is loopback. */
const HERE: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

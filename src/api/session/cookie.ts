// The cookie that a browser keeps its session in (RFC 6265).

import type { Config } from "../../config.ts";
import { SESSION_KEPT } from "../../store/mod.ts";
import { type FromClient, ownOrigin } from "./origin.ts";
import { readSessionKey, type SessionKey } from "./key.ts";

/** The session that a request shows; null where it shows none, or more than one. */
export function sessionCookie(config: Config, from: FromClient): SessionKey | null {
  const origin = ownOrigin(config, from);
  if (origin === null) return null;
  const name = cookieName(origin);
  // Split as browsers join them (RFC 6265 4.2.1) and in no other way: a neighbouring site may set a cookie with a comma in
  // it, or with a space that is none to browsers, and what is behind that would be taken for ours. Of several by our name,
  // as other programs of this machine may set them in clear text, nobody can tell which is the right one.
  const values = new Set(
    (from.request.headers.get("cookie") ?? "").split(/; */)
      .filter((pair) => pair.startsWith(`${name}=`))
      .map((pair) => pair.slice(name.length + 1)),
  );
  const [value, ...others] = values;
  return value === undefined || others.length > 0 ? null : readSessionKey(value);
}

/** `Set-Cookie` for the page at `origin`, counted from its last use. */
export function keepingCookie(origin: string, { text }: SessionKey): string {
  return cookie(origin, text, SESSION_KEPT);
}

/** `Set-Cookie` by which the browser forgets it. */
export function forgettingCookie(origin: string): string {
  return cookie(origin, "", 0);
}

/**
 * Not for scripts, never sent from another site, and by its name's beginning bound to this very host: browsers let no
 * neighbour set a cookie of that name. They do that with TLS only; without it the cookie stays on the one machine.
 */
function cookie(origin: string, value: string, seconds: number): string {
  const secure = isSecure(origin) ? "; Secure" : "";
  return `${
    cookieName(origin)
  }=${value}; Path=/${secure}; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
}

function cookieName(origin: string): string {
  return isSecure(origin) ? "__Host-fmsg" : "fmsg";
}

function isSecure(origin: string): boolean {
  return origin.startsWith("https:");
}

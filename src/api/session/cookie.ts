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
  // Of the same name several may come: those that a neighbouring site slipped in. Which is the right one, nobody can tell.
  const values = new Set(
    (from.request.headers.get("cookie") ?? "").split(/[;,]/)
      .map((pair) => pair.trim())
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
 * Not for scripts, never sent from another site, and by its name's beginning bound to this very host: no neighbour can set
 * it. Browsers do that with TLS only; without it is the one machine's.
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

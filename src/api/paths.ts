// Paths of routes: which one is meant where several fit, and which methods an address takes.

import type { Route } from "./route.ts";

/** `/fmsg/sent` before `/fmsg/:id`: of several that fit, the one that says more. */
export function bestFirst(routes: readonly Route[]): Route[] {
  return routes.toSorted((a, b) => compare(a.description.path, b.description.path));
}

/** The path of the routes that are meant by an address: `/fmsg/sent` is no `/fmsg/:id`. `routes` are the best first. */
export function meantBy(path: string, routes: readonly Route[]): string | null {
  return routes.find(({ description }) => fits(path, description.path))?.description.path ?? null;
}

/** What may be asked of the address, in capitals; nothing where there is no route. `routes` are the best first. */
export function methodsOf(path: string, routes: readonly Route[]): string[] {
  const meant = meantBy(path, routes);
  const methods = routes
    .filter(({ description }) => description.path === meant)
    .map(({ description }) => description.method.toUpperCase());
  return methods.includes("GET") ? [...methods, "HEAD"] : methods;
}

function compare(a: string, b: string): number {
  const [first, second] = [a.split("/"), b.split("/")];
  for (const [i, segment] of first.entries()) {
    const difference = Number(segment.startsWith(":")) -
      Number(second[i]?.startsWith(":") ?? false);
    if (difference !== 0) return difference;
  }
  return 0;
}

function fits(path: string, pattern: string): boolean {
  const segments = path.split("/");
  const wanted = pattern.split("/");
  return segments.length === wanted.length &&
    wanted.every((part, i) => part.startsWith(":") ? segments[i] !== "" : part === segments[i]);
}

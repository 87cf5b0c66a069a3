// What a browser calls itself, as the two words that people know it by. Pure.

/** The first that fits: most call themselves after others too. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/(?:Firefox|FxiOS)\//, "Firefox"],
  [/(?:Chrome|Chromium|CriOS)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, "Android"],
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];

/** null for what is not known. `agent` is the User-Agent of a request. */
export function agentParts(
  agent: string,
): { readonly browser: string | null; readonly system: string | null } {
  return { browser: firstOf(BROWSERS, agent), system: firstOf(SYSTEMS, agent) };
}

function firstOf(known: readonly (readonly [RegExp, string])[], agent: string): string | null {
  return known.find(([sign]) => sign.test(agent))?.[1] ?? null;
}

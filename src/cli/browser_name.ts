// What a browser says of itself, in a few words.

import { safe } from "./terminal.ts";

/** As in `Firefox on Linux`; as it is where no known name is in it. */
export function browserName(agent: string): string {
  const browser = nameIn(agent, BROWSERS);
  const system = nameIn(agent, SYSTEMS);
  if (browser === null) return agent.trim() === "" ? "a browser" : safe(agent);
  return system === null ? browser : `${browser} on ${system}`;
}

type Names = readonly (readonly [sign: RegExp, name: string])[];

/** Most say that they are others, too: the first that fits is meant. */
const BROWSERS: Names = [
  [/\bEdgA?(?:iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const SYSTEMS: Names = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

function nameIn(agent: string, names: Names): string | null {
  return names.find(([sign]) => sign.test(agent))?.[1] ?? null;
}

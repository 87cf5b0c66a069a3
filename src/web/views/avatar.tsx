// Who somebody is at a glance: the first letter in a colour that is always the same for the same address.

import type { JSX } from "preact";
import { addressKey, addressParts } from "../addresses.ts";

/** Says nothing to a screen reader: the address stands beside it. */
export function Avatar(
  { address, size = "medium" }: {
    readonly address: string;
    readonly size?: "small" | "medium" | "large";
  },
): JSX.Element {
  return (
    <span class={`avatar avatar-${size}`} style={{ "--hue": hueOf(address) }} aria-hidden="true">
      <bdi>{letterOf(address)}</bdi>
    </span>
  );
}

/** One of 24, in degrees: neighbours are told apart. The same however the address is spelled. */
export function hueOf(address: string): number {
  let hash = 0;
  for (const char of addressKey(address)) {
    hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  }
  return (hash % 24) * 15;
}

/** The first letter or digit; "?" where there is none. */
export function letterOf(address: string): string {
  const name = addressParts(address)?.name ?? address;
  return /[\p{L}\p{N}]/u.exec(name)?.[0].toUpperCase() ?? "?";
}

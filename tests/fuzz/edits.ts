// Changes of bytes, as recipes have them.

import { type Bytes, concat } from "../../src/wire/mod.ts";
import type { Edit } from "./recipe.ts";

export function edited(bytes: Uint8Array, edits: readonly Edit[]): Bytes {
  return new Uint8Array(edits.reduce(editedOnce, bytes));
}

function editedOnce(bytes: Uint8Array, edit: Edit): Uint8Array {
  const at = bytes.length === 0 ? 0 : edit.at % bytes.length;
  const before = bytes.subarray(0, at);
  switch (edit.edit) {
    case "flip":
      return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << edit.bit));
    case "set":
      return replaced(bytes, at, edit.value);
    case "drop":
      return concat([before, bytes.subarray(at + edit.length)]);
    case "repeat":
      return concat([before, bytes.subarray(at, at + edit.length), bytes.subarray(at)]);
    case "insert":
      return concat([before, Uint8Array.fromHex(edit.hex), bytes.subarray(at)]);
  }
}

function replaced(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  if (at < copy.length) copy[at] = value;
  return copy;
}

// Recipes from seeds.

import { incoming } from "./generate_incoming.ts";
import { outgoing } from "./generate_outgoing.ts";
import { challenge, frames, raw } from "./generate_raw.ts";
import { type Below, pick } from "./random.ts";
import type { Recipe } from "./recipe.ts";

export function generate(below: Below): Recipe {
  switch (pick(below, KINDS)) {
    case "incoming":
      return incoming(below);
    case "outgoing":
      return outgoing(below);
    case "challenge":
      return challenge(below);
    case "raw":
      return raw(below);
    case "frames":
      return frames(below);
  }
}

const KINDS = [
  ...new Array<"incoming">(12).fill("incoming"),
  ...new Array<"outgoing">(5).fill("outgoing"),
  "challenge",
  "raw",
  "frames",
] as const;

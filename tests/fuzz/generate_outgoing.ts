// Recipes for what the host under test is answered when it sends.

import { lineFault } from "./generate_parts.ts";
import { type Below, pick, randomBytes, some } from "./random.ts";
import type { Act, Outgoing } from "./recipe.ts";

export function outgoing(below: Below): Outgoing {
  const what = pick(below, ["message", "message", "message", "notification", "added"] as const);
  const challenged: Act[] = below(2) === 0 ? [question(below)] : [];
  const good: Act[] = what === "message"
    ? [{ do: "header" }, ...challenged, say(64), { do: "data" }, say(200)]
    : [{ do: "header" }, ...challenged, ...what === "added" ? [say(65), say(103, 200)] : [say(11)]];
  const place = below(8);
  return {
    kind: "outgoing",
    what,
    length: pick(below, [0, 10, 10, 5000, 70_000]),
    acts: below(6) === 0 ? good : mutated(good, below),
    tls: place === 0
      ? pick(below, [
        "no alpn",
        "tls 1.2",
        "wrong name",
        "bare name",
        "self-signed",
        "expired",
        "mute",
        "refuse",
      ])
      : "good",
    line: place === 1 ? lineFault(below) : null,
  };
}

function mutated(acts: readonly Act[], below: Below): Act[] {
  const result = [...acts];
  for (let left = 1 + below(3); left > 0; left--) {
    const at = below(result.length + 1);
    switch (below(5)) {
      case 0:
        result.splice(at, 1);
        break;
      case 1:
        result.splice(at, 1, oddAct(below));
        break;
      case 2:
        result.splice(at, result.length, oddAct(below));
        break;
      case 3:
        result.splice(at, 0, ...result.slice(at - 1, at));
        break;
      default:
        result.splice(at, 0, oddAct(below));
    }
  }
  return result;
}

function oddAct(below: Below): Act {
  switch (below(9)) {
    case 0:
    case 1:
    case 2:
      return {
        do: "say",
        codes: [pick(below, CODES), ...some(below, 3, () => pick(below, CODES))],
        gap: pick(below, [0, 0, 10]),
      };
    case 3:
      return { do: "say", codes: [...randomBytes(below(pick(below, [4, 300])), below)], gap: 0 };
    case 4:
      return question(below);
    case 5:
      return { do: "take", bytes: below(pick(below, [3, 200, 5000])) };
    case 6:
      return { do: pick(below, ["end", "fin", "reset"]) };
    case 7:
      return { do: "pause", ms: below(200) };
    default:
      return { do: "hang" };
  }
}

function question(below: Below): Act {
  return {
    do: "challenge",
    hash: pick(below, ["right", "right", "right", "near", "random"]),
    from: pick(below, ["own", "own", "own", "other"]),
    version: pick(below, [255, 255, 255, 255, 254, 129, 128, 0]),
    cut: pick(below, [33, 33, 33, 33, 32, 1, 0]),
  };
}

function say(...codes: readonly number[]): Act {
  return { do: "say", codes: [...codes], gap: 0 };
}

const CODES = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 63, 64, 65, 66],
  ...[99, 100, 101, 102, 103, 104, 105, 106, 199, 200, 201, 255],
];

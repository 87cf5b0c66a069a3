// The message of an incoming recipe: a good one, and then what its changes make of it.

import { type Bytes, concat } from "../../src/wire/mod.ts";
import {
  addTo,
  compressed,
  draft,
  type Fields,
  type Message,
  noise,
  type PartFields,
  stamp,
} from "../support/message.ts";
import type { Change, Incoming } from "./recipe.ts";
import {
  ALICE,
  ANN,
  BOB,
  CAROL_REFUSES,
  ELSEWHERE,
  FRED_IS_FULL,
  HOST,
  type Scene,
} from "./scene.ts";

/** So much is staged in the store before it is accepted. */
const LARGE = 150_000;

/** What a message may refer to. */
export type Known = Pick<Scene, "letter" | "batch" | "own">;

export function compose({ base, changes }: Incoming, known: Known): Message {
  return draft(
    changes.reduce((fields, change) => changed(fields, change, known), good(base, known)),
  );
}

/** The codes that a message without changes gets from a host that asked for its hash and got it. */
export function goodCodes(base: Incoming["base"]): readonly string[] {
  switch (base) {
    case "message":
    case "reply":
    case "own reply":
    case "early batch":
    case "large":
      return ["64,200"];
    case "parts":
      return ["64,200,200"];
    case "batch":
      // Bob may have been added to the same letter before.
      return ["65,103,200", "65,103,103"];
    case "notification":
      return ["11"];
    case "everybody":
      return ["64,200,200,102,101,100"];
  }
}

function good(base: Incoming["base"], known: Known): Fields {
  const plain = { from: ANN, to: [ALICE], body: "Hello", time: stamp() };
  const parts = {
    ...plain,
    to: [ALICE, BOB],
    body: "Hello again and again. ".repeat(60),
    compress: true,
    attachments: [
      { filename: "a.txt", body: "More of it. ".repeat(100), compress: true },
      { filename: "ß 2.bin", type: "image/x-test", body: noise(700) },
    ],
  };
  switch (base) {
    case "message":
      return plain;
    case "parts":
      return parts;
    case "large":
      return { ...plain, body: noise(LARGE) };
    case "reply":
      return { ...plain, pid: known.letter.hash };
    case "own reply":
      return { ...plain, pid: known.own };
    case "batch":
      return { ...addTo(known.letter, { from: ANN, to: [BOB] }).fields, time: stamp() };
    case "notification":
      return {
        ...addTo(known.letter, { from: ANN, to: [`@zoe@${ELSEWHERE}`] }).fields,
        time: stamp(),
      };
    case "early batch": {
      const original = draft({ ...parts, to: [`@zoe@${ELSEWHERE}`] });
      return { ...addTo(original, { from: ANN, to: [BOB] }).fields, time: stamp() };
    }
    case "everybody":
      return {
        ...plain,
        to: [ALICE, BOB, `@zoe@${ELSEWHERE}`, CAROL_REFUSES, FRED_IS_FULL, `@nobody@${HOST}`],
      };
  }
}

function changed(fields: Fields, change: Change, known: Known): Fields {
  const onPart = (edit: (part: PartFields) => PartFields): Fields =>
    "part" in change ? withPart(fields, change.part, edit) : fields;
  switch (change.change) {
    case "size":
      return onPart((part) => ({ ...part, size: change.value }));
    case "expanded":
      return onPart((part) => ({ ...part, expandedSize: change.value }));
    case "count":
      return { ...fields, counts: { ...fields.counts, [change.of]: change.value } };
    case "flags":
      return onPart((part) => ({ ...part, flags: (flags) => flags ^ change.xor }));
    case "type":
      return onPart((part) => ({ ...part, type: change.value }));
    case "version":
      return { ...fields, version: change.value };
    case "time":
      return { ...fields, time: timeOf(change.value) };
    case "pid":
      return { ...fields, pid: pidOf(change.value, known) };
    case "topic":
      return { ...fields, topic: change.hex === null ? null : Uint8Array.fromHex(change.hex) };
    case "from":
      return { ...fields, from: change.address };
    case "adder":
      return change.address === null
        ? { ...fields, addTo: undefined }
        : { ...fields, addTo: { to: [], ...fields.addTo, from: change.address } };
    case "recipient":
      return withRecipients(fields, change.of, [change.address]);
    case "recipients":
      return withRecipients(
        fields,
        change.of,
        Array.from({ length: change.count }, (_, i) => `@number.${i}@${i % 2 ? HOST : ELSEWHERE}`),
      );
    case "attachments":
      return {
        ...fields,
        attachments: Array.from({ length: change.count }, (_, i) => ({
          filename: `number ${i}`,
          body: noise(i),
        })),
      };
    case "filename":
      return withFilename(fields, Uint8Array.fromHex(change.hex));
    case "body":
      return onPart((part) => ({ ...part, body: noise(change.length) }));
    case "compress":
      return onPart((part) => ({ ...part, compress: true }));
    case "bomb":
      return onPart((part) => ({
        ...part,
        compress: true,
        wire: compressed(new Uint8Array(change.length)),
        expandedSize: change.declared,
      }));
    case "stream":
      return onPart((part) => ({
        ...part,
        compress: true,
        wire: spoilt(compressed(part.body ?? ""), change.how, change.length),
      }));
  }
}

function withPart(fields: Fields, index: number, edit: (part: PartFields) => PartFields): Fields {
  if (index === 0) return { ...fields, ...edit(fields) };
  const attachments = (fields.attachments ?? []).map((attachment, i) =>
    i === (index - 1) % (fields.attachments?.length ?? 1)
      ? { ...attachment, ...edit(attachment) }
      : attachment
  );
  return { ...fields, attachments };
}

function withRecipients(fields: Fields, of: "to" | "addTo", more: readonly string[]): Fields {
  if (of === "to") return { ...fields, to: [...fields.to, ...more].slice(0, 255) };
  const { from, to } = fields.addTo ?? { from: fields.from, to: [] };
  return { ...fields, addTo: { from, to: [...to, ...more].slice(0, 255) } };
}

function withFilename(fields: Fields, filename: Uint8Array): Fields {
  const [first, ...rest] = fields.attachments ?? [];
  return { ...fields, attachments: [{ body: "Named", ...first, filename }, ...rest] };
}

function timeOf(value: number | string): number | Uint8Array {
  switch (value) {
    case "NaN":
      return NaN;
    case "Infinity":
      return Infinity;
    case "-Infinity":
      return -Infinity;
    case "zero":
      return -0;
    case "largest":
      return Number.MAX_VALUE;
    default:
      return stamp() + Number(value);
  }
}

function pidOf(
  value: Extract<Change, { change: "pid" }>["value"],
  known: Known,
): Uint8Array | null {
  switch (value) {
    case "none":
      return null;
    case "random":
      return noise(32);
    case "letter":
      return known.letter.hash;
    case "batch":
      return known.batch;
    case "own":
      return known.own;
  }
}

function spoilt(
  stream: Bytes,
  how: Extract<Change, { change: "stream" }>["how"],
  length: number,
): Bytes {
  switch (how) {
    case "cut":
      return stream.slice(0, Math.max(0, stream.length - length));
    case "trailing":
      return concat([stream, noise(length)]);
    case "garbage":
      return noise(length);
    case "twice":
      return concat([stream, stream]);
  }
}

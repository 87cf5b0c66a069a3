// What one step of the fuzzer does, as plain data: made from a seed, kept in the corpus, printed with a finding.

import * as v from "valibot";

const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0));
const BYTE = v.pipe(COUNT, v.maxValue(255));
const UINT32 = v.pipe(COUNT, v.maxValue(0xffff_ffff));
const HEX = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})*$/));
/** 0 is the data, 1 the first attachment and so on. */
const PART = v.pipe(COUNT, v.maxValue(255));

/** Changes of bytes; positions wrap around at the end of what is changed. */
const EDIT = v.variant("edit", [
  v.strictObject({ edit: v.literal("flip"), at: COUNT, bit: v.pipe(COUNT, v.maxValue(7)) }),
  v.strictObject({ edit: v.literal("set"), at: COUNT, value: BYTE }),
  v.strictObject({ edit: v.literal("drop"), at: COUNT, length: COUNT }),
  v.strictObject({ edit: v.literal("repeat"), at: COUNT, length: COUNT }),
  v.strictObject({ edit: v.literal("insert"), at: COUNT, hex: HEX }),
]);

/** Changes of a message's fields and content before it is laid out; what is not changed stays true. */
const CHANGE = v.variant("change", [
  v.strictObject({ change: v.literal("size"), part: PART, value: UINT32 }),
  v.strictObject({ change: v.literal("expanded"), part: PART, value: v.nullable(UINT32) }),
  v.strictObject({
    change: v.literal("count"),
    of: v.picklist(["to", "addTo", "attachments"]),
    value: BYTE,
  }),
  v.strictObject({ change: v.literal("flags"), part: PART, xor: BYTE }),
  v.strictObject({ change: v.literal("type"), part: PART, value: v.union([BYTE, v.string()]) }),
  v.strictObject({ change: v.literal("version"), value: BYTE }),
  /** Seconds from now, or what no clock shows. */
  v.strictObject({
    change: v.literal("time"),
    value: v.union([v.number(), v.picklist(["NaN", "Infinity", "-Infinity", "zero", "largest"])]),
  }),
  v.strictObject({
    change: v.literal("pid"),
    value: v.picklist(["none", "random", "letter", "batch", "own"]),
  }),
  v.strictObject({ change: v.literal("topic"), hex: v.nullable(HEX) }),
  v.strictObject({ change: v.literal("from"), address: v.string() }),
  v.strictObject({ change: v.literal("adder"), address: v.nullable(v.string()) }),
  v.strictObject({
    change: v.literal("recipient"),
    of: v.picklist(["to", "addTo"]),
    address: v.string(),
  }),
  v.strictObject({
    change: v.literal("recipients"),
    of: v.picklist(["to", "addTo"]),
    count: v.pipe(COUNT, v.maxValue(255)),
  }),
  v.strictObject({ change: v.literal("attachments"), count: v.pipe(COUNT, v.maxValue(255)) }),
  v.strictObject({ change: v.literal("filename"), hex: HEX }),
  v.strictObject({ change: v.literal("body"), part: PART, length: COUNT }),
  v.strictObject({ change: v.literal("compress"), part: PART }),
  /** Zeros, compressed, behind a lie about how many there are. */
  v.strictObject({ change: v.literal("bomb"), part: PART, length: COUNT, declared: UINT32 }),
  v.strictObject({
    change: v.literal("stream"),
    part: PART,
    how: v.picklist(["cut", "trailing", "garbage", "twice"]),
    length: COUNT,
  }),
]);

/** Something that goes wrong on the line, below TLS; `at` counts the bytes in that direction. */
const LINE_FAULT = v.strictObject({
  way: v.picklist(["up", "down"]),
  fault: v.picklist(["flip", "cut", "reset", "split", "drop", "repeat", "insert"]),
  at: COUNT,
  length: COUNT,
});

/** `wait` lets the host end first; `stay` does not end this side even then. */
const ENDING = v.picklist(["wait", "stay", "end", "fin", "reset"]);

/** How the sender answers when it is asked for the message hash. */
const CHALLENGE_ANSWER = v.picklist([
  "right",
  "wrong",
  "short",
  "long",
  "empty",
  "slow",
  /** Rightly, and then leaves the end to the host. */
  "open",
  "silent",
  "reset",
]);

const INCOMING = v.strictObject({
  kind: v.literal("incoming"),
  base: v.picklist([
    "message",
    "parts",
    "reply",
    "own reply",
    "batch",
    "notification",
    "early batch",
    "everybody",
    "large",
  ]),
  changes: v.array(CHANGE),
  header: v.array(EDIT),
  data: v.array(EDIT),
  /** Sends so many bytes of header and data (modulo all of them), then ends as said. */
  cut: v.nullable(COUNT),
  then: ENDING,
  /** Bytes in a piece, and milliseconds between the first pieces. */
  piece: v.pipe(COUNT, v.minValue(1)),
  gap: COUNT,
  /** Sends the data without waiting for a code, or whatever the code is. */
  deaf: v.boolean(),
  answer: CHALLENGE_ANSWER,
  line: v.nullable(LINE_FAULT),
});

/** What a receiving host does, one after the other, when the host under test sends to it. */
const ACT = v.variant("do", [
  v.strictObject({ do: v.literal("header") }),
  v.strictObject({ do: v.literal("data") }),
  v.strictObject({ do: v.literal("take"), bytes: COUNT }),
  v.strictObject({ do: v.literal("say"), codes: v.array(BYTE), gap: COUNT }),
  v.strictObject({
    do: v.literal("challenge"),
    hash: v.picklist(["right", "near", "random"]),
    from: v.picklist(["own", "other"]),
    version: BYTE,
    cut: COUNT,
  }),
  v.strictObject({ do: v.literal("pause"), ms: COUNT }),
  v.strictObject({ do: v.literal("hang") }),
  v.strictObject({ do: v.literal("end") }),
  v.strictObject({ do: v.literal("fin") }),
  v.strictObject({ do: v.literal("reset") }),
]);

const OUTGOING = v.strictObject({
  kind: v.literal("outgoing"),
  /** What the odd host is sent: a message, the notice of a batch, or a batch that adds someone there. */
  what: v.picklist(["message", "notification", "added"]),
  length: COUNT,
  acts: v.array(ACT),
  tls: v.picklist([
    "good",
    "no alpn",
    "tls 1.2",
    "wrong name",
    "bare name",
    "self-signed",
    "expired",
    "mute",
    "refuse",
  ]),
  line: v.nullable(LINE_FAULT),
});

const CHALLENGE = v.strictObject({
  kind: v.literal("challenge"),
  version: BYTE,
  hash: v.picklist(["random", "stored"]),
  cut: COUNT,
  extra: COUNT,
  then: ENDING,
  line: v.nullable(LINE_FAULT),
});

/** What goes over TCP in place of a TLS connection. */
const RAW_CHUNK = v.variant("chunk", [
  v.strictObject({ chunk: v.literal("hex"), hex: HEX }),
  v.strictObject({ chunk: v.literal("noise"), length: COUNT }),
  v.strictObject({ chunk: v.literal("hello"), edits: v.array(EDIT), fragment: COUNT }),
  v.strictObject({
    chunk: v.literal("record"),
    type: BYTE,
    declared: v.pipe(COUNT, v.maxValue(0xffff)),
    length: COUNT,
  }),
]);

const RAW = v.strictObject({
  kind: v.literal("raw"),
  chunks: v.array(RAW_CHUNK),
  gap: COUNT,
  then: ENDING,
});

/** Encrypted records that no runtime's client would send. */
const FRAME = v.variant("frame", [
  v.strictObject({ frame: v.literal("key updates"), count: COUNT }),
  v.strictObject({ frame: v.literal("record"), type: BYTE, length: COUNT }),
  v.strictObject({ frame: v.literal("hex record"), type: BYTE, hex: HEX }),
  /** So many bytes of a good message, from where the last ones ended, in records of a few bytes. */
  v.strictObject({ frame: v.literal("message"), bytes: COUNT, piece: COUNT }),
  v.strictObject({ frame: v.literal("plain"), type: BYTE, length: COUNT }),
  v.strictObject({ frame: v.literal("pause"), ms: COUNT }),
]);

const FRAMES = v.strictObject({
  kind: v.literal("frames"),
  frames: v.array(FRAME),
  then: v.picklist(["wait", "close", "reset"]),
});

const RECIPE = v.variant("kind", [INCOMING, OUTGOING, CHALLENGE, RAW, FRAMES]);

export type Recipe = v.InferOutput<typeof RECIPE>;
export type Incoming = v.InferOutput<typeof INCOMING>;
export type Outgoing = v.InferOutput<typeof OUTGOING>;
export type Challenge = v.InferOutput<typeof CHALLENGE>;
export type Raw = v.InferOutput<typeof RAW>;
export type Frames = v.InferOutput<typeof FRAMES>;
export type Edit = v.InferOutput<typeof EDIT>;
export type Change = v.InferOutput<typeof CHANGE>;
export type Act = v.InferOutput<typeof ACT>;
export type LineFault = v.InferOutput<typeof LINE_FAULT>;
export type RawChunk = v.InferOutput<typeof RAW_CHUNK>;
export type Frame = v.InferOutput<typeof FRAME>;
export type Ending = v.InferOutput<typeof ENDING>;
export type ChallengeAnswer = v.InferOutput<typeof CHALLENGE_ANSWER>;

/** The recipe that `text` spells in JSON; throws an Error that says what is wrong with it. */
export function parseRecipe(text: string): Recipe {
  const result = v.safeParse(RECIPE, JSON.parse(text));
  if (result.success) return result.output;
  const where = result.issues.map((issue) => `${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
  throw new Error(`This is no recipe (${where.join("; ")}): ${text}`);
}

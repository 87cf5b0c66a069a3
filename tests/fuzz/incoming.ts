// A step in which the odd host sends to the host under test.

import { type Bytes, concat, headerHash, hex } from "../../src/wire/mod.ts";
import type { LogLine } from "../support/host_process.ts";
import { NoConnection } from "../support/line.ts";
import type { TlsConnection } from "../support/tls_connection.ts";
import { sleep } from "../support/wait.ts";
import { compose, goodCodes } from "./compose.ts";
import { edited } from "./edits.ts";
import { lineFrom, type Outcome, signatureOf } from "./outcome.ts";
import type { Challenge, ChallengeAnswer, Ending, Incoming } from "./recipe.ts";
import type { Lane, Scene } from "./scene.ts";
import { codesProblem, recipientsHere, understand, type Understanding } from "./understanding.ts";

export async function playIncoming(recipe: Incoming, lane: Lane, scene: Scene): Promise<Outcome> {
  const { letter } = scene;
  const message = compose(recipe, scene);
  const header = edited(message.header, recipe.header);
  const stream = concat([header, edited(message.payload, recipe.data)]);
  const end = recipe.cut === null ? stream.length : recipe.cut % (stream.length + 1);
  const sent = stream.slice(0, end);
  const understanding = understand(sent, letter);
  const { decoded, guess, batchHash } = understanding;
  using asked = scene.odd.answerChallenges(
    headerHash(decoded?.bytes ?? header),
    { hash: batchHash ?? guess ?? headerHash(header), how: recipe.answer },
  );
  const headerEnd = Math.min(end, decoded?.bytes.length ?? header.length);
  const said = await converse(lane, scene, recipe, async (connection) => {
    const pace = new Pace(connection, recipe);
    if (recipe.deaf) return void await pace.write(sent);
    await pace.write(sent.subarray(0, headerEnd));
    if (headerEnd === end && !understanding.whole) return;
    const [code] = await connection.take(1);
    if (code !== undefined) connection.untake(Uint8Array.of(code));
    if (code === 64) await pace.write(sent.subarray(headerEnd));
  });
  const cut = recipe.then === "reset" || recipe.line !== null;
  const problem = said.problem ?? codesProblem(said.codes, understanding, cut) ??
    storeProblem(said.codes, understanding, scene, asked.asked && !isRight(recipe.answer)) ??
    (isGood(recipe) && !goodCodes(recipe.base).includes(said.codes.join())
      ? `a good "${recipe.base}" got ${said.codes.join() || "no code"}`
      : null);
  const phase = phaseOf(understanding, sent.length);
  return { ...said, problem, signature: signatureOf({ ...said, kind: "incoming", phase }) };
}

/** A challenge that nothing was sent for: it gets no answer. */
export async function playChallenge(recipe: Challenge, lane: Lane, scene: Scene): Promise<Outcome> {
  const hash = recipe.hash === "stored"
    ? scene.letter.headerHash
    : crypto.getRandomValues(new Uint8Array(32));
  const whole = concat([Uint8Array.of(recipe.version), hash, new Uint8Array(recipe.extra)]);
  const sent = whole.slice(0, recipe.cut);
  const said = await converse(lane, scene, recipe, async (connection) => {
    if (sent.length > 0) await connection.write(sent);
  });
  // Version 1 would be a message, whose header begins with a random byte.
  const problem = said.problem ?? codesProblem(said.codes, understand(sent, scene.letter), false);
  const phase = sent.length < 33 ? "not whole" : "whole";
  return { ...said, problem, signature: signatureOf({ ...said, kind: "challenge", phase }) };
}

interface Said {
  readonly codes: readonly number[];
  readonly line: LogLine | null;
  readonly problem: string | null;
  readonly exchanges: number;
}

/** Connects, speaks, ends as told, and takes what the host says until it ends as well. */
async function converse(
  lane: Lane,
  scene: Scene,
  { line, then }: Pick<Incoming, "line" | "then">,
  speak: (connection: TlsConnection) => Promise<void>,
): Promise<Said> {
  const seen = scene.host.log.length;
  lane.up.arm(line);
  const connection = await dial(lane, scene, line !== null);
  if (connection === null) {
    return {
      codes: [],
      line: await lineFrom(lane.ip, scene.host, seen),
      problem: null,
      exchanges: 1,
    };
  }
  let over = false;
  void connection.over.then(() => over = true);
  try {
    await speak(connection);
    finish(connection, then);
    const codes = then === "reset" ? [] : [...await connection.take(MAX_CODES)];
    const ended = then === "reset" || over || connection.ended !== null;
    const problem = ended ? null : "the host does not end the exchange in time";
    return { codes, line: await lineFrom(lane.ip, scene.host, seen), problem, exchanges: 1 };
  } finally {
    if (then === "stay") scene.leftOpen.push(connection);
    else await connection.close();
  }
}

const MAX_CODES = 4096;

async function dial(lane: Lane, scene: Scene, through: boolean): Promise<TlsConnection | null> {
  try {
    return await scene.dial(lane, { through });
  } catch (error) {
    if (error instanceof NoConnection && through) return null;
    throw error;
  }
}

function finish(connection: TlsConnection, then: Ending): void {
  if (then !== "wait" && then !== "stay") connection[then]();
}

/** Writes in pieces, slowly at first. */
class Pace {
  readonly #connection: TlsConnection;
  readonly #piece: number;
  readonly #gap: number;
  #pieces = 0;

  constructor(connection: TlsConnection, { piece, gap }: Pick<Incoming, "piece" | "gap">) {
    this.#connection = connection;
    this.#piece = piece;
    this.#gap = gap;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    for (; at < bytes.length && this.#pieces < SLOW_PIECES; at += this.#piece) {
      if (this.#connection.ended !== null) return;
      if (this.#gap > 0 && this.#pieces > 0) await sleep(this.#gap);
      this.#pieces++;
      if (!(await this.#connection.write(bytes.subarray(at, at + this.#piece)))) return;
    }
    // The runtime does not always tell that nothing was written.
    if (at < bytes.length) await this.#connection.write(bytes.subarray(at));
  }
}

const SLOW_PIECES = 100;

/** P4 and C4: what was promised is stored, and what could not be taken is not. */
function storeProblem(
  codes: readonly number[],
  { decoded, hash, batchHash }: Understanding,
  scene: Scene,
  lied: boolean,
): string | null {
  if (decoded === null) return null;
  const [code, ...verdicts] = codes;
  const stored = code === 64 ? hash : batchHash;
  const here = recipientsHere(decoded);
  const lost = verdicts.findIndex((verdict, i) =>
    verdict === 200 && !(stored !== null && scene.reader.heldByAll(stored, [here[i]?.key ?? ""]))
  );
  if (lost >= 0) return `200 for ${here[lost]?.text}, and ${hexOf(stored)} is not stored for them`;
  if ((code === 65 || code === 11) && batchHash === null) {
    return `${code} to what does not repeat a message that is here`;
  }
  if (code === 11 && !(batchHash !== null && scene.reader.stored(batchHash) !== null)) {
    return `11, and the batch ${hexOf(batchHash)} is not stored`;
  }
  const isStored = scene.stores(headerHash(decoded.bytes));
  if (isStored && lied) return "it is stored, and the challenge was not answered rightly";
  if (isStored && hash === null && batchHash === null) return "it is stored without its data";
  return null;
}

function hexOf(hash: Bytes | null): string {
  return hash === null ? "what was sent" : hex(hash);
}

function isRight(answer: ChallengeAnswer): boolean {
  return answer === "right" || answer === "long" || answer === "slow" || answer === "open";
}

/** Nothing is odd about it, and nothing of it takes time. */
function isGood(recipe: Incoming): boolean {
  const { changes, header, data, cut, then, gap, deaf, answer, line } = recipe;
  return gap === 0 && changes.length + header.length + data.length === 0 && cut === null &&
    then === "wait" &&
    !deaf && isRight(answer) && line === null;
}

/** More data than this is staged in the store before it is accepted. */
const STAGED = 64 * 1024;

function phaseOf({ first, decoded, whole, hash }: Understanding, sent: number): string {
  if (first === null) return "nothing";
  if (decoded === null) return "header";
  if (!whole) return sent > STAGED ? "much data" : "data";
  return hash === null ? "wrong data" : "whole";
}

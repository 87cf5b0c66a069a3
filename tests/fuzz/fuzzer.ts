// Rounds of steps against one running host: several steps at once, an honest sender among them, and rest after each.

import { fuzzDecoder } from "./decoder.ts";
import { generate } from "./generate.ts";
import { playChallenge, playIncoming } from "./incoming.ts";
import type { Outcome } from "./outcome.ts";
import { playOutgoing } from "./outgoing.ts";
import { playFrames, playRaw } from "./raw.ts";
import { generator } from "./random.ts";
import type { Recipe } from "./recipe.ts";
import { Rest } from "./rest.ts";
import { type Lane, Scene } from "./scene.ts";

/** Steps at once, and in a round for each of them. */
const LANES = 24;
const STEPS_PER_LANE = 10;

/** Headers for the decoder in each round, which no connection slows down. */
const DECODER_INPUTS = 1000;

export interface FuzzOptions {
  /** Step n goes by the recipe of `seed` + n; so does input n of the decoder. */
  readonly seed: number;
  /** Played before all others. */
  readonly corpus: readonly Recipe[];
  /** Asked before each round. */
  readonly goOn: (steps: number) => boolean;
  /** Steps of a round; the default is as many as the fuzzer finds good. */
  readonly roundOf?: number;
  readonly signal?: AbortSignal;
  /** Told of each step, and after each round. */
  readonly step?: (recipe: Recipe, outcome: Outcome) => void;
  readonly round?: (tally: Tally) => void;
}

export interface Tally {
  steps: number;
  exchanges: number;
  /** Inputs of the decoder. */
  inputs: number;
  /** How many steps ended in which way. */
  readonly outcomes: Map<string, number>;
  /** Bytes that the host held at rest after each round. */
  readonly memory: readonly number[];
}

/** Something that must not be; the message says what, and how to see it again. */
export class Finding extends Error {
  override readonly name = "Finding";
}

/** Throws the first Finding. Aborting the signal ends it without one, and leaves what was under way behind. */
export async function fuzz(options: FuzzOptions): Promise<Tally> {
  const { signal = new AbortController().signal } = options;
  await using scene = await Scene.set(LANES);
  // A signal of the terminal has reached the host as well.
  const abort = (): void => void scene.host.kill().catch(() => {});
  signal.addEventListener("abort", abort);
  const rest = await Rest.of(scene);
  const fuzzer = new Fuzzer(scene, rest, { ...options, signal });
  try {
    return await fuzzer.run();
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

interface Step {
  readonly recipe: Recipe;
  /** Where the recipe comes from, in words. */
  readonly origin: string;
}

class Fuzzer {
  readonly tally: Tally;
  readonly #scene: Scene;
  readonly #rest: Rest;
  readonly #options: FuzzOptions & { readonly signal: AbortSignal };
  #corpus: readonly Recipe[];
  #generated = 0;
  /** Steps under way are not waited for: they would wait for a host that is no more. */
  readonly #aborted: Promise<never>;

  constructor(
    scene: Scene,
    rest: Rest,
    options: FuzzOptions & { readonly signal: AbortSignal },
  ) {
    this.#scene = scene;
    this.#rest = rest;
    this.#options = options;
    this.#corpus = options.corpus;
    const { promise, reject } = Promise.withResolvers<never>();
    this.#aborted = promise;
    this.#aborted.catch(() => {});
    options.signal.addEventListener("abort", () => reject(options.signal.reason), { once: true });
    this.tally = { steps: 0, exchanges: 0, inputs: 0, outcomes: new Map(), memory: rest.memory };
  }

  async run(): Promise<Tally> {
    const { goOn, signal, round } = this.#options;
    try {
      while (!signal.aborted && (this.#corpus.length > 0 || goOn(this.tally.steps))) {
        await this.#round();
        round?.(this.tally);
      }
      await this.#rest.examine({ thoroughly: true });
    } catch (error) {
      // What falls down after a Ctrl-C tells nothing.
      if (!signal.aborted) throw error;
    }
    return this.tally;
  }

  async #round(): Promise<void> {
    const steps = this.#next(this.#options.roundOf ?? LANES * STEPS_PER_LANE);
    const inputs = fuzzDecoder(this.#options.seed + this.tally.inputs, (n) => n < DECODER_INPUTS);
    this.tally.inputs += inputs.header + inputs.malformed + inputs.more;
    const [first] = steps;
    const left = [...steps];
    let failed = false;
    const work = async (lane: Lane): Promise<void> => {
      for (let step = left.shift(); step !== undefined && !failed; step = left.shift()) {
        try {
          await this.#play(step, lane);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    };
    // All of them come to their end before anything else happens to the scene.
    const works = await Promise.race([
      Promise.allSettled([...this.#scene.lanes.map(work), this.#scene.sendHonestly()]),
      this.#aborted,
    ]);
    const rejected = works.find((work) => work.status === "rejected");
    try {
      if (rejected !== undefined) throw rejected.reason;
      await this.#scene.sendHonestly();
      await this.#rest.examine();
      await Promise.all(this.#scene.leftOpen.splice(0).map((connection) => connection.close()));
    } catch (error) {
      if (error instanceof Finding) throw error;
      throw new Finding(
        `After the round of ${steps.length} steps that begins with ${first?.origin}: ${
          String(error)
        }`,
        { cause: error },
      );
    }
  }

  /** What is played next: the corpus, and then what the seed gives. */
  #next(count: number): Step[] {
    const known = this.#corpus.slice(0, count)
      .map((recipe) => ({ recipe, origin: "a recipe of the corpus" }));
    this.#corpus = this.#corpus.slice(count);
    const unknown = Array.from({ length: count - known.length }, () => {
      const seed = (this.#options.seed + this.#generated++) % 2 ** 31;
      return { recipe: generate(generator(seed)), origin: `--seed ${seed}` };
    });
    return [...known, ...unknown];
  }

  async #play({ recipe, origin }: Step, lane: Lane): Promise<void> {
    const outcome = await play(recipe, lane, this.#scene).catch((error: unknown) => {
      throw new Finding(`${String(error)}\n${again(recipe, origin)}`, { cause: error });
    });
    const { outcomes } = this.tally;
    this.tally.steps++;
    this.tally.exchanges += outcome.exchanges;
    outcomes.set(outcome.signature, (outcomes.get(outcome.signature) ?? 0) + 1);
    if (outcome.problem !== null) {
      const what = `${outcome.problem} (${outcome.signature})`;
      throw new Finding(`${what}\n${again(recipe, origin)}`);
    }
    this.#options.step?.(recipe, outcome);
  }
}

function again(recipe: Recipe, origin: string): string {
  return `It came of ${origin}: ${JSON.stringify(recipe)}`;
}

async function play(recipe: Recipe, lane: Lane, scene: Scene): Promise<Outcome> {
  switch (recipe.kind) {
    case "incoming":
      return await playIncoming(recipe, lane, scene);
    case "outgoing":
      return await playOutgoing(recipe, lane, scene);
    case "challenge":
      return await playChallenge(recipe, lane, scene);
    case "raw":
      return await playRaw(recipe, lane, scene);
    case "frames":
      return await playFrames(recipe, lane, scene);
  }
}

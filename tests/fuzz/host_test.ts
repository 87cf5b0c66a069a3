// The fuzzer's corpus, and some steps that nobody has seen before, against a running host.

import assert from "node:assert/strict";
import { Corpus, OWN_CORPUS } from "./corpus.ts";
import { fuzz } from "./fuzzer.ts";

/** Steps besides the corpus. */
const NEW_STEPS = 120;

Deno.test("S3 odd conversations, known ones and new ones: the host lives, serves others, and keeps nothing of them", async () => {
  const corpus = (await Corpus.read(OWN_CORPUS)).recipes;
  const steps = corpus.length + NEW_STEPS;
  const tally = await fuzz({
    // A finding names the seed of its step.
    seed: Math.floor(Math.random() * 2 ** 31),
    corpus,
    roundOf: Math.ceil(steps / 2),
    goOn: (played) => played < steps,
  });
  // Were nearly all steps to end in the same way, the host would go untried.
  assert.ok(tally.outcomes.size > 30, `${tally.steps} steps ended in ${tally.outcomes.size} ways`);
});

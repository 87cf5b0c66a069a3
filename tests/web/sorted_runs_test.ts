// Long sorted lists that change here and there: they are as if sorted anew, and what was read of them before stays.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Snapshot, SortedRuns } from "../../src/web/sorted_runs.ts";

interface Thing {
  readonly at: number;
}

const byPlace = (a: Thing, b: Thing): number => a.at - b.at;

Deno.test("property: whatever is added and deleted, the list is sorted, and earlier snapshots stay as they were", () => {
  // Rather many things: runs are cut at 512.
  const things = Array.from({ length: 3_000 }, (_, at): Thing => ({ at }));
  const change = fc.record({
    from: fc.nat(2_999),
    step: fc.constantFrom(1, 7, 2_999),
    n: fc.nat(900),
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(change, fc.boolean(), fc.boolean()), { maxLength: 12 }),
      (changes) => {
        const runs = new SortedRuns<Thing>(byPlace);
        const held = new Set<Thing>();
        const told: { list: Snapshot<Thing>; was: Thing[] }[] = [];
        for (const [{ from, step, n }, adds, looks] of changes) {
          for (let i = 0; i < n; i++) {
            const thing = things[(from + i * step) % things.length];
            if (thing === undefined || held.has(thing) === adds) continue;
            if (adds) runs.add(thing);
            else runs.delete(thing);
            if (adds) held.add(thing);
            else held.delete(thing);
          }
          if (looks) told.push({ list: runs.now(), was: [...held].sort(byPlace) });
        }
        told.push({ list: runs.now(), was: [...held].sort(byPlace) });
        for (const { list, was } of told) {
          assert.deepEqual([...list], was);
          assert.equal(list.length, was.length);
          assert.ok(was.every((thing, at) => list.at(at) === thing));
          assert.deepEqual([list.at(-1), list.at(was.length)], [undefined, undefined]);
        }
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("a list that nothing happened to is the same one; deleting what is not there is nothing", () => {
  const runs = new SortedRuns<Thing>(byPlace);
  const [one, two] = [{ at: 1 }, { at: 2 }];
  runs.add(two);
  const before = runs.now();
  runs.delete(one);
  runs.delete({ at: 2 });
  assert.equal(runs.now(), before);
  runs.add(one);
  assert.notEqual(runs.now(), before);
  assert.deepEqual([[...before], [...runs.now()]], [[two], [one, two]]);
});

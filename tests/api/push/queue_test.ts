// What waits to be pushed: turns, bounds and the end (row N12).

import assert from "node:assert/strict";
import { type Push, PushQueue, type QueueLimits } from "../../../src/api/push/queue.ts";
import { waitFor } from "../../support/wait.ts";

interface Item extends Push {
  readonly name: string;
}

const LIMITS: QueueLimits = { underWay: 4, underWayOfOne: 2, waiting: 6, waitingOfOne: 4 };

class Stage implements AsyncDisposable {
  readonly started: string[] = [];
  readonly dropped: string[] = [];
  readonly queue: PushQueue<Item>;
  readonly #ends = new Map<string, (again: number | null) => void>();

  constructor(limits: QueueLimits = LIMITS) {
    this.queue = new PushQueue<Item>({
      limits,
      push: ({ name }, time, signal) => {
        this.started.push(time === 1 ? name : `${name} again`);
        return new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve(null));
          this.#ends.set(name, resolve);
        });
      },
      dropped: ({ name }) => this.dropped.push(name),
    });
  }

  /** `a1 x`: a push named so, of `a`, to the endpoint `x`; that of its name by default. */
  add(...pushes: readonly string[]): void {
    for (const push of pushes) {
      const [name = "", endpoint = name] = push.split(" ");
      this.queue.add({ name, endpoint, ownerKey: name.slice(0, 1) });
    }
  }

  /** Ends a push; waits until whoever has a turn now has begun. */
  async end(name: string, again: number | null = null): Promise<void> {
    this.#ends.get(name)?.(again);
    await Promise.resolve();
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue[Symbol.asyncDispose]();
  }
}

Deno.test("N12 so many pushes are under way, fewer of one user, and those who wait go in their order", async () => {
  await using stage = new Stage();
  stage.add("a1", "a2", "a3", "a4", "b1", "c1", "d1");
  assert.deepEqual(stage.started.splice(0), ["a1", "a2", "b1", "c1"]);
  await stage.end("b1");
  assert.deepEqual(stage.started.splice(0), ["d1"]);
  await stage.end("c1");
  await stage.end("d1");
  assert.deepEqual(stage.started, [], "the services of one user that hang cost no other a place");
  stage.add("e1");
  await stage.end("a2");
  await stage.end("a1");
  assert.deepEqual(stage.started.splice(0), ["e1", "a3"]);
  await stage.end("e1");
  assert.deepEqual(stage.started, ["a4"]);
});

Deno.test("N12 where many services hang, a place is left for a user of whom nothing is under way", async () => {
  await using stage = new Stage();
  stage.add("a1", "a2", "a3", "b1", "b2", "b3");
  assert.deepEqual(stage.started.splice(0), ["a1", "a2", "b1"]);
  stage.add("c1", "c2");
  assert.deepEqual(stage.started.splice(0), ["c1"]);
  // Also behind what is tried again.
  await stage.end("b1", 60_000);
  assert.deepEqual(stage.started.splice(0), ["b2"]);
  await stage.end("c1");
  assert.deepEqual(stage.started.splice(0), ["c2"]);
});

Deno.test("N12 to one endpoint pushes go one after the other, also behind one that is tried again", async () => {
  await using stage = new Stage();
  stage.add("a1 x", "a2 x", "b1 x", "b2 y");
  assert.deepEqual(stage.started.splice(0), ["a1", "b2"]);
  await stage.end("a1", 20);
  assert.deepEqual(stage.started, []);
  await waitFor(() => stage.started.length > 0);
  assert.deepEqual(stage.started.splice(0), ["a1 again"]);
  await stage.end("a1");
  await stage.end("a2");
  assert.deepEqual(stage.started, ["a2", "b1"]);
});

Deno.test("N12 with too much waiting the oldest goes: of a user its own, else the oldest of all", async () => {
  await using stage = new Stage({ ...LIMITS, underWay: 0 });
  stage.add("b1", "a1", "a2", "a3", "a4", "a5");
  assert.deepEqual(stage.dropped.splice(0), ["a1"]);
  stage.add("c1", "c2");
  assert.deepEqual(stage.dropped.splice(0), ["b1"]);
  stage.add("d1");
  assert.deepEqual(stage.dropped, ["a2"]);
  assert.equal(stage.queue.size, 6);
});

Deno.test("N12 the end of the queue ends what is under way, and begins nothing more", async () => {
  const stage = new Stage();
  stage.add("a1 x", "a2 x", "b1 y");
  await stage.end("b1", 60_000);
  await stage[Symbol.asyncDispose]();
  stage.add("c1");
  assert.deepEqual(stage.started, ["a1", "b1"]);
  assert.equal(stage.queue.size, 0);
});

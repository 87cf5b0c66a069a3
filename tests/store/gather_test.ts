// Who hears of commits has no say in them.

import assert from "node:assert/strict";
import { type CommitObserver, StoreWriter, type WriterBackend } from "../../src/store/gather.ts";

const BACKEND: WriterBackend = {
  run: (operations) =>
    Promise.resolve({
      outcomes: operations.map(() => ({ ok: true, value: 1 }) as const),
      changes: [{ kind: "outbound", domain: "far.example" }],
    }),
  close: () => Promise.resolve(),
};

/** Errors that nobody caught while `work` ran. */
async function uncaught(work: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const listener = (event: ErrorEvent): void => {
    event.preventDefault();
    errors.push(event.error);
  };
  globalThis.addEventListener("error", listener);
  try {
    await work();
  } finally {
    globalThis.removeEventListener("error", listener);
  }
  return errors;
}

for (const name of ["changed", "committed"] as const) {
  Deno.test(`S3 an observer that fails in "${name}" is told of, and the writer goes on`, async () => {
    const fault = new Error("nobody foresaw this");
    const observer: CommitObserver = {
      [name]: () => {
        throw fault;
      },
    };
    const errors = await uncaught(async () => {
      await using writer = new StoreWriter(BACKEND, observer);
      assert.equal(await writer.submit("retry", { message: null }), 1);
      assert.equal(await writer.submit("retry", { message: null }), 1);
    });
    assert.deepEqual(errors, [fault, fault]);
  });
}

Deno.test("a commit is told of with the number of its operations, and with what it changed", async () => {
  const told: unknown[] = [];
  await using writer = new StoreWriter(BACKEND, {
    committed: (operations, ms) => told.push([operations, ms >= 0]),
    changed: (changes) => told.push(changes),
  });
  await Promise.all([1, 2, 3].map(() => writer.submit("retry", { message: null })));
  const change = [{ kind: "outbound", domain: "far.example" }];
  // The first goes alone, and what came meanwhile goes together.
  assert.deepEqual(told, [[1, true], change, [2, true], change]);
});

// The writer in a thread of its own, as a backend for operations.

import { StoreError } from "./database.ts";
import { StoreFailure, type WriterBackend } from "./gather.ts";
import type { Committed, Operation, WriterSettings } from "./operations.ts";
import type { Upgrade } from "./upgrade.ts";
import { Writer } from "./writer.ts";

export type ToWriter =
  | { readonly kind: "open"; readonly dataDir: string; readonly settings: WriterSettings }
  | { readonly kind: "configure"; readonly settings: WriterSettings }
  | { readonly kind: "run"; readonly operations: readonly Operation[] }
  | { readonly kind: "close" };

export type FromWriter =
  | { readonly kind: "ready"; readonly upgrade: Upgrade | null }
  | { readonly kind: "committed"; readonly committed: Committed }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "closed" };

/** A writer whose settings can change while it runs. */
export interface ConfigurableBackend extends WriterBackend {
  /** What became of a store of an earlier program when it was opened. */
  readonly upgrade: Upgrade | null;
  configure(settings: WriterSettings): void;
}

/** Opens the store in a thread of its own. `onEnd` is told if that ends by itself: nothing can be stored any more. */
export async function openWriterThread(
  dataDir: string,
  settings: WriterSettings,
  onEnd: (failure: StoreFailure) => void = () => {},
): Promise<ConfigurableBackend> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url).href, {
    type: "module",
    name: "fmsg-writer",
  });
  let ended: StoreFailure | null = null;
  const ask = (message: ToWriter, transfer: Transferable[] = []): Promise<FromWriter> =>
    new Promise((resolve, reject) => {
      // Nobody would ever answer.
      if (ended !== null) return reject(ended);
      worker.onmessage = ({ data }: MessageEvent<FromWriter>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        ended = new StoreFailure(`The store's thread ended: ${event.message}: restart the host`);
        onEnd(ended);
        reject(ended);
      };
      worker.postMessage(message, transfer);
    });
  let upgrade: Upgrade | null;
  try {
    const opened = await ask({ kind: "open", dataDir, settings });
    if (opened.kind !== "ready") {
      throw new StoreError(opened.kind === "failed" ? opened.message : "The store did not open");
    }
    upgrade = opened.upgrade;
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    upgrade,
    run: async (operations) => {
      const answer = await ask({ kind: "run", operations }, transferables(operations));
      if (answer.kind === "committed") return answer.committed;
      throw new StoreFailure(
        answer.kind === "failed" ? answer.message : "The store's thread is closed",
      );
    },
    configure: (settings) => worker.postMessage({ kind: "configure", settings }),
    close: async () => {
      try {
        await ask({ kind: "close" });
      } finally {
        worker.terminate();
      }
    },
  };
}

/** Opens the store in this thread, for a command that runs while the host does not. */
export function openWriterHere(dataDir: string, settings: WriterSettings): WriterBackend {
  const writer = Writer.open(dataDir, settings);
  return {
    run: (operations) => writer.run(operations),
    close: () => Promise.resolve(writer[Symbol.dispose]()),
  };
}

/** Buffers of chunks are handed over instead of being copied, unless several share one, as those of a command do. */
function transferables(operations: readonly Operation[]): ArrayBuffer[] {
  return operations.flatMap(({ name, input }) =>
    name === "stage" && input.bytes.length === input.bytes.buffer.byteLength
      ? [input.bytes.buffer]
      : []
  );
}

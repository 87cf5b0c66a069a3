// The writer's thread: an fsync must never happen on the thread that serves connections.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import type { FromWriter, ToWriter } from "./thread.ts";
import type { Upgrade } from "./upgrade.ts";
import { Writer } from "./writer.ts";

let writer: Writer | null = null;

self.onmessage = async ({ data }: MessageEvent<ToWriter>) => {
  try {
    switch (data.kind) {
      case "open": {
        let upgrade: Upgrade | null = null;
        writer = Writer.open(data.dataDir, data.settings, (done) => upgrade = done);
        answer({ kind: "ready", upgrade });
        return writer.takeReserve();
      }
      case "configure":
        return writer?.configure(data.settings);
      case "run": {
        if (writer === null) throw new Error("The store is not open");
        return answer({ kind: "committed", committed: await writer.run(data.operations) });
      }
      case "close":
        writer?.[Symbol.dispose]();
        answer({ kind: "closed" });
        return self.close();
    }
  } catch (error) {
    answer({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
};

function answer(message: FromWriter): void {
  self.postMessage(message);
}

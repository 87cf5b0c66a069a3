// The writer's thread, which ends of itself when it is told to.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import "../../src/store/worker.ts";

self.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  if (data === "die") throw new Error("the thread came to its end");
});

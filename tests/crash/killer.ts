// A thread that kills a process at a moment in the life of a file, which the thread of the test would notice too late.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

export interface Order {
  readonly pid: number;
  /** The process dies after so many changes of this file… */
  readonly file: string;
  readonly changes: number;
  /** … and so many milliseconds, */
  readonly delay: number;
  /** or after this time in any case. */
  readonly ms: number;
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  const { pid, file, changes, delay, ms } = data;
  const end = performance.now() + ms;
  let seen = lastChange(file);
  for (let left = changes; left > 0 && performance.now() < end;) {
    pause(0.2);
    const now = lastChange(file);
    if (now === seen) continue;
    seen = now;
    left--;
  }
  pause(delay);
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself; the test will say so.
  }
  self.postMessage(null);
};

/** Time and size: a file that is written twice in a tick of the system's clock has grown, mostly. */
function lastChange(file: string): string {
  try {
    const { mtime, size } = Deno.statSync(file);
    return `${mtime?.getTime()} ${size}`;
  } catch {
    return "absent";
  }
}

function pause(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

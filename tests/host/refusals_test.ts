// Refused connections in the log: none goes untold, and no flood of them floods it.
import assert from "node:assert/strict";
import { Log } from "../../src/host/log.ts";
import { Refusals } from "../../src/host/refusals.ts";
import { waitFor } from "../support/wait.ts";

/** Message, peer, reason, and how often or the detail. */
type Line = readonly [unknown, unknown, unknown, unknown];

interface Told {
  readonly log: Log;
  /** What the log has, once the turn is over. */
  readonly lines: () => Line[];
}

function told(): Told {
  let written = "";
  const log = new Log({ level: "info", readable: false, write: (text) => written += text });
  const lines = (): Line[] =>
    written.split("\n").filter((line) => line !== "").map((line) => {
      const { msg, peer, reason, times, detail }: Record<string, unknown> = JSON.parse(line);
      return [msg, peer, reason, times ?? detail];
    });
  return { log, lines };
}

/** Refuses, and gives all the lines that there are in the end. */
async function linesOf(refuse: (refusals: Refusals) => void): Promise<Line[]> {
  const { log, lines } = told();
  {
    using refusals = new Refusals(log);
    refuse(refusals);
  }
  await Promise.resolve();
  return lines();
}

Deno.test("S1 the first refusal of an address has its line, the others are counted in one more", async () => {
  const lines = await linesOf((refusals) => {
    for (let i = 0; i < 5; i++) refusals.add("192.0.2.1", "too fast", null);
    refusals.add("192.0.2.2", "handshake failed", "no shared cipher");
  });
  assert.deepEqual(lines, [
    ["refused", "192.0.2.1", "too fast", null],
    ["refused", "192.0.2.2", "handshake failed", "no shared cipher"],
    ["refused again", "192.0.2.1", "too fast", 4],
  ]);
});

Deno.test("S1 another reason is another line", async () => {
  const lines = await linesOf((refusals) => {
    refusals.add("192.0.2.1", "too fast", null);
    refusals.add("192.0.2.1", "banned", null);
  });
  assert.deepEqual(lines.map(([, , reason]) => reason), ["too fast", "banned"]);
});

Deno.test("S3 names and texts that a stranger makes up take no lines from others", async () => {
  const lines = await linesOf((refusals) => {
    for (let i = 0; i < 1000; i++) {
      refusals.add("192.0.2.1", "wrong server name", `fmsg.${i}.test`);
      refusals.add(`2001:db8::${i}`, "handshake failed", `text ${i}`);
    }
    refusals.add("192.0.2.2", "banned", null);
  });
  assert.deepEqual(lines, [
    ["refused", "192.0.2.1", "wrong server name", "fmsg.0.test"],
    ["refused", "2001:db8::0", "handshake failed", "text 0"],
    ["refused", "192.0.2.2", "banned", null],
    ["refused again", "192.0.2.1", "wrong server name", 999],
    ["refused again", "2001:db8::0", "handshake failed", 999],
  ]);
});

Deno.test("S3 many addresses share a line for each reason, and every refusal is counted", async () => {
  const lines = await linesOf((refusals) => {
    for (let i = 0; i < 5000; i++) {
      refusals.add(`10.0.${i >> 8}.${i & 255}`, "handshake failed", null);
      if (i % 5 === 0) refusals.add(`10.0.${i >> 8}.${i & 255}`, "too fast", null);
    }
    // One that has its line keeps it.
    refusals.add("10.0.0.0", "too fast", null);
  });
  assert.ok(lines.length <= 203, `${lines.length} lines`);
  const counted = lines.reduce(
    (sum, [message, , , times]) => sum + (message === "refused" ? 1 : Number(times)),
    0,
  );
  assert.equal(counted, 6001);
  const together = lines.filter(([, peer]) => peer === "many addresses");
  assert.deepEqual(together.map(([, , reason]) => String(reason)).toSorted(), [
    "handshake failed",
    "too fast",
  ]);
  assert.ok(lines.some(([message, peer]) => message === "refused again" && peer === "10.0.0.0"));
});

Deno.test("S1 what was gathered is told after a while, and then an address has its line again", async () => {
  const { log, lines } = told();
  using refusals = new Refusals(log, 20);
  for (let i = 0; i < 3; i++) refusals.add("192.0.2.1", "banned", null);
  await waitFor(() => lines().length === 2);
  assert.deepEqual(lines()[1], ["refused again", "192.0.2.1", "banned", 2]);
  refusals.add("192.0.2.1", "banned", null);
  await waitFor(() => lines().length === 3);
  assert.deepEqual(lines()[2], ["refused", "192.0.2.1", "banned", null]);
});

// The host's log: JSON lines, or lines for people.
import assert from "node:assert/strict";
import { type Level, Log, type LogOptions } from "../../src/host/log.ts";

interface Written {
  readonly log: Log;
  /** What was written so far, write by write. */
  readonly writes: string[];
}

function logTo(options: Partial<LogOptions> = {}): Written {
  const writes: string[] = [];
  const log = new Log({
    level: "debug",
    readable: false,
    write: (text) => writes.push(text),
    ...options,
  });
  return { log, writes };
}

/** Lines are written once the turn is over in which they were logged. */
async function turn(): Promise<void> {
  await Promise.resolve();
}

/** The one line that `write` logs. */
async function line(readable: boolean, write: (log: Log) => void): Promise<string> {
  const { log, writes } = logTo({ readable });
  write(log);
  await turn();
  const text = writes.join("");
  assert.match(text, /^[^\n]*\n$/);
  return text.trimEnd();
}

const EVERY_LEVEL: readonly Level[] = ["debug", "info", "warn", "error"];

Deno.test("S4 a line is one JSON object with time, level, message and fields", async () => {
  const before = Date.now();
  const text = await line(false, (log) =>
    log.warn("exchange", {
      peer: "192.0.2.1",
      codes: [64, 200],
      ms: 1.5,
      detail: null,
      ok: true,
      text: 'with "quotes"\nand lines',
    }));
  const { time, ...rest } = JSON.parse(text);
  assert.deepEqual(rest, {
    level: "warn",
    msg: "exchange",
    peer: "192.0.2.1",
    codes: [64, 200],
    ms: 1.5,
    detail: null,
    ok: true,
    text: 'with "quotes"\nand lines',
  });
  assert.ok(Date.parse(time) >= before && Date.parse(time) <= Date.now());
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

Deno.test("for people a line is short: what is null or empty is left out", async () => {
  const text = await line(
    true,
    (log) =>
      log.info("exchange", {
        peer: "192.0.2.1",
        codes: [64, 200],
        detail: null,
        domain: "",
        ms: 3,
      }),
  );
  assert.match(text, /^\d\d:\d\d:\d\d INFO {2}exchange peer="192\.0\.2\.1" codes=64,200 ms=3$/);
});

for (const level of EVERY_LEVEL) {
  Deno.test(`at the level ${level} nothing less important is written`, async () => {
    const { log, writes } = logTo({ level });
    for (const each of EVERY_LEVEL) log[each](each);
    await turn();
    const levels = writes.join("").trim().split("\n").map((text) => JSON.parse(text).level);
    assert.deepEqual(levels, EVERY_LEVEL.slice(EVERY_LEVEL.indexOf(level)));
  });
}

Deno.test("the level can change while the host runs", async () => {
  const { log, writes } = logTo({ level: "error" });
  log.info("before");
  log.setLevel("debug");
  log.debug("after");
  await turn();
  assert.deepEqual(writes.map((text) => JSON.parse(text).msg), ["after"]);
});

Deno.test("what one turn logs is written at once, in its order, and nothing twice", async () => {
  const { log, writes } = logTo();
  for (const message of ["a", "b", "c"]) log.info(message);
  assert.equal(writes.length, 0);
  await turn();
  log.info("d");
  await turn();
  const messages = writes.map((text) =>
    text.trimEnd().split("\n").map((one) => JSON.parse(one).msg)
  );
  assert.deepEqual(messages, [["a", "b", "c"], ["d"]]);
});

for (const readable of [false, true]) {
  const form = readable ? "for people" : "of JSON";
  Deno.test(`S3 in a line ${form} no character reaches the terminal that it obeys or hides`, async () => {
    // A new line, a terminal's control sequences of 7 and 8 bits, and text that runs backwards.
    const evil = "a\nb\x1b[2J\x7f\x9b31m\u2028\u202egnp.exe\u200b\ufeff";
    const text = await line(
      readable,
      (log) => log.info("refused", { detail: evil, names: [evil, "b"] }),
    );
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f\u2028\u202e\u200b\ufeff]/);
    assert.match(text, /\\u009b31m/);
    if (!readable) {
      const { detail, names } = JSON.parse(text);
      assert.deepEqual([detail, names], [evil, [evil, "b"]]);
    }
  });
}

Deno.test("names in other scripts are written as they are", async () => {
  const text = await line(
    true,
    (log) => log.info("user", { address: "@José.日本@пример.example" }),
  );
  assert.match(text, /@José\.日本@пример\.example/);
});

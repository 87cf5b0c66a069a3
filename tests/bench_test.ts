// The bench works: it measures every group on real hosts and cleans up. What it measures is not judged here.

import assert from "node:assert/strict";
import { join } from "node:path";
import * as v from "valibot";
import { rewrite } from "../bench/report.ts";
import { RESULT, type Result } from "../bench/result.ts";

const BENCH = new URL("../bench/main.ts", import.meta.url).pathname;
const DOCUMENT = new URL("../docs/performance.md", import.meta.url).pathname;

/** All but "page": that one needs Chromium, which tests outside of tests/system do without. */
const GROUPS = "machine,accept,attachments,queue,send,wire,memory,start,api";

Deno.test("a quick bench measures every group on real hosts, and leaves no file and no process behind", async () => {
  await withFolder(async (folder) => {
    const data = join(folder, "data");
    Deno.mkdirSync(data);
    const { code, stdout, stderr } = await bench(
      ["--quick", "--only", GROUPS, "--dir", data, "--json", join(folder, "result.json")],
    );
    assert.equal(code, 0, stderr);
    const result = readResult(folder);
    for (const { title, rows } of result.tables) {
      assert.ok(stdout.includes(title), `${title} is printed`);
      for (const { label, values } of rows) {
        // Others may use the loopback interface all the time; then bytes on the wire cannot be counted.
        if (title.startsWith("On the wire")) continue;
        assert.ok(Object.keys(values).length > 0, `${title}, ${label} was measured`);
        for (const [column, value] of Object.entries(values)) {
          assert.ok(
            Number.isFinite(value) && value >= 0,
            `${title}, ${label}, ${column}: ${value}`,
          );
        }
      }
    }
    assert.deepEqual([...Deno.readDirSync(data)], []);
    assert.deepEqual(processesThatName(folder), []);

    const document = Deno.readTextFileSync(DOCUMENT);
    for (const { group } of result.tables) {
      assert.ok(
        document.includes(`<!-- bench: ${group} -->`),
        `the document has a place for ${group}`,
      );
    }
    const rewritten = rewrite(document, result);
    for (const { title } of result.tables) {
      assert.ok(rewritten.includes(`| ${title} `), `the document shows ${title}`);
    }
    assert.equal(rewrite(rewritten, result), rewritten);
    await assertFormatted(rewritten, folder);
  });
});

Deno.test("a bench that is interrupted stops its hosts and removes its folder", async () => {
  await withFolder(async (folder) => {
    const child = start(["--quick", "--only", "accept", "--dir", folder]);
    const output = new Response(child.stderr).text();
    while (processesThatName(folder).length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.kill("SIGTERM");
    const { code } = await child.status;
    await child.stdout.cancel();
    assert.equal(code, 130, await output);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    assert.deepEqual(processesThatName(folder), []);
  });
});

Deno.test("an unknown group is named, with those that there are, and the exit status is 2", async () => {
  const { code, stderr } = await bench(["--only", "accept,speed"]);
  assert.equal(code, 2);
  assert.match(stderr, /"speed".*accept, attachments, queue/);
});

function start(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", BENCH, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function bench(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await start(args).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-bench-test-" });
  try {
    await work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function readResult(folder: string): Result {
  return v.parse(RESULT, JSON.parse(Deno.readTextFileSync(join(folder, "result.json"))));
}

/** Command lines of hosts and helpers, which all name a file below the folder of the data. */
function processesThatName(folder: string): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(
    ({ name }) => {
      try {
        const command = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
        return command.includes(folder) ? [command] : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    },
  );
}

async function assertFormatted(markdown: string, folder: string): Promise<void> {
  const file = join(folder, "performance.md");
  Deno.writeTextFileSync(file, markdown);
  const config = new URL("../deno.json", import.meta.url).pathname;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--check", "--config", config, file],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

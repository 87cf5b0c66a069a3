import assert from "node:assert/strict";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

async function demo(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string; left: string[] }> {
  const temp = Deno.makeTempDirSync();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN, "demo", ...args],
      env: { TMPDIR: temp, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const left = [...Deno.readDirSync(temp)].map(({ name }) => name);
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr), left };
  } finally {
    Deno.removeSync(temp, { recursive: true });
  }
}

Deno.test("demo: two hosts exchange a message, a reply and an added recipient, and nothing is left behind", async () => {
  const { code, stdout, stderr, left } = await demo();
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /1\. Alice writes to Bob[\s\S]*asked, and answered[\s\S]*64 continue, 200 accept/,
  );
  assert.match(stdout, /2\. Bob replies[\s\S]*not asked[\s\S]*64 continue, 200 accept/);
  assert.match(stdout, /3\. Alice adds Carol[\s\S]*65 skip data, 103 user duplicate, 200 accept/);
  assert.match(stdout, /the same on both hosts/);
  for (const line of stdout.split("\n")) {
    assert.ok(line.length <= 80, `wider than 80 columns: ${line}`);
  }
  assert.deepEqual(left, []);
});

Deno.test("demo --json: prints one JSON value with each step's codes, hashes and bytes", async () => {
  const { code, stdout } = await demo("--json");
  assert.equal(code, 0);
  const { steps } = JSON.parse(stdout);
  assert.deepEqual(steps.map(({ codes }: { codes: number[] }) => codes), [[64, 200], [64, 200], [
    65,
    103,
    200,
  ]]);
  assert.deepEqual(steps.map(({ challenge }: { challenge: string }) => challenge), [
    "ok",
    "none",
    "ok",
  ]);
  for (const { hash, header_hash, bytes } of steps) {
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.match(header_hash, /^[0-9a-f]{64}$/);
    assert.ok(bytes > 0);
  }
});

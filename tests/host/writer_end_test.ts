// A host whose store is lost to it ends at once, and says why.

import assert from "node:assert/strict";
import { join } from "node:path";
import { draft, noise } from "../support/message.ts";
import { within } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { audit } from "../store/audit.ts";

const CHILD = join(import.meta.dirname ?? ".", "dying_writer_child.ts");

/** What a host logs, line by line; the runtime has its own words for a thread that ended, which are left out. */
async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Record<string, unknown>> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("{")) yield JSON.parse(line);
    }
  }
  assert.equal(rest, "", "the last line is whole");
}

for (const when of ["while nothing goes on", "in the middle of a message"] as const) {
  Deno.test(`S3 a writer that ends ${when} ends the host with 1 and one line, and the store is whole`, async () => {
    await using world = await World.make();
    const host = await world.host({ challenge: "never", start: false });
    await host.addUser(host.address("alice"));
    const peer = await world.peer();
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CHILD, "host", "run", "--config", host.configFile],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const lines = linesOf(child.stderr);
    for (let listening = false; !listening;) {
      const { value, done } = await within(60_000, "the host to listen", lines.next());
      assert.ok(done !== true, "the host ended at its start");
      listening = value["msg"] === "listening";
    }
    const letter = draft({
      from: peer.address("ann"),
      to: [host.address("alice")],
      body: noise(100_000),
    });
    const sent = when === "in the middle of a message"
      ? await peer.send(letter, {
        onFirst: () => child.kill("SIGUSR2"),
        // The connection ends with the process.
        lastByteAfter: child.status,
      })
      : null;
    if (sent === null) child.kill("SIGUSR2");
    else assert.deepEqual(sent.codes, [64]);
    const { code } = await within(60_000, "the host to end", child.status);
    assert.equal(code, 1);
    const errors = (await Array.fromAsync(lines)).filter(({ level }) => level === "error");
    assert.deepEqual(errors.map(({ msg }) => msg), ["the host cannot go on"]);
    assert.match(
      String(errors[0]?.["error"]),
      /^The store's thread ended: .*the thread came to its end: restart the host$/,
    );
    await host.start();
    assert.deepEqual((await peer.send(letter)).codes, [64, 200]);
    assert.equal(await host.stop(), 0);
    audit(host.dataDir);
  });
}

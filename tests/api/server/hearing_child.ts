// The case of hearing_test.ts in which the process has no file descriptor left while somebody connects; it is run with
// few of them.
import { connect } from "node:net";
import { sleep, waitFor } from "../../support/wait.ts";
import { Stage } from "./stage.ts";

// As the host does. The runtime cannot prepare for signals once it has no file descriptor left, and wants to.
const onHangUp = (): void => {};
Deno.addSignalListener("SIGHUP", onHangUp);

const stage = await Stage.open({ hearingCheckMs: 200 });

// What the runtime loads at its first connection, it cannot load later.
await exchange();

const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  // All are taken.
}
// One for the client; there is none for the other end.
files.pop()?.close();
const first = connect(stage.port, "127.0.0.1");
first.on("error", () => {});
await sleep(300);
for (const file of files) file.close();
first.destroy();

await waitFor(() => stage.reopened.length > 0);
await exchange();
await stage[Symbol.asyncDispose]();
Deno.removeSignalListener("SIGHUP", onHangUp);
console.log(JSON.stringify(stage.reopened));

async function exchange(): Promise<void> {
  const client = await stage.client();
  client.write("GET / HTTP/1.1\nHost: a\nConnection: close\n\n");
  await client.saw("200 OK");
}

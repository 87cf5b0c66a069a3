// The case of control_test.ts in which the process has no file descriptor left; it is run with few of them.
import { ControlServer, controlSocket } from "../../src/host/control.ts";
import { connectToHost } from "../../src/host/control_client.ts";
import { StoreWriter } from "../../src/store/mod.ts";
import { TestStore } from "../store/support.ts";
import { OPERATOR } from "./operator.ts";
import { sleep } from "../support/wait.ts";

await using store = await TestStore.open();
await using _server = new ControlServer(store.folder, store.writer, OPERATOR);

// As a host does at its start: the runtime cannot begin to listen for signals later, without descriptors (Deno 2.9).
const heard = (): void => {};
Deno.addSignalListener("SIGHUP", heard);

const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  // All are taken.
}
// One for the client; there is none for the other end.
files.pop()?.close();
const first = await Deno.connect({ transport: "unix", path: controlSocket(store.folder) });
await sleep(300);
for (const file of files) file.close();
first.close();

const backend = await connectToHost(store.folder);
if (backend === null) throw new Error("No host answers");
await using writer = new StoreWriter(backend);
console.log(await writer.submit("retry", { message: null }));
Deno.removeSignalListener("SIGHUP", heard);

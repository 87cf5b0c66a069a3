// A client in a process of its own, which answers pings whatever this process does. It prints a line for each.

// @ts-types="@types/ws"
// @ts-types="../../../src/api/events/ws.d.ts"
import { WebSocket } from "ws";
import { PATIENCE, within } from "../../support/wait.ts";

export class AnsweringProcess implements AsyncDisposable {
  readonly #lines: ReadableStreamDefaultReader<string>;

  private constructor(private readonly process: Deno.ChildProcess) {
    this.#lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Resolves once its socket is open. */
  static async open(
    { ip, port }: { readonly ip: string; readonly port: number },
    token: string,
  ): Promise<AnsweringProcess> {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", import.meta.url, `ws://${ip}:${port}/fmsg/ws`, token],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const client = new AnsweringProcess(process);
    await client.pinged();
    return client;
  }

  /** Resolves with the next ping, and throws when the socket is closed instead. */
  async pinged(): Promise<void> {
    const { value } = await within(PATIENCE, "a ping", this.#lines.read());
    if (value === undefined || value.includes("closed")) throw new Error("The socket was closed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.status;
    await this.#lines.cancel();
  }
}

if (import.meta.main) {
  const [url = "", token = ""] = Deno.args;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  socket.on("open", () => console.log("open"));
  socket.on("ping", () => console.log("ping"));
  socket.on("error", () => {});
  socket.on("close", () => console.log("closed"));
}

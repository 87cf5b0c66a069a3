// A helper process of the bench: it gets its orders in the arguments and answers with lines of JSON. It waits for a line
// on its standard input where the bench wants to look at something first, and ends when that is closed.

import { NO_UPDATE_CHECK } from "./host_process.ts";

/** How long a helper may take for one answer, in milliseconds. */
const ANSWER_MS = 180_000;

/** The bench's side. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #text = "";

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(process.stderr).text();
  }

  /** Runs a script of this folder; `roots` is a file of the authorities that it trusts. */
  static start(script: string, orders: unknown, roots: string): Child {
    return new Child(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", new URL(script, import.meta.url).href, JSON.stringify(orders)],
        env: { DENO_CERT: roots, ...NO_UPDATE_CHECK },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Its next answer. Throws an Error with what it wrote to stderr when it ends instead. */
  async answer(): Promise<unknown> {
    const timer = setTimeout(() => this.#kill(), ANSWER_MS);
    try {
      for (;;) {
        const end = this.#text.indexOf("\n");
        if (end >= 0) {
          const line = this.#text.slice(0, end);
          this.#text = this.#text.slice(end + 1);
          return JSON.parse(line);
        }
        const { value } = await this.#output.read();
        if (value === undefined) {
          throw new Error(`A helper of the bench ended early: ${await this.#errors}`);
        }
        this.#text += value;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets it go on. */
  async go(): Promise<void> {
    await this.#input.write(Uint8Array.of(0x0a));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#process.status;
    await this.#input.close().catch(() => {});
    await this.#output.cancel();
    await this.#errors;
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

/** The helper's side: its orders, as the bench wrote them. */
export function orders(): string {
  return Deno.args[0] ?? "{}";
}

/** Answers the bench. */
export function say(answer: unknown): void {
  let rest = new TextEncoder().encode(`${JSON.stringify(answer)}\n`);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

/** Waits until the bench lets this process go on; ends the process when the bench is gone. */
export async function heard(): Promise<void> {
  const buffer = new Uint8Array(64);
  const read = await Deno.stdin.read(buffer);
  if (read === null) Deno.exit(1);
}

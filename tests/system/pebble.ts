// Debian's pebble, an authority for tests (RFC 8555), on loopback addresses of a world: with its own certificate of
// the world's authority, and the world's DNS.

import { join } from "node:path";
import { waitFor } from "../support/wait.ts";
import type { World } from "../support/world.ts";
import { MANAGEMENT_PORT, PORT, setUpPebble } from "./stage/pebble.ts";

export interface PebbleChoices {
  /** PEBBLE_VA_NOSLEEP, PEBBLE_WFE_NONCEREJECT and others; validations are at once unless told. */
  readonly env?: Readonly<Record<string, string>>;
  /** Keys of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** With the changes of the protocol that are to come. */
  readonly strict?: boolean;
  /** Where it listens; an address of its own unless given. */
  readonly ip?: string;
}

/** The port that its validations ask, in the place of 80. */
export const HTTP_PORT = 5002;

export class Pebble implements AsyncDisposable {
  readonly directory: string;
  readonly ip: string;
  readonly #world: World;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<void>;
  /** What it wrote, for whoever looks for the reason of a failure. */
  log = "";

  private constructor(world: World, ip: string, child: Deno.ChildProcess) {
    this.#world = world;
    this.ip = ip;
    this.directory = `https://${ip}:${PORT}/dir`;
    this.#child = child;
    this.#output = this.#read(child.stdout);
  }

  static async start(world: World, choices: PebbleChoices = {}): Promise<Pebble> {
    const ip = choices.ip ?? world.address();
    const folder = join(world.folder, `pebble-${crypto.randomUUID()}`);
    await Deno.mkdir(folder);
    const { files, argv: [command, ...args] } = await setUpPebble({
      folder,
      authority: world.authority,
      ip,
      httpPort: HTTP_PORT,
      dns: `${world.dns.ip}:${world.dns.port}`,
      ...choices,
    });
    for (const [file, text] of files) await Deno.writeTextFile(file, text);
    const child = new Deno.Command(command, {
      args,
      env: { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0", ...choices.env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const pebble = new Pebble(world, ip, child);
    try {
      await waitFor(() => pebble.log.includes("ACME directory available at"), {
        what: "pebble to listen",
      });
      return pebble;
    } catch (error) {
      await pebble[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The root of the certificates that it gives (PEM). */
  async root(): Promise<string> {
    return await this.#manage("/roots/0");
  }

  /** Ends it: everything it knows is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await this.#child.status;
    await this.#output;
  }

  async #manage(path: string): Promise<string> {
    using client = Deno.createHttpClient({ caCerts: [this.#world.authority.pem] });
    const url = `https://${this.ip}:${MANAGEMENT_PORT}${path}`;
    const response = await fetch(url, { client });
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    return await response.text();
  }

  async #read(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) this.log += text;
  }
}

// The control socket: through it commands give the running host operations for its writer, so that every change passes
// one place, and the host hears of it from the commit.

import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import {
  type Committed,
  type Operation,
  type Outcome,
  own,
  type StoreWriter,
  type WriterBackend,
} from "../store/mod.ts";
import { PROGRAM_VERSION } from "../version.ts";

interface Request {
  /** Both sides are the same program; after an upgrade the running one may still be the old. */
  readonly version: string;
  readonly operations: readonly Operation[];
}

type Response =
  | { readonly kind: "committed"; readonly committed: Committed }
  | { readonly kind: "refused"; readonly message: string };

/** A command stages content in chunks of 64 KiB, a few at a time; whatever is larger is no request of ours. */
const MAX_FRAME = 8 * 1024 * 1024;

/** How long to wait when a connection could not be accepted, in milliseconds. */
const ACCEPT_AGAIN_MS = 100;

export function controlSocket(dataDir: string): string {
  return join(dataDir, "control.sock");
}

/** Serves commands until it is closed. */
export class ControlServer implements AsyncDisposable {
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #writer: StoreWriter;
  readonly #connections = new Set<Deno.UnixConn>();
  readonly #serving: Promise<void>;
  #closed = false;

  /** The directory has to be locked by this process: what lies at the socket's path is left from a crash. */
  constructor(dataDir: string, writer: StoreWriter) {
    this.#path = controlSocket(dataDir);
    this.#writer = writer;
    removeIfThere(this.#path);
    this.#listener = Deno.listen({ transport: "unix", path: this.#path });
    own(this.#path, dataDir, 0o660);
    this.#serving = this.#accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#serving;
    removeIfThere(this.#path);
  }

  async #accept(): Promise<void> {
    const serving = new Set<Promise<void>>();
    for (;;) {
      const connection = await this.#next();
      if (connection === null) break;
      this.#connections.add(connection);
      const served = this.#serve(connection).catch(() => {}).finally(() => serving.delete(served));
      serving.add(served);
    }
    await Promise.all(serving);
  }

  /** The next connection, or null when closed. A machine out of file descriptors is no reason to end the host. */
  async #next(): Promise<Deno.UnixConn | null> {
    for (;;) {
      try {
        return await this.#listener.accept();
      } catch {
        if (this.#closed) return null;
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_AGAIN_MS));
      }
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    const staged = new Set<string>();
    try {
      for (;;) {
        const request = await readFrame(connection);
        if (request === null) return;
        await writeFrame(connection, await this.#answer(request, staged));
      }
    } finally {
      this.#connections.delete(connection);
      closeQuietly(connection);
      // What a command that was interrupted had staged is of no use to anybody.
      for (const token of staged) await this.#writer.submit("discard", { token }).catch(() => {});
    }
  }

  async #answer(request: unknown, staged: Set<string>): Promise<Response> {
    if (!isRequest(request) || request.version !== PROGRAM_VERSION) {
      return {
        kind: "refused",
        message:
          `the running host is fmsg ${PROGRAM_VERSION}: restart it, or use that version of the command`,
      };
    }
    for (const { name, input } of request.operations) if (name === "stage") staged.add(input.token);
    const outcomes = await Promise.all(
      request.operations.map(async (operation): Promise<Outcome> => {
        const { name, input } = operation;
        try {
          return { ok: true, value: await this.#writer.submit(name, input) };
        } catch (error) {
          return { ok: false, message: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    // The host hears of changes from the commit itself; a command has nobody to tell.
    return { kind: "committed", committed: { outcomes, changes: [] } };
  }
}

/** The running host as a backend for a command's operations; null when no host answers. */
export async function connectToHost(dataDir: string): Promise<WriterBackend | null> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path: controlSocket(dataDir) });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) {
      return null;
    }
    throw error;
  }
  return {
    run: async (operations) => {
      await writeFrame(connection, { version: PROGRAM_VERSION, operations } satisfies Request);
      const response = await readFrame(connection);
      if (!isResponse(response)) {
        throw new Error("The running host ended before it answered: try again");
      }
      if (response.kind === "refused") throw new Error(response.message);
      return response.committed;
    },
    close: () => Promise.resolve(connection.close()),
  };
}

/** A frame is its length in 4 bytes, and a value in the runtime's own serialization. */
async function writeFrame(connection: Deno.Conn, value: Request | Response): Promise<void> {
  const body = new Uint8Array(serialize(value));
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  let rest = frame.subarray();
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}

/** The next value, or null at the end. */
async function readFrame(connection: Deno.Conn): Promise<unknown> {
  const head = await readExactly(connection, 4);
  if (head === null) return null;
  const length = new DataView(head.buffer).getUint32(0);
  if (length > MAX_FRAME) throw new RangeError(`A frame of ${length} bytes is none of ours`);
  const body = await readExactly(connection, length);
  return body === null ? null : deserialize(body);
}

async function readExactly(
  connection: Deno.Conn,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = await connection.read(bytes.subarray(at));
    if (read === null) return null;
    at += read;
  }
  return bytes;
}

function isRequest(value: unknown): value is Request {
  return typeof value === "object" && value !== null && "version" in value &&
    "operations" in value &&
    Array.isArray(value.operations);
}

function isResponse(value: unknown): value is Response {
  return typeof value === "object" && value !== null && "kind" in value &&
    (value.kind === "committed" || value.kind === "refused");
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed already.
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

// The control socket: through it commands give the running host operations for its writer, so that every change passes
// one place, and the host hears of it from the commit; and an operator asks what goes on.

import { join } from "node:path";
import { type Operation, type Outcome, own, StoreError, type StoreWriter } from "../store/mod.ts";
import { PROGRAM_VERSION } from "../version.ts";
import { readFrame, type Request, type Response, writeFrame } from "./frames.ts";
import type { Ban } from "./offenders.ts";
import type { Status } from "./status.ts";

/** What an operator can ask of a running host. */
export interface Operator {
  status(): Promise<Status>;
  bans(): readonly Ban[];
  /** `seconds` null: as long as the configuration says. A text says why that address cannot be banned. */
  ban(ip: string, seconds: number | null): Ban | string;
  /** False when it was not banned. */
  lift(ip: string): boolean;
}

/** How long to wait when a connection could not be accepted, in milliseconds. */
const ACCEPT_AGAIN_MS = 100;

/** Bytes that the path of a socket may have; the system's bound. */
const MAX_PATH = 107;

/** Throws a StoreError when the directory's path leaves no room for it. */
export function controlSocket(dataDir: string): string {
  const path = join(dataDir, "control.sock");
  const { length } = new TextEncoder().encode(path);
  if (length > MAX_PATH) {
    throw new StoreError(
      `data_dir: ${dataDir} is too long: the path of the socket in it would have ${length} bytes, more than ${MAX_PATH}; choose a shorter one`,
    );
  }
  return path;
}

/** Serves commands until it is closed. */
export class ControlServer implements AsyncDisposable {
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #writer: StoreWriter;
  readonly #operator: Operator;
  readonly #connections = new Set<Deno.UnixConn>();
  readonly #serving: Promise<void>;
  #closed = false;

  /** The directory has to be locked by this process: what lies at the socket's path is left from a crash. */
  constructor(dataDir: string, writer: StoreWriter, operator: Operator) {
    this.#path = controlSocket(dataDir);
    this.#writer = writer;
    this.#operator = operator;
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
    switch (request.kind) {
      case "operations":
        return await this.#carryOut(request.operations, staged);
      case "status":
        return await this.#status();
      case "bans":
        return { kind: "bans", bans: this.#operator.bans() };
      case "ban": {
        const ban = this.#operator.ban(request.ip, request.seconds);
        return typeof ban === "string"
          ? { kind: "refused", message: ban }
          : { kind: "bans", bans: [ban] };
      }
      case "lift":
        return { kind: "lifted", lifted: this.#operator.lift(request.ip) };
    }
  }

  async #status(): Promise<Response> {
    try {
      return { kind: "status", status: await this.#operator.status() };
    } catch (error) {
      return {
        kind: "refused",
        message: `The host cannot tell its status: ${
          error instanceof Error ? error.message : error
        }; see its log`,
      };
    }
  }

  async #carryOut(operations: readonly Operation[], staged: Set<string>): Promise<Response> {
    for (const { name, input } of operations) if (name === "stage") staged.add(input.token);
    const outcomes = await Promise.all(
      operations.map(async ({ name, input }): Promise<Outcome> => {
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

function isRequest(value: unknown): value is Request {
  return typeof value === "object" && value !== null && "version" in value && "kind" in value;
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

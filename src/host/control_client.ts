// A command's side of the control socket.

import type { Committed, Operation, WriterBackend } from "../store/mod.ts";
import { PROGRAM_VERSION } from "../version.ts";
import { controlSocket } from "./control.ts";
import { readFrame, type Request, type Response, writeFrame } from "./frames.ts";
import type { Ban } from "./offenders.ts";
import type { Status } from "./status.ts";

/** A connection to the running host: a backend for a command's operations, and what an operator asks. */
export class HostConnection implements WriterBackend, Disposable {
  constructor(private readonly connection: Deno.UnixConn) {}

  async run(operations: readonly Operation[]): Promise<Committed> {
    const answer = await this.#ask({ version: PROGRAM_VERSION, kind: "operations", operations });
    return answer.kind === "committed" ? answer.committed : unexpected();
  }

  async status(): Promise<Status> {
    const answer = await this.#ask({ version: PROGRAM_VERSION, kind: "status" });
    return answer.kind === "status" ? answer.status : unexpected();
  }

  async bans(): Promise<readonly Ban[]> {
    const answer = await this.#ask({ version: PROGRAM_VERSION, kind: "bans" });
    return answer.kind === "bans" ? answer.bans : unexpected();
  }

  /** Throws an Error that says why that address cannot be banned. */
  async ban(ip: string, seconds: number | null): Promise<Ban> {
    const answer = await this.#ask({ version: PROGRAM_VERSION, kind: "ban", ip, seconds });
    const [ban] = answer.kind === "bans" ? answer.bans : [];
    return ban ?? unexpected();
  }

  /** False when it was not banned. */
  async lift(ip: string): Promise<boolean> {
    const answer = await this.#ask({ version: PROGRAM_VERSION, kind: "lift", ip });
    return answer.kind === "lifted" ? answer.lifted : unexpected();
  }

  close(): Promise<void> {
    this.connection.close();
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }

  async #ask(request: Request): Promise<Exclude<Response, { kind: "refused" }>> {
    await writeFrame(this.connection, request);
    const response = await readFrame(this.connection);
    if (!isResponse(response)) {
      throw new Error("The running host ended before it answered: try again");
    }
    if (response.kind === "refused") throw new Error(response.message);
    return response;
  }
}

/** The running host of a data directory, or null when none answers. */
export async function connectToHost(dataDir: string): Promise<HostConnection | null> {
  try {
    return new HostConnection(
      await Deno.connect({ transport: "unix", path: controlSocket(dataDir) }),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) {
      return null;
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new Error(
        `This user may not talk to the host on ${dataDir}: run the command as the user that the host runs as`,
        { cause: error },
      );
    }
    throw error;
  }
}

function unexpected(): never {
  throw new Error("The running host answered something else: restart it");
}

function isResponse(value: unknown): value is Response {
  return typeof value === "object" && value !== null && "kind" in value;
}

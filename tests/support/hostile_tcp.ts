// A plain TCP connection of somebody who means harm: as cheap as the runtime has it, and closed in every way.

import { connect, type Socket } from "node:net";

/** Whom it is meant for, and where it comes from. */
export interface Victim {
  readonly ip: string;
  readonly port: number;
  /** The name that the host listens to: `fmsg.<domain>`. */
  readonly serverName: string;
  /** The address to leave from; the system chooses unless given. */
  readonly source?: string;
}

/** What this process has done to others so far. */
export const spent = { connections: 0, bytes: 0 };

export class HostileTcp {
  /** Resolves when the connection is closed, by whomever. */
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #chunks: Uint8Array[] = [];
  #over = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.gone = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** Null when the host does not take the connection, or when `signal` is aborted: that ends the connection later too. */
  static connect({ ip, port, source }: Victim, signal: AbortSignal): Promise<HostileTcp | null> {
    if (signal.aborted) return Promise.resolve(null);
    const socket = connect({
      host: ip,
      port,
      noDelay: true,
      ...(source === undefined ? {} : { localAddress: source }),
    });
    const abort = (): void => void socket.destroy();
    signal.addEventListener("abort", abort);
    socket.once("close", () => signal.removeEventListener("abort", abort));
    socket.on("error", () => {});
    return new Promise((resolve) => {
      socket.once("connect", () => {
        spent.connections++;
        resolve(new HostileTcp(socket));
      });
      socket.once("close", () => resolve(null));
    });
  }

  /** The other side has ended, or the connection is closed. */
  get over(): boolean {
    return this.#over;
  }

  /** The next bytes; null when no more will come. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return chunk;
      if (this.#over) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Resolves once the system took the bytes; false when the connection is lost. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#socket.destroyed || !this.#socket.writable) return false;
    spent.bytes += bytes.length;
    if (this.#socket.write(bytes)) return true;
    await new Promise<void>((resolve) => {
      this.#socket.once("drain", resolve);
      void this.gone.then(resolve);
    });
    return !this.#socket.destroyed;
  }

  /** Lets `ms` pass, or less when the connection is over before; false then. */
  async pause(ms: number): Promise<boolean> {
    if (this.#over) return false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const passed = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
    await Promise.race([passed, this.gone]);
    clearTimeout(timer);
    return !this.#over;
  }

  /** Takes and forgets what comes until the other side ends. */
  async drain(): Promise<void> {
    while (await this.read() !== null);
  }

  close(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #end(): void {
    this.#over = true;
    this.#wake();
  }
}

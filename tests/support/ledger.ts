// Sockets and servers that are open: the runtime's leak checks do not see those of node:net and node:tls.

import type { Server, Socket } from "node:net";
import { waitFor } from "./wait.ts";

export class Ledger {
  readonly #sockets = new Map<Socket, string>();
  readonly #servers = new Map<Server, string>();

  socket(socket: Socket, what: string): void {
    this.#sockets.set(socket, what);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  server(server: Server, what: string): void {
    this.#servers.set(server, what);
    server.once("close", () => this.#servers.delete(server));
  }

  /** What is open now, in words. */
  get open(): string[] {
    return [...this.#servers.values(), ...this.#sockets.values()];
  }

  /** Ends everything at once. Throws when something stays open all the same. */
  async closeAll(): Promise<void> {
    for (const server of this.#servers.keys()) if (server.listening) server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
    await waitFor(() => this.open.length === 0, { what: `${this.open.join(", ")} to close` });
  }
}

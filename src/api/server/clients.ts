// Which addresses stand for one client, and which for many.

import { inRanges } from "../../net/mod.ts";
import type { Log } from "../../host/mod.ts";
import type { ApiConfig } from "../context.ts";
import { clientAddress } from "./client_address.ts";

export class Clients {
  readonly #config: () => ApiConfig;
  readonly #log: Log;
  #hinted = false;

  constructor(config: () => ApiConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  /** The client's address, for a request on a socket of `peer`. */
  addressOf(peer: string, forwardedFor: string | null): string {
    const { trusted_proxies } = this.#config();
    if (forwardedFor !== null && !this.#hinted && isLoopback(peer)) {
      this.#hint(peer, trusted_proxies);
    }
    return clientAddress(peer, forwardedFor, trusted_proxies);
  }

  /**
   * A proxy, for which limits on an address would be limits on everybody. Every program of this machine counts as one,
   * since proxies that nobody told of are mostly there.
   */
  standsForMany(ip: string): boolean {
    return isLoopback(ip) || inRanges(ip, this.#config().trusted_proxies);
  }

  #hint(peer: string, trusted: readonly string[]): void {
    if (inRanges(peer, trusted)) return;
    this.#hinted = true;
    this.#log.warn(
      "a proxy on this machine passes requests on, but api.trusted_proxies does not have it: clients' addresses are not known",
      { proxy: peer },
    );
  }
}

/** Of addresses in their canonical form. */
export function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

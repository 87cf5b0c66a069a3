// Whether a server still accepts connections: this host connects to itself.

import { connect } from "node:net";
import { type Endpoint, isIPv6 } from "./ip.ts";

/** How long a server has to take the connection, in milliseconds. */
const WITHIN_MS = 5000;

/** How often it is looked at meanwhile. */
const LOOK_MS = 50;

/**
 * Does the server at `endpoint` accept? `accepted` tells whether it did, whoever called. While this connects, the port
 * that it leaves from is in `probes`. What keeps this machine from connecting at all is no fault of the server.
 */
export function hears(
  endpoint: Endpoint,
  accepted: () => boolean,
  probes: Set<number>,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachable(endpoint.ip), port: endpoint.port });
    let port: number | undefined;
    let connected = false;
    const end = (heard: boolean): void => {
      clearInterval(looking);
      clearTimeout(giveUp);
      socket.destroy();
      // The server may notice this end a moment later.
      setTimeout(() => {
        if (port !== undefined) probes.delete(port);
        resolve(heard);
      }, LOOK_MS);
    };
    const looking = setInterval(() => connected && accepted() && end(true), LOOK_MS);
    const giveUp = setTimeout(() => end(!connected), WITHIN_MS);
    socket.once("connect", () => {
      connected = true;
      port = socket.localPort;
      if (port !== undefined) probes.add(port);
    });
    socket.on("error", (error: Error & { readonly code?: string }) => {
      if (!connected) end(error.code !== "ECONNREFUSED");
    });
  });
}

/** A server on all addresses is called at one of them. */
function reachable(ip: string): string {
  if (ip === "0.0.0.0") return "127.0.0.1";
  return isIPv6(ip) && ip === "::" ? "::1" : ip;
}

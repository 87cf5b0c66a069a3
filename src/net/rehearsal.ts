// How others would see a certificate, before it is served: shown to oneself, on loopback.

import { createServer } from "node:tls";
import { ALPN, type Certificate } from "./listener.ts";
import { type Probe, probe, type ProbeRoots } from "./probe.ts";

const WITHIN_MS = 3000;

/** Never rejects; `silent` where this machine cannot listen on loopback. */
export async function rehearse(
  certificate: Certificate,
  serverName: string,
  roots: ProbeRoots,
  signal?: AbortSignal,
): Promise<Probe> {
  const server = createServer({ ...certificate, minVersion: "TLSv1.3", ALPNProtocols: ALPN });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.resume();
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  try {
    const port = await new Promise<number | null>((resolve) => {
      server.once("error", () => resolve(null));
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(address === null || typeof address === "string" ? null : address.port);
      });
    });
    if (port === null) return { kind: "silent", connected: false };
    return await probe({ ip: "127.0.0.1", port, serverName }, roots, WITHIN_MS, signal);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: "failed", why: "other", detail };
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

// A bare HTTP server of the same runtime, to compare the interface with: answers /SIZE with so many bytes. Started by api.ts.

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { heard, orders as readOrders, say } from "./child.ts";
import type { HttpTarget } from "./http_connection.ts";

async function serve({ ip, port }: HttpTarget): Promise<void> {
  const bodies = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const path = request.url ?? "/0";
    const body = bodies.get(path) ?? Buffer.alloc(Number(path.slice(1)), 0x61);
    bodies.set(path, body);
    response.writeHead(200, { "content-length": body.length });
    response.end(body);
  });
  // Connections wait for one another, as they do at the interface, and are not cut meanwhile.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(port, ip, 4096, () => resolve()));
  say("listening");
  await heard();
}

if (import.meta.main) {
  const target: HttpTarget = JSON.parse(readOrders());
  await serve(target);
}

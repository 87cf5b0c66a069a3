// What the tests of a connection share: one, with the peer at its other end.
import assert from "node:assert/strict";
import type { SocketConnection } from "../../src/net/mod.ts";
import { Terminate, type TerminateReason } from "../../src/protocol/mod.ts";
import {
  type Exchange,
  type Host,
  type ListenOptions,
  type Net,
  type Peer,
  withNet,
} from "./tls_setup.ts";

export interface Both {
  readonly net: Net;
  readonly host: Host;
  readonly exchange: Exchange;
  readonly connection: SocketConnection;
  readonly peer: Peer;
}

/** A connection between a peer and the host, which expects nothing of it. */
export function connected(
  limits: ListenOptions["limits"],
  test: (both: Both) => Promise<void>,
): Promise<void> {
  return withNet(async (net) => {
    const host = await net.listen({ ...(limits === undefined ? {} : { limits }) });
    const peer = await net.peer(host.port);
    const exchange = await host.next();
    const { connection } = exchange;
    connection.expect({ kind: "wait" });
    await test({ net, host, exchange, connection, peer });
  });
}

export async function terminated(
  promise: Promise<unknown>,
  reason: TerminateReason,
): Promise<Terminate> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Terminate, String(error));
    assert.equal(error.reason, reason);
    return error;
  }
  throw new Error(`Not terminated: ${reason}`);
}

/** Reads until the connection is torn down. */
export async function readOn(connection: SocketConnection): Promise<never> {
  while (await connection.readSome() !== null);
  throw new Error("The peer ended its side");
}

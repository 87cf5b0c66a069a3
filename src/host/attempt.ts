// One attempt to deliver a message to a domain: find its host, connect, and run the exchange ("Sending a Message").

import { recipients, wireSize } from "../wire/mod.ts";
import {
  deliverMessage,
  type DeliveryRecord,
  type OutgoingRecord,
  type Response,
  Terminate,
} from "../protocol/mod.ts";
import {
  chooseSource,
  type Dialler,
  type Endpoint,
  listensEverywhere,
  type Resolver,
  type SocketConnection,
} from "../net/mod.ts";
import type { AttemptOutcome, DueDelivery, StoreReader } from "../store/mod.ts";
import type { Config } from "../config.ts";
import type { Places } from "./limiter.ts";

export interface AttemptParts {
  readonly config: () => Config;
  readonly reader: StoreReader;
  readonly resolver: () => Resolver;
  readonly dialler: Dialler;
  readonly outgoing: OutgoingRecord;
  /** Where this host listens. */
  readonly endpoints: readonly Endpoint[];
  /** Places for exchanges under way. */
  readonly exchanges: Places;
}

/** What came of an attempt. */
export interface Attempted extends DeliveryRecord {
  readonly outcome: AttemptOutcome;
  /** The address that was talked to, or "" when none was. */
  readonly peer: string;
  readonly terminated: Terminate | null;
  /** Nobody answered at any address. */
  readonly unreachable: boolean;
  /** The receiving host challenged, and got its answer. */
  readonly challenged: boolean;
}

/** Never throws: what goes wrong is the outcome. `dialled` is called once no more connections are tried. */
export async function attemptDelivery(
  parts: AttemptParts,
  delivery: DueDelivery,
  dialled: () => void,
  signal: AbortSignal,
): Promise<Attempted> {
  const record: DeliveryRecord = { codes: [], bytes: 0 };
  let connection: SocketConnection | null = null;
  let challenged = false;
  try {
    connection = await connectToDomain(parts, delivery.domain, signal);
    dialled();
    using _place = await parts.exchanges.take(signal);
    const abandon = connection.destroy.bind(connection, new Terminate("host is stopping"));
    signal.addEventListener("abort", abandon);
    using registration = parts.outgoing.register( // 3
      delivery.headerHash,
      connection.peer,
      delivery.hash,
    );
    try {
      const response = await exchange(parts, delivery, connection, record);
      connection.close();
      return {
        ...record,
        outcome: outcomeOf(response),
        peer: connection.peer,
        terminated: response.kind === "codes" ? response.lost : null,
        unreachable: false,
        challenged: registration.challenged,
      };
    } finally {
      challenged = registration.challenged;
      signal.removeEventListener("abort", abandon);
    }
  } catch (error) {
    connection?.destroy();
    return {
      ...record,
      outcome: { kind: "failed", reason: error instanceof Error ? error.message : String(error) },
      peer: connection?.peer ?? "",
      terminated: connection === null && !(error instanceof Terminate)
        ? null
        : Terminate.from(error),
      unreachable: connection === null,
      challenged,
    };
  }
}

function exchange(
  { config, reader }: AttemptParts,
  delivery: DueDelivery,
  connection: SocketConnection,
  record: DeliveryRecord,
): Promise<Response> {
  const { delivery: { connect_timeout }, limits: { idle_timeout } } = config();
  const there = recipients(delivery.header).filter(({ domain }) => domain === delivery.domain);
  return deliverMessage(
    connection,
    {
      header: delivery.headerBytes,
      addTo: delivery.header.addTo !== null,
      recipients: there.length,
      content: () => reader.content(delivery.content, wireSize(delivery.header)),
    },
    // The receiving host may have to look up, connect back and ask before it answers.
    (connect_timeout + idle_timeout) * 1000,
    record,
  );
}

function outcomeOf(response: Response): AttemptOutcome {
  switch (response.kind) {
    case "rejected":
      return { kind: "rejected", code: response.code };
    case "add to accepted":
      return { kind: "add to accepted" };
    case "codes":
      return { kind: "codes", codes: response.codes, lost: response.lost?.message ?? null };
  }
}

/** The first address of the domain's host that answers in time (2.1, 2.2). Throws an Error that tells of each. */
async function connectToDomain(
  parts: AttemptParts,
  domain: string,
  signal: AbortSignal,
): Promise<SocketConnection> {
  const { config, dialler, endpoints } = parts;
  const resolver = parts.resolver();
  const serverName = `fmsg.${domain}`;
  const addresses = await addressesOf(resolver, serverName, signal);
  const { delivery, domain: ownDomain } = config();
  const own = delivery.source === null && listensEverywhere(endpoints)
    ? await resolver.addresses(`fmsg.${ownDomain}`, signal)
    : null;
  const failures: string[] = [];
  for (const ip of addresses) {
    const source = chooseSource(
      ip,
      endpoints,
      own?.kind === "addresses" ? own.addresses : [],
      delivery.source,
    );
    if (source.kind === "none") {
      failures.push(`${ip}: this host has no address of that family to leave from`);
      continue;
    }
    try {
      return await dialler.connect({
        ip,
        port: delivery.port,
        serverName,
        source: source.kind === "from" ? source.ip : null,
      }, signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${ip}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(`No host of ${domain} could be reached (${failures.join("; ")})`);
}

async function addressesOf(
  resolver: Resolver,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const resolution = await resolver.addresses(name, signal);
  signal.throwIfAborted();
  switch (resolution.kind) {
    case "addresses":
      return resolution.addresses;
    case "none":
      throw new Error(`${name} has no address in DNS: there is no fmsg host for this domain`);
    case "failed":
      throw new Error(`${name} could not be looked up: ${resolution.reason}`);
    case "bogus":
      throw new Error(`DNSSEC validation of ${name} failed: ${resolution.reason}`);
  }
}

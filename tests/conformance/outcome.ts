// What became of messages, read from the store of a running host as `fmsg show` and `fmsg list` read it.

import { Address, headerHash, hex } from "../../src/wire/mod.ts";
import { type DeliveryView, Mailbox, type MessageView } from "../../src/store/mod.ts";
import type { HostProcess, LogLine } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";

/** A message with its batches; throws when it is not there. */
export function stored(host: HostProcess, id: number): MessageView {
  using mailbox = new Mailbox(host.dataDir);
  const message = mailbox.message(id);
  if (message === null) throw new Error(`${host.domain} has no message ${id}`);
  return message;
}

/** What a user of the host received, newest first. */
export function received(host: HostProcess, user: string): MessageView[] {
  const address = Address.parse(host.address(user));
  if (address === null) throw new Error(`${user} makes no address`);
  using mailbox = new Mailbox(host.dataDir);
  return mailbox.received(address, 1000, 0);
}

/** How many deliveries wait. */
export function queued(host: HostProcess): number {
  using mailbox = new Mailbox(host.dataDir);
  return mailbox.queue().length;
}

/** Waits until a message and its batches wait for nothing more: each recipient as "@a@b.test delivered 200". */
export async function settled(host: HostProcess, id: number): Promise<string[]> {
  const { delivery } = await waitFor(() => {
    const message = stored(host, id);
    return message.delivery.every(({ state }) => state !== "pending") && queueIsWithout(host, id) &&
      message;
  }, { what: `message ${id} of ${host.domain} to be through` });
  return delivery.map(inWords);
}

/** Waits until what was said of a recipient fulfils `predicate`. */
export async function recipient(
  host: HostProcess,
  id: number,
  address: string,
  predicate: (delivery: DeliveryView) => boolean,
): Promise<DeliveryView> {
  return await waitFor(
    () => stored(host, id).delivery.find((one) => one.address === address && predicate(one)),
    { what: `${address} to fulfil ${predicate.toString()}` },
  );
}

/** What the host logged of exchanges with this header, once there were so many. */
export async function exchangesOf(
  host: HostProcess,
  header: Uint8Array,
  count = 1,
): Promise<LogLine[]> {
  const wanted = hex(headerHash(header));
  return await waitFor(() => {
    const lines = host.log.filter(({ header_hash }) => header_hash === wanted);
    return lines.length >= count && lines;
  }, { what: `${host.domain} to log ${count} exchanges of ${wanted}` });
}

export function inWords({ address, state, code }: DeliveryView): string {
  return `${address} ${state} ${code}`;
}

function queueIsWithout(host: HostProcess, id: number): boolean {
  using mailbox = new Mailbox(host.dataDir);
  return mailbox.queue().every((entry) => entry.id !== id);
}

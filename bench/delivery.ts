// From one host to another: a full queue, single messages, and the bytes that they take on the wire.

import { Mailbox, type Send, StoreReader, type StoreWriter } from "../src/store/mod.ts";
import type { Cpu, HostProcess } from "./host_process.ts";
import { BODY } from "./load.ts";
import { percentile, type Row, type Table } from "./result.ts";
import type { Scale } from "./scale.ts";
import { type Bench, configOf, withHost } from "./setup.ts";
import { waitForSockets } from "./sockets.ts";

/** How long a queue may take to empty, in milliseconds. */
const DELIVERED_MS = 60_000;

/** What counts as silence on the loopback interface, in milliseconds. */
const QUIET_MS = 100;

/** So often silence is waited for. */
const QUIET_TRIES = 20;

/** Messages that wait while the receiving host stands still, and then all go out, challenged. */
export async function queue(bench: Bench, scale: Scale): Promise<Table> {
  const pair = await Pair.start(bench, scale);
  const { sender, receiver } = pair;
  const [perSecond, sending, receiving] = await withHost(sender, async (writer) => {
    await pair.send(writer, scale.warmUp);
    await pair.delivered();
    {
      using _paused = receiver.pause();
      await pair.send(writer, scale.queued);
    }
    const before = [sender.cpu(), receiver.cpu()] as const;
    const started = performance.now();
    await pair.delivered();
    const seconds = (performance.now() - started) / 1000;
    const perMessage = (after: Cpu, { process, writer }: Cpu): Cpu => ({
      process: (after.process - process) / scale.queued,
      writer: (after.writer - writer) / scale.queued,
    });
    return [
      scale.queued / seconds,
      perMessage(sender.cpu(), before[0]),
      perMessage(receiver.cpu(), before[1]),
    ];
  });
  pair.checkReceived(scale.warmUp + scale.queued);
  return {
    group: "queue",
    title: `A queue of ${scale.queued} messages`,
    columns: [
      { name: "delivered/s", digits: 0 },
      { name: "CPU ms sender", digits: 2 },
      { name: "its writer", digits: 2 },
      { name: "CPU ms receiver", digits: 2 },
      { name: "its writer too", digits: 2 },
    ],
    rows: [{
      label: "challenged",
      values: {
        "delivered/s": perSecond,
        "CPU ms sender": sending.process,
        "its writer": sending.writer,
        "CPU ms receiver": receiving.process,
        "its writer too": receiving.writer,
      },
    }],
  };
}

/** From the commit that stores a message to the one that says it is delivered, one message at a time. */
export async function send(bench: Bench, scale: Scale): Promise<Table> {
  const pair = await Pair.start(bench, scale);
  const times = await withHost(pair.sender, async (writer) => {
    await pair.send(writer, scale.warmUp);
    await pair.delivered();
    const times: number[] = [];
    for (let i = 0; i < scale.sent; i++) {
      await pair.send(writer, 1);
      const started = performance.now();
      await pair.delivered();
      times.push(performance.now() - started);
    }
    return times;
  });
  pair.checkReceived(scale.warmUp + scale.sent);
  return {
    group: "send",
    title: "From send's commit to delivered",
    columns: [{ name: "p50 ms", digits: 1 }, { name: "p99 ms", digits: 1 }],
    rows: [{
      label: "challenged",
      values: { "p50 ms": percentile(times, 0.5), "p99 ms": percentile(times, 0.99) },
    }],
  };
}

/**
 * What one message takes on the wire, both ways and on both connections, with IP and TCP headers: the least of several,
 * since whoever else uses the loopback interface can only add.
 */
export async function wire(bench: Bench, scale: Scale): Promise<Table> {
  const pair = await Pair.start(bench, scale);
  const first: Traffic[] = [];
  const resumed: Traffic[] = [];
  for (let i = 0; i < scale.counted; i++) {
    await pair.restart();
    for (const seen of [first, resumed]) {
      const traffic = await countMessage(pair);
      if (traffic !== null) seen.push(traffic);
    }
  }
  const row = (label: string, seen: readonly Traffic[]): Row => {
    const [smallest] = seen.toSorted((a, b) => a.bytes - b.bytes);
    return { label, values: smallest === undefined ? {} : { ...smallest } };
  };
  return {
    group: "wire",
    title: "On the wire, challenged",
    columns: [{ name: "bytes", digits: 0 }, { name: "packets", digits: 0 }],
    rows: [row("first", first), row("resumed", resumed)],
  };
}

/** Two hosts of which one sends to the other. */
class Pair {
  readonly #bench: Bench;
  #sender: HostProcess;
  #receiver: HostProcess;

  private constructor(bench: Bench, sender: HostProcess, receiver: HostProcess) {
    this.#bench = bench;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  static async start(bench: Bench, scale: Scale): Promise<Pair> {
    const a = await bench.site("a.test");
    const b = await bench.site("b.test");
    await waitForSockets(scale.timeWait);
    const sender = await bench.start(a, { challenge: "always" });
    return new Pair(bench, sender, await bench.start(b, { challenge: "always" }));
  }

  get sender(): HostProcess {
    return this.#sender;
  }

  get receiver(): HostProcess {
    return this.#receiver;
  }

  /** Starts both again, so that neither knows a TLS session of the other. */
  async restart(): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
    await this.#receiver[Symbol.asyncDispose]();
    this.#sender = await this.#bench.startAgain(this.#sender.site);
    this.#receiver = await this.#bench.startAgain(this.#receiver.site);
  }

  /** Resolves once so many messages are stored at the sender; they go out at once. */
  async send(writer: StoreWriter, count: number): Promise<void> {
    const message: Send = {
      from: this.#sender.site.user,
      to: [this.#receiver.site.user],
      start: { topic: "A message" },
      body: { type: "text/plain;charset=UTF-8", size: BODY, expandedSize: null },
      attachments: [],
      content: { kind: "inline", bytes: new Uint8Array(BODY).fill(0x61) },
      important: false,
      noReply: false,
    };
    const sent = await Promise.all(
      Array.from({ length: count }, () => writer.submit("send", message)),
    );
    const problem = sent.find(({ kind }) => kind !== "sent");
    if (problem !== undefined) throw new Error(`Sending: ${JSON.stringify(problem)}`);
  }

  /** Resolves once nothing waits at the sender. */
  async delivered(): Promise<void> {
    using reader = new StoreReader(configOf(this.#sender.site).data_dir);
    const until = performance.now() + DELIVERED_MS;
    while (reader.nextDue(this.#receiver.site.domain) !== null) {
      if (performance.now() > until) throw new Error(`Delivering: ${this.#whyWaiting()}`);
      await pause(1);
    }
  }

  #whyWaiting(): string {
    using mailbox = new Mailbox(configOf(this.#sender.site).data_dir);
    const waiting = mailbox.queue();
    const seconds = DELIVERED_MS / 1000;
    return `${waiting.length} messages wait after ${seconds} s, the first since: ${
      waiting[0]?.last_error ?? "its first attempt is under way"
    }`;
  }

  /** Throws when the receiver has not got exactly so many messages. */
  checkReceived(count: number): void {
    const { site } = this.#receiver;
    using mailbox = new Mailbox(configOf(site).data_dir);
    const received = mailbox.user(site.user)?.usage.recv_messages;
    if (received !== count) throw new Error(`${received} messages were received, wanted ${count}`);
  }
}

interface Traffic {
  readonly bytes: number;
  readonly packets: number;
}

/** Sends one message when nothing is on the loopback interface; null when it is never silent, or not afterwards. */
async function countMessage(pair: Pair): Promise<Traffic | null> {
  return await withHost(pair.sender, async (writer) => {
    for (let tries = 0; tries < QUIET_TRIES; tries++) {
      const quiet = loopback();
      await pause(QUIET_MS);
      const before = loopback();
      if (before.packets !== quiet.packets) continue;
      await pair.send(writer, 1);
      await pair.delivered();
      // The connections' last packets.
      await pause(QUIET_MS);
      const after = loopback();
      await pause(QUIET_MS);
      if (after.packets !== loopback().packets) return null;
      return { bytes: after.bytes - before.bytes, packets: after.packets - before.packets };
    }
    return null;
  });
}

/** What the loopback interface has carried: IP packets, without the 14 bytes of an Ethernet header that it counts. */
function loopback(): Traffic {
  const line = /\blo:\s*(\d+)\s+(\d+)/.exec(Deno.readTextFileSync("/proc/net/dev"));
  const [bytes, packets] = [Number(line?.[1]), Number(line?.[2])];
  return { bytes: bytes - 14 * packets, packets };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

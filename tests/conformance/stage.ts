// What tests of receiving share: a running host with its user alice, and a peer whose user ann writes to her.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { draft, type Fields, type Message, replyTo } from "../support/message.ts";
import type { HostProcess, LogLine } from "../support/host_process.ts";
import type { Peer } from "../support/peer.ts";
import type { SendOptions, Sent } from "../support/peer_send.ts";
import { waitFor } from "../support/wait.ts";
import { type HostChoices, World } from "../support/world.ts";
import { audit } from "../store/audit.ts";

export interface StageChoices extends Omit<HostChoices, "users" | "start"> {
  /** Besides alice: names, with flags of `user add`. */
  readonly users?: readonly (string | readonly [name: string, ...flags: string[]])[];
  /** How many addresses the peer has. */
  readonly ips?: number;
}

/** What the host has to answer: its codes, or why it terminates without one (or behind those that are given). */
export interface Wanted {
  readonly codes?: readonly number[];
  readonly terminated?: string;
}

/** A message and what is to become of it. */
export interface Case extends Wanted {
  readonly name: string;
  readonly message: Message;
  readonly options?: SendOptions;
}

export class Stage implements AsyncDisposable {
  readonly ann: string;
  readonly alice: string;

  private constructor(
    readonly world: World,
    readonly host: HostProcess,
    readonly peer: Peer,
    readonly sockets: number,
  ) {
    this.ann = peer.address("ann");
    this.alice = host.address("alice");
  }

  static async set(choices: StageChoices = {}): Promise<Stage> {
    await using made = new AsyncDisposableStack();
    const world = made.use(await World.make());
    const { users = [], ips = 1, ...others } = choices;
    const host = await world.host({ challenge: "never", ...others, start: false });
    await host.start();
    const sockets = await openSockets(host.pid);
    await host.addUsers(
      ["alice", ...users].map((user) => {
        const [name, ...flags] = typeof user === "string" ? [user] : user;
        return [host.address(name), ...flags];
      }),
    );
    const peer = await world.peer({ ips });
    made.move();
    return new Stage(world, host, peer, sockets);
  }

  /** A message from ann to alice, but for what is given. */
  letter(fields: Partial<Fields> = {}): Message {
    return draft({ from: this.ann, to: [this.alice], body: "Hello", ...fields });
  }

  /**
   * Sends, and gives the line that the exchange has in the log besides. Where no header is decoded, the line is any that
   * fulfils `undecoded`: others may be on their way.
   */
  async send(
    message: Message,
    options: SendOptions = {},
    peer = this.peer,
    undecoded: (line: LogLine) => boolean = () => true,
  ): Promise<Sent & { readonly line: LogLine }> {
    const seen = this.host.log.length;
    const sent = await peer.send(message, options);
    if (sent.error !== null) throw sent.error;
    const hash = hex(message.headerHash);
    const line = await this.host.logLine(
      (line) =>
        line.direction === "in" &&
        (line.header_hash === hash || line.header_hash === null && undecoded(line)),
      seen,
    );
    return { ...sent, line };
  }

  /** Sends, and fails unless the host answers as it should, ends the exchange, and logs both. */
  async expect(
    message: Message,
    wanted: Wanted,
    options: SendOptions = {},
    peer = this.peer,
  ): Promise<Sent & { readonly line: LogLine }> {
    const { codes = [], terminated = null } = wanted;
    const sent = await this.send(
      message,
      options,
      peer,
      (line) => line.terminated === terminated && String(line.codes) === String(codes),
    );
    assert.deepEqual(
      { codes: sent.codes, terminated: sent.line.terminated, logged: sent.line.codes },
      { codes, terminated, logged: codes },
      `the host logged ${JSON.stringify(sent.line)}`,
    );
    // Behind the last code the connection ends in order, or the peer might never see that code.
    if (terminated === null) assert.equal(sent.ended, "end");
    if (options.then === undefined) assert.equal(sent.closedBy, "host");
    return sent;
  }

  /** A step for each case, one after the other. */
  async play(t: Deno.TestContext, cases: readonly Case[]): Promise<void> {
    for (const { name, message, options, ...wanted } of cases) {
      await t.step(name, async () => void await this.expect(message, wanted, options));
    }
  }

  /** Is the message stored? A reply to nobody tells, and leaves nothing: without its parent it is refused. */
  async stores(message: Message, peer = this.peer): Promise<boolean> {
    const probe = replyTo(message, {
      from: peer.address("ann"),
      to: [this.host.address("nobody")],
    });
    const { codes } = await peer.send(probe);
    switch (codes.join()) {
      case "6":
        return false;
      case "64,100":
        return true;
      default:
        throw new Error(`A reply that asks whether its parent is here got ${codes.join()}`);
    }
  }

  /** Waits until the host holds no more connections than at its start, or that many. */
  async holdsNoConnection(but = 0): Promise<void> {
    await waitFor(async () => await openSockets(this.host.pid) <= this.sockets + but, {
      what: `${this.host.domain} to have only ${this.sockets + but} sockets open`,
    });
  }

  /** After all that was done to it the host serves, holds no connection, stops in order, and its store is whole. */
  async settles(): Promise<void> {
    await this.expect(this.letter(), { codes: [64, 200] });
    await this.holdsNoConnection();
    assert.equal(await this.host.stop(), 0);
    audit(this.host.dataDir);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}

/** Sends messages so that the host gets the last bytes of all together. */
export async function sendAtOnce(pairs: readonly (readonly [Peer, Message])[]): Promise<Sent[]> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const onFirst = () => {
    if (++begun === pairs.length) resolve();
  };
  return await Promise.all(
    pairs.map(([peer, message]) => peer.send(message, { onFirst, lastByteAfter: promise })),
  );
}

/** The most memory that a process has had so far, in bytes. */
export async function peakMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Sockets that a process has open; the runtime's leak checks do not see another process. */
async function openSockets(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  let count = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const target = await Deno.readLink(`${folder}/${name}`).catch(() => "closed meanwhile");
    if (target.startsWith("socket:")) count++;
  }
  return count;
}

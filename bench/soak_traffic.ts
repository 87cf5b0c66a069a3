// What happens during a soak: one of many things at a time, chosen by a seed.

import { type Below, pick } from "../tests/fuzz/random.ts";
import { ATTACKS, type Enemy, type Hostility, SILENT } from "../tests/support/hostile.ts";
import { Address } from "../src/wire/mod.ts";
import {
  addTo,
  type AttachmentFields,
  draft,
  type Fields,
  type Message,
  noise,
  replyTo,
} from "../tests/support/message.ts";
import type { HostProcess } from "../tests/support/host_process.ts";
import type { Answer } from "../tests/support/peer_receive.ts";
import type { Peer } from "../tests/support/peer.ts";
import type { SendOptions } from "../tests/support/peer_send.ts";
import { waitFor } from "../tests/support/wait.ts";
import { World } from "../tests/support/world.ts";
import { type Part, SoakHost } from "./soak_host.ts";

const MIB = 1024 * 1024;

/** Which messages may be deleted: what nobody adds recipients to is one row and no more. */
const PLAIN = "plain";
const SHARED = "shared";

const TEXT = "text/plain;charset=UTF-8";
const BYTES = "application/octet-stream";

/** How a moody peer may answer; the host tries again later, or gives up. */
const MOODS: readonly Answer[] = [
  {},
  {},
  { challenge: true },
  { first: 3 },
  { first: 5 },
  { first: 4 },
  { codes: ({ to }) => to.map(() => 101) },
  { codes: ({ to }) => to.map(() => 100) },
  { drop: "header" },
  { drop: "data", by: "reset" },
  { drop: "codes" },
];

/** A hostile connection is cut from this side at last. */
const HOSTILE_MS = 20_000;

type Action = readonly [name: string, act: () => Promise<void>];

export class Traffic implements AsyncDisposable {
  readonly hosts: readonly SoakHost[];
  /** How often each thing was done, and what did not go as it should. */
  readonly done = new Map<string, number>();
  readonly problems: string[] = [];
  readonly #honest: Peer;
  readonly #moody: Peer;
  readonly #hostilities: readonly Hostility[];
  readonly #below: Below;
  readonly #closing: AsyncDisposableStack;
  readonly #noise = noise(4 * MIB);
  /** The newest of the messages that may be answered and added to: one of the honest peer's, and one of a host's. */
  #letter: Message | null = null;
  #shared: { readonly host: SoakHost; readonly id: number } | null = null;
  #count = 0;

  private constructor(
    parts: Pick<Traffic, "hosts"> & {
      readonly honest: Peer;
      readonly moody: Peer;
      readonly hostilities: readonly Hostility[];
      readonly below: Below;
      readonly closing: AsyncDisposableStack;
    },
  ) {
    this.hosts = parts.hosts;
    this.#honest = parts.honest;
    this.#moody = parts.moody;
    this.#hostilities = parts.hostilities;
    this.#below = parts.below;
    this.#closing = parts.closing;
  }

  static async make(hosts: number, below: Below): Promise<Traffic> {
    await using closing = new AsyncDisposableStack();
    const world = closing.use(await World.make());
    const made: SoakHost[] = [];
    for (let i = 0; i < hosts; i++) {
      made.push(closing.use(await SoakHost.of(await world.host({ users: ["alice", "bob"] }))));
    }
    const honest = await world.peer();
    const moody = await world.peer();
    world.dns.intercept = ({ name }) => name.endsWith(`.${SILENT}`) ? [] : null;
    const hostilities = made.flatMap(({ process }, i) => {
      const source = world.address();
      const domain = `enemy${i}.test`;
      world.dns.set(`fmsg.${domain}`, "A", [source]);
      const { ip, port } = process;
      const victim = { ip, port, serverName: `fmsg.${process.domain}`, source };
      const enemy: Enemy = { victim, user: process.address("alice"), domain };
      return Object.values(ATTACKS).map((attack) => attack(enemy));
    });
    const parts = { hosts: made, honest, moody, hostilities, below };
    return new Traffic({ ...parts, closing: closing.move() });
  }

  /** One thing, from its beginning to its end. */
  async step(): Promise<void> {
    const [name, act] = pick(this.#below, this.#actions);
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
    try {
      await act();
    } catch (error) {
      this.problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** No more moods; resolves when nothing waits for delivery any more. */
  async calmDown(): Promise<void> {
    this.#moody.answerAll({});
    for (const host of this.hosts) {
      await waitFor(async () => {
        const { queue, counts } = await host.status();
        if (queue.waiting > 0) await host.retry();
        return queue.waiting + counts.exchanges_in + counts.exchanges_out + counts.connections ===
          0;
      }, { ms: 60_000, what: `${host.process.domain} to be done` });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing.disposeAsync();
  }

  /** What stands here several times happens more often. */
  readonly #actions: readonly Action[] = [
    ...times(8, ["small, out", () => this.#send(this.#text(200))]),
    ...times(6, ["small, in", () => this.#receive({ body: this.#words(200) })]),
    ["large, out", () => this.#send(this.#text(200), [this.#random(), this.#random()])],
    ["large, in", () => this.#receive({ attachments: [this.#attachment(), this.#attachment()] })],
    ...times(2, ["compressed, out", () => this.#send(this.#text(200_000), [this.#text(50_000)])]),
    ...times(2, [
      "compressed, in",
      () => this.#receive({ body: this.#words(200_000), compress: true }),
    ]),
    ...times(2, ["reply, out", () => this.#reply()]),
    ...times(2, ["reply, in", () => this.#replyIn()]),
    ...times(2, ["added, out", () => this.#add()]),
    ...times(2, ["added, in", () => this.#addIn()]),
    ...times(2, ["refused", () => this.#refused()]),
    ["wrong answer to a challenge", () => this.#wrong({ answer: "wrong" })],
    ["no answer to a challenge", () => this.#wrong({ answer: "end" })],
    ["cut in the data", () => this.#wrong({ cutData: 100, then: "reset" })],
    ...times(2, ["mood", () => this.#changeMood()]),
    ...times(6, ["hostile", () => this.#attack()]),
    ["user comes and goes", () => this.#user()],
    ...times(2, ["listed", () => this.#list()]),
    ...times(4, ["deleted", () => this.#delete()]),
    ["status", async () => void await this.#host().status()],
    ["reloaded", async () => void await this.#host().process.reload()],
    ["certificate renewed", () => this.#host().process.renewCertificate()],
  ];

  /** From a user of a host to users of the others, to peers, or both. */
  async #send(body: Part, attachments: readonly Part[] = []): Promise<void> {
    const host = this.#host();
    const everybody = [
      ...this.hosts.map(({ process }) => process.address("bob")),
      this.#honest.address("ann"),
      this.#moody.address("max"),
    ];
    const to = everybody.filter(() => this.#below(3) === 0);
    const from = host.process.address("alice");
    const topic = this.#below(3) === 0 ? SHARED : PLAIN;
    const message = { from, to: to.length > 0 ? to : everybody.slice(0, 1), start: { topic } };
    const id = await host.send(message, body, attachments);
    if (id === null) throw new Error("it was not taken");
    if (topic === SHARED) this.#shared = { host, id };
  }

  /** From the honest peer to the users of a host: it has to be taken. */
  async #receive(fields: Partial<Fields>): Promise<void> {
    const { process } = this.#host();
    const shared = process === this.hosts[0]?.process && this.#below(3) === 0;
    const letter = draft({
      from: this.#honest.address("ann"),
      to: [process.address("alice"), process.address("bob")],
      topic: shared ? SHARED : PLAIN,
      ...fields,
    });
    await this.#sendHonestly(letter, process, "64,200,200");
    if (shared) this.#letter = letter;
  }

  async #sendHonestly(message: Message, to: HostProcess, wanted: string): Promise<void> {
    const { codes, error } = await this.#honest.send(message, { to });
    if (error !== null) throw error;
    if (codes.join() !== wanted) throw new Error(`it got ${codes.join()}, wanted ${wanted}`);
  }

  /** To the newest message of somebody. */
  async #reply(): Promise<void> {
    const host = this.#host();
    const alice = host.process.address("alice");
    const [parent] = host.mailbox.received(parsed(alice), 1, 0);
    if (parent === undefined) return;
    const reply = { from: alice, to: [parent.from], start: { replyTo: parent.id } };
    await host.send(reply, this.#text(100));
  }

  async #replyIn(): Promise<void> {
    const [host] = this.hosts;
    const letter = this.#letter;
    if (host === undefined || letter === null) return;
    const to = [host.process.address("alice")];
    const reply = replyTo(letter, { from: this.#honest.address("ann"), to, body: "A reply" });
    await this.#sendHonestly(reply, host.process, "64,200");
  }

  async #add(): Promise<void> {
    const original = this.#shared;
    if (original === null) return;
    const { host, id } = original;
    const somebody = this.#honest.address(`x${++this.#count}`);
    await host.addTo(id, host.process.address("alice"), [somebody]);
  }

  async #addIn(): Promise<void> {
    const [host] = this.hosts;
    const letter = this.#letter;
    if (host === undefined || letter === null) return;
    const to = [`@x${++this.#count}@elsewhere.test`];
    const batch = addTo(letter, { from: this.#honest.address("ann"), to });
    await this.#sendHonestly(batch, host.process, "11");
  }

  async #refused(): Promise<void> {
    const { process } = this.#host();
    const from = this.#honest.address("ann");
    const refused = [
      ["64,100", draft({ from, to: [process.address("nobody")] })],
      ["1", draft({ from, to: [process.address("alice"), process.address("alice")] })],
      ["4", draft({ from, to: [process.address("alice")], size: 100 * MIB })],
      ["7", draft({ from, to: [process.address("alice")], time: 1_000_000 })],
      ["6", draft({ from, to: [process.address("alice")], pid: this.#noise.subarray(0, 32) })],
    ] as const;
    const [wanted, message] = pick(this.#below, refused);
    await this.#sendHonestly(message, process, wanted);
  }

  async #wrong(options: SendOptions): Promise<void> {
    const { process } = this.#host();
    const to = [process.address("alice")];
    const message = draft({ from: this.#honest.address("ann"), to, body: this.#words(5000) });
    const { rest } = await this.#honest.send(message, { to: process, ...options });
    if (rest.includes(200)) throw new Error("it was taken");
  }

  #changeMood(): Promise<void> {
    this.#moody.answerAll(pick(this.#below, MOODS));
    return Promise.resolve();
  }

  async #attack(): Promise<void> {
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), HOSTILE_MS);
    // What the host answers need not be TLS that is understood here.
    await pick(this.#below, this.#hostilities)(end.signal).catch(() => {});
    clearTimeout(timer);
  }

  async #user(): Promise<void> {
    const host = this.#host();
    const user = host.process.address(`guest${++this.#count}`);
    if (!await host.addUser(user)) throw new Error("the address is taken");
    const letter = draft({ from: this.#honest.address("ann"), to: [user], topic: PLAIN });
    await this.#sendHonestly(letter, host.process, "64,200");
    if (!await host.removeUser(user)) throw new Error("there is no such user");
  }

  #list(): Promise<void> {
    const { process, mailbox } = this.#host();
    const alice = parsed(process.address("alice"));
    const [first] = mailbox.received(alice, 20, this.#below(100));
    mailbox.sent(alice, 20, this.#below(100));
    if (first !== undefined) mailbox.thread(first.id);
    return Promise.resolve();
  }

  async #delete(): Promise<void> {
    const host = this.#host();
    const alice = parsed(host.process.address("alice"));
    const list = this.#below(2) === 0 ? "received" : "sent";
    const messages = host.mailbox[list](alice, 20, this.#below(20));
    const plain = messages.find(({ topic }) => topic === PLAIN);
    if (plain !== undefined) await host.delete(plain.id);
  }

  #host(): SoakHost {
    return pick(this.#below, this.hosts);
  }

  #words(length: number): string {
    return `Words ${++this.#count} `.repeat(length / 8).slice(0, length);
  }

  #text(length: number): Part {
    return { type: TEXT, bytes: new TextEncoder().encode(this.#words(length)) };
  }

  #random(): Part {
    const start = this.#below(MIB);
    return { type: BYTES, bytes: this.#noise.subarray(start, start + 1 + this.#below(2 * MIB)) };
  }

  #attachment(): AttachmentFields {
    return { filename: `attachment ${++this.#count}`, type: BYTES, body: this.#random().bytes };
  }
}

function parsed(text: string): Address {
  const address = Address.parse(text);
  if (address === null) throw new TypeError(`${text} is no address`);
  return address;
}

function times(count: number, action: Action): Action[] {
  return new Array<Action>(count).fill(action);
}

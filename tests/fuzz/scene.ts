// Where the fuzzer plays: a running host, an odd host with many names, an honest one, and lines that spoil bytes.

import { type Database } from "../../src/store/database.ts";
import { openForReading } from "../../src/store/opening.ts";
import { Mailbox, StoreReader, StoreWriter } from "../../src/store/mod.ts";
import { connectToHost, type HostConnection } from "../../src/host/mod.ts";
import { stageParts } from "../../src/host/parts.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { type Bytes, type HeaderHash, type MessageHash } from "../../src/wire/mod.ts";
import type { HostProcess } from "../support/host_process.ts";
import { Ledger } from "../support/ledger.ts";
import { addTo, draft, type Message } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { TlsConnection } from "../support/tls_connection.ts";
import { World } from "../support/world.ts";
import { FaultyLine } from "./faulty_line.ts";
import { OddHost } from "./odd_host.ts";

export const HOST = "host1.test";
export const ODD = "odd.test";
/** A domain whose host is conforming, and one that there is not. */
export const SINK = "sink.test";
export const ELSEWHERE = "elsewhere.test";

export const ANN = `@ann@${ODD}`;
export const ALICE = `@alice@${HOST}`;
/** Users of the host by what becomes of what is sent to them. */
export const BOB = `@bob@${HOST}`;
export const CAROL_REFUSES = `@carol@${HOST}`;
export const FRED_IS_FULL = `@fred@${HOST}`;

/** Bytes of data on the wire that the host takes, and after decompression. */
export const MAX_SIZE = 256 * 1024;
export const MAX_EXPANDED_SIZE = 1024 * 1024;

/** One step at a time happens here; the addresses and domains are its own, so that the host's log can be told apart. */
export interface Lane {
  /** Where it sends from, and where `plain` is. */
  readonly ip: string;
  /** Leads to the host under test. */
  readonly up: FaultyLine;
  /** Leads from the host under test to `spoilt`. */
  readonly down: FaultyLine;
  readonly plain: Slot;
  readonly spoilt: Slot;
  /** Its TLS is what the recipe says. */
  readonly faked: Slot;
}

/** A domain of the odd host, and the address that DNS gives for it. */
export interface Slot {
  readonly domain: string;
  readonly ip: string;
}

export class Scene implements AsyncDisposable {
  readonly world: World;
  readonly host: HostProcess;
  readonly odd: OddHost;
  readonly lanes: readonly Lane[];
  readonly ledger: Ledger;
  readonly reader: StoreReader;
  readonly mailbox: Mailbox;
  /** Tells the host's own counts. */
  readonly control: HostConnection;
  readonly #db: Database;
  readonly #writer: StoreWriter;
  readonly #honest: Peer;
  readonly #closing: AsyncDisposableStack;
  /** Connections that the host has ended and the fuzzer has not. */
  readonly leftOpen: TlsConnection[] = [];
  /** The newest message from the honest host: to alice and ann, so that ann may add recipients to it. */
  letter: Message;
  /** The hash of a batch on some letter, and of a message from alice to ann. */
  batch: MessageHash;
  own: MessageHash;

  private constructor(parts: Parts) {
    this.world = parts.world;
    this.host = parts.host;
    this.odd = parts.odd;
    this.lanes = parts.lanes;
    this.ledger = parts.ledger;
    this.reader = parts.reader;
    this.mailbox = parts.mailbox;
    this.control = parts.control;
    this.#db = parts.db;
    this.#writer = parts.writer;
    this.#honest = parts.honest;
    this.#closing = parts.closing;
    this.letter = draft({ from: this.#honest.address("kim"), to: [ALICE] });
    this.batch = this.letter.hash;
    this.own = this.letter.hash;
  }

  static async set(lanes: number): Promise<Scene> {
    await using made = new AsyncDisposableStack();
    const world = made.use(await World.make());
    const host = await world.host({
      domain: HOST,
      users: [
        "alice",
        "bob",
        ["carol", "--accepting=false"],
        ["fred", "--max-messages", "0"],
      ],
      limits: {
        max_size: MAX_SIZE,
        max_expanded_size: MAX_EXPANDED_SIZE,
        header_timeout: "3s",
        idle_timeout: "2s",
      },
      delivery: { connect_timeout: "2s" },
    });
    const ledger = made.adopt(new Ledger(), (ledger) => ledger.closeAll());
    const names = Array.from({ length: lanes }, (_, i) => i);
    const odd = new OddHost({
      domain: ODD,
      aliases: [
        SINK,
        ...names.flatMap((i) => [`plain${i}.test`, `spoilt${i}.test`, `faked${i}.test`]),
      ],
      port: world.port,
      authority: world.authority,
      ledger,
      stranger: world.address(),
      dial: (source) => dial(world, host, ledger, { source }),
    });
    made.defer(async () => {
      await ledger.closeAll();
      await odd.finish();
    });
    const set = await Promise.all(names.map((i) => lane(i, world, host, odd, ledger)));
    const first = set[0]?.ip ?? world.address();
    world.dns.set(`fmsg.${ODD}`, "A", set.map(({ ip }) => ip));
    world.dns.set(`fmsg.${SINK}`, "A", [first]);
    const honest = await world.peer({ domain: "honest.test" });
    const control = made.use(await connected(host));
    const writer = made.use(new StoreWriter(await connected(host)));
    const reader = made.use(new StoreReader(host.dataDir));
    const mailbox = made.use(new Mailbox(host.dataDir));
    const db = made.use(openForReading(host.dataDir));
    const scene = new Scene({
      world,
      host,
      odd,
      lanes: set,
      ledger,
      reader,
      mailbox,
      control,
      db,
      writer,
      honest,
      closing: new AsyncDisposableStack(),
    });
    await scene.#begin();
    scene.#closing.use(made.move());
    return scene;
  }

  /** The honest host sends what it should; throws unless that is stored, with 200 for alice. */
  async sendHonestly(): Promise<void> {
    const letter = draft({
      from: this.#honest.address("kim"),
      to: [ALICE, ANN],
      topic: "Honest",
      body: "What everybody may read. ".repeat(40),
      compress: true,
      attachments: [{ filename: "a.txt", body: "An attachment" }],
    });
    const sent = await this.#honest.send(letter);
    if (sent.error !== null) {
      throw new Error("An honest sender is not served", { cause: sent.error });
    }
    if (sent.codes.join() !== "64,200") {
      throw new Error(`An honest sender got ${sent.codes.join() || "no code"} in ${sent.ms} ms`);
    }
    this.letter = letter;
  }

  /** Sends as a user of the host would; gives the message's id. */
  async send(
    from: string,
    to: readonly string[],
    body: Bytes,
  ): Promise<{ id: number; hash: MessageHash }> {
    const type = "text/plain;charset=UTF-8";
    await using staged = await stageParts(this.#writer, [{ type, open: () => once(body) }]);
    const [part] = staged.parts;
    if (part === undefined) throw new Error("A message without a body");
    const sent = await this.#writer.submit("send", {
      from,
      to,
      start: { topic: "Fuzz" },
      body: part,
      attachments: [],
      content: staged.content,
      important: false,
      noReply: false,
    });
    if (isProblem(sent)) throw new Error(sent.message);
    staged.adopted();
    return sent;
  }

  /** Adds recipients as a user of the host would; gives the batch's id. */
  async addTo(message: number, from: string, to: readonly string[]): Promise<number> {
    const sent = await this.#writer.submit("addTo", { message, from, to });
    if (isProblem(sent)) throw new Error(sent.message);
    return sent.id;
  }

  /** Connects to the host from one of the lane's addresses, through its line where something is to go wrong there. */
  dial(lane: Lane, { source = lane.ip, through = false } = {}): Promise<TlsConnection> {
    const way = through ? { source, ip: lane.up.ip } : { source };
    return dial(this.world, this.host, this.ledger, way);
  }

  /** Is a message or batch with exactly this header stored? */
  stores(headerHash: HeaderHash): boolean {
    return this.#db.get("SELECT 1 FROM message WHERE header_hash = ?", headerHash) !== null;
  }

  /** The id of a message by its hash. */
  idOf(hash: MessageHash): number {
    const row = this.#db.get("SELECT id FROM message WHERE hash = ?", hash);
    if (row === null) throw new Error(`The message ${hash.toHex()} is not stored`);
    return row.integer("id");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing.disposeAsync();
  }

  /** The first of what later messages refer to. */
  async #begin(): Promise<void> {
    await this.sendHonestly();
    const batch = addTo(this.letter, {
      from: this.#honest.address("kim"),
      to: [`@zoe@${ELSEWHERE}`],
    });
    const { codes } = await this.#honest.send(batch);
    if (codes.join() !== "11") throw new Error(`A notification got ${codes.join()}`);
    this.batch = batch.hash;
    const { hash } = await this.send(ALICE, [ANN], new TextEncoder().encode("Hello Ann"));
    this.own = hash;
  }
}

interface Parts {
  readonly world: World;
  readonly host: HostProcess;
  readonly odd: OddHost;
  readonly lanes: readonly Lane[];
  readonly ledger: Ledger;
  readonly reader: StoreReader;
  readonly mailbox: Mailbox;
  readonly control: HostConnection;
  readonly db: Database;
  readonly writer: StoreWriter;
  readonly honest: Peer;
  readonly closing: AsyncDisposableStack;
}

function dial(
  { authority, port }: World,
  host: HostProcess,
  ledger: Ledger,
  { source, ip = host.ip }: { readonly source: string; readonly ip?: string },
): Promise<TlsConnection> {
  return TlsConnection.dial({
    ip,
    port,
    source,
    servername: `fmsg.${host.domain}`,
    ca: authority.pem,
    alpn: ["fmsg/1"],
    version: "1.3",
    session: null,
  }, ledger);
}

async function lane(
  i: number,
  world: World,
  host: HostProcess,
  odd: OddHost,
  ledger: Ledger,
): Promise<Lane> {
  const [ip, upIp, spoiltIp, fakedIp] = [0, 0, 0, 0].map(() => world.address());
  if (ip === undefined || upIp === undefined || spoiltIp === undefined || fakedIp === undefined) {
    throw new Error("A lane needs four addresses");
  }
  const { port } = world;
  await odd.listen(ip);
  await odd.listen(fakedIp);
  const slot = (kind: string, ip: string): Slot => {
    const domain = `${kind}${i}.test`;
    world.dns.set(`fmsg.${domain}`, "A", [ip]);
    return { domain, ip };
  };
  return {
    ip,
    up: await FaultyLine.listen({ ip: upIp, port, target: host.ip, source: ip }, ledger),
    down: await FaultyLine.listen({ ip: spoiltIp, port, target: ip, source: spoiltIp }, ledger),
    plain: slot("plain", ip),
    spoilt: slot("spoilt", spoiltIp),
    faked: slot("faked", fakedIp),
  };
}

async function connected({ dataDir }: HostProcess): Promise<HostConnection> {
  const connection = await connectToHost(dataDir);
  if (connection === null) throw new Error("The host's control socket does not answer");
  return connection;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  await Promise.resolve();
  yield bytes;
}

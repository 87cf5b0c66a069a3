// A remote host that does as it is told: it sends, listens, answers challenges and challenges back.

import type { Socket } from "node:net";
import type { Authority } from "../../src/certificate/make.ts";
import { CHALLENGE_VERSION, hex, VERSION } from "../../src/wire/mod.ts";
import { Ledger } from "./ledger.ts";
import { type Message, recipientsAt } from "./message.ts";
import {
  answerChallenge,
  askChallenge,
  type Challenged,
  type ChallengeOptions,
  type ChallengeSeen,
  type Outgoing,
  outgoingKey,
} from "./peer_challenge.ts";
import { type Answer, receive, type Received, type Receiver } from "./peer_receive.ts";
import { type Call, PeerServer } from "./peer_server.ts";
import { type DialChoices, sendOn, type SendOptions, type Sent, type Target } from "./peer_send.ts";
import { PeerTls, type TlsMode } from "./peer_tls.ts";
import { dialTcp, NoConnection } from "./line.ts";
import { TlsConnection } from "./tls_connection.ts";
import { waitFor } from "./wait.ts";

export interface PeerOptions {
  readonly domain: string;
  /** Further domains that it serves. */
  readonly aliases: readonly string[];
  /** All of them are listened on; the first is the one to send from. */
  readonly ips: readonly string[];
  readonly port: number;
  readonly authority: Authority;
  /** Whom to send to unless told. */
  readonly target: () => Target;
}

export class Peer implements Target, AsyncDisposable {
  readonly domain: string;
  readonly ips: readonly string[];
  readonly ip: string;
  readonly port: number;
  /** What came, in the order in which it came; filled in while it comes. */
  readonly received: Received[] = [];
  readonly challenges: ChallengeSeen[] = [];
  /** Messages that the peer accepted, or that were accepted from it; their batches get 65 or 11. */
  readonly held = new Map<string, Message>();
  readonly #options: PeerOptions;
  readonly #server: PeerServer;
  readonly #ledger = new Ledger();
  readonly #outgoing = new Map<string, Outgoing[]>();
  readonly #answers: Answer[] = [];
  #usual: Answer = {};
  #taken = 0;

  constructor(options: PeerOptions) {
    const [first] = options.ips;
    if (first === undefined) throw new Error("A peer needs an address");
    this.domain = options.domain;
    this.ips = options.ips;
    this.ip = first;
    this.port = options.port;
    this.#options = options;
    this.#server = new PeerServer({
      ...options,
      tls: new PeerTls(options.domain, options.aliases, options.authority),
      ledger: this.#ledger,
      serve: (connection, call) => this.#serve(connection, call),
    });
  }

  /** Every connection that came, in the order in which they came. */
  get calls(): readonly Call[] {
    return this.#server.calls;
  }

  /** `@user@domain` */
  address(user: string): string {
    return `@${user}@${this.domain}`;
  }

  /** Sends on a connection of its own, and tells all that the host did. */
  async send(message: Message, options: SendOptions = {}): Promise<Sent> {
    const target = options.to ?? this.#options.target();
    const { answer = "right", answerAfter = null } = options;
    const key = outgoingKey(message.headerHash, target.ip);
    const outgoing = { hash: message.hash, ip: target.ip, answer, after: answerAfter };
    const seen = this.challenges.length;
    this.#outgoing.set(key, [...this.#outgoing.get(key) ?? [], outgoing]);
    try {
      const connection = await this.dial({ ...options, to: target });
      const due = options.due ?? recipientsAt(message, target.domain);
      const outcome = await sendOn(connection, message, due, options);
      if (outcome.first === 11 || outcome.rest.includes(200)) this.hold(message);
      return { ...outcome, error: null, connection, challenges: this.#since(seen, message) };
    } catch (error) {
      if (!(error instanceof NoConnection)) throw error;
      return { ...NOTHING_SENT, error, challenges: this.#since(seen, message) };
    } finally {
      const left = (this.#outgoing.get(key) ?? []).filter((other) => other !== outgoing);
      if (left.length > 0) this.#outgoing.set(key, left);
      else this.#outgoing.delete(key);
    }
  }

  /** Challenges the host, which should answer while it sends what has this header hash to this address. */
  async challenge(
    headerHash: Uint8Array,
    options: DialChoices & ChallengeOptions = {},
  ): Promise<Challenged> {
    return await askChallenge(await this.dial(options), headerHash, options);
  }

  /** A connection to do anything with; it is closed with the peer at the latest. Throws NoConnection. */
  dial(choices: DialChoices = {}): Promise<TlsConnection> {
    const { ip, port, domain } = choices.to ?? this.#options.target();
    const { source = this.ip, session = null, alpn = ["fmsg/1"], version = "1.3" } = choices;
    const trusting = choices.servername !== undefined || session !== null;
    const { servername = `fmsg.${domain}` } = choices;
    const ca = trusting ? null : this.#options.authority.pem;
    return TlsConnection.dial(
      { ip, port, source, servername, ca, alpn, version, session },
      this.#ledger,
    );
  }

  /** A connection without TLS. Throws NoConnection. */
  dialTcp({ to = this.#options.target(), source = this.ip }: DialChoices = {}): Promise<Socket> {
    return dialTcp(to.ip, to.port, source, this.#ledger);
  }

  /** How the next messages are answered, one after the other; those behind them as `answerAll` said. */
  script(...answers: readonly Answer[]): void {
    this.#answers.push(...answers);
  }

  answerAll(answer: Answer): void {
    this.#usual = answer;
  }

  /** The next message in the order in which they came, once its connection is closed. */
  async next(ms?: number): Promise<Received> {
    const what = `message ${this.#taken + 1} to come to ${this.domain}`;
    const got = await waitFor(
      () => {
        const candidate = this.received[this.#taken];
        return candidate !== undefined && candidate.call.closed !== null && candidate;
      },
      ms === undefined ? { what } : { ms, what },
    );
    this.#taken++;
    return got;
  }

  hold(message: Message): void {
    this.held.set(hex(message.hash), message);
  }

  /** How connections are served from now on, to one address or to all. */
  setTls(mode: TlsMode, ip?: string): void {
    this.#server.setTls(mode, ip === undefined ? this.ips : [ip]);
  }

  /** Listens on one address, or on all. */
  listen(ip?: string): Promise<void> {
    return this.#server.listen(ip === undefined ? this.ips : [ip]);
  }

  /** Connections to that address, or to all, are refused from now on; those under way go on. */
  deafen(ip?: string): void {
    this.#server.deafen(ip === undefined ? this.ips : [ip]);
  }

  /** Connections that are open, in words. */
  get open(): string[] {
    return this.#ledger.open;
  }

  /** Closes everything. Throws what went wrong in the peer itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger.closeAll();
    await this.#server.finish();
  }

  async #serve(connection: TlsConnection, call: Call): Promise<void> {
    const [first] = await connection.take(1, QUIET_MS);
    switch (first) {
      case VERSION: {
        call.kind = "message";
        const got: Received = { ...NOTHING_RECEIVED, call };
        this.received.push(got);
        // Behind one address there may be several domains: the host says whom it means.
        const domain = connection.sni?.replace(/^fmsg\./, "") ?? this.domain;
        const receiver = { ...this.#self, domain };
        return await receive(connection, got, this.#answers.shift() ?? this.#usual, receiver);
      }
      case CHALLENGE_VERSION: {
        call.kind = "challenge";
        const seen: ChallengeSeen = { ...NOTHING_ASKED, call };
        this.challenges.push(seen);
        return await answerChallenge(connection, seen, (hash) => this.#find(hash, call.from));
      }
      default:
        call.kind = first === undefined ? "empty" : "other";
    }
  }

  get #self(): Receiver {
    const { domain, held, ip, port } = this;
    return {
      domain,
      held,
      ip,
      port,
      challenge: (headerHash, options) => this.challenge(headerHash, options),
    };
  }

  #find(headerHash: Uint8Array, ip: string): Outgoing | null {
    return this.#outgoing.get(outgoingKey(headerHash, ip))?.at(-1) ?? null;
  }

  #since(seen: number, message: Message): ChallengeSeen[] {
    const wanted = hex(message.headerHash);
    return this.challenges.slice(seen).filter(({ headerHash }) => hex(headerHash) === wanted);
  }
}

/** How long the first byte may take. */
const QUIET_MS = 60_000;

const NOTHING = new Uint8Array();

const NOTHING_SENT = {
  connection: null,
  codes: [],
  first: null,
  rest: [],
  ended: null,
  closedBy: null,
  terminated: false,
  dataSent: 0,
  ms: 0,
} as const;

const NOTHING_RECEIVED = {
  header: null,
  raw: NOTHING,
  payload: NOTHING,
  early: NOTHING,
  extra: NOTHING,
  first: null,
  codes: [],
  message: null,
  problem: null,
  challenged: null,
  ended: null,
  closedBy: null,
} as const;

const NOTHING_ASKED = {
  headerHash: NOTHING,
  matched: false,
  answered: null,
  extra: NOTHING,
  ended: null,
} as const;

// The host at the other end: it receives from the host under test as its script says, and answers its challenges.

import {
  CHALLENGE_VERSION,
  concat,
  type DecodedHeader,
  HeaderDecoder,
  type HeaderHash,
  headerHash,
  hex,
  recipients,
  VERSION,
  wireSize,
} from "../../src/wire/mod.ts";
import type { Authority } from "../../src/certificate/make.ts";
import type { Ledger } from "../support/ledger.ts";
import { askChallenge } from "../support/peer_challenge.ts";
import { type Call, PeerServer } from "../support/peer_server.ts";
import { PeerTls } from "../support/peer_tls.ts";
import type { TlsConnection } from "../support/tls_connection.ts";
import { sleep } from "../support/wait.ts";
import type { Act, ChallengeAnswer, Outgoing } from "./recipe.ts";

/** The next exchange with a domain goes by the acts; those behind it as the specification says. */
export interface Plan {
  readonly acts: readonly Act[];
  /** The address that the host under test sends to. */
  readonly ip: string;
  readonly played: Played[];
}

/** One exchange in which the host under test sent. */
export interface Played {
  header: DecodedHeader | null;
  /** What came behind the header. */
  readonly data: Uint8Array[];
  readonly said: number[];
  readonly asked: Asked[];
  problem: string | null;
}

/** A challenge, and what was answered to it. */
interface Asked {
  /** It named what was on its way, came from where that went, and came whole. */
  readonly rightly: boolean;
  /** The first byte. */
  readonly version: number;
  readonly answer: Uint8Array;
}

/** How a challenge for a message on its way is answered. */
interface Answer {
  readonly hash: Uint8Array;
  readonly how: ChallengeAnswer;
  /** The host under test has asked. */
  asked: boolean;
}

export interface OddHostOptions {
  readonly domain: string;
  readonly aliases: readonly string[];
  readonly port: number;
  readonly authority: Authority;
  readonly ledger: Ledger;
  /** Connects to the host under test. */
  readonly dial: (source: string) => Promise<TlsConnection>;
  /** An address that nothing is sent to. */
  readonly stranger: string;
}

export class OddHost {
  readonly #options: OddHostOptions;
  readonly #server: PeerServer;
  readonly #answers = new Map<string, Answer>();
  readonly #plans = new Map<string, Plan>();

  constructor(options: OddHostOptions) {
    this.#options = options;
    const { domain, aliases, authority } = options;
    this.#server = new PeerServer({
      ...options,
      ips: [],
      tls: new PeerTls(domain, aliases, authority),
      serve: (connection, call) => this.#serve(connection, call),
    });
  }

  get calls(): readonly Call[] {
    return this.#server.calls;
  }

  listen(ip: string): Promise<void> {
    return this.#server.listen([ip]);
  }

  setTls(mode: Outgoing["tls"], ip: string): void {
    this.#server.setTls(mode, [ip]);
  }

  /** Challenges for that header are answered so, until the registration is disposed of. */
  answerChallenges(
    headerHash: HeaderHash,
    { hash, how }: { readonly hash: Uint8Array; readonly how: ChallengeAnswer },
  ): Answer & Disposable {
    const key = hex(headerHash);
    const answer = {
      hash,
      how,
      asked: false,
      [Symbol.dispose]: () => void this.#answers.delete(key),
    };
    this.#answers.set(key, answer);
    return answer;
  }

  /** What is sent to the domain is answered so, until the plan is disposed of. */
  plan(domain: string, ip: string, acts: readonly Act[]): Plan & Disposable {
    const plan = { acts, ip, played: [], [Symbol.dispose]: () => void this.#plans.delete(domain) };
    this.#plans.set(domain, plan);
    return plan;
  }

  /** Waits for what is being served, once the sockets are closed. Throws what went wrong in here. */
  finish(): Promise<void> {
    return this.#server.finish();
  }

  async #serve(connection: TlsConnection, call: Call): Promise<void> {
    const [first] = await connection.take(1);
    if (first === CHALLENGE_VERSION) {
      call.kind = "challenge";
      return await this.#answer(connection);
    }
    if (first !== VERSION) return;
    call.kind = "message";
    const domain = connection.sni?.replace(/^fmsg\./, "") ?? "";
    const plan = this.#plans.get(domain) ?? { acts: [], ip: call.to, played: [] };
    const acts = plan.played.length === 0 ? plan.acts : [];
    const exchange = new Exchange(connection, domain, plan.ip, this.#options);
    plan.played.push(exchange.played);
    await exchange.play(acts);
  }

  async #answer(connection: TlsConnection): Promise<void> {
    const asked = await connection.take(32);
    const answer = this.#answers.get(hex(asked));
    if (answer === undefined) return;
    answer.asked = true;
    const { hash, how } = answer;
    switch (how) {
      case "right":
        await connection.write(hash);
        break;
      case "wrong":
        await connection.write(headerHash(hash));
        break;
      case "short":
        await connection.write(hash.subarray(0, 31));
        break;
      case "long":
        await connection.write(concat([hash, hash]));
        break;
      case "slow":
        for (const byte of hash) {
          await sleep(10);
          if (!(await connection.write(Uint8Array.of(byte)))) return;
        }
        break;
      case "open":
        await connection.write(hash);
        return await connection.linger(OPEN_MS);
      case "silent":
        return await connection.linger(OPEN_MS);
      case "reset":
        return connection.reset();
      case "empty":
        break;
    }
    connection.end();
    await connection.take(1);
  }
}

/** A connection that the host does not end is left open for so long that it is noticed when the host should be at rest. */
const OPEN_MS = 60_000;

/** More than the host may send. */
const MAX_EXTRA = 64 * 1024 * 1024;

class Exchange {
  readonly played: Played = { header: null, data: [], said: [], asked: [], problem: null };
  readonly #connection: TlsConnection;
  readonly #domain: string;
  readonly #ip: string;
  readonly #options: OddHostOptions;
  #over = false;

  constructor(connection: TlsConnection, domain: string, ip: string, options: OddHostOptions) {
    this.#connection = connection;
    void connection.over.then(() => this.#over = true);
    this.#domain = domain;
    this.#ip = ip;
    this.#options = options;
    connection.untake(Uint8Array.of(VERSION));
  }

  /** Without acts: as the specification says, with 200 for everybody. */
  async play(acts: readonly Act[]): Promise<void> {
    if (acts.length === 0) await this.#conform();
    for (const act of acts) {
      await this.#act(act);
      if (act.do === "reset" || this.played.problem !== null) break;
    }
    if (!acts.some((act) => act.do === "reset")) {
      this.#connection.end();
      await this.#drain();
      // Where the line spoilt the host's bytes, the TLS of this side is over by itself.
      if (!this.#over) this.played.problem ??= "the host does not end the exchange in time";
    }
    this.#examine();
  }

  async #conform(): Promise<void> {
    await this.#header();
    const header = this.played.header?.header;
    if (header === undefined) return;
    const due = recipients(header).filter(({ domain }) => domain === this.#domain).length;
    const addedHere = header.addTo?.to.some(({ domain }) => domain === this.#domain) ?? false;
    if (header.addTo !== null && !addedHere) return await this.#say([11], 0);
    await this.#say([header.addTo === null ? 64 : 65], 0);
    if (header.addTo === null) await this.#data();
    await this.#say(new Array<number>(due).fill(200), 0);
  }

  async #act(act: Act): Promise<void> {
    switch (act.do) {
      case "header":
        return await this.#header();
      case "data":
        return await this.#data();
      case "take":
        return this.#keep(await this.#connection.take(act.bytes));
      case "say":
        return await this.#say(act.codes, act.gap);
      case "challenge":
        return await this.#challenge(act);
      case "pause":
        return await this.#connection.linger(act.ms);
      case "hang":
        return await this.#drain();
      case "end":
      case "fin":
      case "reset":
        return this.#connection[act.do]();
    }
  }

  async #header(): Promise<void> {
    if (this.played.header !== null) return;
    const decoder = new HeaderDecoder();
    for (;;) {
      const some = await this.#connection.take(Math.max(1, this.#connection.waiting));
      // The host has gone, or the script took some of it: nothing to be said about what is left.
      if (some.length === 0) return;
      const step = decoder.push(some);
      if (step.kind === "more") continue;
      if (step.kind === "header") {
        this.played.header = step.decoded;
        this.#connection.untake(new Uint8Array(step.rest));
      } else if (this.played.data.length === 0) {
        this.played.problem = `the host sends a malformed header: ${step.reason}`;
      }
      return;
    }
  }

  async #data(): Promise<void> {
    const size = this.played.header === null ? 0 : wireSize(this.played.header.header);
    this.#keep(await this.#connection.take(Math.max(0, size - this.#behind)));
  }

  async #drain(): Promise<void> {
    this.#keep(await this.#connection.take(MAX_EXTRA));
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length > 0) this.played.data.push(bytes);
  }

  get #behind(): number {
    return this.played.data.reduce((sum, { length }) => sum + length, 0);
  }

  async #say(codes: readonly number[], gap: number): Promise<void> {
    for (const piece of gap === 0 ? [codes] : codes.map((code) => [code])) {
      if (piece.length === 0) continue;
      if (!(await this.#connection.write(Uint8Array.from(piece)))) return;
      this.played.said.push(...piece);
      if (gap > 0) await this.#connection.linger(gap);
    }
  }

  async #challenge(act: Extract<Act, { do: "challenge" }>): Promise<void> {
    const { header, asked } = this.played;
    const right = header === null ? crypto.getRandomValues(new Uint8Array(32)) : headerHash(
      header.bytes,
    );
    const hash = new Uint8Array(right);
    if (act.hash === "near") hash[31] = (hash[31] ?? 0) ^ 1;
    if (act.hash === "random") crypto.getRandomValues(hash);
    const rightly = header !== null && act.hash === "right" && act.from === "own" &&
      act.version === CHALLENGE_VERSION && act.cut >= 33;
    const source = act.from === "own" ? this.#ip : this.#options.stranger;
    const connection = await this.#options.dial(source);
    const alive = this.#connection.ended === null;
    const { answer, ended } = await askChallenge(connection, hash, act);
    // A host that is just giving up need not answer; whoever did not ask rightly gets nothing in any case.
    if (rightly && alive && this.#connection.ended === null || !rightly) {
      asked.push({ rightly, version: act.version, answer });
    }
    if (ended === null) this.played.problem ??= "the host does not end a challenge";
  }

  /** D4: data only where it is asked for, and never more than was declared. */
  #examine(): void {
    const { header, said } = this.played;
    const behind = this.#behind;
    if (header === null) return;
    const asked = said[0] === 64 ? wireSize(header.header) : 0;
    if (behind > asked) {
      this.played.problem ??= `the host sends ${behind} bytes of data where ${asked} are wanted`;
    }
  }
}

// One question put to the configured servers until one of them answers it.
import { randomInt } from "node:crypto";
import { type Dnssec, findDoubt } from "./dnssec.ts";
import { type Exchanged, type ExchangeScope, exchangeTcp, exchangeUdp } from "./exchange.ts";
import {
  type Answer,
  decodeReply,
  encodeQuery,
  type QueryForm,
  type Question,
  Rcode,
} from "./message.ts";
import { addressText } from "../ip.ts";
import type { Server } from "./servers.ts";

export interface QuerierOptions {
  /** At least one. */
  readonly servers: readonly Server[];
  readonly dnssec: Dnssec;
  /** Believe the AD bit of servers that are not on loopback. */
  readonly trusted: boolean;
  /** Milliseconds that each server has to answer. */
  readonly tryTimeout: number;
  readonly sockets: { open: number };
}

export type QueryResult =
  /** The name exists (`noError`) or does not (`nameError`). */
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "bogus"; readonly reason: string };

export class Querier {
  readonly #options: QuerierOptions;
  /** Asked first: the server that answered last. */
  #preferred: Server | null = null;

  constructor(options: QuerierOptions) {
    this.#options = options;
  }

  /** Asks until there is a result or `signal` ends it. */
  async query(question: Question, signal: AbortSignal): Promise<QueryResult> {
    while (!signal.aborted) {
      const result = await this.#round(question, signal);
      // A round in which no server said anything is repeated: datagrams get lost.
      if (result !== null) return result;
    }
    const asked = this.#options.servers.map(addressText).join(", ");
    return { kind: "failed", reason: `no answer in time from ${asked}` };
  }

  /** Asks each server once, until one answers; null when all were silent. */
  async #round(question: Question, signal: AbortSignal): Promise<QueryResult | null> {
    const { servers, dnssec, trusted } = this.#options;
    const preferred = this.#preferred;
    const order = preferred === null
      ? servers
      : [preferred, ...servers.filter((server) => server !== preferred)];
    const tried: { server: Server; got: Exchanged<Answer> }[] = [];
    for (const server of order) {
      if (signal.aborted) break;
      const got = await this.#ask(server, question, CHECKED, signal);
      if (got.kind === "answered" && isAnswer(got.answer)) {
        this.#preferred = server;
        const doubt = findDoubt(got.answer, server, dnssec, trusted);
        return doubt === null
          ? { kind: "answer", answer: got.answer }
          : { kind: "bogus", reason: doubt };
      }
      tried.push({ server, got });
    }
    if (tried.every(({ got }) => got.kind === "silent")) return null;
    if (dnssec !== "off") {
      const unable = tried.filter(({ got }) => isServerFailure(got)).map(({ server }) => server);
      const bogus = await this.#findBogus(question, unable, signal);
      if (bogus !== null) return bogus;
    }
    const reason = tried.map(({ server, got }) => describe(server, got)).join(", ");
    return { kind: "failed", reason };
  }

  /**
   * A validating server says SERVFAIL for data that does not validate (RFC 4035, 5.5). If it has an
   * answer as soon as it need not check, the answer is bogus and no failure that may pass.
   */
  async #findBogus(
    question: Question,
    servers: readonly Server[],
    signal: AbortSignal,
  ): Promise<QueryResult | null> {
    for (const server of servers) {
      if (signal.aborted) break;
      const got = await this.#ask(server, question, UNCHECKED, signal);
      if (got.kind === "answered" && isAnswer(got.answer)) {
        const reason = `${addressText(server)} answers this only without validation; ` +
          "the operator of the domain has to repair its DNSSEC";
        return { kind: "bogus", reason };
      }
    }
    return null;
  }

  /** Asks with EDNS, and without it a server that does not know it (RFC 6891, 7). */
  async #ask(
    server: Server,
    question: Question,
    checking: Checking,
    signal: AbortSignal,
  ): Promise<Exchanged<Answer>> {
    const got = await this.#exchange(server, question, { ...checking, edns: true }, signal);
    const stumbled = got.kind === "answered" && WITHOUT_EDNS.has(got.answer.rcode);
    if (!stumbled || signal.aborted) return got;
    return await this.#exchange(server, question, { ...checking, edns: false }, signal);
  }

  /** Asks over UDP, and over TCP when the answer is too long for that (RFC 7766, 5). */
  async #exchange(
    server: Server,
    question: Question,
    form: Checking & { edns: boolean },
    signal: AbortSignal,
  ): Promise<Exchanged<Answer>> {
    const { dnssec, tryTimeout, sockets } = this.#options;
    const scope: ExchangeScope = { timeout: tryTimeout, signal, sockets };
    const id = randomInt(0x10000);
    const query = encodeQuery(question, { ...form, id, dnssec: dnssec !== "off" });
    const read = (bytes: Uint8Array) => decodeReply(bytes, question, id);
    let got = await exchangeUdp(server, query, read, scope);
    if (got.kind === "answered" && got.answer.kind === "truncated" && !signal.aborted) {
      got = await exchangeTcp(server, query, read, scope);
    }
    if (got.kind !== "answered") return got;
    switch (got.answer.kind) {
      case "answer":
        return { kind: "answered", answer: got.answer };
      case "malformed":
        return { kind: "broken", reason: got.answer.reason };
      case "truncated":
        return { kind: "broken", reason: "the answer is cut off" };
    }
  }
}

type Checking = Pick<QueryForm, "checkingDisabled">;

const CHECKED: Checking = { checkingDisabled: false };
const UNCHECKED: Checking = { checkingDisabled: true };

const WITHOUT_EDNS: ReadonlySet<number> = new Set([
  Rcode.formatError,
  Rcode.notImplemented,
  Rcode.badVersion,
]);

/** Any other code says that the server cannot or will not tell. */
function isAnswer(answer: Answer): boolean {
  return answer.rcode === Rcode.noError || answer.rcode === Rcode.nameError;
}

function isServerFailure(got: Exchanged<Answer>): boolean {
  return got.kind === "answered" && got.answer.rcode === Rcode.serverFailure;
}

function describe(server: Server, got: Exchanged<Answer>): string {
  const where = addressText(server);
  switch (got.kind) {
    case "answered":
      return `${where} answered ${
        RCODE_NAMES.get(got.answer.rcode) ?? `rcode ${got.answer.rcode}`
      }`;
    case "broken":
      return `${where}: ${got.reason}`;
    case "silent":
      return `${where} did not answer`;
  }
}

const RCODE_NAMES: ReadonlyMap<number, string> = new Map([
  [Rcode.formatError, "FORMERR"],
  [Rcode.serverFailure, "SERVFAIL"],
  [Rcode.notImplemented, "NOTIMP"],
  [Rcode.refused, "REFUSED"],
  [Rcode.badVersion, "BADVERS"],
]);

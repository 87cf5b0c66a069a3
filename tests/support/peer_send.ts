// One exchange in which a peer sends to the host, in order or in every other way.

import type { Bytes } from "../../src/wire/mod.ts";
import type { ChallengeAnswer, ChallengeSeen } from "./peer_challenge.ts";
import type { Message } from "./message.ts";
import type { TlsFacts } from "./peer_server.ts";
import type { Ended, NoConnection } from "./line.ts";
import type { TlsConnection } from "./tls_connection.ts";
import { sleep } from "./wait.ts";

/** A host or a peer to send to. */
export interface Target {
  readonly ip: string;
  readonly port: number;
  readonly domain: string;
}

/** What follows the last byte: nothing, close_notify and FIN, a FIN alone, a reset. */
export type Ending = "wait" | "end" | "fin" | "reset";

/** How to connect; what is left out is as a conforming host does it. */
export interface DialChoices {
  /** Default: the first host of the world. */
  readonly to?: Target;
  /** The address to leave from. Default: the peer's first. */
  readonly source?: string;
  /** SNI in place of `fmsg.<domain>`; null sends none. The certificate is then not verified. */
  readonly servername?: string | null;
  readonly alpn?: readonly string[];
  readonly version?: "1.2" | "1.3";
  /** A ticket of an earlier connection. The certificate is then not verified. */
  readonly session?: TlsConnection["session"];
}

export interface SendOptions extends DialChoices {
  /** How challenges for this message are answered: "right" unless told, and at once unless `after` is given. */
  readonly answer?: ChallengeAnswer;
  readonly answerAfter?: Promise<unknown>;
  /** Stops after so many bytes of the header, or of the data. */
  readonly cutHeader?: number;
  readonly cutData?: number;
  /** What follows the last byte sent. Default: "wait". */
  readonly then?: Ending;
  /** Milliseconds between the bytes of the header, or between the pieces of the data. */
  readonly headerGap?: number;
  readonly dataGap?: number;
  /** Bytes in a piece of the data. Default: 16 KiB. */
  readonly piece?: number;
  /** Sends the data behind the header, without waiting for a code. */
  readonly pipeline?: boolean;
  /** Sends the data whatever the first code says. */
  readonly ignoreCodes?: boolean;
  /** Awaited when the first code is there, before any data. */
  readonly onFirst?: (code: number) => unknown;
  /** The last byte of the data waits for it. */
  readonly lastByteAfter?: Promise<unknown>;
  /** Bytes behind the data, or behind the header where no data is wanted. */
  readonly extra?: Uint8Array;
  /** Codes for recipients that are due. Default: as many as recipients at the target's domain. */
  readonly due?: number;
  /** Milliseconds to wait for each code, and then for the host to close. Default: 20 s. */
  readonly ms?: number;
}

/** What the host did. */
export interface Sent {
  /** Why there was no exchange: nobody listens, or the handshake failed. */
  readonly error: NoConnection | null;
  /** Every byte that the host sent. */
  readonly codes: readonly number[];
  readonly first: number | null;
  /** The codes for recipients. */
  readonly rest: readonly number[];
  /** How the host ended the connection; null when it did not. */
  readonly ended: Ended | null;
  /** Who ended first. */
  readonly closedBy: "host" | "peer" | null;
  /** The host ended it without an answer that it owed: the first code, or one for each recipient. */
  readonly terminated: boolean;
  readonly challenges: readonly ChallengeSeen[];
  /** Bytes of data and extra bytes that were written. */
  readonly dataSent: number;
  /** From the first byte to the end of the connection. */
  readonly ms: number;
  /** What TLS agreed on, and a ticket for `session` of a later call; null where there is an error. */
  readonly connection: Pick<TlsConnection, "session" | keyof TlsFacts> | null;
}

/** All of the exchange but its connection and its challenges. */
export type Outcome = Pick<
  Sent,
  "codes" | "first" | "rest" | "ended" | "closedBy" | "terminated" | "dataSent" | "ms"
>;

/** Sends on a fresh connection and closes it. `due` codes are wanted for recipients. */
export async function sendOn(
  connection: TlsConnection,
  message: Message,
  due: number,
  options: SendOptions,
): Promise<Outcome> {
  const started = Date.now();
  const exchange = new Exchange(connection, options);
  await exchange.run(message.header, message.payload, due);
  const { codes, dataSent, closedBy } = exchange;
  const [first = null, ...rest] = codes;
  const { ended } = connection;
  const owed = first === null || ((first === 64 || first === 65) && rest.length < due);
  const ms = Date.now() - started;
  await connection.close();
  const terminated = owed && ended !== null;
  return { codes, first, rest, ended, closedBy, terminated, dataSent, ms };
}

class Exchange {
  readonly codes: number[] = [];
  dataSent = 0;
  closedBy: Sent["closedBy"] = null;
  readonly #connection: TlsConnection;
  readonly #options: SendOptions;

  constructor(connection: TlsConnection, options: SendOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  async run(header: Uint8Array, payload: Bytes, due: number): Promise<void> {
    const { cutHeader, cutData, headerGap = 0, pipeline, ignoreCodes, extra } = this.#options;
    await this.#write(
      header.subarray(0, cutHeader),
      headerGap === 0 ? header.length : 1,
      headerGap,
    );
    if (cutHeader !== undefined) return await this.#finish();
    if (pipeline === true) await this.#data(payload);
    const first = await this.#code();
    if (first === null) return await this.#finish();
    await this.#options.onFirst?.(first);
    const wanted = first === 64 || ignoreCodes === true;
    if (wanted && pipeline !== true) await this.#data(payload);
    if (extra !== undefined) this.dataSent += await this.#write(extra);
    if (cutData !== undefined || this.#options.then !== undefined) {
      if (!this.#end()) return;
    }
    if (first === 64 || first === 65) {
      for (let i = 0; i < due && await this.#code() !== null; i++);
    }
    await this.#finish();
  }

  async #data(payload: Bytes): Promise<void> {
    const { cutData, dataGap = 0, piece = 16 * 1024, lastByteAfter } = this.#options;
    const data = payload.subarray(0, cutData);
    const held = lastByteAfter === undefined ? 0 : Math.min(1, data.length);
    this.dataSent += await this.#write(data.subarray(0, data.length - held), piece, dataGap);
    if (held === 0) return;
    await Promise.race([lastByteAfter, this.#connection.over]);
    this.dataSent += await this.#write(data.subarray(data.length - held));
  }

  /** How many bytes could be written: all of them, unless the host has gone. */
  async #write(bytes: Uint8Array, piece = bytes.length, gap = 0): Promise<number> {
    for (let at = 0; at < bytes.length; at += piece) {
      if (gap > 0 && at > 0) await sleep(gap);
      if (gap > 0 && this.#connection.ended !== null) return at;
      if (!(await this.#connection.write(bytes.subarray(at, at + piece)))) return at;
    }
    return bytes.length;
  }

  /** The next code; null when none comes. */
  async #code(): Promise<number | null> {
    const [code = null] = await this.#connection.take(1, this.#options.ms);
    if (code !== null) this.codes.push(code);
    return code;
  }

  /** False after a reset: there is nothing left to read. */
  #end(): boolean {
    if (this.#connection.ended !== null) return true;
    switch (this.#options.then ?? "wait") {
      case "wait":
        return true;
      case "end":
        this.closedBy = "peer";
        this.#connection.end();
        return true;
      case "fin":
        this.closedBy = "peer";
        this.#connection.fin();
        return true;
      case "reset":
        this.closedBy = "peer";
        this.#connection.reset();
        return false;
    }
  }

  /** Takes what still comes until the host closes. */
  async #finish(): Promise<void> {
    if (this.closedBy === null && !this.#end()) return;
    this.codes.push(...await this.#connection.take(MAX_CODES, this.#options.ms));
    this.closedBy ??= this.#connection.ended === null ? "peer" : "host";
  }
}

const MAX_CODES = 1024;

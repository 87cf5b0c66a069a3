// A DNS server on loopback for tests, UDP and TCP on one port. It answers for the names that it is
// given and, where told to, misbehaves. Names without records get NXDOMAIN.
import { Buffer } from "node:buffer";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
// @ts-types="../../src/net/dns/dns_packet.d.ts"
import {
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  decode,
  type DecodedPacket,
  encode,
  type PacketRecord,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";

export type Family = "A" | "AAAA";

export interface Query {
  readonly name: string;
  readonly type: string;
  readonly transport: "udp" | "tcp";
  /** Who asked. */
  readonly ip: string;
  readonly port: number;
  readonly flags: {
    readonly rd: boolean;
    readonly ad: boolean;
    readonly cd: boolean;
    readonly edns: boolean;
    readonly do: boolean;
  };
}

/** The messages sent in place of the answer; null: the answer as it is. */
export type Intercept = (
  query: Query,
  bytes: Buffer,
  answer: Buffer,
) => readonly Uint8Array[] | null;

type Origin = Pick<Query, "transport" | "ip" | "port">;
type Fault = "servfail" | "refused" | "silent" | "truncate" | "bogus" | "unsigned";

export class DnsServer implements AsyncDisposable {
  /** Seconds, for records that were given none. */
  ttl = 0;
  /** Seconds that negative answers may be kept; null: they come without an SOA record. */
  negativeTtl: number | null = 0;
  /** Milliseconds before each answer. */
  delay = 0;
  /** Sets the AD bit. */
  authentic = false;
  /** False: an alias is answered alone, without the records of its target. */
  followsAliases = true;
  intercept: Intercept | null = null;
  /** Everything that was asked, in order. */
  readonly log: Query[] = [];

  readonly ip: string;
  readonly port: number;
  #udp: UdpSocket | null;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #records = new Map<string, ZoneRecord[]>();
  readonly #faults = new Map<string, Set<Fault>>();

  /** On a port that the system chooses; `ip` is 127.0.0.1 unless given. */
  static async start({ ip = "127.0.0.1" }: { ip?: string } = {}): Promise<DnsServer> {
    for (let attempt = 1;; attempt++) {
      const tcp = createServer();
      const udp = createSocket(ip.includes(":") ? "udp6" : "udp4");
      try {
        tcp.listen(0, ip);
        await once(tcp, "listening");
        udp.bind(portOf(tcp), ip);
        await once(udp, "listening");
        return new DnsServer(ip, udp, tcp);
      } catch (error) {
        // The port may be free for TCP and taken for UDP.
        await Promise.all([closed(udp), closed(tcp)]);
        if (attempt === 20) throw error;
      }
    }
  }

  private constructor(ip: string, udp: UdpSocket, tcp: Server) {
    this.ip = ip;
    this.port = portOf(tcp);
    this.#udp = udp;
    this.#tcp = tcp;
    this.#answerOn(udp);
    tcp.on("connection", (connection) => this.#serve(connection));
  }

  /** Nothing is answered over UDP until `wake`: a test must not end a read that began before it. */
  async rest(): Promise<void> {
    const udp = this.#udp;
    this.#udp = null;
    if (udp !== null) await closed(udp);
  }

  async wake(): Promise<void> {
    if (this.#udp !== null) return;
    const udp = createSocket(this.ip.includes(":") ? "udp6" : "udp4");
    udp.bind(this.port, this.ip);
    await once(udp, "listening");
    this.#udp = udp;
    this.#answerOn(udp);
  }

  #answerOn(udp: UdpSocket): void {
    udp.on("error", ignore);
    udp.on("message", (bytes, peer) => {
      const from = { transport: "udp" as const, ip: peer.address, port: peer.port };
      this.#receive(
        Buffer.from(bytes),
        from,
        (out) => udp.send(out, peer.port, peer.address, ignore),
      );
    });
  }

  /** Replaces the records of that name and type. */
  set(name: string, type: Family, values: readonly string[], ttl?: number): void {
    this.#put(name, type, values.map((data) => ({ type, data, ttl })));
  }

  cname(name: string, target: string, ttl?: number): void {
    this.#put(name, "CNAME", [{ type: "CNAME", data: target, ttl }]);
  }

  /** The name exists no longer, and its faults are forgotten. */
  remove(name: string): void {
    this.#records.delete(keyOf(name));
    this.heal(name);
  }

  servfail(name: string, type?: Family): void {
    this.#spoil(name, type, "servfail");
  }

  refused(name: string, type?: Family): void {
    this.#spoil(name, type, "refused");
  }

  /** Never answered. */
  silent(name: string, type?: Family): void {
    this.#spoil(name, type, "silent");
  }

  /** Answered in full over TCP only. */
  truncate(name: string, type?: Family): void {
    this.#spoil(name, type, "truncate");
  }

  /** As a validating server answers what does not validate: SERVFAIL, unless the query has CD. */
  bogus(name: string, type?: Family): void {
    this.#spoil(name, type, "bogus");
  }

  /** Without AD, even where `authentic` is set. */
  unsigned(name: string, type?: Family): void {
    this.#spoil(name, type, "unsigned");
  }

  /** Ends all faults of that name. */
  heal(name: string): void {
    for (const type of ["", "A ", "AAAA "]) this.#faults.delete(type + keyOf(name));
  }

  /** What was asked about that name. */
  queries(name: string, type?: Family): Query[] {
    return this.log.filter((query) =>
      query.name === keyOf(name) && (type === undefined || query.type === type)
    );
  }

  async close(): Promise<void> {
    this.#timers.forEach(clearTimeout);
    this.#connections.forEach((connection) => connection.destroy());
    await Promise.all([this.rest(), closed(this.#tcp)]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #put(name: string, type: string, records: ZoneRecord[]): void {
    const others = (this.#records.get(keyOf(name)) ?? []).filter((record) => record.type !== type);
    this.#records.set(keyOf(name), [...others, ...records]);
  }

  #spoil(name: string, type: Family | undefined, fault: Fault): void {
    const key = (type === undefined ? "" : `${type} `) + keyOf(name);
    this.#faults.set(key, (this.#faults.get(key) ?? new Set()).add(fault));
  }

  #has(query: Query, fault: Fault): boolean {
    return [query.name, `${query.type} ${query.name}`]
      .some((key) => this.#faults.get(key)?.has(fault) === true);
  }

  #serve(connection: Socket): void {
    this.#connections.add(connection);
    connection.on("close", () => this.#connections.delete(connection));
    connection.on("error", ignore);
    const { remoteAddress: ip = "", remotePort: port = 0 } = connection;
    const from = { transport: "tcp" as const, ip, port };
    let received = Buffer.alloc(0);
    connection.on("data", (chunk) => {
      received = Buffer.concat([received, Buffer.from(chunk)]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = received.subarray(2, end);
        received = received.subarray(end);
        this.#receive(message, from, (out) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(out.length);
          connection.write(Buffer.concat([length, out]));
        });
      }
    });
  }

  #receive(bytes: Buffer, from: Origin, send: (out: Uint8Array) => void): void {
    const packet = decode(bytes);
    const [question] = packet.questions;
    if (question === undefined) return;
    const query = describe(packet, keyOf(question.name), question.type, from);
    this.log.push(query);
    if (this.#has(query, "silent")) return;
    const answer = this.#answer(packet, query);
    const messages = this.intercept?.(query, bytes, answer) ?? [answer];
    if (this.delay === 0) return messages.forEach(send);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      messages.forEach(send);
    }, this.delay);
    this.#timers.add(timer);
  }

  #answer(packet: DecodedPacket, query: Query): Buffer {
    const { rcode, answers, denied } = this.#resolve(query);
    const zone = query.name.split(".").at(-1) ?? "";
    const authentic = this.authentic && !this.#has(query, "unsigned");
    const flags = AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | rcode |
      (query.flags.rd ? RECURSION_DESIRED : 0) | (authentic ? AUTHENTIC_DATA : 0);
    const head = {
      type: "response" as const,
      id: packet.id,
      questions: packet.questions,
      additionals: query.flags.edns ? [OPT] : [],
    };
    const full = encode({
      ...head,
      flags,
      answers,
      authorities: denied && this.negativeTtl !== null ? [soa(zone, this.negativeTtl)] : [],
    });
    const cut = query.transport === "udp" &&
      (full.length > payloadSize(packet) || this.#has(query, "truncate"));
    return cut ? encode({ ...head, flags: flags | TRUNCATED_RESPONSE }) : full;
  }

  #resolve(query: Query): Found {
    const answers: PacketRecord[] = [];
    if (this.#has(query, "refused")) return { rcode: REFUSED, answers, denied: false };
    if (this.#has(query, "servfail") || (this.#has(query, "bogus") && !query.flags.cd)) {
      return { rcode: SERVFAIL, answers, denied: false };
    }
    let name = query.name;
    // Each alias once, so that a circle ends.
    for (let links = 0; links <= this.#records.size; links++) {
      const records = this.#records.get(name);
      if (records === undefined) return { rcode: NXDOMAIN, answers, denied: true };
      const alias = records.find(({ type }) => type === "CNAME");
      const found = records.filter(({ type }) =>
        type === (alias === undefined ? query.type : "CNAME")
      );
      answers.push(...found.map(({ type, data, ttl = this.ttl }) => ({ name, type, data, ttl })));
      if (alias === undefined) return { rcode: NOERROR, answers, denied: found.length === 0 };
      if (!this.followsAliases) break;
      name = keyOf(alias.data);
    }
    return { rcode: NOERROR, answers, denied: false };
  }
}

interface Found {
  readonly rcode: number;
  readonly answers: PacketRecord[];
  /** With an SOA record that tells for how long to remember it. */
  readonly denied: boolean;
}

interface ZoneRecord {
  readonly type: Family | "CNAME";
  readonly data: string;
  readonly ttl: number | undefined;
}

const NOERROR = 0;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const REFUSED = 5;
const OPT: PacketRecord = { type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0 };

function soa(zone: string, seconds: number): PacketRecord {
  const data = {
    mname: `ns.${zone}`,
    rname: `root.${zone}`,
    serial: 1,
    refresh: 60,
    retry: 60,
    expire: 60,
    minimum: seconds,
  };
  return { type: "SOA", name: zone, ttl: seconds, data };
}

function describe(
  packet: DecodedPacket,
  name: string,
  type: string,
  from: Origin,
): Query {
  const opt = packet.additionals.find((record) => record.type === "OPT");
  return {
    name,
    type,
    ...from,
    flags: {
      rd: packet.flag_rd,
      ad: packet.flag_ad,
      cd: packet.flag_cd,
      edns: opt !== undefined,
      do: opt?.flag_do === true,
    },
  };
}

function payloadSize(packet: DecodedPacket): number {
  return packet.additionals.find(({ type }) => type === "OPT")?.udpPayloadSize ?? 512;
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return address.port;
}

function closed(socket: UdpSocket | Server): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve());
  });
}

function ignore(): void {}

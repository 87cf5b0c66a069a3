// The least of TLS 1.3 (RFC 8446) that a server takes for a client: one cipher suite, one group, and nothing verified.
// So it costs less than any client of the runtime, and can say after the handshake what none of those would.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { Buffer } from "node:buffer";
import { type Bytes, concat } from "../../src/wire/mod.ts";
import { HostileTcp, type Victim } from "./hostile_tcp.ts";

export const RECORD = { ccs: 20, alert: 21, handshake: 22, data: 23 } as const;

/** The most that a record may hold (5.1); a lie about the length can say up to 65535. */
const RECORD_BYTES = 16 * 1024;

const HANDSHAKE = { clientHello: 1, serverHello: 2, finished: 20, keyUpdate: 24 } as const;

/** One key pair for all connections: nobody says that an attacker has to take the trouble. */
const KEYS = generateKeyPairSync("x25519");
const PUBLIC = new Uint8Array(KEYS.publicKey.export({ type: "spki", format: "der" })).slice(-32);
const SPKI_PREFIX = new Uint8Array(KEYS.publicKey.export({ type: "spki", format: "der" }))
  .slice(0, -32);

export class HostileTls {
  readonly tcp: HostileTcp;
  readonly #records: Records;
  readonly #client: Direction;
  readonly #server: Direction;

  private constructor(tcp: HostileTcp, records: Records, secret: (label: string) => Bytes) {
    this.tcp = tcp;
    this.#records = records;
    this.#client = new Direction(() => secret("c ap traffic"));
    this.#server = new Direction(() => secret("s ap traffic"));
  }

  /** Connects and does the handshake. Null when the host ends it, or `signal` is aborted. */
  static async connect(victim: Victim, signal: AbortSignal): Promise<HostileTls | null> {
    const tcp = await HostileTcp.connect(victim, signal);
    if (tcp === null) return null;
    const tls = await HostileTls.#shake(tcp, victim.serverName);
    if (tls === null) tcp.close();
    return tls;
  }

  /** What came next in data; null when the host has ended. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const record = await this.#records.next();
      if (record === null) return null;
      if (record.type !== RECORD.data) continue;
      const { type, content } = this.#server.keys.open(record);
      if (type === RECORD.data) return content;
      if (type === RECORD.alert) return null;
      if (type === RECORD.handshake && content[0] === HANDSHAKE.keyUpdate) this.#server.update();
    }
  }

  write(bytes: Uint8Array): Promise<boolean> {
    const records: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
      records.push(this.#client.keys.seal(RECORD.data, bytes.subarray(at, at + RECORD_BYTES)));
    }
    return this.tcp.write(concat(records));
  }

  /** A record of any type and any length, encrypted as it should be. */
  writeRecord(type: number, content: Uint8Array): Promise<boolean> {
    return this.tcp.write(this.#client.keys.seal(type, content));
  }

  /** So many changes of the key, one after the other; each asks the host to change its own (4.6.3). */
  updateKeys(count: number): Promise<boolean> {
    const records: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const update = message(HANDSHAKE.keyUpdate, Uint8Array.of(1));
      records.push(this.#client.keys.seal(RECORD.handshake, update));
      this.#client.update();
    }
    return this.tcp.write(concat(records));
  }

  /** close_notify and FIN would be an honest end; this is none. */
  close(): void {
    this.tcp.close();
  }

  static async #shake(tcp: HostileTcp, serverName: string): Promise<HostileTls | null> {
    const records = new Records(tcp);
    const hello = clientHello(serverName);
    await tcp.write(plain(RECORD.handshake, hello));
    const answer = await records.next();
    if (answer === null || answer.type !== RECORD.handshake) return null;
    const shared = agree(answer.content);
    if (shared === null) return null;
    const soFar = concat([hello, answer.content]);
    const handshake = extract(DERIVED_EARLY, shared);
    const client = derive(handshake, "c hs traffic", hash(soFar));
    const flight = await readFlight(
      records,
      new Keys(derive(handshake, "s hs traffic", hash(soFar))),
    );
    if (flight === null) return null;
    const transcript = hash(concat([soFar, flight]));
    const proof = hmac(expand(client, "finished", NOTHING, 32), transcript);
    await tcp.write(
      new Keys(client).seal(RECORD.handshake, message(HANDSHAKE.finished, proof)),
    );
    return new HostileTls(tcp, records, (label) => {
      const master = extract(derive(handshake, "derived", HASH_OF_NOTHING), new Uint8Array(32));
      return derive(master, label, transcript);
    });
  }
}

/** A ClientHello as a handshake message; to be had without a connection, since whoever sends it need not go on. */
export function clientHello(serverName: string, version: "1.2" | "1.3" = "1.3"): Bytes {
  const name = new TextEncoder().encode(serverName);
  const alpn = new TextEncoder().encode("fmsg/1");
  const extensions = concat([
    extension(0, vector(2, concat([Uint8Array.of(0), vector(2, name)]))),
    extension(10, vector(2, Uint8Array.of(0, 0x1d))),
    extension(13, vector(2, Uint8Array.of(4, 3, 8, 4, 8, 7))),
    extension(16, vector(2, vector(1, alpn))),
    // Without it the hello is one of TLS 1.2.
    ...version === "1.2" ? [] : [extension(43, Uint8Array.of(2, 3, 4))],
    // Asks for tickets, which cost the server.
    extension(45, Uint8Array.of(1, 1)),
    extension(51, vector(2, concat([Uint8Array.of(0, 0x1d), vector(2, PUBLIC)]))),
  ]);
  return message(
    HANDSHAKE.clientHello,
    concat([
      Uint8Array.of(3, 3),
      new Uint8Array(randomBytes(32)),
      // No session; TLS_AES_128_GCM_SHA256, or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; no compression.
      version === "1.2"
        ? Uint8Array.of(0, 0, 2, 0xc0, 0x2b, 1, 0)
        : Uint8Array.of(0, 0, 2, 0x13, 0x01, 1, 0),
      vector(2, extensions),
    ]),
  );
}

/** A record that is not encrypted. */
export function plain(type: number, content: Uint8Array): Bytes {
  return concat([Uint8Array.of(type, 3, 3), uint(2, content.length), content]);
}

interface Record {
  readonly type: number;
  /** The five bytes before the content. */
  readonly head: Bytes;
  readonly content: Bytes;
}

/** What comes, record by record. */
class Records {
  readonly #tcp: HostileTcp;
  #rest: Uint8Array = NOTHING;

  constructor(tcp: HostileTcp) {
    this.#tcp = tcp;
  }

  async next(): Promise<Record | null> {
    for (;;) {
      const [type = 0, , , high = 0, low = 0] = this.#rest;
      const end = 5 + high * 256 + low;
      if (this.#rest.length >= 5 && this.#rest.length >= end) {
        const head = new Uint8Array(this.#rest.subarray(0, 5));
        const content = new Uint8Array(this.#rest.subarray(5, end));
        this.#rest = this.#rest.subarray(end);
        return { type, head, content };
      }
      const chunk = await this.#tcp.read();
      if (chunk === null) return null;
      this.#rest = this.#rest.length === 0 ? chunk : concat([this.#rest, chunk]);
    }
  }
}

/** The server's encrypted handshake messages up to its Finished. */
async function readFlight(records: Records, keys: Keys): Promise<Bytes | null> {
  let flight = new Uint8Array();
  for (;;) {
    const record = await records.next();
    if (record === null || record.type === RECORD.alert) return null;
    if (record.type === RECORD.ccs) continue;
    const { type, content } = keys.open(record);
    if (type !== RECORD.handshake) return null;
    flight = concat([flight, content]);
    if (endsWithFinished(flight)) return flight;
  }
}

function endsWithFinished(flight: Uint8Array): boolean {
  let at = 0;
  let type = 0;
  while (at + 4 <= flight.length) {
    const [first = 0, high = 0, middle = 0, low = 0] = flight.subarray(at, at + 4);
    type = first;
    at += 4 + high * 65536 + middle * 256 + low;
  }
  return at === flight.length && type === HANDSHAKE.finished;
}

/** The secret shared with the server of this ServerHello; null when it wants another group. */
function agree(serverHello: Bytes): Bytes | null {
  // The key share: extension 51, of 36 bytes, for x25519, whose key has 32.
  const mark = [0, 51, 0, 36, 0, 0x1d, 0, 32];
  const at = serverHello.findIndex((_, i) => mark.every((byte, j) => serverHello[i + j] === byte));
  if (at < 0) return null;
  const share = serverHello.subarray(at + mark.length, at + mark.length + 32);
  return new Uint8Array(
    diffieHellman({ privateKey: KEYS.privateKey, publicKey: publicKey(share) }),
  );
}

function publicKey(raw: Uint8Array): KeyObject {
  const key = Buffer.from(concat([SPKI_PREFIX, raw]));
  return createPublicKey({ key, format: "der", type: "spki" });
}

/** The keys of one direction after the handshake: made when they are needed, since an attacker may not need them. */
class Direction {
  readonly #first: () => Bytes;
  #secret: Bytes | null = null;
  #keys: Keys | null = null;

  constructor(first: () => Bytes) {
    this.#first = first;
  }

  get keys(): Keys {
    return this.#keys ??= new Keys(this.#secret ??= this.#first());
  }

  /** The keys behind a KeyUpdate (7.2). */
  update(): void {
    this.#secret = expand(this.#secret ?? this.#first(), "traffic upd", NOTHING, 32);
    this.#keys = null;
  }
}

/** Protects records in one direction (5.2), AES-128-GCM. */
class Keys {
  readonly #key: Bytes;
  readonly #iv: Bytes;
  #number = 0;

  constructor(secret: Bytes) {
    this.#key = expand(secret, "key", NOTHING, 16);
    this.#iv = expand(secret, "iv", NOTHING, 12);
  }

  seal(type: number, content: Uint8Array): Bytes {
    const head = concat([Uint8Array.of(RECORD.data, 3, 3), uint(2, content.length + 1 + 16)]);
    const cipher = createCipheriv("aes-128-gcm", this.#key, this.#nonce());
    cipher.setAAD(head);
    const sealed = cipher.update(concat([content, Uint8Array.of(type)]));
    cipher.final();
    return concat([head, sealed, cipher.getAuthTag()]);
  }

  open({ head, content }: Record): { readonly type: number; readonly content: Bytes } {
    const decipher = createDecipheriv("aes-128-gcm", this.#key, this.#nonce());
    decipher.setAAD(head);
    decipher.setAuthTag(content.subarray(-16));
    const opened = new Uint8Array(decipher.update(content.subarray(0, -16)));
    decipher.final();
    const last = opened.findLastIndex((byte) => byte !== 0);
    return { type: opened[last] ?? 0, content: opened.slice(0, Math.max(0, last)) };
  }

  #nonce(): Bytes {
    const nonce = this.#iv.slice();
    const number = uint(8, this.#number++);
    for (let i = 0; i < 8; i++) nonce[4 + i] = (nonce[4 + i] ?? 0) ^ (number[i] ?? 0);
    return nonce;
  }
}

const NOTHING: Bytes = new Uint8Array();
const HASH_OF_NOTHING = hash(NOTHING);
const DERIVED_EARLY = derive(
  extract(new Uint8Array(32), new Uint8Array(32)),
  "derived",
  HASH_OF_NOTHING,
);

function derive(secret: Bytes, label: string, transcript: Bytes): Bytes {
  return expand(secret, label, transcript, 32);
}

function extract(salt: Bytes, secret: Bytes): Bytes {
  return hmac(salt, secret);
}

/** HKDF-Expand-Label (7.1), for at most one block. */
function expand(secret: Bytes, label: string, context: Bytes, length: number): Bytes {
  const name = new TextEncoder().encode(`tls13 ${label}`);
  const info = concat([uint(2, length), vector(1, name), vector(1, context), Uint8Array.of(1)]);
  return hmac(secret, info).slice(0, length);
}

function hmac(key: Bytes, bytes: Bytes): Bytes {
  return new Uint8Array(createHmac("sha256", key).update(bytes).digest());
}

function hash(bytes: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

function message(type: number, content: Uint8Array): Bytes {
  return concat([Uint8Array.of(type), vector(3, content)]);
}

function extension(type: number, content: Uint8Array): Bytes {
  return concat([uint(2, type), vector(2, content)]);
}

/** Bytes behind their length, which takes `size` bytes. */
function vector(size: number, content: Uint8Array): Bytes {
  return concat([uint(size, content.length), content]);
}

function uint(size: number, value: number): Bytes {
  const bytes = new Uint8Array(size);
  let left = value;
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = left & 255;
    left = Math.floor(left / 256);
  }
  return bytes;
}

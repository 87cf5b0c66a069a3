// What strangers do to a host, one connection at a time. Shared by the tests of row S3 and by the bench that asks what
// it costs the host and what it costs them, so that each is as cheap for the stranger as can be.

import { randomBytes } from "node:crypto";
import { CHALLENGE_VERSION, concat, CONTINUE } from "../../src/wire/mod.ts";
import { HostileTcp, type Victim } from "./hostile_tcp.ts";
import { clientHello, HostileTls, plain, RECORD } from "./hostile_tls.ts";
import { addTo, draft, type Fields, type Message, noise } from "./message.ts";

export interface Enemy {
  readonly victim: Victim;
  /** A user of the host. */
  readonly user: string;
  /** A domain whose address is the one that the enemy comes from. */
  readonly domain: string;
}

/** Does its work once, on a connection of its own; resolves when that is over, or `signal` aborts. */
export type Hostility = (signal: AbortSignal) => Promise<void>;

/** What can be made ready is made ready, so that the connections cost little. */
export type Attack = (enemy: Enemy) => Hostility;

/** Those that need no TLS. */
export const TCP_ATTACKS = {
  "connections opened and closed": ({ victim }) => overTcp(victim, () => Promise.resolve()),
  "silence": ({ victim }) => overTcp(victim, (tcp) => tcp.drain()),
  "garbage in place of a hello": ({ victim }) => {
    const garbage = noise(1024);
    return overTcp(victim, (tcp) => sayAndWait(tcp, garbage));
  },
  "a hello and nothing more": ({ victim }) => {
    const hello = plain(RECORD.handshake, clientHello(victim.serverName));
    return overTcp(victim, async (tcp) => {
      await tcp.write(hello);
      await tcp.read();
    });
  },
  "a hello for another server": ({ victim }) => {
    const hello = plain(RECORD.handshake, clientHello("fmsg.elsewhere.test"));
    return overTcp(victim, async (tcp) => {
      await tcp.write(hello);
      await tcp.read();
    });
  },
  "a hello of TLS 1.2": ({ victim }) => {
    // Without the extension that names version 1.3 this is one.
    const hello = plain(RECORD.handshake, clientHello(victim.serverName, "1.2"));
    return overTcp(victim, (tcp) => sayAndWait(tcp, hello));
  },
  "a record that is said to be huge": ({ victim }) => {
    const record = concat([Uint8Array.of(RECORD.handshake, 3, 3, 255, 255), noise(65535)]);
    return overTcp(victim, (tcp) => sayAndWait(tcp, record));
  },
  "a hello, a byte a second": ({ victim }) => {
    const hello = plain(RECORD.handshake, clientHello(victim.serverName));
    return overTcp(victim, (tcp) => byteByByte(tcp, hello, (byte) => tcp.write(byte)));
  },
} as const satisfies Readonly<Record<string, Attack>>;

/** Those that do the handshake and have nothing to say. */
export const TLS_ATTACKS = {
  "handshakes dropped": ({ victim }) => overTls(victim, () => Promise.resolve()),
  "handshakes for another name": ({ victim }) =>
    overTls({ ...victim, serverName: "fmsg.elsewhere.test" }, (tls) => tls.tcp.drain()),
  "silence behind a handshake": ({ victim }) => overTls(victim, (tls) => tls.tcp.drain()),
  "renegotiation": ({ victim }) => {
    const hello = clientHello(victim.serverName);
    return overTls(victim, async (tls) => {
      await tls.writeRecord(RECORD.handshake, hello);
      await tls.tcp.drain();
    });
  },
  "changes of keys without end": ({ victim }) =>
    overTls(victim, async (tls) => {
      for (let i = 0; i < 100 && !tls.tcp.over && await tls.updateKeys(20); i++) await turn();
    }),
  "records that are too large": ({ victim }) => {
    const content = noise(20_000);
    return overTls(victim, async (tls) => {
      await tls.writeRecord(RECORD.data, content);
      await tls.tcp.drain();
    });
  },
  "empty records without end": ({ victim }) =>
    overTls(victim, async (tls) => {
      const nothing = new Uint8Array();
      for (let i = 0; i < 2000 && !tls.tcp.over; i++) {
        if (!await tls.writeRecord(RECORD.data, nothing)) return;
        if (i % 20 === 0) await turn();
      }
    }),
} as const satisfies Readonly<Record<string, Attack>>;

/** Those that speak the protocol and send no content. */
export const HEADER_ATTACKS = {
  "a header, a byte a second": (enemy) => {
    const { header } = letter(enemy);
    return overTls(
      enemy.victim,
      (tls) => byteByByte(tls.tcp, header, (byte) => tls.write(byte)),
    );
  },
  "largest headers, wrong at the end": (enemy) => {
    const header = malformedAtTheEnd(largest(nameOf(enemy), enemy.user));
    return overTls(enemy.victim, (tls) => writeAndWait(tls, header));
  },
  "largest headers, never finished": (enemy) => {
    const header = largest(nameOf(enemy), enemy.user).header.slice(0, -1);
    return overTls(enemy.victim, (tls) => writeAndWait(tls, header));
  },
  "from a wrong address, any domain": (enemy) =>
    overTls(enemy.victim, (tls) => writeAndWait(tls, letter(enemy, anyDomain()).header)),
  "from a domain whose DNS is silent": (enemy) =>
    overTls(
      enemy.victim,
      (tls) => writeAndWait(tls, letter(enemy, `${anyDomain()}.${SILENT}`).header),
    ),
  "challenges with any hash": (enemy) =>
    overTls(
      enemy.victim,
      (tls) =>
        writeAndWait(
          tls,
          concat([Uint8Array.of(CHALLENGE_VERSION), new Uint8Array(randomBytes(32))]),
        ),
    ),
  "challenges never answered": (enemy) =>
    overTls(enemy.victim, (tls) => writeAndWait(tls, letter(enemy).header)),
} as const satisfies Readonly<Record<string, Attack>>;

/** Those by a sender that is whom it says, and is not challenged. */
export const CONTENT_ATTACKS = {
  "255 users who are not here": (enemy) => {
    const to = Array.from({ length: 255 }, (_, i) => `@nobody${i}@${domainOf(enemy.user)}`);
    return overTls(enemy.victim, (tls) => sendAndWait(tls, letter(enemy, enemy.domain, { to })));
  },
  "more inflated than is said": (enemy) => {
    const bomb = { body: new Uint8Array(BOMB), compress: true, expandedSize: BOMB - 1 };
    return sendOver(enemy, draft({ ...fieldsOf(enemy), ...bomb }));
  },
  "much inflated, for nobody": (enemy) => {
    const to = [`@nobody@${domainOf(enemy.user)}`];
    const bomb = { body: new Uint8Array(BOMB), compress: true, expandedSize: BOMB };
    return sendOver(enemy, draft({ ...fieldsOf(enemy), ...bomb, to }));
  },
  "data, hardly fast enough": (enemy) => {
    const { header } = letter(enemy, enemy.domain, { size: 1024 * 1024 });
    const piece = noise(600);
    return overTls(enemy.victim, async (tls) => {
      await tls.write(header);
      if ((await tls.read())?.[0] !== CONTINUE) return;
      while (await tls.write(piece) && await tls.tcp.pause(100));
    });
  },
  "batches on a large original": (enemy) => {
    const original = letter(enemy, enemy.domain, { body: new Uint8Array(BOMB), compress: true });
    let here: Promise<void> | null = null;
    return async (signal) => {
      here ??= overTls(enemy.victim, (tls) => sendAndWait(tls, original))(signal);
      await here;
      // With the content as it goes over the wire: its own hash is the host's business.
      const ready = { body: "", wire: original.payload, expandedSize: BOMB };
      const batch = addTo(original, {
        from: `@mallory@${enemy.domain}`,
        to: [`@somebody@${domainOf(enemy.user)}`],
      }, ready);
      await overTls(enemy.victim, (tls) => writeAndWait(tls, batch.header))(signal);
    };
  },
} as const satisfies Readonly<Record<string, Attack>>;

export const ATTACKS: Readonly<Record<string, Attack>> = {
  ...TCP_ATTACKS,
  ...TLS_ATTACKS,
  ...HEADER_ATTACKS,
  ...CONTENT_ATTACKS,
};

/** Below this, nobody answers questions. */
export const SILENT = "silent.test";

/** The most that a host takes unless told otherwise. */
const BOMB = 10 * 1024 * 1024;

/** All lists and texts of a header at their bounds: one recipient of 255 who is here, and nobody of those added. */
export function largest(from: string, user: string): Message {
  const address = (kind: string, i: number): string => {
    const name = `${kind}${i}`;
    return `@${name}${"x".repeat(255 - 2 - name.length - domainOf(user).length)}@${domainOf(user)}`;
  };
  const list = (kind: string) => Array.from({ length: 255 }, (_, i) => address(kind, i));
  return draft({
    from,
    to: [user, ...list("to").slice(1)],
    pid: noise(32),
    addTo: { from, to: list("added") },
    type: `text/${"x".repeat(250)}`,
    attachments: Array.from({ length: 255 }, (_, i) => ({
      filename: `${i}-${"x".repeat(254 - String(i).length)}`,
      type: `text/${"x".repeat(250)}`,
    })),
  });
}

/** The last attachment has the name of the one before it. */
function malformedAtTheEnd({ fields }: Message): Uint8Array {
  const { attachments = [] } = fields;
  const [first] = attachments;
  return draft({
    ...fields,
    attachments: first === undefined ? [] : [...attachments.slice(0, -1), first],
  }).header;
}

function letter(
  enemy: Enemy,
  domain = enemy.domain,
  fields: Partial<Fields> = {},
): Message {
  return draft({ ...fieldsOf(enemy), from: `@mallory@${domain}`, ...fields });
}

function fieldsOf(enemy: Enemy): Fields {
  return { from: nameOf(enemy), to: [enemy.user], body: "Hello" };
}

function nameOf({ domain }: Enemy): string {
  return `@mallory@${domain}`;
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

function anyDomain(): string {
  return `${randomBytes(8).toString("hex")}.test`;
}

function overTcp(victim: Victim, use: (tcp: HostileTcp) => Promise<void>): Hostility {
  return async (signal) => {
    const tcp = await HostileTcp.connect(victim, signal);
    if (tcp === null) return;
    await use(tcp);
    tcp.reset();
    await tcp.gone;
  };
}

function overTls(victim: Victim, use: (tls: HostileTls) => Promise<void>): Hostility {
  return async (signal) => {
    const tls = await HostileTls.connect(victim, signal);
    if (tls === null) return;
    await use(tls);
    tls.tcp.reset();
    await tls.tcp.gone;
  };
}

async function sayAndWait(tcp: HostileTcp, bytes: Uint8Array): Promise<void> {
  if (await tcp.write(bytes)) await tcp.drain();
}

async function writeAndWait(tls: HostileTls, bytes: Uint8Array): Promise<void> {
  if (await tls.write(bytes)) await tls.tcp.drain();
}

/** A new message each time, of the same content. */
function sendOver(enemy: Enemy, { fields, payload }: Message): Hostility {
  const ready = { ...fields, wire: payload };
  return overTls(enemy.victim, (tls) => {
    const { header } = draft({ ...ready, body: "", time: Date.now() / 1000 });
    return sendAndWait(tls, { header, payload });
  });
}

/** All at once where it is small; the host has its say before it gets the rest. */
async function sendAndWait(
  tls: HostileTls,
  { header, payload }: Pick<Message, "header" | "payload">,
): Promise<void> {
  await tls.write(concat([header, payload]));
  await tls.tcp.drain();
}

async function byteByByte(
  tcp: HostileTcp,
  bytes: Uint8Array,
  write: (byte: Uint8Array) => Promise<boolean>,
): Promise<void> {
  for (const byte of bytes) {
    if (!await write(Uint8Array.of(byte)) || !await tcp.pause(1000)) return;
  }
}

/** Lets the process hear of what happened to its sockets. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

// Outgoing TLS connections: whom they trust, where they leave from, and how they fail.
import assert from "node:assert/strict";
import { once } from "node:events";
import * as tcp from "node:net";
import { makeAuthority, selfSigned } from "../../src/certificate/make.ts";
import {
  type Certificate,
  DialError,
  type Dialler,
  type SocketConnection,
} from "../../src/net/mod.ts";
import { waitFor } from "../support/wait.ts";
import {
  authority,
  certificate,
  LIMITS,
  LOOPBACK,
  NAME,
  Net,
  pattern,
  withDialler,
  withNet,
} from "./tls_setup.ts";

const DAY = 86_400_000;

interface Dialling {
  readonly net: Net;
  /** Connects to a port of 127.0.0.1 under the usual name, without a source, unless told otherwise. */
  readonly dial: (
    port: number,
    changes?: Partial<To>,
    signal?: AbortSignal,
  ) => Promise<SocketConnection>;
}

type To = Parameters<Dialler["connect"]>[0];

function dialling(connectMs: number, test: (dialling: Dialling) => Promise<void>): Promise<void> {
  return withNet((net) =>
    withDialler({ limits: () => ({ ...LIMITS, connectMs }) }, (dialler) =>
      test({
        net,
        dial: (port, changes, signal) =>
          dialler.connect(
            { ip: LOOPBACK, port, serverName: NAME, source: null, ...changes },
            signal,
          ),
      }))
  );
}

/** Long enough for every connection that can be had. */
const PATIENT = 20_000;

async function refused(dialled: Promise<unknown>, message: string | RegExp): Promise<void> {
  await assert.rejects(dialled, (error) => {
    assert.ok(error instanceof DialError, String(error));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

/** What the other side sends comes, and goes. */
async function works(connection: SocketConnection): Promise<void> {
  assert.deepEqual(await connection.read(1), Uint8Array.of(1));
  await connection.write(pattern(1000));
  assert.deepEqual(await connection.read(1000), pattern(1000));
}

Deno.test("T2 it calls the host by its name, offers fmsg/1, and speaks TLS 1.3", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port, calls } = await net.serveTls(certificate);
    const connection = await dial(port);
    await works(connection);
    assert.deepEqual([connection.peer, connection.local], [LOOPBACK, LOOPBACK]);
    connection.close();
    assert.deepEqual(
      calls.map(({ name, alpn, protocol }) => [name, alpn, protocol]),
      [[NAME, "fmsg/1", "TLSv1.3"]],
    );
  }));

Deno.test("T1 a host without ALPN is served", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls({ ...certificate, ALPNProtocols: [] });
    await works(await dial(port));
  }));

Deno.test("T1 a host that speaks only TLS 1.2 is refused", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls({
      ...certificate,
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.2",
    });
    await refused(dial(port), "what listens there does not speak TLS 1.3");
  }));

Deno.test("T2 a certificate for another name is refused, however often, and the names are told", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls(await authority.issue("fmsg.other.test"));
    for (let time = 0; time < 2; time++) {
      await refused(
        dial(port),
        `its certificate is not for ${NAME} but for DNS:fmsg.other.test`,
      );
    }
    await works(await dial(port, { serverName: "fmsg.other.test" }));
    await refused(dial(port), /not for/);
  }));

Deno.test("T2 a certificate for thousands of names makes no thousands of words", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const names = Array.from({ length: 500 }, (_, i) => `name-${i}.other.test`);
    const { port } = await net.serveTls(await authority.issue("fmsg.other.test", { names }));
    await refused(dial(port), /^its certificate is not for [^…]{1,300}…$/);
  }));

Deno.test("T2 a certificate for all names of the domain is accepted", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls(await authority.issue("*.example.test"));
    await works(await dial(port));
    await refused(dial(port, { serverName: "fmsg.a.example.test" }), /not for/);
  }));

const UNTRUSTED =
  "its certificate has expired, is not valid yet, or is of an authority that is not trusted here";

for (
  const [what, make, message] of [
    [
      "that has expired",
      () =>
        authority.issue(NAME, {
          notBefore: new Date(Date.now() - 3 * DAY),
          notAfter: new Date(Date.now() - DAY),
        }),
      UNTRUSTED,
    ],
    [
      "of the future",
      () => authority.issue(NAME, { notBefore: new Date(Date.now() + DAY) }),
      UNTRUSTED,
    ],
    [
      "of an authority that nobody knows",
      async () => (await makeAuthority("Test network")).issue(NAME),
      UNTRUSTED,
    ],
    [
      "that is self-signed",
      () => selfSigned(NAME),
      "its certificate is self-signed, and not trusted here",
    ],
  ] satisfies [string, () => Promise<Certificate>, string][]
) {
  Deno.test(`T2 a certificate ${what} is refused`, () =>
    dialling(PATIENT, async ({ net, dial }) => {
      const { port } = await net.serveTls(await make());
      await refused(dial(port), message);
      await refused(dial(port), message);
    }));
}

Deno.test("S3 what a host sends along with its certificate cannot end the process", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const chains = [
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      certificate.cert.replace(/^(?:[^\n]*\n){4}/, "-----BEGIN CERTIFICATE-----\n"),
      authority.pem,
      certificate.cert.repeat(20),
    ];
    for (const extra of chains) {
      const { port } = await net.serveTls({ ...certificate, cert: certificate.cert + extra });
      await works(await dial(port));
    }
  }));

Deno.test("D3 it leaves from the address that is asked for", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port, calls } = await net.serveTls(certificate);
    const connection = await dial(port, { source: "127.0.0.9" });
    await works(connection);
    assert.equal(connection.local, "127.0.0.9");
    assert.deepEqual(calls.map(({ from }) => from), ["127.0.0.9"]);
  }));

Deno.test("D3 an address that this machine does not have is told", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls(certificate);
    for (const source of ["192.0.2.1", "::1"]) {
      await refused(
        dial(port, { source }),
        `this host cannot leave from ${source}: it is no address of this machine, or of another family`,
      );
    }
  }));

for (
  const [what, answer, message] of [
    [
      "closes the connection",
      (socket) => void socket.end(),
      "the connection was reset in the handshake",
    ],
    [
      "resets the connection",
      (socket) => void socket.resetAndDestroy(),
      "the connection was reset in the handshake",
    ],
    [
      "does not speak TLS",
      (socket) => void socket.write("220 mail.example.test ESMTP\r\n"),
      "what listens there does not speak TLS",
    ],
  ] satisfies [string, (socket: tcp.Socket) => void, string][]
) {
  Deno.test(`D2 whoever ${what} is no host`, () =>
    dialling(PATIENT, async ({ net, dial }) => {
      const port = await net.serve(tcp.createServer((socket) => {
        socket.resume();
        answer(socket);
      }));
      await refused(dial(port), message);
    }));
}

Deno.test("D2 nobody listens there", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const server = tcp.createServer();
    const port = await net.serve(server);
    server.close();
    await once(server, "close");
    await refused(dial(port), "nobody listens there (connection refused)");
  }));

Deno.test("D2 whoever accepts and says nothing is given up when the time is over", () =>
  dialling(300, async ({ net, dial }) => {
    const port = await net.serve(tcp.createServer((socket) => void socket.resume()));
    await refused(dial(port), "no answer within 0.3 s");
  }));

Deno.test("D2 an address that swallows everything is given up when the time is over", () =>
  dialling(300, async ({ net, dial }) => {
    using hole = await blackHole(net);
    await refused(dial(hole.port), "no answer within 0.3 s");
  }));

Deno.test("a signal that has fired keeps it from connecting at all", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port, calls } = await net.serveTls(certificate);
    await assert.rejects(dial(port, {}, AbortSignal.abort(new Error("stop"))), /^Error: stop$/);
    await works(await dial(port));
    assert.equal(calls.length, 1);
  }));

Deno.test("a signal ends the wait for a connection", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    using hole = await blackHole(net);
    const stop = new AbortController();
    const dialled = assert.rejects(dial(hole.port, {}, stop.signal), /^Error: stop$/);
    setTimeout(() => stop.abort(new Error("stop")), 50);
    await dialled;
  }));

Deno.test("a signal ends a handshake", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const stop = new AbortController();
    const port = await net.serve(tcp.createServer((socket) => {
      socket.once("data", () => stop.abort(new Error("stop")));
    }));
    await assert.rejects(dial(port, {}, stop.signal), /^Error: stop$/);
  }));

Deno.test("a signal does not touch a connection that is made", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls(certificate);
    const stop = new AbortController();
    const connection = await dial(port, {}, stop.signal);
    stop.abort(new Error("stop"));
    await works(connection);
  }));

Deno.test("many connections at once are each given their own outcome", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const good = (await net.serveTls(certificate)).port;
    const wrong = (await net.serveTls(await authority.issue("fmsg.other.test"))).port;
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        if (i % 3 === 0) await refused(dial(wrong), /not for/);
        else await works(await dial(good));
      }),
    );
  }));

Deno.test("a host that goes away after the handshake is a connection lost", () =>
  dialling(PATIENT, async ({ net, dial }) => {
    const { port } = await net.serveTls(certificate);
    const connection = await dial(port);
    await works(connection);
    const reading = connection.readSome();
    net.cut();
    assert.equal(await reading, null);
    assert.ok(connection.lost.aborted);
  }));

Deno.test("T4 sessions are resumed, and never under another name or with another certificate", async () => {
  const { first, again, other, afterOther } = await inChild("sessions");
  assert.deepEqual(first, ["connected", false]);
  assert.deepEqual(again, ["connected", true]);
  // In the place of the host: one that has a certificate of the same authority, for another name.
  assert.match(String(other), /^its certificate is not for/);
  assert.deepEqual(afterOther, ["connected", true]);
});

Deno.test("T4 of the sessions that are remembered the oldest goes", async () => {
  const { oldest, newest, oldestAgain } = await inChild("many-sessions");
  assert.deepEqual([oldest, newest, oldestAgain], [false, true, true]);
});

Deno.test("T2 extra roots are trusted, also where the runtime's own were read before they were known", async () => {
  const { before, after, wrongName, unknown } = await inChild("late-roots");
  assert.equal(before, UNTRUSTED);
  assert.deepEqual(after, ["connected", false]);
  assert.match(String(wrongName), /^its certificate is not for/);
  assert.equal(unknown, UNTRUSTED);
});

/** An address whose packets go nowhere: a listener that accepts nobody, with its queue full. */
async function blackHole(net: Net): Promise<Disposable & { port: number }> {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const waiting = Array.from({ length: 8 }, () => {
    const socket = tcp.connect(port, LOOPBACK);
    socket.on("error", () => {});
    return socket;
  });
  await waitFor(() => waiting.filter(({ connecting }) => !connecting).length >= 2);
  net.watch(port);
  return {
    port,
    [Symbol.dispose]: () => {
      for (const socket of waiting) socket.destroy();
      listener.close();
    },
  };
}

/** Runs one case of dialler_child.ts in a process of its own. */
async function inChild(name: string): Promise<Record<string, unknown>> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("dialler_child.ts", import.meta.url).pathname, name],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  assert.ok(success, text(stderr));
  return JSON.parse(text(stdout));
}

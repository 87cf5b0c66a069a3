// The examination of another's host, to which nothing is sent: what answers there, from good to odd.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcp, type Server, type Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";
import { selfSigned } from "../../src/certificate/make.ts";
import { World } from "../support/world.ts";
import { broken, examineFrom, level, words } from "./setup.ts";

const DOMAIN = "other.test";
const NAME = `fmsg.${DOMAIN}`;

Deno.test("another's host is examined", async (t) => {
  await using world = await World.make();
  const here = await world.host({ start: false });
  const port = `port-${world.port}`;
  const { cert, key } = await world.authority.issue(NAME);
  const options = (changes: Partial<TlsOptions> = {}): TlsOptions => ({
    cert,
    key,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["fmsg/1"],
    ...changes,
  });

  await t.step("a host in order", async () => {
    const host = await world.host({ domain: "fine.test" });
    const findings = await examineFrom(here, host.domain);
    assert.deepEqual(broken(findings), []);
    for (
      const id of ["dns-a", port, "certificate-name", "certificate-expiry", "certificate-chain"]
        .concat("tls-1.3", "tls-1.2", "tls-alpn")
    ) assert.equal(level(findings, id), "ok", `${id}: ${words(findings, id)}`);
    await host.stop();
  });

  await t.step("nothing is sent behind the handshake", async () => {
    const ip = world.address();
    world.dns.set(NAME, "A", [ip]);
    let bytes = 0;
    await using server = await serve(ip, world.port, options(), (socket) => {
      socket.on("data", (chunk: Uint8Array) => bytes += chunk.length);
    });
    assert.deepEqual(broken(await examineFrom(here, DOMAIN)), []);
    await server.gone();
    assert.equal(bytes, 0);
  });

  const odd: readonly (readonly [string, string, "fail" | "warning", TlsOptions])[] = [
    ["T1 one that takes TLS 1.2 as well", "tls-1.2", "fail", options({ minVersion: "TLSv1.2" })],
    [
      "T1 one that speaks TLS 1.2 only",
      port,
      "fail",
      options({ minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }),
    ],
    ["T1 one without ALPN", "tls-alpn", "warning", { cert, key, minVersion: "TLSv1.3" }],
    ["T1 one for another protocol", port, "fail", options({ ALPNProtocols: ["h2"] })],
    ["T2 one that is self-signed", "certificate-chain", "fail", options(await selfSigned(NAME))],
    [
      "T2 one with another's certificate",
      "certificate-name",
      "fail",
      options(await world.authority.issue("fmsg.third.test")),
    ],
  ];
  for (const [what, id, expected, tls] of odd) {
    await t.step(what, async () => {
      const ip = world.address();
      world.dns.set(NAME, "A", [ip]);
      await using _server = await serve(ip, world.port, tls);
      const findings = await examineFrom(here, DOMAIN);
      assert.equal(level(findings, id), expected, words(findings, id));
      assert.deepEqual(broken(findings), expected === "fail" ? [id] : []);
    });
  }

  for (
    const [what, expected, behave] of [
      ["one that hangs up", /hangs up/, (socket: Socket) => socket.destroy()],
      ["one that says nothing", /says nothing/, () => {}],
      [
        "one of another kind",
        /does not speak TLS/,
        (socket: Socket) => socket.write("SSH-2.0\r\n"),
      ],
    ] as const
  ) {
    await t.step(what, async () => {
      const ip = world.address();
      world.dns.set(NAME, "A", [ip]);
      await using _server = await listen(
        createTcp((socket) => {
          socket.on("error", () => {});
          socket.resume();
          behave(socket);
        }),
        ip,
        world.port,
      );
      assert.match(words(await examineFrom(here, DOMAIN), port), expected);
    });
  }

  await t.step("of several addresses, each is told by itself", async () => {
    const [good, bad] = [world.address(), world.address()];
    world.dns.set(NAME, "A", [bad, good]);
    await using _server = await serve(good, world.port, options());
    const findings = (await examineFrom(here, DOMAIN)).filter(({ id }) => id === port);
    assert.deepEqual(findings.map(({ about, level }) => [about, level]), [
      [bad, "fail"],
      [good, "ok"],
    ]);
  });

  await t.step("a domain without a host, and one that does not exist", async () => {
    world.dns.set("plain.test", "A", [world.address()]);
    const plain = await examineFrom(here, "plain.test");
    assert.deepEqual(broken(plain), ["dns-a"]);
    assert.match(words(plain, "dns-a"), /nobody can be written to at plain\.test/);
    assert.deepEqual(broken(await examineFrom(here, "missing.test")), ["dns-domain"]);
  });
});

interface Served extends AsyncDisposable {
  /** Resolves when no connection is open any more. */
  gone(): Promise<void>;
}

async function serve(
  ip: string,
  port: number,
  tls: TlsOptions,
  use: (socket: Socket) => void = () => {},
): Promise<Served> {
  const server = createServer(tls, (socket) => {
    socket.on("error", () => {});
    use(socket);
    socket.on("end", () => socket.destroy());
    socket.resume();
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return await listen(server, ip, port);
}

async function listen(server: Server, ip: string, port: number): Promise<Served> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(port, ip);
  await once(server, "listening");
  const gone = async (): Promise<void> => {
    await Promise.all([...open].map((socket) => once(socket, "close")));
  };
  return {
    gone,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

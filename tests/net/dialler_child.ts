// Cases of dialler_test.ts that need a process whose trusted roots nobody has read yet. Prints what came of them.
import { connect } from "node:tls";
import { makeAuthority } from "../../src/certificate/make.ts";
import { DialError, type Dialler } from "../../src/net/mod.ts";
import {
  authority,
  type Call,
  certificate,
  LOOPBACK,
  NAME,
  type Net,
  withDialler,
  withNet,
} from "./tls_setup.ts";

const CASES: Readonly<Record<string, (net: Net) => Promise<object>>> = {
  sessions: async (net) => {
    const good = await net.serveTls(certificate);
    const other = await net.serveTls(await authority.issue("fmsg.other.test"));
    return await withDialler({}, async (dialler) => {
      const visit = visits(dialler, good);
      return {
        first: await visit(),
        again: await visit(),
        other: await visits(dialler, other)(),
        afterOther: await visit(),
      };
    });
  },

  "many-sessions": async (net) => {
    const server = await net.serveTls(await authority.issue("*.example.test"));
    return await withDialler({}, async (dialler) => {
      const visit = visits(dialler, server);
      const reused = async (i: number): Promise<unknown> => (await visit(`n${i}.example.test`))[1];
      for (let i = 0; i < 100; i++) await reused(i);
      return { oldest: await reused(0), newest: await reused(99), oldestAgain: await reused(0) };
    });
  },

  "late-roots": async (net) => {
    const { port, calls } = await net.serveTls(certificate);
    const stranger = await (await makeAuthority("Test network")).issue(NAME);
    const wrong = await net.serveTls(await authority.issue("fmsg.other.test"));
    const unknown = await net.serveTls(stranger);
    // Any connection makes the runtime read its roots.
    await new Promise<void>((resolve) => {
      const socket = connect({ host: LOOPBACK, port, servername: NAME });
      socket.on("secureConnect", () => socket.destroy());
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
    const before = await withDialler(
      { extraRoots: null },
      (dialler) => visits(dialler, { port, calls })(),
    );
    const later = await withDialler({}, async (dialler) => ({
      after: await visits(dialler, { port, calls })(),
      wrongName: await visits(dialler, wrong)(),
      unknown: await visits(dialler, unknown)(),
    }));
    return { before, ...later };
  },
};

/** Connects, and tells whether the server resumed a session; or why there was no connection. */
function visits(
  dialler: Dialler,
  { port, calls }: { readonly port: number; readonly calls: readonly Call[] },
): (serverName?: string) => Promise<unknown[] | string> {
  return async (serverName = NAME) => {
    try {
      const connection = await dialler.connect({ ip: LOOPBACK, port, serverName, source: null });
      await connection.read(1);
      connection.close();
      // Tickets come after the handshake; by the end they have been seen.
      await aborted(connection.lost);
      return ["connected", calls.at(-1)?.reused];
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      return error.message;
    }
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}

const [name = ""] = Deno.args;
await withNet(async (net) => {
  const run = CASES[name];
  if (run === undefined) throw new Error(`There is no case "${name}"`);
  console.log(JSON.stringify(await run(net)));
});

// The two hosts of the demo: real ones, in this process and in a folder that goes away with them.

import { join } from "node:path";
import { parseConfig } from "../config.ts";
import { type Exchange, Host, Log } from "../host/mod.ts";
import { stageParts } from "../host/parts.ts";
import { Mailbox, type MessageView, type Sent } from "../store/mod.ts";
import { Address, hex } from "../wire/mod.ts";
import { CommandError } from "./context.ts";
import { orFail } from "./delivery.ts";

export const ALICE = "@alice@home.example";
export const BOB = "@bob@work.example";
export const CAROL = "@carol@work.example";

/** The two hosts listen on one port, each at a loopback address of its own. */
export const HOME = { domain: "home.example", ip: "127.0.0.1" };
export const WORK = { domain: "work.example", ip: "127.0.0.2" };

/** How long a step may take, in milliseconds. */
const STEP_MS = 20_000;

const MENU = ["Friday", "", "Soup of the day", "Potatoes with herbs", "Apple pie", ""].join("\n")
  .repeat(12);

/** One message on its way, as its sender's host saw it. */
export interface Step {
  readonly id: number;
  readonly hash: string;
  readonly header_hash: string;
  /** Bytes of header and content. */
  readonly bytes: number;
  readonly challenge: "none" | "ok" | "failed";
  readonly codes: readonly number[];
  readonly ms: number;
}

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly start: { readonly topic: string } | { readonly replyTo: number };
  readonly body: string;
  readonly menu: boolean;
}

export type Side = "home" | "work";

export class Stage implements AsyncDisposable {
  private constructor(
    readonly port: number,
    private readonly sides: Readonly<Record<Side, Living>>,
    private readonly exchanges: Exchange[],
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async build(): Promise<Stage> {
    await using building = new AsyncDisposableStack();
    const folder = building.use(temporaryFolder()).path;
    // Lazily: it is heavy, and all commands would start slower for it.
    const { makeAuthority } = await import("../certificate/make.ts");
    const authority = await makeAuthority("fmsg demo");
    Deno.writeTextFileSync(join(folder, "ca.pem"), authority.pem);
    const port = freePort();
    const exchanges: Exchange[] = [];
    const start = async (
      { domain, ip }: typeof HOME,
      users: readonly string[],
    ): Promise<Living> => {
      const { cert, key } = await authority.issue(`fmsg.${domain}`);
      Deno.writeTextFileSync(join(folder, `${domain}.pem`), cert);
      Deno.writeTextFileSync(join(folder, `${domain}.key`), key);
      const config = parseConfig(settings(domain, ip, port), join(folder, "fmsg.yaml"));
      const log = new Log({ level: "error", readable: true, write: () => {} });
      const host = building.use(
        await Host.start(config, log, (exchange) => exchanges.push(exchange)),
      );
      for (const address of users) {
        await host.writer.submit("addUser", { address, name: "", accepting: true, limits: {} });
      }
      return { host, dataDir: config.data_dir };
    };
    const sides = { home: await start(HOME, [ALICE]), work: await start(WORK, [BOB, CAROL]) };
    return new Stage(port, sides, exchanges, building.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }

  async send(side: Side, { from, to, start, body, menu }: Letter): Promise<Sent> {
    const { writer } = this.sides[side].host;
    const texts = menu ? [body, MENU] : [body];
    await using staged = await stageParts(
      writer,
      texts.map((text) => ({ type: "text/plain;charset=UTF-8", open: () => once(text) })),
    );
    const [data, ...attachments] = staged.parts;
    if (data === undefined) throw new TypeError("A message has data");
    const sent = orFail(
      await writer.submit("send", {
        from,
        to,
        start,
        body: data,
        attachments: attachments.map((part) => ({ ...part, filename: "menu.txt" })),
        content: staged.content,
        important: false,
        noReply: false,
      }),
    );
    staged.adopted();
    return sent;
  }

  async addTo(side: Side, message: number, from: string, to: readonly string[]): Promise<Sent> {
    const added = orFail(await this.sides[side].host.writer.submit("addTo", { message, from, to }));
    if (added.kind !== "sent") throw new CommandError("The demo failed: the batch was not sent");
    return added;
  }

  /** The message with that hash in the mailbox of `text`, where it has another id than at its sender's. */
  received(side: Side, text: string, hash: string): MessageView {
    using mailbox = new Mailbox(this.sides[side].dataDir);
    const address = Address.parse(text);
    const found = address === null
      ? undefined
      : mailbox.received(address, 20, 0).find((message) => message.hash === hash);
    if (found === undefined) {
      throw new CommandError(`The demo failed: ${text} did not get the message`);
    }
    return found;
  }

  /** Sends, and waits until the exchange is over. */
  async step(send: () => Promise<Sent>): Promise<Step> {
    this.exchanges.length = 0;
    const { id, hash } = await send();
    const until = Date.now() + STEP_MS;
    for (;;) {
      const exchange = this.exchanges.find(({ direction }) => direction === "out");
      if (exchange !== undefined) {
        const { headerHash, bytes, challenge, codes, ms } = exchange;
        return {
          id,
          hash: hex(hash),
          header_hash: headerHash === null ? "" : hex(headerHash),
          bytes,
          challenge,
          codes,
          ms,
        };
      }
      if (Date.now() > until) {
        throw new CommandError("The demo failed: the message was not delivered in time");
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

interface Living {
  readonly host: Host;
  readonly dataDir: string;
}

function settings(domain: string, ip: string, port: number): string {
  return `
domain: ${domain}
data_dir: ${domain}
listen: "${ip}:${port}"
tls: {cert: ${domain}.pem, key: ${domain}.key, ca: ca.pem}
dns: {hosts: {fmsg.${HOME.domain}: [${HOME.ip}], fmsg.${WORK.domain}: [${WORK.ip}]}}
delivery: {port: ${port}}
limits: {min_free_disk: 0}
`;
}

/** A folder that is removed when this is disposed of, and when the process is interrupted. */
function temporaryFolder(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "fmsg-demo-" });
  const remove = (): void => Deno.removeSync(path, { recursive: true });
  const interrupted = (): void => {
    remove();
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);
  return {
    path,
    [Symbol.dispose]: () => {
      Deno.removeSignalListener("SIGINT", interrupted);
      Deno.removeSignalListener("SIGTERM", interrupted);
      remove();
    },
  };
}

/** A port that is free at both addresses for now; the system picks it. */
function freePort(): number {
  using listener = Deno.listen({ hostname: WORK.ip, port: 0 });
  return listener.addr.port;
}

async function* once(text: string): AsyncGenerator<Uint8Array, void> {
  await Promise.resolve();
  yield new TextEncoder().encode(text);
}

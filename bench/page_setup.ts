// What the inbox in the browser is measured on: a host with the page over TLS, and a user with a full mailbox.

import { join } from "node:path";
import { makeLink } from "../src/cli/user_link.ts";
import { withWriter } from "../src/cli/open.ts";
import type { Send, StoreWriter } from "../src/store/mod.ts";
import { Address } from "../src/wire/mod.ts";
import type { HostProcess } from "./host_process.ts";
import type { PageScale } from "./scale.ts";
import { type Bench, configOf, freePort, type Site, withHost } from "./setup.ts";

export interface PageBench {
  readonly site: Site;
  readonly host: HostProcess;
  readonly origin: string;
  /** For the browser: where the host is, with its certificate in `cert.pem`. */
  readonly reachable: { readonly domain: string; readonly ip: string; readonly folder: string };
  /** Of their roots, by how many messages they have. */
  readonly conversations: ReadonlyMap<number, number>;
}

/** Messages that are on their way to the writer at once. */
const AT_ONCE = 500;
/** Of a long thread so many answer the same message, and are written at once. */
const BRANCHES = 20;
const SENDERS = 1_000;

export async function startPage(bench: Bench, scale: PageScale): Promise<PageBench> {
  const site = await bench.site("b.test");
  const port = freePort();
  bench.configure(site, {
    config: { api: { listen: `${site.ip}:${port}`, tls: true, rate: 1_000_000 } },
  });
  const folder = join(bench.folder, "browser");
  Deno.mkdirSync(folder);
  Deno.copyFileSync(site.cert, join(folder, "cert.pem"));
  const conversations = await withWriter(configOf(site), async (writer) => {
    const senders = Array.from({ length: SENDERS }, (_, i) => `@user${i}@${site.domain}`);
    await writer.submit("importUsers", {
      users: [site.user, ...senders].map((address) => ({ address })),
    });
    return await fill(writer, site, senders, scale);
  });
  return {
    site,
    host: await bench.startAgain(site),
    origin: `https://fmsg.${site.domain}:${port}`,
    reachable: { domain: site.domain, ip: site.ip, folder },
    conversations,
  };
}

/** A link that signs a browser in, once, as a token behind the page's address. */
export async function signInPath({ site }: PageBench): Promise<string> {
  const address = Address.parse(site.user);
  if (address === null) throw new Error(`${site.user} is no address`);
  const { link } = await makeLink(configOf(site), address);
  return `/${new URL(link).hash}`;
}

/** A message to the site's user, through the host that runs; when it was asked for, in milliseconds since 1970. */
export async function deliver({ site, host }: PageBench, topic: string): Promise<number> {
  return await withHost(host, async (writer) => {
    const asked = Date.now();
    await send(writer, site, `@user1@${site.domain}`, { topic });
    return asked;
  });
}

/** The long threads are the oldest. */
async function fill(
  writer: StoreWriter,
  site: Site,
  senders: readonly string[],
  { mailbox, conversations }: PageScale,
): Promise<Map<number, number>> {
  const sender = (i: number): string => senders[i % senders.length] ?? site.user;
  const roots = new Map<number, number>();
  let done = 0;
  for (const count of conversations) {
    const root = await send(writer, site, sender(0), { topic: `A conversation of ${count}` });
    roots.set(count, root);
    let parent = root;
    for (let i = 1; i < count; i += BRANCHES) {
      const ids = await Promise.all(
        Array.from(
          { length: Math.min(BRANCHES, count - i) },
          () => send(writer, site, sender(0), { replyTo: parent }),
        ),
      );
      parent = ids.at(-1) ?? parent;
    }
    done += count;
  }
  while (done < mailbox) {
    const first = done;
    const begun = await Promise.all(
      Array.from(
        { length: Math.min(AT_ONCE, mailbox - done) },
        (_, i) => send(writer, site, sender(first + i), { topic: `The ${first + i}th letter` }),
      ),
    );
    done += begun.length;
    const answered = begun.slice(0, Math.min(AT_ONCE / 2, mailbox - done));
    await Promise.all(
      answered.map((replyTo, i) => send(writer, site, sender(first + i), { replyTo })),
    );
    done += answered.length;
  }
  return roots;
}

const TEXT = new TextEncoder().encode(
  "The boat is dry, the paint has come, and on Saturday there are six of us to turn it over. Bring gloves.",
);

async function send(
  writer: StoreWriter,
  { user }: Site,
  from: string,
  start: Send["start"],
): Promise<number> {
  const sent = await writer.submit("send", {
    from,
    to: [user],
    start,
    body: { type: "text/plain;charset=UTF-8", size: TEXT.length, expandedSize: null },
    attachments: [],
    important: false,
    noReply: false,
    content: { kind: "inline", bytes: TEXT.slice() },
  });
  if (sent.kind !== "sent") throw new Error(`Sending: ${JSON.stringify(sent)}`);
  return sent.id;
}

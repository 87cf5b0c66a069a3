// What the interface is measured on: a host with a full mailbox, large contents, many users and their tokens.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withWriter } from "../src/cli/open.ts";
import { ContentStaging, type Send, type StoreWriter } from "../src/store/mod.ts";
import type { HostProcess } from "./host_process.ts";
import type { HttpTarget } from "./http_connection.ts";
import { BODY } from "./load.ts";
import type { ApiScale } from "./scale.ts";
import { type Bench, configOf, freePort, type Site } from "./setup.ts";
import { issueTokens, type User } from "./tokens.ts";

export interface ApiBench {
  readonly host: HostProcess;
  readonly target: HttpTarget;
  /** The one with the full mailbox, who sends too. */
  readonly owner: User;
  /** A file with all users and their tokens; the owner first. */
  readonly users: string;
  /** The id of a message with so many bytes of data, by their number. */
  readonly contents: ReadonlyMap<number, number>;
}

/** Messages that are on their way to the writer at once. */
const AT_ONCE = 500;

/** Starts a host with the interface on plain HTTP. */
export async function startApi(bench: Bench, scale: ApiScale): Promise<ApiBench> {
  const site = await bench.site("b.test");
  const target = { ip: site.ip, port: freePort() };
  bench.configure(site, {
    config: { api: { listen: `${target.ip}:${target.port}`, rate: 1_000_000 } },
  });
  const others = Array.from(
    { length: Math.max(...scale.clients) },
    (_, i) => `@user${i}@${site.domain}`,
  );
  const contents = await withWriter(configOf(site), async (writer) => {
    await writer.submit("importUsers", {
      users: [site.user, ...others].map((address) => ({ address })),
    });
    await fillMailbox(writer, site, others, scale.mailbox);
    const contents = new Map<number, number>();
    for (const { size } of scale.downloads) contents.set(size, await store(writer, site, size));
    return contents;
  });
  const users = await issueTokens(configOf(site), [site.user, ...others]);
  const [owner] = users;
  if (owner === undefined) throw new Error("There is no user to measure with");
  const file = join(bench.folder, "users.json");
  writeFileSync(file, JSON.stringify(users));
  return { host: await bench.startAgain(site), target, owner, users: file, contents };
}

/** Messages to the site's user, from one of the others each. */
async function fillMailbox(
  writer: StoreWriter,
  site: Site,
  senders: readonly string[],
  count: number,
): Promise<void> {
  const bytes = new Uint8Array(BODY).fill(0x61);
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) =>
        send(writer, {
          ...composed(senders[(done + i) % senders.length] ?? site.user, site, BODY),
          content: { kind: "inline", bytes },
        })),
    );
  }
}

/** The id of a message with so much data. */
async function store(writer: StoreWriter, site: Site, size: number): Promise<number> {
  await using staging = new ContentStaging(writer, size);
  await staging.write(crypto.getRandomValues(new Uint8Array(65536)).slice(0, size));
  for (let written = 65536; written < size; written += 65536) {
    await staging.write(new Uint8Array(Math.min(65536, size - written)).fill(written / 65536));
  }
  const id = await send(writer, {
    ...composed(site.user, site, size),
    content: await staging.source(),
  });
  staging.adopted();
  return id;
}

function composed(from: string, { user }: Site, size: number): Omit<Send, "content"> {
  return {
    from,
    to: [user],
    start: { topic: "A message of the bench" },
    body: { type: "text/plain;charset=UTF-8", size, expandedSize: null },
    attachments: [],
    important: false,
    noReply: false,
  };
}

async function send(writer: StoreWriter, message: Send): Promise<number> {
  const sent = await writer.submit("send", message);
  if (sent.kind !== "sent") throw new Error(`Sending: ${JSON.stringify(sent)}`);
  return sent.id;
}

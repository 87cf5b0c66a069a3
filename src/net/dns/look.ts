// What one server says of a name, with what a host leaves aside: aliases, how long it may be kept, the AD bit.
import { lookUp, type Resolution } from "./lookup.ts";
import { type Question, Rcode } from "./message.ts";
import { Querier } from "./query.ts";
import type { Server } from "./servers.ts";

export interface Look {
  readonly resolution: Resolution;
  /** The name itself does not exist (NXDOMAIN), or that of its last alias. */
  readonly noSuchName: boolean;
  /** The names that its aliases lead to, in order. */
  readonly aliases: readonly string[];
  /** For how many seconds others may keep the answer; null where it does not tell. */
  readonly ttl: number | null;
  /** Every part of the answer came with the AD bit. */
  readonly authentic: boolean;
}

/** Milliseconds after which the server is asked again; datagrams get lost. */
const TRY_MS = 1500;

/** Asks `server` alone, until it answers or `signal` ends it. `question.name` is canonical. Never rejects. */
export async function lookAt(
  server: Server,
  question: Question,
  signal: AbortSignal,
): Promise<Look> {
  const querier = new Querier({
    servers: [server],
    // Asks for the AD bit, and tells data that does not validate from a server in trouble.
    dnssec: "opportunistic",
    trusted: true,
    tryTimeout: TRY_MS,
    sockets: { open: 0 },
  });
  const aliases = new Set<string>();
  let [noSuchName, authentic, ttl] = [false, true, Infinity];
  const { resolution } = await lookUp(question, async (asked) => {
    const result = await querier.query(asked, signal);
    if (result.kind !== "answer") return result;
    const { answers, denial, rcode } = result.answer;
    authentic &&= result.answer.authentic;
    noSuchName = rcode === Rcode.nameError;
    for (const record of answers) {
      ttl = Math.min(ttl, record.ttl);
      if (record.type === "CNAME") aliases.add(record.target);
    }
    if (denial !== null) ttl = Math.min(ttl, denial.ttl);
    return result;
  }, () => performance.now());
  return {
    resolution,
    noSuchName,
    aliases: [...aliases],
    ttl: ttl === Infinity ? null : ttl,
    authentic: authentic && (resolution.kind === "addresses" || resolution.kind === "none"),
  };
}

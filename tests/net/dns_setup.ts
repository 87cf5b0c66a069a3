// What the tests of the DNS client share: a server, and a resolver that asks it.
import assert from "node:assert/strict";
import { createResolver, type Resolver, type ResolverOptions } from "../../src/net/dns/mod.ts";
import { DnsServer } from "../support/dns_server.ts";

export const NAME = "fmsg.example.test";

export async function withDns(
  options: ResolverOptions,
  use: (server: DnsServer, resolver: Resolver) => Promise<void>,
): Promise<void> {
  await using server = await DnsServer.start();
  await withResolver({ servers: [server], ...options }, (resolver) => use(server, resolver));
}

/** The runtime does not see leaked sockets, so they are counted. */
export async function withResolver(
  options: ResolverOptions,
  use: (resolver: Resolver) => Promise<void>,
): Promise<void> {
  const resolver = createResolver(options);
  try {
    await use(resolver);
  } finally {
    await resolver.close();
  }
  assert.equal(resolver.open, 0);
}

/** Turns what would only be slow into a failure. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("Still waiting after 15 s")), 15_000);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function addressesOf(resolver: Resolver, name = NAME): Promise<string[]> {
  const resolution = await resolver.addresses(name);
  assert.equal(resolution.kind, "addresses");
  return resolution.kind === "addresses" ? resolution.addresses : [];
}

/** The reason of a resolution that has to have one. */
export function reasonOf(
  result: { kind: string; reason?: string },
  kind: "failed" | "bogus",
): string {
  assert.equal(result.kind, kind);
  return result.reason ?? "";
}

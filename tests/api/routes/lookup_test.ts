// Whether an address is one, is known here, and whether its host is to be found.

import { deepEqual, equal, match } from "node:assert/strict";
import { ApiError } from "../../../src/api/error.ts";
import { HostLookup, LOOKUPS_AT_ONCE } from "../../../src/api/host_lookup.ts";
import type { Resolution } from "../../../src/net/mod.ts";
import { HERE } from "../../store/support.ts";
import { ALICE, BOB, CAROL, RouteStage } from "./asking.ts";

const path = (address: string): string => `GET /fmsg/lookup?address=${encodeURIComponent(address)}`;

const refused = (status: number) => (error: unknown): boolean =>
  error instanceof ApiError && error.status === status && "retry-after" in error.headers;

Deno.test("D1 a look-up knows the users of this host, one who is switched off too, and asks nobody for them", async () => {
  await using stage = await RouteStage.open();
  await stage.store.writer.submit("setUser", {
    key: stage.addressOf(CAROL).key,
    accepting: false,
  });
  for (const [who, known] of [[BOB, true], [CAROL, true], [`@nobody@${HERE}`, false]] as const) {
    const { status, body } = await stage.ask(path(who), { by: ALICE });
    deepEqual([status, body], [200, { address: who, local: true, known, host: "found" }]);
  }
  const spelled = `@BOB@${HERE.toUpperCase()}`;
  const { body } = await stage.ask(path(spelled), { by: ALICE });
  deepEqual(body, { address: spelled, local: true, known: true, host: "found" });
});

Deno.test("D6 a look-up of an address elsewhere tells whether the host of its domain is found, and nothing of the user", async () => {
  await using stage = await RouteStage.open();
  for (const [domain, host] of [["far.example", "found"], ["none.example", "not found"]] as const) {
    const address = `@eve@${domain}`;
    const { status, body } = await stage.ask(path(address), { by: ALICE });
    deepEqual([status, body], [200, { address, local: false, known: null, host }]);
  }
});

Deno.test("A2 a look-up refuses what is no address in words, and nobody looks up who is not known", async () => {
  await using stage = await RouteStage.open();
  for (const text of ["bob", "@bob", "@a..b@c.d", "@a@b@c", "", "@a@-b.example"]) {
    const { status, body } = await stage.ask(path(text), { by: ALICE });
    equal(status, 400, text);
    match(JSON.stringify(body), /"\\"address\\" is no address: /);
  }
  equal((await stage.ask("GET /fmsg/lookup", { by: ALICE })).status, 400);
  equal((await stage.ask(path(BOB))).status, 401);
});

Deno.test("S1 an owner looks up so many addresses at once, and then two seconds apart; the next owner is not held up", async () => {
  let now = 0;
  const lookup = new HostLookup(() => ({ addresses: answering({ kind: "none" }) }), () => now);
  const tryOnce = (key: string): boolean => {
    try {
      lookup.count(key);
      return true;
    } catch (error) {
      equal(refused(429)(error), true, String(error));
      return false;
    }
  };
  const granted = Array.from({ length: LOOKUPS_AT_ONCE + 5 }, () => tryOnce("alice"));
  equal(granted.filter((ok) => ok).length, LOOKUPS_AT_ONCE);
  equal(tryOnce("bob"), true);
  now += 2;
  deepEqual([tryOnce("alice"), tryOnce("alice")], [true, false]);

  await using stage = await RouteStage.open();
  const statuses: number[] = [];
  for (let i = 0; i <= LOOKUPS_AT_ONCE; i++) {
    statuses.push((await stage.ask(path(`@nobody${i}@${HERE}`), { by: ALICE })).status);
  }
  deepEqual([statuses.at(-2), statuses.at(-1)], [200, 429], "names here as well");
});

Deno.test("T6 name servers that do not tell, or are not to be believed, leave it unknown", async () => {
  for (const kind of ["failed", "bogus"] as const) {
    const asked: string[] = [];
    const lookup = new HostLookup(() => ({
      addresses: (name) => {
        asked.push(name);
        return Promise.resolve({ kind, reason: "…" });
      },
    }));
    equal(await lookup.find("slow.example"), "unknown");
    deepEqual(asked, ["fmsg.slow.example"]);
  }
});

Deno.test("S3 look-ups under way are bounded: more are told to try again", async () => {
  const { promise, resolve } = Promise.withResolvers<Resolution>();
  const lookup = new HostLookup(() => ({ addresses: () => promise }));
  const underWay = Array.from({ length: 16 }, (_, i) => lookup.find(`d${i}.example`));
  equal(await lookup.find("one.more.example").catch(refused(503)), true);
  resolve({ kind: "none" });
  deepEqual(new Set(await Promise.all(underWay)), new Set(["not found"]));
  equal(await lookup.find("one.more.example"), "not found");
});

function answering(resolution: Resolution): () => Promise<Resolution> {
  return () => Promise.resolve(resolution);
}

// What is judged without a look at the world: access, queue, dates, ports, the running host.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { judgePort80 } from "../../src/check/acme_port.ts";
import { judgeDates } from "../../src/check/certificate.ts";
import { judgeClock } from "../../src/check/clock.ts";
import { judgeAccess, judgeFixedAnswers, judgePorts } from "../../src/check/configuration.ts";
import { type Directory, judgeDirectory, judgeSpace } from "../../src/check/data.ts";
import { listed, some } from "../../src/check/finding.ts";
import {
  judgeKey,
  judgeKeyAccess,
  judgeRenewal,
  judgeServed,
} from "../../src/check/own_certificate.ts";
import { judgePort } from "../../src/check/port.ts";
import { judgeHost } from "../../src/check/running.ts";
import { judgeQueue, judgeUsers } from "../../src/check/store.ts";
import { parseConfig } from "../../src/config.ts";
import type { Probe } from "../../src/net/mod.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z") / 1000;
const DAY = 86_400;

function config(...lines: string[]) {
  return parseConfig(["domain: example.com", ...lines].join("\n"), "fmsg.yaml");
}

function ids(findings: readonly { id: string; level: string }[]): string[] {
  return findings.map(({ id, level }) => `${id} ${level}`);
}

Deno.test("a configuration that everybody may change is broken", () => {
  assert.deepEqual(ids(judgeAccess("f", 0o100640)), ["config-access ok"]);
  assert.deepEqual(ids(judgeAccess("f", 0o100644)), ["config-access ok"]);
  assert.deepEqual(ids(judgeAccess("f", 0o100666)), ["config-access fail"]);
});

Deno.test("T1 other ports than 4930 are for tests, and dns.hosts is nobody else's", () => {
  assert.deepEqual(judgePorts(config()), []);
  const odd = config('listen: ["0.0.0.0:5000"]', "delivery:", "  port: 5000");
  assert.deepEqual(ids(judgePorts(odd)), ["listen-port warning", "delivery-port warning"]);
  assert.deepEqual(judgeFixedAnswers(config()), []);
  const fixed = config("dns:", "  hosts: {fmsg.b.test: [127.0.0.3]}");
  assert.deepEqual(ids(judgeFixedAnswers(fixed)), ["dns-hosts warning"]);
});

Deno.test("a data directory: whose it is, and who may look into it", () => {
  const fine: NonNullable<Directory["is"]> = {
    directory: true,
    mode: 0o40700,
    uid: 7,
    store: { uid: 7, mode: 0o100600 },
    usable: true,
  };
  const owner = (uid: number) => ({ shown: `uid ${uid}`, typed: String(uid) });
  const judge = (changes: Partial<typeof fine>): string[] =>
    ids(judgeDirectory({ path: "/data", is: { ...fine, ...changes } }, owner));
  assert.deepEqual(judge({}), ["data-dir ok"]);
  assert.deepEqual(judge({ mode: 0o40755 }), ["data-access warning"]);
  assert.deepEqual(judge({ mode: 0o40777 }), ["data-access fail"]);
  assert.deepEqual(judge({ mode: 0o40755, store: { uid: 7, mode: 0o100644 } }), [
    "data-access fail",
  ]);
  assert.deepEqual(judge({ store: { uid: 0, mode: 0o100600 } }), ["data-owner fail"]);
  assert.deepEqual(judge({ usable: false }), ["data-dir fail"]);
  assert.deepEqual(judge({ directory: false }), ["data-dir fail"]);
  assert.deepEqual(ids(judgeDirectory({ path: "/data", is: null }, owner)), ["data-dir warning"]);
});

Deno.test("P8 a disk is full before it is full", () => {
  const judge = (free: number, room = true) => judgeSpace("/d", { free, floor: 100, room }).level;
  assert.deepEqual([judge(200), judge(199), judge(99, false)], ["ok", "warning", "fail"]);
});

Deno.test("a queue is a worry when something waits for an hour", () => {
  const domains = [{
    domain: "b.test",
    waiting: 1,
    attempts: 3,
    next_attempt: null,
    last_error: "nobody listens there",
  }];
  const judge = (age: number) => judgeQueue({ waiting: 1, oldest: NOW - age }, domains, NOW);
  assert.equal(judgeQueue({ waiting: 0, oldest: null }, [], NOW).level, "ok");
  assert.equal(judge(3599).level, "ok");
  const old = judge(2 * DAY);
  assert.equal(old.level, "warning");
  assert.match(old.seen, /1 delivery waits, the oldest for 2 days; b\.test: nobody listens there/);
  assert.match(old.remedy ?? "", /fmsg host check b\.test/);
  assert.equal(judgeUsers(0, "a.test").level, "warning");
  assert.equal(judgeUsers(1, "a.test").level, "ok");
});

Deno.test("T5 a certificate is to be renewed in the last third of its life, at most 30 days", () => {
  const judge = (days: number, left: number) =>
    judgeDates(
      {
        names: [],
        subject: "",
        issuer: "",
        from: new Date((NOW + (left - days) * DAY) * 1000),
        until: new Date((NOW + left * DAY) * 1000),
        fingerprint: "",
      },
      { kind: "other" },
      NOW,
    ).level;
  for (
    const [days, left, level] of [
      ...[[90, 60, "ok"], [90, 29, "ok"], [90, 27, "warning"], [90, -1, "fail"]] as const,
      ...[[6, 3, "ok"], [6, 1, "warning"], [3650, 100, "ok"], [3650, 20, "warning"]] as const,
      [90, 91, "fail"],
    ] as const
  ) assert.equal(judge(days, left), level, `${left} of ${days} days`);
});

Deno.test("T2 a key that is too weak is broken", () => {
  const judge = (bits: number) =>
    ids(judgeKey(generateKeyPairSync("rsa", { modulusLength: bits }).publicKey, "renew it"));
  assert.deepEqual(judge(1024), ["certificate-key fail"]);
  assert.deepEqual(judge(2048), []);
});

Deno.test("a key that everybody may read is told", () => {
  assert.deepEqual(ids(judgeKeyAccess("k", 0o100640)), ["certificate-key ok"]);
  assert.deepEqual(ids(judgeKeyAccess("k", 0o100644)), ["certificate-key warning"]);
});

Deno.test("T5 a running host that shows another certificate than its file's", () => {
  assert.deepEqual(ids(judgeServed("A", "A", [])), ["certificate-served ok"]);
  assert.deepEqual(ids(judgeServed("A", "B", [])), ["certificate-served fail"]);
  assert.deepEqual(judgeServed(null, "B", []), []);
});

Deno.test("T5 a renewal that fails is a worry, and a fault where there is no certificate", () => {
  const judge = (expires: string | null, last_error: string | null) =>
    ids(judgeRenewal({
      expires,
      warnings: [],
      acme: { next_attempt: null, last_error, attempts: 2 },
    }));
  assert.deepEqual(judge("2027-01-01T00:00:00Z", null), ["acme-renewal ok"]);
  assert.deepEqual(judge("2027-01-01T00:00:00Z", "port 80"), ["acme-renewal warning"]);
  assert.deepEqual(judge(null, "port 80"), ["acme-renewal fail"]);
  assert.deepEqual(judge(null, null), ["acme-renewal warning"]);
  assert.deepEqual(judgeRenewal({ expires: null, warnings: [], acme: null }), []);
});

Deno.test("R5 a clock that is off by more than others allow is broken", () => {
  const levels = [0, 4, 8, -8, 21, -21].map((behind) => judgeClock(behind, "x").level);
  assert.deepEqual(levels, ["ok", "ok", "warning", "warning", "fail", "fail"]);
  assert.equal(judgeClock(null, "x").level, "warning");
  assert.equal(judgeClock(11, "x", 10).level, "fail");
});

const ANSWER: Probe = {
  kind: "answered",
  protocol: "TLSv1.3",
  alpn: "fmsg/1",
  trusted: true,
  selfSigned: false,
  named: true,
  certificate: null,
  hungUp: false,
};
const HERE = "8.8.4.4";

Deno.test("a port on this machine that fails is broken; one behind a router may only seem so", () => {
  const own = { runs: true, certified: true, here: new Set([HERE]), shows: null };
  const judge = (ip: string, probe: Probe) => judgePort({ ip, probe }, 4930, own);
  for (
    const [probe, cause] of [
      [{ kind: "refused" }, /nothing listens.*listen in fmsg\.yaml/s],
      [{ kind: "silent", connected: false }, /does not answer.*firewall/s],
      [{ kind: "silent", connected: true }, /says nothing/],
      [{ kind: "unreachable" }, /no way/],
    ] as const
  ) {
    const here = judge(HERE, probe);
    assert.equal(here.level, "fail");
    assert.match(`${here.seen} → ${here.remedy}`, cause);
    const outer = judge("8.8.4.9", probe);
    assert.equal(outer.level, "warning");
    assert.match(`${outer.seen} → ${outer.remedy}`, /some routers.*on another machine/s);
  }
  assert.match(judge(HERE, ANSWER).seen, /a firewall before it cannot be seen from here/);
  // It may be this machine that lacks the family.
  assert.equal(
    judgePort({ ip: HERE, probe: { kind: "unreachable" } }, 4930, null).level,
    "warning",
  );
  const bare = { ...own, certified: false };
  const hangsUp: Probe = { kind: "failed", why: "hung up", detail: "" };
  assert.equal(judgePort({ ip: HERE, probe: hangsUp }, 4930, bare).level, "warning");
  assert.equal(judgePort({ ip: HERE, probe: hangsUp }, 4930, own).level, "fail");
  const stopped = { ...own, runs: false };
  assert.equal(judgePort({ ip: HERE, probe: ANSWER }, 4930, stopped).level, "fail");
  assert.equal(judgePort({ ip: HERE, probe: { kind: "refused" } }, 4930, stopped).level, "warning");
});

Deno.test("port 80 that another program has, or that the user may not have, is told", () => {
  for (const code of ["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]) {
    assert.equal(judgePort80("0.0.0.0:80", code).level, "warning");
  }
  assert.match(judgePort80("0.0.0.0:80", "EADDRINUSE").remedy ?? "", /tls\.acme\.listen/);
});

Deno.test("a host that cannot be asked is not called stopped", () => {
  assert.equal(judgeHost({ kind: "stopped" }, config())[0]?.level, "fail");
  assert.equal(judgeHost({ kind: "unknown", why: "no access" }, config())[0]?.level, "warning");
});

Deno.test("lists end somewhere", () => {
  assert.equal(listed(["a", "b", "c"]), "a, b and c");
  assert.equal(some(["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
  assert.equal(some([]), "");
});

// fmsg host check: how its findings are told, its JSON and its exit status. What is found: tests/check.
import assert from "node:assert/strict";
import { findingText } from "../../src/cli/check.ts";
import { makeStyle, width } from "../../src/cli/terminal.ts";
import type { Finding } from "../../src/check/mod.ts";
import { DnsServer } from "../support/dns_server.ts";
import { isHarmless, Place } from "./support.ts";

const FINDING: Finding = {
  id: "dns-a",
  topic: "dns",
  level: "fail",
  about: null,
  seen: "fmsg.example.com has no address; " + "it would be here ".repeat(6),
  remedy: "at the domain's provider, add " + "this record and ".repeat(6),
};

function text(finding: Finding, columns?: number, colours = false): string {
  const isTerminal = columns !== undefined;
  const env = colours ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
  const style = makeStyle({ isTerminal, env });
  return findingText(7, finding, { style, columns: columns ?? Infinity, isTerminal });
}

Deno.test("on a terminal a finding hangs under its text, and its remedy has lines of its own", () => {
  const lines = text(FINDING, 80).split("\n");
  assert.match(lines[0] ?? "", /^ 7 FAIL {4}fmsg\.example\.com has no address/);
  assert.ok(lines.every((line) => width(line) <= 80));
  assert.ok(lines.slice(1).every((line) => line.startsWith(" ".repeat(11))));
  assert.equal(lines.filter((line) => line.trimStart().startsWith("→ at the")).length, 1);
  assert.ok(text(FINDING, 80, true).includes("\x1b[31mFAIL"));
  assert.ok(text({ ...FINDING, level: "ok", remedy: null }, 80, true).includes("\x1b[32mOK"));
});

Deno.test("in a pipe a finding is one line", () => {
  assert.equal(text(FINDING).split("\n").length, 1);
  assert.match(text(FINDING), /^ 7 FAIL .* → at the domain's provider/);
});

Deno.test("S7 what a stranger wrote commands no terminal and ends somewhere", () => {
  const evil = text({ ...FINDING, seen: `\x1b[2J\u202e${"x".repeat(5000)}`, remedy: "\r\n" }, 80);
  assert.ok(isHarmless(evil));
  assert.ok(evil.length < 2000);
});

/** Servers that nobody else asks, and a name that is not there. */
async function withPlace(use: (place: Place, dns: DnsServer) => Promise<void>): Promise<void> {
  await using dns = await DnsServer.start();
  using place = new Place("a.test", `dns:\n  servers: ["${dns.ip}:${dns.port}"]\n`);
  await use(place, dns);
}

Deno.test("what is broken gives exit status 1, and says where to begin", () =>
  withPlace(async (place) => {
    const ran = await place.run(["host", "check"]);
    assert.equal(ran.status, 1);
    assert.match(ran.stdout, /^ ?\d+ FAIL .*The host does not run/m);
    assert.match(ran.stdout, /^ ?\d+ FAIL .*The domain a\.test does not exist/m);
    assert.match(ran.stderr, /^fmsg: \d+ of \d+ are broken, .*: begin with \d+$/m);
    const number = /begin with (\d+)/.exec(ran.stderr)?.[1] ?? "";
    const first = ran.stdout.split("\n").find((line) => line.includes(" FAIL ")) ?? "";
    assert.equal(first.trim().split(" ")[0], number);
  }));

Deno.test("--json is one value with all findings, and the status is the same", () =>
  withPlace(async (place) => {
    const ran = await place.run(["host", "check", "--json"]);
    assert.equal(ran.status, 1);
    const { ok, domain, findings } = JSON.parse(ran.stdout);
    assert.deepEqual([ok, domain], [false, "a.test"]);
    for (const finding of findings) {
      assert.deepEqual(Object.keys(finding), ["id", "topic", "level", "about", "seen", "remedy"]);
      assert.equal(finding.remedy === null, finding.level === "ok", finding.id);
    }
  }));

Deno.test("a configuration that cannot be read is what is broken", () =>
  withPlace(async (place) => {
    Deno.writeTextFileSync(place.config, "domain: a.test\nunknown: 1\n");
    const ran = await place.run(["host", "check", "--json"]);
    assert.equal(ran.status, 1);
    const { domain, findings } = JSON.parse(ran.stdout);
    assert.equal(domain, null);
    assert.match(findings[0].seen, /fmsg\.yaml:2: unknown/);
  }));

Deno.test("another's domain may be typed as an address or with international letters", () =>
  withPlace(async (place, dns) => {
    for (
      const [typed, name] of [["@bob@B.test", "fmsg.b.test"], [
        "bücher.test",
        "fmsg.xn--bcher-kva.test",
      ]] as const
    ) {
      const ran = await place.run(["host", "check", typed]);
      assert.equal(ran.status, 1);
      assert.ok(dns.queries(name, "A").length > 0, name);
    }
  }));

Deno.test("what is no domain is used wrongly, with the domain to write", () =>
  withPlace(async (place, dns) => {
    for (
      const [typed, said] of [["https://b.test/x", "b.test"], ["fmsg.b.test", "b.test"], [
        "",
        "missing",
      ]] as const
    ) {
      const ran = await place.run(["host", "check", typed]);
      assert.equal(ran.status, 2, typed);
      assert.ok(ran.stderr.includes(said), ran.stderr);
    }
    assert.equal(dns.log.length, 0);
  }));

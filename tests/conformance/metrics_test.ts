// The metrics of a running host: off unless asked for, well-formed, and what really happened.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { storeFile } from "../../src/store/mod.ts";
import { audit } from "../store/audit.ts";
import { noise } from "../support/message.ts";
import { type Family, parseMetrics, valueOf } from "../support/prometheus.ts";
import { send } from "./command.ts";
import { operatorOf, statusWhen } from "./operating.ts";
import { settled } from "./outcome.ts";
import { Stage } from "./stage.ts";

/** The page as it is now; what is wrong with its form fails. */
async function scrape(host: string, port: number): Promise<Map<string, Family>> {
  const response = await fetch(`http://${host}:${port}/metrics`, {
    headers: { connection: "close" },
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return parseMetrics(text);
}

/** A port that is free on that address now. */
function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

Deno.test("S4 metrics are off unless they are asked for", async () => {
  await using stage = await Stage.set();
  const table = await Deno.readTextFile(`/proc/${stage.host.pid}/net/tcp`);
  const inodes = new Set(await socketsOf(stage.host.pid));
  const listening = table.split("\n").map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9] ?? ""));
  assert.equal(listening.length, 1, "it listens for hosts, and for nobody else");
});

async function socketsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) =>
      Deno.readLink(join(folder, name)).catch(() => "")
    ),
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

Deno.test("metrics", async (t) => {
  const ip = "127.0.0.1";
  const port = freePort(ip);
  await using stage = await Stage.set({
    challenge: "has_not_participated",
    config: { metrics: { listen: `${ip}:${port}` }, ban: { allow: [] } },
    delivery: { retry_initial: "1h", retry_max: "1h" },
  });
  const { host, peer, alice, ann } = stage;
  let before = await scrape(ip, port);
  /** How much a counter has grown since the last step. */
  const grown = (
    now: ReadonlyMap<string, Family>,
    name: string,
    labels: Readonly<Record<string, string>> = {},
  ): number => valueOf(now, name, labels) - valueOf(before, name, labels);
  const IN = { direction: "in" };
  const OUT = { direction: "out" };

  await t.step("S4 a host that did nothing has nothing to count", () => {
    const zero = [...before].filter(([name]) => /^fmsg_.*_total$/.test(name))
      .flatMap(([, { samples }]) => samples.filter(({ value }) => value !== 0));
    assert.deepEqual(zero, []);
    assert.equal(valueOf(before, "fmsg_users"), 1);
    // The one user was stored.
    assert.ok(valueOf(before, "fmsg_commit_operations_sum") >= 1);
    assert.ok(valueOf(before, "fmsg_commit_seconds_sum") > 0);
  });

  await t.step("S4 what comes in, by outcome, code, challenge, reason and size", async () => {
    const first = stage.letter({ body: noise(1000) });
    await stage.expect(first, { codes: [64, 200] });
    await stage.expect(first, { codes: [10] });
    await stage.expect(stage.letter({ to: [] }), { codes: [1] });
    await stage.expect(stage.letter({ to: [alice, host.address("nobody")] }), {
      codes: [64, 200, 100],
    });
    await stage.send(stage.letter({ from: "@a@elsewhere.test" }));
    await stage.send(stage.letter(), { cutHeader: 10, then: "reset" });
    const now = await scrape(ip, port);
    const outcome = (name: string) => grown(now, "fmsg_exchanges_total", { ...IN, outcome: name });
    assert.deepEqual(
      ["accepted", "repeated", "rejected", "terminated"].map(outcome),
      [2, 1, 1, 2],
    );
    const code = (name: number) => grown(now, "fmsg_codes_total", { ...IN, code: String(name) });
    assert.deepEqual([1, 10, 64, 100, 200].map(code), [1, 1, 2, 1, 2]);
    const reason = (name: string) => grown(now, "fmsg_terminated_total", { ...IN, reason: name });
    assert.deepEqual(["sender not authorised", "connection lost", "idle"].map(reason), [1, 1, 0]);
    const challenge = (name: string) =>
      grown(now, "fmsg_challenges_total", { ...IN, outcome: name });
    assert.deepEqual(["ok", "none", "failed"].map(challenge), [3, 3, 0]);
    const bytes = grown(now, "fmsg_exchange_bytes_total", IN);
    assert.ok(bytes > 1000 && bytes < 3000, `${bytes} bytes`);
    assert.equal(grown(now, "fmsg_messages"), 2);
    assert.ok(grown(now, "fmsg_commit_operations_sum") >= 2);
    assert.equal(
      valueOf(now, "fmsg_commit_seconds_count"),
      valueOf(now, "fmsg_commit_operations_count"),
    );
    before = now;
  });

  await t.step("S4 what goes out, and what waits for how long", async () => {
    peer.script({ challenge: true }, { first: 4 });
    for (let i = 0; i < 2; i++) {
      const { id } = await send(host, { from: alice, to: [ann] });
      await settled(host, id);
    }
    await send(host, { from: alice, to: ["@x@nowhere.test"] });
    await statusWhen(host, "it to be tried", ({ exchanges }) => exchanges["out unreachable"] === 1);
    const now = await scrape(ip, port);
    const outcome = (name: string) => grown(now, "fmsg_exchanges_total", { ...OUT, outcome: name });
    assert.deepEqual(["accepted", "rejected", "unreachable"].map(outcome), [1, 1, 1]);
    const code = (name: number) => grown(now, "fmsg_codes_total", { ...OUT, code: String(name) });
    assert.deepEqual([4, 64, 200].map(code), [1, 1, 1]);
    assert.equal(grown(now, "fmsg_challenges_total", { ...OUT, outcome: "ok" }), 1);
    // An answered challenge belongs to the exchange that goes out, and counts there alone.
    assert.equal(grown(now, "fmsg_challenges_total", { ...IN, outcome: "none" }), 0);
    assert.equal(valueOf(now, "fmsg_queue_length"), 1);
    const age = valueOf(now, "fmsg_queue_oldest_seconds");
    assert.ok(age > 0 && age < 600, `${age} s`);
    before = now;
  });

  await t.step("S4 what was refused, and who is banned", async () => {
    using operator = await operatorOf(host);
    const banned = stage.world.address();
    await operator.ban(banned, 60);
    assert.notEqual((await peer.send(stage.letter(), { source: banned })).error, null);
    (await peer.dialTcp()).end("GET / HTTP/1.1\r\n\r\n");
    await statusWhen(
      host,
      "both to be refused",
      ({ refused }) => refused["handshake failed"] === 1,
    );
    const now = await scrape(ip, port);
    assert.equal(grown(now, "fmsg_refused_total", { reason: "banned" }), 1);
    assert.equal(grown(now, "fmsg_refused_total", { reason: "handshake failed" }), 1);
    assert.equal(grown(now, "fmsg_bans_total"), 1);
    assert.equal(valueOf(now, "fmsg_banned_addresses"), 1);
    assert.equal(valueOf(now, "fmsg_faults_total"), 0);
    before = now;
  });

  await t.step("S4 certificate, disk, memory and start", async () => {
    using operator = await operatorOf(host);
    const status = await operator.status();
    assert.equal(
      valueOf(before, "fmsg_certificate_expiry_timestamp_seconds"),
      Date.parse(status.certificate.expires ?? "") / 1000,
    );
    assert.ok(valueOf(before, "fmsg_store_bytes") >= (await stat(storeFile(host.dataDir))).size);
    assert.ok(valueOf(before, "fmsg_disk_free_bytes") > 0);
    assert.equal(valueOf(before, "fmsg_disk_has_room"), 1);
    assert.ok(valueOf(before, "process_resident_memory_bytes") > 2 ** 20);
    const age = Date.now() / 1000 - valueOf(before, "process_start_time_seconds");
    assert.ok(age > 0 && age < 600);
    assert.equal(valueOf(before, "fmsg_build_info", { version: status.version }), 1);
  });

  await t.step(
    "S4 pages that are asked for under load are whole, and agree in the end",
    async () => {
      const total = 60;
      let left = total;
      const sender = async (): Promise<void> => {
        while (left-- > 0) assert.deepEqual((await peer.send(stage.letter())).codes, [64, 200]);
      };
      const sending = Promise.all(Array.from({ length: 6 }, sender));
      let over = false;
      const reading = (async () => {
        let pages = 0;
        let last = 0;
        while (!over) {
          const accepted = valueOf(await scrape(ip, port), "fmsg_exchanges_total", {
            ...IN,
            outcome: "accepted",
          });
          assert.ok(accepted >= last);
          last = accepted;
          pages++;
        }
        return pages;
      })();
      await sending;
      await statusWhen(host, "all to be over", ({ counts }) => counts.exchanges_in === 0);
      over = true;
      assert.ok(await reading > 1);
      const now = await scrape(ip, port);
      assert.equal(grown(now, "fmsg_exchanges_total", { ...IN, outcome: "accepted" }), total);
      assert.equal(grown(now, "fmsg_messages"), total);
      assert.equal(valueOf(now, "fmsg_staged_contents"), 0);
      assert.equal(valueOf(now, "fmsg_connections"), 0);
    },
  );

  await t.step("S3 a reader who does not read holds up no end", async () => {
    using lazy = await Deno.connect({ hostname: ip, port });
    await lazy.write(new TextEncoder().encode("GET /metr"));
    await stage.holdsNoConnection(1);
    assert.equal(await host.stop(), 0);
    audit(host.dataDir);
  });
});

Deno.test("metrics on an address of IPv6", async () => {
  const port = freePort("::1");
  await using stage = await Stage.set({ config: { metrics: { listen: `[::1]:${port}` } } });
  await stage.expect(stage.letter(), { codes: [64, 200] });
  const page = await scrape("[::1]", port);
  assert.equal(valueOf(page, "fmsg_messages"), 1);
});

Deno.test("an address for metrics that is taken ends the start with one line, and leaves nothing", async () => {
  await using stage = await Stage.set();
  const { host } = stage;
  await host.stop();
  const ip = "127.0.0.1";
  using taken = Deno.listen({ hostname: ip, port: 0 });
  const { port } = taken.addr;
  await host.configure({ metrics: { listen: `${ip}:${port}` } });
  const { code, stderr } = await host.cli(["host", "run"]);
  const lines = stderr.trim().split("\n").filter((line) => !line.startsWith("{"));
  assert.equal(code, 1);
  assert.equal(lines.length, 1, stderr);
  assert.match(
    lines[0] ?? "",
    new RegExp(
      `^fmsg: metrics\\.listen: cannot listen on ${ip}:${port}: .*; choose another address`,
    ),
  );
  assert.ok(!stderr.includes("listening"));
  // Neither lock nor socket nor port is left.
  const names = [...Deno.readDirSync(host.dataDir)].map(({ name }) => name);
  assert.ok(!names.includes("control.sock"), names.join());
  await host.configure({ metrics: { listen: null } });
  await host.start();
  await stage.expect(stage.letter(), { codes: [64, 200] });
});

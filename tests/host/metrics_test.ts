// The metrics page, and the server that gives it.

import assert from "node:assert/strict";
import { parseConfig } from "../../src/config.ts";
import { metricsPage, MetricsServer } from "../../src/host/metrics.ts";
import { Statistics } from "../../src/host/statistics.ts";
import type { StatusParts } from "../../src/host/status.ts";
import { StoreReader } from "../../src/store/mod.ts";
import { parseMetrics, valueOf } from "../support/prometheus.ts";
import { HERE, sent, TestStore } from "../store/support.ts";

const ALICE = `@alice@${HERE}`;
const EXPIRES = new Date("2026-12-24T18:00:00Z");

/** A host in which nothing goes on but what a test puts there. */
async function hostWith(
  work: (store: TestStore, statistics: Statistics) => Promise<void> | void,
  changes: Partial<StatusParts> = {},
): Promise<string> {
  await using store = await TestStore.open([ALICE]);
  const statistics = new Statistics();
  await work(store, statistics);
  using reader = new StoreReader(store.folder);
  return metricsPage({
    config: parseConfig(
      `{domain: ${HERE}, data_dir: ${store.folder}, limits: {min_free_disk: 0}}`,
      "fmsg.yaml",
    ),
    endpoints: [],
    connections: [],
    exchangesIn: 0,
    exchangesOut: 0,
    outgoing: 0,
    bans: [],
    certificate: { expires: EXPIRES, warnings: [], acme: null },
    api: null,
    reader,
    statistics,
    ...changes,
  });
}

/** Serves `page` while `work` runs; what it could not make is in `failures`. */
async function serving(
  page: () => string,
  work: (url: string, failures: readonly unknown[]) => Promise<void>,
  ip = "127.0.0.1",
): Promise<void> {
  const failures: unknown[] = [];
  await using server = new MetricsServer({ ip, port: 0 }, page, (error) => failures.push(error));
  const { port } = server.endpoint;
  await work(`http://${ip.includes(":") ? `[${ip}]` : ip}:${port}`, failures);
}

async function get(url: string, init?: RequestInit): Promise<[number, string, Headers]> {
  const response = await fetch(url, { headers: { connection: "close" }, ...init });
  return [response.status, await response.text(), response.headers];
}

Deno.test("the page of a host that did nothing yet follows the format and its conventions", async () => {
  const families = parseMetrics(await hostWith(() => {}));
  assert.equal(valueOf(families, "fmsg_users"), 1);
  assert.equal(valueOf(families, "fmsg_faults_total"), 0);
  assert.equal(valueOf(families, "fmsg_commit_seconds_count"), 0);
  assert.equal(
    valueOf(families, "fmsg_certificate_expiry_timestamp_seconds"),
    EXPIRES.getTime() / 1000,
  );
  assert.equal(families.get("fmsg_exchanges_total")?.samples.length, 9);
  assert.equal(valueOf(families, "fmsg_queue_oldest_seconds"), 0);
  assert.equal(valueOf(families, "fmsg_disk_has_room"), 1);
});

Deno.test("what happened is on the page, in seconds and bytes", async () => {
  const families = parseMetrics(
    await hostWith(async (store, statistics) => {
      sent(await store.send({ from: ALICE, to: ["@x@far.example", "@y@other.example"] }));
      statistics.exchange({
        direction: "in",
        peer: "192.0.2.1",
        domain: null,
        headerHash: null,
        codes: [64, 200, 101],
        challenge: "ok",
        terminated: null,
        detail: null,
        bytes: 1234,
        ms: 5,
      });
      statistics.refusal("banned");
      statistics.commit(3, 4);
      statistics.commit(300, 7000);
      statistics.faults.add();
      statistics.bans.add();
    }, {
      exchangesIn: 2,
      exchangesOut: 3,
      outgoing: 4,
      connections: [{ peer: "192.0.2.1", since: 0, state: "waiting" }],
      bans: [{ address: "192.0.2.2", until: 0, reason: "idle" }],
    }),
  );
  const values: [string, Record<string, string>, number][] = [
    ["fmsg_exchanges_total", { direction: "in", outcome: "accepted" }, 1],
    ["fmsg_exchanges_total", { direction: "out", outcome: "accepted" }, 0],
    ["fmsg_codes_total", { direction: "in", code: "101" }, 1],
    ["fmsg_challenges_total", { direction: "in", outcome: "ok" }, 1],
    ["fmsg_exchange_bytes_total", { direction: "in" }, 1234],
    ["fmsg_refused_total", { reason: "banned" }, 1],
    ["fmsg_faults_total", {}, 1],
    ["fmsg_bans_total", {}, 1],
    ["fmsg_banned_addresses", {}, 1],
    ["fmsg_commit_seconds_bucket", { le: "0.0025" }, 0],
    ["fmsg_commit_seconds_bucket", { le: "0.005" }, 1],
    ["fmsg_commit_seconds_bucket", { le: "5" }, 1],
    ["fmsg_commit_seconds_bucket", { le: "+Inf" }, 2],
    ["fmsg_commit_seconds_sum", {}, 7.004],
    ["fmsg_commit_operations_sum", {}, 303],
    ["fmsg_connections", {}, 1],
    ["fmsg_incoming_exchanges", {}, 2],
    ["fmsg_outgoing_exchanges", {}, 3],
    ["fmsg_outgoing_records", {}, 4],
    ["fmsg_queue_length", {}, 2],
    ["fmsg_messages", {}, 1],
  ];
  for (const [name, labels, value] of values) {
    assert.equal(valueOf(families, name, labels), value, `${name} ${JSON.stringify(labels)}`);
  }
});

Deno.test("the age of what waits grows from when it was sent, and is never below nothing", async () => {
  const page = await hostWith(async (store) => {
    sent(await store.send({ from: ALICE, to: ["@x@far.example"] }));
    // As after a clock that was wrong.
    using db = new (await import("node:sqlite")).DatabaseSync(`${store.folder}/fmsg.db`);
    db.exec("UPDATE message SET time = time + 3600");
  });
  assert.equal(valueOf(parseMetrics(page), "fmsg_queue_oldest_seconds"), 0);
});

Deno.test("the interface for clients is on the page where there is one", async () => {
  const asked = (statistics: Statistics): void => {
    statistics.requests.add(["GET", "2xx"]);
    statistics.requestSeconds.observe(0.02);
  };
  assert.doesNotMatch(await hostWith((_, statistics) => asked(statistics)), /fmsg_api_/);
  const api = { address: "127.0.0.1:8000", tls: false, connections: 3, sockets: 2, requests: 1 };
  const families = parseMetrics(await hostWith((_, statistics) => asked(statistics), { api }));
  const labels = { method: "GET", status: "2xx" };
  assert.equal(valueOf(families, "fmsg_api_requests_total", labels), 1);
  assert.equal(valueOf(families, "fmsg_api_request_seconds_bucket", { le: "0.025" }), 1);
  assert.equal(valueOf(families, "fmsg_api_connections"), 3);
  assert.equal(valueOf(families, "fmsg_api_sockets"), 2);
});

Deno.test("too little room on the disk is on the page", async () => {
  const config = parseConfig(
    `{domain: ${HERE}, data_dir: ${Deno.cwd()}, limits: {min_free_disk: 1000000GiB}}`,
    "fmsg.yaml",
  );
  const families = parseMetrics(await hostWith(() => {}, { config }));
  assert.equal(valueOf(families, "fmsg_disk_has_room"), 0);
});

Deno.test("a label with quotes, backslashes and line breaks comes out as it went in", async () => {
  const evil = 'a"b\\c\nd\\n"} 1\n# HELP x';
  const page = await hostWith((_, statistics) => statistics.codes.add(["in", evil]));
  assert.equal(
    valueOf(parseMetrics(page), "fmsg_codes_total", { direction: "in", code: evil }),
    1,
  );
});

for (const ip of ["127.0.0.1", "::1"]) {
  Deno.test(`the page is at /metrics on ${ip}, for GET and HEAD, and nothing else is`, () =>
    serving(() => "page\n", async (url) => {
      const [status, text, headers] = await get(`${url}/metrics`);
      assert.deepEqual([status, text], [200, "page\n"]);
      assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
      assert.deepEqual((await get(`${url}/metrics?x=1`)).slice(0, 2), [200, "page\n"]);
      assert.deepEqual((await get(`${url}/metrics`, { method: "HEAD" })).slice(0, 2), [200, ""]);
      const [wrong, , allowed] = await get(`${url}/metrics`, { method: "POST", body: "x" });
      assert.deepEqual([wrong, allowed.get("allow")], [405, "GET, HEAD"]);
      assert.equal((await get(`${url}/`))[0], 404);
      assert.equal((await get(`${url}/metrics/x`))[0], 404);
    }, ip));
}

Deno.test("S3 a page that cannot be made is answered with 500 and told, and the next one is made", () => {
  let broken = true;
  const page = (): string => {
    if (broken) throw new Error("the store is closed");
    return "page\n";
  };
  return serving(page, async (url, failures) => {
    const [status, text] = await get(`${url}/metrics`);
    assert.deepEqual([status, text], [500, "The metrics could not be read\n"]);
    assert.deepEqual(failures.map(String), ["Error: the store is closed"]);
    broken = false;
    assert.equal((await get(`${url}/metrics`))[0], 200);
  });
});

Deno.test("S3 what is no request ends neither the server nor the host", () =>
  serving(() => "page\n", async (url, failures) => {
    const port = Number(new URL(url).port);
    for (
      const text of [
        "\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nhost: a b:c:d\r\nconnection: close\r\n\r\n",
        "GET http://[/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x00\x05hello",
      ]
    ) {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode(text));
      await connection.closeWrite();
      await new Response(connection.readable).bytes().catch(() => {});
    }
    assert.equal((await get(`${url}/metrics`))[0], 200);
    assert.deepEqual(failures, []);
  }));

Deno.test("a reader who does not read, and one who does not ask, hold up no end", async () => {
  const page = "x".repeat(20_000_000);
  const server = new MetricsServer({ ip: "127.0.0.1", port: 0 }, () => page, () => {});
  const { port } = server.endpoint;
  using silent = await Deno.connect({ hostname: "127.0.0.1", port });
  await silent.write(new TextEncoder().encode("GET /met"));
  using lazy = await Deno.connect({ hostname: "127.0.0.1", port });
  await lazy.write(new TextEncoder().encode("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"));
  await lazy.read(new Uint8Array(10));
  await server[Symbol.asyncDispose]();
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }));
});

Deno.test("an address that cannot be had is said in one line that names the key", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  for (const ip of ["127.0.0.1", "192.0.2.1"]) {
    await assert.rejects(
      async () => {
        await using _ = new MetricsServer({ ip, port }, () => "", () => {});
      },
      (error) =>
        error instanceof Error && !error.message.includes("\n") &&
        error.message.startsWith(`metrics.listen: cannot listen on ${ip}:${port}: `),
    );
  }
});

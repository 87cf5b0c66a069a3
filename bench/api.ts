// The interface for clients: lists, sending and downloads, beside a bare HTTP server; and events.

import * as v from "valibot";
import { type ApiBench, startApi } from "./api_setup.ts";
import { events } from "./api_events.ts";
import type { HttpJob, HttpOrders } from "./http_client.ts";
import type { HttpTarget } from "./http_connection.ts";
import { percentile, type Row, type Table } from "./result.ts";
import type { ApiScale, Scale } from "./scale.ts";
import { type Bench, freePort } from "./setup.ts";

/** Messages in a list, as a client asks for them unless it says how many. */
const LISTED = 20;

export async function api(bench: Bench, scale: Scale): Promise<readonly Table[]> {
  const measured = await startApi(bench, scale.api);
  const bare = { ip: measured.target.ip, port: freePort() };
  await using server = await bench.helper("./http_server.ts", bare);
  await server.answer();
  const load = new ApiLoad(bench, measured, bare, scale);
  const rows = [
    ...await load.lists(),
    ...await load.searches(),
    ...await load.sending(),
    ...await load.downloads(),
  ];
  const { site } = measured.host;
  await measured.host[Symbol.asyncDispose]();
  return [
    {
      group: "api",
      title: "The interface on plain HTTP",
      columns: [
        { name: "a second", digits: 0 },
        { name: "bare server", digits: 0 },
        { name: "MB/s", digits: 0 },
        { name: "p50 ms", digits: 1 },
        { name: "p99 ms", digits: 1 },
        { name: "CPU ms", digits: 2 },
        { name: "MiB after", digits: 0 },
      ],
      rows,
    },
    await events(bench, measured, site, scale),
  ];
}

/** What came of a job. */
interface Done {
  readonly perSecond: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
}

const MEASURED = v.object({
  seconds: v.number(),
  latencies: v.array(v.number()),
  bytes: v.number(),
});

class ApiLoad {
  constructor(
    private readonly bench: Bench,
    private readonly api: ApiBench,
    private readonly bare: HttpTarget,
    private readonly scale: Scale,
  ) {}

  /** Pages of a mailbox: the newest, those in the middle, the oldest. */
  async lists(): Promise<Row[]> {
    const { mailbox, clients, requests } = this.scale.api;
    const rows: Row[] = [];
    for (const offset of [0, mailbox / 2, mailbox - LISTED]) {
      for (const count of clients) {
        const path = `/fmsg?limit=${LISTED}&offset=${offset}`;
        const label = `list of ${shown(mailbox)}, offset ${shown(offset)}`;
        rows.push(await this.#compared(label, path, count, timesOf(count, requests)));
      }
    }
    return rows;
  }

  /** One at a time: they share a thread, and an address has a few at once. */
  async searches(): Promise<Row[]> {
    const { mailbox, requests } = this.scale.api;
    const rows: Row[] = [];
    for (
      const [what, query] of [["a word of all", "message"], ["a phrase of none", '"bench message"']]
    ) {
      const path = `/fmsg/search?limit=${LISTED}&q=${encodeURIComponent(query ?? "")}`;
      const label = `search of ${shown(mailbox)}, ${what}`;
      rows.push(await this.#compared(label, path, 1, timesOf(1, requests)));
    }
    return rows;
  }

  /** A draft is made and sent to another user here: two requests, and two commits. */
  async sending(): Promise<Row[]> {
    const { clients, requests } = this.scale.api;
    const { owner } = this.api;
    const to = `@user0@${this.api.host.site.domain}`;
    const rows: Row[] = [];
    for (const count of clients) {
      const job = { kind: "send", from: owner.address, to } as const;
      rows.push(
        (await this.#measured("create and send", job, count, timesOf(count, requests))).row,
      );
    }
    return rows;
  }

  async downloads(): Promise<Row[]> {
    const { clients, downloads } = this.scale.api;
    const rows: Row[] = [];
    for (const { size, ...requests } of downloads) {
      for (const count of clients) {
        const path = `/fmsg/${this.api.contents.get(size)}/data`;
        const label = `download of ${shown(size / 1024)} KiB`;
        const row = await this.#compared(label, path, count, timesOf(count, requests));
        const perSecond = row.values["a second"] ?? NaN;
        rows.push({ ...row, values: { ...row.values, "MB/s": perSecond * size / 1e6 } });
      }
    }
    return rows;
  }

  /** Also what a bare server does when it answers as many bytes. */
  async #compared(label: string, path: string, clients: number, times: number): Promise<Row> {
    const { row, done } = await this.#measured(label, { kind: "get", path }, clients, times);
    const job = { kind: "get", path: `/${Math.round(done.bytes / times)}` } as const;
    const bare = await this.#run(this.bare, job, clients, times);
    return { ...row, values: { ...row.values, "bare server": bare.perSecond } };
  }

  async #measured(
    label: string,
    job: HttpJob,
    clients: number,
    times: number,
  ): Promise<{ readonly row: Row; readonly done: Done }> {
    const { host, target } = this.api;
    let before = host.cpu();
    const done = await this.#run(target, job, clients, times, () => before = host.cpu());
    const after = host.cpu();
    const values = {
      "a second": done.perSecond,
      "p50 ms": done.p50,
      "p99 ms": done.p99,
      "CPU ms": (after.process - before.process) / times,
      "MiB after": host.memory().now,
    };
    return { row: { label: `${label}, ${counted(clients)}`, values }, done };
  }

  async #run(
    target: HttpTarget,
    job: HttpJob,
    clients: number,
    times: number,
    begins: () => void = () => {},
  ): Promise<Done> {
    const orders: HttpOrders = {
      target,
      token: this.api.owner.token,
      clients,
      job,
      // Of every client at least one: a connection that brings no request is cut before long.
      warmUp: Math.max(clients, Math.min(this.scale.warmUp, times)),
      times,
    };
    await using client = await this.bench.helper("./http_client.ts", orders);
    await client.answer();
    begins();
    await client.go();
    const { seconds, latencies, bytes } = v.parse(MEASURED, await client.answer());
    return {
      perSecond: times / seconds,
      bytes,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
    };
  }
}

function timesOf(clients: number, { one, many }: ApiScale["requests"]): number {
  // Each has something to do.
  return clients === 1 ? one : Math.max(many, clients);
}

function shown(number: number): string {
  return number.toLocaleString("en-US");
}

function counted(clients: number): string {
  return clients === 1 ? "1 client" : `${shown(clients)} clients`;
}

// The metrics page, in Prometheus' text format; and the small server that gives it.

import type { Endpoint } from "../net/mod.ts";
import { PROGRAM_VERSION } from "../version.ts";
import type { Counter, Histogram } from "./counters.ts";
import { addressText } from "../net/mod.ts";
import { type StatusParts, vitalsOf } from "./status.ts";

/** One page. */
export function metricsPage(parts: StatusParts): string {
  const { statistics, certificate, bans } = parts;
  const { counts, waiting, oldest, messages, users, disk, memory } = vitalsOf(parts);
  return [
    gauge("fmsg_build_info", "The program's version.", 1, `version="${escaped(PROGRAM_VERSION)}"`),
    gauge(
      "process_start_time_seconds",
      "When the host started, in POSIX seconds.",
      statistics.started,
    ),
    gauge("process_resident_memory_bytes", "Memory of the process.", memory),
    counter(
      "fmsg_exchanges_total",
      "Exchanges that ended, by what became of them.",
      statistics.exchanges,
    ),
    counter("fmsg_codes_total", "Codes answered (in) and received (out).", statistics.codes),
    counter(
      "fmsg_challenges_total",
      "Exchanges by what became of the challenge, which an outgoing one answers.",
      statistics.challenges,
    ),
    counter(
      "fmsg_terminated_total",
      "Exchanges that were terminated, by reason.",
      statistics.terminated,
    ),
    counter("fmsg_exchange_bytes_total", "Bytes of headers and content.", statistics.bytes),
    counter(
      "fmsg_refused_total",
      "Connections refused before an exchange, by reason.",
      statistics.refused,
    ),
    counter("fmsg_bans_total", "Bans that were imposed.", statistics.bans),
    counter("fmsg_faults_total", "Errors that nobody foresaw.", statistics.faults),
    histogram("fmsg_commit_seconds", "How long commits took.", statistics.commitSeconds),
    histogram("fmsg_commit_operations", "Operations in a commit.", statistics.commitOperations),
    ...interfacePage(parts),
    gauge("fmsg_connections", "Incoming connections open now.", counts.connections),
    gauge("fmsg_incoming_exchanges", "Incoming exchanges under way.", counts.exchanges_in),
    gauge("fmsg_outgoing_exchanges", "Attempts to deliver under way.", counts.exchanges_out),
    gauge("fmsg_staged_contents", "Contents on their way into the store.", counts.staging),
    gauge("fmsg_outgoing_records", "Messages that may be challenged now.", counts.outgoing),
    gauge("fmsg_queue_length", "Deliveries that wait.", waiting),
    gauge(
      "fmsg_queue_oldest_seconds",
      "Age of the message that waits longest, 0 when none does.",
      oldest === null ? 0 : Math.max(0, Date.now() / 1000 - oldest),
    ),
    gauge("fmsg_banned_addresses", "Addresses that are banned now.", bans.length),
    gauge("fmsg_messages", "Messages in the store.", messages),
    gauge("fmsg_users", "Users.", users),
    gauge("fmsg_store_bytes", "Size of the store's files.", disk.store),
    gauge("fmsg_disk_free_bytes", "Free space where the store is.", disk.free),
    gauge(
      "fmsg_disk_has_room",
      "0 while messages are refused for want of space, otherwise 1.",
      Number(disk.room),
    ),
    gauge(
      "fmsg_certificate_expiry_timestamp_seconds",
      "When the certificate expires, in POSIX seconds; 0 while there is none.",
      (certificate.expires?.getTime() ?? 0) / 1000,
    ),
  ].join("");
}

/** Nothing where there is no interface for clients. */
function interfacePage({ api, statistics }: StatusParts): string[] {
  if (api === null) return [];
  return [
    counter(
      "fmsg_api_requests_total",
      "Requests of clients that were answered, by method and class of status.",
      statistics.requests,
    ),
    histogram(
      "fmsg_api_request_seconds",
      "How long the answers took, until their last byte was handed to the system.",
      statistics.requestSeconds,
    ),
    counter(
      "fmsg_api_pushes_total",
      "Notifications (Web Push) of messages, by what became of them.",
      statistics.pushes,
    ),
    gauge("fmsg_api_connections", "Connections of clients open now.", api.connections),
    gauge("fmsg_api_sockets", "WebSockets that wait for events now.", api.sockets),
  ];
}

/** Serves the page at `/metrics` until it is disposed of. Throws an Error when the address cannot be had. */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();

  /** `failed` is told why a page could not be made. */
  constructor({ ip, port }: Endpoint, page: () => string, failed: (error: unknown) => void) {
    try {
      this.#server = Deno.serve({
        hostname: ip,
        port,
        signal: this.#stop.signal,
        onListen: () => {},
        onError: (error) => {
          failed(error);
          return new Response("The metrics could not be read\n", { status: 500 });
        },
      }, (request) => answer(request, page));
    } catch (error) {
      throw new Error(
        `metrics.listen: cannot listen on ${addressText({ ip, port })}: ${
          error instanceof Error ? error.message : error
        }; choose another address, or stop what listens there`,
        { cause: error },
      );
    }
  }

  /** Where it listens, with the port that the system chose. */
  get endpoint(): Endpoint {
    const { hostname, port } = this.#server.addr;
    return { ip: hostname, port };
  }

  /** Ends at once: a reader who takes his time is no reason for a host to go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

function answer({ url, method }: Request, page: () => string): Response {
  // What a stranger wrote as the host may make it no URL.
  if (URL.parse(url)?.pathname !== "/metrics") {
    return new Response("The metrics are at /metrics\n", { status: 404 });
  }
  if (method !== "GET" && method !== "HEAD") {
    return new Response("Use GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  return new Response(page(), { headers: { "content-type": CONTENT_TYPE } });
}

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function gauge(name: string, help: string, value: number, labels = ""): string {
  const braces = labels === "" ? "" : `{${labels}}`;
  return `${head(name, help, "gauge")}${name}${braces} ${value}\n`;
}

function counter(name: string, help: string, { labels, counts }: Counter): string {
  const lines = labels.length === 0 && counts.length === 0
    ? [`${name} 0\n`]
    : counts.map(({ values, count }) => {
      const pairs = labels.map((label, i) => `${label}="${escaped(values[i] ?? "")}"`);
      return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${count}\n`;
    });
  return head(name, help, "counter") + lines.join("");
}

function histogram(name: string, help: string, { buckets, sum, count }: Histogram): string {
  const lines = buckets.map(({ bound, count }) => `${name}_bucket{le="${bound}"} ${count}\n`);
  return head(name, help, "histogram") + lines.join("") +
    `${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${sum}\n${name}_count ${count}\n`;
}

function head(name: string, help: string, type: "gauge" | "counter" | "histogram"): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => character === "\n" ? "\\n" : `\\${character}`);
}

// The metrics page, in Prometheus' text format; and the small server that gives it.

import type { Endpoint } from "../net/mod.ts";
import type { Counter, Histogram } from "./counters.ts";
import type { Statistics } from "./statistics.ts";
import type { Status } from "./status.ts";

/** One page. */
export function metricsPage(statistics: Statistics, status: Status): string {
  const { counts, queue, disk, certificate } = status;
  const oldest = queue.oldest === null ? 0 : Date.now() / 1000 - queue.oldest;
  return [
    gauge("fmsg_info", "The program's version.", 1, `version="${escaped(status.version)}"`),
    gauge(
      "fmsg_start_time_seconds",
      "When the host started, in POSIX seconds.",
      statistics.started,
    ),
    counter("fmsg_exchanges_total", "Exchanges that ended, by outcome.", statistics.exchanges),
    counter("fmsg_codes_total", "Codes answered (in) and received (out).", statistics.codes),
    counter(
      "fmsg_challenges_total",
      "Exchanges by what became of the challenge.",
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
    counter("fmsg_bans_total", "Addresses that were banned.", statistics.bans),
    counter("fmsg_faults_total", "Errors that nobody foresaw.", statistics.faults),
    histogram("fmsg_commit_seconds", "How long commits took.", statistics.commitSeconds),
    histogram("fmsg_commit_operations", "Operations in a commit.", statistics.commitOperations),
    gauge("fmsg_connections", "Incoming connections open now.", counts.connections),
    gauge("fmsg_outgoing_exchanges", "Outgoing exchanges under way.", counts.exchanges_out),
    gauge("fmsg_staged_contents", "Contents on their way into the store.", counts.staging),
    gauge("fmsg_outgoing_records", "Messages that may be challenged now.", counts.outgoing),
    gauge("fmsg_queue_length", "Deliveries that wait.", queue.waiting),
    gauge("fmsg_queue_oldest_seconds", "Age of the message that waits longest.", oldest),
    gauge("fmsg_banned_addresses", "Addresses that are banned now.", status.bans.length),
    gauge("fmsg_messages", "Messages in the store.", status.messages),
    gauge("fmsg_users", "Users.", status.users),
    gauge("fmsg_store_bytes", "Size of the store's files.", disk.store),
    gauge("fmsg_disk_free_bytes", "Free space where the store is.", disk.free),
    gauge(
      "fmsg_certificate_expiry_seconds",
      "When the certificate expires, in POSIX seconds.",
      Date.parse(certificate.expires) / 1000,
    ),
    gauge("fmsg_resident_memory_bytes", "Memory of the process.", Deno.memoryUsage().rss),
  ].join("");
}

/** Serves the page at `/metrics` until it is disposed of. Throws an Error when the address cannot be had. */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ ip, port }: Endpoint, page: () => string) {
    try {
      this.#server = Deno.serve({ hostname: ip, port, onListen: () => {} }, (request) => {
        if (new URL(request.url).pathname !== "/metrics") {
          return new Response("The metrics are at /metrics\n", { status: 404 });
        }
        if (request.method !== "GET" && request.method !== "HEAD") {
          return new Response("Use GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
        }
        return new Response(page(), { headers: { "content-type": CONTENT_TYPE } });
      });
    } catch (error) {
      throw new Error(
        `metrics.listen: cannot listen on ${ip} port ${port}: ${
          error instanceof Error ? error.message : error
        }; choose another address, or stop what listens there`,
        { cause: error },
      );
    }
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
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

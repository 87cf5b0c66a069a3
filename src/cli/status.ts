// fmsg host status: what the running host is doing, for whoever looks after it.

import type { Command } from "commander";
import type { Status } from "../host/mod.ts";
import { shownDomain } from "./addresses.ts";
import { banTable } from "./bans.ts";
import { command, type CommonOptions, type Output, printResult } from "./context.ts";
import { whenText } from "./message_text.ts";
import { openConfig } from "./open.ts";
import { withHost } from "./running.ts";
import { formatDuration, formatSize, formatTime, safe, table } from "./terminal.ts";

/** Connections, and exchanges, that are told one by one to people; JSON has them all. */
const MAX_SHOWN = 10;

/** Columns by which the lines of a section stand in. */
const INDENT = 2;

export function statusCommand(output: Output): Command {
  return command(
    "status",
    "what the running host does: connections, queue, last exchanges, bans, quotas, certificate, disk",
    "fmsg host status",
    "fmsg host status --json",
  ).action(async (options: CommonOptions) => {
    const status = await withHost(openConfig(options), (host) => host.status());
    printResult(output, options, status, () => inWords(status, output));
  });
}

function inWords(status: Status, output: Output): string {
  const sections = [
    summary(status, output),
    connections(status, output),
    queue(status, output),
    exchanges(status, output),
    bans(status, output),
    quotas(status, output),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function summary(status: Status, { style, columns }: Output): string {
  const { certificate, disk, counts } = status;
  const now = Date.now() / 1000;
  const expires = Date.parse(certificate.expires) / 1000;
  const left = expires - now;
  const validity = left <= 0
    ? style.red(`expired on ${formatTime(expires)}`)
    : `until ${formatTime(expires)} (${formatDuration(left)})`;
  const full = disk.free < disk.floor;
  const free = `${formatSize(disk.free)} free`;
  const rows = [
    ["Host", `${shownDomain(status.domain)}, fmsg ${status.version}, process ${status.pid}`],
    ["Listens on", status.addresses.join(", ")],
    ["Runs for", formatDuration(status.uptime)],
    ["Certificate", left < WARN_SECONDS && left > 0 ? style.yellow(validity) : validity],
    ...certificate.warnings.map((warning) => ["", style.red(safe(warning))]),
    [
      "Store",
      `${count(status.messages, "message")}, ${count(status.users, "user")}, ${
        formatSize(disk.store)
      }`,
    ],
    ["Disk", full ? style.red(`${free}: below limits.min_free_disk, messages are refused`) : free],
    ["Memory", formatSize(status.memory)],
    [
      "Under way",
      `${counts.exchanges_in} in, ${counts.exchanges_out} out, ${counts.staging} staged`,
    ],
    ...(counts.faults > 0
      ? [["Faults", style.red(`${counts.faults}: see "internal error" in the log`)]]
      : []),
  ];
  return table(rows.map(([name = "", value = ""]) => [style.dim(name), value]), {
    head: [],
    columns,
    flexible: 1,
  });
}

/** From here on a certificate that was not renewed is a worry. */
const WARN_SECONDS = 14 * 86_400;

function connections({ connections, refused }: Status, { style, columns }: Output): string {
  const lines = connections.slice(0, MAX_SHOWN).map(({ peer, age, state }) => [
    peer,
    state,
    formatDuration(age),
  ]);
  const counts = Object.entries(refused).map(([reason, times]) => `${reason}: ${times}`).join(", ");
  return section(style.bold(`Connected: ${connections.length}`), [
    lines.length === 0 ? "" : table(lines, { head: [], columns: columns - INDENT }),
    more(connections.length),
    counts === "" ? "" : `Refused so far: ${counts}`,
  ]);
}

function queue({ queue }: Status, { style, columns }: Output): string {
  const now = Date.now() / 1000;
  const waits = queue.oldest === null
    ? ""
    : `, the oldest for ${formatDuration(now - queue.oldest)}`;
  const lines = queue.domains.map(({ domain, waiting, attempts, next_attempt, last_error }) => [
    shownDomain(domain),
    String(waiting),
    `${attempts}×`,
    next_attempt === null ? "blocked" : whenText(next_attempt, now),
    safe(last_error ?? ""),
  ]);
  return section(style.bold(`Waiting for delivery: ${queue.waiting}`) + waits, [
    lines.length === 0 ? "" : table(lines, {
      head: [],
      columns: columns - INDENT,
      align: ["left", "right"],
      flexible: 4,
    }),
  ]);
}

function exchanges({ last, exchanges }: Status, { style, columns }: Output): string {
  const counts = Object.entries(exchanges).map(([name, times]) => `${name}: ${times}`).join(", ");
  const lines = last.slice(0, MAX_SHOWN).map((exchange) => [
    formatTime(exchange.time),
    exchange.direction,
    safe(exchange.peer),
    exchange.domain === null ? "" : shownDomain(exchange.to ?? exchange.domain),
    exchange.terminated === null
      ? exchange.codes.join(" ")
      : style.yellow(safe(exchange.terminated)),
    `${exchange.ms} ms`,
  ]);
  return section(style.bold("Last exchanges") + (counts === "" ? ": none yet" : `, of ${counts}`), [
    lines.length === 0 ? "" : table(lines, { head: [], columns: columns - INDENT, flexible: 4 }),
  ]);
}

function bans({ bans }: Status, output: Output): string {
  return bans.length === 0 ? "" : section(output.style.bold(`Banned: ${bans.length}`), [
    banTable(bans.slice(0, MAX_SHOWN), { ...output, columns: output.columns - INDENT }),
    more(bans.length),
  ]);
}

function quotas({ quotas }: Status, { style, columns }: Output): string {
  if (quotas.length === 0) return "";
  const lines = quotas.slice(0, MAX_SHOWN).map(({ address, limit, used, max }) => {
    const amount = limit.includes("bytes") ? formatSize : String;
    return [
      safe(address),
      limit,
      `${amount(used)} of ${amount(max)}`,
      `${Math.floor(used / max * 100)} %`,
    ];
  });
  return section(style.bold("Quotas near their end"), [
    table(lines, { head: [], columns: columns - INDENT, flexible: 0 }),
    more(quotas.length),
  ]);
}

function section(title: string, parts: readonly string[]): string {
  const body = parts.filter((part) => part !== "").join("\n").replace(/^/gm, " ".repeat(INDENT));
  return body.trim() === "" ? title : `${title}\n${body}`;
}

function more(all: number): string {
  return all > MAX_SHOWN ? `… and ${all - MAX_SHOWN} more` : "";
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

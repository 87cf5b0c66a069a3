// fmsg host status: what the running host is doing, for whoever looks after it.

import type { Command } from "commander";
import { ACCEPT, codeName, CONTINUE, SKIP_DATA } from "../wire/mod.ts";
import type { Status } from "../host/mod.ts";
import { shownAddress, shownDomain } from "./addresses.ts";
import { banTable } from "./bans.ts";
import { command, type CommonOptions, type Output, printResult } from "./context.ts";
import { whenText } from "./message_text.ts";
import { openConfig } from "./open.ts";
import { withHost } from "./running.ts";
import {
  formatDuration,
  formatSize,
  formatTime,
  pad,
  safe,
  table,
  truncate,
  wrap,
} from "./terminal.ts";

/** Connections, exchanges and the like that are told one by one to people; JSON has more of them. */
const MAX_SHOWN = 10;

/** Columns by which the lines of a section stand in. */
const INDENT = 2;

/** Columns for the names in the first section. */
const NAME_COLUMNS = 13;

/** Columns for a domain on a terminal: a stranger may have one that fills lines. */
const DOMAIN_COLUMNS = 28;

/** Lines for the reason why something waits. */
const REASON_LINES = 3;

/** From here on a certificate that was not renewed is a worry. */
const WARN_SECONDS = 14 * 86_400;

export function statusCommand(output: Output): Command {
  return command(
    "status",
    "what the running host does: connections, queue, last exchanges, bans, quotas, certificate, disk",
    "fmsg host status",
    "fmsg host status --json",
  ).action(async (options: CommonOptions) => {
    const status = await withHost(openConfig(options), (host) => host.status());
    printResult(output, options, status, () => statusInWords(status, output, Date.now() / 1000));
  });
}

/** For people; `now` is in POSIX seconds. */
export function statusInWords(status: Status, output: Output, now: number): string {
  return [
    summary(status, output, now),
    connections(status, output),
    queue(status, output, now),
    exchanges(status, output, now),
    bans(status, output),
    quotas(status, output),
  ].filter((part) => part !== "").join("\n\n");
}

function summary(status: Status, { style, columns }: Output, now: number): string {
  const { disk, counts, uptime } = status;
  const host = `${shownDomain(status.domain)}, fmsg ${status.version}, process ${status.pid}`;
  const stored = [count(status.messages, "message"), count(status.users, "user")].join(", ");
  const free = `${formatSize(disk.free)} free on its disk`;
  const full = `too little for new messages, which are refused (limits.min_free_disk: ${
    formatSize(disk.floor)
  })`;
  const lines: readonly (readonly [name: string, value: string])[] = [
    ["Host", `${host}, up for ${formatDuration(uptime)}`],
    ["Listens on", status.addresses.join(", ")],
    ...status.api === null ? [] : [["Interface", interfaceText(status.api)] as const],
    ["Certificate", validity(status, now, style)],
    ...status.certificate.warnings.map((warning) => ["", style.red(safe(warning))] as const),
    ["Store", `${stored}, ${formatSize(disk.store)}; ${disk.room ? free : style.red(free)}`],
    ...disk.room ? [] : [["", style.red(full)] as const],
    ["Memory", formatSize(status.memory)],
    ["Under way", `${count(counts.exchanges_in, "exchange")} in, ${counts.exchanges_out} out`],
    ...counts.faults === 0
      ? []
      : [["Faults", style.red(`${counts.faults}: see "internal error" in the log`)] as const],
  ];
  return lines.map(([name, value]) =>
    style.dim(pad(name, NAME_COLUMNS)) +
    indented(wrap(value, columns - NAME_COLUMNS), NAME_COLUMNS).trimStart()
  ).join("\n");
}

function interfaceText({ address, tls, connections, sockets, requests }: Interface): string {
  if (address === null) return "waits for the certificate";
  return `${address}${tls ? " with TLS" : ""}: ${count(connections, "connection")}, ${
    count(sockets, "WebSocket")
  }, ${count(requests, "request")} so far`;
}

type Interface = NonNullable<Status["api"]>;

function validity({ certificate }: Status, now: number, style: Output["style"]): string {
  const { expires, acme } = certificate;
  const renewal = acme === null ? "" : `; ${renewalText(acme)}`;
  if (expires === null) return style.red(`none yet${renewal}`);
  const at = Date.parse(expires) / 1000;
  const left = at - now;
  if (left <= 0) {
    return style.red(
      `expired on ${formatTime(at)}: other hosts refuse to talk to this one${renewal}`,
    );
  }
  const text = `valid until ${formatTime(at)} (${formatDuration(left)})${renewal}`;
  // Some authorities give certificates for days only; what the host renews itself is a worry once that fails.
  const worry = acme === null ? left < WARN_SECONDS : acme.last_error !== null;
  return worry ? style.yellow(text) : text;
}

function renewalText({ next_attempt, last_error }: Renewal): string {
  const next = next_attempt === null
    ? "asking for one now"
    : `${last_error === null ? "to be renewed" : "next attempt"} ${
      formatTime(Date.parse(next_attempt) / 1000)
    }`;
  return last_error === null ? next : `${safe(last_error)}; ${next}`;
}

type Renewal = NonNullable<Status["certificate"]["acme"]>;

const STATES: Readonly<Record<Status["connections"][number]["state"], string>> = {
  handshake: "in the handshake",
  waiting: "has said nothing yet",
  exchange: "in an exchange",
};

function connections({ connections }: Status, { style, columns }: Output): string {
  const lines = connections.slice(0, MAX_SHOWN).map(({ peer, age, state }) => [
    safe(peer),
    STATES[state],
    `for ${formatDuration(age)}`,
  ]);
  return section(style.bold(`Connected: ${connections.length}`), [
    table(lines, { head: [], columns: columns - INDENT }),
    more(connections.length - lines.length),
  ]);
}

function queue({ queue }: Status, { style, columns }: Output, now: number): string {
  const waits = queue.oldest === null
    ? ""
    : `, the oldest for ${formatDuration(Math.max(0, now - queue.oldest))}`;
  const shown = queue.domains.slice(0, MAX_SHOWN);
  const told = shown.reduce((sum, { waiting }) => sum + waiting, 0);
  const room = columns - 2 * INDENT;
  return section(style.bold(`Waiting for delivery: ${queue.waiting}`) + waits, [
    ...shown.map(({ domain, waiting, attempts, next_attempt, last_error }) => {
      const when = next_attempt === null
        ? "behind messages that are not delivered yet"
        : `next ${whenText(next_attempt, now)}`;
      const tried = attempts === 0 ? "not tried yet" : `tried ${attempts}×`;
      const facts = wrap(
        `${shortDomain(domain, columns)}: ${waiting}, ${tried}, ${when}`,
        columns - INDENT,
      );
      if (last_error === null) return facts;
      const reason = wrap(truncate(safe(last_error), REASON_LINES * room), room);
      return `${facts}\n${indented(reason, INDENT)}`;
    }),
    more(queue.waiting - told, " for other domains"),
  ]);
}

function exchanges(status: Status, { style, columns }: Output, now: number): string {
  const room = columns - INDENT;
  const counts = [
    ["in", countsOf(status.exchanges, "in ")],
    ["out", countsOf(status.exchanges, "out ")],
    ["refused", countsOf(status.refused, "")],
  ] as const;
  const totals = counts.filter(([, text]) => text !== "").map(([name, text]) =>
    style.dim(pad(name, 9)) + indented(wrap(text, room - 9), 9).trimStart()
  );
  const last = status.last.slice(0, MAX_SHOWN).map((exchange) => [
    `${formatDuration(Math.max(0, now - exchange.time))} ago`,
    exchange.direction,
    shortDomain(exchange.to ?? exchange.domain ?? "", columns),
    safe(exchange.peer),
    exchange.ms < 1000 ? `${Math.round(exchange.ms)} ms` : formatDuration(exchange.ms / 1000),
    outcomeText(exchange, style),
  ]);
  return [
    section(
      style.bold("Exchanges since the start") + (totals.length === 0 ? ": none yet" : ""),
      totals,
    ),
    last.length === 0 ? "" : section(style.bold("Last exchanges"), [
      table(last, {
        head: [],
        columns: room,
        align: ["right", "left", "left", "left", "right"],
      }),
    ]),
  ].filter((part) => part !== "").join("\n\n");
}

function countsOf(all: Readonly<Record<string, number>>, prefix: string): string {
  return Object.entries(all)
    .filter(([name, times]) => name.startsWith(prefix) && times > 0)
    .map(([name, times]) => `${times} ${name.slice(prefix.length)}`)
    .join(", ");
}

/** What became of an exchange: why it broke off, or what was answered. */
function outcomeText(
  { terminated, codes }: Status["last"][number],
  style: Output["style"],
): string {
  if (terminated !== null) return style.yellow(safe(terminated));
  if (codes.length === 0) return style.yellow("nobody reached");
  const times = new Map<number, number>();
  for (const code of codes) times.set(code, (times.get(code) ?? 0) + 1);
  // What only says that the exchange goes on is no news where it did.
  if (times.size > 1) [CONTINUE, SKIP_DATA].forEach((code) => times.delete(code));
  // The end may be cut off, so trouble comes first.
  return [...times].sort(([a], [b]) => Number(a === ACCEPT) - Number(b === ACCEPT))
    .map(([code, number]) => `${code} ${codeName(code)}${number > 1 ? ` ×${number}` : ""}`)
    .join(", ");
}

function bans({ bans }: Status, output: Output): string {
  if (bans.length === 0) return "";
  return section(output.style.bold(`Banned: ${bans.length}`), [
    banTable(bans.slice(0, MAX_SHOWN), { ...output, columns: output.columns - INDENT }),
    more(bans.length - MAX_SHOWN),
  ]);
}

function quotas({ quotas }: Status, { style, columns }: Output): string {
  if (quotas.length === 0) return "";
  const lines = quotas.slice(0, MAX_SHOWN).map(({ address, limit, used, max }) => {
    const amount = limit.includes("bytes") ? formatSize : String;
    const share = `${Math.floor(used / max * 100)} %`;
    return [
      shownAddress(address),
      limit,
      `${amount(used)} of ${amount(max)}`,
      used >= max ? style.red(share) : share,
    ];
  });
  return section(style.bold("Quotas near their end"), [
    table(lines, { head: [], columns: columns - INDENT, flexible: 0 }),
    more(quotas.length - lines.length),
  ]);
}

function section(title: string, parts: readonly string[]): string {
  const body = parts.filter((part) => part !== "").join("\n");
  return body === "" ? title : `${title}\n${indented(body, INDENT)}`;
}

function indented(text: string, columns: number): string {
  return text.replace(/^/gm, " ".repeat(columns));
}

function shortDomain(domain: string, columns: number): string {
  const shown = shownDomain(domain);
  return columns === Infinity ? shown : truncate(shown, DOMAIN_COLUMNS);
}

function more(left: number, where = ""): string {
  return left > 0 ? `… and ${left} more${where}` : "";
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

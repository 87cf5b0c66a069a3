// The host's figures in relation to what the machine did in the same run.

import type { Row, Table } from "./result.ts";

/** Null when the run has not measured what is compared. */
export function ratios(run: readonly Table[]): Table | null {
  const value = (group: string, label: string, column: string): number | null =>
    run.find((table) => table.group === group)
      ?.rows.find((row) => row.label === label)?.values[column] ?? null;
  const machine = (label: string): number | null => value("machine", label, "a second");
  const connections = machine("TLS 1.3 connections, 16 at once, resumed");
  const plain = value("accept", "not challenged, 16 senders", "accepted/s");
  const challenged = value("accept", "challenged, 16 senders", "accepted/s");
  const rows = [
    percent("accepted/s, not challenged, of TLS connections/s", plain, connections),
    percent(
      "accepted/s, challenged, at two connections each",
      challenged === null ? null : challenged * 2,
      connections,
    ),
    percent(
      "accepted/s, not challenged, of fsyncs/s",
      plain,
      machine("fsyncs of 16 KiB, one after the other"),
    ),
    percent(
      "MB/s of 8 MiB attachments, 4 senders, of one TLS connection",
      value("attachments", "8 MiB, 4 senders", "MB/s"),
      machine("MB through one TLS 1.3 connection"),
    ),
  ].flatMap((row) => row ?? []);
  return rows.length === 0 ? null : {
    group: "ratios",
    title: "The host beside the machine",
    columns: [{ name: "%", digits: 0 }],
    rows,
  };
}

function percent(label: string, part: number | null, whole: number | null): Row | null {
  return part === null || whole === null ? null : { label, values: { "%": part / whole * 100 } };
}

// What was measured: tables of named columns, the medians over several runs, and how they look on a terminal.

import * as v from "valibot";
import { targetFor } from "./targets.ts";

export interface Column {
  readonly name: string;
  readonly digits: number;
}

export interface Row {
  readonly label: string;
  /** By the column's name; one that is absent was not measured. */
  readonly values: Readonly<Record<string, number>>;
}

/** What a group measured in one run. */
export interface Table {
  readonly group: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

const NUMBERS = v.record(v.string(), v.number());

/** The JSON of a whole run. */
export const RESULT = v.object({
  date: v.string(),
  quick: v.boolean(),
  runs: v.number(),
  machine: v.record(v.string(), v.string()),
  tables: v.array(v.object({
    group: v.string(),
    title: v.string(),
    columns: v.array(v.object({ name: v.string(), digits: v.number() })),
    rows: v.array(v.object({
      label: v.string(),
      /** The medians. */
      values: NUMBERS,
      /** What each run gave. */
      runs: v.array(NUMBERS),
    })),
  })),
});

export type Result = v.InferOutput<typeof RESULT>;

export type ResultTable = Result["tables"][number];

/** The same table of several runs as one of medians. */
export function mergeRuns(tables: readonly Table[]): ResultTable {
  const [first] = tables;
  if (first === undefined) throw new RangeError("Merging runs: there is none, wanted one at least");
  const rows = first.rows.map(({ label }) => {
    const runs = tables.flatMap((table) => table.rows.find((row) => row.label === label) ?? [])
      .map(({ values }) => ({ ...values }));
    const values = Object.fromEntries(
      first.columns.flatMap(({ name }): [string, number][] => {
        const measured = runs.flatMap((run) => run[name] ?? []);
        return measured.length === 0 ? [] : [[name, median(measured)]];
      }),
    );
    return { label, values, runs };
  });
  return { ...first, columns: first.columns.map((column) => ({ ...column })), rows };
}

/** The cells of a table as text, its head first, with a column of targets beside each that has any. */
export function cells({ group, title, columns, rows }: ResultTable): string[][] {
  const wanted = columns.map(({ name }) => rows.map(({ label }) => targetFor(group, label, name)));
  const hasTargets = wanted.map((column) => column.some((target) => target !== null));
  const head = columns.flatMap(({ name }, i) => hasTargets[i] ? [name, "target"] : [name]);
  const body = rows.map(({ label, values }, r) => [
    label,
    ...columns.flatMap(({ name, digits }, i) => {
      const value = values[name];
      const cell = value === undefined ? "" : format(value, digits);
      const target = wanted[i]?.[r] ?? null;
      return hasTargets[i] ? [cell, target === null ? "" : target.toLocaleString("en-US")] : [cell];
    }),
  ]);
  return [[title, ...head], ...body];
}

/** A table for the terminal: labels to the left, numbers to the right. */
export function text(table: ResultTable): string {
  const lines = cells(table);
  const widths = columnWidths(lines);
  return lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))
      .join("  ").trimEnd()
  ).join("\n");
}

export function columnWidths(lines: readonly (readonly string[])[]): number[] {
  const [head = []] = lines;
  return head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value below which a `share` of all lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function format(value: number, digits: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

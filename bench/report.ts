// The tables of a result as Markdown: deno run -A bench/report.ts RESULT.json [DOCUMENT.md]
//
// Prints them, or writes each between the lines "<!-- bench: GROUP -->" and "<!-- bench end -->" of a document, so that no
// number is typed by hand. A group that the result lacks keeps what the document has.

import { readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { cells, columnWidths, RESULT, type Result, type ResultTable } from "./result.ts";

/** Blocks of a document by their names: the text between the lines that mark them. */
const BLOCK = /(<!-- bench: ([a-z]+) -->\n)([^]*?)(<!-- bench end -->)/g;

/** The document with its blocks taken from the result. Throws an Error when it has none. */
export function rewrite(document: string, result: Result): string {
  if (document.match(BLOCK) === null) {
    throw new Error(
      'Rewriting the tables: there is no line "<!-- bench: GROUP -->" in the document',
    );
  }
  const blocks = markdown(result);
  return document.replace(
    BLOCK,
    (_, begin: string, name: string, old: string, end: string) => {
      const block = blocks.get(name);
      return begin + (block === undefined ? old : `\n${block}\n\n`) + end;
    },
  );
}

/** By group; "about" tells of the run itself. */
export function markdown(result: Result): Map<string, string> {
  return new Map([
    ["about", about(result)],
    ...result.tables.map((table): [string, string] => [table.group, markdownTable(table)]),
  ]);
}

function about({ date, quick, runs, machine }: Result): string {
  const lines = [
    ["date", date],
    ...Object.entries(machine),
    [
      "values",
      quick ? "of one short run: they show only that the bench works" : `medians of ${runs}`,
    ],
  ];
  return lines.map(([name, value]) => `- ${name}: ${value}`).join("\n");
}

/** As deno fmt has it. */
function markdownTable(table: ResultTable): string {
  const [head = [], ...body] = cells(table);
  const widths = columnWidths([head, ...body]).map((width) => Math.max(width, 2));
  const line = (row: readonly string[]): string =>
    `| ${
      row.map((cell, i) => i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))
        .join(" | ")
    } |`;
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":");
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n");
}

if (import.meta.main) {
  const [file, document] = Deno.args;
  if (file === undefined) {
    console.error("Usage: deno run -A bench/report.ts RESULT.json [DOCUMENT.md]");
    Deno.exit(2);
  }
  const result = v.parse(RESULT, JSON.parse(readFileSync(file, "utf8")));
  if (document === undefined) console.log([...markdown(result).values()].join("\n\n"));
  else writeFileSync(document, rewrite(readFileSync(document, "utf8"), result));
}

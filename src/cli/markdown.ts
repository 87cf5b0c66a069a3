// Markdown of our own pages as lines for a terminal: headings, paragraphs, lists, code, tables, and what stands in a line.

import type { Style } from "./terminal.ts";
import { pad, width, wrap } from "./text.ts";

export interface MarkdownOptions {
  readonly columns: number;
  readonly style: Style;
  /** What is shown behind a link's text for where it leads. */
  readonly linkTo: (target: string) => string;
}

/** Code keeps its lines; it stands this far in. */
const CODE_INDENT = "    ";

/** The page, without a line break at its end. All is wrapped to `columns` but code. */
export function renderMarkdown(text: string, options: MarkdownOptions): string {
  return blocksOf(text).map((block) => render(block, options)).join("\n\n");
}

type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly Item[] }
  | { readonly kind: "code"; readonly lines: readonly string[]; readonly indent: string }
  | { readonly kind: "table"; readonly rows: readonly (readonly string[])[] };

interface Item {
  readonly marker: string;
  readonly text: string;
}

const FENCE = /^(\s*)```/;
const HEADING = /^#{1,6}\s+(.*)$/;
const ITEM = /^\s*([-*]|\d+\.)\s+(.*)$/;

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.replace(/<!--.*?-->/gs, "").split("\n");
  for (let i = 0; i < lines.length;) {
    const line = lines[i] ?? "";
    const fence = FENCE.exec(line);
    if (fence !== null) {
      const end = lines.findIndex((one, j) => j > i && FENCE.test(one));
      const last = end < 0 ? lines.length : end;
      const indent = fence[1] ?? "";
      const code = lines.slice(i + 1, last).map((one) =>
        one.startsWith(indent) ? one.slice(indent.length) : one
      );
      blocks.push({ kind: "code", lines: code, indent });
      i = last + 1;
    } else if (line.trim() === "") {
      i++;
    } else {
      const from = i;
      const heading = HEADING.exec(line);
      i++;
      if (heading !== null) {
        blocks.push({ kind: "heading", text: heading[1] ?? "" });
        continue;
      }
      while (i < lines.length && !endsBlock(lines[i] ?? "")) i++;
      blocks.push(blockOf(lines.slice(from, i)));
    }
  }
  return blocks;
}

function endsBlock(line: string): boolean {
  return line.trim() === "" || FENCE.test(line) || HEADING.test(line);
}

function blockOf(lines: readonly string[]): Block {
  if (lines[0]?.startsWith("|")) {
    const rows = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    // The second line of a table only rules it off.
    return { kind: "table", rows: rows.filter((_, i) => i !== 1) };
  }
  const items: Item[] = [];
  for (const line of lines) {
    const [, marker, text = ""] = ITEM.exec(line) ?? [];
    const last = items.at(-1);
    if (marker !== undefined) items.push({ marker: marker === "*" ? "-" : marker, text });
    else if (last !== undefined) {
      items[items.length - 1] = { ...last, text: `${last.text} ${line.trim()}` };
    }
  }
  return items.length > 0
    ? { kind: "list", items }
    : { kind: "paragraph", text: lines.map((line) => line.trim()).join(" ") };
}

function render(block: Block, options: MarkdownOptions): string {
  switch (block.kind) {
    case "heading":
      return wrap(options.style.bold(inLine(block.text, options, true)), options.columns);
    case "paragraph":
      return wrap(inLine(block.text, options), options.columns);
    case "list":
      return block.items.map((item) => renderItem(item, options)).join("\n");
    case "code":
      return block.lines.map((line) => line === "" ? "" : block.indent + CODE_INDENT + line)
        .join("\n");
    case "table":
      return renderTable(block.rows, options);
  }
}

function renderItem({ marker, text }: Item, options: MarkdownOptions): string {
  const hang = " ".repeat(marker.length + 3);
  const lines = wrap(inLine(text, options), options.columns - hang.length).split("\n");
  return lines.map((line, i) => i === 0 ? `  ${marker} ${line}` : hang + line).join("\n");
}

/** Columns are as wide as what is in them, but for the last, which is wrapped. */
function renderTable(
  rows: readonly (readonly string[])[],
  options: MarkdownOptions,
): string {
  const shown = rows.map((row) => row.map((cell) => inLine(cell, options)));
  const widths = (shown[0] ?? []).slice(0, -1).map((_, at) =>
    Math.max(...shown.map((row) => width(row[at] ?? ""))) + GAP.length
  );
  const before = widths.reduce((sum, one) => sum + one, 0);
  return shown.map((row, i) => {
    const cells = widths.map((columns, at) => pad(row[at] ?? "", columns));
    const last = wrap(row.at(-1) ?? "", Math.max(MIN_LAST, options.columns - before));
    const lines = (cells.join("") + last.replaceAll("\n", "\n" + " ".repeat(before))).trimEnd();
    return i === 0 ? options.style.bold(lines) : lines;
  }).join("\n");
}

const GAP = "  ";

/** Columns that the last column of a table has at least. */
const MIN_LAST = 20;

/** What stands in a line: code, links, and words in bold or italics. */
function inLine(text: string, options: MarkdownOptions, isHeading = false): string {
  const { style, linkTo } = options;
  return text.replace(
    /`([^`]+)`|\[([^\]]+)\]\(([^)]+)\)|\*\*([^*]+)\*\*|<(https?:[^>]+)>/g,
    (_, code?: string, link?: string, target?: string, bold?: string, url?: string) => {
      if (code !== undefined) return isHeading ? code : shownCode(code, style);
      if (link !== undefined && target !== undefined) {
        const words = inLine(link, options, isHeading);
        return words === target ? words : `${words} (${linkTo(target)})`;
      }
      return url ?? style.bold(bold ?? "");
    },
  );
}

/** In colour where there are colours; without them in quotes, as in messages. */
function shownCode(code: string, style: Style): string {
  const coloured = style.cyan(code);
  return coloured === code ? `"${code}"` : coloured;
}

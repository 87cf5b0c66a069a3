// fmsg host init --dry-run: everything that would be written, in full.

import { type CommonOptions, type Output, printResult } from "../context.ts";
import { safe } from "../terminal.ts";
import { publishedBy } from "./finish.ts";
import type { Found } from "./found.ts";
import { isChange, type PlannedFile } from "./plan.ts";
import type { Prepared } from "./prepare.ts";
import { recordsText } from "./records.ts";
import { plannedJson, recordsJson } from "./result.ts";
import { closingText, fileState, notesText, summaryText } from "./words.ts";

export async function showDryRun(
  prepared: Prepared,
  found: Found,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const { plan } = prepared;
  const { answers, files, directories } = plan;
  const { style, columns } = output;
  const records = await publishedBy(prepared);
  const notes = [...prepared.notes, ...records.notes];
  const value = {
    dry_run: true,
    ...plannedJson({ ...prepared, notes }, found, answers.user),
    directories: directories.map(({ path }) => path),
    files: files.map((file) => ({
      path: file.path,
      state: fileState(file),
      mode: octal(file.mode),
      text: file.secret ? null : file.text,
    })),
    records: recordsJson(answers.domain, records),
  };
  printResult(output, options, value, () =>
    [
      summaryText(plan, style, columns),
      ...notes.length === 0 ? [] : [notesText(notes, style, columns)],
      ...directories.map(({ path, mode }) =>
        `Would make the folder ${safe(path)} (${octal(mode)})`
      ),
      ...files.filter(isChange).map((file) => fileText(file, output)),
      recordsText(answers.domain, records, columns),
      closingText({
        prepared,
        found,
        address: answers.user,
        certificate: { state: "left to the host" },
        columns,
        style,
      }),
      "Nothing was written.",
    ].join("\n\n"));
}

function fileText({ path, before, mode, secret, text }: PlannedFile, { style }: Output): string {
  const verb = before === null ? "write" : "change";
  const title = style.bold(
    `Would ${verb} ${safe(path)}${before === null ? ` (${octal(mode)})` : ""}`,
  );
  if (secret) return `${title}: a key that nobody sees`;
  return `${title}:\n\n${safe(text.trimEnd(), { multiline: true }).replace(/^(?=.)/gm, "  ")}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

// What the command says with --json.

import { addressText } from "../../net/mod.ts";
import type { Done } from "./carry_out.ts";
import type { Finished } from "./finish.ts";
import type { Found } from "./found.ts";
import type { Prepared } from "./prepare.ts";
import type { Addresses } from "./records.ts";
import { commandsOf, fileState } from "./words.ts";

/** What is there, or with `--dry-run` would be. */
export function plannedJson(
  { plan, running, notes }: Prepared,
  found: Found,
  address: string | null,
): object {
  const { answers, files, unit } = plan;
  return {
    domain: answers.domain,
    address,
    config: answers.configFile,
    data_dir: answers.dataDir,
    listen: answers.listen.map(addressText),
    unit: unit === "none" ? null : answers.unitFile,
    files: files.map((file) => ({ path: file.path, state: fileState(file) })),
    commands: commandsOf(plan, found, running, address),
    notes,
  };
}

export function recordsJson(domain: string, { a, aaaa }: Addresses): object[] {
  const record = (type: string) => (value: string) => ({ name: `fmsg.${domain}`, type, value });
  return [...a.map(record("A")), ...aaaa.map(record("AAAA"))];
}

export function resultJson(
  prepared: Prepared,
  found: Found,
  done: Done,
  { address, records, dns, certificate, link }: Finished,
): object {
  const { answers } = prepared.plan;
  return {
    ...plannedJson({ ...prepared, notes: [...prepared.notes, ...records.notes] }, found, address),
    user: done.user,
    records: recordsJson(answers.domain, records),
    dns: dns?.state ?? null,
    certificate: {
      kind: answers.certificate.kind,
      state: certificate.state,
      expires: certificate.state === "obtained" ? certificate.expires.toISOString() : null,
      reason: certificate.state === "failed" ? certificate.reason : null,
    },
    link,
  };
}

// What the wizard says: the summary before anything is written, and what to do afterwards.

import { siteOf } from "../../api/session/link.ts";
import type { Config, Endpoint } from "../../config.ts";
import { addressText } from "../../net/mod.ts";
import { shownAddress, shownDomain } from "../addresses.ts";
import { safe, type Style, width, wrap } from "../terminal.ts";
import { authorityName, type CertificateOutcome } from "./acme.ts";
import type { Answers } from "./answers.ts";
import { selfMadeFiles } from "./configuration.ts";
import type { RecordsOutcome } from "./dns_wait.ts";
import { type Found, isUsualConfig } from "./found.ts";
import { isChange, type Plan, type PlannedFile } from "./plan.ts";
import type { Prepared } from "./prepare.ts";
import { shellWord } from "./shell_word.ts";
import { serviceOf, unitCommands } from "./unit.ts";

export function endpointsText(endpoints: readonly Endpoint[]): string {
  return endpoints.map(addressText).join(", ");
}

/** What will be there, one line each; long values go on below themselves. */
export function summaryText(plan: Plan, style: Style, columns: number): string {
  const { answers } = plan;
  const isChanged = plan.files.some(({ path, before }) =>
    path === answers.configFile && before !== null
  );
  const user = answers.user === null ? "none yet" : shownAddress(answers.user);
  const isNew = plan.directories.some(({ path }) => path === answers.dataDir);
  const rows = [
    ["Domain", `${shownDomain(answers.domain)}, found by others as fmsg.${answers.domain}`],
    ...answers.user === null && isChanged ? [] : [["User", user]],
    ["Certificate", certificateText(answers)],
    ["Listens on", endpointsText(answers.listen)],
    ["Browser, apps", appsText(plan.config)],
    ["Configuration", `${safe(answers.configFile)} ${stateOf(plan, answers.configFile)}`],
    ["Data", `${safe(answers.dataDir)} ${isNew ? "(new)" : "(kept)"}`],
    [
      "Service",
      answers.unitFile === null ? "none" : `${safe(answers.unitFile)} ${unitState(plan)}`,
    ],
  ];
  const column = Math.max(...rows.map(([name = ""]) => width(name))) + 2;
  return rows.map(([name = "", value = ""]) => {
    const lines = wrap(value, Math.max(20, columns - column)).split("\n");
    return style.dim(name.padEnd(column)) + lines.join("\n".padEnd(column + 1));
  }).join("\n");
}

function appsText(config: Config): string {
  const { api } = config;
  const url = siteOf(config);
  if (api === null || url === null) return "do not connect";
  const place = addressText(api.listen);
  return api.tls
    ? `connect to ${safe(url)}, served on ${place}`
    : `connect to ${safe(url)}, from where a web server passes them on to ${place}`;
}

function certificateText({ certificate }: Answers): string {
  switch (certificate.kind) {
    case "acme":
      return `from ${safe(authorityName(certificate))}${
        certificate.email === null ? "" : `, with ${safe(certificate.email)}`
      }`;
    case "files":
      return `${safe(certificate.cert)}, ${safe(certificate.key)}`;
    case "self-made":
      return "self-made: others have to be told to trust it";
  }
}

function stateOf({ files }: Plan, path: string): string {
  return `(${fileState(files.find((file) => file.path === path))})`;
}

type FileState = "new" | "changed" | "unchanged";

export function fileState(file: PlannedFile | undefined): FileState {
  if (file === undefined || !isChange(file)) return "unchanged";
  return file.before === null ? "new" : "changed";
}

function unitState(plan: Plan): string {
  const { unitFile } = plan.answers;
  const isWritten = plan.files.some(({ path }) => path === unitFile);
  if (plan.unit === "edited") return isWritten ? "(replaced)" : "(edited by hand, kept)";
  return stateOf(plan, unitFile ?? "");
}

/** Warnings and hints, one a paragraph. */
export function notesText(notes: readonly string[], style: Style, columns: number): string {
  const lines = (note: string): string =>
    wrap(safe(note), Math.max(20, columns - 2)).replaceAll("\n", "\n  ");
  return notes.map((note) => `${style.yellow("!")} ${lines(note)}`).join("\n");
}

/** What to type next, in this order. */
export function commandsOf(
  plan: Plan,
  found: Found,
  running: Running | null,
  address: string | null,
): string[] {
  const { answers } = plan;
  const config = isUsualConfig(answers.configFile)
    ? ""
    : ` --config ${shellWord(answers.configFile)}`;
  const fmsg = (words: string): string => `${found.typed} ${words}${config}`;
  const commands = [...running === null ? starting(plan, fmsg) : renewing(plan, running, fmsg)];
  commands.push(fmsg("host check"));
  if (address === null) commands.push(fmsg(`user add @you@${shownDomain(answers.domain)}`));
  else {
    const user = shellWord(shownAddress(address));
    commands.push(fmsg(`send --from ${user} --to ${user} "It works"`));
    commands.push(fmsg(`list ${user}`));
  }
  return commands;
}

/** A host that runs on the data directory already. */
export interface Running {
  readonly pid: number;
}

function starting(
  { answers, unitFacts, unit }: Plan,
  fmsg: (words: string) => string,
): readonly string[] {
  return unit === "none" ? [fmsg("host run")] : unitCommands(answers, unitFacts);
}

function renewing(
  { answers: { unitFile }, needsRestart, files }: Plan,
  { pid }: Running,
  fmsg: (words: string) => string,
): string[] {
  const changed = files.filter(isChange);
  if (unitFile === null) {
    if (needsRestart.length > 0) return [`kill ${pid}`, fmsg("host run")];
    return changed.length === 0 ? [] : [`kill -HUP ${pid}`];
  }
  const name = serviceOf({ unitFile });
  const ofUnit = changed.some(({ path }) => path === unitFile);
  return [
    ...ofUnit ? ["systemctl daemon-reload"] : [],
    ...ofUnit || needsRestart.length > 0
      ? [`systemctl restart ${name}`]
      : changed.length > 0
      ? [`systemctl reload ${name}`]
      : [],
  ];
}

export function dnsText(outcome: RecordsOutcome): string {
  switch (outcome.state) {
    case "seen":
      return "They are there";
    case "skipped":
      return "Not waiting any longer";
    case "not seen":
      return `Not there in time: ${outcome.reason}`;
  }
}

/** The last words: what remains, the commands to type, and the address. */
export function closingText(
  { prepared: { plan, agreed, running }, found, address, certificate, columns, style }: {
    readonly prepared: Prepared;
    readonly found: Found;
    /** Of a user, to try it with; null: there is none. */
    readonly address: string | null;
    readonly certificate: CertificateOutcome;
    readonly columns: number;
    readonly style: Style;
  },
): string {
  const { answers } = plan;
  const prose = (text: string): string => wrap(text, Math.min(columns, MOST_COLUMNS));
  const remaining = [remainingText(plan, agreed, certificate), connectingText(plan, found, address)]
    .flatMap((text) => text === null ? [] : [prose(text), ""]);
  const commands = commandsOf(plan, found, running, address).map((line) => `  ${line}`);
  return [
    ...remaining,
    style.bold("Next, type:"),
    "",
    ...commands,
    "",
    address === null
      ? `Addresses here end in ${style.bold(`@${shownDomain(answers.domain)}`)}`
      : `The address is ${style.bold(shownAddress(address))}`,
  ].join("\n");
}

/** Longer lines are hard to read. */
export const MOST_COLUMNS = 100;

/** What there is to do before a browser or an app connects; null: none is to. */
function connectingText(
  { config, answers }: Plan,
  { typed }: Found,
  address: string | null,
): string | null {
  const { api } = config;
  const url = siteOf(config);
  if (api === null || url === null) return null;
  const first = api.tls
    ? `TCP ${api.listen.port} is open in the firewall`
    : `a web server passes them on to ${addressText(api.listen)}`;
  const user = address === null ? `@you@${shownDomain(answers.domain)}` : shownAddress(address);
  return `Browsers and apps connect to ${
    safe(url)
  } once ${first}: "${typed} help api" shows how. A browser needs a link, from "${typed} user link ${user}", and an app a key, from "${typed} key create ${user}".`;
}

function remainingText(
  { answers, config }: Plan,
  agreed: boolean,
  outcome: CertificateOutcome,
): string | null {
  const { certificate } = answers;
  switch (certificate.kind) {
    case "files":
      return null;
    case "self-made": {
      const { authority } = selfMadeFiles(answers);
      const trusted = config.tls?.ca;
      const here = trusted === undefined || trusted === authority
        ? ""
        : ` This host itself goes on to trust what is in ${
          safe(trusted)
        }: add the authority there, too.`;
      return `Hosts that exchange messages with this one have to trust its authority: copy ${
        safe(authority)
      } to them, and name it there as tls.ca in fmsg.yaml, or add it to the file that is named already.${here}`;
    }
    case "acme": {
      if (outcome.state === "obtained" || outcome.state === "there") return null;
      if (outcome.state === "failed") {
        return "The host goes on trying to get its certificate as soon as it runs.";
      }
      const terms = agreed
        ? ""
        : ` Starting it means that you agree to the terms of ${safe(authorityName(certificate))}.`;
      return `The host gets its certificate by itself once it runs and the records are there.${terms}`;
    }
  }
}

// The conversation: every answer from a flag, from what there is already, or from the person.

import { join, resolve } from "node:path";
import { parseDomain } from "../../config.ts";
import { parsePath } from "../../config/leaf.ts";
import { Address, addressProblem } from "../../wire/mod.ts";
import { shownDomain, wireSpelling } from "../addresses.ts";
import { UsageError } from "../context.ts";
import type { Answers, ApiChoice } from "./answers.ts";
import type { Asker } from "./asker.ts";
import { askCertificate } from "./certificate_question.ts";
import { type Given, parseEndpoints, problemOf } from "./flags.ts";
import {
  type Existing,
  type Found,
  readExisting,
  serviceName,
  textOf,
  usualDataDir,
} from "./found.ts";
import { requireFolder } from "./plan.ts";
import { freeListen, proposedApi } from "./ports.ts";
import { endpointsText } from "./words.ts";

/** What was answered, and what else follows from the questions. */
export interface Gathered {
  readonly answers: Answers;
  readonly existing: Existing | null;
  /** The authority's terms were agreed to, by a flag, a person, or earlier; nobody does on behalf of another. */
  readonly agreed: boolean;
  /** What was noticed on the way, a sentence each. */
  readonly notes: readonly string[];
}

/** Where things go, asked only of those who want to change it. */
export interface Places {
  readonly configFile?: string;
  readonly dataDir?: string;
  readonly listen?: Answers["listen"];
  readonly unitFile?: string | null;
}

/** Without an asker the defaults are taken. Throws a UsageError that names the flag where there is no default. */
export async function gather(
  given: Given,
  found: Found,
  asker: Asker | null,
  places: Places = {},
  earlier: Gathered | null = null,
): Promise<Gathered> {
  const configFile = places.configFile ?? found.configFile;
  const existing = readExisting(configFile);
  const before = existing?.answers;

  const domain = earlier?.answers.domain ?? await askDomain(given, found, before?.domain, asker);
  const user = earlier === null
    ? await askUser(given, domain, existing !== null, asker)
    : earlier.answers.user;
  const dataDir = places.dataDir ?? given.dataDir ?? before?.dataDir ??
    usualDataDir(found, configFile);
  const roots = given.roots === undefined ? null : requireRoots(given.roots);
  const certificate = earlier === null
    ? await askCertificate(given, {
      domain,
      dataDir,
      existing,
      roots: roots ?? before?.config.tls?.ca,
    }, asker)
    : { choice: earlier.answers.certificate, agreed: earlier.agreed, notes: earlier.notes };
  const usualApi = before?.api ?? (asker === null ? "none" : proposedApi(certificate.choice));
  const api = earlier?.answers.api ?? await askApi(given, usualApi, asker);

  const listen = places.listen ?? given.listen ?? before?.listen ?? freeListen();
  const unitFile = places.unitFile !== undefined
    ? places.unitFile
    : given.unitFile !== undefined
    ? given.unitFile
    : usualUnit(found, configFile, existing !== null);
  const answers: Answers = {
    domain,
    configFile,
    dataDir,
    listen,
    certificate: certificate.choice,
    roots,
    user,
    api,
    unitFile,
    program: found.program,
  };
  return { answers, existing, agreed: certificate.agreed, notes: certificate.notes };
}

/** Throws a UsageError: a host with roots that cannot be read does not start. */
function requireRoots(file: string): string {
  const text = textOf(file);
  if (text === null) throw new UsageError(`--ca: there is no file ${file}`);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return file;
  throw new UsageError(`--ca: ${file} holds no certificate in PEM form`);
}

/** The questions that most leave alone. */
export async function askPlaces({ answers }: Gathered, asker: Asker): Promise<Places> {
  const path = async (
    message: string,
    fallback: string,
    tryIt: (path: string) => void,
  ): Promise<string> => {
    const problem = (text: string) =>
      problemOf(() => {
        parsePath(text);
        tryIt(resolve(text));
      });
    return resolve(await asker.text({ message, fallback, problem }));
  };
  const configFile = await path("The configuration", answers.configFile, readExisting);
  const moved = configFile !== answers.configFile;
  const dataDir = await path(
    "The folder for messages, users and keys",
    moved ? readExisting(configFile)?.answers.dataDir ?? answers.dataDir : answers.dataDir,
    requireFolder,
  );
  const listen = parseEndpoints(
    await asker.text({
      message: "Addresses and ports to listen on",
      fallback: endpointsText(answers.listen),
      problem: (text) => problemOf(() => parseEndpoints(text)),
    }),
  );
  const unit = await asker.text({
    message: "The systemd unit (none: no unit)",
    fallback: answers.unitFile ?? "none",
    problem: (text) => problemOf(() => parsePath(text)),
  });
  return { configFile, dataDir, listen, unitFile: unit === "none" ? null : resolve(unit) };
}

async function askDomain(
  given: Given,
  found: Found,
  before: string | undefined,
  asker: Asker | null,
): Promise<string> {
  if (given.domain !== undefined) return given.domain;
  if (asker === null) {
    if (before !== undefined) return before;
    // A name that was only guessed would be the domain of every address for good.
    throw new UsageError('Name the domain of your addresses: "--domain example.com"');
  }
  const known = before ?? found.domain;
  const typed = await asker.text({
    message: "Your domain, as in @alice@example.com",
    fallback: known === null ? null : shownDomain(known),
    example: "example.com",
    problem: (text) => problemOf(() => parseDomain(text)),
  });
  return parseDomain(typed);
}

async function askUser(
  given: Given,
  domain: string,
  isThereAlready: boolean,
  asker: Asker | null,
): Promise<string | null> {
  if (given.user !== undefined) {
    if (given.user === null) return null;
    try {
      return userAddress(given.user, domain).text;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`--user: ${error.message}`, { cause: error });
    }
  }
  if (asker === null) return null;
  const typed = await asker.text({
    message: isThereAlready
      ? "A user to add (empty: none)"
      : "The first user (empty: add users later)",
    fallback: null,
    example: `alice for @alice@${shownDomain(domain)}`,
    problem: (text) => text.trim() === "" ? null : problemOf(() => userAddress(text, domain)),
  });
  return typed === "" ? null : userAddress(typed, domain).text;
}

/** `alice`, `alice@example.com` and `@alice@example.com` are one address of the domain. Throws a RangeError. */
function userAddress(text: string, domain: string): Address {
  const typed = text.trim();
  const inner = typed.replace(/^@/, "");
  const spelled = wireSpelling(inner.includes("@") ? `@${inner}` : `@${inner}@${domain}`);
  const address = Address.parse(spelled);
  if (address === null) {
    throw new RangeError(`"${typed}" is no address: ${addressProblem(spelled)}`);
  }
  if (address.domain !== domain) {
    throw new RangeError(`"${typed}" is elsewhere: addresses here end in @${shownDomain(domain)}`);
  }
  return address;
}

async function askApi(
  given: Given,
  usual: ApiChoice,
  asker: Asker | null,
): Promise<ApiChoice> {
  if (given.api !== undefined) return given.api;
  if (asker === null) return usual;
  return await asker.choose<ApiChoice>({
    message: "May your users open their inbox in a browser, and connect apps?",
    choices: [
      { value: "none", label: "No: messages are read and written by commands on this machine" },
      { value: "local", label: "Yes, through a web server of yours that passes them on" },
      { value: "public", label: "Yes, straight to the host, on port 443" },
    ],
    first: usual,
  });
}

const UNITS = "/etc/systemd/system";

/**
 * For root, where systemd is; beside a unit for another configuration, one that bears the name of this one. One who had
 * none before does not get one by the way.
 */
function usualUnit(found: Found, configFile: string, isThereAlready: boolean): string | null {
  if (!found.systemd || !found.isRoot || !found.isProgram) return null;
  const usual = join(UNITS, "fmsg.service");
  const there = textOf(usual);
  if (there?.includes(configFile)) return usual;
  if (isThereAlready) return null;
  if (there === null) return usual;
  const name = serviceName(configFile) ?? "fmsg";
  return join(UNITS, `${name === "fmsg" ? "fmsg-2" : name}.service`);
}

// The flags of `fmsg host init`: what each question would have been answered with.

import { resolve } from "node:path";
import { ConfigError, type Endpoint, parseDomain, parseDuration } from "../../config.ts";
import { parsePath } from "../../config/leaf.ts";
import { parseListen, parseSecureUrl } from "../../config/network.ts";
import { CommandError, type CommonOptions, UsageError } from "../context.ts";
import type { ApiChoice, CertificateChoice } from "./answers.ts";

/** As Commander gives them. */
export interface InitOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly domain?: string;
  readonly dataDir?: string;
  readonly listen?: readonly string[];
  readonly certificate?: string;
  readonly email?: string;
  readonly agreeTos?: boolean;
  readonly acmeDirectory?: string;
  readonly acmeListen?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  /** False: `--no-user`. */
  readonly user?: string | false;
  readonly api?: string;
  /** False: `--no-unit`. */
  readonly unit?: string | false;
  /** True: as long as usual. */
  readonly waitDns?: string | true;
}

export type CertificateKind = CertificateChoice["kind"];

/** What the flags say; undefined where they do not. Paths are absolute. */
export interface Given {
  readonly domain: string | undefined;
  readonly configFile: string | undefined;
  readonly dataDir: string | undefined;
  readonly listen: readonly Endpoint[] | undefined;
  readonly certificate: CertificateKind | undefined;
  readonly email: string | undefined;
  readonly agreed: boolean;
  readonly directory: string | undefined;
  readonly acmeListen: readonly Endpoint[] | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly roots: string | undefined;
  /** As typed; null: none is to be added. */
  readonly user: string | null | undefined;
  readonly api: ApiChoice | undefined;
  /** Null: no unit is to be written. */
  readonly unitFile: string | null | undefined;
  /** Seconds to wait for the DNS records. */
  readonly waitDns: number | undefined;
}

/** Throws a UsageError that names the flag. */
export function readFlags(options: InitOptions): Given {
  const path = (flag: string, text: string | undefined): string | undefined =>
    text === undefined ? undefined : resolve(read(flag, () => parsePath(text)));
  const endpoints = (flag: string, texts: readonly string[] | undefined) =>
    texts === undefined ? undefined : read(flag, () => parseEndpoints(texts.join(",")));
  const { domain, email, acmeDirectory, user, unit, waitDns } = options;
  return {
    domain: domain === undefined ? undefined : read("--domain", () => parseDomain(domain.trim())),
    configFile: path("--config", options.config),
    dataDir: path("--data-dir", options.dataDir),
    listen: endpoints("--listen", options.listen),
    certificate: certificateKind(options),
    email: email === undefined ? undefined : read("--email", () => parseEmail(email)),
    agreed: options.agreeTos === true,
    directory: acmeDirectory === undefined
      ? undefined
      : read("--acme-directory", () => parseSecureUrl(acmeDirectory)),
    acmeListen: endpoints("--acme-listen", options.acmeListen),
    cert: path("--cert", options.cert),
    key: path("--key", options.key),
    roots: path("--ca", options.ca),
    user: user === false ? null : user,
    api: options.api === undefined ? undefined : oneOf("--api", options.api, API),
    unitFile: unit === false ? null : path("--unit", unit),
    waitDns: waitDns === undefined ? undefined : waitDns === true ? USUAL_WAIT_S : read(
      "--wait-dns",
      () => parseDuration(waitDns),
    ),
  };
}

export const USUAL_WAIT_S = 600;

const KINDS: readonly CertificateKind[] = ["acme", "files", "self-made"];
const API: readonly ApiChoice[] = ["none", "local", "public"];

/** Addresses with ports, with commas or spaces between them. Throws a RangeError. */
export function parseEndpoints(text: string): Endpoint[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  if (parts.length === 0) throw new RangeError('name at least one, as in "0.0.0.0:4930"');
  return parts.map(parseListen);
}

/** Throws a RangeError. What comes of it is the authority's to judge. */
export function parseEmail(text: string): string {
  const email = text.trim();
  if (/^[^\s@]+@[^\s@]+$/.test(email)) return email;
  throw new RangeError(
    `${JSON.stringify(email)} is no e-mail address; write one as in me@example.com`,
  );
}

/** What is wrong with an answer that `parse` reads; null: nothing. */
export function problemOf(parse: () => unknown): string | null {
  try {
    parse();
    return null;
  } catch (error) {
    const isExpected = [RangeError, UsageError, CommandError, ConfigError].some((kind) =>
      error instanceof kind
    );
    if (isExpected && error instanceof Error) return error.message;
    throw error;
  }
}

function certificateKind(options: InitOptions): CertificateKind | undefined {
  const { certificate, cert, key, email, agreeTos, acmeDirectory, acmeListen } = options;
  const named = certificate === undefined ? undefined : oneOf("--certificate", certificate, KINDS);
  const ofFiles = cert !== undefined || key !== undefined;
  const ofAcme = [email, agreeTos, acmeDirectory, acmeListen].some((flag) => flag !== undefined);
  if (ofFiles && (ofAcme || (named !== undefined && named !== "files"))) {
    throw new UsageError(
      "--cert and --key are for a certificate from files: leave the flags of the others out",
    );
  }
  if (ofFiles && (cert === undefined || key === undefined)) {
    throw new UsageError("--cert and --key belong together: give both");
  }
  if (ofAcme && named !== undefined && named !== "acme") {
    throw new UsageError(
      `--email, --agree-tos, --acme-directory and --acme-listen are for --certificate acme, not ${named}`,
    );
  }
  return named ?? (ofFiles ? "files" : ofAcme ? "acme" : undefined);
}

function oneOf<Value extends string>(
  flag: string,
  text: string,
  values: readonly Value[],
): Value {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UsageError(
    `${flag}: "${text}" is no choice here; write ${values.slice(0, -1).join(", ")} or ${
      values.at(-1)
    }`,
  );
}

function read<Value>(flag: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${flag}: ${error.message}`, { cause: error });
  }
}

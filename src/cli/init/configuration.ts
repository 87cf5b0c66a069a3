// The text of fmsg.yaml, from what was answered: a new file, or the changes to one that is there.

import { dirname, join, resolve } from "node:path";
import {
  type Acme,
  type Config,
  ConfigError,
  type Endpoint,
  parseConfig,
  type Tls,
} from "../../config.ts";
import { addressText } from "../../net/mod.ts";
import type { Answers, ApiChoice, CertificateChoice } from "./answers.ts";
import { edit, EditError, list, scalar, type Tree, valueIn } from "./edit.ts";

/**
 * The text of fmsg.yaml. Of an `existing` text only the keys change whose answer is another than it gives already; a
 * text that gives them all comes back as it is. Throws a ConfigError when the existing text is no configuration, or
 * cannot be changed with everything else kept.
 */
export function writeConfiguration(answers: Answers, existing: string | null): string {
  const isNew = existing === null || existing.trim() === "";
  const before = isNew ? null : parseConfig(existing, answers.configFile);
  const text = isNew || before === null ? newFile(answers) : changed(answers, before, existing);
  check(answers, before, text);
  return text;
}

function changed(answers: Answers, before: Config, existing: string): string {
  try {
    return edit(existing, changes(answers, before, existing));
  } catch (error) {
    if (error instanceof EditError) throw cannotChange(answers, null, error);
    throw error;
  }
}

/** Where the certificate of an authority of one's own is kept. All absolute. */
export interface SelfMadeFiles {
  /** The host's certificate and key: in the data directory, whose files belong to whoever runs the host. */
  readonly cert: string;
  readonly key: string;
  /** The authority's certificate, for everybody to read: beside fmsg.yaml. */
  readonly authority: string;
  /** The authority's private key, for whoever ran the wizard: the host must not be able to issue certificates. */
  readonly authorityKey: string;
}

/**
 * The user of a systemd unit does not exist before it runs, so its key goes where systemd hands over what is there:
 * into the data directory. The authority stays outside for the same reason.
 */
export function selfMadeFiles(answers: Pick<Answers, "configFile" | "dataDir">): SelfMadeFiles {
  const tls = join(resolve(answers.dataDir), "tls");
  const folder = dirname(resolve(answers.configFile));
  return {
    cert: join(tls, "fullchain.pem"),
    key: join(tls, "privkey.pem"),
    authority: join(folder, "ca.pem"),
    authorityKey: join(folder, "ca-key.pem"),
  };
}

/** What an existing fmsg.yaml says already. */
export interface ExistingAnswers extends Pick<Answers, "domain" | "dataDir" | "listen" | "api"> {
  /** Null: it names none. */
  readonly certificate: CertificateChoice | null;
  /** All of it. */
  readonly config: Config;
}

/** Throws a ConfigError when the text is no configuration. */
export function answersOf(text: string, configFile: string): ExistingAnswers {
  const config = parseConfig(text, configFile);
  return {
    domain: config.domain,
    dataDir: config.data_dir,
    listen: config.listen,
    certificate: certificateOf(config, configFile),
    api: apiOf(config),
    config,
  };
}

function certificateOf({ tls, data_dir }: Config, configFile: string): CertificateChoice | null {
  switch (tls?.kind) {
    case undefined:
      return null;
    case "acme":
      return { kind: "acme", email: tls.email, directory: tls.directory, listen: tls.listen };
    case "files": {
      const own = selfMadeFiles({ configFile, dataDir: data_dir });
      if (tls.cert === own.cert && tls.key === own.key) return { kind: "self-made" };
      return { kind: "files", cert: tls.cert, key: tls.key };
    }
  }
}

function apiOf({ api }: Config): ApiChoice {
  if (api === null) return "none";
  return api.tls ? "public" : "local";
}

function newFile(answers: Answers): string {
  const { domain, dataDir, listen } = answers;
  const parts = [
    `# The configuration of this fmsg host, begun by \`fmsg host init\`. What is not here has its default:
# \`fmsg help configuration\` and fmsg.example.yaml have every key, with a line of explanation.

# The domain of your addresses: the part behind the last @. Others find this host at fmsg.<domain>.
domain: ${scalar(domain)}

# Where messages, users and keys are kept.
data_dir: ${scalar(resolve(dataDir))}

# The addresses and ports to listen on. Messages leave from there too.
listen: ${endpoints(listen)}

# The certificate for fmsg.<domain>: a pair of files, or acme. Without either the host does not run.
tls:
${certificateLines(answers)}`,
    apiLines(answers),
  ];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

function certificateLines(answers: Answers): string {
  const { certificate } = answers;
  switch (certificate.kind) {
    case "acme": {
      const lines = ["  # The host gets it and renews it by itself.", "  acme:"];
      if (certificate.email !== null) {
        lines.push("    # Where the authority writes when something is wrong.");
        lines.push(`    email: ${scalar(certificate.email)}`);
      }
      lines.push(
        "    # The authority to ask.",
        `    directory: ${scalar(directoryOf(certificate))}`,
      );
      if (certificate.listen !== null) {
        lines.push("    # Where the authority's requests arrive, which it makes to port 80.");
        lines.push(`    listen: ${endpoints(certificate.listen)}`);
      }
      return [...lines, ...rootsLines(answers.roots, OTHERS)].join("\n");
    }
    case "files":
    case "self-made": {
      const { cert, key, ca } = pairOf(answers, certificate);
      const lines = [
        "  # The certificate with its chain, in PEM. Renewed files are noticed while the host runs.",
        `  cert: ${scalar(cert)}`,
        "  # The private key that belongs to it, in PEM.",
        `  key: ${scalar(key)}`,
      ];
      const whose = certificate.kind === "self-made" ? "the authority made here" : OTHERS;
      return [...lines, ...rootsLines(ca, whose)].join("\n");
    }
  }
}

const OTHERS = "of a private network or authority";

function rootsLines(file: string | null, whose: string): string[] {
  if (file === null) return [];
  const comment = `  # A file of roots to trust besides the system's, in PEM: ${whose}.`;
  return [comment, `  ca: ${scalar(file)}`];
}

function apiLines(answers: Answers): string {
  switch (answers.api) {
    case "none":
      return "";
    case "local":
      return `# The interface for clients (HTTP and WebSocket).
api:
  # Where it listens; without tls in clear text, for a web server on this machine that has it.
  listen: ${scalar(apiListen(answers))}
  # Its address as clients see it.
  public_url: ${publicUrl(answers.domain)}
  # Ranges of reverse proxies whose X-Forwarded-For is believed.
  trusted_proxies: ${list(LOOPBACK)}`;
    case "public":
      return `# The interface for clients (HTTP and WebSocket).
api:
  # Where it listens.
  listen: ${scalar(apiListen(answers))}
  # Its address as clients see it.
  public_url: ${publicUrl(answers.domain)}
  # true: serves TLS itself, with the host's certificate.
  tls: true`;
  }
}

/** The keys whose answer is another than before; null takes a key out. */
function changes(answers: Answers, before: Config, existing: string): Tree {
  const { domain, dataDir, listen } = answers;
  const tree: Record<string, string | null | Tree> = {};
  if (domain !== before.domain) tree.domain = scalar(domain);
  if (resolve(dataDir) !== before.data_dir) tree.data_dir = scalar(resolve(dataDir));
  if (!samePlaces(listen, before.listen)) tree.listen = endpoints(listen);
  return {
    ...tree,
    tls: certificateChanges(answers, before, existing),
    api: apiChanges(answers, before, existing),
  };
}

function certificateChanges(answers: Answers, { tls }: Config, existing: string): Tree {
  const { certificate } = answers;
  const acme = tls?.kind === "acme" ? tls : null;
  const pair = tls?.kind === "files" ? tls : null;
  switch (certificate.kind) {
    case "acme": {
      const tree: Record<string, string | null> = {};
      if (certificate.email !== (acme?.email ?? null)) {
        tree.email = certificate.email === null ? null : scalar(certificate.email);
      }
      const directory = directoryOf(certificate);
      if (directory !== acme?.directory) tree.directory = scalar(directory);
      if (!samePlaces(certificate.listen ?? [], acme?.listen ?? [])) {
        tree.listen = certificate.listen === null ? null : endpoints(certificate.listen);
      }
      // With nothing left in it the section would count as not there.
      const removes = Object.values(tree).includes(null);
      if (removes && valueIn(existing, ["tls", "acme", "directory"]) === null) {
        tree.directory = scalar(directory);
      }
      const { roots } = answers;
      return {
        ...pair && { cert: null, key: null },
        acme: tree,
        ...roots !== null && roots !== tls?.ca && { ca: scalar(roots) },
      };
    }
    case "files":
    case "self-made": {
      const wanted = pairOf(answers, certificate, tls?.ca);
      return {
        ...acme && { acme: null },
        ...wanted.cert !== pair?.cert && { cert: scalar(wanted.cert) },
        ...wanted.key !== pair?.key && { key: scalar(wanted.key) },
        ...wanted.ca !== null && wanted.ca !== tls?.ca && { ca: scalar(wanted.ca) },
      };
    }
  }
}

function apiChanges(answers: Answers, before: Config, existing: string): Tree {
  // Without `listen` the section counts as not there, and its other keys wait in the file all the same.
  const [url, tls, proxies] = ["public_url", "tls", "trusted_proxies"]
    .map((key) => valueIn(existing, ["api", key]));
  const wanted = publicUrl(answers.domain);
  // One that was found out from the domain moves with it.
  const isOwn = url === publicUrl(before.domain);
  const urlChange = (isOwn || url === null) && url !== wanted ? { public_url: wanted } : {};
  if (apiOf(before) === answers.api) return url === null ? {} : urlChange;
  switch (answers.api) {
    case "none":
      return { listen: null };
    case "local":
      return {
        listen: scalar(apiListen(answers)),
        ...urlChange,
        ...tls !== null && { tls: "false" },
        ...proxies === null && { trusted_proxies: list(LOOPBACK) },
      };
    case "public":
      return { listen: scalar(apiListen(answers)), ...urlChange, tls: "true" };
  }
}

const LOOPBACK = ["127.0.0.0/8"];

function publicUrl(domain: string): string {
  return `https://fmsg.${domain}`;
}

/** On port 443 of an address that the host listens on; of a wildcard for both families, if there is one. */
function apiListen({ api, listen }: Answers): string {
  if (api === "local") return "127.0.0.1:8000";
  const ips = listen.map(({ ip }) => ip);
  return addressText({ ip: ips.find((ip) => ip === "::") ?? ips[0] ?? "0.0.0.0", port: 443 });
}

function pairOf(
  answers: Answers,
  certificate: CertificateChoice & { kind: "files" | "self-made" },
  rootsBefore?: string,
): { cert: string; key: string; ca: string | null } {
  const { roots } = answers;
  if (certificate.kind === "files") {
    return { cert: resolve(certificate.cert), key: resolve(certificate.key), ca: roots };
  }
  const { cert, key, authority } = selfMadeFiles(answers);
  // Roots that are there stay: they may be those of other hosts.
  return { cert, key, ca: roots ?? rootsBefore ?? authority };
}

function endpoints(places: readonly Endpoint[]): string {
  return list(places.map(addressText));
}

/** The order says nothing. */
function samePlaces(some: readonly Endpoint[], others: readonly Endpoint[]): boolean {
  const sorted = (places: readonly Endpoint[]) => places.map(addressText).toSorted().join();
  return sorted(some) === sorted(others);
}

/** The text says what was answered, and nothing else than before, or it is not given out. */
function check(answers: Answers, before: Config | null, text: string): void {
  let key: string | null;
  try {
    key = firstDifference(answers, before, parseConfig(text, answers.configFile));
  } catch (error) {
    // Of a new file it is an answer that is wrong, and this says which.
    if (before === null || !(error instanceof ConfigError)) throw error;
    throw cannotChange(answers, error.key, error);
  }
  if (key !== null) throw cannotChange(answers, key);
}

function cannotChange(answers: Answers, key: string | null, cause?: Error): ConfigError {
  return new ConfigError(
    { file: answers.configFile, key },
    "cannot be changed here without harm to the rest of the file; change it by hand, then run this again",
    { cause },
  );
}

function firstDifference(answers: Answers, before: Config | null, now: Config): string | null {
  if (now.domain !== answers.domain) return "domain";
  if (now.data_dir !== resolve(answers.dataDir)) return "data_dir";
  if (!samePlaces(now.listen, answers.listen)) return "listen";
  if (apiOf(now) !== answers.api) return "api";
  if (comparable(now.tls) !== comparable(wantedTls(answers, before))) return "tls";
  if (before === null) return null;
  const others = KEPT.find((key) => JSON.stringify(now[key]) !== JSON.stringify(before[key]));
  return others ?? null;
}

/** The keys that no question is about. */
const KEPT = [
  "dns",
  "challenge",
  "limits",
  "ban",
  "delivery",
  "quota",
  "retention",
  "metrics",
  "log",
  "shutdown_timeout",
] as const satisfies (keyof Config)[];

function wantedTls(answers: Answers, before: Config | null): Tls {
  const { certificate } = answers;
  const roots = answers.roots ?? before?.tls?.ca;
  const ca = roots === undefined ? {} : { ca: roots };
  switch (certificate.kind) {
    case "acme":
      return { ...certificate, directory: directoryOf(certificate), ...ca };
    case "files":
    case "self-made": {
      const { cert, key, ca: own } = pairOf(answers, certificate, before?.tls?.ca);
      return { kind: "files", cert, key, ...own === null ? ca : { ca: own } };
    }
  }
}

function comparable(tls: Config["tls"]): string {
  if (tls?.kind !== "acme") return JSON.stringify([tls?.cert, tls?.key, tls?.ca]);
  const listen = (tls.listen ?? []).map(addressText).toSorted();
  return JSON.stringify([tls.email, tls.directory, listen, tls.ca]);
}

/** As the configuration spells it. */
function directoryOf({ directory }: Acme): string {
  return URL.parse(directory)?.href ?? directory;
}

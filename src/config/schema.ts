// fmsg.yaml: its keys, their defaults in the words of the file, and what their values resolve to:
// durations to seconds, sizes to bytes, endpoints to an IP and a port. fmsg.example.yaml explains
// each key, in the same order.
import * as v from "valibot";
import type { KeyTree } from "./keys.ts";
import {
  byAddress,
  consistent,
  count,
  duration,
  flag,
  hosts,
  leaf,
  listOf,
  oneOf,
  parsePath,
  parseRate,
  parseText,
  quota,
  size,
} from "./leaf.ts";
import {
  type Endpoint,
  parseCidr,
  parseDomain,
  parseIp,
  parseListen,
  parseOrigin,
  parsePublicUrl,
  parseSecureUrl,
  parseServer,
} from "./network.ts";

/** Sizes on the wire are 32 bits wide. */
const MAX_MESSAGE = 2 ** 32 - 1;
/** Sums are integers of JavaScript and of SQLite alike. */
const MAX_SUM = Number.MAX_SAFE_INTEGER;

const TLS = v.object({
  cert: v.nullish(leaf(parsePath), null),
  key: v.nullish(leaf(parsePath), null),
  acme: v.nullish(
    v.object({
      email: v.nullish(leaf(parseText), null),
      directory: v.nullish(leaf(parseSecureUrl), "https://acme-v02.api.letsencrypt.org/directory"),
      listen: v.nullish(listOf(parseListen), null),
    }),
    null,
  ),
  ca: v.nullish(leaf(parsePath), null),
});

const DNS = v.object({
  servers: v.nullish(listOf(parseServer), []),
  hosts: v.nullish(hosts(), {}),
  dnssec: v.nullish(oneOf(["off", "opportunistic", "required"]), "opportunistic"),
  trusted: v.nullish(flag(), false),
});

const LIMITS = v.object({
  max_size: v.nullish(size(1, MAX_MESSAGE), "10MiB"),
  max_expanded_size: v.nullish(size(1, MAX_MESSAGE), null),
  max_message_age: v.nullish(duration("3650d"), "7d"),
  max_time_skew: v.nullish(duration("1d"), "20s"),
  max_connections: v.nullish(count(1, 1_000_000), 1024),
  max_connections_per_ip: v.nullish(count(1, 1_000_000), 32),
  accept_rate_per_ip: v.nullish(leaf(parseRate), null),
  message_rate_per_domain: v.nullish(leaf(parseRate), null),
  max_challenges_per_ip: v.nullish(count(1, 1_000_000), 32),
  header_timeout: v.nullish(duration("1h"), "10s"),
  idle_timeout: v.nullish(duration("1h"), "10s"),
  min_rate: v.nullish(size(1, 2 ** 30), 5000),
  min_free_disk: v.nullish(size(0, 2 ** 63), "256MiB"),
  disclose_users: v.nullish(flag(), true),
});

const BAN = v.object({
  points: v.nullish(count(1, 1_000_000), 100),
  within: v.nullish(duration("365d"), "10m"),
  for: v.nullish(duration("3650d"), "1h"),
  allow: v.nullish(listOf(parseCidr), ["127.0.0.0/8", "::1"]),
});

const DELIVERY = v.object({
  port: v.nullish(count(1, 65_535), 4930),
  source: v.nullish(leaf(parseIp), null),
  connect_timeout: v.nullish(duration("1h"), "10s"),
  // A timer of the runtime ends after 24 days at the latest, or at once.
  retry_initial: v.nullish(duration("7d"), "20s"),
  retry_max: v.nullish(duration("7d"), "1h"),
  window: v.nullish(duration("365d"), "5d"),
  max_concurrent: v.nullish(count(1, 10_000), 64),
});

const QUOTA = v.object({
  recv_messages: v.nullish(quota(count(0, MAX_SUM)), null),
  recv_bytes: v.nullish(quota(size(0, MAX_SUM)), null),
  recv_bytes_per_message: v.nullish(quota(size(0, MAX_SUM)), null),
  recv_bytes_per_day: v.nullish(quota(size(0, MAX_SUM)), null),
  recv_messages_per_day: v.nullish(quota(count(0, MAX_SUM)), null),
  send_bytes: v.nullish(quota(size(0, MAX_SUM)), null),
  send_bytes_per_message: v.nullish(quota(size(0, MAX_SUM)), null),
  send_bytes_per_day: v.nullish(quota(size(0, MAX_SUM)), null),
  send_messages_per_day: v.nullish(quota(count(0, MAX_SUM)), null),
});

const RETENTION = v.object({
  max_age: v.nullish(duration("36500d"), null),
  users: v.nullish(byAddress(duration("36500d")), {}),
});

const IDP = v.object({
  issuer: v.nullish(leaf(parseText), null),
  audience: v.nullish(leaf(parseText), null),
  jwks: v.nullish(leaf(parseSecureUrl), null),
  claim: v.nullish(leaf(parseText), "fmsg_address"),
});

const API = v.object({
  listen: v.nullish(leaf(parseListen), null),
  public_url: v.nullish(leaf(parsePublicUrl), null),
  tls: v.nullish(flag(), false),
  trusted_proxies: v.nullish(listOf(parseCidr), []),
  origins: v.nullish(listOf(parseOrigin), []),
  rate: v.nullish(leaf(parseRate), 200),
  uploads: v.nullish(count(1, 1000), 4),
  idp: v.nullish(v.pipe(IDP, consistent(idpComplaint)), {}),
});

const METRICS = v.object({ listen: v.nullish(leaf(parseListen), null) });

const LOG = v.object({ level: v.nullish(oneOf(["debug", "info", "warn", "error"]), "info") });

export const SCHEMA = v.object({
  domain: v.nullish(leaf(parseDomain), ""),
  data_dir: v.nullish(leaf(parsePath), "/var/lib/fmsg"),
  listen: v.nullish(
    v.pipe(
      listOf(parseListen),
      v.nonEmpty('is an empty list; name at least one address, as in "0.0.0.0:4930"'),
    ),
    ["0.0.0.0:4930", "[::]:4930"],
  ),
  tls: v.nullish(v.pipe(TLS, consistent(tlsComplaint), v.transform(toTls)), null),
  dns: v.nullish(DNS, {}),
  challenge: v.nullish(
    oneOf(["never", "always", "has_not_participated", "different_domain"]),
    "has_not_participated",
  ),
  limits: v.nullish(
    v.pipe(
      LIMITS,
      v.transform((l) => ({ ...l, max_expanded_size: l.max_expanded_size ?? l.max_size })),
    ),
    {},
  ),
  ban: v.nullish(BAN, {}),
  delivery: v.nullish(v.pipe(DELIVERY, consistent(deliveryComplaint)), {}),
  quota: v.nullish(QUOTA, {}),
  retention: v.nullish(RETENTION, {}),
  api: v.nullish(v.pipe(API, v.transform(toApi)), null),
  metrics: v.nullish(METRICS, {}),
  log: v.nullish(LOG, {}),
  shutdown_timeout: v.nullish(duration("1h"), "8s"),
});

/** Every key that the schema knows. */
export const KEYS: KeyTree = keysOf(SCHEMA) ?? {};

/** Where the host's certificate comes from. `ca`: extra roots, trusted besides the system's. */
export type Tls =
  | { kind: "files"; cert: string; key: string; ca?: string }
  | { kind: "acme" } & Acme & { ca?: string };

/** An authority that is asked by ACME (RFC 8555). */
export interface Acme {
  /** Where the authority writes when something is wrong. */
  readonly email: string | null;
  /** The URL of its directory. */
  readonly directory: string;
  /** Where its requests for HTTP-01 arrive; null: port 80 of the addresses that the host listens on. */
  readonly listen: readonly Endpoint[] | null;
}

type Complaint<S> = readonly [key: Extract<keyof S, string>, what: string] | null;
type TlsSection = v.InferOutput<typeof TLS>;
type IdpSection = v.InferOutput<typeof IDP>;
type ApiSection = v.InferOutput<typeof API>;
type DeliverySection = v.InferOutput<typeof DELIVERY>;

function tlsComplaint({ cert, key, acme, ca }: TlsSection): Complaint<TlsSection> {
  if (acme !== null) {
    if (cert === null && key === null) return null;
    return ["acme", "stands beside cert or key; keep the files or acme, not both"];
  }
  if (cert !== null && key === null) return ["cert", "has no key beside it; add tls.key"];
  if (key !== null && cert === null) return ["key", "has no certificate beside it; add tls.cert"];
  if (ca !== null && cert === null) {
    return ["ca", "is no certificate of this host; add tls.cert and tls.key, or tls.acme"];
  }
  return null;
}

/** FMSG-003: an audience only where the deployment requires one, but no issuer without keys. */
function idpComplaint({ issuer, jwks }: IdpSection): Complaint<IdpSection> {
  if (issuer !== null && jwks === null) return ["issuer", "has no keys; add api.idp.jwks"];
  if (jwks !== null && issuer === null) return ["jwks", "has no issuer; add api.idp.issuer"];
  return null;
}

function deliveryComplaint(section: DeliverySection): Complaint<DeliverySection> {
  const { retry_initial: initial, retry_max: max } = section;
  if (initial <= max) return null;
  return ["retry_initial", `${initial} s is more than retry_max, ${max} s; lower it or raise that`];
}

function toTls({ cert, key, acme, ca }: TlsSection): Tls | null {
  const roots = ca === null ? {} : { ca };
  if (acme !== null) return { kind: "acme", ...acme, ...roots };
  return cert === null || key === null ? null : { kind: "files", cert, key, ...roots };
}

function toApi(api: ApiSection): ApiSection & { listen: Endpoint } | null {
  const { listen } = api;
  return listen === null ? null : { ...api, listen };
}

/** The keys of a section, through what is wrapped around it; null for a leaf. */
function keysOf(schema: unknown): KeyTree | null {
  if (typeof schema !== "object" || schema === null) return null;
  if ("wrapped" in schema) return keysOf(schema.wrapped);
  if (!("entries" in schema) || typeof schema.entries !== "object") return null;
  const entries: [string, unknown][] = Object.entries(schema.entries ?? {});
  return Object.fromEntries(entries.map(([name, entry]) => [name, keysOf(entry)]));
}

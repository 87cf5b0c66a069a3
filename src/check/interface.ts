// The interface for clients, where there is one: that it answers, also under its public address, and not in clear text.

import { request } from "node:https";
import type { Config } from "../config.ts";
import { addressText, systemRoots } from "../net/mod.ts";
import { type Finding, findingsOn, wordsOf } from "./finding.ts";
import { readRoots } from "./own_certificate.ts";
import type { Running } from "./running.ts";
import { PROBE_MS, type Subject } from "./subject.ts";

const on = findingsOn("interface");

/** What answered a request without a token. */
export type Asked =
  | { readonly kind: "interface" }
  | { readonly kind: "other"; readonly status: number }
  | { readonly kind: "none"; readonly why: string };

export async function examineInterface(running: Running, subject: Subject): Promise<Finding[]> {
  const { config } = subject;
  if (config === null || config.api === null) return [];
  const findings = judgeClearText(config.api);
  if (running.kind !== "running") return findings;
  const { api } = running.status;
  const { public_url: url, listen } = config.api;
  if (
    api === null ||
    (listen.port !== 0 && api.address !== null && api.address !== addressText(listen))
  ) {
    return [...findings, changed()];
  }
  if (api.address === null) return [...findings, waits()];
  const place = callable(api.address);
  const [here, there, page] = await Promise.all([
    api.tls ? askWithTls(place, subject) : ask(`http://${place}/fmsg`, config, subject),
    url === null ? null : ask(`${url}/fmsg`, config, subject),
    url === null ? null : ask(`${new URL(url).origin}/session`, config, subject),
  ]);
  return [
    ...findings,
    judgeHere(api.address, here),
    ...url === null || there === null ? [] : [judgePublic(url, there)],
    ...url === null || page === null || there?.kind !== "interface" ? [] : [judgePage(url, page)],
  ];
}

/** FMSG-003 "Transport": production deployments use HTTPS, by themselves or through a proxy. */
export function judgeClearText({ listen, tls, public_url }: NonNullable<Config["api"]>): Finding[] {
  const findings: Finding[] = [];
  if (!tls && !/^(?:127\.|::1$)/.test(listen.ip)) {
    findings.push(on.warning(
      "api-clear-text",
      `The interface listens on ${
        addressText(listen)
      } without TLS: tokens and messages cross the network in clear text`,
      "set api.tls to true; or listen on 127.0.0.1, behind a web server that has TLS",
    ));
  }
  if (public_url?.startsWith("http:")) {
    findings.push(on.warning(
      "api-clear-text",
      `api.public_url is ${public_url}: clients are told to send their tokens in clear text`,
      "write it with https, and see that it is served so",
    ));
  }
  return findings;
}

export function judgeHere(address: string, asked: Asked): Finding {
  const id = "api-answers";
  switch (asked.kind) {
    case "interface":
      return on.ok(id, `The interface for clients answers on ${address}`);
    case "other":
      return on.fail(
        id,
        `On ${address} something else answers than the interface (status ${asked.status})`,
        "see which program it is: ss -tlnp",
      );
    case "none":
      return on.fail(
        id,
        `The interface does not answer on ${address}: ${asked.why}`,
        "restart the host: systemctl restart fmsg",
      );
  }
}

export function judgePublic(url: string, asked: Asked): Finding {
  const id = "api-public-url";
  switch (asked.kind) {
    case "interface":
      return on.ok(id, `The interface answers as ${url}, called from this machine`);
    case "other":
      return on.warning(
        id,
        `As ${url} something else answers than the interface (status ${asked.status})`,
        "see that the web server passes /fmsg on to the address of api.listen, or correct api.public_url",
      );
    case "none":
      return on.warning(
        id,
        `As ${url} nothing answers: ${asked.why}`,
        "see to its record in DNS, the web server and its certificate, and the firewall; some routers do not let a machine call its own outer address",
      );
  }
}

/** `asked`: what answered where browsers sign in, which is beside the routes of apps. */
export function judgePage(url: string, asked: Asked): Finding {
  const id = "api-page";
  const { origin } = new URL(url);
  if (asked.kind === "interface") return on.ok(id, `Browsers find the inbox at ${origin}/`);
  const found = asked.kind === "none" ? asked.why : `status ${asked.status}`;
  return on.warning(
    id,
    `Apps find the interface at ${url}, but browsers no inbox at ${origin}/ (${found})`,
    "have the web server pass on all paths, not /fmsg alone, and api.public_url end with the name: the inbox has no path before it",
  );
}

function changed(): Finding {
  return on.warning(
    "api-answers",
    "fmsg.yaml has changed since the host started, which has no interface there",
    "restart the host: systemctl restart fmsg",
  );
}

function waits(): Finding {
  return on.warning(
    "api-answers",
    "The interface waits for the host's certificate",
    "see to the certificate, and run the check again",
  );
}

/** The interface refuses who brings no token, in JSON. */
async function ask(url: string, config: Config, { signal }: Subject): Promise<Asked> {
  const { pem } = readRoots(config);
  using client = Deno.createHttpClient({
    caCerts: [systemRoots(), pem].filter((pem) => pem !== null),
  });
  try {
    const response = await fetch(url, {
      client,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]),
    });
    await response.body?.cancel();
    return answered(response.status, response.headers.get("content-type"));
  } catch (error) {
    return { kind: "none", why: rootOf(error) };
  }
}

/**
 * The same by the host's name on this machine, wherever that leads. What is wrong with the certificate is found
 * elsewhere, and nothing secret is sent.
 */
async function askWithTls(place: string, { name, signal }: Subject): Promise<Asked> {
  const { hostname, port } = new URL(`https://${place}`);
  const { promise, resolve } = Promise.withResolvers<Asked>();
  const asking = request({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? 443 : Number(port),
    path: "/fmsg",
    servername: name,
    headers: { host: name },
    rejectUnauthorized: false,
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]),
  }, (response) => {
    resolve(answered(response.statusCode ?? 0, response.headers["content-type"] ?? null));
    response.destroy();
  });
  asking.on("error", (error) => resolve({ kind: "none", why: rootOf(error) }));
  asking.end();
  return await promise;
}

function answered(status: number, type: string | null): Asked {
  const isInterface = status === 401 && type === "application/json";
  return isInterface ? { kind: "interface" } : { kind: "other", status };
}

/** The runtime's own words repeat the address before they come to the point. */
function rootOf(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return wordsOf(cause).replace(
    /^error sending request for url \(\S+\): (?:client error \(\w+\): )?/,
    "",
  );
}

/** What listens everywhere is called on this machine. */
function callable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}

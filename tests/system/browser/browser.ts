// Chromium, driven as a person would use it, with hosts of a test's world under their own names and trusted certificates.

import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import type {
  Browser as Chromium,
  BrowserContext,
  BrowserContextOptions,
  Page,
} from "playwright-core";
import { texts } from "../../../src/web/texts.ts";
import type { HostProcess } from "../../support/host_process.ts";

export const CHROMIUM = "/usr/bin/chromium";

/** Besides what playwright-core gives it: nothing that it does by itself, and no proxy of the machine. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-proxy-server",
];

const LAUNCH_MS = 60_000;

/** Milliseconds for what a page is waited for; machines are slow at times. */
const PAGE_MS = 20_000;

/** What is to be known of a host: also of one that no test started. */
export type Reachable = Pick<HostProcess, "domain" | "ip" | "folder">;

export class Browser implements AsyncDisposable {
  readonly #chromium: Chromium;

  private constructor(chromium: Chromium) {
    this.#chromium = chromium;
  }

  /** Knows these hosts, and trusts the certificates that they show now. */
  static async open(hosts: readonly Reachable[]): Promise<Browser> {
    const { chromium } = await import("playwright-core");
    const keys = await Promise.all(hosts.map(keyHash));
    const rules = hosts.map(({ domain, ip }) => `MAP fmsg.${domain} ${ip}`);
    return new Browser(
      await chromium.launch({
        executablePath: CHROMIUM,
        timeout: LAUNCH_MS,
        args: [
          ...FLAGS,
          `--host-resolver-rules=${[...rules, "MAP * ~NOTFOUND"].join(",")}`,
          // By their keys alone: with every error ignored there would be no service worker.
          `--ignore-certificate-errors-spki-list=${keys.join(",")}`,
        ],
      }),
    );
  }

  /** A window of somebody who was never here. */
  async visitor(options: BrowserContextOptions = {}): Promise<Visitor> {
    return await Visitor.make(await this.#chromium.newContext(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chromium.close();
  }
}

/** One browser's window with its cookies and what it keeps, and everything that went wrong in it. */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors of scripts, of the console (what the policy forbids is among them), and requests without an answer. */
  readonly faults: string[] = [];
  /** What was asked of anything but the host that the page came from, or refused before it was asked. */
  readonly elsewhere: string[] = [];
  /** Bytes of the page itself that came over the network, headers and all; not what the interface answered. */
  received = 0;

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
  }

  static async make(context: BrowserContext): Promise<Visitor> {
    context.setDefaultTimeout(PAGE_MS);
    const visitor = new Visitor(context, await context.newPage());
    await visitor.#listen();
    return visitor;
  }

  /** Goes there as whoever opens a bookmark; what was received and moved counts from here. */
  async open(url: string): Promise<void> {
    this.received = 0;
    await this.page.goto(url);
  }

  /** Waits until it is signed in, and events come. */
  async isLive(): Promise<void> {
    await this.page.getByRole("navigation").waitFor();
    for (const state of [texts.connection.connecting, texts.page.offline]) {
      await this.page.getByText(state, { exact: true }).waitFor({ state: "hidden" });
    }
  }

  /** To another place of the page, without loading it anew, as the browser's own back and forward do. */
  async turnTo(path: string): Promise<void> {
    await this.page.evaluate(
      `history.pushState(null, "", ${
        JSON.stringify(path)
      }); dispatchEvent(new PopStateEvent("popstate"))`,
    );
  }

  /** How much of the page has moved by itself since it was loaded (the "cumulative layout shift"; 0: nothing), and what. */
  async moved(): Promise<{ part: number; what: string }> {
    const [part, what] = await this.page.evaluate(
      "[moved.part, moved.what.join('; ')]",
    ) as unknown[];
    return { part: Number(part), what: String(what) };
  }

  async #listen(): Promise<void> {
    const { context, page, faults } = this;
    await context.addInitScript(COUNT_MOVES);
    context.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      const own = URL.parse(page.url())?.host;
      if (protocol === "blob:" || host === own || page.url() === "about:blank") return;
      this.elsewhere.push(request.url());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("crash", () => faults.push("the page crashed"));
    page.on("console", (message) => {
      const { url } = message.location();
      if (!/^(error|warning)$/.test(message.type()) || isRefusal(message.text(), url)) return;
      faults.push(`${message.type()}: ${message.text()} (${url})`);
    });
    const network = await context.newCDPSession(page);
    const ofInterface = new Set<string>();
    network.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (isOfInterface(request.url)) ofInterface.add(requestId);
    });
    network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (!ofInterface.delete(requestId)) this.received += encodedDataLength;
    });
    await network.send("Network.enable");
  }
}

const COUNT_MOVES = `globalThis.moved = { part: 0, what: [] };
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    moved.part += value;
    for (const { node, previousRect: { y }, currentRect } of sources) {
      const { className, nodeName } = node?.nodeType === 3 ? node.parentElement : node ?? {};
      moved.what.push(nodeName + "." + className + " from " + y + " to " + currentRect.y);
    }
  }
}).observe({ type: "layout-shift", buffered: true });`;

/** Chromium calls every answer from 400 on an error; from the interface it is an answer like others. */
function isRefusal(text: string, url: string): boolean {
  return /^Failed to load resource: the server responded with a status of 4\d\d/.test(text) &&
    isOfInterface(url);
}

function isOfInterface(url: string): boolean {
  return /^\/(?:session|fmsg)(?:\/|$)/.test(URL.parse(url)?.pathname ?? "");
}

/** As Chromium names keys: SHA-256 of the certificate's SubjectPublicKeyInfo. */
async function keyHash({ folder }: Reachable): Promise<string> {
  const certificate = new X509Certificate(await Deno.readTextFile(join(folder, "cert.pem")));
  const key = new Uint8Array(certificate.publicKey.export({ type: "spki", format: "der" }));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", key)).toBase64();
}

/** Where a host with `api: interfaceOf(…)` is in the browser. */
export function originOf(host: HostProcess): string {
  return `https://fmsg.${host.domain}:${host.apiAddress.split(":").at(-1)}`;
}

/** Of a link as commands print it. */
export function tokenIn(printed: unknown): string {
  const token = /#sign-in=([\w-]+)/.exec(JSON.stringify(printed))?.[1];
  if (token === undefined) throw new Error(`${JSON.stringify(printed)} has no link`);
  return token;
}

// The certificate that the host shows: read at the start, again when its files change, and got and renewed by the host
// itself where the configuration says so (row T5). Whatever fails, the host goes on with the one that it has.

import { existsSync } from "node:fs";
import {
  type AcmeSettings,
  certificateFile,
  CertificateKeeper,
  challengeEndpoints,
  type KeeperState,
  stepText,
} from "../certificate/acme/mod.ts";
import {
  CertificateError,
  type CertificateFiles,
  fingerprint,
  loadCertificate,
  type LoadedCertificate,
} from "../certificate/load.ts";
import type { Config } from "../config.ts";
import type { Log } from "./log.ts";
import { readRoots, serverName } from "./settings.ts";

/** How often the files are looked at, in milliseconds. */
const CHECK_MS = 5000;

/** The configuration lacks what a running host needs; the message says what. */
export class NotConfigured extends Error {
  override readonly name = "NotConfigured";
}

export interface CertificateView {
  /** null while there is none. */
  readonly expires: Date | null;
  /** What is wrong with it, or with the one that should take its place. */
  readonly warnings: readonly string[];
  /** What is done about the next one; null where the host does not get it itself. */
  readonly acme: KeeperState | null;
}

export class OwnCertificate implements AsyncDisposable {
  readonly #config: () => Config;
  readonly #log: Log;
  #current: Read;
  /** Of the files as they are now, so that it is told once. */
  #problem: string | null = null;
  #changed: (certificate: LoadedCertificate) => void = () => {};
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #keeper: CertificateKeeper;

  /** Throws a NotConfigured, or a CertificateError where the certificate is not the host's to get. */
  constructor(config: () => Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#current = this.#readFirst();
    this.#keeper = new CertificateKeeper({
      settings: () => acmeSettings(config()),
      renewed: () => this.#check(),
      failed: (error, nextAttempt) =>
        log.error("there is no new certificate", {
          error: error.message,
          next_attempt: nextAttempt.toISOString(),
        }),
      progress: (step) => log.debug(stepText(step)),
    });
  }

  /** null: the host is getting its first one. */
  get loaded(): LoadedCertificate | null {
    return this.#current.loaded;
  }

  get view(): CertificateView {
    const loaded = this.#current.loaded;
    const problem = this.#problem === null ? [] : [this.#problem];
    return {
      expires: loaded?.expires ?? null,
      warnings: [...loaded?.warnings ?? [], ...problem],
      acme: this.#config().tls?.kind === "acme" ? this.#keeper.state : null,
    };
  }

  /** Watches the files, and gets and renews what is the host's to get. `changed` is told of each certificate from now on. */
  start(changed: (certificate: LoadedCertificate) => void): void {
    this.#changed = changed;
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
    this.#keeper.start();
  }

  /** What `config` names, to be taken by `take`. Throws as the constructor does. */
  read(config: Config): Read {
    try {
      return read(config);
    } catch (error) {
      // The one that there is holds until the first of the authority's is there.
      if (!(error instanceof CertificateError) || !isAcme(config)) throw error;
      return { loaded: this.#current.loaded, seen: fingerprint(files(config)) };
    }
  }

  /** Takes over what `read` gave, once the configuration is the one that it was read for. */
  take(next: Read): void {
    this.#current = next;
    this.#problem = null;
    if (next.loaded !== null) this.#changed(next.loaded);
    // Whoever has just mended something does not want to wait for the pause after the failure.
    this.#keeper.retryNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#keeper[Symbol.asyncDispose]();
  }

  #readFirst(): Read {
    const config = this.#config();
    try {
      return read(config);
    } catch (error) {
      if (!(error instanceof CertificateError) || !isAcme(config)) throw error;
      const named = files(config);
      if (existsSync(named.cert)) {
        this.#log.error("the certificate cannot be used, the host gets another", {
          error: error.message,
        });
      }
      return { loaded: null, seen: fingerprint(named) };
    }
  }

  /** A renewed certificate is picked up by itself; what cannot be used leaves the old one in place. */
  #check(): void {
    const config = this.#config();
    try {
      if (fingerprint(files(config)) === this.#current.seen) return;
      const next = read(config);
      this.#current = next;
      this.#problem = null;
      this.#changed(next.loaded);
      this.#log.info("certificate renewed", { expires: next.loaded.expires.toISOString() });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem === this.#problem) return;
      this.#problem = problem;
      this.#log.error("the certificate could not be renewed, the old one is kept", {
        error: problem,
      });
    }
  }
}

interface Read {
  readonly loaded: LoadedCertificate | null;
  /** The fingerprint of the files before they were read. */
  readonly seen: string;
}

/** Files that change while they are read have another fingerprint afterwards, and are read again. */
function read(config: Config): Read & { readonly loaded: LoadedCertificate } {
  const named = files(config);
  const seen = fingerprint(named);
  return { loaded: loadCertificate(named, serverName(config)), seen };
}

function files({ tls, data_dir }: Config): CertificateFiles {
  switch (tls?.kind) {
    case undefined:
      throw new NotConfigured(
        'There is no certificate: set tls.acme, or tls.cert and tls.key, in fmsg.yaml, or let "fmsg host init" do it',
      );
    case "files":
      return tls;
    case "acme":
      return { cert: certificateFile(data_dir), key: certificateFile(data_dir) };
  }
}

function isAcme({ tls }: Config): boolean {
  return tls?.kind === "acme";
}

function acmeSettings(config: Config): AcmeSettings | null {
  const { tls } = config;
  if (tls?.kind !== "acme") return null;
  return {
    directory: tls.directory,
    email: tls.email,
    name: serverName(config),
    listen: challengeEndpoints(tls, config.listen),
    dataDir: config.data_dir,
    extraRoots: readRoots(config),
  };
}

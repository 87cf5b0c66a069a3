// The certificate that the host shows: loaded at start, and again when its files change (row T5).

import {
  type CertificateFiles,
  fingerprint,
  loadCertificate,
  type LoadedCertificate,
} from "../certificate/load.ts";
import type { Config } from "../config.ts";
import { serverName } from "./settings.ts";

/** The configuration lacks what a running host needs; the message says what. */
export class NotConfigured extends Error {
  override readonly name = "NotConfigured";
}

export class OwnCertificate {
  #loaded: LoadedCertificate;
  #fingerprint: string;

  /** Throws a NotConfigured or a CertificateError. */
  constructor(config: Config) {
    [this.#loaded, this.#fingerprint] = read(config);
  }

  get loaded(): LoadedCertificate {
    return this.#loaded;
  }

  /** Have the files changed since they were read? */
  isOutdated(config: Config): boolean {
    return fingerprint(files(config)) !== this.#fingerprint;
  }

  /** Reads the files anew. Throws as the constructor does, and keeps what there was. */
  reload(config: Config): LoadedCertificate {
    [this.#loaded, this.#fingerprint] = read(config);
    return this.#loaded;
  }
}

/** Files that change while they are read have another fingerprint afterwards, and are read again. */
function read(config: Config): [LoadedCertificate, string] {
  const named = files(config);
  const before = fingerprint(named);
  return [loadCertificate(named, serverName(config)), before];
}

function files({ tls }: Config): CertificateFiles {
  if (tls === null) {
    throw new NotConfigured(
      'There is no certificate: set tls.cert and tls.key in fmsg.yaml, or let "fmsg host init" make the configuration',
    );
  }
  if (tls.kind === "acme") {
    throw new NotConfigured(
      "tls.acme has no effect yet: set tls.cert and tls.key to a pair of files",
    );
  }
  return tls;
}

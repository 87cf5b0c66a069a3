// Why there is no certificate.

/**
 * - `dns`: the authority cannot find the name, or not this machine under it
 * - `connection`: the authority cannot reach port 80
 * - `unauthorized`: something else answers there, or the account may not do this
 * - `caa`: a CAA record of the domain forbids it
 * - `rate limited`: the authority wants no more requests for a while
 * - `name refused`: the authority gives no certificates for this name
 * - `account`: the authority wants something of the account that is not there: an address, another agreement
 * - `port`: this machine cannot listen where the authority's requests arrive
 * - `unreachable`: the authority cannot be reached, does not answer in time, or has a fault of its own
 * - `not trusted`: the authority's own TLS certificate is not trusted
 * - `not understood`: what answers is no ACME server, does not keep to RFC 8555, or does not take what it is sent
 * - `bad certificate`: the authority gave a certificate that cannot be used
 * - `clock`: the certificate that the authority gave is not valid yet by this machine's clock
 * - `state`: what is kept in the data directory cannot be read or written
 * - `busy`: another process is getting a certificate for the same data directory
 * - `too often`: this host asked so often lately that it asks no more for a while, see `retryAfter`
 * - `unexpected`: a fault of this program
 */
export type AcmeFailure =
  | "dns"
  | "connection"
  | "unauthorized"
  | "caa"
  | "rate limited"
  | "name refused"
  | "account"
  | "port"
  | "unreachable"
  | "not trusted"
  | "not understood"
  | "bad certificate"
  | "clock"
  | "state"
  | "busy"
  | "too often"
  | "unexpected";

/** There is no certificate; the message is one line with what was seen and what to do. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  readonly failure: AcmeFailure;
  /** Before this the next try is in vain; null when nobody said. */
  readonly retryAfter: Date | null;

  /** What the authority calls it (RFC 8555 6.7), as in `rateLimited`; null when it did not say. */
  readonly problem: string | null;

  constructor(failure: AcmeFailure, message: string, options: AcmeErrorOptions = {}) {
    super(message, options);
    this.failure = failure;
    this.retryAfter = options.retryAfter ?? null;
    this.problem = options.problem ?? null;
  }
}

interface AcmeErrorOptions extends ErrorOptions {
  readonly retryAfter?: Date | null;
  readonly problem?: string | null;
}

// A certificate by ACME (RFC 8555) for fmsg.<domain>: obtained once, or kept valid while a host runs.
// What has to be loaded for it is loaded when the first certificate is asked for.

export { AcmeError, type AcmeFailure } from "./error.ts";
export { CertificateKeeper, type KeeperOptions, type KeeperState } from "./keeper.ts";
export { obtainCertificate, type Obtained, type ObtainOptions } from "./obtain.ts";
export {
  type AcmeSettings,
  certificateFile,
  challengeEndpoints,
  LETS_ENCRYPT,
} from "./settings.ts";
export { type AcmeStep, stepText } from "./step.ts";
export { type Terms, termsOf } from "./terms.ts";

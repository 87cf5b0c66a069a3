// The network: TLS connections in and out, addresses, and DNS. Nothing else in the program knows of sockets,
// but the HTTP server of the interface.

export { SocketConnection } from "./connection.ts";
export { DialError, Dialler } from "./dialler.ts";
export * from "./dns/mod.ts";
export {
  addressText,
  canonicalIp,
  type Endpoint,
  inRanges,
  isIPv6,
  sourceKey,
  sourceText,
} from "./ip.ts";
export {
  type Certificate,
  checkCertificate,
  Listener,
  type ListenerLimits,
  type OpenConnection,
  type RefusedReason,
} from "./listener.ts";
export {
  addressSeenOutside,
  type IpVersion,
  isPublic,
  localAddress,
  type Machine,
  type Mirror,
  THIS_MACHINE,
} from "./leaving.ts";
export { httpsContext, type HttpsPost, httpsPost, type PostAnswer } from "./https_post.ts";
export { hears } from "./hearing.ts";
export { cannotListen } from "./listen_error.ts";
export { systemRoots } from "./roots.ts";
export {
  type HandshakeFailure,
  type Probe,
  probe,
  ProbeRoots,
  type Shown,
  shownOf,
} from "./probe.ts";
export { rehearse } from "./rehearsal.ts";
export { chooseSource, listensEverywhere, localAddresses, type Source } from "./source.ts";
export { askTime } from "./time.ts";

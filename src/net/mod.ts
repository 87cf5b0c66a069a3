// The network: TLS connections in and out, addresses, and DNS. Nothing else in the program knows of sockets.

export { SocketConnection } from "./connection.ts";
export { DialError, Dialler } from "./dialler.ts";
export * from "./dns/mod.ts";
export { canonicalIp, inRanges, sourceKey, sourceText } from "./ip.ts";
export {
  type Certificate,
  checkCertificate,
  type Endpoint,
  Listener,
  type ListenerLimits,
  type OpenConnection,
  type RefusedReason,
} from "./listener.ts";
export { chooseSource, listensEverywhere } from "./source.ts";

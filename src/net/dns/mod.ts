// The addresses of hosts, by DNS: the front door of this folder.
export {
  type Authorisation,
  createResolver,
  type Resolver,
  type ResolverOptions,
} from "./resolver.ts";
export type { Resolution } from "./lookup.ts";
export type { Dnssec } from "./dnssec.ts";
export { type Look, lookAt } from "./look.ts";
export type { Family } from "./message.ts";
export { askRecords } from "./records.ts";
export { defaultServers, type Server, systemServers } from "./servers.ts";
export { canonicalAddress, canonicalName, isLoopback } from "./name.ts";
export { type NameServer, nameServersOf } from "./zone.ts";

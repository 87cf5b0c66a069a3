// The addresses of hosts, by DNS: the front door of this folder.
export {
  type Authorisation,
  createResolver,
  type Resolver,
  type ResolverOptions,
} from "./resolver.ts";
export type { Resolution } from "./lookup.ts";
export type { Dnssec } from "./dnssec.ts";
export { type Server, systemServers } from "./servers.ts";
export { canonicalAddress } from "./name.ts";

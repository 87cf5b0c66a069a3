// A running host, and the way to its store from outside.

export { connectToHost, HostConnection } from "./control_client.ts";
export type { Exchange } from "./exchange.ts";
export { Host } from "./host.ts";
export { MAX_FRAME } from "./frames.ts";
export { harmless, type Level, Log, writeToStderr } from "./log.ts";
export type { Ban } from "./offenders.ts";
export { NotConfigured } from "./own_certificate.ts";
export { writerSettings } from "./settings.ts";
export type { Status } from "./status.ts";

// A running host, and the way to its store from outside.

export { connectToHost, HostConnection } from "./control_client.ts";
export type { Exchange } from "./exchange.ts";
export { Host, type Interface } from "./host.ts";
export type { Counter } from "./counters.ts";
export { MAX_FRAME } from "./frames.ts";
export { harmless, type Level, Log, writeToStderr } from "./log.ts";
export type { Ban } from "./offenders.ts";
export { NotConfigured } from "./own_certificate.ts";
export { readRoots, writerSettings } from "./settings.ts";
export { Rates } from "./rate.ts";
export type { Statistics } from "./statistics.ts";
export type { InterfaceView, Status } from "./status.ts";

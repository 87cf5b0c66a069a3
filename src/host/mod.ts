// A running host, and the way to its store from outside.

export { connectToHost } from "./control.ts";
export type { Exchange } from "./exchange.ts";
export { Host, NotConfigured, writerSettings } from "./host.ts";
export { type Level, Log, writeToStderr } from "./log.ts";

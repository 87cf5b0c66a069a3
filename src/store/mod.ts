// The store: one SQLite file, one writer, and readers. Nothing of SQL leaves this folder.

export { own, StoreError, storeFile } from "./database.ts";
export { StoreFailure, StoreWriter, type WriterBackend } from "./gather.ts";
export { DirectoryLock, lockOwner } from "./lock.ts";
export * from "./mailbox.ts";
export * from "./operations.ts";
export * from "./reader.ts";
export { ContentStaging } from "./staging.ts";
export * from "./views.ts";
export { type ConfigurableBackend, openWriterHere, openWriterThread } from "./thread.ts";

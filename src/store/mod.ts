// The store: one SQLite file, one writer, and readers. Nothing of SQL leaves this folder.

export * from "./access.ts";
export * from "./access_operations.ts";
export * from "./backup.ts";
export type { ClientHeader, ClientHeaders } from "./client_header.ts";
export * from "./client_views.ts";
export { own, StoreError, storeFile } from "./database.ts";
export type { Finding } from "./findings.ts";
export { StoreFailure, StoreWriter, type WriterBackend } from "./gather.ts";
export { IdentityMailbox } from "./identity_mailbox.ts";
export { derivedAddress, isAgentName } from "./grants.ts";
export { DirectoryLock, lockOwner } from "./lock.ts";
export * from "./mailbox.ts";
export * from "./operations.ts";
export type { Overview, QuotaUse, WaitingDomain } from "./overview.ts";
export * from "./reader.ts";
export * from "./push_operations.ts";
export * from "./session_operations.ts";
export { freeSpace, hasRoom } from "./reserve.ts";
export { QueryError, Search, SearchBusy, type SearchHit, SearchThread } from "./search/mod.ts";
export type { SigningJwk, SigningKey } from "./signing_keys.ts";
export { ContentStaging } from "./staging.ts";
export type { Upgrade } from "./upgrade.ts";
export * from "./views.ts";
export { type ConfigurableBackend, openWriterHere, openWriterThread } from "./thread.ts";
export { type AuditProgress, type AuditReport, verifyStore } from "./verify.ts";
export { PartGone } from "./stored_part.ts";

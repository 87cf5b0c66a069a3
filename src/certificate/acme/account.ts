// The account with the authority: made once, found again, kept (RFC 8555 7.3).

import { AcmeError } from "./error.ts";
import { ACCOUNT } from "./objects.ts";
import { externalAccount } from "./problem.ts";
import type { Session, Signer } from "./session.ts";
import type { AcmeSettings } from "./settings.ts";
import type { AccountKey } from "./signing.ts";
import type { SavedAccount, StateFolder } from "./state.ts";

/** An account that the authority knows. */
export interface Account extends Signer {
  readonly kid: string;
  /** Was it made just now? */
  readonly created: boolean;
}

interface AccountParts {
  readonly session: Session;
  readonly state: StateFolder;
  readonly settings: AcmeSettings;
}

/** The account of the settings, with their address. Throws as all requests do. */
export async function openAccount(parts: AccountParts, signal: AbortSignal): Promise<Account> {
  const { session, state, settings } = parts;
  if (session.directory.meta.externalAccountRequired) {
    throw new AcmeError("account", externalAccount(session.authority), {
      problem: "externalAccountRequired",
    });
  }
  const saved = state.account(settings.directory);
  const key = saved === null ? null : await loadKey(saved);
  if (saved === null || key === null) return await makeAccount(parts, signal);
  if (saved.url === null) return await register(parts, saved, key, signal);
  const account = { key, kid: saved.url, created: false };
  try {
    await updateContact(parts, saved, account, signal);
    return account;
  } catch (error) {
    return await replaceAccount(parts, account, error, signal);
  }
}

/**
 * Another account for one that the authority does not take any more, as `error` says: with the same key when it does
 * not know the account, with a new one when it is deactivated. Throws `error` when that is about something else.
 */
export async function replaceAccount(
  parts: AccountParts,
  account: Account,
  error: unknown,
  signal: AbortSignal,
): Promise<Account> {
  const problem = error instanceof AcmeError ? error.problem : null;
  const saved = parts.state.account(parts.settings.directory);
  if (problem === "accountDoesNotExist" && saved !== null) {
    const key = await loadKey(saved);
    if (key !== null) return await register(parts, saved, key, signal);
  }
  // Accounts are not made for each refusal: authorities allow a few in hours.
  if (problem === "unauthorized" && !await isTaken(parts, account, signal)) {
    return await makeAccount(parts, signal);
  }
  throw error;
}

/** Does the authority take it, whatever else it refused? One that is deactivated is refused everywhere (RFC 8555 7.3.6). */
async function isTaken(
  { session }: AccountParts,
  account: Account,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { value } = await session.postFor(ACCOUNT, "account", account.kid, null, account, signal);
    return value.status === "valid";
  } catch (error) {
    if (error instanceof AcmeError && error.problem === "unauthorized") return false;
    throw error;
  }
}

/** The key is kept before the authority sees it: whatever happens then, the next try finds the same account. */
async function makeAccount(parts: AccountParts, signal: AbortSignal): Promise<Account> {
  const { AccountKey } = await import("./signing.ts");
  const saved = { key: await AccountKey.generate(), url: null, email: null };
  parts.state.saveAccount(parts.settings.directory, saved);
  return await register(parts, saved, await AccountKey.load(saved.key), signal);
}

/** Makes the account of a key, or finds it. */
async function register(
  parts: AccountParts,
  saved: SavedAccount,
  key: AccountKey,
  signal: AbortSignal,
): Promise<Account> {
  const { session, state, settings: { directory, email } } = parts;
  const { value, status, location } = await session.postFor(
    ACCOUNT,
    "account",
    session.directory.newAccount,
    { termsOfServiceAgreed: true, ...(email === null ? {} : { contact: [`mailto:${email}`] }) },
    { key, kid: null },
    signal,
  );
  if (location === null || value.status !== "valid") {
    throw new AcmeError(
      "account",
      `${session.authority} gives no account that can be used (it is ${value.status}): try again later`,
    );
  }
  const created = status === 201;
  const known = { ...saved, url: location, email: created ? email : null };
  state.saveAccount(directory, known);
  const account = { key, kid: location, created };
  // An account that was there already was not told the address (RFC 8555 7.3).
  await updateContact(parts, known, account, signal);
  return account;
}

async function updateContact(
  { session, state, settings: { directory, email } }: AccountParts,
  saved: SavedAccount,
  account: Account,
  signal: AbortSignal,
): Promise<void> {
  if (saved.email === email) return;
  const contact = email === null ? [] : [`mailto:${email}`];
  await session.postFor(ACCOUNT, "account", account.kid, { contact }, account, signal);
  state.saveAccount(directory, { ...saved, email });
}

/** Null when it is damaged. */
async function loadKey({ key }: SavedAccount): Promise<AccountKey | null> {
  const { AccountKey } = await import("./signing.ts");
  try {
    return await AccountKey.load(key);
  } catch {
    return null;
  }
}

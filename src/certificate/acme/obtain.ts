// One try to get a certificate, from the directory to the file (RFC 8555 7).

import { type Account, openAccount, replaceAccount } from "./account.ts";
import { checkChain } from "./chain.ts";
import { AcmeError } from "./error.ts";
import { hostOf, Transport } from "./http.ts";
import { ORDER } from "./objects.ts";
import { fulfil, keyAuthorization } from "./order.ts";
import { AttemptRecord } from "./record.ts";
import { Responder } from "./responder.ts";
import { type Received, Session, type Signer } from "./session.ts";
import { type AcmeSettings, certificateFile } from "./settings.ts";
import { readCertificateFile, type SavedOrder, StateFolder } from "./state.ts";
import type { AcmeStep } from "./step.ts";

export interface ObtainOptions {
  /** Ends it at once; nothing stays open. */
  readonly signal?: AbortSignal;
  /** Told what is being done. */
  readonly progress?: (step: AcmeStep) => void;
  readonly timing?: Partial<Timing>;
}

/** Milliseconds. */
export interface Timing {
  /** For one answer. */
  readonly requestMs: number;
  /** For all of it. */
  readonly attemptMs: number;
  /** Between two questions whether the authority is through. */
  readonly pollMs: number;
}

export interface Obtained {
  /** `certificateFile` of the settings: to be used as tls.cert and tls.key at once. */
  readonly file: string;
  readonly expires: Date;
}

const TIMING: Timing = { requestMs: 30_000, attemptMs: 300_000, pollMs: 1000 };

/**
 * Gets a certificate for `settings.name` and puts it in its file, where it replaces an earlier one; calling it says that
 * the authority's terms are agreed to. Throws an AcmeError, or the reason of the signal; the earlier certificate stays.
 * It does not ask whether one is needed, but refuses to ask an authority more often than its limits allow
 * (`too often`).
 */
export async function obtainCertificate(
  settings: AcmeSettings,
  options: ObtainOptions = {},
): Promise<Obtained> {
  const progress = options.progress ?? (() => {});
  options.signal?.throwIfAborted();
  using state = StateFolder.open(settings.dataDir, (text) => progress({ kind: "note", text }));
  const record = new AttemptRecord(state, settings);
  const timing = { ...TIMING, ...options.timing };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timing.attemptMs);
  const signals = options.signal === undefined ? [late.signal] : [options.signal, late.signal];
  try {
    const signal = AbortSignal.any(signals);
    const obtained = await attempt({ settings, state, record, progress, timing, signal });
    record.write({ outcome: "done", ended: Date.now() });
    return obtained;
  } catch (error) {
    options.signal?.throwIfAborted();
    const failure = late.signal.aborted ? tooLate(settings, timing, error) : error;
    record.failed(failure);
    throw failure;
  } finally {
    clearTimeout(timer);
  }
}

interface Parts {
  readonly settings: AcmeSettings;
  readonly state: StateFolder;
  readonly record: AttemptRecord;
  readonly progress: (step: AcmeStep) => void;
  readonly timing: Timing;
  readonly signal: AbortSignal;
}

async function attempt(parts: Parts): Promise<Obtained> {
  const { settings, state, record, progress, timing, signal } = parts;
  const { directory, name, dataDir, extraRoots } = settings;
  progress({ kind: "asking", directory });
  using transport = new Transport(extraRoots, timing.requestMs);
  const session = await Session.open({ transport, url: directory, name, now: Date.now }, signal);
  const account = await openAccount({ session, state, settings }, signal);
  progress({ kind: "account", created: account.created });
  const unfinished = await unfinishedOrder(parts, session, account);
  await using responder = await Responder.listen(
    settings.listen,
    (peer) => progress({ kind: "requested", peer }),
  );
  progress({ kind: "listening", endpoints: settings.listen });
  const placed = unfinished === null
    ? await placeOrder(parts, session, account)
    : { order: unfinished, account };
  const { url, key, token } = placed.order;
  // The authority was told to ask for it by an earlier try, and may do so at any time.
  if (token !== null) responder.answer(token, keyAuthorization(token, account));
  try {
    const certificate = await fulfil({
      ...{ session, account: placed.account, responder, name, url, key, progress, signal },
      challenged: (token) => {
        state.saveOrder({ ...placed.order, token });
        record.write({ challenged: true });
      },
      issued: () => record.write({ issued: true }),
      pollMs: timing.pollMs,
      now: Date.now,
    });
    const answer = await session.post(certificate, null, placed.account, signal, CHAIN_TYPE);
    const chain = checkChain(answer.text, { key, name, now: Date.now() });
    record.write({ lifetime: chain.notAfter.getTime() - chain.notBefore.getTime() });
    state.saveCertificate(directory, key, chain.pem);
    state.dropOrder();
    progress({ kind: "done", file: certificateFile(dataDir), expires: chain.notAfter });
    return { file: certificateFile(dataDir), expires: chain.notAfter };
  } catch (error) {
    if (!mayGoOn(error, signal)) state.dropOrder();
    throw error;
  }
}

/** RFC 8555 7.4.2 and 9.1. */
const CHAIN_TYPE = "application/pem-certificate-chain";

/** A new order, if need be of a new account. */
async function placeOrder(
  parts: Parts,
  session: Session,
  account: Account,
): Promise<{ readonly order: SavedOrder; readonly account: Account }> {
  const { state, settings, progress, signal } = parts;
  try {
    return { order: await newOrder(parts, session, account), account };
  } catch (error) {
    const other = await replaceAccount({ session, state, settings }, account, error, signal);
    progress({ kind: "account", created: other.created });
    return { order: await newOrder(parts, session, other), account: other };
  }
}

/** A fresh key for each certificate, kept from here on: no certificate is made that nobody has the key of. */
async function newOrder(
  { settings: { directory, name }, state, signal }: Parts,
  session: Session,
  account: Signer,
): Promise<SavedOrder> {
  const { makeKey } = await import("./request.ts");
  const key = await makeKey();
  const identifiers = [{ type: "dns", value: name }];
  const url = session.directory.newOrder;
  const { location }: Received<unknown> = await session.postFor(
    ORDER,
    "order",
    url,
    { identifiers },
    account,
    signal,
  );
  if (location === null) {
    throw new AcmeError(
      "not understood",
      `${
        hostOf(url)
      } makes an order and does not say where it is (RFC 8555 7.4): choose another authority`,
    );
  }
  const order = { directory, name, url: location, key, token: null };
  state.saveOrder(order);
  return order;
}

/** The order that an earlier try left; null when there is none, or it has no future. */
async function unfinishedOrder(
  { settings, state, signal }: Parts,
  session: Session,
  account: Signer,
): Promise<SavedOrder | null> {
  const order = state.order();
  if (order === null) return null;
  const { directory, name, dataDir } = settings;
  // The program may have been killed between writing the certificate and forgetting the order.
  const isThrough = readCertificateFile(dataDir)?.text.includes(order.key.trim()) === true;
  if (order.directory === directory && order.name === name && !isThrough) {
    try {
      const { value } = await session.postFor(ORDER, "order", order.url, null, account, signal);
      if (value.status !== "invalid") return order;
    } catch (error) {
      // An order that expired, or of an account that is gone, is not known any more.
      if (mayGoOn(error, signal)) throw error;
    }
  }
  state.dropOrder();
  return null;
}

/** Does an order that failed like this have a future? What the authority refused once, it does again. */
function mayGoOn(error: unknown, signal: AbortSignal): boolean {
  if (!(error instanceof AcmeError)) return signal.aborted;
  switch (error.failure) {
    case "unreachable":
    case "not trusted":
    case "rate limited":
    case "port":
    case "clock":
    case "state":
    case "busy":
    case "too often":
      return true;
    case "dns":
    case "connection":
    case "unauthorized":
    case "caa":
    case "name refused":
    case "account":
    case "not understood":
    case "bad certificate":
    case "unexpected":
      return false;
  }
}

function tooLate({ directory, name }: AcmeSettings, { attemptMs }: Timing, cause: unknown): Error {
  return new AcmeError(
    "unreachable",
    `${hostOf(directory)} was not through with ${name} within ${
      attemptMs / 1000
    } s: the next try goes on with it`,
    { cause },
  );
}

// What each operation does: before its transaction, and in it.

import { applyAccept, prepareAccept } from "./accept.ts";
import { applyCancel, applyRecord, applyRetry } from "./attempts.ts";
import { applyDelete } from "./deleting.ts";
import { applyAddToDraft } from "./draft_batches.ts";
import { applyAttach, applyDetach } from "./draft_parts.ts";
import { applyDraft, applyReplaceDraft } from "./drafting.ts";
import { draftById } from "./drafts.ts";
import { createGrant, deleteGrant, rotateGrantKey, setGrantCidrs } from "./grants.ts";
import type { Operation, OperationName, Operations } from "./operations.ts";
import { ensureVapidKey, subscribePush, unsubscribePush } from "./push.ts";
import { applyMarkRead } from "./reading.ts";
import { applyExpire } from "./retention.ts";
import { applyCleanIndex } from "./search/cleaning.ts";
import { applyIndexOlder } from "./search/indexing.ts";
import { applyAddTo, applySend, prepareAddTo, prepareSend } from "./sending.ts";
import { applySendDraft, prepareSendDraft } from "./sending_drafts.ts";
import {
  createSignInLink,
  endSession,
  endSessions,
  openSession,
  touchSession,
} from "./sessions.ts";
import { ensureSigningKey, rotateSigningKey } from "./signing_keys.ts";
import { applyReclaim } from "./space.ts";
import type { Transaction, WriterContext } from "./transaction.ts";
import { addUser, changeUser, importUsers, removeUser } from "./users.ts";

type Value = Operations[keyof Operations]["gives"];

/** An operation after the part of it that may take long and needs no transaction. */
export type Ready = (transaction: Transaction) => Value;

/** The operations that a message comes into the store, or its index, with. All others need little room, and are done on a full disk. */
export const STORING: ReadonlySet<OperationName> = new Set(
  [
    "accept",
    "stage",
    "send",
    "draft",
    "replaceDraft",
    "attach",
    "sendDraft",
    "addTo",
    "indexOlder",
    "cleanIndex",
  ] as const,
);

/** Does what needs no transaction, and gives what does. */
export async function prepare(context: WriterContext, operation: Operation): Promise<Ready> {
  const { name, input } = operation;
  switch (name) {
    case "accept": {
      const prepared = await prepareAccept(context, input);
      return (transaction) => applyAccept(transaction, input, prepared);
    }
    case "stage":
      return () => {
        context.contents.stage(input.token, input.bytes);
        return null;
      };
    case "discard":
      return (transaction) => {
        context.contents.discard(input.token);
        transaction.afterCommit(() => context.contents.forget(input.token));
        return null;
      };
    case "send": {
      const prepared = await prepareSend(context, input);
      return (transaction) => applySend(transaction, input, prepared);
    }
    case "draft":
      return (transaction) => applyDraft(transaction, input);
    case "replaceDraft":
      return (transaction) => applyReplaceDraft(transaction, input);
    case "attach":
      return (transaction) => applyAttach(transaction, input);
    case "detach":
      return (transaction) => applyDetach(transaction, input);
    case "sendDraft": {
      const prepared = await prepareSendDraft(context, input);
      return (transaction) => applySendDraft(transaction, input, prepared);
    }
    case "markRead":
      return (transaction) => applyMarkRead(transaction, input);
    case "addTo": {
      if (draftById(context.db, input.message) !== null) {
        return (transaction) => applyAddToDraft(transaction, input);
      }
      const prepared = await prepareAddTo(context, input);
      return (transaction) => applyAddTo(transaction, prepared);
    }
    case "record":
      return (transaction) => applyRecord(transaction, input);
    case "retry":
      return (transaction) => applyRetry(transaction, input.message);
    case "cancel":
      return (transaction) => applyCancel(transaction, input);
    case "delete":
      return (transaction) => applyDelete(transaction, input);
    case "expire":
      return (transaction) => applyExpire(transaction, input);
    case "indexOlder":
      return ({ db }) => applyIndexOlder(db, input);
    case "cleanIndex":
      return ({ db }) => applyCleanIndex(db);
    case "reclaim":
      return (transaction) => applyReclaim(transaction, input);
    case "addUser":
      return ({ db, now }) => addUser(db, input, now);
    case "setUser":
      return (transaction) => changeUser(transaction, input);
    case "importUsers":
      return (transaction) => importUsers(transaction, input.users);
    case "removeUser":
      return (transaction) => removeUser(transaction, input.key);
    case "createGrant":
      return ({ db, now }) => createGrant(db, input, now);
    case "rotateGrantKey":
      return ({ db }) => rotateGrantKey(db, input);
    case "setGrantCidrs":
      return ({ db }) => setGrantCidrs(db, input);
    case "deleteGrant":
      return ({ db }) => deleteGrant(db, input);
    case "ensureSigningKey":
      return ({ db, now }) => ensureSigningKey(db, now);
    case "rotateSigningKey":
      return ({ db, now }) => rotateSigningKey(db, input, now);
    case "createSignInLink":
      return ({ db, now }) => createSignInLink(db, input, now);
    case "openSession":
      return (transaction) => openSession(transaction, input);
    case "touchSession":
      return ({ db, now }) => touchSession(db, input, now);
    case "endSession":
      return (transaction) => endSession(transaction, input);
    case "endSessions":
      return (transaction) => endSessions(transaction, input.addressKey);
    case "subscribePush":
      return ({ db, now }) => subscribePush(db, input, now);
    case "unsubscribePush":
      return ({ db }) => unsubscribePush(db, input);
    case "ensureVapidKey":
      return ({ db, now }) => ensureVapidKey(db, now);
  }
}

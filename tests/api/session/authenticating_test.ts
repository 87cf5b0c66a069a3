// Who a session is: its user, as an owner, as long as both are there.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { ApiError } from "../../../src/api/error.ts";
import { type Identity, isDirectOwner } from "../../../src/api/identity/identity.ts";
import { makeSessionKey, type SessionKey } from "../../../src/api/session/key.ts";
import { makeSignInToken } from "../../../src/api/session/token.ts";
import { isProblem } from "../../../src/protocol/mod.ts";
import { storeFile } from "../../../src/store/mod.ts";
import { ALICE, ALICE_KEY, BOB, IP, now, Stage } from "../identity/stage.ts";

async function signedIn(stage: Stage): Promise<SessionKey> {
  const { hash: link } = makeSignInToken();
  const { writer } = stage.store;
  await writer.submit("createSignInLink", {
    addressKey: ALICE_KEY,
    hash: link,
    expires: now() + 9,
  });
  const key = makeSessionKey();
  const { id, hash } = key;
  const opened = await writer.submit("openSession", { link, id, hash, agent: "" });
  assert.ok(!isProblem(opened));
  return key;
}

async function asks(
  stage: Stage,
  session: SessionKey | null,
  { actAs = null, authorization = null }: {
    readonly actAs?: string | null;
    readonly authorization?: string | null;
  } = {},
): Promise<Identity> {
  return await stage.authenticator.authenticate({ authorization, session, actAs, ip: IP });
}

/** The status of a refusal. */
async function refused(asking: Promise<unknown>): Promise<number> {
  try {
    await asking;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
  return assert.fail("It was let in");
}

function rechecked(stage: Stage, identity: Identity): number | null {
  try {
    stage.authenticator.recheck(identity, IP);
    return null;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

Deno.test("session: it is its user, as the owner; another secret is nobody", async () => {
  await using stage = await Stage.open();
  const key = await signedIn(stage);
  const identity = await asks(stage, key);
  assert.deepEqual([identity.address.text, identity.owner.text], [ALICE, ALICE]);
  assert.deepEqual([identity.via, identity.sessionId], ["session", key.id]);
  assert.ok(isDirectOwner(identity));
  assert.equal(rechecked(stage, identity), null);
  assert.equal(await refused(asks(stage, { ...makeSessionKey(), id: key.id })), 401);
  assert.equal(await refused(asks(stage, makeSessionKey())), 401);
  assert.equal(await refused(asks(stage, null)), 401);
  assert.ok(!stage.logged.includes(key.text.slice(17)));
});

Deno.test("session: whoever sends Authorization is judged by that alone", async () => {
  await using stage = await Stage.open();
  const key = await signedIn(stage);
  assert.equal(await refused(asks(stage, key, { authorization: "Bearer x" })), 401);
  assert.equal(await refused(asks(stage, key, { authorization: "" })), 401);
});

Deno.test("session: it acts as the owner's grants, and as nobody else, and manages none then", async () => {
  await using stage = await Stage.open();
  await stage.grant("bot");
  const key = await signedIn(stage);
  const address = ALICE.replace("@Alice", "@Alice_bot");
  const identity = await asks(stage, key, { actAs: address });
  assert.deepEqual([identity.address.text, identity.owner.text], [address, ALICE]);
  assert.ok(!isDirectOwner(identity));
  assert.equal(await refused(asks(stage, key, { actAs: BOB })), 403);
  await stage.store.writer.submit("deleteGrant", { ownerKey: ALICE_KEY, agent: "bot" });
  assert.equal(rechecked(stage, identity), 403);
});

Deno.test("session: it is refused once it is ended, or its user switched off, removed, or another person", async () => {
  await using stage = await Stage.open();
  const { writer } = stage.store;
  const [first, second] = [await signedIn(stage), await signedIn(stage)];
  const identity = await asks(stage, first);
  await writer.submit("setUser", { key: ALICE_KEY, accepting: false });
  assert.equal(await refused(asks(stage, first)), 403);
  assert.equal(rechecked(stage, identity), 403);
  await writer.submit("setUser", { key: ALICE_KEY, accepting: true });
  assert.equal(rechecked(stage, identity), null);

  await writer.submit("endSession", { id: first.id, addressKey: null });
  assert.equal(await refused(asks(stage, first)), 401);
  assert.equal(rechecked(stage, identity), 401);

  const other = await asks(stage, second);
  await writer.submit("removeUser", { key: ALICE_KEY });
  await stage.store.addUser(ALICE);
  assert.equal(await refused(asks(stage, second)), 401);
  assert.equal(rechecked(stage, other), 401);
});

Deno.test("session: its use is written down once an hour, by sockets too; after 90 days without it is over", async () => {
  await using stage = await Stage.open();
  const key = await signedIn(stage);
  const { folder } = stage.store;
  const used = (): number => stage.access.session(key.id)?.used ?? 0;
  const set = (seconds: number): void => {
    using db = new DatabaseSync(storeFile(folder));
    db.prepare("UPDATE session SET used = ?, expires = ?").run(
      now() - seconds,
      now() - seconds + 90 * 86_400,
    );
  };
  set(3500);
  const before = used();
  const identity = await asks(stage, key);
  // Whatever was submitted before this is committed then.
  await stage.store.writer.submit("ensureSigningKey", null);
  assert.equal(used(), before);

  set(89 * 86_400);
  await Promise.all([asks(stage, key), asks(stage, key)]);
  await stage.store.writer.submit("ensureSigningKey", null);
  assert.ok(now() - used() < 60);
  set(3700);
  assert.equal(rechecked(stage, identity), null);
  await stage.store.writer.submit("ensureSigningKey", null);
  assert.ok(now() - used() < 60);

  // Noted by a clock that was a day ahead.
  set(-86_400);
  await asks(stage, key);
  await stage.store.writer.submit("ensureSigningKey", null);
  assert.ok(Math.abs(now() - used()) < 60);

  set(91 * 86_400);
  assert.equal(await refused(asks(stage, key)), 401);
  assert.equal(rechecked(stage, identity), 401);
});

Deno.test("session: while the store cannot be read nobody is let in", async () => {
  await using stage = await Stage.open();
  const key = await signedIn(stage);
  stage.shutStore();
  assert.equal(await refused(asks(stage, key)), 503);
});

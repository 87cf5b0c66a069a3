// The exact header of a message and its hashes, as those who may see the message get them.

import { deepEqual, equal, match } from "node:assert/strict";
import { createHash } from "node:crypto";
import * as v from "valibot";
import { MESSAGE_HEADER, type MessageHeader } from "../../../src/api/client_types.ts";
import { decodeHeader, encodeHeader } from "../../../src/wire/mod.ts";
import { addTo, draft } from "../../support/message.ts";
import { HERE, sent } from "../../store/support.ts";
import { ALICE, BOB, CAROL, errorOf, MessageStage } from "./message_stage.ts";

const DAVE = `@dave@${HERE}`;
const FAR = "@eve@far.example";

async function headerOf(stage: MessageStage, user: string, id: number): Promise<MessageHeader> {
  return v.parse(
    MESSAGE_HEADER,
    (await stage.expect(200, user, "GET", `/fmsg/${id}/header`)).json,
  );
}

function bytesOf({ header }: Pick<MessageHeader, "header">): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(header);
}

function sha256(...parts: Uint8Array[]): string {
  return parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");
}

Deno.test("W7 the header is what went over the wire, byte for byte, and its hashes are those of the protocol", async () => {
  await using stage = await MessageStage.open();
  const message = draft({ from: FAR, to: [ALICE], body: "from afar" });
  await stage.store.accept(message);
  const came = await headerOf(stage, ALICE, stage.store.idOf(message));
  deepEqual(bytesOf(came), new Uint8Array(message.header));
  deepEqual(came.batches, []);

  const id = await stage.send(ALICE, { data: "hello" });
  const own = await headerOf(stage, BOB, id);
  const bytes = bytesOf(own);
  equal(own.header_hash, sha256(bytes));
  equal(own.hash, sha256(bytes, new TextEncoder().encode("hello")));
  const header = decodeHeader(bytes);
  deepEqual([header.from.text, header.to.map(({ text }) => text)], [ALICE, [BOB]]);
  deepEqual(new Uint8Array(encodeHeader(header)), bytes);
  const shown = stage.store.read((mailbox) => mailbox.message(id));
  equal(own.hash, shown?.hash, "as fmsg show has it");
});

Deno.test("N6 each batch has its own header and hash, by the batch_id that the message shows", async () => {
  await using stage = await MessageStage.open([ALICE, BOB, CAROL, DAVE]);
  const id = await stage.send(ALICE);
  const batches = [
    sent(await stage.store.addTo(id, ALICE, CAROL)),
    sent(await stage.store.addTo(id, BOB, DAVE)),
  ];
  const told = await headerOf(stage, DAVE, id);
  deepEqual(told.batches.map(({ batch_id }) => batch_id), batches.map(({ id }) => id));
  for (const [i, batch] of told.batches.entries()) {
    const header = decodeHeader(bytesOf(batch));
    deepEqual(header.addTo?.to.map(({ text }) => text), [[CAROL], [DAVE]][i]);
    equal(header.pid === null ? null : header.pid.toHex(), told.hash);
    equal(batch.header_hash, sha256(bytesOf(batch)));
    equal(batch.hash, sha256(bytesOf(batch), new TextEncoder().encode("hello")));
  }
  deepEqual(await headerOf(stage, CAROL, batches[0]?.id ?? 0), told, "by a batch's id");
});

Deno.test("B7 a batch whose original is not here is its own message", async () => {
  await using stage = await MessageStage.open();
  const original = draft({ from: FAR, to: ["@mallory@other.example"] });
  const batch = addTo(original, { from: FAR, to: [ALICE] });
  await stage.store.accept(batch);
  const told = await headerOf(stage, ALICE, stage.store.idOf(batch));
  deepEqual(bytesOf(told), new Uint8Array(batch.header));
  const { hash, header_hash, header } = told;
  deepEqual(told.batches, [{
    batch_id: stage.store.idOf(batch),
    hash,
    header_hash,
    header,
  }]);
});

Deno.test("N2 a header is 404 for whoever may not see the message, as for one that is not there, and for a draft", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.send(ALICE);
  const hidden = await stage.expect(404, CAROL, "GET", `/fmsg/${id}/header`);
  equal(hidden.text, (await stage.expect(404, CAROL, "GET", "/fmsg/9999/header")).text);
  const unsent = await stage.draft(ALICE);
  match(
    errorOf(await stage.expect(404, ALICE, "GET", `/fmsg/${unsent}/header`)),
    /^A draft has no header before it is sent$/,
  );
  equal((await stage.expect(404, BOB, "GET", `/fmsg/${unsent}/header`)).text, hidden.text);
  await stage.expect(400, ALICE, "GET", "/fmsg/01/header");
});

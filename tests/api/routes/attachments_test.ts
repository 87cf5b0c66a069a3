// Attachments and bodies, up and down.

import { deepEqual, equal, ok } from "node:assert/strict";
import { ALICE, BOB, CAROL, draftOf, errorOf, fieldsOf, MessageStage } from "./message_stage.ts";

const bytes = (length: number): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(made.subarray(at, Math.min(at + 65_536, length)));
  }
  return made;
};

const text = (length: number): string =>
  "All work and no play. ".repeat(length / 22 + 1).slice(0, length);

async function attachmentsOf(stage: MessageStage, user: string, id: number): Promise<unknown> {
  return fieldsOf(await stage.expect(200, user, "GET", `/fmsg/${id}`)).attachments;
}

Deno.test("N3 attachments: uploaded, listed, downloaded by participants, taken off while it is a draft", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE, { data: text(5000) });
  const notes = await stage.upload(ALICE, id, "notes.pdf", "%PDF-1.7 …");
  equal(notes.status, 201);
  deepEqual(fieldsOf(notes), { filename: "notes.pdf", size: 12 });
  const made = await stage.upload(
    ALICE,
    id,
    "Größe 2.txt",
    text(200_000),
    "text/plain; charset=utf-8",
  );
  deepEqual(fieldsOf(made), { filename: "Größe 2.txt", size: 200_000 });
  await stage.upload(ALICE, id, "wrong.txt", "x");
  await stage.expect(204, ALICE, "DELETE", `/fmsg/${id}/attach/wrong.txt`);
  await stage.expect(404, ALICE, "DELETE", `/fmsg/${id}/attach/wrong.txt`);
  const expected = [
    { filename: "notes.pdf", size: 12, type: "application/pdf" },
    { filename: "Größe 2.txt", size: 200_000, type: "text/plain;charset=UTF-8" },
  ];
  deepEqual(await attachmentsOf(stage, ALICE, id), expected);
  const download = async (user: string): Promise<void> => {
    const path = `/fmsg/${id}/attach/${encodeURIComponent("Größe 2.txt")}`;
    const { headers, text: got } = await stage.expect(200, user, "GET", path);
    equal(got, text(200_000));
    equal(headers.get("content-length"), "200000");
    equal(headers.get("content-type"), "text/plain;charset=UTF-8");
    equal(
      headers.get("content-disposition"),
      `attachment; filename="Gr__e 2.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%202.txt`,
    );
    equal(headers.has("etag"), user !== ALICE);
  };
  await download(ALICE);
  await stage.expect(404, BOB, "GET", `/fmsg/${id}/attach/notes.pdf`);
  await stage.expect(200, ALICE, "POST", `/fmsg/${id}/send`);
  await download(BOB);
  deepEqual(await attachmentsOf(stage, BOB, id), expected);
  await stage.expect(404, CAROL, "GET", `/fmsg/${id}/attach/notes.pdf`);
  await stage.expect(404, BOB, "GET", `/fmsg/${id}/attach/other.pdf`);
  stage.store.audit();
});

Deno.test("a name that the draft has already is replaced, and found in any case", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE);
  await stage.upload(ALICE, id, "a.txt", "first");
  equal((await stage.upload(ALICE, id, "a.txt", "second")).status, 201);
  equal((await stage.expect(200, ALICE, "GET", `/fmsg/${id}/attach/A.TXT`)).text, "second");
  deepEqual(await attachmentsOf(stage, ALICE, id), [
    { filename: "a.txt", size: 6, type: "text/plain;charset=UTF-8" },
  ]);
  await stage.expect(200, ALICE, "PUT", `/fmsg/${id}`, { json: draftOf(ALICE, { data: "new" }) });
  await stage.expect(200, ALICE, "POST", `/fmsg/${id}/send`);
  equal((await stage.expect(200, BOB, "GET", `/fmsg/${id}/attach/a.txt`)).text, "second");
  equal((await stage.expect(200, BOB, "GET", `/fmsg/${id}/data`)).text, "new");
  stage.store.audit();
});

Deno.test("the type is the part's own, and told by the name where that says nothing", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE);
  for (
    const [name, type, stored] of [
      ["a.png", "application/octet-stream", "image/png"],
      ["b.unheard", "application/octet-stream", "application/octet-stream"],
      ["c.png", "Text/HTML", "text/html"],
      ["d.md", "", "text/markdown"],
    ] as const
  ) {
    equal((await stage.upload(ALICE, id, name, "x", type)).status, 201);
    const { headers } = await stage.expect(200, ALICE, "GET", `/fmsg/${id}/attach/${name}`);
    equal(headers.get("content-type"), stored, name);
  }
});

Deno.test("N9 names with path parts, control characters or dots alone are refused, up and down", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE);
  for (
    const name of [
      "../a.txt",
      "a/b.txt",
      "C:\\a.txt",
      "..",
      ".",
      ".bashrc",
      "a\u0007b",
      "a..b",
      "x".repeat(256),
      "a\u202eb.txt",
    ]
  ) {
    const answer = await stage.upload(ALICE, id, name, "x");
    equal(answer.status, 400, name);
    errorOf(answer);
    if (name !== ".." && name !== ".") {
      await stage.expect(400, ALICE, "GET", `/fmsg/${id}/attach/${encodeURIComponent(name)}`);
      await stage.expect(400, ALICE, "DELETE", `/fmsg/${id}/attach/${encodeURIComponent(name)}`);
    }
  }
  for (const raw of ["%2e%2e%2fa", "%00", "%0a", "%FF", "%zz", "a%5Cb", "..%2f..%2fetc%2fpasswd"]) {
    await stage.expect(400, ALICE, "GET", `/fmsg/${id}/attach/${raw}`);
  }
  deepEqual(await attachmentsOf(stage, ALICE, id), []);
  stage.store.audit({ drafts: 1 });
});

Deno.test("N9 an attachment, or a whole message, over the limit is 413, and leaves nothing", async () => {
  await using stage = await MessageStage.open(undefined, {
    maxSize: 300_000,
    maxExpandedSize: 600_000,
  });
  const id = await stage.draft(ALICE, { data: text(100_000) });
  // Compressed, all of it is small; expanded, the message has room for 500,000 bytes.
  equal((await stage.upload(ALICE, id, "a.txt", text(500_001))).status, 413);
  equal((await stage.upload(ALICE, id, "a.txt", text(500_000))).status, 201);
  equal((await stage.upload(ALICE, id, "b.txt", "x")).status, 413);
  // In place of the one that is there.
  equal((await stage.upload(ALICE, id, "a.txt", text(499_999))).status, 201);
  await stage.expect(204, ALICE, "DELETE", `/fmsg/${id}/attach/a.txt`);
  equal((await stage.upload(ALICE, id, "noise.zip", bytes(310_000))).status, 413);
  equal((await stage.upload(ALICE, id, "noise.zip", bytes(290_000))).status, 201);
  equal(
    (await stage.request(ALICE, "POST", `/fmsg/${id}/attach`, "x", {
      "content-type": "multipart/form-data; boundary=x",
      "content-length": "9999999",
    })).status,
    413,
  );
  stage.store.audit({ drafts: 1 });
  await stage.expect(413, ALICE, "PUT", `/fmsg/${id}`, {
    json: draftOf(ALICE, { data: text(310_001) }),
  });
  await stage.expect(200, ALICE, "POST", `/fmsg/${id}/send`);
  stage.store.audit();
});

Deno.test("uploads of every size come back byte for byte, compressed where it makes them smaller", async () => {
  await using stage = await MessageStage.open();
  const sizes = [0, 1, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 700_000];
  for (const size of sizes) {
    const id = await stage.draft(ALICE, { to: [BOB] });
    const noise = bytes(size);
    equal((await stage.upload(ALICE, id, "noise.dat", noise)).status, 201);
    equal((await stage.upload(ALICE, id, "text.log", text(size))).status, 201);
    await stage.expect(200, ALICE, "POST", `/fmsg/${id}/send`);
    const { headers, text: got } = await stage.expect(
      200,
      BOB,
      "GET",
      `/fmsg/${id}/attach/text.log`,
    );
    ok(got === text(size), `${size}`);
    equal(headers.get("content-length"), String(size));
    const response = await stage.bytes(BOB, `/fmsg/${id}/attach/noise.dat`);
    ok(response.length === size && response.every((byte, i) => byte === noise[i]), `${size}`);
  }
  const stored = stage.store.rows("SELECT sum(length(bytes)) AS n FROM chunk")[0]?.integer("n") ??
    0;
  const noise = sizes.reduce((sum, size) => sum + size, 0);
  ok(stored > noise && stored < noise * 1.05, `${stored} stored of twice ${noise}`);
  stage.store.audit();
});

Deno.test("an upload that breaks off, or is no form with one file, leaves nothing", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE);
  const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.dat"\r\n\r\n';
  const type = { "content-type": "multipart/form-data; boundary=x" };
  const post = (body: BodyInit, headers: Record<string, string> = type) =>
    stage.request(ALICE, "POST", `/fmsg/${id}/attach`, body, headers);
  equal((await post(head + text(1_000_000))).status, 400);
  equal((await post("")).status, 400);
  equal((await post("--x--\r\n")).status, 400);
  equal((await post(head + "x\r\n" + head + "y\r\n--x--\r\n")).status, 400);
  equal((await post(`${head.replace('"file"', '"other"')}x\r\n--x--\r\n`)).status, 400);
  equal(
    (await post('--x\r\ncontent-disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n'))
      .status,
    400,
  );
  equal((await post("{}", { "content-type": "application/json" })).status, 415);
  let sent = 0;
  const failing = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (sent === 0) controller.enqueue(new TextEncoder().encode(head));
      else if (sent < 8) controller.enqueue(bytes(100_000));
      else controller.error(new Error("The client is gone"));
      sent++;
    },
  });
  await post(failing).then(
    ({ status }) => ok(status === 400, `${status}`),
    (error: unknown) => ok(String(error).includes("gone"), String(error)),
  );
  deepEqual(await attachmentsOf(stage, ALICE, id), []);
  stage.store.audit({ drafts: 1 });
});

Deno.test("GET data: the whole body with its type, ranges, and what the client has", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.send(ALICE, { type: "text/markdown; charset=utf-8", data: text(300_000) });
  const whole = await stage.expect(200, BOB, "GET", `/fmsg/${id}/data`);
  equal(whole.text, text(300_000));
  equal(whole.headers.get("content-type"), "text/markdown; charset=utf-8");
  equal(whole.headers.get("content-disposition"), `attachment; filename="message-${id}.md"`);
  const part = await stage.request(BOB, "GET", `/fmsg/${id}/data`, undefined, {
    range: "bytes=123456-234567",
  });
  equal(part.status, 206);
  equal(part.text, text(300_000).slice(123_456, 234_568));
  equal(part.headers.get("content-range"), "bytes 123456-234567/300000");
  const etag = whole.headers.get("etag") ?? "";
  const again = await stage.request(BOB, "GET", `/fmsg/${id}/data`, undefined, {
    "if-none-match": etag,
  });
  equal(again.status, 304);
  const behind = await stage.request(BOB, "GET", `/fmsg/${id}/data`, undefined, {
    range: "bytes=300000-",
  });
  equal(behind.status, 416);
  const draft = await stage.draft(ALICE, { data: "" });
  equal((await stage.expect(200, ALICE, "GET", `/fmsg/${draft}/data`)).text, "");
});

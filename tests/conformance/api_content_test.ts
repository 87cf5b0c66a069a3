// The interface of a running host: threads as text, bodies and attachments, and their sizes (rows N8, N9).

import assert from "node:assert/strict";
import type { ApiClient } from "../support/api_client.ts";
import { PATIENCE, waitFor, within } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { draftedBy, expect, fieldsOf, idsOf, letterOf, sentBy } from "./api_client.ts";
import { SharedHosts } from "./shared_hosts.ts";

const shared = new SharedHosts(
  { api: true, challenge: "never" },
  { api: true, challenge: "never" },
);

Deno.test("N8 a thread across two hosts: the root first, JSON shown, an image named, the hidden hidden", async () => {
  const here = await shared.users("alice", "bob", "carol");
  const there = await shared.usersAt(1, "zoe");
  const alice = await here.client("alice");
  const zoe = await there.client("zoe");
  const [addresses, zoes] = [{ from: here.address("alice") }, there.address("zoe")];
  const root = await sentBy(alice, { ...addresses, to: [zoes], topic: "plans", data: "first\n" });
  const [there1] = await arrived(zoe, 1);
  assert.ok(there1 !== undefined);
  await sentBy(zoe, {
    from: zoes,
    to: [here.address("alice")],
    pid: there1,
    type: "application/json",
    data: '{"agreed":true}',
  });
  const [json] = await arrived(alice, 1);
  assert.ok(json !== undefined);
  const bobs = [here.address("bob"), here.address("alice")];
  const image = await draftedBy(alice, {
    ...addresses,
    to: bobs,
    pid: json,
    type: "image/png",
    data: "PNG",
  });
  await expect(200, alice.post(`/fmsg/${image}/send`));
  const seen = await expect(200, alice.get(`/fmsg/${image}/thread`));
  assert.equal(seen.headers.get("content-type"), "text/plain; charset=utf-8");
  const entry = (from: string, text: string): string => `--- ${from} TIME ---\n${text}\n`;
  const timeless = (text: string): string =>
    text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?= ---$)/gm, "TIME");
  assert.equal(
    timeless(seen.text),
    [
      entry(addresses.from, "first"),
      entry(zoes, '{"agreed":true}'),
      entry(addresses.from, "[non-text message: image/png, 3 bytes]"),
    ].join("\n"),
  );
  const bob = await here.client("bob");
  assert.equal(
    timeless((await expect(200, bob.get(`/fmsg/${image}/thread`))).text),
    [
      entry(addresses.from, "[message not visible to you]"),
      entry(zoes, "[message not visible to you]"),
      entry(addresses.from, "[non-text message: image/png, 3 bytes]"),
    ].join("\n"),
  );
  const carol = await here.client("carol");
  await expect(404, carol.get(`/fmsg/${root}/thread`));
});

Deno.test("N9 what is too large is refused before it is read, and leaves nothing", async () => {
  await using world = await World.make();
  const host = await world.host({
    api: true,
    users: ["alice", "bob"],
    limits: { max_size: "300KB", max_expanded_size: "500KB" },
  });
  const alice = await host.client("alice");
  const letter = { from: host.address("alice"), to: [host.address("bob")] };
  const id = await draftedBy(alice, letter);
  const limit = 500_000;

  // Ten gigabytes are announced and none is sent: the answer comes all the same.
  for (
    const [path, type] of [
      ["/fmsg", "application/json"],
      [`/fmsg/${id}/attach`, "multipart/form-data; boundary=x"],
    ] as const
  ) {
    const answer = await raw(
      host.apiAddress,
      `POST ${path} HTTP/1.1\r\nhost: ${host.apiAddress}\r\nauthorization: Bearer ${alice.token}\r\n` +
        `content-type: ${type}\r\ncontent-length: 10000000000\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /\{"error":"[^"]+"\}$/);
  }
  // Sent without a length.
  await expect(
    413,
    alice.request("POST", `/fmsg/${id}/attach`, {
      body: endless(),
      headers: { "content-type": "multipart/form-data; boundary=x" },
    }),
  );
  await expect(413, alice.post("/fmsg", letterOf({ ...letter, data: "a".repeat(limit + 1) })));
  await expect(413, alice.put(`/fmsg/${id}`, letterOf({ ...letter, data: "a".repeat(limit + 1) })));
  const big = { filename: "big.txt", body: "a".repeat(limit) };
  await expect(413, alice.upload(`/fmsg/${id}/attach`, big));
  await expect(201, alice.upload(`/fmsg/${id}/attach`, { ...big, body: "a".repeat(limit - 5) }));
  await expect(413, alice.put(`/fmsg/${id}`, letterOf({ ...letter, data: "seven77" })));
  await expect(413, alice.upload(`/fmsg/${id}/attach`, { filename: "one.txt", body: "1" }));
  const noise = new Uint8Array(310_000).map(() => Math.random() * 256);
  const other = await draftedBy(alice, letter);
  await expect(413, alice.upload(`/fmsg/${other}/attach`, { filename: "noise.bin", body: noise }));

  for (const name of ["../up.txt", "a/b.txt", "a\\b.txt", "..", "a\u0001.txt", ".htaccess"]) {
    await expect(400, alice.upload(`/fmsg/${other}/attach`, { filename: name, body: "x" }));
  }
  for (const name of ["..%2Fup.txt", "%2e%2e%5cup", "%00", "a%0Ab", "%FF", "%"]) {
    const path = `/fmsg/${other}/attach/${name}`;
    assert.match(
      await raw(
        host.apiAddress,
        `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${alice.token}\r\n\r\n`,
      ),
      /^HTTP\/1\.1 400 /,
      name,
    );
  }
  assert.deepEqual(fieldsOf(await alice.get(`/fmsg/${other}`)).attachments, []);
  await expect(200, alice.post(`/fmsg/${id}/send`));
  await host.json(["host", "verify"]);
});

Deno.test("N9 downloads have ranges, and an interrupted one can be taken up again", async () => {
  const { address, client } = await shared.users("alice", "bob");
  const [alice, bob] = [await client("alice"), await client("bob")];
  const id = await draftedBy(alice, { from: address("alice"), to: [address("bob")] });
  const file = new Uint8Array(5_000_000);
  for (let at = 0; at < file.length; at += 50_000) {
    crypto.getRandomValues(file.subarray(at, at + 50_000));
  }
  await expect(201, alice.upload(`/fmsg/${id}/attach`, { filename: "Größe 1.bin", body: file }));
  await expect(200, alice.post(`/fmsg/${id}/send`));
  const path = `/fmsg/${id}/attach/${encodeURIComponent("Größe 1.bin")}`;

  const stopped = await bob.fetch("GET", path);
  const reader = stopped.body?.getReader();
  const first = (await reader?.read())?.value ?? new Uint8Array();
  await reader?.cancel();
  assert.ok(first.length > 0 && first.length < file.length);
  const etag = stopped.headers.get("etag") ?? "";
  const rest = await bob.get(path, {
    headers: { range: `bytes=${first.length}-`, "if-range": etag },
  });
  assert.equal(rest.status, 206);
  assert.equal(rest.headers.get("content-range"), `bytes ${first.length}-4999999/5000000`);
  assert.ok(same(file, first, rest.bytes));
  const head = await bob.request("HEAD", path);
  assert.deepEqual([head.status, head.headers.get("content-length"), head.bytes.length], [
    200,
    "5000000",
    0,
  ]);
  assert.equal(
    head.headers.get("content-disposition"),
    `attachment; filename="Gr__e 1.bin"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.bin`,
  );
  await expect(416, bob.get(path, { headers: { range: "bytes=5000000-" } }));
  assert.equal((await bob.get(path, { headers: { "if-none-match": etag } })).status, 304);
});

/** The ids of what a client has received, once there are so many. */
async function arrived(client: ApiClient, count: number): Promise<number[]> {
  return await waitFor(async () => {
    const ids = idsOf(await expect(200, client.get("/fmsg")));
    return ids.length >= count ? ids : null;
  });
}

/** What comes back for these bytes, until the server closes. */
async function raw(address: string, request: string): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  return await within(
    PATIENCE,
    request.split("\r\n", 1).join(),
    new Response(connection.readable).text(),
  );
}

/** A form whose file never ends. */
function endless(): ReadableStream<Uint8Array<ArrayBuffer>> {
  const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';
  let begun = false;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(begun ? new Uint8Array(65_536) : new TextEncoder().encode(head));
      begun = true;
    },
  });
}

function same(whole: Uint8Array, ...pieces: readonly Uint8Array[]): boolean {
  let at = 0;
  for (const piece of pieces) {
    for (const byte of piece) if (byte !== whole[at++]) return false;
  }
  return at === whole.length;
}

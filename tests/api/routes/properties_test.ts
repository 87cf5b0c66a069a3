// Whatever is sent, each route answers in the ways that FMSG-003 has for it, and the store stays in order.

import { ok } from "node:assert/strict";
import fc from "fast-check";
import { ALICE, BOB, type Body, CAROL, draftOf, MessageStage } from "./message_stage.ts";
import { HERE } from "../../store/support.ts";

const REFUSALS = new Set([400, 403, 404, 409, 413, 415, 416]);

/** Values that stand where others should, beside those that fit. */
const anything = fc.oneof(
  fc.anything({ maxDepth: 2, withNullPrototype: false }),
  fc.constantFrom<unknown>("", "__proto__", "\ud800", 1e308, -0, 2 ** 53, 2 ** 63, "2147483648", [
    [],
  ]),
  fc.string({ unit: "binary", maxLength: 300 }),
);

const address = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.constantFrom(
      ...[ALICE, BOB, CAROL, ALICE.toUpperCase(), "@zoe@elsewhere.test", `@nobody@${HERE}`],
    ),
  },
  fc.string({ unit: "binary", maxLength: 20 }).map((name) => `@${name}@${HERE}`),
);

/** Most of the time what fits, so that some requests fit as a whole. */
const mostly = (...fitting: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 15, arbitrary: fc.oneof(...fitting) }, anything);

const draft = fc.record({
  version: mostly(fc.constant(1)),
  from: mostly(fc.constant(ALICE)),
  to: mostly(fc.uniqueArray(address, { minLength: 1, maxLength: 5 })),
  pid: mostly(fc.constant(undefined), fc.integer({ min: 1, max: 20 })),
  topic: mostly(fc.constant(""), fc.string({ maxLength: 10 })),
  type: mostly(fc.constantFrom("text/plain", "image/png", "text/html; charset=utf-16")),
  size: mostly(fc.nat()),
  important: mostly(fc.boolean()),
  no_reply: mostly(fc.boolean()),
  data: mostly(fc.string({ unit: "grapheme" })),
  add_to: anything,
}, { requiredKeys: ["version", "from", "to", "type"] });

const body: fc.Arbitrary<Body | undefined> = fc.oneof(
  draft.map((json) => ({ json })),
  draft.map((json) => ({ json })),
  fc.record({ add_to: mostly(fc.array(address, { maxLength: 4 })) }).map((json) => ({ json })),
  anything.map((json) => ({ json })),
  fc.string({ unit: "binary" }),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
  fc.constant(undefined),
);

const id = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 15 }).map(String) },
  fc.constantFrom(
    "0",
    "-1",
    "01",
    "1e3",
    "9223372036854775807",
    "9223372036854775808",
    "NaN",
    "%31",
  ),
  fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(text)),
);

const filename = fc.oneof(
  fc.constantFrom(
    "a.txt",
    "A.TXT",
    "b%20c.txt",
    "%2e%2e",
    "..%2f",
    "%00",
    "%ff",
    "%",
    "a%5Cb",
    "%F0%9F%98%80",
  ),
  fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(text)),
);

const query = fc.oneof(
  fc.constant(""),
  fc.record({
    limit: fc.oneof(fc.nat(), fc.string()),
    offset: fc.oneof(fc.nat(), fc.string()),
    q: fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom('"', "*", "a AND", "NEAR(", "-", "who:x", "hello"),
    ),
  }, { requiredKeys: [] }).map((fields) =>
    `?${
      Object.entries(fields).map(([name, text]) =>
        `${name}=${encodeURIComponent(String(text).toWellFormed())}`
      ).join("&")
    }`
  ),
);

const path = fc.tuple(
  fc.constantFrom(
    ["GET", "/fmsg"],
    ["GET", "/fmsg/sent"],
    ["GET", "/fmsg/search"],
    ["GET", "/fmsg/openapi.json"],
    ["POST", "/fmsg"],
    ["POST", "/fmsg"],
    ["GET", "/fmsg/ID"],
    ["PUT", "/fmsg/ID"],
    ["PUT", "/fmsg/ID"],
    ["DELETE", "/fmsg/ID"],
    ["POST", "/fmsg/ID/send"],
    ["POST", "/fmsg/ID/read"],
    ["POST", "/fmsg/ID/add-to"],
    ["GET", "/fmsg/ID/data"],
    ["GET", "/fmsg/ID/thread"],
    ["POST", "/fmsg/ID/attach"],
    ["GET", "/fmsg/ID/attach/NAME"],
    ["DELETE", "/fmsg/ID/attach/NAME"],
  ),
  id,
  filename,
  query,
).map(([[method = "", path = ""], id, name, query]) =>
  [method, path.replace("ID", id).replace("NAME", name) + query] as const
);

const upload = fc.record({
  name: fc.oneof(
    fc.constantFrom("a.txt", "A.txt", "b c.txt"),
    fc.string({ unit: "binary", maxLength: 20 }),
  ),
  type: fc.oneof(fc.constantFrom("", "text/plain", "image/png"), fc.string()),
  bytes: fc.uint8Array({ maxLength: 200 }),
});

const headers = fc.record({
  range: fc.oneof(
    fc.constantFrom("bytes=0-1", "bytes=-1", "bytes=9-"),
    fc.string({ unit: "grapheme-ascii" }),
  ),
  "if-none-match": fc.constantFrom("*", '"x"', ""),
  "if-range": fc.constantFrom('"x"', "Sat, 01 Aug 2026 00:00:00 GMT"),
}, { requiredKeys: [] });

Deno.test("whatever a client sends to whatever route, it is no failure of the server", async () => {
  await using stage = await MessageStage.open();
  const first = await stage.send(BOB, { to: [ALICE, BOB] });
  const own = await stage.draft(ALICE, { pid: first, topic: "" });
  await stage.upload(ALICE, own, "a.txt", "x");
  await stage.send(ALICE);
  // Enough for some to be met by chance as each route needs them.
  for (let i = 0; i < 10; i++) await stage.draft(ALICE);
  const statuses = new Set<number>();
  const request = fc.tuple(fc.constantFrom(ALICE, ALICE, ALICE, BOB, CAROL), path, body, headers);
  await fc.assert(
    fc.asyncProperty(request, async ([user, [method, path], body, headers]) => {
      const { status } = await stage.request(
        user,
        method,
        path,
        method === "GET" ? undefined : body,
        method === "GET" ? headers : {},
      );
      statuses.add(status);
      ok(
        [200, 201, 204, 206, 304].includes(status) || REFUSALS.has(status),
        `${method} ${path}: ${status}`,
      );
    }),
    { numRuns: 2000 },
  );
  await fc.assert(
    fc.asyncProperty(upload, async ({ name, type, bytes }) => {
      const { status } = await stage.upload(ALICE, own, name, new Uint8Array(bytes), type);
      ok(status === 201 || REFUSALS.has(status), `${JSON.stringify(name)}: ${status}`);
    }),
    { numRuns: 300 },
  );
  for (const status of [200, 201, 204, 400, 403, 404, 409]) {
    ok(statuses.has(status), `${status} never came`);
  }
  const drafts = stage.store.count("draft");
  stage.store.audit({ drafts, deleted: true });
});

Deno.test("a draft says after PUT what it says after POST", async () => {
  await using stage = await MessageStage.open();
  const old = await stage.draft(ALICE, { to: [CAROL], topic: "old", data: "old ".repeat(50_000) });
  await fc.assert(
    fc.asyncProperty(draft, async (json) => {
      const posted = await stage.request(ALICE, "POST", "/fmsg", { json });
      const put = await stage.request(ALICE, "PUT", `/fmsg/${old}`, { json });
      ok(posted.status === 201 ? put.status === 200 : put.status === posted.status, put.text);
      if (posted.status !== 201) return void ok(posted.text === put.text);
      const { id } = JSON.parse(posted.text);
      const read = (id: number) => stage.expect(200, ALICE, "GET", `/fmsg/${id}`);
      ok((await read(id)).text === (await read(old)).text);
      await stage.expect(204, ALICE, "DELETE", `/fmsg/${id}`);
    }),
    { numRuns: 200 },
  );
  await stage.expect(200, ALICE, "PUT", `/fmsg/${old}`, { json: draftOf(ALICE) });
  stage.store.audit({ drafts: 1 });
});

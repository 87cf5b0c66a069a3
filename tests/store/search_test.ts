// Searching: everybody finds what they have, by each of its words, and nothing else.

import assert from "node:assert/strict";
import fc from "fast-check";
import { deflateSync } from "node:zlib";
import { isProblem } from "../../src/protocol/mod.ts";
import { Search, verifyStore } from "../../src/store/mod.ts";
import { words } from "../../src/store/search/words.ts";
import { concat } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, type Fields, noise } from "../support/message.ts";
import { HERE, sending, sent, settings, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS]);
}

function find(store: TestStore, user: string, query: string, limit = 100, offset = 0): number[] {
  using search = new Search(store.folder);
  return search.find(addressOf(user), query, limit, offset).map(({ id }) => id);
}

/** Takes a message in; its id. */
async function receive(store: TestStore, fields: Partial<Fields> = {}): Promise<number> {
  const message = draft({ from: CAROL, to: [ALICE], ...fields });
  await store.accept(message);
  return store.idOf(message);
}

/** Who of the three finds `query`. */
function finders(store: TestStore, query: string): string[] {
  return [ALICE, BOB, CHRIS].filter((user) => find(store, user, query).length > 0);
}

async function inOrder(store: TestStore): Promise<void> {
  assert.deepEqual((await verifyStore(store.folder, settings())).findings, []);
}

Deno.test("search: topic, body, addresses and file names are found, the newest first", async () => {
  await using store = await users();
  const first = await receive(store, {
    topic: "Lunch on Friday",
    body: "At the Café, say at noon?",
    attachments: [{ filename: "Menu_2024.pdf", body: "%PDF soup" }],
  });
  const second = await receive(store, {
    topic: "Dinner",
    body: "Not on Friday.",
    to: [ALICE, EVE],
  });
  assert.deepEqual(find(store, ALICE, "friday"), [second, first]);
  for (
    const query of ["LUNCH", "cafe noon", '"the café"', "carol menu", "menu.pdf -soup", "2024"]
  ) {
    assert.deepEqual(find(store, ALICE, query), query === "menu.pdf -soup" ? [] : [first], query);
  }
  assert.deepEqual(find(store, ALICE, "from:@carol@far.example"), [second, first]);
  assert.deepEqual(find(store, ALICE, "to:eve"), [second]);
  assert.deepEqual(find(store, ALICE, "from:eve"), []);
  assert.deepEqual(find(store, ALICE, "topic:friday"), [first]);
  assert.deepEqual(find(store, ALICE, "friday -topic:friday"), [second]);
  assert.deepEqual(find(store, ALICE, "file:menu"), [first]);
  assert.deepEqual(find(store, ALICE, '"at noon say"'), []);
  assert.deepEqual(find(store, ALICE, "soup"), [], "what is in attachments is not indexed");
  assert.deepEqual(find(store, ALICE, "-dinner"), [first]);
  assert.deepEqual(find(store, ALICE, "friday", 1, 1), [first]);
  assert.deepEqual(find(store, ALICE, "friday", 0), []);
  assert.deepEqual(find(store, BOB, "friday"), []);
  await inOrder(store);
});

Deno.test("search: Chinese, Japanese, Korean and Thai are found by any row of characters", async () => {
  await using store = await users();
  const id = await receive(store, {
    topic: "明日の会議",
    body: "東京タワーで会いましょう。서울에서 만나요. ขอบคุณครับ",
    from: "@王小明@xn--fsqu00a.example",
  });
  const found = [
    "会議",
    "東京",
    "タワー",
    "ﾀﾜｰ",
    "서울",
    "만나",
    "ขอบคุณ",
    "王小明",
    "例子",
    "topic:明日",
  ];
  for (const query of found) assert.deepEqual(find(store, ALICE, query), [id], query);
  for (const query of ["京東", "議会", "울서"]) {
    assert.deepEqual(find(store, ALICE, query), [], query);
  }
});

Deno.test("search: nobody finds what others have, whatever the words are", async () => {
  await using store = await users();
  await receive(store, { to: [ALICE], body: "secret shared" });
  const own = await receive(store, { to: [BOB], body: "shared" });
  assert.deepEqual(find(store, BOB, "shared"), [own]);
  assert.deepEqual(find(store, BOB, "secret"), []);
  assert.deepEqual(find(store, BOB, "-nothing"), [own]);
  const key = addressOf(ALICE).key;
  for (const query of [key, `who:${key}`, "who", '" OR who : *']) {
    assert.ok(!find(store, BOB, query).some((id) => id !== own), query);
  }
  assert.deepEqual(find(store, EVE, "shared"), []);
});

Deno.test("search: senders and those who are added find it, who deleted it does not, and with the last it is gone", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, CAROL], body: "walrus" }));
  assert.deepEqual(finders(store, "walrus"), [ALICE, BOB]);
  assert.deepEqual(finders(store, "to:chris"), []);
  sent(await store.addTo(id, BOB, CHRIS));
  assert.deepEqual(finders(store, "walrus"), [ALICE, BOB, CHRIS]);
  assert.deepEqual(finders(store, "to:chris"), [ALICE, BOB, CHRIS]);
  await inOrder(store);
  await store.writer.submit("cancel", { message: id, domain: null });
  for (const [user, left] of [[BOB, [ALICE, CHRIS]], [ALICE, [CHRIS]], [CHRIS, []]] as const) {
    assert.ok(!isProblem(await store.writer.submit("delete", { message: id, for: user })));
    assert.deepEqual(finders(store, "walrus"), left);
    await inOrder(store);
  }
  assert.equal(store.count("search_docsize"), 0);
});

Deno.test("search: what retention deletes is found no more; a user who comes back finds what is left", async () => {
  await using store = await users();
  const old = await receive(store, { to: [ALICE, BOB], body: "old walrus" });
  const rules = { maxAge: null, users: { [addressOf(ALICE).key]: -10 }, limit: 100 };
  await store.writer.submit("expire", rules);
  assert.deepEqual(finders(store, "walrus"), [BOB]);
  await store.writer.submit("removeUser", { key: addressOf(BOB).key });
  await store.addUser(BOB);
  assert.deepEqual(find(store, BOB, "walrus"), [old]);
  await inOrder(store);
});

Deno.test("search: a batch that arrives is followed, and one that was there before its original", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE, EVE], body: "walrus" });
  const batch = addTo(original, { from: EVE, to: [BOB] });
  await store.accept(batch);
  assert.deepEqual(finders(store, "walrus"), [ALICE, BOB]);
  await inOrder(store);
  await store.accept(original);
  const id = store.idOf(original);
  assert.deepEqual(find(store, ALICE, "to:bob walrus"), [id]);
  assert.deepEqual(find(store, BOB, "to:bob walrus"), [id]);
  await store.acceptBatch(addTo(original, { from: EVE, to: [CHRIS] }));
  assert.deepEqual(find(store, CHRIS, "walrus"), [id]);
  await store.acceptBatch(addTo(original, { from: EVE, to: ["@new@third.example"] }));
  assert.deepEqual(finders(store, "to:@new@third.example"), [ALICE, BOB, CHRIS]);
  await inOrder(store);
});

Deno.test("search: a draft is not found before it is sent", async () => {
  await using store = await users();
  const { name, input } = sending({ from: ALICE, to: [BOB], body: "walrus" });
  assert.ok(name === "send");
  const drafted = await store.writer.submit("draft", input);
  assert.ok(!isProblem(drafted));
  assert.deepEqual(finders(store, "walrus"), []);
  const done = await store.writer.submit("sendDraft", { id: drafted.id, from: ALICE });
  assert.equal(done.kind, "sent");
  assert.deepEqual(find(store, BOB, "walrus"), [drafted.id]);
  assert.deepEqual(find(store, ALICE, "walrus"), [drafted.id]);
});

Deno.test("search: an operation that fails leaves nothing, others in its group do", async () => {
  await using store = await users();
  const good = draft({ from: CAROL, to: [ALICE], body: "walrus" });
  const bad = {
    ...draft({ from: CAROL, to: [ALICE], body: "walrus" }),
    payload: new Uint8Array(1),
  };
  const [one, other] = await store.group(whole(bad), whole(good));
  assert.deepEqual([one?.ok, other?.ok], [false, true]);
  assert.deepEqual(find(store, ALICE, "walrus"), [store.idOf(good)]);
  await inOrder(store);
});

Deno.test("search: text is read as its type says, compressed or not, and only text", async () => {
  await using store = await users();
  const latin = Uint8Array.from("caf\xe9 walrus", (character) => character.charCodeAt(0));
  const utf16 = new Uint8Array([...`walrus`].flatMap((character) => [0, character.charCodeAt(0)]));
  const texts: readonly Partial<Fields>[] = [
    { type: "text/plain;charset=ISO-8859-1", body: latin },
    { type: "text/plain;charset=UTF-16", body: utf16 },
    { type: "application/json", body: '{"animal":"walrus"}' },
    { type: "text/html", body: "<p class=seal>wal<b>x</b>walrus</p>" },
    { type: "text/markdown", body: "# walrus ".repeat(1000), compress: true },
    { type: "text/plain;charset=unheard-of", body: "walrus" },
  ];
  const ids: number[] = [];
  for (const fields of texts) ids.unshift(await receive(store, fields));
  await receive(store, { type: "application/octet-stream", body: "walrus" });
  await receive(store, { type: "image/png", body: "walrus" });
  // What its type calls UTF-8, and is not: a letter or two may be wrong, not all of them.
  ids.unshift(
    await receive(store, { body: Uint8Array.from([0xe9, ...encoded(" a walrus on ice")]) }),
  );
  await receive(store, { body: concat([encoded("walrus "), noise(5000)]) });
  assert.deepEqual(find(store, ALICE, "walrus"), ids);
  assert.deepEqual(find(store, ALICE, "cafe"), [ids.at(-1)]);
  assert.deepEqual(find(store, ALICE, "seal"), []);
});

Deno.test("search: of a long text the beginning is found, also when it is compressed a thousandfold", async () => {
  await using store = await users();
  const text = `first ${"and so on ".repeat(8000)} last`;
  const bomb = `first ${" ".repeat(9_000_000)} last`;
  const ids: number[] = [];
  for (const body of [text, bomb]) {
    for (const compress of [false, true]) {
      if (body === bomb && !compress) continue;
      ids.unshift(await receive(store, { body, compress }));
    }
  }
  assert.ok(deflateSync(bomb).length < 20_000);
  assert.deepEqual(find(store, ALICE, "first"), ids);
  assert.deepEqual(find(store, ALICE, "last"), []);
});

Deno.test("search: what was stored is found by each of its words, and never by others", async () => {
  const letter = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(..."abcABÄéßσς 1-.,_ ") },
    {
      weight: 2,
      arbitrary: fc.constantFrom("東", "京", "カ", "서", "ท", "ี", "א", "ب", "हि", "👩‍💻", "Ｆ"),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
  );
  const text = fc.array(letter, { maxLength: 25 }).map((letters) =>
    letters.join("").toWellFormed()
  );
  await using store = await TestStore.open([ALICE]);
  const stored: { readonly id: number; readonly has: ReadonlySet<string> }[] = [];
  const addresses = words(`${CAROL} ${ALICE}`);
  await fc.assert(
    fc.asyncProperty(text, async (body) => {
      const id = await receive(store, { body });
      stored.unshift({ id, has: new Set([...words(body), ...addresses]) });
    }),
    { numRuns: 40 },
  );
  using search = new Search(store.folder);
  for (const word of new Set(stored.flatMap(({ has }) => [...has]))) {
    const found = search.find(addressOf(ALICE), `"${word}"`, 1000, 0).map(({ id }) => id);
    const expected = stored.filter(({ has }) => has.has(word)).map(({ id }) => id);
    assert.deepEqual(found, expected, JSON.stringify(word));
  }
});

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

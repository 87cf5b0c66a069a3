// What is read of a message by several statements is of one moment, though others commit between them.

import assert from "node:assert/strict";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { Database, type Row, storeFile } from "../../src/store/database.ts";
import { IdentityMailbox } from "../../src/store/identity_mailbox.ts";
import { addressOf } from "../support/arbitraries.ts";
import { keep } from "./identities.ts";
import { HERE, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const FAR = "@carol@far.example";

/** A connection before whose statements somebody else commits. */
class Interrupted extends Database {
  constructor(file: string, readonly before: (sql: string) => void) {
    super(new DatabaseSync(file, { readOnly: true }));
  }

  override all(sql: string, ...values: SQLInputValue[]): Row[] {
    this.before(sql);
    return super.all(sql, ...values);
  }

  override get(sql: string, ...values: SQLInputValue[]): Row | null {
    this.before(sql);
    return super.get(sql, ...values);
  }
}

/** What Alice's mailbox reads while `change` is committed before the first statement that has to do with `table`. */
function readDuring<Value>(
  store: TestStore,
  table: string,
  change: string,
  read: (mailbox: IdentityMailbox) => Value,
): Value {
  const file = storeFile(store.folder);
  const other = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  let is = "before";
  using db = new Interrupted(file, (sql) => {
    if (is === "before" && sql.includes(`FROM ${table}`)) {
      is = "after";
      other.exec(change);
    }
  });
  try {
    const value = read(new IdentityMailbox(db, addressOf(ALICE)));
    assert.equal(is, "after", `${table} is read`);
    return value;
  } finally {
    other.close();
  }
}

Deno.test("N7 a delivery that ends while it is read is seen as before or as after, and as nothing between", async () => {
  const change = `BEGIN IMMEDIATE; UPDATE outbound SET state = 'done', attempts = 1;
    UPDATE recipient SET state = 'delivered', code = 200, at = 1; COMMIT`;
  for (
    const read of [
      (mailbox: IdentityMailbox, id: number) => mailbox.message(id),
      (mailbox: IdentityMailbox) => mailbox.authored(9, 0)[0],
      (mailbox: IdentityMailbox, id: number) => mailbox.thread(id)?.[0],
    ]
  ) {
    await using store = await TestStore.open([ALICE]);
    const { id } = sent(await store.send({ from: ALICE, to: [FAR] }));
    const seen = readDuring(store, "outbound", change, (mailbox) => read(mailbox, id));
    assert.deepEqual(
      seen?.toDelivery.map(({ state, attempts }) => [state, attempts]),
      [["pending", 0]],
    );
  }
});

Deno.test("N3 a draft that is deleted while it is read is there whole, with its parts", async () => {
  await using store = await TestStore.open([ALICE]);
  const id = await keep(store, ALICE, [FAR]);
  const part = readDuring(
    store,
    "draft_part",
    "DELETE FROM draft_part; DELETE FROM draft",
    (mailbox) => mailbox.part(id, null),
  );
  assert.notEqual(part, null);
});

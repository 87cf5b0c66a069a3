// What the audit of a store finds: each way in which rows can be wrong, in the words that a user reads.

import assert from "node:assert/strict";
import { HERE } from "./support.ts";
import {
  ALICE,
  BATCH,
  BOB,
  broken,
  bySql,
  EARLY,
  RECEIVED,
  REPLY,
  SENT,
  whole,
  words,
} from "./verify_setup.ts";

/** How a store is broken, and all that is found then. */
const CASES: readonly {
  readonly name: string;
  readonly sql: string;
  readonly finds: readonly (string | RegExp)[];
}[] = [
  {
    name: "a byte of content that changed",
    sql:
      `UPDATE chunk SET bytes = CAST(substr(bytes, 1, 100) || x'00' || substr(bytes, 102) AS BLOB)
      WHERE id = (SELECT content * 1048576 + 2 FROM message WHERE id = ${RECEIVED})`,
    finds: [
      "Message 1: its hash does not come out of its header and content",
      "Batch 4 on message 1: its hash does not come out of its header and content",
    ],
  },
  {
    name: "compressed content that does not inflate",
    sql: `UPDATE chunk SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB)
      WHERE id = (SELECT content * 1048576 FROM message WHERE id = ${RECEIVED})`,
    finds: [
      /^Message 1: its content is not what its header says \(.+\)$/,
      /^Batch 4 on message 1: its content is not what its header says \(.+\)$/,
    ],
  },
  {
    name: "a chunk that is gone",
    sql: `DELETE FROM chunk
      WHERE id = (SELECT content * 1048576 + 1 FROM message WHERE id = ${RECEIVED})`,
    finds: [
      "Content 1: its pieces do not fit together",
      /^Message 1: its content is not what its header says \(Less content/,
      /^Batch 4 on message 1: its content is not what its header says \(Less content/,
    ],
  },
  {
    name: "a first chunk that is gone",
    sql: "DELETE FROM chunk WHERE id = 1048576",
    finds: ["Content 1: its pieces do not fit together", /^Message 1: /, /^Batch 4 on message 1: /],
  },
  {
    name: "a chunk in the middle that is too short",
    sql: "UPDATE chunk SET bytes = x'00' WHERE id = 1048577",
    finds: ["Content 1: its pieces do not fit together", /^Message 1: /, /^Batch 4 on message 1: /],
  },
  {
    name: "more content than the header says",
    sql: `INSERT INTO chunk (id, bytes)
      SELECT max(id) + 1, x'00' FROM chunk WHERE id < 2 * 1048576`,
    finds: ["Content 1: its pieces do not fit together"],
  },
  {
    name: "content that is gone",
    sql: `DELETE FROM chunk WHERE id / 1048576 = (SELECT content FROM message WHERE id = ${SENT});
      DELETE FROM content WHERE id = (SELECT content FROM message WHERE id = ${SENT})`,
    finds: ["Message 2: its content is not here"],
  },
  {
    name: "content of no message",
    sql: "INSERT INTO content (id, staged) VALUES (77, 0)",
    finds: ["Content 77 belongs to no message, and takes up space"],
  },
  {
    name: "chunks of no content",
    sql: "INSERT INTO chunk (id, bytes) VALUES (88 * 1048576, x'00')",
    finds: ["Content 88: there are pieces of it that belong to nothing"],
  },
  {
    name: "two messages with one content",
    sql: `UPDATE message SET content = (SELECT content FROM message WHERE id = ${SENT})
      WHERE id = ${REPLY}`,
    finds: [
      /^Message 3: its content is not what its header says/,
      /^Content \d+ belongs to no message, and takes up space$/,
      /^Messages 2 and 3 have the same content \d+$/,
    ],
  },
  {
    name: "a header of which a byte changed",
    sql: `UPDATE message SET header = CAST(substr(header, 1, length(header) - 5) ||
        x'01' || substr(header, length(header) - 3) AS BLOB) WHERE id = ${SENT}`,
    finds: [
      "Message 2: its header's hash does not come out of its header",
      /^Message 2: its content is not what its header says/,
      /^User @alice@here.example: send_bytes is counted as/,
      /^User @bob@here.example: recv_bytes is counted as/,
    ],
  },
  {
    name: "a header that is none",
    sql: `UPDATE message SET header = x'0102' WHERE id = ${SENT}`,
    finds: [
      /^Message 2: it cannot be read \(These 2 bytes are no message header/,
      "User @alice@here.example: send_messages is counted as 3 where 2 is here",
      /^User @alice@here.example: send_bytes is counted as/,
      "User @bob@here.example: recv_messages is counted as 3 where 2 is here",
      /^User @bob@here.example: recv_bytes is counted as/,
    ],
  },
  {
    name: "a header's hash that is another",
    sql: `UPDATE message SET header_hash = zeroblob(32) WHERE id = ${RECEIVED}`,
    finds: ["Message 1: its header's hash does not come out of its header"],
  },
  {
    name: "a hash that is another",
    sql: `UPDATE message SET hash = zeroblob(32) WHERE id = ${EARLY}`,
    finds: ["Message 6: its hash does not come out of its header and content"],
  },
  {
    name: "columns that are not what the header says",
    sql: `UPDATE message SET batch = 1, pid = zeroblob(32), from_key = '${BOB}', time = 1,
        participated = 0 WHERE id = ${SENT}`,
    finds: [
      "Message 2: pid, batch, from_key, time, participated is not what its header says",
      /^User @alice@here.example: send_messages is counted as 3 where 2 is here/,
      /^User @alice@here.example: send_bytes/,
      "User @bob@here.example: send_messages is counted as 0 where 1 is here",
      /^User @bob@here.example: send_bytes/,
      "Message 2: @alice@here.example finds it when searching, and does not have it",
    ],
  },
  {
    name: "a batch without its original",
    sql: `UPDATE message SET original = 99 WHERE id = ${BATCH}`,
    finds: [
      'A row 4 of the table "message" refers to a message that is not here',
      "Batch 4 on message 99: the message that it belongs to is not here",
      "Message 99: @alice@here.example does not find it when searching",
    ],
  },
  {
    name: "a batch under another message",
    sql: `UPDATE message SET original = ${SENT} WHERE id = ${BATCH}`,
    finds: [
      "Batch 4 on message 2: it is not a batch of that message",
      "Batch 4 on message 2: it does not use that message's content",
      /^Batch 4 on message 2: its content is not what its header says/,
    ],
  },
  {
    name: "a recipient who is not on the message",
    sql: `UPDATE recipient SET key = '@eve@${HERE}' WHERE message = ${RECEIVED} AND place = 0`,
    finds: [
      "Message 1: @eve@here.example is not its recipient number 1",
      "User @alice@here.example: recv_messages is counted as 2 where 1 is here",
      /^User @alice@here.example: recv_bytes/,
      "Message 1: @eve@here.example does not find it when searching",
    ],
  },
  {
    name: "a recipient of a message that is not here",
    sql: "INSERT INTO recipient (message, place, key, state) VALUES (99, 0, '@x@y.test', 'failed')",
    finds: ['A row of the table "recipient" refers to a message that is not here'],
  },
  {
    name: "a recipient who has what they have not taken",
    sql: `UPDATE recipient SET state = 'failed' WHERE message = ${RECEIVED} AND place = 1`,
    finds: ["Message 1: @bob@here.example has it without having taken it"],
  },
  {
    name: "a message that is listed as another",
    sql: `UPDATE recipient SET shown = ${SENT} WHERE message = ${RECEIVED} AND place = 1`,
    finds: [
      "Message 1: for @bob@here.example it is listed as message 2 in place of 1",
      "Message 1: @bob@here.example finds it when searching, and does not have it",
    ],
  },
  {
    name: "a recipient who waits for nothing",
    sql: `UPDATE outbound SET state = 'done' WHERE message = ${REPLY}`,
    finds: ["Message 3: @carol@far.example waits for a delivery that is not there"],
  },
  {
    name: "a delivery that is held back for ever",
    sql: `UPDATE outbound SET state = 'done' WHERE message = ${SENT};
      UPDATE recipient SET state = 'delivered' WHERE message = ${SENT} AND state = 'pending'`,
    finds: [
      "Message 3: its delivery to far.example is held back for a message that does not go there",
    ],
  },
  {
    name: "a delivery to where nobody is",
    sql: `UPDATE outbound SET domain = 'other.example' WHERE message = ${BATCH}`,
    finds: [
      "Batch 4 on message 1: @dora@far.example waits for a delivery that is not there",
      "Batch 4 on message 1: it is to be delivered to other.example, where nobody is on it",
    ],
  },
  {
    name: "a message that nobody has",
    sql: `DELETE FROM recipient WHERE message = ${EARLY}`,
    finds: [
      "Message 6: nobody here has it, or any batch on it",
      "User @alice@here.example: recv_messages is counted as 2 where 1 is here",
      /^User @alice@here.example: recv_bytes/,
      /^User @bob@here.example: recv_messages is counted as 3 where 2 is here/,
      /^User @bob@here.example: recv_bytes/,
      "Message 6: @alice@here.example finds it when searching, and does not have it",
      "Message 6: @bob@here.example finds it when searching, and does not have it",
    ],
  },
  {
    name: "a count that is wrong",
    sql: `UPDATE user SET recv_messages = 9, recv_bytes = 0 WHERE key = '${ALICE}'`,
    finds: [
      "User @alice@here.example: recv_messages is counted as 9 where 2 is here",
      /^User @alice@here.example: recv_bytes is counted as 0 where \d+ is here$/,
    ],
  },
  {
    name: "a draft of which content is missing",
    sql: `DELETE FROM chunk WHERE id / 1048576 = (SELECT content FROM draft_part)`,
    finds: ["Draft 5: 0 of the 5 bytes of its data are here"],
  },
  {
    name: "a draft of which an attachment is missing",
    sql: `UPDATE draft SET fields = json_insert(fields, '$.attachments[#]',
      json('{"type": "text/plain", "size": 1, "expandedSize": null, "filename": "a"}'))`,
    finds: ["Draft 5: 1 of its 2 parts are here"],
  },
  {
    name: "a draft that is counted wrongly",
    sql: "UPDATE draft SET bytes = 3",
    finds: [/^Draft 5: it is counted as 3 bytes where \d+ are here$/],
  },
  {
    name: "a piece of a message that is gone, and one that begins elsewhere",
    sql: `INSERT INTO content (id, staged) VALUES (77, 0), (78, 0);
      INSERT INTO piece VALUES (77, 0, (SELECT content FROM message WHERE id = ${SENT}), 0),
        (77, 1, 78, 9);
      UPDATE message SET content = 77 WHERE id = ${SENT};
      DELETE FROM chunk WHERE id / 1048576 = (SELECT part FROM piece WHERE place = 0)`,
    finds: [/^Message 2: /],
  },
  {
    name: "a part of no draft",
    sql: "UPDATE draft_part SET draft = 99",
    finds: [
      'A row of the table "draft_part" refers to a draft that is not here',
      "Draft 5: 0 of its 1 parts are here",
    ],
  },
  {
    name: "a draft that has the content of a message",
    sql: `UPDATE draft_part SET content = (SELECT content FROM message WHERE id = ${SENT})`,
    finds: [
      /^Content \d+ belongs to no message, and takes up space$/,
      /^Messages 2 and 5 have the same content \d+$/,
    ],
  },
  {
    name: "read by one who does not have it",
    sql: `INSERT INTO read_mark VALUES (${SENT}, '${BOB}', 0), (${SENT}, '${ALICE}', 0)`,
    finds: ["Message 2: @alice@here.example has read it and does not have it"],
  },
  {
    name: "a message that is not in the index",
    sql: `DELETE FROM search WHERE rowid = ${EARLY}`,
    finds: [
      "Message 6: @alice@here.example does not find it when searching",
      "Message 6: @bob@here.example does not find it when searching",
    ],
  },
  {
    name: "words in the index of a message that is not here",
    sql: "INSERT INTO search (rowid, body) VALUES (99, 'secret')",
    finds: ["Message 99 is gone, and its words are still in the index"],
  },
  {
    name: "a draft that is none",
    sql: `UPDATE draft SET fields = '{"from": 1}'`,
    finds: [/^Draft 5: it cannot be read \(/],
  },
  {
    name: "a draft of somebody else",
    sql: `UPDATE draft SET from_key = '${BOB}'`,
    finds: ["Draft 5: it is kept for another than its sender"],
  },
  {
    name: "a table that is gone",
    sql: "DROP TABLE outbound",
    finds: [/no such table: outbound/],
  },
];

Deno.test("P6 every way in which a store is broken is found", async (t) => {
  using store = await whole();
  for (const { name, sql, finds } of CASES) {
    await t.step(name, async () => {
      const report = await broken(store.folder, bySql(sql));
      const found = words(report);
      assert.ok(finds.length <= found.length, `only ${found.join("\n")}`);
      for (const [i, wanted] of finds.entries()) {
        if (typeof wanted === "string") assert.equal(found[i], wanted);
        else assert.match(found[i] ?? "", wanted);
      }
      // Of a file that is damaged, whatever else is wrong is a matter of luck.
      if (!/file is damaged|cannot be/.test(found.join())) {
        assert.equal(found.length, finds.length, found.join("\n"));
      }
      for (const { remedy } of report.findings) {
        assert.match(remedy, /restore|delete it with "fmsg message delete \d+"/);
      }
    });
  }
});

// Host A, "Sending a Message", steps 4 to 11: what is sent, and what is made of the answers.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  deliverMessage,
  type Delivery,
  type DeliveryRecord,
  type Response,
  Terminate,
} from "../../src/protocol/mod.ts";
import { concat, encodeHeader } from "../../src/wire/mod.ts";
import { firstMessage, type Script, utf8 } from "./facts.ts";
import { type Link, MemoryConnection, PLAIN_LINK, Simulation } from "./support.ts";

const HEADER = encodeHeader(firstMessage({ size: 10 }));
const CHUNKS = [utf8("first"), utf8("other")];
const MESSAGE = { header: HEADER, addTo: false, recipients: 2, content: () => CHUNKS };
const BATCH = { ...MESSAGE, addTo: true };
const NOTIFICATION = { ...BATCH, recipients: 0 };
const ANSWER_WITHIN = 20_000;

interface Delivered {
  readonly response: Response | Terminate;
  readonly record: DeliveryRecord;
  readonly connection: MemoryConnection;
}

async function deliver(
  delivery: Delivery,
  script: Script,
  back: Link = PLAIN_LINK,
): Promise<Delivered> {
  const simulation = new Simulation();
  const ends = ["192.0.2.1", "192.0.2.2"] as const;
  const [connection, peer] = MemoryConnection.pair(simulation, ends, PLAIN_LINK, back);
  const record = { codes: [], bytes: 0 };
  const [response] = await Promise.all([
    simulation.run(async () => {
      try {
        return await deliverMessage(connection, delivery, ANSWER_WITHIN, record);
      } catch (error) {
        assert.ok(error instanceof Terminate, `${error}`);
        return error;
      } finally {
        connection.close();
      }
    }),
    simulation.run(() => script(peer)),
  ]);
  return { response, record, connection };
}

/** A peer that says the first code, and then the others once it has the content that this code asks for. */
function answers(first: number, ...codes: number[]): Script {
  return async (peer) => {
    await peer.read(HEADER.length);
    await peer.write(Uint8Array.of(first));
    if (codes.length === 0) return;
    if (first === 64) await peer.read(10);
    await peer.write(Uint8Array.from(codes));
  };
}

/** What has been sent behind the header. */
function contentSent({ connection }: Delivered): number[] {
  assert.deepEqual(connection.sent.slice(0, HEADER.length), [...HEADER]);
  return connection.sent.slice(HEADER.length);
}

Deno.test("D4 1 to 10 reject the message for all there, and nothing more is sent or read", async () => {
  for (const delivery of [MESSAGE, BATCH, NOTIFICATION]) {
    for (let code = 1; code <= 10; code++) {
      const delivered = await deliver(delivery, answers(code, 200, 200));
      assert.deepEqual(delivered.response, { kind: "rejected", code });
      assert.deepEqual(contentSent(delivered), []);
      assert.deepEqual(delivered.record, { codes: [code], bytes: HEADER.length });
      assert.equal(delivered.connection.taken, 1);
    }
  }
});

Deno.test("D4 11 accepts a batch with recipients there or none, and no other message", async () => {
  for (const delivery of [BATCH, NOTIFICATION]) {
    const delivered = await deliver(delivery, answers(11));
    assert.deepEqual(delivered.response, { kind: "add to accepted" });
    assert.deepEqual(contentSent(delivered), []);
    assert.deepEqual(delivered.record.codes, [11]);
  }
  const wrong = await deliver(MESSAGE, answers(11));
  assertUnexpected(wrong, 11, "accept add to");
});

Deno.test("D4 64: the content follows, all of it and nothing else, and then a code for each recipient", async () => {
  for (const delivery of [MESSAGE, BATCH]) {
    const delivered = await deliver(delivery, answers(64, 200, 103));
    assert.deepEqual(delivered.response, { kind: "codes", codes: [200, 103], lost: null });
    assert.deepEqual(contentSent(delivered), [...concat(CHUNKS)]);
    assert.deepEqual(delivered.record, { codes: [64, 200, 103], bytes: HEADER.length + 10 });
  }
});

Deno.test("D4 no content is sent before 64 is here", async () => {
  const delivered = await deliver(MESSAGE, async (peer) => {
    await peer.read(HEADER.length);
    peer.end();
  });
  assert.deepEqual(contentSent(delivered), []);
});

Deno.test("D4 65: no content is sent, a code for each recipient is read, and only of a batch", async () => {
  const delivered = await deliver(BATCH, answers(65, 200, 200));
  assert.deepEqual(delivered.response, { kind: "codes", codes: [200, 200], lost: null });
  assert.deepEqual(contentSent(delivered), []);
  const wrong = await deliver(MESSAGE, answers(65, 200, 200));
  assertUnexpected(wrong, 65, "skip data");
});

Deno.test("B5 a notification is answered by one code: 64 and 65 make no sense there", async () => {
  assertUnexpected(await deliver(NOTIFICATION, answers(64)), 64, "continue");
  assertUnexpected(await deliver(NOTIFICATION, answers(65)), 65, "skip data");
});

function assertUnexpected(delivered: Delivered, code: number, name: string): void {
  const { response } = delivered;
  assert.ok(response instanceof Terminate);
  assert.equal(response.message, `unexpected code: ${code} (${name})`);
  assert.equal(response.reason, "unexpected code");
  assert.deepEqual(contentSent(delivered), []);
  assert.deepEqual(delivered.record.codes, [code]);
}

Deno.test("D4 every other first code terminates, and is logged", async () => {
  const known = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 64, 65]);
  for (let code = 0; code < 256; code++) {
    if (known.has(code)) continue;
    for (const delivery of [MESSAGE, BATCH, NOTIFICATION]) {
      const { response, record } = await deliver(delivery, answers(code));
      assert.ok(response instanceof Terminate && response.reason === "unexpected code", `${code}`);
      assert.deepEqual(record.codes, [code]);
    }
  }
});

Deno.test("D5 codes of recipients may come one by one, all at once, or with the first code", async () => {
  const three = { ...BATCH, recipients: 3 };
  const expected = { kind: "codes", codes: [200, 100, 105], lost: null };
  const joined = await deliver(three, async (peer) => {
    await peer.write(Uint8Array.of(65, 200, 100, 105));
    await peer.read(HEADER.length);
  });
  assert.deepEqual(joined.response, expected);
  const single = await deliver(three, async (peer) => {
    await peer.read(HEADER.length);
    for (const code of [65, 200, 100, 105]) await peer.write(Uint8Array.of(code));
  });
  assert.deepEqual(single.response, expected);
});

Deno.test("D5 every code of 100 and above is one for a recipient, also those without a name", async () => {
  for (let code = 100; code < 256; code++) {
    const { response } = await deliver(MESSAGE, answers(64, code, 200));
    assert.deepEqual(response, { kind: "codes", codes: [code, 200], lost: null });
  }
});

Deno.test("D5 a code below 100 among them ends the reading; what came before it counts", async () => {
  for (let code = 0; code < 100; code++) {
    for (const before of [[], [200]]) {
      const { response, record } = await deliver(MESSAGE, answers(64, ...before, code, 200));
      assert.ok(!(response instanceof Terminate) && response.kind === "codes");
      assert.deepEqual(response.codes, before);
      assert.equal(response.lost?.reason, "unexpected code");
      assert.deepEqual(record.codes, [64, ...before, code]);
    }
  }
});

Deno.test("D5 a connection lost midway leaves the codes that came", async () => {
  const many = { ...MESSAGE, recipients: 4 };
  const codes = [200, 101, 103];
  for (let heard = 0; heard <= codes.length; heard++) {
    const { response, record } = await deliver(many, async (peer) => {
      await answers(64, ...codes.slice(0, heard))(peer);
      peer.end();
    });
    assert.ok(!(response instanceof Terminate) && response.kind === "codes");
    assert.deepEqual(response.codes, codes.slice(0, heard));
    assert.equal(response.lost?.reason, "connection lost");
    assert.deepEqual(record.codes, [64, ...codes.slice(0, heard)]);
  }
});

Deno.test("D5 a connection torn down midway, and one that falls silent, leave the codes that came", async () => {
  const torn = await deliver(MESSAGE, answers(64, 200, 200), { ...PLAIN_LINK, cutAfter: 2 });
  assert.ok(!(torn.response instanceof Terminate) && torn.response.kind === "codes");
  assert.deepEqual(torn.response.codes, [200]);
  assert.equal(torn.response.lost?.reason, "connection lost");
  const silent = await deliver(MESSAGE, answers(64, 200));
  assert.ok(!(silent.response instanceof Terminate) && silent.response.kind === "codes");
  assert.deepEqual(silent.response.codes, [200]);
  assert.equal(silent.response.lost?.reason, "answer not in time");
});

Deno.test("D5 codes beyond the recipients are not read", async () => {
  const { response, connection } = await deliver(MESSAGE, answers(64, 200, 100, 101, 102));
  assert.deepEqual(response, { kind: "codes", codes: [200, 100], lost: null });
  assert.equal(connection.taken, 3);
});

Deno.test("D6 a host that says nothing, closes or breaks off before a code is a Terminate", async () => {
  const silent = await deliver(MESSAGE, (peer) => peer.read(HEADER.length).then(() => {}));
  assert.ok(silent.response instanceof Terminate);
  assert.equal(silent.response.reason, "answer not in time");
  assert.deepEqual(silent.record, { codes: [], bytes: HEADER.length });
  const closing = await deliver(MESSAGE, (peer) => Promise.resolve(peer.end()));
  const breaking = await deliver(MESSAGE, (peer) => Promise.resolve(peer.destroy()));
  for (const { response, record } of [closing, breaking]) {
    assert.ok(response instanceof Terminate && response.reason === "connection lost");
    assert.deepEqual(record.codes, []);
  }
});

Deno.test("D6 a host that breaks off while it gets the content is a Terminate", async () => {
  const content = () => Array.from({ length: 20 }, () => new Uint8Array(64 * 1024));
  const { response, record } = await deliver({ ...MESSAGE, content }, async (peer) => {
    await peer.write(Uint8Array.of(64));
    await peer.read(HEADER.length + 100_000);
    peer.destroy();
  });
  assert.ok(response instanceof Terminate && response.reason === "connection lost");
  assert.deepEqual(record.codes, [64]);
  assert.ok(record.bytes > HEADER.length + 60_000 && record.bytes < HEADER.length + 400_000);
});

Deno.test("S2 a host that takes no more content is cut off as idle", async () => {
  const content = () => Array.from({ length: 4 }, () => new Uint8Array(64 * 1024));
  const { response } = await deliver(
    { ...MESSAGE, content },
    (peer) => peer.write(Uint8Array.of(64)),
  );
  assert.ok(response instanceof Terminate && response.reason === "idle");
});

Deno.test("S2 while this host sends, the bytes have to flow; then the answer has its deadline", async () => {
  const { connection } = await deliver(MESSAGE, answers(64, 200, 200));
  const answer = "answer not in time";
  assert.deepEqual(connection.paces, ["flow", answer, "flow", answer]);
});

Deno.test("content is asked for once and only after 64", async () => {
  let asked = 0;
  const content = () => {
    asked++;
    return CHUNKS;
  };
  await deliver({ ...BATCH, content }, answers(65, 200, 200));
  await deliver({ ...BATCH, content }, answers(6));
  assert.equal(asked, 0);
  await deliver({ ...BATCH, content }, answers(64, 200, 200));
  assert.equal(asked, 1);
});

Deno.test("whatever bytes come back, a delivery ends with an answer or a Terminate", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constantFrom(11, 64, 65, 200), fc.nat(255)), { maxLength: 6 }),
      fc.boolean(),
      fc.nat({ max: 3 }),
      async (bytes, addTo, recipients) => {
        const { response, record } = await deliver(
          { ...MESSAGE, addTo, recipients },
          async (peer) => {
            await peer.write(Uint8Array.from(bytes));
            peer.end();
          },
        );
        assert.deepEqual(record.codes, bytes.slice(0, record.codes.length));
        if (response instanceof Terminate) {
          assert.notEqual(response.reason, "internal error");
        } else if (response.kind === "codes") {
          assert.equal(response.codes.length === recipients, response.lost === null);
        }
      },
    ),
    { numRuns: 300 },
  );
});

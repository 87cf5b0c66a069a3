// "Handling a Challenge": the record of what is on its way, both sides of a challenge, and the first byte.

import assert from "node:assert/strict";
import {
  answerChallenge,
  askChallenge,
  OutgoingRecord,
  serveConnection,
  Terminate,
} from "../../src/protocol/mod.ts";
import {
  asHeaderHash,
  concat,
  encodeHeader,
  type HeaderHash,
  headerHash,
} from "../../src/wire/mod.ts";
import {
  FactualHost,
  firstMessage,
  type Received,
  type Script,
  SENDER_IP,
  sends,
  someHash,
  utf8,
  withPeer,
} from "./facts.ts";

const OTHER_IP = "192.0.2.99";
const DATA = utf8("hello");
const MESSAGE = encodeHeader(firstMessage({ size: DATA.length }));
const HEADER_HASH = headerHash(MESSAGE);
const HASH = someHash(5);
const someHeaderHash = (n: number): HeaderHash => asHeaderHash(new Uint8Array(32).fill(n));
const challengeOf = (hash: Uint8Array): Uint8Array => concat([Uint8Array.of(255), hash]);

Deno.test("C5 a challenge is answered for the header hash and the address together", () => {
  const outgoing = new OutgoingRecord();
  using registration = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
  assert.equal(outgoing.challenge(HEADER_HASH, OTHER_IP), null);
  assert.equal(outgoing.challenge(someHeaderHash(1), SENDER_IP), null);
  assert.equal(registration.challenged, false);
  assert.equal(outgoing.challenge(HEADER_HASH, SENDER_IP), HASH);
  assert.equal(registration.challenged, true);
});

Deno.test("C6 an entry is gone when its exchange ends, and others stay", () => {
  const outgoing = new OutgoingRecord();
  {
    using _one = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
    using _other = outgoing.register(someHeaderHash(1), SENDER_IP, someHash(6));
    using _elsewhere = outgoing.register(HEADER_HASH, OTHER_IP, HASH);
    assert.equal(outgoing.size, 3);
    assert.deepEqual(outgoing.challenge(someHeaderHash(1), SENDER_IP), someHash(6));
  }
  assert.equal(outgoing.size, 0);
  assert.equal(outgoing.challenge(HEADER_HASH, SENDER_IP), null);
});

Deno.test("C6 an entry is gone when its exchange throws", () => {
  const outgoing = new OutgoingRecord();
  assert.throws(() => {
    using _registration = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
    throw new Terminate("connection lost");
  });
  assert.equal(outgoing.size, 0);
});

Deno.test("C6 two exchanges share hash and address: answered until the last of them ends", () => {
  const outgoing = new OutgoingRecord();
  for (const lastFirst of [false, true]) {
    const one = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
    const other = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
    const [first, last] = lastFirst ? [other, one] : [one, other];
    first[Symbol.dispose]();
    assert.equal(outgoing.challenge(HEADER_HASH, SENDER_IP), HASH);
    last[Symbol.dispose]();
    assert.equal(outgoing.challenge(HEADER_HASH, SENDER_IP), null);
    assert.equal(outgoing.size, 0);
  }
});

Deno.test("C6 an exchange that begins after another's end has an entry of its own", () => {
  const outgoing = new OutgoingRecord();
  const first = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
  outgoing.challenge(HEADER_HASH, SENDER_IP);
  first[Symbol.dispose]();
  using second = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
  assert.equal(second.challenged, false);
  assert.equal(outgoing.challenge(HEADER_HASH, SENDER_IP), HASH);
});

/** Serves a connection while a message with HEADER_HASH is on its way to `ip`. */
async function serve(
  script: Script,
  ip = SENDER_IP,
): Promise<Received & { readonly host: FactualHost; readonly outgoing: OutgoingRecord }> {
  const host = new FactualHost();
  const outgoing = new OutgoingRecord();
  using _registration = outgoing.register(HEADER_HASH, ip, HASH);
  const received = await withPeer(
    (connection, record) => serveConnection(connection, host, outgoing, record),
    script,
  );
  return { host, outgoing, ...received };
}

Deno.test("R1 the first byte 1 begins a message, which is received whole", async () => {
  for (const script of [sends(MESSAGE, DATA), inSingleBytes(concat([MESSAGE, DATA]))]) {
    const { record, connection, terminated } = await serve(script);
    assert.equal(terminated, null);
    assert.deepEqual(connection.sent, [64, 200]);
    assert.equal(record.kind, "message");
    assert.equal(record.bytes, MESSAGE.length + DATA.length);
  }
});

function inSingleBytes(bytes: Uint8Array): Script {
  return async (peer) => {
    for (const byte of bytes) await peer.write(Uint8Array.of(byte));
  };
}

Deno.test("R1 the first bytes 0, 2 to 127 and 128 are answered with 2", async () => {
  for (let version = 0; version <= 128; version++) {
    if (version === 1) continue;
    const { record, connection, terminated, host } = await serve(
      sends(Uint8Array.of(version), MESSAGE.subarray(1)),
    );
    assert.equal(terminated, null);
    assert.deepEqual(connection.sent, [2]);
    assert.deepEqual(record.codes, [2]);
    assert.equal(record.kind, "unknown");
    assert.deepEqual(host.asked, []);
  }
});

Deno.test("R1 a challenge of another version is terminated without a byte (own decision)", async () => {
  for (let version = 129; version < 255; version++) {
    const { record, connection, terminated } = await serve(
      sends(Uint8Array.of(version), HEADER_HASH),
    );
    assert.equal(terminated?.reason, "challenge version not supported");
    assert.deepEqual(connection.sent, []);
    assert.deepEqual(record.codes, []);
    assert.equal(record.kind, "unknown");
  }
});

Deno.test("R1 a connection that ends before its first byte is lost", async () => {
  const { terminated, connection, record } = await serve((peer) => Promise.resolve(peer.end()));
  assert.equal(terminated?.reason, "connection lost");
  assert.deepEqual(connection.sent, []);
  assert.equal(record.kind, "unknown");
});

Deno.test("C5 255 and a header hash on its way to the challenger: the message hash and the end", async () => {
  for (const script of [sends(challengeOf(HEADER_HASH)), inSingleBytes(challengeOf(HEADER_HASH))]) {
    const { connection, terminated, record, host } = await serve(script);
    assert.equal(terminated, null);
    assert.deepEqual(connection.sent, [...HASH]);
    assert.equal(record.kind, "challenge");
    assert.deepEqual(record.codes, []);
    assert.deepEqual(host.asked, []);
  }
});

Deno.test("C5 of a challenge exactly 33 bytes are read", async () => {
  const { connection } = await serve(async (peer) => {
    await peer.write(challengeOf(HEADER_HASH));
    await peer.write(utf8("more"));
  });
  assert.equal(connection.taken, 33);
  assert.deepEqual(connection.sent, [...HASH]);
});

Deno.test("C5 another header hash, or another address, is terminated without a byte", async () => {
  const wrongHash = await serve(sends(challengeOf(someHeaderHash(1))));
  const wrongAddress = await serve(sends(challengeOf(HEADER_HASH)), OTHER_IP);
  for (const { connection, terminated, record } of [wrongHash, wrongAddress]) {
    assert.equal(terminated?.reason, "challenge matches nothing");
    assert.deepEqual(connection.sent, []);
    assert.equal(record.kind, "challenge");
  }
});

Deno.test("C5 a challenge that breaks off is terminated without a byte", async () => {
  for (let length = 1; length < 33; length++) {
    const { connection, terminated } = await serve(async (peer) => {
      await peer.write(challengeOf(HEADER_HASH).subarray(0, length));
      peer.end();
    });
    assert.equal(terminated?.reason, "connection lost");
    assert.deepEqual(connection.sent, []);
  }
});

async function ask(script: Script): Promise<Received & { readonly answers: Uint8Array[] }> {
  const answers: Uint8Array[] = [];
  const received = await withPeer(async (connection) => {
    answers.push(await askChallenge(connection, HEADER_HASH, 5000));
  }, script);
  return { answers, ...received };
}

Deno.test("C3 asking sends 255 and the header hash, and takes the 32 bytes that come back", async () => {
  for (const pieces of [[HASH], [HASH.subarray(0, 1), HASH.subarray(1, 31), HASH.subarray(31)]]) {
    const { connection, answers, terminated } = await ask(async (peer) => {
      await peer.read(33);
      for (const piece of pieces) await peer.write(piece);
    });
    assert.equal(terminated, null);
    assert.deepEqual(connection.sent, [...challengeOf(HEADER_HASH)]);
    assert.deepEqual(answers, [HASH]);
    assert.equal(connection.taken, 32);
  }
});

Deno.test("C3 no answer, a short one, a torn connection and silence: the challenge is not answered", async () => {
  const scripts: Script[] = [
    (peer) => Promise.resolve(peer.end()),
    (peer) => Promise.resolve(peer.destroy()),
    async (peer) => {
      await peer.write(HASH.subarray(0, 31));
      peer.end();
    },
    (peer) => peer.write(HASH.subarray(0, 31)),
    () => Promise.resolve(),
  ];
  for (const script of scripts) {
    const { terminated, answers } = await ask(script);
    assert.equal(terminated?.reason, "challenge not answered");
    assert.ok(terminated.cause instanceof Terminate);
    assert.deepEqual(answers, []);
  }
});

Deno.test("a host can ask itself what another part of it sends: both sides agree", async () => {
  const outgoing = new OutgoingRecord();
  using registration = outgoing.register(HEADER_HASH, SENDER_IP, HASH);
  const answers: Uint8Array[] = [];
  const { terminated } = await withPeer(async (connection) => {
    await connection.read(1);
    await answerChallenge(connection, outgoing);
  }, async (peer) => {
    answers.push(await askChallenge(peer, HEADER_HASH, 5000));
  });
  assert.equal(terminated, null);
  assert.deepEqual(answers, [HASH]);
  assert.equal(registration.challenged, true);
});

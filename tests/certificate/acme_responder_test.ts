// T5: what answers on port 80 while an order is under way tells its token to who asks for it, and nothing else.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Responder } from "../../src/certificate/acme/responder.ts";
import { Ledger } from "../support/ledger.ts";
import { Loopback } from "../support/loopback.ts";
import { waitFor, within } from "../support/wait.ts";

class Scene implements AsyncDisposable {
  readonly heard: string[] = [];
  readonly sockets: Socket[] = [];

  private constructor(
    readonly ledger: Ledger,
    readonly ip: string,
    readonly port: number,
  ) {}

  static async set(): Promise<Scene> {
    const ledger = new Ledger();
    const loopback = await Loopback.claim(ledger);
    return new Scene(ledger, loopback.address(), loopback.port);
  }

  async listen(connectionMs?: number): Promise<Responder> {
    const endpoint = { ip: this.ip, port: this.port };
    const heard = (peer: string): number => this.heard.push(peer);
    const responder = await Responder.listen([endpoint], heard, connectionMs);
    responder.answer("the-token", "the-token.thumb");
    return responder;
  }

  async connect(): Promise<Socket> {
    const socket = connect({ host: this.ip, port: this.port });
    this.ledger.socket(socket, "a client");
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** Everything that comes back for these bytes, until the other side closes. */
  async say(...parts: readonly string[]): Promise<string> {
    const socket = await this.connect();
    const chunks: Uint8Array[] = [];
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    const closed = once(socket, "close");
    for (const part of parts) socket.write(part);
    await within(20_000, "the answer", closed);
    return Buffer.concat(chunks).toString("latin1");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.ledger.closeAll();
  }
}

const PATH = "/.well-known/acme-challenge/the-token";

Deno.test("T5 the present token is answered with its key authorisation, by GET and HEAD, with any header", async () => {
  await using scene = await Scene.set();
  await using responder = await scene.listen();
  const answer = await scene.say(`GET ${PATH} HTTP/1.1\r\nHost: fmsg.a.test\r\nX: 1\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /\r\ncontent-type: application\/octet-stream\r\n/);
  assert.match(answer, /\r\ncontent-length: 15\r\n/);
  assert.match(answer, /\r\n\r\nthe-token\.thumb$/);
  assert.match(await scene.say(`GET ${PATH} HTTP/1.0\n\n`), /the-token\.thumb$/);
  assert.match(await scene.say("GET http://fmsg.a.test", `${PATH} HTTP/1.1\r\n\r`, "\n"), /thumb$/);
  assert.match(
    await scene.say(`HEAD ${PATH} HTTP/1.1\r\n\r\n`),
    /content-length: 15\r\n.*\r\n\r\n$/s,
  );
  assert.equal(responder.answered("the-token"), 4);
  assert.deepEqual(scene.heard, Array(4).fill("127.0.0.1"));
});

Deno.test("T5 everything else is a 404 without a word", async () => {
  await using scene = await Scene.set();
  await using responder = await scene.listen();
  const requests = [
    "GET / HTTP/1.1",
    "GET /.well-known/acme-challenge/ HTTP/1.1",
    "GET /.well-known/acme-challenge/another HTTP/1.1",
    `GET ${PATH}/ HTTP/1.1`,
    `GET ${PATH}?x HTTP/1.1`,
    "GET /.well-known/acme-challenge/__proto__ HTTP/1.1",
    "GET /.well-known/acme-challenge/../../etc/passwd HTTP/1.1",
    `POST ${PATH} HTTP/1.1`,
    `GET ${PATH} HTTP/2.0`,
    `GET ${PATH}`,
    "\u0016\u0003\u0001",
    "",
  ];
  for (const request of requests) {
    const answer = await scene.say(`${request}\r\n\r\n`);
    assert.match(
      answer,
      /^HTTP\/1\.1 404 Not Found\r\n.*content-length: 0\r\n.*\r\n\r\n$/s,
      request,
    );
  }
  assert.equal(responder.answered("the-token"), 0);
  assert.deepEqual(scene.heard, []);
});

Deno.test("T5 a head of more than 8 KiB is not answered", async () => {
  await using scene = await Scene.set();
  await using _ = await scene.listen();
  // Although it does end.
  const head = `GET ${PATH} HTTP/1.1\r\nX: ${"x".repeat(9000)}\r\n\r\n`;
  assert.equal(await scene.say(head), "");
});

Deno.test("T5 a client that says nothing is cut off", async () => {
  await using scene = await Scene.set();
  await using _ = await scene.listen(300);
  assert.equal(await scene.say("GET"), "");
});

Deno.test("T5 clients who sit there do not keep the authority out: of more than 64 the oldest has to go", async () => {
  await using scene = await Scene.set();
  await using _ = await scene.listen();
  const clients: Socket[] = [];
  for (let i = 0; i < 100; i++) {
    clients.push(await scene.connect());
    assert.match(await scene.say(`GET ${PATH} HTTP/1.1\r\n\r\n`), /the-token\.thumb$/);
  }
  await waitFor(() => clients.filter(({ destroyed }) => !destroyed).length === 63);
  assert.ok(clients.slice(-63).every(({ destroyed }) => !destroyed));
});

Deno.test("T5 when it is over the port is free and no client is left waiting", async () => {
  await using scene = await Scene.set();
  const responder = await scene.listen();
  const client = await scene.connect();
  // Less than what a client may take: it is cut, not waited for.
  await within(8000, "the end", responder[Symbol.asyncDispose]());
  if (!client.destroyed) await within(20_000, "the end of the connection", once(client, "close"));
  await using _ = await scene.listen();
});

Deno.test("T5 an address of which one cannot be had leaves the others free", async () => {
  await using scene = await Scene.set();
  const good = { ip: scene.ip, port: scene.port };
  const bad = { ip: "192.0.2.1", port: 80 };
  await assert.rejects(Responder.listen([good, bad], () => {}), /192\.0\.2\.1:80/);
  await using _ = await scene.listen();
});

Deno.test("T5 listening everywhere takes one port for IPv4 and IPv6", async () => {
  await using scene = await Scene.set();
  const { port } = scene;
  const all = [{ ip: "0.0.0.0", port: port + 1 }, { ip: "::", port: port + 1 }];
  const heard: string[] = [];
  await using responder = await Responder.listen(all, (peer) => heard.push(peer));
  responder.answer("x", "y");
  const response = await fetch(`http://${scene.ip}:${port + 1}/.well-known/acme-challenge/x`);
  assert.equal(await response.text(), "y");
  assert.deepEqual(heard, ["127.0.0.1"]);
  responder.answer("x", "y");
  assert.equal(responder.answered("x"), 1, "what was answered stays answered");
});

// The interface's own TLS.
import assert from "node:assert/strict";
import { connect } from "node:net";
import * as tls from "node:tls";
import { makeAuthority } from "../../../src/certificate/make.ts";
import { waitFor } from "../../support/wait.ts";
import { Stage } from "./stage.ts";

const NAME = "fmsg.a.test";
const authority = await makeAuthority("Test authority");
const TRUST = { ca: authority.pem, servername: NAME };

Deno.test("T5 TLS shows the certificate, speaks HTTP/1.1 with browsers of today and of some years ago", async () => {
  await using stage = await Stage.open({ certificate: await authority.issue(NAME) });
  for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
    const client = await stage.tlsClient({
      ...TRUST,
      minVersion: version,
      maxVersion: version,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    client.write("GET / HTTP/1.1\nHost: a\n\n");
    await client.saw("\r\n\r\nGET");
    assert.ok(client.socket instanceof tls.TLSSocket);
    assert.equal(client.socket.alpnProtocol, "http/1.1");
  }
});

Deno.test("T5 a renewed certificate is shown from the next handshake on, and connections go on", async () => {
  await using stage = await Stage.open({ certificate: await authority.issue(NAME) });
  const before = await stage.tlsClient(TRUST);
  const next = await makeAuthority("Next authority");
  stage.server.renew(await next.issue(NAME));
  const after = await stage.tlsClient({ ca: next.pem, servername: NAME });
  for (const client of [before, after]) {
    client.write("GET / HTTP/1.1\nHost: a\n\n");
    await client.saw("\r\n\r\nGET");
  }
  const stale = await stage.tlsClient(TRUST);
  assert.ok(stale.closed);
});

Deno.test("N9 over TLS a connection goes on after answers without a body", async () => {
  for (const status of [200, 204, 304]) {
    await using stage = await Stage.open({
      certificate: await authority.issue(NAME),
      answer: ({ url }) =>
        Promise.resolve(
          url.endsWith("/next") ? new Response("and on") : new Response(null, { status }),
        ),
    });
    for (const method of ["GET", "HEAD"]) {
      const client = await stage.tlsClient(TRUST);
      client.write(`${method} / HTTP/1.1\nHost: a\n\n`);
      await client.saw(`HTTP/1.1 ${status}`);
      client.write("GET /next HTTP/1.1\nHost: a\n\n");
      await client.saw("\r\n\r\nand on");
    }
  }
});

Deno.test("S1 who begins no handshake, or speaks no TLS, is cut before long", async () => {
  await using stage = await Stage.open({
    certificate: await authority.issue(NAME),
    bounds: { firstRequestMs: 300 },
  });
  const [silent, plain] = [await stage.client(), await stage.client()];
  plain.write("GET / HTTP/1.1\nHost: a\n\n");
  await Promise.all([silent.end(), plain.end()]);
  await waitFor(() => stage.server.connections === 0);
});

Deno.test("S1 a connection over the limit costs no handshake", async () => {
  await using stage = await Stage.open({
    certificate: await authority.issue(NAME),
    bounds: { perAddress: 1 },
  });
  await stage.tlsClient(TRUST);
  const excess = connect({ host: "127.0.0.1", port: stage.port });
  let bytes = 0;
  excess.on("data", (chunk) => bytes += chunk.length).on("error", () => {});
  excess.write("\x16\x03\x01\x00\x05hello");
  await waitFor(() => excess.destroyed || excess.readableEnded);
  excess.destroy();
  assert.equal(bytes, 0);
});

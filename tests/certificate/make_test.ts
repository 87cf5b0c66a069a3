import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { isIP } from "node:net";
import * as tls from "node:tls";
import {
  type Issued,
  loadAuthority,
  makeAuthority,
  MakeCertificateError,
  selfSigned,
} from "../../src/certificate/make.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

Deno.test("a client that trusts the authority accepts its certificate under the certificate's name", async () => {
  const authority = await makeAuthority("Test network");
  const leaf = await authority.issue("fmsg.example.com");
  assert.equal(await handshake(leaf, "fmsg.example.com", authority.pem), "accepted");
});

Deno.test("a certificate is refused under another name", async () => {
  const authority = await makeAuthority("Test network");
  const leaf = await authority.issue("fmsg.example.com");
  const outcome = await handshake(leaf, "fmsg.example.net", authority.pem);
  assert.match(outcome, /^ERR_TLS_CERT_ALTNAME_INVALID /);
});

Deno.test("an expired certificate is refused, and so is one of the future", async () => {
  const authority = await makeAuthority("Test network");
  const dates = [
    { notBefore: new Date(Date.now() - 3 * DAY), notAfter: new Date(Date.now() - DAY) },
    { notBefore: new Date(Date.now() + DAY) },
  ];
  for (const date of dates) {
    const leaf = await authority.issue("fmsg.example.com", date);
    // Deno's node:tls has one code for every fault of a chain; the signature is shown not to be that fault.
    assert.match(await handshake(leaf, "fmsg.example.com", authority.pem), /^UNABLE_TO_VERIFY/);
    assert.ok(
      new X509Certificate(leaf.cert).verify(new X509Certificate(authority.pem).publicKey),
    );
  }
});

Deno.test("a certificate of another authority of the same name is refused", async () => {
  const trusted = await makeAuthority("Test network");
  const other = await makeAuthority("Test network");
  const leaf = await other.issue("fmsg.example.com");
  assert.match(await handshake(leaf, "fmsg.example.com", trusted.pem), /^UNABLE_TO_VERIFY/);
});

Deno.test("a self-signed certificate is refused, also beside a trusted authority", async () => {
  const authority = await makeAuthority("Test network");
  const leaf = await selfSigned("fmsg.example.com");
  assert.match(
    await handshake(leaf, "fmsg.example.com", authority.pem),
    /^DEPTH_ZERO_SELF_SIGNED_CERT /,
  );
});

Deno.test("a client certificate of the authority is accepted by a server that asks for one", async () => {
  const authority = await makeAuthority("Test network");
  const server = await authority.issue("fmsg.example.com");
  const client = await authority.issue("fmsg.example.org");
  assert.equal(await handshake(server, "fmsg.example.com", authority.pem, client), "accepted");
});

Deno.test("further names and addresses are accepted besides the first name", async () => {
  const authority = await makeAuthority("Test network");
  const leaf = await authority.issue("fmsg.example.com", {
    names: ["fmsg.example.net", "127.0.0.1"],
  });
  for (const name of ["fmsg.example.com", "fmsg.example.net", "127.0.0.1"]) {
    assert.equal(await handshake(leaf, name, authority.pem), "accepted", name);
  }
});

Deno.test("a name too long for a subject is still a certificate's name", async () => {
  const authority = await makeAuthority("Test network");
  const name = `fmsg.${"a".repeat(60)}.example.com`;
  const leaf = await authority.issue(name);
  assert.equal(await handshake(leaf, name, authority.pem), "accepted");
});

Deno.test("a certificate is valid from one hour ago for 90 days, an authority for 10 years", async () => {
  const before = Math.floor(Date.now() / 1000) * 1000;
  const authority = await makeAuthority("Test network");
  const leaf = new X509Certificate((await authority.issue("fmsg.example.com")).cert);
  const after = Date.now();

  const start = Date.parse(leaf.validFrom);
  assert.ok(start >= before - HOUR && start <= after - HOUR, leaf.validFrom);
  assert.equal(Date.parse(leaf.validTo) - start, 90 * DAY);

  const root = new X509Certificate(authority.pem);
  const years = (Date.parse(root.validTo) - Date.parse(root.validFrom)) / (365.25 * DAY);
  assert.ok(years >= 10 && years < 10.01, String(years));
});

Deno.test("dates asked for are the dates in the certificate, also beyond 2050", async () => {
  const authority = await makeAuthority("Test network");
  const notBefore = new Date("2020-02-29T12:34:56.789Z");
  const short = new X509Certificate(
    (await authority.issue("fmsg.example.com", { notBefore, days: 2 })).cert,
  );
  assert.equal(Date.parse(short.validFrom), Date.parse("2020-02-29T12:34:56Z"));
  assert.equal(Date.parse(short.validTo), Date.parse("2020-03-02T12:34:56Z"));

  const notAfter = new Date("2061-01-02T03:04:05.678Z");
  const long = new X509Certificate(
    (await authority.issue("fmsg.example.com", { notBefore, notAfter })).cert,
  );
  assert.equal(Date.parse(long.validTo), Date.parse("2061-01-02T03:04:05Z"));
});

Deno.test("a certificate does not outlive its authority", async () => {
  const authority = await makeAuthority("Test network");
  const leaf = await authority.issue("fmsg.example.com", { days: 36_500 });
  assert.equal(
    new X509Certificate(leaf.cert).validTo,
    new X509Certificate(authority.pem).validTo,
  );
});

Deno.test("the certificate says what it is for, who issued it and nothing about being an authority", async () => {
  const authority = await makeAuthority('Test "network", #1 ü');
  const root = new X509Certificate(authority.pem);
  const leaf = new X509Certificate((await authority.issue("fmsg.example.com")).cert);

  assert.equal(root.ca, true);
  assert.equal(root.subject, 'CN=Test "network", #1 ü');
  assert.equal(leaf.ca, false);
  assert.equal(leaf.subject, "CN=fmsg.example.com");
  assert.equal(leaf.issuer, root.subject);
  assert.equal(leaf.subjectAltName, "DNS:fmsg.example.com");
  assert.ok(leaf.verify(root.publicKey));
  assert.equal(leaf.publicKey.asymmetricKeyType, "ec");

  for (const [what, hex] of Object.entries(ROOT_EXTENSIONS)) {
    assert.ok(root.raw.toString("hex").includes(hex), `authority: ${what}`);
  }
  for (const [what, hex] of Object.entries(LEAF_EXTENSIONS)) {
    assert.ok(leaf.raw.toString("hex").includes(hex), `certificate: ${what}`);
  }
  const keyId = /0603551d0e04160414([0-9a-f]{40})/.exec(root.raw.toString("hex"))?.[1];
  assert.ok(
    leaf.raw.toString("hex").includes(`0603551d23041830168014${keyId}`),
    "the authority's key identifier",
  );
});

Deno.test("serial numbers are positive, 16 bytes long and never the same", async () => {
  const authority = await makeAuthority("Test network");
  const leaves = await Promise.all(
    Array.from({ length: 20 }, () => authority.issue("fmsg.example.com")),
  );
  const serials = leaves.map((leaf) => new X509Certificate(leaf.cert).serialNumber);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
  assert.equal(new Set(serials).size, serials.length);
});

Deno.test("the certificate is one PEM block, the key PKCS #8, and the two belong together", async () => {
  const authority = await makeAuthority("Test network");
  for (const leaf of [await authority.issue("a.example"), await selfSigned("a.example")]) {
    assert.match(
      leaf.cert,
      /^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----\n$/,
    );
    assert.match(leaf.key, /^-----BEGIN PRIVATE KEY-----\n[^-]+\n-----END PRIVATE KEY-----\n$/);
    tls.createSecureContext(leaf);
  }
  const leaf = await authority.issue("a.example");
  const other = await authority.issue("a.example");
  assert.notEqual(leaf.key, other.key);
});

Deno.test("an authority that was saved issues again for those who trust it already", async () => {
  const { pem, keyPem } = await makeAuthority("Test network");
  const again = await loadAuthority(pem, keyPem);
  assert.equal(again.pem, pem);
  assert.equal(again.keyPem, keyPem);
  const leaf = await again.issue("fmsg.example.com");
  assert.equal(await handshake(leaf, "fmsg.example.com", pem), "accepted");
});

Deno.test("an authority is not loaded from rubbish, from a leaf, or with another's key", async () => {
  const authority = await makeAuthority("Test network");
  const other = await makeAuthority("Test network");
  const leaf = await authority.issue("fmsg.example.com");
  const refused = async (pem: string, keyPem: string, message: RegExp): Promise<void> => {
    await assert.rejects(loadAuthority(pem, keyPem), (error) => {
      assert.ok(error instanceof MakeCertificateError);
      assert.match(error.message, message);
      return true;
    });
  };
  await refused("rubbish", authority.keyPem, /PKCS #8/);
  await refused(authority.pem, "rubbish", /PKCS #8/);
  await refused(authority.pem, leaf.cert, /PKCS #8/);
  await refused(leaf.cert, leaf.key, /not an authority/);
  await refused(authority.pem, other.keyPem, /not the one of/);
});

Deno.test("names and dates that cannot work are refused with a reason", async () => {
  const authority = await makeAuthority("Test network");
  for (const name of ["", "müller.example", "a b.example", "-a.example", "a..example", "a\n"]) {
    await assert.rejects(authority.issue(name), MakeCertificateError, name);
    await assert.rejects(selfSigned("a.example", { names: [name] }), MakeCertificateError, name);
  }
  const now = new Date();
  for (
    const options of [
      { notBefore: now, notAfter: now },
      { days: 0 },
      { days: -1 },
      { notAfter: new Date(NaN) },
      { notBefore: new Date(Date.now() + 36_500 * DAY) },
    ]
  ) {
    await assert.rejects(authority.issue("a.example", options), MakeCertificateError);
  }
  await assert.rejects(makeAuthority(""), MakeCertificateError);
  await assert.rejects(makeAuthority("n".repeat(65)), MakeCertificateError);
});

// DER of extensions: OID, `critical` where it is, value.
const ROOT_EXTENSIONS = {
  "critical basicConstraints, CA, path length 0": "0603551d130101ff040830060101ff020100",
  "critical keyUsage, keyCertSign and cRLSign": "0603551d0f0101ff040403020106",
};
const LEAF_EXTENSIONS = {
  "critical basicConstraints, no CA": "0603551d130101ff04023000",
  "critical keyUsage, digitalSignature": "0603551d0f0101ff040403020780",
  "extKeyUsage, serverAuth and clientAuth":
    "0603551d250416301406082b0601050507030106082b06010505070302",
};

/** What a client says that trusts `ca` and wants `name`: "accepted", or code and message of its refusal. */
async function handshake(
  leaf: Issued,
  name: string,
  ca: string,
  client?: Issued,
): Promise<string> {
  const server = tls.createServer({
    cert: leaf.cert,
    key: leaf.key,
    ca,
    minVersion: "TLSv1.3",
    handshakeTimeout: 5000,
    requestCert: client !== undefined,
    rejectUnauthorized: client !== undefined,
  });
  const accepted: tls.TLSSocket[] = [];
  server.on("secureConnection", (socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    socket.end("x");
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const socket = tls.connect({
    host: "127.0.0.1",
    port: address.port,
    ...isIP(name) === 0 && { servername: name },
    ca,
    ...client && { cert: client.cert, key: client.key },
    timeout: 5000,
  });
  try {
    socket.on("timeout", () => socket.destroy(new Error("the handshake took 5 seconds")));
    // In TLS 1.3 only data shows that the server has accepted the client as well.
    const [data] = await once(socket, "data");
    return String(data) === "x" ? "accepted" : `unexpected data ${data}`;
  } catch (error) {
    assert.ok(error instanceof Error);
    return `${"code" in error ? error.code : ""} ${error.message}`;
  } finally {
    socket.destroy();
    for (const one of accepted) one.destroy();
    const closed = once(server, "close");
    server.close();
    await closed;
  }
}

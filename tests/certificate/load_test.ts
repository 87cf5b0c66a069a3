// The certificate's pair of files: what is loaded, what is warned of, and what is refused with which words.
import assert from "node:assert/strict";
import "reflect-metadata";
import {
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { join } from "node:path";
import {
  CertificateError,
  fingerprint,
  loadCertificate,
  type LoadedCertificate,
} from "../../src/certificate/load.ts";
import type { Issued } from "../../src/certificate/make.ts";
import { authority, NAME, withNet } from "../net/tls_setup.ts";

const DAY = 86_400_000;
const leaf = await authority.issue(NAME);

interface Files {
  readonly cert: string;
  readonly key: string;
}

/** Files with these texts (null: none) in a folder of their own. */
function withFiles<Result>(
  texts: { readonly cert: string | null; readonly key: string | null },
  test: (files: Files) => Result,
): Result {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-certificate-" });
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  try {
    if (texts.cert !== null) Deno.writeTextFileSync(files.cert, texts.cert);
    if (texts.key !== null) Deno.writeTextFileSync(files.key, texts.key);
    return test(files);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

interface When {
  readonly name?: string;
  readonly now?: Date;
}

function load(texts: Issued, { name = NAME, now }: When = {}): LoadedCertificate {
  return withFiles(texts, (files) => loadCertificate(files, name, now));
}

/** The message, with the files' names for their paths. */
function refusal(texts: { readonly cert: string | null; readonly key: string | null }): string {
  return withFiles(texts, (files) => {
    try {
      loadCertificate(files, NAME);
    } catch (error) {
      assert.ok(error instanceof CertificateError, String(error));
      return error.message.replaceAll(files.cert, "CERT").replaceAll(files.key, "KEY");
    }
    throw new Error("It was loaded");
  });
}

function warnings(texts: Issued, when?: When): readonly string[] {
  return load(texts, when).warnings.map((text) => text.replace(/\/\S*cert\.pem/, "CERT"));
}

/** What is loaded can be served, and clients accept it. */
async function serves(certificate: LoadedCertificate, trusts = authority.pem): Promise<void> {
  await withNet(async (net) => {
    const host = await net.listen({ certificate });
    const peer = await net.peer(host.port, { trusts });
    assert.equal(
      peer.tls.getPeerX509Certificate()?.serialNumber,
      new X509Certificate(certificate.cert).serialNumber,
    );
  });
}

Deno.test("a certificate and its key are loaded, with the date on which it expires", async () => {
  const loaded = load(leaf);
  assert.deepEqual(loaded.warnings, []);
  assert.equal(loaded.expires.getTime(), Date.parse(new X509Certificate(leaf.cert).validTo));
  await serves(loaded);
});

Deno.test("the certificates after the first are served along", async () => {
  const loaded = load({ ...leaf, cert: leaf.cert + authority.pem });
  await serves(loaded);
  assert.deepEqual(
    loaded.cert.match(/-----BEGIN CERTIFICATE-----[^-]+/g)?.map((pem) => pem.replace(/\s/g, "")),
    [leaf.cert, authority.pem].map((pem) => pem.split("-----END")[0]?.replace(/\s/g, "")),
  );
});

for (
  const [what, change] of [
    [
      "with text around the blocks, as tools write it",
      (pem) => `Bag Attributes\n  a: b\n${pem}\nend`,
    ],
    ["with the line ends of Windows", (pem) => pem.replaceAll("\n", "\r\n")],
    ["with a byte order mark", (pem) => `\ufeff${pem}`],
    ["with key and certificate in each file", () => leaf.key + leaf.cert],
  ] satisfies [string, (pem: string) => string][]
) {
  Deno.test(`files ${what} are loaded and served`, async () => {
    const loaded = load({ cert: change(leaf.cert), key: change(leaf.key) });
    assert.deepEqual(loaded.warnings, []);
    await serves(loaded);
  });
}

for (
  const [kind, makeKeys] of [
    ["RSA", () =>
      crypto.subtle.generateKey(
        {
          name: "RSASSA-PKCS1-v1_5",
          hash: "SHA-256",
          modulusLength: 2048,
          publicExponent: Uint8Array.of(1, 0, 1),
        },
        true,
        ["sign", "verify"],
      )],
    ["ECDSA P-256", () => ecdsaKeys("P-256")],
    ["ECDSA P-384", () => ecdsaKeys("P-384")],
  ] satisfies [string, () => Promise<CryptoKeyPair>][]
) {
  Deno.test(`a key of the kind ${kind} is loaded and served`, async () => {
    const issued = await selfMade(await makeKeys(), [
      new SubjectAlternativeNameExtension([{ type: "dns", value: NAME }]),
    ]);
    const loaded = load(issued);
    assert.deepEqual(loaded.warnings, []);
    await serves(loaded, issued.cert);
  });
}

function ecdsaKeys(namedCurve: string): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: "ECDSA", namedCurve }, true, ["sign", "verify"]);
}

async function selfMade(keys: CryptoKeyPair, extensions: Extension[]): Promise<Issued> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    keys,
    name: `CN=${NAME}`,
    extensions,
  });
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: certificate.toString("pem"),
    key: PemConverter.encode(der, "PRIVATE KEY"),
  };
}

Deno.test("a file that is not there is named with its key", () => {
  assert.match(refusal({ cert: null, key: leaf.key }), /^tls\.cert: cannot read CERT: .*ENOENT/);
  assert.match(refusal({ cert: leaf.cert, key: null }), /^tls\.key: cannot read KEY: .*ENOENT/);
});

Deno.test("a file that holds something else is named, with what it has to hold", () => {
  const noCertificate =
    'tls.cert: CERT holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")';
  const noKey = 'tls.key: KEY holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")';
  for (const cert of ["", "hello", leaf.key]) {
    assert.equal(refusal({ ...leaf, cert }), noCertificate);
  }
  for (const key of ["", "hello", leaf.cert]) assert.equal(refusal({ ...leaf, key }), noKey);
});

Deno.test("a file that was cut off is refused", () => {
  const cut = "tls.cert: CERT ends within a certificate; copy it again, whole";
  for (const cert of [leaf.cert.slice(0, 300), leaf.cert + authority.pem.slice(0, 300)]) {
    assert.equal(refusal({ ...leaf, cert }), cut);
  }
  assert.match(
    refusal({ ...leaf, key: leaf.key.slice(0, 100) }),
    /^tls\.key: KEY holds no private/,
  );
});

Deno.test("a certificate that cannot be read is told by its place", () => {
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  assert.match(
    refusal({ ...leaf, cert: leaf.cert + broken }),
    /^tls\.cert: certificate 2 of 2 in CERT cannot be read \(/,
  );
  assert.match(refusal({ ...leaf, cert: broken }), /^tls\.cert: certificate 1 of 1 in CERT/);
});

Deno.test("a key that cannot be read is refused", () => {
  assert.match(
    refusal({ ...leaf, key: leaf.key.replace(/\n[^-]{20}/, "\nAAAAAAAAAAAAAAAAAAAA") }),
    /^tls\.key: the private key in KEY cannot be read \(/,
  );
});

Deno.test("another certificate's key is refused, and so is a chain that does not begin with its own", async () => {
  const mismatch = "tls.key: KEY is not the key of the first certificate in CERT";
  assert.equal(refusal({ ...leaf, key: (await authority.issue(NAME)).key }), mismatch);
  assert.equal(refusal({ ...leaf, cert: authority.pem + leaf.cert }), mismatch);
});

Deno.test("an encrypted key is refused with the command that decrypts it", () => {
  const key = leaf.key.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
  assert.match(
    refusal({ ...leaf, key }),
    /^tls\.key: the private key in KEY is encrypted.*openssl/,
  );
});

Deno.test("kinds of keys that no handshake can be signed with are refused, before one is tried", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  assert.match(
    refusal({ ...leaf, key }),
    /^tls\.key: the key in KEY is of the kind secp256k1, .*ECDSA P-256 or RSA$/,
  );
});

Deno.test("a certificate that has expired or is not valid yet is loaded, with a warning", () => {
  const { validFrom, validTo } = new X509Certificate(leaf.cert);
  assert.deepEqual(warnings(leaf, { now: new Date(Date.now() + 91 * DAY) }), [
    `the certificate in CERT expired on ${validTo}`,
  ]);
  assert.deepEqual(warnings(leaf, { now: new Date(Date.now() - DAY) }), [
    `the certificate in CERT is valid from ${validFrom} on`,
  ]);
});

Deno.test("a certificate for another name is loaded, with a warning that tells its names", () => {
  assert.deepEqual(warnings(leaf, { name: "fmsg.other.test" }), [
    `the certificate in CERT is not for fmsg.other.test: other hosts will not connect (it is for DNS:${NAME})`,
  ]);
});

Deno.test("names count whatever their letters' case, for all of a domain, and beside others", async () => {
  for (const name of ["FMSG.Example.TEST", "*.example.test", "*.EXAMPLE.test"]) {
    assert.deepEqual(warnings(await authority.issue(name)), [], name);
  }
  const several = await authority.issue("a.test", { names: ["b.test", NAME] });
  assert.deepEqual(warnings(several), []);
  for (const name of ["*.fmsg.example.test", "*.test", "example.test", "xfmsg.example.test"]) {
    assert.equal(warnings(await authority.issue(name)).length, 1, name);
  }
});

Deno.test("a certificate without alternative names is for no name, as clients see it", async () => {
  const issued = await selfMade(await ecdsaKeys("P-256"), []);
  assert.match(
    String(warnings(issued)),
    /is not for fmsg\.example\.test: .* \(it is for no name\)$/,
  );
});

Deno.test("T5 either file's change is seen, also where size and time are the same", () => {
  withFiles(leaf, (files) => {
    const first = fingerprint(files);
    assert.equal(fingerprint(files), first);
    const seen = new Set([first]);
    for (const file of [files.cert, files.key]) {
      // A renewed file usually takes the place of the old one.
      const { mtime } = Deno.statSync(file);
      const size = Deno.readFileSync(file).length;
      Deno.writeFileSync(`${file}.new`, new Uint8Array(size));
      Deno.utimeSync(`${file}.new`, mtime ?? 0, mtime ?? 0);
      Deno.renameSync(`${file}.new`, file);
      seen.add(fingerprint(files));
      Deno.writeTextFileSync(file, "other");
      seen.add(fingerprint(files));
    }
    assert.equal(seen.size, 5);
  });
});

// Which authorities are trusted; that connections do trust them is in dialler_test.ts.
import assert from "node:assert/strict";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { makeAuthority } from "../../src/certificate/make.ts";
import { useRoots } from "../../src/net/roots.ts";

Deno.test("T2 extra roots are trusted besides the usual ones and those of the environment", async () => {
  const [extra, operators, other] = await Promise.all(
    ["Extra", "Operator", "Other"].map(async (name) => (await makeAuthority(name)).pem),
  );
  assert.ok(extra !== undefined && operators !== undefined && other !== undefined);
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-roots-" });
  const before = Deno.env.get("DENO_CERT");
  try {
    Deno.writeTextFileSync(join(folder, "operators.pem"), operators);
    Deno.env.set("DENO_CERT", join(folder, "operators.pem"));
    const file = join(folder, "roots.pem");

    const roots = useRoots(extra, file);
    assert.ok(roots.inDefaultStore);
    assert.equal(Deno.env.get("DENO_CERT"), file);
    const written = Deno.readTextFileSync(file);
    const explicit = roots.explicit();
    for (const pem of [extra, operators]) {
      assert.ok(written.includes(pem.trim()));
      assert.ok(explicit.includes(pem.trim()));
    }
    for (const pem of rootCertificates) assert.ok(explicit.includes(pem));

    // The runtime reads its file once: who comes later with the same roots has them, with others not.
    assert.ok(useRoots(extra, join(folder, "second.pem")).inDefaultStore);
    const late = useRoots(other, join(folder, "third.pem"));
    assert.ok(!late.inDefaultStore);
    assert.ok(late.explicit().includes(other.trim()));
    assert.deepEqual(
      [...Deno.readDirSync(folder)].map(({ name }) => name).sort(),
      ["operators.pem", "roots.pem"],
    );
  } finally {
    if (before === undefined) Deno.env.delete("DENO_CERT");
    else Deno.env.set("DENO_CERT", before);
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("T2 extra roots without a certificate are an error, not no roots", () => {
  for (const pem of ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]) {
    assert.throws(() => useRoots(pem, "/nonexistent/roots.pem"), {
      message: 'tls.ca holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
    });
  }
});

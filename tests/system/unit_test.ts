// The wizard's unit as Debian's systemd judges its text; service.ts runs it.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Answers } from "../../src/cli/init/answers.ts";
import { type UnitFacts, unitText } from "../../src/cli/init/unit.ts";

const FACTS: UnitFacts = { access: [], dataDirFixed: false, shutdownTimeout: 8 };
const ACME = { kind: "acme", email: null, directory: "https://ca.test/", listen: null } as const;
const FILES = { kind: "files", cert: "/etc/x/a.pem", key: "/etc/x/b.pem" } as const;

Deno.test("systemd finds nothing wrong with the unit, and little that it leaves open", async () => {
  const closed = { path: "/etc/x", kind: "folder", mode: 0o700, gid: 0, group: "root" } as const;
  // Of 10; the network and a lasting user cost what is left, and port 80 a little more.
  const cases: [Partial<Answers>, Partial<UnitFacts>, number][] = [
    [{ certificate: FILES }, { access: [closed] }, 1.3],
    [{ certificate: ACME }, {}, 1.6],
    [{ certificate: ACME, api: "public", dataDir: "/srv/my data 100%" }, {}, 1.6],
    [{ configFile: `/etc/a b/50%/$x "y".yaml` }, {}, 1.3],
    [{ dataDir: "/home/me/data" }, {}, 1.4],
  ];
  const folder = await Deno.makeTempDir();
  try {
    // What is verified has to be there.
    const program = join(folder, "100% fmsg");
    await Deno.copyFile("/bin/true", program);
    for (const [some, facts, most] of cases) {
      const unitFile = join(folder, "fmsg.service");
      const text = unitText(answers({ program, unitFile, ...some }), { ...FACTS, ...facts });
      await Deno.writeTextFile(unitFile, text);
      const verified = await run("systemd-analyze", ["verify", unitFile]);
      assert.deepEqual(verified, { code: 0, stdout: "", stderr: "" });
      const { stdout } = await run("systemd-analyze", ["security", "--offline=true", unitFile]);
      const exposure = Number(/exposure level for fmsg\.service: (\d+\.\d)/.exec(stdout)?.[1]);
      assert.ok(exposure <= most, `${exposure} is more than ${most}: ${stdout}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function answers(some: Partial<Answers> = {}): Answers {
  return {
    domain: "example.com",
    configFile: "/etc/fmsg/fmsg.yaml",
    dataDir: "/var/lib/fmsg",
    listen: [{ ip: "0.0.0.0", port: 4930 }],
    certificate: { kind: "self-made" },
    roots: null,
    user: null,
    api: "none",
    unitFile: null,
    program: "/usr/local/bin/fmsg",
    ...some,
  };
}

async function run(program: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

// The systemd unit of the wizard, and what is to be typed for it.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Access, accessOf } from "../../src/cli/init/access.ts";
import type { Answers } from "../../src/cli/init/answers.ts";
import {
  serviceOf,
  unitCommands,
  type UnitFacts,
  unitText,
  unitWarnings,
} from "../../src/cli/init/unit.ts";

const FACTS: UnitFacts = { access: [], dataDirFixed: false, shutdownTimeout: 8 };

function answers(some: Partial<Answers> = {}): Answers {
  return {
    domain: "example.com",
    configFile: "/etc/fmsg/fmsg.yaml",
    dataDir: "/var/lib/fmsg",
    listen: [{ ip: "0.0.0.0", port: 4930 }, { ip: "::", port: 4930 }],
    certificate: { kind: "self-made" },
    roots: null,
    user: null,
    api: "none",
    unitFile: "/etc/systemd/system/fmsg.service",
    program: "/usr/local/bin/fmsg",
    ...some,
  };
}

/** The lines of a setting in the unit. */
function settings(name: string, some: Partial<Answers> = {}, facts: Partial<UnitFacts> = {}) {
  const text = unitText(answers(some), { ...FACTS, ...facts });
  return text.split("\n").filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

Deno.test("the unit runs this executable with this configuration, and reloads it by SIGHUP", () => {
  assert.deepEqual(settings("ExecStart"), [
    "/usr/local/bin/fmsg host run --config /etc/fmsg/fmsg.yaml",
  ]);
  assert.deepEqual(settings("ExecReload"), ["/bin/kill -HUP $MAINPID"]);
});

Deno.test("paths in the unit are quoted as systemd.syntax(7) wants it", () => {
  const odd = { program: '/opt/my "fmsg" 1%/$x', configFile: "/etc/a b/100%/$HOME\\.yaml" };
  assert.deepEqual(settings("ExecStart", odd), [
    String.raw`"/opt/my \"fmsg\" 1%%/$x" host run --config "/etc/a b/100%%/$$HOME\\.yaml"`,
  ]);
  assert.deepEqual(settings("ReadWritePaths", { dataDir: "/srv/50% of\nit" }), [
    String.raw`"/srv/50%% of\x0ait"`,
  ]);
});

Deno.test("a data directory right below /var/lib belongs to a user who exists only while the host runs", () => {
  for (const dataDir of ["/var/lib/fmsg", "/var/lib/fmsg/", "/var/lib/private/fmsg"]) {
    assert.deepEqual(settings("DynamicUser", { dataDir }), ["yes"]);
    assert.deepEqual(settings("User", { dataDir }), ["fmsg"]);
    assert.deepEqual(settings("StateDirectory", { dataDir }), ["fmsg"]);
    assert.deepEqual(settings("StateDirectoryMode", { dataDir }), ["0700"]);
    assert.deepEqual(settings("ReadWritePaths", { dataDir }), []);
  }
  assert.deepEqual(unitCommands(answers(), FACTS), [
    "systemctl daemon-reload",
    "systemctl enable --now fmsg",
  ]);
});

Deno.test("any other data directory belongs to a lasting user, whom the commands make", () => {
  const cases: [Partial<Answers>, Partial<UnitFacts>, string][] = [
    [{ dataDir: "/srv/fm's g" }, {}, `'/srv/fm'\\''s g'`],
    [{ dataDir: "/var/lib/mail/fmsg" }, {}, "/var/lib/mail/fmsg"],
    [{ dataDir: "/var/lib/a:b" }, {}, "/var/lib/a:b"],
    [{ dataDir: "/var/lib/private" }, {}, "/var/lib/private"],
    [{ dataDir: "/var/lib" }, {}, "/var/lib"],
    [{}, { dataDirFixed: true }, "/var/lib/fmsg"],
  ];
  for (const [some, facts, shown] of cases) {
    assert.deepEqual(settings("DynamicUser", some, facts), []);
    assert.deepEqual(settings("StateDirectory", some, facts), []);
    assert.deepEqual(settings("User", some, facts), ["fmsg"]);
    assert.equal(settings("ReadWritePaths", some, facts).length, 1);
    assert.deepEqual(unitCommands(answers(some), { ...FACTS, ...facts }), [
      "getent passwd fmsg || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin fmsg",
      `chown -R fmsg:fmsg ${shown}`,
      "systemctl daemon-reload",
      "systemctl enable --now fmsg",
    ]);
  }
});

Deno.test("a second host on the machine has a user and a cache of its own", () => {
  const second = { unitFile: "/etc/systemd/system/fmsg-b.service", dataDir: "/var/lib/fmsg-b" };
  assert.deepEqual(settings("User", second), ["fmsg-b"]);
  assert.deepEqual(settings("CacheDirectory", second), ["fmsg-b"]);
  assert.equal(serviceOf(second), "fmsg-b");
  assert.deepEqual(settings("User", { unitFile: "/srv/My Host.service" }), ["fmsg"]);
  assert.deepEqual(unitCommands(answers({ unitFile: "/srv/My Host.service" }), FACTS), [
    "systemctl enable --now '/srv/My Host.service'",
  ]);
});

Deno.test("there is a capability only for a port below 1024, and otherwise no privilege at all", () => {
  const acme = (listen: Answers["listen"] | null) => ({
    certificate: { kind: "acme", email: null, directory: "https://ca.test/", listen } as const,
  });
  const cases: [Partial<Answers>, string][] = [
    [{}, ""],
    [{ api: "local" }, ""],
    [{ listen: [{ ip: "::", port: 0 }] }, ""],
    [acme([{ ip: "127.0.0.1", port: 8080 }]), ""],
    [acme([]), ""],
    [acme(null), "CAP_NET_BIND_SERVICE"],
    [acme([{ ip: "0.0.0.0", port: 80 }]), "CAP_NET_BIND_SERVICE"],
    [{ api: "public" }, "CAP_NET_BIND_SERVICE"],
    [{ listen: [{ ip: "::", port: 493 }] }, "CAP_NET_BIND_SERVICE"],
  ];
  for (const [some, wanted] of cases) {
    assert.deepEqual(settings("CapabilityBoundingSet", some), [wanted]);
    assert.deepEqual(settings("AmbientCapabilities", some), [wanted]);
    // In a namespace of its own for users a capability would not count outside.
    assert.deepEqual(settings("PrivateUsers", some), wanted === "" ? ["yes"] : []);
    assert.deepEqual(settings("NoNewPrivileges", some), ["yes"]);
  }
  assert.match(
    unitText(answers({ ...acme(null), api: "public" }), FACTS),
    /but one, for ports 80 and 443/,
  );
});

Deno.test("the host has the time to end what is under way before it is killed", () => {
  assert.deepEqual(settings("TimeoutStopSec"), ["28s"]);
  assert.deepEqual(settings("TimeoutStopSec", {}, { shutdownTimeout: 90.5 }), ["111s"]);
});

Deno.test("V8 may make code, and everything else that systemd takes away is taken away", () => {
  const text = unitText(answers(), FACTS);
  assert.doesNotMatch(text, /^MemoryDenyWriteExecute=/m);
  for (
    const line of [
      "ProtectSystem=strict",
      "ProtectHome=yes",
      "PrivateTmp=yes",
      "RestrictNamespaces=yes",
      "LockPersonality=yes",
      "UMask=0077",
      "LimitNOFILE=65536",
      "CacheDirectory=fmsg",
      "RestartPreventExitStatus=2",
      // The runtime lists the machine's addresses by netlink (row D3).
      "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
      "WantedBy=multi-user.target",
    ]
  ) {
    assert.ok(text.split("\n").includes(line), line);
  }
});

Deno.test("something in a home directory opens home directories for reading, with a warning", () => {
  assert.deepEqual(settings("ProtectHome", { program: "/home/me/fmsg" }), ["read-only"]);
  assert.deepEqual(settings("ProtectHome", { dataDir: "/home/me/data" }), ["read-only"]);
  assert.deepEqual(settings("ProtectHome", { configFile: "/homes/fmsg.yaml" }), ["yes"]);
  const warningsOf = (some: Partial<Answers>) => unitWarnings(answers(some), FACTS).join("\n");
  assert.match(
    warningsOf({ program: "/root/bin/fmsg" }),
    /executable is in \/root\/bin: only root/,
  );
  assert.match(
    warningsOf({ configFile: "/tmp/fmsg.yaml" }),
    /configuration is in \/tmp: a service/,
  );
  assert.match(warningsOf({ dataDir: "/home/me/data" }), /data directory is in \/home\/me: /);
  const files = { kind: "files", cert: "/root/a.pem", key: "/root/b.pem" } as const;
  assert.match(warningsOf({ certificate: files }), /certificate is in \/root/);
  assert.equal(warningsOf({}), "");
});

Deno.test("T5 a key that only root may read is opened to a group, as certbot keeps it at a renewal", () => {
  const access = [
    folder("/etc", 0o755),
    folder("/etc/letsencrypt", 0o755),
    folder("/etc/letsencrypt/live", 0o700),
    folder("/etc/letsencrypt/live/my host", 0o755),
    folder("/etc/letsencrypt/archive", 0o700),
    file("/etc/letsencrypt/archive/my host/fullchain1.pem", 0o644),
    file("/etc/letsencrypt/archive/my host/privkey1.pem", 0o600),
  ];
  assert.deepEqual(settings("SupplementaryGroups", {}, { access }), ["fmsg-tls"]);
  assert.deepEqual(unitCommands(answers(), { ...FACTS, access }).slice(0, -2), [
    "groupadd --system --force fmsg-tls",
    "chgrp fmsg-tls /etc/letsencrypt/live /etc/letsencrypt/archive '/etc/letsencrypt/archive/my host/privkey1.pem'",
    "chmod g+x /etc/letsencrypt/live /etc/letsencrypt/archive",
    "chmod g+r '/etc/letsencrypt/archive/my host/privkey1.pem'",
  ]);
  // The same once it was done.
  const opened = access.map((one): Access =>
    (one.mode & 0o007) === 0 ? { ...one, mode: 0o750, gid: 998, group: "fmsg-tls" } : one
  );
  assert.deepEqual(settings("SupplementaryGroups", {}, { access: opened }), ["fmsg-tls"]);
  assert.equal(unitCommands(answers(), { ...FACTS, access: opened }).length, 2);
});

Deno.test("a group that may read the key already is used, and loses nothing", () => {
  const debian = [
    folder("/etc/ssl/private", 0o710, "ssl-cert"),
    file("/etc/ssl/private/a.key", 0o640, "ssl-cert"),
  ];
  assert.deepEqual(settings("SupplementaryGroups", {}, { access: debian }), ["ssl-cert"]);
  assert.equal(unitCommands(answers(), { ...FACTS, access: debian }).length, 2);
  const mixed = [
    folder("/srv/web", 0o750, "www"),
    folder("/srv/web/tls", 0o640, "ops"),
    folder("/srv/web/tls/own", 0o700, "caddy"),
    file("/srv/web/tls/own/a.key", 0o640),
  ];
  assert.deepEqual(settings("SupplementaryGroups", {}, { access: mixed }), ["www ops fmsg-tls"]);
  assert.deepEqual(unitCommands(answers(), { ...FACTS, access: mixed }).slice(0, -2), [
    "groupadd --system --force fmsg-tls",
    "chgrp fmsg-tls /srv/web/tls/own /srv/web/tls/own/a.key",
    "chmod g+x /srv/web/tls /srv/web/tls/own",
    "chmod g+r /srv/web/tls/own/a.key",
  ]);
});

Deno.test("a certificate that everybody may read needs no group", () => {
  const access = [folder("/srv", 0o711), file("/srv/a.key", 0o604)];
  assert.deepEqual(settings("SupplementaryGroups", {}, { access }), []);
});

Deno.test("what lies on the way to a file is found through its links", () => {
  const root = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    mkdirSync(join(root, "archive/a"), { recursive: true });
    mkdirSync(join(root, "live/a"), { recursive: true });
    writeFileSync(join(root, "archive/a/privkey1.pem"), "");
    chmodSync(join(root, "archive/a/privkey1.pem"), 0o600);
    chmodSync(join(root, "archive"), 0o700);
    symlinkSync("../../archive/a/privkey1.pem", join(root, "live/a/privkey.pem"));
    symlinkSync(join(root, "live"), join(root, "now"));
    symlinkSync("circle", join(root, "circle"));
    const found = accessOf([
      join(root, "now/a/privkey.pem"),
      join(root, "now/a/missing/x.pem"),
      join(root, "circle"),
    ]);
    assert.deepEqual(
      found.filter(({ path }) => path.startsWith(`${root}/`))
        .map(({ path, kind, mode }) => [path.slice(root.length), kind, mode & 0o700]),
      [
        ["/live", "folder", 0o700],
        ["/live/a", "folder", 0o700],
        ["/archive", "folder", 0o700],
        ["/archive/a", "folder", 0o700],
        ["/archive/a/privkey1.pem", "file", 0o600],
      ],
    );
    const key = found.find(({ kind }) => kind === "file");
    assert.equal(key?.mode, 0o600);
    assert.equal(key?.gid, Deno.statSync(join(root, "archive/a/privkey1.pem")).gid);
    assert.notEqual(key?.group, "");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

function folder(path: string, mode: number, group = "root"): Access {
  return { path, kind: "folder", mode, gid: group === "root" ? 0 : 1, group };
}

function file(path: string, mode: number, group = "root"): Access {
  return { path, kind: "file", mode, gid: group === "root" ? 0 : 1, group };
}

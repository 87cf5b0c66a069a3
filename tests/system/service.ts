// The unit that the wizard writes, under a real systemd, in its variants; and what is done to a host that runs: another
// configuration, another kind of certificate and its renewals, a backup, a newer version.

import assert from "node:assert/strict";
import { makeAuthority } from "../../src/certificate/make.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { waitFor } from "../support/wait.ts";
import type { Place } from "./stage/place.ts";
import { buildNewer, NEWER, NEWER_VERSION, PROGRAM } from "./stage/program.ts";
import { commandsIn, PORTS, Service } from "./stage/service.ts";
import { Stage } from "./stage/stage.ts";

/** How long the authority's certificates are valid, in seconds: a renewal is due after two thirds. */
const VALIDITY = 30;
const ADDRESS = "192.0.44.10";

Deno.test("a host under systemd may do nothing but its work, and is changed, saved and upgraded while it runs", async (test) => {
  await using stage = await Stage.open({
    zones: { "example.edu": [`fmsg A ${ADDRESS}`] },
    program: PROGRAM,
    validity: VALIDITY,
  });
  const server = await stage.rent({
    hostName: "carol-vps",
    ip4: ADDRESS,
    ip6: "2620:0:2d0:44::10",
  });
  // It takes as long as what is done before it is needed.
  const newer = buildNewer();
  newer.catch(() => {});
  const steps: [string, () => Promise<void>][] = [
    ["a user and a data directory for as long as it runs, and no privilege", () => first(server)],
    ["a certificate opened by its group, data elsewhere, and a low port", () => second(server)],
    ["a changed configuration is taken without a new start", () => reload(server)],
    ["the wizard changes where the certificate comes from", () => changeCertificate(server)],
    ["apps on port 443, with the certificate that there is", () => apps(server)],
    [
      "a backup beside it, and a newer version that changes the store",
      () => newer.then(() => upgrade(server)),
    ],
    ["the certificate is renewed, and shown", () => renewal(server)],
    ["an older version does not touch the store", () => older(server)],
  ];
  try {
    for (const [name, step] of steps) {
      if (await test.step(name, step)) continue;
      console.error(await stage.logs());
      break;
    }
  } finally {
    await Promise.allSettled([newer]);
  }
});

async function first(server: Place): Promise<void> {
  await type(server, "install -m 755 fmsg /usr/local/bin/");
  const service = new Service(server, "fmsg");
  const init = "fmsg host init --yes --domain example.edu --user carol --certificate self-made";
  await setUp(service, init);
  assert.match(await type(server, "fmsg list @carol@example.edu"), /@carol@example\.edu/);

  const { uid, ...rest } = await service.status();
  assert.ok(uid >= 61184, "of those that systemd hands out");
  assert.deepEqual(rest, { capabilities: [0n, 0n], noNewPrivileges: true });
  assert.deepEqual(await owners(server, "/var/lib/private/fmsg"), [String(uid)]);
  assert.equal(await service.property("LimitNOFILE"), "65536");
  assert.deepEqual(await lookAround(server, "fmsg"), {
    ...HIDDEN,
    "/etc/fmsg/ca-key.pem": "Permission denied",
  });
}

/** As certbot leaves its files, with a folder that only root may pass. */
async function second(server: Place): Promise<void> {
  const authority = await makeAuthority("An authority");
  const { cert, key } = await authority.issue("fmsg.example.com");
  const folder = "/etc/letsencrypt/live/fmsg.example.com";
  await type(server, `mkdir -p ${folder}; chmod 700 /etc/letsencrypt/live; mkdir "/srv/my data"`);
  server.write(`${folder}/fullchain.pem`, cert);
  server.write(`${folder}/privkey.pem`, key);
  server.write(`${folder}/ca.pem`, authority.pem);
  await type(server, `chmod 600 ${folder}/privkey.pem; chmod 644 ${folder}/ca.pem`);

  const service = new Service(server, "fmsg-second");
  const init = "fmsg host init --yes --domain example.com --user dave" +
    " --config /etc/fmsg-second/fmsg.yaml --unit /etc/systemd/system/fmsg-second.service" +
    ` --data-dir "/srv/my data" --listen 0.0.0.0:700 --cert ${folder}/fullchain.pem` +
    ` --key ${folder}/privkey.pem`;
  const commands = await setUp(service, init);
  assert.match(commands.join("\n"), /^chgrp fmsg-tls [^]*useradd [^]*chown /m);
  const { uid, ...rest } = await service.status();
  assert.equal(String(uid), (await type(server, "id -u fmsg-second")).trim());
  assert.deepEqual(rest, { capabilities: [PORTS, PORTS], noNewPrivileges: true });
  assert.deepEqual(await owners(server, "/srv/my data"), [String(uid)]);
  assert.deepEqual(await lookAround(server, "fmsg-second"), HIDDEN);
}

async function reload(server: Place): Promise<void> {
  const service = new Service(server, "fmsg");
  const before = await service.property("MainPID");
  const config = "/etc/fmsg/fmsg.yaml";
  const text = server.read(config);
  server.write(config, `${text}\nlimits: { header_timeout: soon }\n`);
  await type(server, "systemctl reload fmsg");
  await service.says('"not reloaded, the old configuration is kept"');
  server.write(config, `${text}\nlimits: { header_timeout: 1s }\n`);
  await type(server, "systemctl reload fmsg");
  await service.says('"reloaded"');
  // Whoever says nothing is let go sooner than the ten seconds of before.
  await type(server, "timeout 6 bash -c 'cat </dev/tcp/127.0.0.1/4930'");
  assert.equal(await service.property("MainPID"), before);
}

/** From the self-made one to Let's Encrypt: for port 80 the unit changes, too. */
async function changeCertificate(server: Place): Promise<void> {
  const init = "fmsg host init --yes --certificate acme --email carol@example.edu --agree-tos";
  const commands = commandsIn(await type(server, init));
  assert.deepEqual(commands.slice(0, 2), ["systemctl daemon-reload", "systemctl restart fmsg"]);
  const service = new Service(server, "fmsg");
  for (const command of commands.slice(0, 2)) await type(server, command);
  await service.says('"certificate renewed"');
  assert.deepEqual((await service.status()).capabilities, [PORTS, PORTS]);
}

/** Steps 6 and 7 of docs/quickstart.md, with curl in place of a client. */
async function apps(server: Place): Promise<void> {
  const service = new Service(server, "fmsg");
  const commands = commandsIn(await type(server, "fmsg host init --yes --api public"));
  const [reload, restart] = commands;
  assert.deepEqual([reload, restart], ["systemctl daemon-reload", "systemctl restart fmsg"]);
  for (const command of commands.slice(0, 2)) await type(server, command);
  await service.says('"api":"[::]:443"');
  const { capabilities } = await service.status();
  assert.deepEqual(capabilities, [PORTS, PORTS]);
  assert.match(
    await type(server, "fmsg host check"),
    /OK +The interface answers as https:\/\/fmsg\.example\.edu/,
  );
  const { key } = JSON.parse(await type(server, "fmsg key create @carol@example.edu --json"));
  const { access_token } = JSON.parse(await request(server, "/fmsg/token -X POST", key));
  assert.ok(JSON.parse(await request(server, "/fmsg", access_token)).length > 0);
}

async function request(server: Place, path: string, bearer: string): Promise<string> {
  const url = `https://fmsg.example.edu${path}`;
  return await type(server, `curl -sSf -H "Authorization: Bearer ${bearer}" ${url}`);
}

/** As docs/backup.md says. */
async function upgrade(server: Place): Promise<void> {
  const service = new Service(server, "fmsg");
  await type(server, "mkdir /backup");
  await Deno.copyFile(NEWER, server.path("/root/fmsg-new"));
  const list = "fmsg list @carol@example.edu --json";
  const before = await type(server, list);
  await type(server, "fmsg host backup /backup/before-upgrade.db");
  await type(server, "install -m 755 fmsg-new /usr/local/bin/fmsg");
  await type(server, "systemctl restart fmsg");
  await service.says('"listening"');
  assert.ok((await type(server, "fmsg --version")).startsWith(NEWER_VERSION));
  assert.match(await type(server, "fmsg host status"), new RegExp(`fmsg ${NEWER_VERSION}`));
  assert.match(await service.log(), /the store was upgraded/);
  assert.equal(await type(server, list), before);
  const { uid } = await service.status();
  assert.deepEqual(await owners(server, "/var/lib/private/fmsg"), [String(uid)]);
  await type(
    server,
    `test -s /var/lib/fmsg/fmsg.db.version-${MIGRATIONS.length} && test -s /backup/before-upgrade.db`,
  );
}

async function renewal(server: Place): Promise<void> {
  const file = "/var/lib/private/fmsg/acme/certificate.pem";
  const before = server.read(file);
  await waitFor(() => server.read(file) !== before, { what: "a renewal", ms: VALIDITY * 1000 });
  await new Service(server, "fmsg").says('"certificate renewed"');
  // It warns that the certificate ends soon.
  const check = await type(server, "fmsg host check || true");
  assert.match(check, /OK +The running host shows this certificate/);
  // Of the port of the apps, too.
  const shown = "openssl s_client -connect fmsg.example.edu:443 </dev/null 2>/dev/null";
  const serial = "openssl x509 -noout -serial";
  await waitFor(
    async () =>
      await type(server, `${shown} | ${serial}`) === await type(server, `${serial} -in ${file}`),
    { what: "the interface to show the renewed certificate", ms: 10_000 },
  );
}

async function older(server: Place): Promise<void> {
  await type(server, "systemctl stop fmsg");
  const service = new Service(server, "fmsg");
  assert.equal(await service.property("Result"), "success");
  assert.match(await service.log(), /"stopped"/);
  const refusal = new RegExp(`use fmsg ${NEWER_VERSION} or newer`);
  await assert.rejects(type(server, "./fmsg host run"), refusal);
  await type(server, "systemctl start fmsg");
  await service.says('"listening"');
}

/** Runs the wizard and what it says to type, but for the check, which the quickstart does. */
async function setUp(service: Service, init: string): Promise<string[]> {
  const { server } = service;
  const commands = commandsIn(await type(server, init));
  for (const command of commands.filter((command) => !command.includes("host check"))) {
    if (command.startsWith("fmsg ")) await service.says('"listening"');
    await type(server, command);
  }
  return commands;
}

/** In root's home, by a shell. */
async function type(server: Place, command: string): Promise<string> {
  return await server.run("sh", "-c", `cd && ${command}`);
}

/** Whose the files below a folder are. */
async function owners(server: Place, folder: string): Promise<string[]> {
  const found = await type(server, `find "${folder}" -printf '%U\\n' | sort -u`);
  return found.trim().split("\n");
}

/** What a program in the unit's place may not: what it tries, and what it is told. */
async function lookAround(server: Place, unit: string): Promise<Record<string, string>> {
  const file = (name: string): string => `/etc/systemd/system/${name}.service`;
  const text = server.read(file(unit))
    .replace(/^ExecStart=.*$/m, "ExecStart=/bin/sh /usr/local/bin/look")
    .replace(/^Type=.*$/m, "Type=oneshot").replace(/^Restart=.*$/m, "");
  const look = `look-${unit}`;
  server.write(file(look), text);
  server.write("/usr/local/bin/look", LOOK);
  await type(server, `systemctl daemon-reload && systemctl start ${look}`);
  const said = await type(server, `journalctl -u ${look} -o cat --no-pager`);
  const lines = said.matchAll(/^tried (\S+):.*: (.*)$/gm);
  return Object.fromEntries([...lines].map(([, path = "", answer = ""]) => [path, answer]));
}

const LOOK = `tried() { echo "tried $1: $(shift; "$@" 2>&1 || true)"; }
tried /etc/fmsg/ca-key.pem cat /etc/fmsg/ca-key.pem
tried /root ls /root
tried /etc/x touch /etc/x
tried /proc/1 ls -d /proc/1
tried /dev/sda mknod /tmp/sda b 8 0
tried namespace unshare --user true
`;

const HIDDEN = {
  "/etc/fmsg/ca-key.pem": "Permission denied",
  "/root": "Permission denied",
  "/etc/x": "Read-only file system",
  "/proc/1": "No such file or directory",
  "/dev/sda": "Operation not permitted",
  "namespace": "Operation not permitted",
};

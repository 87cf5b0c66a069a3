// The examination of one's own host, on real hosts: what can be well is found well, and what can break is found broken.
import assert from "node:assert/strict";
import { join } from "node:path";
import { createServer, type Server } from "node:net";
import { makeAuthority, selfSigned } from "../../src/certificate/make.ts";
import { DnsServer } from "../support/dns_server.ts";
import type { HostProcess } from "../support/host_process.ts";
import { World } from "../support/world.ts";
import { broken, delegate, examine, level, outside, TimeServer, words } from "./setup.ts";

const DAY = 86_400_000;

Deno.test("a running host is examined", async (t) => {
  await using world = await World.make();
  const host = await world.host({ users: ["alice"] });
  await Deno.chmod(host.dataDir, 0o700);
  await Deno.chmod(join(host.folder, "key.pem"), 0o600);
  const name = `fmsg.${host.domain}`;
  const { dns } = world;
  const restore = (): void => {
    dns.remove(name);
    dns.set(name, "A", [host.ip]);
  };

  await t.step("one in order is found in order, each thing by itself", async () => {
    await using clock = await TimeServer.start(dns.ip);
    dns.set("time.test", "A", [dns.ip]);
    const where = outside({ timeServers: { name: "time.test", port: clock.port } });
    const findings = await examine(host, where);
    assert.deepEqual(broken(findings), []);
    for (
      const id of [
        ...["config", "config-access", "data-dir", "disk", "store", "users", "queue"],
        ...["host-running", "dns-a", "dns-aaaa", "dns-dnssec", "leaving-ipv4", "leaving-ipv6"],
        ...[`port-${world.port}`, "certificate-name", "certificate-expiry", "certificate-key"],
        ...["certificate-served", "tls-1.3", "tls-1.2", "tls-alpn", "tls-sni", "clock"],
      ]
    ) assert.equal(level(findings, id), "ok", `${id}: ${words(findings, id)}`);
    // What is for tests and private networks is said, and breaks nothing.
    for (const id of ["listen-port", "delivery-port", "dns-private", "certificate-chain"]) {
      assert.equal(level(findings, id), "warning", id);
    }
  });

  await t.step(
    "R8 DNS with another address: others end every exchange, and it says so",
    async () => {
      const other = world.address();
      dns.set(name, "A", [other]);
      const findings = await examine(host);
      assert.equal(level(findings, "leaving-ipv4"), "fail");
      const said = words(findings, "leaving-ipv4");
      assert.ok(
        said.includes(`leaves from ${host.ip}`) && said.includes(`DNS gives ${other}`),
        said,
      );
      assert.ok(said.includes(`"${name}. A ${host.ip}"`), said);
      assert.match(words(findings, `port-${world.port}`), /refuses connections/);
      restore();
    },
  );

  await t.step("an AAAA record of an address that the host does not leave from", async () => {
    dns.set(name, "AAAA", ["::1"]);
    const findings = await examine(host);
    assert.equal(level(findings, "leaving-ipv6"), "fail");
    assert.match(words(findings, "leaving-ipv6"), /remove the AAAA record/);
    restore();
  });

  await t.step("another host on the published address is not taken for this one", async () => {
    const peer = await world.peer({ domain: host.domain });
    dns.set(name, "A", peer.ips);
    const findings = await examine(host);
    assert.match(words(findings, `port-${world.port}`), /another host answers/);
    restore();
  });

  await t.step("a record at the domain itself, and none where others look", async () => {
    dns.remove(name);
    dns.set(host.domain, "A", [host.ip]);
    const findings = await examine(host);
    assert.ok(broken(findings).includes("dns-a"));
    assert.match(words(findings, "dns-a"), /itself has .* do not look there/);
    assert.equal(level(findings, "leaving-ipv4"), undefined);
    dns.remove(host.domain);
  });

  await t.step("a domain that does not exist", async () => {
    dns.remove(name);
    const findings = await examine(host);
    assert.equal(level(findings, "dns-domain"), "fail");
    restore();
  });

  await t.step("DNS that does not validate, that fails, and that is silent", async () => {
    dns.bogus(name);
    assert.equal(level(await examine(host), "dns-dnssec"), "fail");
    restore();
    dns.servfail(name);
    assert.match(words(await examine(host), "dns-servers"), /SERVFAIL/);
    restore();
    dns.silent(name);
    const findings = await examine(host);
    assert.equal(level(findings, "dns-servers"), "fail");
    assert.equal(level(findings, "tls-1.3"), "ok", "the rest is examined all the same");
    restore();
  });

  await t.step("name servers of the zone that tell something else, or nothing", async () => {
    await using zone = await DnsServer.start({ ip: world.address() });
    dns.set("ns.test", "A", [zone.ip]);
    delegate(dns, host.domain, ["ns.test"]);
    const where = outside({ nameServerPort: zone.port });
    zone.set(name, "A", [host.ip]);
    assert.equal(level(await examine(host, where), "dns-name-servers"), "ok");
    const other = world.address();
    zone.set(name, "A", [other]);
    const findings = await examine(host, where);
    assert.equal(level(findings, "dns-agreement"), "warning");
    // The newest counts: what the others will see.
    assert.ok(words(findings, "dns-a").includes(other));
    assert.equal(level(findings, "leaving-ipv4"), "fail");
    zone.refused(name);
    assert.equal(level(await examine(host, where), "dns-name-servers"), "warning");
    dns.intercept = null;
    restore();
  });

  await t.step("an alias is followed and told", async () => {
    dns.remove(name);
    dns.cname(name, "real.test");
    dns.set("real.test", "A", [host.ip]);
    const findings = await examine(host);
    assert.match(words(findings, "dns-alias"), /real\.test/);
    assert.equal(level(findings, "leaving-ipv4"), "ok");
    restore();
  });

  await t.step("T6 dns.dnssec required counts what is authentic only", async () => {
    await host.configure({ dns: { dnssec: "required" } });
    assert.equal(level(await examine(host), "dns-dnssec"), "fail");
    dns.authentic = true;
    assert.equal(level(await examine(host), "dns-dnssec"), "ok");
    dns.authentic = false;
    await host.configure({ dns: { dnssec: "opportunistic" } });
  });

  await t.step("a clock that is wrong, a little wrong, or that nobody compares", async () => {
    await using clock = await TimeServer.start(dns.ip);
    dns.set("time.test", "A", [dns.ip]);
    const where = outside({ timeServers: { name: "time.test", port: clock.port } });
    for (const [ahead, expected] of [[60, "fail"], [-60, "fail"], [8, "warning"]] as const) {
      clock.ahead = ahead;
      assert.equal(level(await examine(host, where), "clock"), expected, `${ahead} s`);
    }
    clock.ahead = 0;
    assert.equal(level(await examine(host, where), "clock"), "ok");
    clock.stratum = 0;
    assert.equal(level(await examine(host, where), "clock"), "warning");
  });

  await t.step("T5 a certificate in the file that the host does not show", async () => {
    const { cert, key } = await world.authority.issue(name);
    const changed = { cert: join(host.folder, "cert2.pem"), key: join(host.folder, "key2.pem") };
    await Deno.writeTextFile(changed.cert, cert);
    await Deno.writeTextFile(changed.key, key);
    await host.configure({ tls: changed });
    const findings = await examine(host);
    assert.equal(level(findings, "certificate-served"), "fail");
    assert.match(words(findings, "certificate-served"), /reload/);
    await host.configure({
      tls: { cert: join(host.folder, "cert.pem"), key: join(host.folder, "key.pem") },
    });
  });

  await t.step("keys that the host has not read yet", async () => {
    const listen = [`${host.ip}:${world.port}`];
    await host.configure({ listen: [...listen, `${world.address()}:${world.port}`] });
    assert.equal(level(await examine(host), "host-config"), "warning");
    await host.configure({ listen });
  });
});

Deno.test("a host that does not run is examined", async (t) => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  const name = `fmsg.${host.domain}`;

  await t.step(
    "that it does not run is what is broken, and nothing that follows from it",
    async () => {
      const findings = await examine(host);
      assert.deepEqual(broken(findings), ["host-running"]);
      assert.equal(level(findings, `port-${world.port}`), "warning");
      assert.equal(level(findings, "users"), "warning");
      assert.equal(level(findings, "certificate-name"), "ok");
    },
  );

  await t.step("another program on its port", async () => {
    const server = await listen(host, (socket) => {
      socket.on("error", () => {});
      // Only who reads notices the end.
      socket.resume();
      socket.end("220 hello\r\n");
    });
    try {
      assert.match(words(await examine(host), `port-${world.port}`), /does not speak TLS/);
    } finally {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });

  for (
    const [what, id, expected, issue] of [
      ["expired", "certificate-expiry", "fail", () =>
        world.authority.issue(name, {
          notBefore: new Date(Date.now() - 90 * DAY),
          notAfter: new Date(Date.now() - DAY),
        })],
      [
        "not valid yet",
        "certificate-expiry",
        "fail",
        () => world.authority.issue(name, { notBefore: new Date(Date.now() + DAY) }),
      ],
      ["about to expire", "certificate-expiry", "warning", () =>
        world.authority.issue(name, {
          notBefore: new Date(Date.now() - 80 * DAY),
          notAfter: new Date(Date.now() + 10 * DAY),
        })],
      ["for another name", "certificate-name", "fail", () => world.authority.issue(host.domain)],
      ["self-signed", "certificate-chain", "fail", () => selfSigned(name)],
      [
        "of an unknown authority",
        "certificate-chain",
        "fail",
        async () => await (await makeAuthority("Nobody")).issue(name),
      ],
    ] as const
  ) {
    await t.step(`T2 a certificate that is ${what}`, async () => {
      await host.renewCertificate(await issue());
      const findings = await examine(host);
      assert.equal(level(findings, id), expected, words(findings, id));
      if (expected === "fail") assert.ok(broken(findings).includes(id));
    });
  }

  await t.step("T2 a key that is another certificate's, and a file that is none", async () => {
    await host.renewCertificate();
    const { key } = await world.authority.issue(name);
    await Deno.writeTextFile(join(host.folder, "key.pem"), key);
    assert.match(words(await examine(host), "certificate"), /is not the key of/);
    await Deno.writeTextFile(join(host.folder, "cert.pem"), "nothing");
    assert.equal(level(await examine(host), "certificate"), "fail");
    await host.renewCertificate();
  });

  await t.step("tls.ca that is not there", async () => {
    await host.configure({ tls: { ca: join(host.folder, "missing.pem") } });
    assert.equal(level(await examine(host), "tls-ca"), "fail");
    await host.configure({ tls: { ca: join(host.folder, "ca.pem") } });
  });

  await t.step("a store that is damaged", async () => {
    await Deno.writeTextFile(join(host.dataDir, "fmsg.db"), "no database".repeat(1000));
    assert.equal(level(await examine(host), "store"), "fail");
    await Deno.remove(join(host.dataDir, "fmsg.db"));
  });

  await t.step("a disk with too little room", async () => {
    await host.configure({ limits: { min_free_disk: 2 ** 52 } });
    assert.equal(level(await examine(host), "disk"), "fail");
    await host.configure({ limits: { min_free_disk: 0 } });
  });

  await t.step("a data directory that is not there, or is a file", async () => {
    await host.configure({ data_dir: join(host.folder, "missing") });
    assert.equal(level(await examine(host), "data-dir"), "warning");
    await host.configure({ data_dir: host.configFile });
    assert.equal(level(await examine(host), "data-dir"), "fail");
    await host.configure({ data_dir: host.dataDir });
  });

  await t.step("a source that is no address of this machine, and one that is", async () => {
    await host.configure({ delivery: { source: "203.0.113.7" } });
    assert.equal(level(await examine(host), "leaving-ipv4"), "fail");
    await host.configure({ delivery: { source: host.ip } });
    assert.equal(level(await examine(host), "leaving-ipv4"), "ok");
  });

  await t.step("dns.hosts for its own name", async () => {
    await host.configure({ dns: { hosts: { [name]: [host.ip] } } });
    const findings = await examine(host);
    assert.equal(level(findings, "dns-hosts"), "warning");
    assert.deepEqual(broken(findings), ["host-running"]);
  });
});

Deno.test("a host that is starting is waited for, and then examined as one that runs", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false, users: ["alice"] });
  const starting: Promise<void>[] = [];
  const findings = await examine(host, outside({ patience: 20_000 }), () => {
    starting.push(host.start());
  });
  await Promise.all(starting);
  assert.equal(starting.length, 1);
  for (const id of ["host-running", `port-${world.port}`, "certificate-served"]) {
    assert.equal(level(findings, id), "ok", words(findings, id));
  }
});

Deno.test("T5 a host that is getting its first certificate is told as that, not as one that is full or broken", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  // It takes connections, and says nothing.
  const authority = createServer((socket) => {
    socket.on("error", () => {});
    // Only who reads notices the end.
    socket.resume();
  });
  const at = world.address();
  await new Promise<void>((resolve) => authority.listen(world.port, at, resolve));
  try {
    const acme = {
      directory: `https://${at}:${world.port}/directory`,
      listen: [`${host.ip}:${world.port + 1}`],
    };
    await host.configure({ tls: { cert: null, key: null, acme } });
    await host.start({ until: /there is no certificate yet/ });
    const findings = await examine(host);
    assert.deepEqual(broken(findings), ["certificate"]);
    assert.equal(level(findings, "acme-renewal"), "warning", words(findings, "acme-renewal"));
    assert.equal(level(findings, "acme-port"), undefined, "it may be its own");
    assert.match(words(findings, `port-${world.port}`), /as long as it has no certificate/);
    await host.stop();
  } finally {
    await new Promise<void>((resolve) => authority.close(() => resolve()));
  }
});

Deno.test("a machine on which nothing answers is examined within the bound", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  world.dns.silent(`fmsg.${host.domain}`);
  world.dns.silent(host.domain);
  world.dns.silent("pool.ntp.org");
  const findings = await examine(host);
  assert.equal(level(findings, "dns-servers"), "fail");
  assert.equal(level(findings, "clock"), "warning");
});

async function listen(
  { ip, port }: HostProcess,
  serve: Parameters<typeof createServer>[1],
): Promise<Server> {
  const server = createServer({}, serve);
  await new Promise<void>((resolve) => server.listen(port, ip, resolve));
  return server;
}

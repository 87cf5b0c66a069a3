// Broken configurations, each with the one line that is said about it.
import assert from "node:assert/strict";
import { ConfigError, parseConfig } from "../src/config.ts";

/** What is promised, the lines behind `domain: example.com`, and the message behind the file's name. */
const STRUCTURE: readonly [promise: string, text: string, says: string][] = [
  [
    "an unknown key is named with its line and the nearest known key",
    "limits:\n  max_size: 1MB\n  max_sise: 2MB",
    ":4: limits.max_sise: is no known key; did you mean limits.max_size?",
  ],
  [
    "a key in the wrong section is sent to the right one",
    "max_connections: 5",
    ":2: max_connections: is no known key; did you mean limits.max_connections?",
  ],
  [
    "a key in another spelling is recognised",
    "delivery: {maxConcurrent: 5}",
    ":2: delivery.maxConcurrent: is no known key; did you mean delivery.max_concurrent?",
  ],
  [
    "a longer form of a key is recognised",
    "logging: {level: info}",
    ":2: logging: is no known key; did you mean log?",
  ],
  [
    "an unknown key like no other gets the list of those that exist",
    "dns: {favourite_colour: blue}",
    ":2: dns.favourite_colour: is no known key; the keys here are servers, hosts, dnssec, trusted",
  ],
  [
    "a name that every object of the language has is an unknown key too",
    "log: {constructor: 1}\n__proto__: {}",
    ":2: log.constructor: is no known key; the keys here are level (and 1 more problem)",
  ],
  [
    "a key that is there twice is named with both lines",
    "limits:\n  min_rate: 1\n\n  min_rate: 2",
    ":5: limits.min_rate: is there twice, first on line 3; remove one of them",
  ],
  [
    "a section that is there twice is an error even when one is empty",
    "dns: {}\ndns:",
    ":3: dns: is there twice, first on line 2; remove one of them",
  ],
  [
    "a value in place of a section names a key of the section",
    "limits: 10MiB",
    ':2: limits: "10MiB" stands where keys belong, such as max_size',
  ],
  [
    "a list in place of a section is an error",
    "tls:\n  - cert: a.pem",
    ":2: tls: a list stands where keys belong, such as cert",
  ],
  [
    "a key that is no name is an error",
    "? [a, b]\n: c",
    ":2: a key is no plain name; write names only",
  ],
  [
    "a key with a line break does not break the line of the message",
    '"a\\nb": c',
    ":2: a b: is no known key; the keys here are domain, data_dir, listen, tls, dns, challenge, " +
    "limits, ban, delivery, quota, retention, api, metrics, log, shutdown_timeout",
  ],
  [
    "an alias is an error, not a surprise",
    "data_dir: &d /a\ndns: {hosts: {a.test: *d}}",
    ":3: dns.hosts.a.test: *d is an alias; write the value itself",
  ],
  [
    "a key that seems to be missing is not told beside one that is misspelled",
    "tls: {cert: a.pem, keey: b.pem}",
    ":2: tls.keey: is no known key; did you mean tls.key?",
  ],
  [
    "a tag that nobody knows is an error, not ignored",
    "data_dir: !env DATA",
    ":2: no YAML from column 11 on: Unresolved tag: !env",
  ],
  [
    "a second document is an error",
    "---\ndomain: example.org",
    ":2: a second document begins here; keep one of them",
  ],
  [
    "a syntax error has its line",
    "limits:\n\tmax_size: 1",
    ":3: no YAML from column 1 on: Tabs are not allowed as indentation",
  ],
  [
    "a bracket that is not closed is found on a line that exists",
    "limits: {max_size: 1\n\n",
    ":2: no YAML from column 21 on: " +
    "Flow map in block collection must be sufficiently indented and end with a }",
  ],
  [
    "an address in brackets without quotes gets the advice to quote it",
    "listen: [::]:4930",
    ":2: no YAML from column 13 on: " +
    "Unexpected scalar at node end; a text with @, [ or ] in it may need quotes",
  ],
  [
    "of several problems the first in the file is told, and how many more there are",
    "log: {level: loud}\nunlike: 1\nlimits: {max_size: no, min_rate: 0}\nlisten: []",
    ':2: log.level: "loud" is no choice here; write debug, info, warn or error (and 4 more problems)',
  ],
  [
    "problems are in the order of the file, not of the schema",
    "listen:\n  - 127.0.0.1:1\n  - localhost:1\ndata_dir: ''",
    ':4: listen: "localhost:1" is no address with a port; ' +
    'write an IP and a port as in "0.0.0.0:4930" or "[::]:4930" (and 1 more problem)',
  ],
];

for (const [promise, text, says] of STRUCTURE) {
  Deno.test(`configuration: ${promise}`, () => assertSaid(`domain: example.com\n${text}`, says));
}

const LABELS = "write labels of letters, digits and hyphens, as in example.com";
const MISSING = "is missing; write the domain of your addresses, as in example.com";
const BARE = "write the bare domain: example.com";

Deno.test("configuration: what is no domain is told apart from the domain that was meant", () => {
  const long = `${"a".repeat(62)}.`.repeat(3) + "a".repeat(60);
  assert.equal(`fmsg.${long}`.length, 254);
  const broken: readonly [text: string, says: string][] = [
    ["", `: domain: ${MISSING}`],
    ["# nothing\ndata_dir: /a", `: domain: ${MISSING}`],
    ["domain:", `:1: domain: ${MISSING}`],
    ["domian: a.test", ":1: domian: is no known key; did you mean domain?"],
    [
      "log: {level: loud}",
      ':1: log.level: "loud" is no choice here; write debug, info, warn or error (and 1 more problem)',
    ],
    ["- domain: a.test", ":1: this is no mapping of keys; begin as in domain: example.com"],
    ["example.com", ":1: this is no mapping of keys; begin as in domain: example.com"],
    ["domain: '@al@example.com'", `:1: domain: "@al@example.com" is no domain; ${BARE}`],
    // YAML itself would refuse this one, and tell nobody what to write.
    ["domain: @example.com", `:1: domain: "@example.com" is no domain; ${BARE}`],
    [
      "domain: https://fmsg.example.com:4930/",
      ':1: domain: "https://fmsg.example.com:4930/" is ' +
      `no domain; ${BARE}`,
    ],
    [
      "domain: FMSG.example.com",
      ':1: domain: "FMSG.example.com" has the prefix that is put in front by itself; ' +
      `${BARE} (if your addresses do end in @fmsg.example.com, ` +
      "write fmsg.example.com. with a dot at the end)",
    ],
    ["domain: 192.0.2.1", `:1: domain: "192.0.2.1" is no domain; ${LABELS}`],
    ["domain: a-.test", `:1: domain: "a-.test" is no domain; ${LABELS}`],
    ["domain: a_b.test", `:1: domain: "a_b.test" is no domain; ${LABELS}`],
    ["domain: a..test", `:1: domain: "a..test" is no domain; ${LABELS}`],
    [
      `domain: ${"a".repeat(64)}.test`,
      `:1: domain: "${"a".repeat(64)}.test" is no domain; ${LABELS}`,
    ],
    [`domain: ${long}`, `:1: domain: "${long.slice(0, 79)}…" is no domain; ${LABELS}`],
    ["domain: 12", ":1: domain: 12 is no domain; write one as in example.com"],
  ];
  for (const [text, says] of broken) assertSaid(text, says);
});

Deno.test("configuration: a domain may begin with fmsg where it has to, and be as long as DNS allows", () => {
  const longest = `${"a".repeat(62)}.`.repeat(3) + "a".repeat(59);
  assert.equal(`fmsg.${longest}`.length, 253);
  for (const domain of ["fmsg.io", "fmsg", "localhost", "9.test", longest]) {
    assert.equal(parseConfig(`domain: ${domain}`, "fmsg.yaml").domain, domain);
  }
  assert.equal(parseConfig("domain: fmsg.example.com.", "fmsg.yaml").domain, "fmsg.example.com");
});

Deno.test("configuration: a value that does not fit is told with its key, and what would fit", () => {
  const size = "is no size; write bytes as a number, or with a unit as in 10MiB";
  const duration = "is no duration; write seconds as a number, or with a unit as in 20s or 7d";
  const listen = 'write an IP and a port as in "0.0.0.0:4930" or "[::]:4930"';
  const broken: readonly [text: string, says: string][] = [
    ["data_dir: ' '", 'data_dir: " " is no path; write one as in /etc/fmsg/key.pem'],
    [
      "data_dir: ~/d",
      'data_dir: "~/d" begins with ~, which only a shell knows; write the whole path',
    ],
    ["listen: 4930", `listen: 4930 is no address with a port; ${listen}`],
    ["listen: [null]", `listen: null is no address with a port; ${listen}`],
    ["listen: '::1:4930'", `listen: "::1:4930" is no address with a port; ${listen}`],
    ["listen: '[1.2.3.4]:1'", `listen: "[1.2.3.4]:1" is no address with a port; ${listen}`],
    ["listen: '0.0.0.0:65536'", `listen: "0.0.0.0:65536" is no address with a port; ${listen}`],
    ["listen: []", 'listen: is an empty list; name at least one address, as in "0.0.0.0:4930"'],
    ["tls: {cert: a}", "tls.cert: has no key beside it; add tls.key"],
    ["tls: {key: a}", "tls.key: has no certificate beside it; add tls.cert"],
    [
      "tls: {ca: a}",
      "tls.ca: is no certificate of this host; add tls.cert and tls.key, or tls.acme",
    ],
    [
      "tls: {key: a, acme: {}}",
      "tls.acme: stands beside cert or key; keep the files or acme, not both",
    ],
    [
      "tls: {acme: {directory: 'http://ca.test'}}",
      'tls.acme.directory: "http://ca.test" is no https address; write one that begins with https://',
    ],
    [
      "dns: {servers: ['127.0.0.1:0']}",
      'dns.servers: "127.0.0.1:0" is no DNS server; ' +
      'write its IP, with a port as in "127.0.0.1:5353" when it is not 53',
    ],
    [
      "dns: {hosts: [a]}",
      "dns.hosts: a list is no table of names; write {fmsg.b.test: [192.0.2.1]}",
    ],
    [
      "dns: {hosts: {a_b: []}}",
      'dns.hosts.a_b: "a_b" is no host name; write one as in fmsg.example.com',
    ],
    [
      "dns: {hosts: {a.test: [], A.test.: []}}",
      'dns.hosts.A.test.: "A.test." is another spelling of a name above; write one of them',
    ],
    [
      "dns: {hosts: {a.test: [127.1]}}",
      "dns.hosts.a.test: 127.1 is no IP address; write one as in 192.0.2.1 or 2001:db8::1",
    ],
    [
      "dns: {dnssec: false}",
      "dns.dnssec: false is no choice here; write off, opportunistic or required",
    ],
    ["dns: {trusted: yes}", 'dns.trusted: "yes" is no answer; write true or false'],
    [
      "challenge: sometimes",
      'challenge: "sometimes" is no choice here; ' +
      "write never, always, has_not_participated or different_domain",
    ],
    ["limits: {max_size: 10 MB}", `limits.max_size: "10 MB" ${size}`],
    ["limits: {max_size: [1]}", `limits.max_size: a list ${size}`],
    [
      "limits: {max_size: 4GiB}",
      'limits.max_size: "4GiB" does not fit; write 1 to 4294967295 bytes',
    ],
    [
      "limits: {max_expanded_size: 0}",
      "limits.max_expanded_size: 0 does not fit; write 1 to 4294967295 bytes",
    ],
    ["limits: {max_message_age: 1 week}", `limits.max_message_age: "1 week" ${duration}`],
    ["limits: {max_time_skew: -1}", `limits.max_time_skew: -1 ${duration}`],
    [
      "limits: {header_timeout: 0}",
      "limits.header_timeout: 0 does not fit; write more than 0 and at most 1h",
    ],
    [
      "limits: {idle_timeout: 30d}",
      'limits.idle_timeout: "30d" does not fit; write more than 0 and at most 1h',
    ],
    [
      "limits: {max_connections: 0}",
      "limits.max_connections: 0 does not fit; write a whole number from 1 to 1000000",
    ],
    [
      "limits: {accept_rate_per_ip: '5'}",
      'limits.accept_rate_per_ip: "5" does not fit; write a number from 0.001 to 1000000',
    ],
    ["ban: {points: 1.5}", "ban.points: 1.5 does not fit; write a whole number from 1 to 1000000"],
    [
      "ban: {allow: [10.0.0.0/33]}",
      'ban.allow: "10.0.0.0/33" is no range of IP addresses; ' +
      'write one as in 10.0.0.0/8 or "2001:db8::/32"',
    ],
    ["delivery: {port: 0}", "delivery.port: 0 does not fit; write a whole number from 1 to 65535"],
    [
      "delivery: {source: 'fe80::1%eth0'}",
      'delivery.source: "fe80::1%eth0" is no IP address; write one as in 192.0.2.1 or 2001:db8::1',
    ],
    [
      "delivery: {retry_max: 1s}",
      "delivery.retry_initial: 20 s is more than retry_max, 1 s; lower it or raise that",
    ],
    ["quota: {recv_messages: -1}", "quota.recv_messages: -1 is no amount; write null for no limit"],
    ["quota: {send_bytes: -1}", "quota.send_bytes: -1 is no amount; write null for no limit"],
    [
      "api: {public_url: fmsg.a.test}",
      'api.public_url: "fmsg.a.test" is no address of a site; write one as in https://fmsg.example.com',
    ],
    [
      "api: {origins: ['*']}",
      'api.origins: "*" is no origin; ' +
      "write scheme and host, nothing behind, as in https://app.example.com",
    ],
    ["api: {idp: {issuer: a}}", "api.idp.issuer: has no keys; add api.idp.jwks"],
    ["api: {idp: {jwks: 'http://127.0.0.1/k'}}", "api.idp.jwks: has no issuer; add api.idp.issuer"],
    [
      "api: {idp: {claim: 5}}",
      "api.idp.claim: 5 is no text; write some, in quotes if it is a number",
    ],
    ["metrics: {listen: no}", `metrics.listen: "no" is no address with a port; ${listen}`],
  ];
  for (const [text, says] of broken) assertSaid(`domain: example.com\n${text}`, `:2: ${says}`);
});

/** The text is refused with this message, and the error's parts are those of the message. */
function assertSaid(text: string, says: string): void {
  try {
    parseConfig(text, "/etc/fmsg/fmsg.yaml");
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    const { message, file, line, key } = error;
    assert.equal(message, `/etc/fmsg/fmsg.yaml${says}`);
    assert.equal(file, "/etc/fmsg/fmsg.yaml");
    const place = line === null ? file : `${file}:${line}`;
    const printable = key?.replace("\n", " ");
    assert.ok(
      message.startsWith(key === null ? `${place}: ` : `${place}: ${printable}: `),
      message,
    );
    return;
  }
  assert.fail(`Nothing is wrong, they say, with ${JSON.stringify(text)}`);
}

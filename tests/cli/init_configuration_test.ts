// fmsg.yaml as the wizard writes it, and as it changes one that is there.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Config, ConfigError, parseConfig } from "../../src/config.ts";
import type { Answers, CertificateChoice } from "../../src/cli/init/answers.ts";
import { answersOf, selfMadeFiles, writeConfiguration } from "../../src/cli/init/configuration.ts";

const FILE = "/etc/fmsg/fmsg.yaml";
const EXAMPLE = Deno.readTextFileSync(new URL("../../fmsg.example.yaml", import.meta.url));
const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

const ACME: CertificateChoice = {
  kind: "acme",
  email: "me@example.com",
  directory: LETS_ENCRYPT,
  listen: null,
};
const FILES: CertificateChoice = { kind: "files", cert: "/tls/chain.pem", key: "/tls/key.pem" };

function answers(some: Partial<Answers> = {}): Answers {
  return {
    domain: "example.com",
    configFile: FILE,
    dataDir: "/var/lib/fmsg",
    listen: [{ ip: "0.0.0.0", port: 4930 }, { ip: "::", port: 4930 }],
    certificate: ACME,
    roots: null,
    user: "@alice@example.com",
    api: "none",
    unitFile: null,
    program: "/usr/local/bin/fmsg",
    ...some,
  };
}

Deno.test("a new fmsg.yaml has the keys that were answered, each explained, and no other", () => {
  assert.equal(
    writeConfiguration(answers(), null),
    `# The configuration of this fmsg host, begun by \`fmsg host init\`. What is not here has its default:
# \`fmsg help configuration\` and fmsg.example.yaml have every key, with a line of explanation.

# The domain of your addresses: the part behind the last @. Others find this host at fmsg.<domain>.
domain: example.com

# Where messages, users and keys are kept.
data_dir: /var/lib/fmsg

# The addresses and ports to listen on. Messages leave from there too.
listen: ["0.0.0.0:4930", "[::]:4930"]

# The certificate for fmsg.<domain>: a pair of files, or acme. Without either the host does not run.
tls:
  # The host gets it and renews it by itself.
  acme:
    # Where the authority writes when something is wrong.
    email: me@example.com
    # The authority to ask.
    directory: https://acme-v02.api.letsencrypt.org/directory
`,
  );
});

Deno.test("a new fmsg.yaml says what was answered, whatever that was", () => {
  fc.assert(fc.property(arbitraryAnswers, (wanted) => {
    const text = writeConfiguration(wanted, null);
    assertSays(text, wanted);
    assert.equal(writeConfiguration(wanted, text), text, "asked the same again, nothing changes");
    assert.deepEqual(
      parseConfig(text, "/elsewhere/fmsg.yaml").tls,
      parseConfig(text, FILE).tls,
      "no path depends on where the file is",
    );
  }));
});

Deno.test("an empty file is a new one", () => {
  assert.equal(writeConfiguration(answers(), "\n \n"), writeConfiguration(answers(), null));
});

Deno.test("the comments of a new fmsg.yaml are of at most 100 columns", () => {
  const widest = { ...ACME, listen: [{ ip: "127.0.0.1", port: 8080 }] };
  for (const certificate of [widest, FILES, { kind: "self-made" } as const]) {
    for (const api of ["none", "local", "public"] as const) {
      const text = writeConfiguration(answers({ certificate, api }), null);
      for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
    }
  }
});

Deno.test("a text that is no configuration is refused with its mistake, and nothing is written over it", () => {
  for (
    const [text, what] of [
      ["domain: example.com\ntls: [", /fmsg\.yaml:2: /],
      ["domain: example.com\nlisten_on: 1", /fmsg\.yaml:2: listen_on: is no known key/],
      ["# nothing but this\n", /domain: is missing/],
      ["just a text", /is no mapping/],
    ] as const
  ) {
    assert.throws(
      () => writeConfiguration(answers(), text),
      (error) => error instanceof ConfigError && what.test(error.message),
    );
  }
});

Deno.test("a file that cannot be changed with everything else kept is left to its owner", () => {
  const explicit = "domain: example.com\n? tls\n: cert: /a.pem\n  key: /b.pem\n";
  // What would come out of its comment here belongs to the section around it.
  const amidst = `tls: {acme: {email: me@example.com}}
log:
#data_dir: /srv
  level: info
domain: example.com
`;
  for (const [text, some] of [[explicit, {}], [amidst, { dataDir: "/srv" }]] as const) {
    assert.throws(
      () => writeConfiguration(answers(some), text),
      (error) => error instanceof ConfigError && /change it by hand/.test(error.message),
    );
  }
});

Deno.test("a byte order mark at the beginning stays there", () => {
  const text = "\uFEFFdomain: b.test\ntls: {acme: {email: me@example.com}}\n";
  assert.equal(writeConfiguration(answers(), text), text.replace("b.test", "example.com"));
});

Deno.test("a change keeps every other byte of a file that people wrote", () => {
  fc.assert(
    fc.property(arbitraryFile, arbitraryAnswers, (file, wanted) => {
      const before = parseConfig(file.text, FILE);
      const result = writeConfiguration(wanted, file.text);
      assertSays(result, wanted);
      assertKept(file, changedKeys(before, wanted), result);
      assertOthersSame(before, parseConfig(result, FILE), wanted);
      if (file.text.includes("\r\n")) assert.doesNotMatch(result, /(?<!\r)\n/);
      assert.equal(writeConfiguration(wanted, result), result, "a second time changes nothing");
    }),
    { numRuns: 150 },
  );
});

Deno.test("the answers that a file gives already leave it as it is", () => {
  fc.assert(fc.property(arbitraryFile, ({ text }) => {
    const { certificate, config: _, ...said } = answersOf(text, FILE);
    if (certificate === null) return;
    assert.equal(writeConfiguration(answers({ ...said, certificate }), text), text);
  }));
});

Deno.test("switching to another certificate and back gives the same text again, and grows no further", () => {
  const texts = [
    writeConfiguration(answers({ certificate: FILES }), null),
    writeConfiguration(
      answers({ certificate: { ...ACME, listen: [{ ip: "::1", port: 80 }] } }),
      null,
    ),
    `domain: example.com\ntls:\n    cert: /a.pem # by certbot\n    key: /b.pem\n    ca: /roots.pem\n`,
    `domain: example.com\r\ntls:\r\n  acme:\r\n    email: a@example.com\r\n    directory: https://ca.test/\r\n`,
  ];
  for (const text of texts) {
    const { certificate, config: _, ...said } = answersOf(text, FILE);
    assert.ok(certificate !== null);
    const there = answers({ ...said, certificate: certificate.kind === "acme" ? FILES : ACME });
    const back = answers({ ...said, certificate });
    const once = writeConfiguration(there, text);
    const home = writeConfiguration(back, once);
    assert.equal(uncommented(home), uncommented(text));
    const again = writeConfiguration(there, home);
    assert.equal(writeConfiguration(back, again), home);
    assert.equal(writeConfiguration(there, home), again, "what became a comment is used again");
  }
});

Deno.test("what another certificate replaces stays as a comment, and tls.ca stays in force", () => {
  const text = `domain: example.com
tls:
  # Ours, from the office.
  cert: /a.pem # until May
  key: >-
    /b.pem
  ca: /roots.pem
log: {level: debug}
`;
  assert.equal(
    writeConfiguration(answers(), text),
    `domain: example.com
tls:
  # Ours, from the office.
  #cert: /a.pem # until May
  #key: >-
  #  /b.pem
  ca: /roots.pem
  acme:
    email: me@example.com
    directory: https://acme-v02.api.letsencrypt.org/directory
log: {level: debug}
`,
  );
});

Deno.test("fmsg.example.yaml, changed, has its own commented keys in use", () => {
  const wanted = answers({ certificate: FILES, api: "local" });
  const { text, lines } = difference(EXAMPLE, writeConfiguration(wanted, EXAMPLE));
  assertSays(text, wanted);
  assert.deepEqual(lines, [
    "+  cert: /tls/chain.pem",
    "+  key: /tls/key.pem",
    "-  #listen: 127.0.0.1:8000",
    "+  listen: 127.0.0.1:8000",
    "-  #public_url: https://fmsg.example.com",
    "+  public_url: https://fmsg.example.com",
  ]);
});

Deno.test("between braces what is replaced goes, and the comments beside it stay", () => {
  const api = `domain: example.com
tls: {acme: {email: me@example.com}}
api: {tls: true, # always
  listen: "127.0.0.1:9"}
`;
  assert.equal(
    writeConfiguration(answers({ api: "none" }), api),
    api.replace('listen: "127.0.0.1:9"', ""),
  );
  const text = `domain: example.com
tls: {
  cert: /a.pem, # ours
  ca: /roots.pem, # of the office
  key: /b.pem # its key
}
`;
  assert.equal(
    writeConfiguration(answers(), text),
    `domain: example.com
tls: {
   # ours
  ca: /roots.pem, # of the office
  acme: { email: me@example.com, directory: ${LETS_ENCRYPT} } # its key
}
`,
  );
});

Deno.test("new keys stand behind the comments of the last one", () => {
  const text = `tls: {acme: {email: me@example.com}}
domain: example.com
  # which is ours since 1999

# The end.`;
  assert.equal(
    writeConfiguration(answers({ listen: [{ ip: "::1", port: 4930 }] }), text),
    `tls: {acme: {email: me@example.com}}
domain: example.com
  # which is ours since 1999

listen: ["[::1]:4930"]

# The end.`,
  );
});

Deno.test("a value in a block of its own is replaced without its neighbours", () => {
  const text = `domain: example.com
data_dir: | # one line
  /srv/old

# The certificate.
tls: {acme: {email: me@example.com}}
`;
  assert.equal(
    writeConfiguration(answers({ dataDir: "/srv/old\n" }), text),
    text,
  );
  assert.equal(
    writeConfiguration(answers({ dataDir: "/srv/new" }), text),
    `domain: example.com
data_dir: /srv/new

# The certificate.
tls: {acme: {email: me@example.com}}
`,
  );
});

Deno.test("addresses to listen on that stay keep their lines, and the others stay as comments", () => {
  const text = `domain: example.com
listen:
- 192.0.2.1:4930   # the first card
- 192.0.2.2:4930   # the second
tls: {acme: {email: me@example.com}}
`;
  const listen = [{ ip: "192.0.2.3", port: 4930 }, { ip: "192.0.2.2", port: 4930 }];
  assert.equal(
    writeConfiguration(answers({ listen }), text),
    `domain: example.com
listen:
#- 192.0.2.1:4930   # the first card
- 192.0.2.2:4930   # the second
- "192.0.2.3:4930"
tls: {acme: {email: me@example.com}}
`,
  );
});

Deno.test("another domain takes the interface's address along, unless somebody chose it", () => {
  const text = (url: string) =>
    `domain: example.com\ntls: {acme: {email: me@example.com}}\napi: {listen: "127.0.0.1:9", public_url: "${url}"}\n`;
  const wanted = answers({ domain: "b.test", api: "local" });
  assert.match(
    writeConfiguration(wanted, text("https://fmsg.example.com")),
    /https:\/\/fmsg\.b\.test/,
  );
  const chosen = text("https://mail.example.com");
  assert.equal(
    writeConfiguration(wanted, chosen),
    chosen.replace("domain: example.com", "domain: b.test"),
  );
});

Deno.test("the interface goes with its address, and its other keys wait for it", () => {
  const text = `domain: example.com
tls: {acme: {email: me@example.com}}
api:
  listen: 192.0.2.1:443
  tls: true
  public_url: https://chat.example.com
  origins: [https://app.example.com]
`;
  const without = writeConfiguration(answers({ api: "none" }), text);
  assert.equal(without, text.replace("listen", "#listen"));
  const local = writeConfiguration(answers({ api: "local" }), without);
  assert.deepEqual(parseConfig(local, FILE).api, {
    listen: { ip: "127.0.0.1", port: 8000 },
    public_url: "https://chat.example.com",
    tls: false,
    trusted_proxies: ["127.0.0.0/8"],
    origins: ["https://app.example.com"],
    rate: 200,
    uploads: 4,
    idp: { issuer: null, audience: null, jwks: null, claim: "fmsg_address" },
  });
});

Deno.test("an e-mail address taken back leaves the certificate in place", () => {
  for (
    const section of ["acme: {email: me@example.com}", "acme:\n    email: me@example.com # mine"]
  ) {
    const text = `domain: example.com\ntls:\n  ${section}\n`;
    const result = writeConfiguration(answers({ certificate: { ...ACME, email: null } }), text);
    assertSays(result, answers({ certificate: { ...ACME, email: null } }));
  }
});

Deno.test("a self-made certificate: the key is in the data directory, the authority's outside of it", () => {
  const wanted = answers({ certificate: { kind: "self-made" }, dataDir: "/srv/fmsg" });
  assert.deepEqual(selfMadeFiles(wanted), {
    cert: "/srv/fmsg/tls/fullchain.pem",
    key: "/srv/fmsg/tls/privkey.pem",
    authority: "/etc/fmsg/ca.pem",
    authorityKey: "/etc/fmsg/ca-key.pem",
  });
  assert.deepEqual(parseConfig(writeConfiguration(wanted, null), FILE).tls, {
    kind: "files",
    cert: "/srv/fmsg/tls/fullchain.pem",
    key: "/srv/fmsg/tls/privkey.pem",
    ca: "/etc/fmsg/ca.pem",
  });
});

Deno.test("what a file answers already is offered again", () => {
  const text = `domain: Example.com\ndata_dir: data\nlisten: 127.0.0.2:4930\n`;
  const { config, ...said } = answersOf(text, FILE);
  assert.deepEqual(said, {
    domain: "example.com",
    dataDir: "/etc/fmsg/data",
    listen: [{ ip: "127.0.0.2", port: 4930 }],
    certificate: null,
    api: "none",
  });
  assert.equal(config.shutdown_timeout, 8);
  const certificateOf = (tls: string) => answersOf(`${text}tls: ${tls}`, FILE).certificate;
  assert.deepEqual(certificateOf("{cert: a.pem, key: /b.pem}"), {
    kind: "files",
    cert: "/etc/fmsg/a.pem",
    key: "/b.pem",
  });
  assert.deepEqual(certificateOf("{acme: {listen: '[::1]:8080'}, ca: /roots.pem}"), {
    kind: "acme",
    email: null,
    directory: LETS_ENCRYPT,
    listen: [{ ip: "::1", port: 8080 }],
  });
  assert.deepEqual(
    certificateOf("{cert: data/tls/fullchain.pem, key: data/tls/privkey.pem, ca: ca.pem}"),
    { kind: "self-made" },
  );
  assert.throws(() => answersOf("domain: [", FILE), ConfigError);
});

function assertSays(text: string, wanted: Answers): void {
  const config = parseConfig(text, FILE);
  assert.equal(config.domain, wanted.domain);
  assert.equal(config.data_dir, wanted.dataDir);
  assert.deepEqual(new Set(config.listen), new Set(wanted.listen));
  const { certificate } = wanted;
  switch (certificate.kind) {
    case "acme": {
      assert.ok(config.tls?.kind === "acme");
      const { email, directory, listen } = config.tls;
      assert.deepEqual({ kind: "acme", email, directory, listen }, certificate);
      break;
    }
    case "files":
      assert.ok(config.tls?.kind === "files");
      assert.equal(config.tls.cert, certificate.cert);
      assert.equal(config.tls.key, certificate.key);
      break;
    case "self-made": {
      const { cert, key } = selfMadeFiles(wanted);
      assert.ok(config.tls?.kind === "files");
      assert.equal(config.tls.cert, cert);
      assert.equal(config.tls.key, key);
    }
  }
  if (wanted.roots !== null) assert.equal(config.tls.ca, wanted.roots);
  assert.equal(config.api === null ? "none" : config.api.tls ? "public" : "local", wanted.api);
}

function assertOthersSame(before: Config, now: Config, wanted: Answers): void {
  const { domain: _d, data_dir: _f, listen: _l, tls: _t, api: _a, ...others } = now;
  for (const [key, value] of Object.entries(others)) {
    assert.deepEqual(value, new Map(Object.entries(before)).get(key), key);
  }
  // Roots that are there may be those of other hosts: only others that were asked for replace them.
  const own = wanted.certificate.kind === "self-made" ? selfMadeFiles(wanted).authority : undefined;
  assert.equal(now.tls?.ca, wanted.roots ?? before.tls?.ca ?? own);
  if (before.api !== null && now.api !== null) {
    assert.deepEqual(now.api.idp, before.api.idp);
    assert.deepEqual(now.api.origins, before.api.origins);
  }
}

/** The top-level keys that have to change. */
function changedKeys(before: Config, wanted: Answers): Set<string> {
  const said = answersOf(writeConfiguration(wanted, null), FILE).config;
  const keys = new Set<string>();
  const listen = (config: Config) => config.listen.map(({ ip, port }) => `${ip} ${port}`).sort();
  if (before.domain !== wanted.domain) keys.add("domain");
  if (before.data_dir !== wanted.dataDir) keys.add("data_dir");
  if (listen(before).join() !== listen(said).join()) keys.add("listen");
  const own = said.tls?.ca ?? before.tls?.ca;
  const tls = said.tls === null ? null : { ...said.tls, ...own === undefined ? {} : { ca: own } };
  if (!same(before.tls, tls)) keys.add("tls");
  const kind = before.api === null ? "none" : before.api.tls ? "public" : "local";
  const moves = before.domain !== wanted.domain;
  if (kind !== wanted.api || moves) keys.add("api");
  return keys;
}

function same(some: unknown, others: unknown): boolean {
  try {
    assert.deepEqual(some, others);
    return true;
  } catch {
    return false;
  }
}

/** Nothing but the pieces whose key changes differs, no comment in them is gone, and new keys are behind the last one. */
function assertKept(file: File, changed: ReadonlySet<string>, result: string): void {
  const last = file.pieces.findLastIndex(({ key }) => key !== null);
  // The texts that have to follow each other, with anything between them.
  const chunks = [""];
  for (const [index, { key, text }] of file.pieces.entries()) {
    const isLast = index === file.pieces.length - 1;
    const isChanged = key !== null && changed.has(key);
    const whole = isLast && !file.text.endsWith(text) ? text.trimEnd() : text;
    if (!isChanged) chunks.push((chunks.pop() ?? "") + whole);
    if (isChanged || index >= last) chunks.push("");
  }
  let at = 0;
  for (const [index, chunk] of chunks.entries()) {
    const found = result.indexOf(chunk, at);
    assert.ok(index === 0 ? found === 0 : found >= 0, `${chunk} is gone from ${result}`);
    at = found + chunk.length;
  }
  for (const { key, text } of file.pieces) {
    if (key === null || !changed.has(key)) continue;
    for (const [comment] of text.matchAll(/#[^\r\n]*/g)) {
      // Or it is a key that came into use.
      assert.ok(result.includes(comment.slice(1).trimEnd()), `${comment} is gone from ${result}`);
    }
  }
}

function uncommented(text: string): string {
  return text.replace(/^ *#[^\n]*\n/gm, "");
}

function difference(before: string, text: string): { text: string; lines: string[] } {
  const old = before.split("\n");
  const lines: string[] = [];
  let at = 0;
  for (const line of text.split("\n")) {
    const found = old.indexOf(line, at);
    if (found === at) at++;
    else if (old[at] === line.replace(/^( *)/, "$1#")) {
      lines.push(`-${old[at]}`, `+${line}`);
      at++;
    } else lines.push(`+${line}`);
  }
  assert.equal(at, old.length, `from ${old[at]} on`);
  return { text, lines };
}

interface File {
  readonly pieces: readonly { readonly key: string | null; readonly text: string }[];
  readonly text: string;
}

/** How people write the keys that the wizard changes; an empty text: not at all. */
const SPELLINGS = {
  domain: [
    "domain: example.com\n",
    '"domain" :   "example.com"   # ours\n',
    "domain: !!str 'b.test'\n",
    "domain:\n    b.test\n",
  ],
  data_dir: [
    "",
    "data_dir: /var/lib/fmsg\n",
    "data_dir: ./data # beside this\n",
    "data_dir:\n",
    "data_dir: ~ # the usual\n",
    "data_dir: '/srv/with\n  a space'\n",
    "data_dir: &dir /srv/fmsg\n",
  ],
  listen: [
    "",
    'listen: ["0.0.0.0:4930", "[::]:4930"]\n',
    "listen: 127.0.0.2:4930   # only here\n",
    "listen:\n- 127.0.0.2:4930 # a\n  # between\n- '[::]:4930'  # b\n",
    'listen:\n      - "0.0.0.0:4930"\n',
    "listen: [\n  127.0.0.2:4930,\n  ]\n",
    "listen: # none\n",
  ],
  tls: [
    "",
    "tls:\n",
    "tls: null # not yet\n",
    "tls:\n  # cert: /old.pem\n  #cert: /tls/chain.pem  # as before\n",
    "tls: {cert: /tls/chain.pem, key: /tls/key.pem}\n",
    'tls: {ca: /roots.pem, "cert":"a.pem" , key: b.pem,}\n',
    "tls:\n   cert: /tls/chain.pem # ours\n   # its key\n   key: /tls/key.pem\n\n   ca: /roots.pem\n",
    "tls: {\n  cert: /tls/chain.pem, # ours\n  key: b.pem, # its key\n  ca: /roots.pem # all\n  }\n",
    "tls: { # which\n  ca: /roots.pem,  # all\n  acme: {email: me@example.com} }\n",
    "tls: {acme: {email: me@example.com}, ca: /roots.pem}\n",
    "tls:\n  acme: {}\n",
    "tls:\n  acme:\n    # whom to write\n    email: me@example.com # me\n    listen:\n    - 127.0.0.1:8080\n",
    "tls:\n  ca: /roots.pem # first\n  acme:\n        directory: https://ca.test/dir\n        email:\n",
    "tls:\n  #acme:\n  #  # who\n  #  email: me@example.com\n  cert: /x.pem\n  key: /y.pem\n",
  ],
  api: [
    "",
    "api:\n  # none yet\n",
    "api:\n  listen: 127.0.0.1:9000 # behind the proxy\n  idp: {issuer: a, jwks: https://a.test/}\n",
    "api: {listen: '[::1]:443', tls: true, origins: [https://app.test]}\n",
    "api:\n  tls: true\n  public_url: https://chat.test\n  trusted_proxies: [10.0.0.0/8]\n",
    "api:\n  public_url: https://fmsg.example.com\n  listen: 127.0.0.1:8000\n",
  ],
} as const;

/** What the wizard never asks about, written oddly. */
const OTHERS = [
  "",
  "log: {level: debug}   # noisy\n",
  "limits:\n      max_size:    20MiB\n\n      # slow links\n      idle_timeout: 30s\n",
  "dns:\n  hosts:\n    ? fmsg.b.test\n    : [ 192.0.2.1,192.0.2.2 ]\n  servers: ['127.0.0.1:5353']\n",
  "retention: {users: {'@bob@example.com': 30d}}\n",
];

const GAPS = ["", "", "\n", "# a comment\n", "#data_dir: /old\n", "   \n\n", "  # indented: yes\n"];

const arbitraryFile: fc.Arbitrary<File> = fc.record({
  head: fc.constantFrom("", "# ours\n\n", "---\n"),
  keys: fc.tuple(
    ...Object.entries(SPELLINGS).map(([key, spellings]) =>
      fc.constantFrom<string>(...spellings).map((text) => ({ key, text }))
    ),
  ).chain((keys) =>
    fc.constantFrom(...OTHERS).chain((text) =>
      fc.shuffledSubarray([...keys, { key: "others", text }], { minLength: keys.length + 1 })
    )
  ),
  gaps: fc.array(fc.constantFrom(...GAPS), { minLength: 7, maxLength: 7 }),
  newline: fc.constantFrom("\n", "\r\n"),
  ends: fc.boolean(),
}).map(({ head, keys, gaps, newline, ends }) => {
  const pieces: { key: string | null; text: string }[] = [{ key: null, text: head }];
  for (const [index, piece] of keys.entries()) {
    pieces.push(piece, { key: null, text: gaps[index] ?? "" });
  }
  const written = pieces.filter(({ text }) => text !== "")
    .map(({ key, text }) => ({ key, text: text.replaceAll("\n", newline) }));
  const kept = ends ? written : written.slice(
    0,
    written.findLastIndex(({ text }) => text.trim() !== "") + 1,
  );
  const text = kept.map(({ text }) => text).join("");
  return { pieces: kept, text: ends ? text : text.trimEnd() };
});

const arbitraryPath = fc.constantFrom(
  "/tls/chain.pem",
  "/srv/with a space/x",
  "/srv/a: b #c",
  "/srv/[x], {y}",
  `/srv/"quoted" \\ 'too'`,
  "/srv/bücher/键",
  "/srv/trailing:",
  "/srv/line\nbreak",
  "/etc/letsencrypt/live/fmsg.example.com/privkey.pem",
);

const arbitraryEndpoint = fc.record({
  ip: fc.constantFrom("0.0.0.0", "::", "127.0.0.2", "2001:db8::1"),
  port: fc.constantFrom(4930, 443, 80),
}, { noNullPrototype: true });

const arbitraryListen = fc.uniqueArray(arbitraryEndpoint, {
  minLength: 1,
  maxLength: 3,
  selector: ({ ip, port }) => `${ip} ${port}`,
});

const arbitraryCertificate: fc.Arbitrary<CertificateChoice> = fc.oneof(
  fc.record({
    kind: fc.constant("acme" as const),
    email: fc.constantFrom(null, "me@example.com", "'odd #one'@example.com", "null"),
    directory: fc.constantFrom(
      LETS_ENCRYPT,
      "https://ca.test/dir",
      "https://ca.test/?a=b",
    ),
    listen: fc.option(arbitraryListen),
  }, { noNullPrototype: true }),
  fc.record({ cert: arbitraryPath, key: arbitraryPath })
    .map((pair) => ({ kind: "files" as const, ...pair })),
  fc.constant({ kind: "self-made" as const }),
);

const arbitraryAnswers: fc.Arbitrary<Answers> = fc.record({
  domain: fc.constantFrom("example.com", "b.test", "xn--bcher-kva.example", "1e3", "null"),
  dataDir: fc.oneof(fc.constantFrom("/var/lib/fmsg", "/etc/fmsg/data"), arbitraryPath),
  listen: arbitraryListen,
  certificate: arbitraryCertificate,
  roots: fc.constantFrom(null, "/etc/fmsg/roots.pem", "/a b/#1.pem"),
  api: fc.constantFrom("none", "local", "public"),
}).map(answers);

// fmsg.yaml: what is read from it, and what is said when something is wrong with it.
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  type Config,
  ConfigError,
  findConfig,
  KNOWN_KEYS,
  loadConfig,
  parseConfig,
  parseDuration,
  parseSize,
} from "../src/config.ts";
import { dottedKeys, type KeyTree } from "../src/config/keys.ts";
import { parse } from "yaml";

const EXAMPLE = Deno.readTextFileSync(new URL("../fmsg.example.yaml", import.meta.url));
const DEFAULTS = read("domain: example.com");

Deno.test("configuration: a domain alone is enough, and everything else has its default", () => {
  assert.deepEqual(DEFAULTS, {
    domain: "example.com",
    data_dir: "/var/lib/fmsg",
    listen: [{ ip: "0.0.0.0", port: 4930 }, { ip: "::", port: 4930 }],
    tls: null,
    dns: { servers: [], hosts: {}, dnssec: "opportunistic", trusted: false },
    challenge: "has_not_participated",
    limits: {
      max_size: 10_485_760,
      max_expanded_size: 10_485_760,
      max_message_age: 604_800,
      max_time_skew: 20,
      max_connections: 1024,
      max_connections_per_ip: 32,
      accept_rate_per_ip: null,
      message_rate_per_domain: null,
      max_challenges_per_ip: 32,
      header_timeout: 10,
      idle_timeout: 10,
      min_rate: 5000,
      min_free_disk: 268_435_456,
      disclose_users: true,
    },
    ban: { points: 100, within: 600, for: 3600, allow: ["127.0.0.0/8", "::1/128"] },
    delivery: {
      port: 4930,
      source: null,
      connect_timeout: 10,
      retry_initial: 20,
      retry_max: 3600,
      window: 432_000,
      max_concurrent: 64,
    },
    quota: {
      recv_messages: null,
      recv_bytes: null,
      recv_bytes_per_message: null,
      recv_bytes_per_day: null,
      recv_messages_per_day: null,
      send_bytes: null,
      send_bytes_per_message: null,
      send_bytes_per_day: null,
      send_messages_per_day: null,
    },
    retention: { max_age: null, users: {} },
    api: null,
    metrics: { listen: null },
    log: { level: "info" },
    shutdown_timeout: 8,
  });
});

Deno.test("configuration: the example has every key, commented out or not, in the schema's order", () => {
  assert.deepEqual(keysIn(uncommented(EXAMPLE, /$^/)), KNOWN_KEYS);
});

Deno.test("configuration: the example as it is gives exactly the defaults", () => {
  assert.deepEqual(read(EXAMPLE), DEFAULTS);
});

Deno.test("configuration: the example explains every key in the line above it", () => {
  const lines = EXAMPLE.split("\n");
  const unexplained = lines.filter((line, index) =>
    /^ *(?:#(?: {2})?)?[a-z_]+: ./.test(line) && !/^ *(?:# {2})?# \S/.test(lines[index - 1] ?? "")
  );
  assert.deepEqual(unexplained, []);
});

Deno.test("configuration: the example works with its alternatives put into force", () => {
  const files = read(uncommented(EXAMPLE, /#acme:|# {2}/));
  assert.deepEqual(files.tls, {
    kind: "files",
    cert: "/etc/fmsg/fullchain.pem",
    key: "/etc/fmsg/privkey.pem",
  });
  assert.deepEqual(files.api, {
    listen: { ip: "127.0.0.1", port: 8000 },
    public_url: "https://fmsg.example.com",
    tls: false,
    trusted_proxies: [],
    origins: [],
    rate: 200,
    uploads: 4,
    idp: {
      issuer: "https://login.example.com",
      audience: "fmsg",
      jwks: "https://login.example.com/jwks.json",
      claim: "fmsg_address",
    },
  });
  const acme = read(uncommented(EXAMPLE, /#(?:cert|key):/));
  assert.deepEqual(acme.tls, {
    kind: "acme",
    email: "me@example.com",
    directory: "https://acme-v02.api.letsencrypt.org/directory",
    listen: [{ ip: "0.0.0.0", port: 80 }, { ip: "::", port: 80 }],
  });
});

Deno.test("configuration: a key with null or nothing has its default, in a section too", () => {
  const text = [
    "domain: example.com",
    "listen: null",
    "tls:",
    "limits:",
    "ban: {points: , allow: null}",
    "quota: {send_bytes: null}",
    "dns: {hosts: null, dnssec: }",
    "api: {listen: null, tls: true}",
  ].join("\n");
  assert.deepEqual(read(text), DEFAULTS);
});

Deno.test("configuration: values are resolved: sizes, durations, endpoints, names, ranges", () => {
  const config = read(`
domain: Bücher.Example.
listen: "127.0.0.2:0"
dns:
  servers: [9.9.9.9, "127.0.0.1:5353", "2620:FE::fe", "[::1]:54"]
  hosts: {FMSG.B.test.: 127.0.0.3, fmsg.bücher.test: [127.0.0.4, "::1"]}
  dnssec: off
limits: {max_size: 4294967295, max_message_age: 1.5h, header_timeout: 500ms, min_free_disk: 1GiB}
ban: {allow: [192.0.2.7, "2001:DB8::/32"]}
delivery: {source: "::1"}
quota: {recv_messages: 0, send_bytes: 2KB}
api: {listen: "[::1]:8000", public_url: https://a.example/x/, origins: ["https://App.example:1"]}
metrics: {listen: 127.0.0.1:9100}
`);
  assert.equal(config.domain, "xn--bcher-kva.example");
  assert.deepEqual(config.listen, [{ ip: "127.0.0.2", port: 0 }]);
  assert.deepEqual(config.dns, {
    servers: [
      { ip: "9.9.9.9", port: 53 },
      { ip: "127.0.0.1", port: 5353 },
      { ip: "2620:fe::fe", port: 53 },
      { ip: "::1", port: 54 },
    ],
    hosts: { "fmsg.b.test": ["127.0.0.3"], "fmsg.xn--bcher-kva.test": ["127.0.0.4", "::1"] },
    dnssec: "off",
    trusted: false,
  });
  const { max_size, max_expanded_size, max_message_age, header_timeout } = config.limits;
  assert.deepEqual(
    { max_size, max_expanded_size, max_message_age, header_timeout },
    {
      max_size: 2 ** 32 - 1,
      max_expanded_size: 2 ** 32 - 1,
      max_message_age: 5400,
      header_timeout: 0.5,
    },
  );
  assert.equal(config.limits.min_free_disk, 2 ** 30);
  assert.deepEqual(config.ban.allow, ["192.0.2.7/32", "2001:db8::/32"]);
  assert.equal(config.delivery.source, "::1");
  assert.deepEqual([config.quota.recv_messages, config.quota.send_bytes], [0, 2000]);
  assert.deepEqual(config.api?.listen, { ip: "::1", port: 8000 });
  assert.equal(config.api?.public_url, "https://a.example/x");
  assert.deepEqual(config.api?.origins, ["https://app.example:1"]);
  assert.deepEqual(config.metrics.listen, { ip: "127.0.0.1", port: 9100 });
});

Deno.test("configuration: JSON is YAML, with a floor of free space that no disk reaches", () => {
  const config = read('{"domain": "a.test", "limits": {"min_free_disk": 1152921504606846976}}');
  assert.equal(config.limits.min_free_disk, 2 ** 60);
});

Deno.test("configuration: paths are relative to the folder of the file", async (t) => {
  const folder = Deno.makeTempDirSync();
  try {
    const file = join(folder, "fmsg.yaml");
    Deno.writeTextFileSync(
      file,
      "domain: a.test\ndata_dir: data\ntls: {cert: c.pem, key: ../k.pem, ca: /r.pem}\n",
    );
    const config = loadConfig(file);
    assert.equal(config.data_dir, join(folder, "data"));
    assert.deepEqual(config.tls, {
      kind: "files",
      cert: join(folder, "c.pem"),
      key: join(folder, "..", "k.pem"),
      ca: "/r.pem",
    });
    await t.step("a file that is not there is an error that says what to do", () => {
      const missing = join(folder, "other.yaml");
      const error = configError(() => loadConfig(missing));
      assert.equal(
        error.message,
        `${missing}: there is no such file; correct the name, or make it with fmsg host init`,
      );
      assert.deepEqual([error.file, error.line, error.key], [missing, null, null]);
      assert.ok(error.cause instanceof Deno.errors.NotFound);
    });
    await t.step("a folder in place of the file is an error", () => {
      assert.match(configError(() => loadConfig(folder)).message, /: cannot be read: /);
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("configuration: retention is for users by their addresses, however they are spelt", () => {
  const { retention } = read(
    'domain: a.test\nretention: {max_age: 365d, users: {"@Bob@a.test": 30d, "@eve@a.test": null}}',
  );
  assert.deepEqual(retention, {
    max_age: 365 * 86_400,
    users: { "@bob@a.test": 30 * 86_400, "@eve@a.test": null },
  });
});

Deno.test("configuration: the file is the one named, else the first of the usual places", () => {
  const find = (explicit: string | undefined, variable: string | undefined, files: string[]) =>
    findConfig(
      explicit,
      { get: (name) => name === "FMSG_CONFIG" ? variable : undefined },
      (path) => files.includes(path),
    );
  const usual = ["fmsg.yaml", "/etc/fmsg/fmsg.yaml"];
  assert.equal(find("a.yaml", "b.yaml", ["a.yaml", "b.yaml", ...usual]), "a.yaml");
  assert.equal(find(undefined, "b.yaml", ["a.yaml", "b.yaml", ...usual]), "b.yaml");
  assert.equal(find(undefined, undefined, usual), "fmsg.yaml");
  assert.equal(find(undefined, "", usual), "fmsg.yaml");
  assert.equal(find(undefined, undefined, ["/etc/fmsg/fmsg.yaml"]), "/etc/fmsg/fmsg.yaml");
  assert.equal(find(undefined, undefined, []), undefined);

  const flag = configError(() => find("a.yaml", "b.yaml", ["b.yaml", ...usual]));
  assert.equal(
    flag.message,
    "a.yaml: there is no such file, but --config names it; correct the name, or make it with fmsg host init",
  );
  const variable = configError(() => find(undefined, "b.yaml", usual));
  assert.match(variable.message, /^b\.yaml: there is no such file, but \$FMSG_CONFIG names it; /);
});

Deno.test("configuration: a size is bytes, or a number with a unit of 1000 or 1024", () => {
  const sizes: [string | number, number][] = [
    [0, 0],
    [123, 123],
    ["123", 123],
    ["7B", 7],
    ["2KB", 2000],
    ["2KiB", 2048],
    ["1.5MB", 1_500_000],
    ["1.5MiB", 1_572_864],
    ["1.1GB", 1_100_000_000],
    ["4GiB", 4_294_967_296],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseSize(text), bytes, String(text));
  for (
    const wrong of ["", "10 MB", "10mb", "10M", "-1", "1e3", "MiB", "1.5", "0.5B", "1,5MB", 1.5, -1]
  ) {
    assert.throws(() => parseSize(wrong), RangeError, String(wrong));
  }
  for (const wrong of [Infinity, NaN, null, true, [1], {}]) {
    assert.throws(() => parseSize(wrong), RangeError, String(wrong));
  }
});

Deno.test("configuration: a duration is seconds, or a number with a unit from ms to d", () => {
  const durations: [string | number, number][] = [
    [0, 0],
    [1.5, 1.5],
    ["90", 90],
    ["250ms", 0.25],
    ["20s", 20],
    ["10m", 600],
    ["1.1h", 3960],
    ["7d", 604_800],
  ];
  for (const [text, seconds] of durations) assert.equal(parseDuration(text), seconds, String(text));
  for (
    const wrong of [
      "",
      "20 s",
      "20S",
      "7days",
      "1w",
      "-1s",
      "1h30m",
      ".5h",
      -1,
      Infinity,
      NaN,
      null,
    ]
  ) {
    assert.throws(() => parseDuration(wrong), RangeError, String(wrong));
  }
});

Deno.test("configuration: whatever the text, there is a configuration or one line about what is wrong", () => {
  const lines = EXAMPLE.split("\n").filter((line) => !/^ *# /.test(line));
  const piece = fc.oneof(
    fc.constantFrom(...lines),
    fc.constantFrom("- ", "{", "]", '"', "\t", "&a ", "*a", "!x ", "? ", "| ", "---", "\r\n", "\0"),
    fc.string({ unit: "grapheme" }),
  );
  fc.assert(fc.property(fc.array(fc.tuple(piece, fc.constantFrom("\n", " ", ""))), (pieces) => {
    const text = "domain: example.com\n" + pieces.flat().join("");
    try {
      read(text);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, /^fmsg\.yaml(:\d+)?: [^\n\r]+$/);
      assert.ok(error.line === null || error.line <= text.split("\n").length, error.message);
    }
  }));
});

Deno.test("configuration: it is read-only to the type checker, all the way down", () => {
  const config = read("domain: a.test\nlisten: 127.0.0.1:1\n");
  // @ts-expect-error: a section's value
  config.limits.max_size = 1;
  // @ts-expect-error: an element of a list
  config.listen[0] = { ip: "127.0.0.1", port: 2 };
  assert.equal(config.limits.max_size, 1);
});

function read(text: string): Config {
  return parseConfig(text, "fmsg.yaml");
}

function configError(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "Expected a ConfigError, and nothing was wrong" });
}

/** The example with its `#key:` lines put into force, except those that match. */
function uncommented(text: string, except: RegExp): string {
  return text
    .split("\n")
    .map((line) => except.test(line) ? line : line.replace(/^( *)#(?=[a-z]| {2})/, "$1"))
    .join("\n");
}

function keysIn(text: string): string[] {
  const tree = (value: unknown, path: string): KeyTree | null => {
    if (!KNOWN_KEYS.some((key) => key.startsWith(path)) || typeof value !== "object") return null;
    if (value === null || Array.isArray(value)) return null;
    return Object.fromEntries(
      Object.entries(value).map(([name, below]) => [name, tree(below, `${path}${name}.`)]),
    );
  };
  return dottedKeys(tree(parse(text), "") ?? {});
}

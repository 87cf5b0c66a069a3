// fmsg user link: links that sign a browser in, once.

import assert from "node:assert/strict";
import { encode } from "uqr";
import { siteOf } from "../../src/api/session/link.ts";
import { qrText } from "../../src/cli/qr.ts";
import { makeStyle } from "../../src/cli/terminal.ts";
import { parseConfig } from "../../src/config.ts";
import { signIn } from "./sign_in.ts";
import { capturing, isHarmless, Place } from "./support.ts";

const API = 'api: {listen: "127.0.0.1:8000", public_url: "https://mail.a.test/"}\n';
const DAY = 86_400;

interface Printed {
  readonly address: string;
  readonly link: string;
  readonly expires: number;
}

async function link(place: Place, ...words: string[]): Promise<Printed> {
  return await place.json("user", "link", ...words) as Printed;
}

Deno.test("a link is made with nothing said but whose: it signs in once, within a day", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("Alice");
  const made = await link(place, "@alice@a.test");
  assert.deepEqual(Object.keys(made).toSorted(), ["address", "expires", "link"]);
  assert.equal(made.address, "@Alice@a.test");
  assert.match(made.link, /^https:\/\/mail\.a\.test\/#sign-in=[A-Za-z0-9_-]{43}$/);
  assert.ok(Math.abs(made.expires - Date.now() / 1000 - DAY) < 60);
  const other = await link(place, "@alice@a.test", "--expires", "30d");
  assert.notEqual(other.link, made.link);
  assert.ok(Math.abs(other.expires - made.expires - 29 * DAY) < 60);

  assert.equal((await signIn(place.config, made.link, { id: "one" }))?.address, "@Alice@a.test");
  assert.equal(await signIn(place.config, made.link, { id: "two" }), null);
  assert.notEqual(await signIn(place.config, other.link, { id: "two" }), null);
  // What is stored opens nothing.
  const token = made.link.slice(made.link.indexOf("=") + 1);
  for (const { name } of Deno.readDirSync(`${place.dir}/data`)) {
    const bytes = Deno.readFileSync(`${place.dir}/data/${name}`);
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes(token), name);
  }
});

Deno.test("a link begins with the address at which browsers find the interface", () => {
  const sites: [api: string, site: string | null][] = [
    ["{}", null],
    ['{listen: "0.0.0.0:443", public_url: "https://x.test/mail/"}', "https://x.test/mail"],
    ['{listen: "[::]:443", tls: true}', "https://fmsg.a.test"],
    ['{listen: "[::]:8443", tls: true}', "https://fmsg.a.test:8443"],
    ['{listen: "127.0.0.5:8000"}', "http://127.0.0.5:8000"],
    ['{listen: "[::1]:8000"}', "http://[::1]:8000"],
    ['{listen: "0.0.0.0:8000"}', "http://127.0.0.1:8000"],
    ['{listen: "[::]:8000"}', "http://[::1]:8000"],
  ];
  for (const [api, site] of sites) {
    assert.equal(siteOf(parseConfig(`domain: a.test\napi: ${api}`, "fmsg.yaml")), site, api);
  }
});

Deno.test("a link is alone on stdout, and the words beside it tell how long and how often, without it", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("alice");
  const ran = await place.run(["user", "link", "@alice@a.test"]);
  assert.equal(ran.status, 0);
  assert.match(ran.stdout, /^https:\S+#sign-in=\S+\n$/);
  const [first = "", ...rest] = ran.stderr.trimEnd().split("\n");
  assert.match(
    first,
    /signs a browser in as @alice@a\.test, once, until \d{4}-\d\d-\d\d \d\d:\d\d$/,
  );
  // No host runs here.
  assert.deepEqual(rest, ["The host does not run: the link works once it does"]);
  assert.doesNotMatch(ran.stderr, /#/);
  const json = await place.run(["user", "link", "@alice@a.test", "--json"]);
  assert.equal(json.stderr, "");

  using plain = new Place("a.test", 'api: {listen: "127.0.0.1:8000"}\n');
  await plain.addUsers("alice");
  const local = await plain.run(["user", "link", "@alice@a.test"]);
  assert.match(local.stdout, /^http:\/\/127\.0\.0\.1:8000\/#sign-in=/);
  assert.match(local.stderr, /for a browser on this machine.*api\.public_url/);
});

Deno.test("a link leads to the page, which is at the root of the address that apps have", async () => {
  using place = new Place(
    "a.test",
    'api: {listen: "127.0.0.1:8000", public_url: "https://x.test/api/"}\n',
  );
  await place.addUsers("alice");
  assert.match((await link(place, "@alice@a.test")).link, /^https:\/\/x\.test\/#sign-in=/);
});

Deno.test("whoever gets a link is told where it works in clear text: on this machine, or nowhere", async () => {
  const cases: [api: string, says: RegExp][] = [
    [
      'listen: "127.0.0.1:8000", public_url: "http://localhost:8000"',
      /for a browser on this machine/,
    ],
    [
      'listen: "127.0.0.1:8000", public_url: "http://192.168.1.5"',
      /^Nobody.* at http:\/\/192\.168\.1\.5,/m,
    ],
    [
      'listen: "192.168.1.5:8000"',
      /^Nobody.* at http:\/\/192\.168\.1\.5:8000,.*https.*api\.public_url/m,
    ],
  ];
  for (const [api, says] of cases) {
    using place = new Place("a.test", `api: {${api}}\n`);
    await place.addUsers("alice");
    const { status, stderr } = await place.run(["user", "link", "@alice@a.test"]);
    assert.equal(status, 0);
    assert.match(stderr, says);
  }
});

Deno.test("on a terminal there is a QR code of the link above it, unless the terminal is too narrow", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("alice");
  const { stdout } = await place.run(["user", "link", "@alice@a.test"], 80);
  assert.ok(isHarmless(stdout));
  const lines = stdout.trimEnd().split("\n");
  const made = lines.pop() ?? "";
  assert.match(made, /^https:\/\/mail\.a\.test\/#sign-in=/);
  assert.deepEqual(modules(lines, "light"), expected(made));
  const narrow = await place.run(["user", "link", "@alice@a.test"], lines[0]?.length ?? 0);
  assert.equal(narrow.stdout.trimEnd().split("\n").length, lines.length + 1);
  const narrower = await place.run(["user", "link", "@alice@a.test"], (lines[0]?.length ?? 0) - 1);
  assert.match(narrower.stdout, /^https:\S+\n$/);
});

Deno.test("a QR code is black on white where the terminal has colours, whatever those of its theme are", () => {
  const style = makeStyle({ isTerminal: true, env: {} });
  const text = "https://fmsg.a.test/#sign-in=x";
  const code = qrText(text, { ...capturing(80).to, style }) ?? assert.fail();
  const lines = code.split("\n").map((line) => {
    // deno-lint-ignore no-control-regex
    const [, inside] = /^\x1b\[38;5;16;48;5;231m([ ▀▄█]+)\x1b\[39;49m$/.exec(line) ?? [];
    return inside ?? assert.fail(JSON.stringify(line));
  });
  assert.deepEqual(modules(lines, "dark"), expected(text));
});

Deno.test("a link for nobody, for too long, or without an interface is an error that says what to do", async () => {
  using place = new Place("a.test", API);
  await place.addUsers("alice", "off");
  await place.json("user", "set", "@off@a.test", "--accepting=false");
  using without = new Place();
  await without.addUsers("alice");
  const wrong: [where: Place, status: number, says: RegExp, ...words: string[]][] = [
    [place, 1, /no user here.*fmsg user add/, "@bob@a.test"],
    [place, 1, /no address of this host/, "@alice@b.test"],
    [place, 1, /--accepting=true/, "@off@a.test"],
    [without, 1, /no inbox in the browser.*fmsg host init.*api\.listen/, "@alice@a.test"],
    [place, 2, /ADDRESS/, "alice"],
    [place, 2, /--expires/, "@alice@a.test", "--expires", "31d"],
    [place, 2, /--expires/, "@alice@a.test", "--expires", "0s"],
    [place, 2, /--expires/, "@alice@a.test", "--expires", "tomorrow"],
  ];
  for (const [where, status, says, ...words] of wrong) {
    const ran = await where.run(["user", "link", ...words]);
    assert.equal(ran.status, status, words.join(" "));
    assert.match(ran.stderr, says);
    assert.equal(ran.stderr.trim().split("\n").length, 1);
    assert.equal(ran.stdout, "");
  }
});

/** The modules that lines of half blocks show, true for a dark one; `drawn` says which ones the blocks are. */
function modules(lines: readonly string[], drawn: "dark" | "light"): boolean[][] {
  const rows = lines.flatMap((line) => {
    const halves = [...line].map((block) => {
      const [top, below] = HALVES[block] ?? assert.fail(JSON.stringify(block));
      return drawn === "dark" ? [top, below] as const : [!top, !below] as const;
    });
    return [halves.map(([top]) => top), halves.map(([, below]) => below)];
  });
  // Two rows a line: behind an odd number of them one more is light.
  const size = rows[0]?.length ?? 0;
  assert.ok(rows.slice(size).every((row) => row.every((isDark) => !isDark)));
  return rows.slice(0, size);
}

const HALVES: Readonly<Record<string, readonly [top: boolean, below: boolean]>> = {
  " ": [false, false],
  "▀": [true, false],
  "▄": [false, true],
  "█": [true, true],
};

/** With the four light modules around it that the standard wants. */
function expected(text: string): boolean[][] {
  return encode(text, { ecc: "L", boostEcc: true, border: 4 }).data;
}

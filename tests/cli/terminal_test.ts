import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import {
  formatDuration,
  formatSize,
  formatTime,
  loadWidths,
  makeStyle,
  pad,
  safe,
  table,
  truncate,
  width,
  wrap,
} from "../../src/cli/terminal.ts";

await loadWidths();

const FAMILY = "👨‍👩‍👧‍👦";
const MEGABYTES_10 = 10 * 1024 * 1024;

Deno.test("escape sequences of a stranger are shown instead of obeyed", () => {
  assert.equal(safe("\x1b]0;owned\x07hi"), "\\x1b]0;owned\\x07hi");
  assert.equal(safe("\x1b[2J\x1b[31mred"), "\\x1b[2J\\x1b[31mred");
  assert.equal(safe("\x9b2J"), "\\x9b2J");
  assert.equal(safe("\x9d0;owned\x9c"), "\\x9d0;owned\\x9c");
  assert.equal(safe("a\x00b\x08c\x7fd\x85e"), "a\\x00b\\x08c\\x7fd\\x85e");
});

Deno.test("a stranger's text cannot turn the reading direction or hide characters", () => {
  const disguises = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" +
    "\u2028\u2029\u200b\u2060\u2064\ufeff\u00ad\u034f\u3164\u180e\ufff9";
  for (const character of disguises) {
    const hex = character.charCodeAt(0).toString(16);
    const escape = hex.length === 2 ? `\\x${hex}` : `\\u${hex.padStart(4, "0")}`;
    assert.equal(safe(`ad${character}min`), `ad${escape}min`);
    assert.equal(safe(`ad${character}min`, { multiline: true }), `ad${escape}min`);
  }
  assert.equal(safe("invoice\u202efdp.exe"), "invoice\\u202efdp.exe");
  assert.equal(safe("x\u{e0041}\u{e007f}"), "x\\u{e0041}\\u{e007f}");
});

Deno.test("lone surrogates and non-characters are shown as escapes", () => {
  const text = String.fromCharCode(0x61, 0xd800, 0x62, 0xdfff, 0x63);
  assert.equal(safe(text), "a\\ud800b\\udfffc");
  assert.equal(safe("\ufffe\ufdd0\u{1ffff}\u{10ffff}"), "\\ufffe\\ufdd0\\u{1ffff}\\u{10ffff}");
});

Deno.test("words of every script and emoji stay as they are", () => {
  for (
    const text of [
      "Grüße, ¿qué tal?",
      "日本語 한국어 中文",
      "שלום עולם",
      "e\u0301 Z\u0351\u0332",
      "می\u200cخواهم", // Persian, with ZWNJ
      "ක්\u200dෂ", // Sinhala, with ZWJ
      "അവന്\u200d", // Malayalam, a word that ends in ZWJ
      `${FAMILY} 👩🏽‍🚀 🏳️‍🌈 👩‍❤️‍💋‍👩 ❤️ ❤︎ 1️⃣ 🇩🇪`,
      "葛\u{e0100}",
      "a\\b \ue0b0",
    ]
  ) {
    assert.equal(safe(text), text);
    assert.equal(safe(text, { multiline: true }), text);
  }
});

Deno.test("joiners that join nothing are shown, since they only make equal words differ", () => {
  assert.equal(safe("ad\u200cmin\u200d"), "ad\\u200cmin\\u200d");
  assert.equal(safe("\u200d👩"), "\\u200d👩");
  assert.equal(safe("👩\u200d!"), "👩\\u200d!");
  assert.equal(safe("👩\u200c👩"), "👩\\u200c👩");
  assert.equal(safe("نام\u200c"), "نام\\u200c");
});

Deno.test("one line stays one line", () => {
  assert.equal(safe("a\nb\r\nc\td"), "a⏎b⏎c d");
  assert.equal(safe("real\rfake"), "real\\x0dfake");
});

Deno.test("multiline text keeps its line breaks and lines up its tabs", () => {
  const multiline = { multiline: true };
  assert.equal(safe("a\r\nb\n\nc\n", multiline), "a\nb\n\nc\n");
  assert.equal(safe("real\rfake\r\r\n", multiline), "real\\x0dfake\\x0d\n");
  assert.equal(
    safe("a\tb\n12345678\tc\n中\td\n\x1b\te", multiline),
    [
      "a       b",
      "12345678        c",
      "中      d",
      "\\x1b    e",
    ].join("\n"),
  );
});

Deno.test("whatever a stranger writes, nothing harmful is left and safe text stays the same", () => {
  const harmful = new RegExp(
    String
      .raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Noncharacter_Code_Point}\u{200b}\u{2060}\u{feff}]`,
    "u",
  );
  const fragment = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\x1b", "\x9b", "\u202e", "\u200d", "\u200c", "\r", "\n", "\t", "\ud83d", "👩"),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  );
  fc.assert(fc.property(fc.array(fragment), (fragments) => {
    const text = fragments.join("");
    const line = safe(text);
    assert.doesNotMatch(line, harmful);
    assert.equal(safe(line), line);
    const lines = safe(text, { multiline: true });
    for (const one of lines.split("\n")) assert.doesNotMatch(one, harmful);
  }));
});

Deno.test("a command that prints columns can measure wide characters, and one for programs does not wait for that", async () => {
  const child = new URL("width_child.ts", import.meta.url).pathname;
  const after = async (...words: readonly string[]): Promise<number> => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", child, ...words],
      stdin: "null",
    }).output();
    return Number(new TextDecoder().decode(stdout));
  };
  assert.equal(await after("help", "dns"), 4);
  assert.equal(await after("list", "@a@a.test", "--config", "/nowhere"), 4);
  assert.equal(await after("list", "@a@a.test", "--config", "/nowhere", "--json"), 2);
  assert.equal(await after("completion", "bash"), 2);
});

Deno.test("width counts what a terminal draws", () => {
  assert.equal(width(""), 0);
  assert.equal(width("abc"), 3);
  assert.equal(width("日本"), 4);
  assert.equal(width("e\u0301"), 1);
  assert.equal(width(FAMILY), 2);
  assert.equal(width("\x1b[31mred\x1b[39m"), 3);
});

Deno.test("pad fills up to the columns and puts the text at the side asked for", () => {
  assert.equal(pad("ab", 4), "ab  ");
  assert.equal(pad("ab", 4, "left"), "ab  ");
  assert.equal(pad("ab", 4, "right"), "  ab");
  assert.equal(pad("日本", 5, "right"), " 日本");
  assert.equal(pad(FAMILY, 3), `${FAMILY} `);
  assert.equal(pad("abcdef", 4), "abcdef");
});

Deno.test("truncate cuts between characters as people see them", () => {
  assert.equal(truncate("abcdef", 6), "abcdef");
  assert.equal(truncate("abcdef", 5), "abcd…");
  assert.equal(truncate("abcdef", 1), "…");
  assert.equal(truncate("abcdef", 0), "");
  assert.equal(truncate("日本語", 6), "日本語");
  assert.equal(truncate("日本語", 5), "日本…");
  assert.equal(truncate("日本語", 4), "日…");
  assert.equal(truncate(FAMILY + FAMILY, 3), `${FAMILY}…`);
  assert.equal(truncate(FAMILY + FAMILY, 2), "…");
  assert.equal(truncate("e\u0301e\u0301e\u0301", 2), "e\u0301…");
});

Deno.test("a colour that is cut still ends", () => {
  assert.equal(truncate("\x1b[31mabcdef\x1b[39m", 3), "\x1b[31mab…\x1b[39m");
});

Deno.test("truncate never takes more columns than it has", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.nat(20), (raw, columns) => {
    const text = safe(raw);
    const cut = truncate(text, columns);
    assert.ok(width(cut) <= columns, JSON.stringify(cut));
    assert.ok(width(text) > columns || cut === text);
  }));
});

Deno.test("wrap breaks between words and keeps line breaks and indentation", () => {
  assert.equal(wrap("the quick brown fox", 10), "the quick\nbrown fox");
  assert.equal(wrap("the quick brown fox", 19), "the quick brown fox");
  assert.equal(wrap("one\n\ntwo  three\n", 80), "one\n\ntwo  three\n");
  assert.equal(wrap("  in  dent and more", 9), "  in\ndent and\nmore");
  assert.equal(wrap("    words", 6), "words");
  assert.equal(wrap("a" + " ".repeat(20) + "b", 10), "a\nb");
  assert.equal(wrap(" ".repeat(20) + "\nb", 10), "\nb");
});

Deno.test("wrap breaks a word that is longer than a line, but no character", () => {
  assert.equal(wrap("see abcdefghij k", 5), "see a\nbcdef\nghij\nk");
  assert.equal(wrap("日本語日本語", 5), "日本\n語日\n本語");
  assert.equal(wrap(FAMILY.repeat(3), 4), `${FAMILY}${FAMILY}\n${FAMILY}`);
  assert.equal(wrap("日本", 1), "日\n本");
  assert.equal(wrap("\x1b[31mabcdef\x1b[39m", 4), "\x1b[31mabcd\nef\x1b[39m");
});

Deno.test("wrapped lines fit and nothing but white space is lost", () => {
  const graphemes = new Intl.Segmenter();
  const words = fc.array(fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(" ", "   ", "\n", "word", "日本語"),
  ));
  fc.assert(fc.property(words, fc.integer({ min: 1, max: 20 }), (parts, columns) => {
    const text = safe(parts.join(""), { multiline: true });
    const wrapped = wrap(text, columns);
    assert.equal(wrapped.replace(/\s/g, ""), text.replace(/\s/g, ""));
    for (const line of wrapped.split("\n")) {
      assert.ok(width(line) <= columns || [...graphemes.segment(line)].length === 1, line);
    }
  }));
});

Deno.test("a table lines up wide characters and has no trailing spaces", () => {
  const rows = [
    ["1", "@alice@example.com", "日本語", "512 B"],
    ["22", "@bob@example.com", FAMILY, ""],
    ["333", "@e\u0301@example.com", "\x1b[32mok\x1b[39m", "1.4 KiB"],
  ];
  const options = {
    head: ["id", "from", "topic", "size"],
    columns: 80,
    align: ["right", "left", "left", "right"] as const,
  };
  assert.equal(
    table(rows, options).replaceAll("\x1b", "^"),
    [
      " id  from                topic      size",
      "  1  @alice@example.com  日本語    512 B",
      ` 22  @bob@example.com    ${FAMILY}`,
      "333  @e\u0301@example.com      ^[32mok^[39m      1.4 KiB",
    ].join("\n"),
  );
});

Deno.test("in a narrow terminal the flexible column gives way, and before it vanishes the others too", () => {
  const rows = [["1234", "a topic of some length", "@alice@example.com"]];
  const head = ["id", "topic", "from"];
  const at = (columns: number): string => table(rows, { head, columns, flexible: 1 });
  assert.equal(
    at(48),
    "id    topic                   from\n1234  a topic of some length  @alice@example.com",
  );
  assert.equal(at(40), "id    topic           from\n1234  a topic of so…  @alice@example.com");
  assert.equal(at(30), "id    topic     from\n1234  a topic…  @alice@exampl…");
  assert.equal(at(6), "…  … …\n…  … …");
});

Deno.test("without a flexible column the widest gives way, and nobody's where nobody looks", () => {
  const rows = [["a long text", "an even longer text"]];
  assert.equal(table(rows, { head: [], columns: 20 }), "a long t…  an even …");
  assert.equal(
    table(rows, { head: [], columns: Infinity, flexible: 1 }),
    "a long text  an even longer text",
  );
});

Deno.test("a table cuts what has to stay whole only when nothing else is left", () => {
  const at = (columns: number): string =>
    table([["0123456789", "some words"]], { head: [], columns, whole: [0] });
  assert.equal(at(22), "0123456789  some words");
  assert.equal(at(16), "0123456789  som…");
  assert.equal(at(13), "0123456789  …");
  assert.equal(at(8), "0123…  …");
});

Deno.test("a table may be empty and rows may be uneven", () => {
  assert.equal(table([], { head: [], columns: 80 }), "");
  assert.equal(table([], { head: ["id", "topic"], columns: 80 }), "id  topic");
  assert.equal(
    table([["1"], [], ["2", "b", "c"]], { head: ["id", "topic"], columns: 80 }),
    "id  topic\n1\n\n2   b      c",
  );
});

Deno.test("whatever is in a table, its lines fit the terminal and end in no space", () => {
  const cell = fc.string({ unit: "grapheme" }).map((text) => safe(text));
  const rows = fc.array(fc.array(cell, { maxLength: 6 }), { maxLength: 8 });
  const side = fc.constantFrom("left" as const, "right" as const);
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 60 }), fc.array(side), (rows, columns, align) => {
      const lines = table(rows, { head: ["one", "two"], columns, align, flexible: 1 }).split("\n");
      assert.equal(lines.length, rows.length + 1);
      for (const line of lines) {
        assert.ok(width(line) <= columns, JSON.stringify(line));
        assert.doesNotMatch(line, / $/);
      }
    }),
  );
});

Deno.test("colours go to a terminal only, unless the environment says otherwise", () => {
  const red = (isTerminal: boolean, env: Record<string, string>): boolean =>
    makeStyle({ isTerminal, env }).red("x") !== "x";
  const terminal = (env: Record<string, string>): boolean => {
    const isTerminal = true;
    return red(isTerminal, env);
  };
  const file = (env: Record<string, string>): boolean => {
    const isTerminal = false;
    return red(isTerminal, env);
  };
  assert.equal(terminal({}), true);
  assert.equal(terminal({ TERM: "xterm-256color", NO_COLOR: "", FORCE_COLOR: "" }), true);
  assert.equal(terminal({ TERM: "dumb" }), false);
  assert.equal(terminal({ NO_COLOR: "1" }), false);
  assert.equal(terminal({ FORCE_COLOR: "0" }), false);
  assert.equal(terminal({ FORCE_COLOR: "false" }), false);
  assert.equal(file({}), false);
  assert.equal(file({ FORCE_COLOR: "1" }), true);
  assert.equal(file({ FORCE_COLOR: "1", NO_COLOR: "1", TERM: "dumb" }), true);
});

Deno.test("every style starts and ends itself, and is the identity without colour", () => {
  const colour = makeStyle({ isTerminal: true, env: {} });
  const plain = makeStyle({ isTerminal: false, env: {} });
  assert.deepEqual(
    [
      colour.bold("x"),
      colour.dim("x"),
      colour.red("x"),
      colour.green("x"),
      colour.yellow("x"),
      colour.cyan("x"),
    ],
    [[1, 22], [2, 22], [31, 39], [32, 39], [33, 39], [36, 39]]
      .map(([on, off]) => `\x1b[${on}mx\x1b[${off}m`),
  );
  for (const name of ["bold", "dim", "red", "green", "yellow", "cyan"] as const) {
    assert.equal(plain[name]("x\ny"), "x\ny");
    assert.equal(stripVTControlCharacters(colour[name]("x\ny")), "x\ny");
  }
});

Deno.test("sizes have one decimal below ten and never 1024 of a unit", () => {
  const sizes: [number, string][] = [
    [0, "0 B"],
    [512, "512 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1434, "1.4 KiB"],
    [10_188, "9.9 KiB"],
    [10_200, "10 KiB"],
    [10 * 1024 ** 2, "10 MiB"],
    [1024 ** 2 - 1, "1 MiB"],
    [5.5 * 1024 ** 3, "5.5 GiB"],
    [Number.MAX_SAFE_INTEGER, "8 PiB"],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
});

Deno.test("times are local, to the minute, and a sender's impossible time does no harm", () => {
  const seconds = new Date(2026, 10, 24, 21, 42, 59).getTime() / 1000;
  assert.equal(formatTime(seconds + 0.25), "2026-11-24 21:42");
  assert.equal(formatTime(new Date(2027, 0, 2, 3, 4).getTime() / 1000), "2027-01-02 03:04");
  for (const impossible of [NaN, Infinity, -1e300, 8.65e12]) {
    assert.equal(formatTime(impossible), "invalid time");
  }
});

Deno.test("spans of time are rounded to one unit", () => {
  const spans: [number, string][] = [
    [0, "0 s"],
    [0.4, "0 s"],
    [-0.4, "0 s"],
    [3, "3 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [240, "4 min"],
    [3599, "1 h"],
    [7200, "2 h"],
    [86_399, "1 d"],
    [5 * 86_400, "5 d"],
    [-5 * 86_400, "-5 d"],
  ];
  for (const [seconds, text] of spans) assert.equal(formatDuration(seconds), text);
});

Deno.test("a line of ten megabytes is shown, measured, cut, wrapped and tabled", () => {
  const line = "a line of some words, ".repeat(MEGABYTES_10 / 22);
  assert.equal(safe(line), line);
  assert.equal(width(line), line.length);
  assert.equal(truncate(line, 10), "a line of…");
  assert.equal(table([[line]], { head: [], columns: 10 }), "a line of…");
  assert.ok(wrap(line, 80).split("\n").every((one) => one.length <= 80));
  assert.equal(safe("\x1b[".repeat(MEGABYTES_10 / 2)).length, MEGABYTES_10 / 2 * 5);
});

Deno.test("no text makes the effort grow faster than its length", () => {
  // At this length anything quadratic would not come back.
  const units = ["a", " ", "日", "e\u0301", FAMILY, "می\u200c", "\u200d", "\r", "\t", "\n"];
  for (const unit of [...units, "\x1b", "\x1b[0", "\x1b[31m", "\x1b]0;", "\x9b", "\x9d"]) {
    const text = unit.repeat(150_000 / unit.length);
    for (const one of [text, safe(text), safe(text, { multiline: true })]) {
      assert.ok(width(truncate(one, 80)) <= 80);
      assert.ok(wrap(one, 80).split("\n").every((line) => width(line) <= 80));
    }
    const lines = table([[safe(text), "b"]], { head: ["x", "y"], columns: 80 }).split("\n");
    assert.ok(lines.every((line) => width(line) <= 80));
  }
});

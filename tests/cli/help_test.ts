import assert from "node:assert/strict";
import { runCommandLine } from "../../src/cli/main.ts";
import { renderMarkdown } from "../../src/cli/markdown.ts";
import { makeStyle, width } from "../../src/cli/terminal.ts";
import { exampleText, TOPIC_NAMES, topicText } from "../../src/cli/topics.ts";
import { parseConfig } from "../../src/config.ts";
import { capturing, type Ran } from "./support.ts";

const PLAIN = {
  columns: 40,
  style: makeStyle({ isTerminal: false, env: {} }),
  linkTo: (target: string): string => target,
};

Deno.test("every topic is a page inside 80 columns, in whatever case it is asked for", async () => {
  for (const topic of TOPIC_NAMES) {
    const { status, stdout, stderr } = await run(["help", topic], 80);
    assert.deepEqual([status, stderr], [0, ""]);
    const [guide = ""] = stdout.split("\nfmsg.example.yaml\n");
    assert.ok(guide.length > 1000, topic);
    const wide = guide.split("\n").filter((line) => width(line) > 80);
    assert.deepEqual(wide, [], topic);
    assert.doesNotMatch(guide, /```|^#|\*\*|\]\(/m, topic);
    assert.equal((await run(["help", topic.toUpperCase()], 80)).stdout, stdout);
  }
});

Deno.test("a page is wrapped to a narrower terminal, and in a pipe as to 80 columns", async () => {
  const narrow = (await run(["help", "dns"], 40)).stdout;
  const prose = narrow.split("\n").filter((line) => !line.startsWith("    "));
  assert.ok(prose.every((line) => width(line) <= 40), narrow);
  assert.equal((await run(["help", "dns"])).stdout, (await run(["help", "dns"], 80)).stdout);
});

Deno.test("help on the configuration ends with every key, as fmsg.example.yaml has them", async () => {
  const { stdout } = await run(["help", "configuration"], 80);
  assert.ok(stdout.endsWith(`\n\n${await exampleText()}`));
});

Deno.test("help lists the topics, and help on commands is what it was", async () => {
  const { stdout } = await run(["help"], 80);
  for (const topic of TOPIC_NAMES) assert.match(stdout, new RegExp(`^  ${topic} +[a-z]`, "m"));
  assert.match((await run(["help", "user", "add"])).stdout, /^Usage: fmsg user add /);
  assert.match((await run(["help", "host", "backup"])).stdout, /^Usage: fmsg host backup /);
});

Deno.test("a mistyped topic is told what was meant", async () => {
  const mistyped = [
    ["dsn", "Unknown topic 'dsn'; did you mean dns?"],
    ["Firewal", "Unknown topic 'Firewal'; did you mean firewall?"],
    ["usr", "Unknown command 'usr'; did you mean user?"],
    ["quantum", "Unknown command 'quantum'; see \"fmsg --help\""],
  ] as const;
  for (const [word, complaint] of mistyped) {
    const { status, stderr } = await run(["help", word]);
    assert.deepEqual([status, stderr], [2, `fmsg: ${complaint}\n`]);
  }
});

Deno.test("Markdown becomes lines for a terminal: code stays as it is, all else is wrapped", () => {
  const page = `# A \`page\`

One paragraph with \`code\` in it, and a [link](dns.md)
on **two** lines.
<!-- nothing -->
- first, which is longer than a line of the terminal
- second

1. number
   and more

\`\`\`sh
fmsg   host run   # as it is, and longer than the columns are
\`\`\`

| a    | b |
| ---- | - |
| cell | x |
`;
  assert.equal(
    renderMarkdown(page, PLAIN),
    `A page

One paragraph with "code" in it, and a
link (dns.md) on two lines.

  - first, which is longer than a line
    of the terminal
  - second

  1. number and more

    fmsg   host run   # as it is, and longer than the columns are

a     b
cell  x`,
  );
});

Deno.test("with colours code is coloured in place of quotes, and headings are bold", () => {
  const style = makeStyle({ isTerminal: true, env: {} });
  const shown = renderMarkdown("# Title\n\nrun `fmsg`", { ...PLAIN, style });
  assert.equal(shown, `${style.bold("Title")}\n\nrun ${style.cyan("fmsg")}`);
});

Deno.test("the pages name no command, flag or key that there is not", async () => {
  const example = await exampleText();
  for (const topic of TOPIC_NAMES) {
    const text = await topicText(topic);
    const commands = [...text.matchAll(/(?:`|^)fmsg ((?:[a-z][a-z-]*(?: |$|`))+)/gm)];
    for (const [, words = ""] of commands) {
      const { status, stderr } = await run(["help", ...words.replace("`", "").trim().split(" ")]);
      // What follows a command's name are its arguments; a topic is one word.
      assert.ok(status === 0, `${topic}: fmsg ${words}: ${stderr}`);
    }
    for (const [, key = ""] of text.matchAll(/`([a-z]+(?:\.[a-z_]+)+)`/g)) {
      if (/\.(?:md|ya?ml|db|pem|csv|service|test|com)$/.test(key)) continue;
      for (const word of key.split(".")) {
        assert.match(example, new RegExp(`^[# ]*${word}:`, "m"), `${topic}: ${key}`);
      }
    }
  }
});

Deno.test("every configuration that a page shows is one", async () => {
  for (const topic of TOPIC_NAMES) {
    for (const [, yaml = ""] of (await topicText(topic)).matchAll(/^```yaml\n(.*?)^```/gms)) {
      const whole = yaml.startsWith("domain:") ? yaml : `domain: example.com\n${yaml}`;
      assert.equal(parseConfig(whole, "fmsg.yaml").domain, "example.com", yaml);
    }
  }
});

async function run(words: readonly string[], columns?: number): Promise<Ran> {
  const output = capturing(columns);
  const status = await runCommandLine(words, output.to);
  return { status, ...output.taken() };
}

import assert from "node:assert/strict";
import { topicText } from "../../src/cli/topics.ts";
import { codeName } from "../../src/wire/mod.ts";
import { explanationsOf, messagesOf, patternOf, sourceOf } from "./messages.ts";

/** Where the errors come from that somebody meets who sets a host up. */
const NEWCOMERS = [
  "certificate",
  "cli/init",
  "cli/key.ts",
  "cli/open.ts",
  "cli/session.ts",
  "cli/token.ts",
  "cli/user_link.ts",
  "host/control_client.ts",
  "host/host.ts",
  "host/own_certificate.ts",
  "host/settings.ts",
  "net/listen_error.ts",
  "store/lock.ts",
  "store/opening.ts",
  "store/upgrade.ts",
];
const CLASSES = [
  "AcmeError",
  "CertificateError",
  "CommandError",
  "Error",
  "NotConfigured",
  "StoreError",
];
/** What is no message for people, or is only met by those who call functions wrongly. */
const NO_MESSAGE = /^(?:to follow|The host is stopping)\b/;

Deno.test("every message that troubleshooting quotes is one of the program", async () => {
  const source = sourceOf(".");
  const quoted = await quotedMessages();
  assert.ok(quoted.length > 80);
  const gone = quoted.filter((message) => !patternOf(message).test(source));
  assert.deepEqual(gone, []);
});

Deno.test("every quoted message says enough to be told from others", async () => {
  for (const message of await quotedMessages()) {
    const longest = Math.max(...message.split("…").map((piece) => piece.trim().length));
    assert.ok(longest >= 9, message);
  }
});

Deno.test("every error that somebody meets who sets a host up is in troubleshooting", async () => {
  const patterns = (await quotedMessages()).map(patternOf);
  const messages = [
    ...NEWCOMERS.flatMap((path) => messagesOf(sourceOf(path), CLASSES)),
    ...explanationsOf(sourceOf("certificate/acme/problem.ts")),
  ];
  assert.ok(messages.length > 60);
  const missing = messages
    .filter((message) => /[a-z]{4} .*[a-z]{4}/.test(message) && !NO_MESSAGE.test(message))
    .filter((message) => !patterns.some((pattern) => pattern.test(message)));
  assert.deepEqual(missing, []);
});

Deno.test("the codes in troubleshooting have the names of the specification", async () => {
  const rows = [...(await topicText("troubleshooting")).matchAll(/^\| (\d+) +\| ([a-z ]+?) +\|/gm)];
  assert.ok(rows.length > 8);
  for (const [, code = "", name] of rows) assert.equal(name, codeName(Number(code)));
});

/** The headings of the third level but for the one above the table of codes. */
async function quotedMessages(): Promise<string[]> {
  const headings = (await topicText("troubleshooting")).matchAll(/^### (.*)$/gm);
  return [...headings].map(([, heading = ""]) => heading)
    .filter((heading) => heading !== "The codes of other hosts");
}

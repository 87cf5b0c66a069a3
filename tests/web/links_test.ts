// Where links in messages may go, and what in plain text is one.

import assert from "node:assert/strict";
import { linkified, linkTarget } from "../../src/web/links.ts";

Deno.test("only the web, mail and fmsg addresses are linked to: no scripts, data, files, or paths of the host", () => {
  for (
    const href of [
      "javascript:alert(1)",
      " java\nscript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "file:///etc/passwd",
      "/session",
      "//evil.test",
      "#x",
      "?thread=1",
      "fmsg",
      "blob:https://a.test/1",
      "https:evil",
      "http://",
    ]
  ) {
    assert.equal(linkTarget(href), null, href);
  }
  assert.equal(linkTarget("https://a.test/x")?.href, "https://a.test/x");
  assert.equal(linkTarget("mailto:bob@b.test")?.host, "bob@b.test");
  assert.deepEqual(
    [linkTarget("@bob@b.test")?.href, linkTarget("@bob@b.test")?.outside],
    ["/?write=new&to=%40bob%40b.test", false],
  );
});

Deno.test("a link whose text names another host than it goes to is known, and names in front of the host are taken off", () => {
  const target = linkTarget("https://bank.test@evil.test/");
  assert.equal(target?.href, "https://evil.test/");
  assert.equal(target?.isNamedBy("https://bank.test/"), false);
  assert.equal(target?.isNamedBy("bank.test"), false);
  assert.equal(target?.isNamedBy("click"), false);
  assert.equal(target?.isNamedBy("https://evil.test/page"), true);
  assert.equal(target?.isNamedBy("\u202ehttps://evil.test/"), false);
});

Deno.test("plain text: links and addresses are found, what closes a sentence is none of them", () => {
  const found = (line: string) =>
    linkified(line).filter(({ kind }) => kind === "link").map(({ text }) => text);
  assert.deepEqual(found("see (https://a.test/x), or ask @bob@b.test."), [
    "https://a.test/x",
    "@bob@b.test",
  ]);
  assert.deepEqual(found("x@bob@b.test @bob https:// http://\u202eevil"), []);
  assert.equal(
    linkified("a https://b.test c").map(({ text }) => text).join(""),
    "a https://b.test c",
  );
  assert.equal(found("@a@b.test ".repeat(1000)).length, 200, "bounded");
});

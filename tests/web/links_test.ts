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

Deno.test("a link that signs in is none in a message: it would sign the reader in as whoever sent it", () => {
  const link = "https://fmsg.a.test/#sign-in=abcdefghijklmnopqrstuvwxyz";
  assert.equal(linkTarget(link), null);
  assert.equal(linkTarget(link.replace("https", "HTTPS")), null);
  assert.deepEqual(linkified(`open ${link} now`), [{ kind: "text", text: `open ${link} now` }]);
  assert.ok(linkTarget("https://a.test/#sign-in") !== null);
});

Deno.test("a link whose text names another host than it goes to is known, and names in front of the host are taken off", () => {
  const target = linkTarget("https://bank.test@evil.test/");
  assert.equal(target?.href, "https://evil.test/");
  assert.equal(target?.isNamedBy("https://bank.test/"), false);
  assert.equal(target?.isNamedBy("bank.test"), false);
  assert.equal(target?.isNamedBy("click"), false);
  assert.equal(target?.isNamedBy("https://evil.test/page"), true);
  assert.equal(target?.isNamedBy("\u202ehttps://evil.test/"), false);
  assert.equal(target?.isNamedBy("https://bank.test@evil.test/"), false);
});

Deno.test("letters of other scripts: a host is told as it is asked for, and such a label does not name it", () => {
  const target = linkTarget("https://www.b\u0430nk.test/");
  assert.equal(target?.host, "www.xn--bnk-6cd.test");
  assert.equal(target?.isNamedBy("https://www.b\u0430nk.test/"), false);
});

Deno.test("mail goes to one address in the open, without copies to others or a text", () => {
  const target = linkTarget("mailto:a@b.test?bcc=evil@x.test&body=send%20money");
  assert.equal(target?.href, "mailto:a%40b.test");
  assert.equal(target?.isNamedBy("a@b.test"), true);
  assert.equal(target?.isNamedBy("bank@c.test, or a@b.test"), false);
  for (
    const href of [
      "mailto:?to=evil@x.test",
      "mailto:",
      "mailto:a@b.test,c@d.test",
      "mailto:%E2%80%AEa@b.test",
    ]
  ) {
    assert.equal(linkTarget(href), null, href);
  }
});

Deno.test("a bracket that was opened in an address belongs to it, and a thousand behind it are no work", () => {
  const [piece] = linkified("https://a.test/b_(c)");
  assert.equal(piece?.text, "https://a.test/b_(c)");
  const [many] = linkified(`https://a.test/x${")".repeat(1900)}`);
  assert.equal(many?.text, "https://a.test/x");
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

import assert from "node:assert/strict";
import { join } from "node:path";
import { noise } from "../support/message.ts";
import { isHarmless, Place } from "./support.ts";

const MENU = "a menu ".repeat(1000);

Deno.test("save writes an attachment as it was before compression, and nothing else", async () => {
  using place = await withMenu();
  const file = join(place.dir, "copy.pdf");
  assert.deepEqual(await place.json("save", "1", "menu.pdf", "-o", file), {
    file,
    size: MENU.length,
  });
  assert.equal(Deno.readTextFileSync(file), MENU);
  const { stdout } = await place.run(["save", "1", "photo.png", "-o", join(place.dir, "p.png")]);
  assert.equal(stdout, `Wrote ${join(place.dir, "p.png")}, 49 KiB\n`);
  assert.deepEqual(Deno.readFileSync(join(place.dir, "p.png")), noise(50_000));
  assert.deepEqual(names(place), ["copy.pdf", "data", "fmsg.yaml", "p.png"]);
});

Deno.test("the body goes to stdout unless told, byte for byte", async () => {
  using place = await withMenu();
  for (const words of [["--body"], ["--body", "-o", "-"], ["-o-", "--body"]]) {
    const { status, bytes } = await place.run(["save", "1", ...words]);
    assert.equal(status, 0);
    assert.deepEqual(bytes, BODY);
  }
  const photo = await place.run(["save", "1", "photo.png", "-o", "-"]);
  assert.deepEqual(photo.bytes, noise(50_000));
  const file = join(place.dir, "body.txt");
  assert.deepEqual(await place.json("save", "1", "--body", "--output", file), {
    file,
    size: BODY.length,
  });
  assert.deepEqual(Deno.readFileSync(file), BODY);
});

Deno.test("a file that exists is kept, unless --force is given", async () => {
  using place = await withMenu();
  const file = join(place.dir, "menu.pdf");
  Deno.writeTextFileSync(file, "mine");
  const { status, stderr } = await place.run(["save", "1", "menu.pdf", "-o", file]);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    `fmsg: ${file} exists: name another file with -o, or add --force to replace it\n`,
  );
  assert.equal(Deno.readTextFileSync(file), "mine");
  assert.equal((await place.run(["save", "1", "menu.pdf", "-o", file, "--force"])).status, 0);
  assert.equal(Deno.readTextFileSync(file), MENU);
  assert.deepEqual(names(place), ["data", "fmsg.yaml", "menu.pdf"]);
});

Deno.test("a link that exists is no way to write elsewhere", async () => {
  using place = await withMenu();
  const [link, other] = [join(place.dir, "menu.pdf"), join(place.dir, "other")];
  Deno.symlinkSync(other, link);
  assert.equal((await place.run(["save", "1", "menu.pdf", "-o", link])).status, 1);
  assert.equal((await place.run(["save", "1", "menu.pdf", "-o", link, "--force"])).status, 0);
  assert.deepEqual(names(place), ["data", "fmsg.yaml", "menu.pdf"]);
});

Deno.test("folders and devices are never replaced, and a folder that is missing is named", async () => {
  using place = await withMenu();
  const missing = join(place.dir, "nowhere", "menu.pdf");
  const wrong: [file: string, complaint: RegExp][] = [
    [place.dir, /is a folder: name a file in it/],
    ["/dev/null", /is no regular file/],
    [missing, /^fmsg: Cannot write .*nowhere\/menu\.pdf: /],
  ];
  for (const [file, complaint] of wrong) {
    const { status, stderr } = await place.run(["save", "1", "menu.pdf", "--force", "-o", file]);
    assert.equal(status, 1);
    assert.match(stderr, /^[^\n]+\n$/);
    assert.match(stderr, complaint);
  }
  assert.deepEqual(names(place), ["data", "fmsg.yaml"]);
});

Deno.test("what cannot be read whole leaves no file behind", async () => {
  using place = await withMenu();
  await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    attachments: [{
      filename: "broken.bin",
      wire: noise(5000),
      compress: true,
      expandedSize: 9000,
    }],
  });
  const file = join(place.dir, "broken.bin");
  const { status, stdout, stderr } = await place.run(["save", "2", "broken.bin", "-o", file]);
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^fmsg: Cannot write .*broken\.bin: [^\n]+\n$/);
  assert.deepEqual(names(place), ["data", "fmsg.yaml"]);
});

Deno.test("an attachment is found whatever the case and the way its letters are composed", async () => {
  using place = new Place();
  await place.addUsers("alice");
  await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    attachments: [{ filename: "Menü.pdf", body: "first" }, { filename: "menu.pdf", body: "2nd" }],
  });
  const content = async (name: string): Promise<string> =>
    (await place.run(["save", "1", "-o-", "--", name])).stdout;
  assert.equal(await content("Menü.pdf"), "first");
  assert.equal(await content("MENU\u0308.PDF"), "first");
  assert.equal(await content("MENU.pdf"), "2nd");
});

Deno.test("an attachment that is not there is an error that names those that are", async () => {
  using place = await withMenu();
  const { status, stderr } = await place.run(["save", "1", "\x1b[2J", "-o-"]);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    'fmsg: Message 1 has no attachment "\\x1b[2J"; it has menu.pdf, photo.png\n',
  );
});

Deno.test("nothing a stranger wrote goes to a terminal as it is, unless forced", async () => {
  using place = await withMenu();
  const refused = await place.run(["save", "1", "--body"], 80);
  assert.equal(refused.status, 2);
  assert.equal(refused.stdout, "");
  assert.match(refused.stderr, /name a file with -o FILE, read it with "fmsg show 1", or/);
  assert.deepEqual((await place.run(["save", "1", "--body", "--force"], 80)).bytes, BODY);
  const name = join(place.dir, "\x1b[2J.pdf");
  const { stdout } = await place.run(["save", "1", "menu.pdf", "-o", name], 80);
  assert.ok(isHarmless(stdout));
});

Deno.test("what to save, and where to, has to be clear", async () => {
  using place = await withMenu();
  for (
    const words of [[], ["menu.pdf", "--body"], ["--body", "--json"], ["--body", "-o-", "--json"]]
  ) {
    const { status, stdout, stderr } = await place.run(["save", "1", ...words]);
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^fmsg: (?:Name one thing to save|--json needs -o FILE).*\n$/);
  }
});

Deno.test("without -o an attachment becomes a file of its name in the current folder", async () => {
  using place = await withMenu();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../main.ts", import.meta.url).href, "save", "1", "menu.pdf"],
    cwd: place.dir,
    env: { FMSG_CONFIG: "" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stdout), "Wrote menu.pdf, 6.8 KiB\n");
  assert.equal(Deno.readTextFileSync(join(place.dir, "menu.pdf")), MENU);
});

/** UTF-8 and what is none, with a command to a terminal. */
const BODY = new Uint8Array([...new TextEncoder().encode("Menu \x1b[2J ä\r\n"), 0xff, 0x00]);

async function withMenu(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice");
  await place.receive({
    from: "@x@b.test",
    to: ["@alice@a.test"],
    body: BODY,
    attachments: [
      { filename: "menu.pdf", type: "application/pdf", body: MENU, compress: true },
      { filename: "photo.png", type: "image/png", body: noise(50_000) },
    ],
  });
  return place;
}

function names(place: Place): string[] {
  return [...Deno.readDirSync(place.dir)].map(({ name }) => name).sort();
}

// The one file of a form, streamed.
import assert from "node:assert/strict";
import fc from "fast-check";
import { readFile, type UploadedFile } from "../../../src/api/server/multipart.ts";

const LIMIT = 1024 * 1024;

function formOf(...parts: readonly (readonly [name: string, value: string | Blob])[]): FormData {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, value, "notes.txt");
  }
  return form;
}

function request(body: BodyInit, type?: string): Request {
  const request = new Request("http://host/fmsg/1/attach", { method: "POST", body });
  if (type !== undefined) request.headers.set("content-type", type);
  return request;
}

/** A form as text, whose boundary is "x". */
function raw(text: string): Request {
  return request(text.replaceAll("\n", "\r\n"), "multipart/form-data; boundary=x");
}

async function taken(file: UploadedFile): Promise<{ filename: string; bytes: Uint8Array }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.bytes) chunks.push(chunk);
  return {
    filename: file.filename,
    bytes: new Uint8Array(await new Blob(chunks.map((c) => new Uint8Array(c))).arrayBuffer()),
  };
}

Deno.test("N9 the file of a form arrives as it was sent, whatever it holds and however it is cut", async () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom("\r\n--x", "\r\n--x--\r\n", "\r\n", "--", "\r", "\n"),
      fc.string({ maxLength: 20 }),
    ),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 64 }), async (parts, cut) => {
      const content = new TextEncoder().encode(parts.join(""));
      const whole = new Uint8Array(
        await new Response(formOf(["file", new Blob([content])])).arrayBuffer(),
      );
      const boundary = new TextDecoder().decode(whole).split("\r\n")[0]?.slice(2);
      let at = 0;
      const stream = new ReadableStream({
        pull: (controller) => {
          if (at >= whole.length) return controller.close();
          controller.enqueue(whole.slice(at, at + cut));
          at += cut;
        },
      });
      const form = request(stream, `multipart/form-data; boundary=${boundary}`);
      const { filename, bytes } = await readFile(form, LIMIT, taken);
      assert.equal(filename, "notes.txt");
      assert.deepEqual(bytes, content);
    }),
    { numRuns: 50 },
  );
});

Deno.test("N9 the name and the type are given as the client wrote them", async () => {
  for (
    const [disposition, filename] of [
      ['filename="a.txt"', "a.txt"],
      ['filename="../../etc/passwd"', "../../etc/passwd"],
      ['filename="C:\\\\a.txt"', "C:\\a.txt"],
      ['filename="großer \\"Brief\\".txt"', 'großer "Brief".txt'],
      ['filename=""', ""],
    ]
  ) {
    const form = raw(
      `--x\nContent-Disposition: form-data; name="file"; ${disposition}\nContent-Type: image/png\n\nabc\n--x--\n`,
    );
    const file = await readFile(form, LIMIT, async (file) => ({ ...file, ...await taken(file) }));
    assert.equal(file.filename, filename);
    assert.equal(file.type, "image/png");
  }
});

Deno.test("N9 a form without exactly one file field named file is refused with 400", async () => {
  const file = new Blob(["x"]);
  for (
    const form of [
      formOf(),
      formOf(["file", "no file"]),
      formOf(["other", file]),
      formOf(["file", file], ["file", file]),
      formOf(["file", file], ["other", file]),
      formOf(["file", file], ["note", "text"]),
      formOf(["note", "text"], ["file", file]),
    ]
  ) {
    await assert.rejects(readFile(request(form), LIMIT, taken), { name: "ApiError", status: 400 });
  }
});

Deno.test("N9 a broken form is refused with 400, and no form at all with 415", async () => {
  for (
    const text of [
      "",
      "hello",
      "--x",
      "--x\n",
      '--x\nContent-Disposition: form-data; name="file"; filename="a"\n\nabc',
      '--x\nContent-Disposition: form-data; name="file"; filename="a"\n\nabc\n--x',
      '--x\nContent-Disposition: form-data; name="file"\nContent-Type: application/octet-stream\n\nabc\n--x--\n',
      '--x\nContent-Disposition: attachment; filename="a"\n\nabc\n--x--\n',
      `--x\n${"X-Filler: y\n".repeat(2000)}\n\nabc\n--x--\n`,
      "--y\n\nabc\n--y--\n",
    ]
  ) {
    await assert.rejects(
      readFile(raw(text), LIMIT, taken),
      { name: "ApiError", status: 400 },
      text,
    );
  }
  await assert.rejects(readFile(request("a", "multipart/form-data"), LIMIT, taken), {
    name: "ApiError",
  });
  await assert.rejects(readFile(request("a", "text/plain"), LIMIT, taken), { status: 415 });
});

Deno.test("N9 a form that is too large is refused with 413, before a byte where its length tells", async () => {
  const form = formOf(["file", new Blob([new Uint8Array(LIMIT + 1)])]);
  await assert.rejects(readFile(request(form), LIMIT, taken), { name: "ApiError", status: 413 });
  let pulled = 0;
  const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
  const told = request(body, "multipart/form-data; boundary=x");
  told.headers.set("content-length", String(LIMIT + 1));
  await assert.rejects(readFile(told, LIMIT, taken), { name: "ApiError", status: 413 });
  assert.equal(pulled, 0);
});

Deno.test("N9 a form is read no faster than its file is taken", async () => {
  let sent = 0;
  const begin = new TextEncoder().encode(
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
  );
  const body = new ReadableStream({
    pull: (controller) => {
      controller.enqueue(sent === 0 ? begin : new Uint8Array(16 * 1024));
      sent++;
    },
  }, { highWaterMark: 0 });
  const gaveUp = new Error("enough");
  const reading = readFile(request(body, "multipart/form-data; boundary=x"), 1e9, async (file) => {
    for await (const _chunk of file.bytes) {
      // Nothing more arrives while this one is looked at.
      const before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(sent - before < 32, `${sent - before} chunks were read ahead`);
      throw gaveUp;
    }
  });
  await assert.rejects(reading, gaveUp);
});

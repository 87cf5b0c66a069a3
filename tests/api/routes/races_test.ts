// One draft, and several requests about it at once: each is checked again where it is committed.

import { equal, match, ok } from "node:assert/strict";
import fc from "fast-check";
import { ALICE, BOB, CAROL, draftOf, fieldsOf, idsOf, MessageStage } from "./message_stage.ts";

const REQUESTS = ["send", "again", "delete", "replace", "attach", "detach", "add"] as const;

Deno.test("N3 whatever happens to a draft at once: sent once or deleted, and what was sent is whole", async () => {
  await using stage = await MessageStage.open();
  let deleted = 0;
  let sent = 0;
  const order = fc.shuffledSubarray([...REQUESTS], { minLength: 2 });
  await fc.assert(
    fc.asyncProperty(order, async (names) => {
      const id = await stage.draft(ALICE, { data: "first" });
      await stage.upload(ALICE, id, "a.txt", "attached");
      const requests = {
        send: () => stage.request(ALICE, "POST", `/fmsg/${id}/send`),
        again: () => stage.request(ALICE, "POST", `/fmsg/${id}/send`),
        delete: () => stage.request(ALICE, "DELETE", `/fmsg/${id}`),
        replace: () =>
          stage.request(ALICE, "PUT", `/fmsg/${id}`, { json: draftOf(ALICE, { data: "second" }) }),
        attach: () => stage.upload(ALICE, id, "b.txt", "late"),
        detach: () => stage.request(ALICE, "DELETE", `/fmsg/${id}/attach/a.txt`),
        add: () =>
          stage.request(ALICE, "POST", `/fmsg/${id}/add-to`, { json: { add_to: [CAROL] } }),
      };
      const answers = await Promise.all(names.map(async (name) => ({
        name,
        answer: await requests[name](),
      })));
      const done = (...wanted: string[]) =>
        answers.filter(({ name, answer }) => wanted.includes(name) && answer.status < 300).length;
      for (const { name, answer } of answers) {
        ok(answer.status < 500, `${name}: ${answer.text}`);
      }
      ok(
        done("send", "again") + done("delete") <= 1,
        JSON.stringify(answers.map((a) => [a.name, a.answer.status])),
      );
      const known = await stage.request(ALICE, "GET", `/fmsg/${id}`);
      equal(known.status, done("delete") === 1 ? 404 : 200);
      deleted += done("delete");
      if (done("send", "again") === 0) return;
      sent++;
      equal(idsOf(await stage.expect(200, BOB, "GET", "/fmsg?limit=1"))[0], id);
      const { text } = await stage.expect(200, BOB, "GET", `/fmsg/${id}/data`);
      match(text, done("replace") === 1 ? /^second$/ : /^first$/);
      const { attachments } = fieldsOf(known);
      ok(Array.isArray(attachments));
      for (const { filename } of attachments) {
        await stage.expect(200, BOB, "GET", `/fmsg/${id}/attach/${filename}`);
      }
      equal(attachments.length, 1 + done("attach") - done("detach"));
    }),
    { numRuns: 60 },
  );
  ok(deleted > 0 && sent > 0, `${deleted} deleted, ${sent} sent`);
  stage.store.audit({ drafts: stage.store.count("draft"), deleted: true });
});

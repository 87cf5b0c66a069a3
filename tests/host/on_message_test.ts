// Whoever listens in the host's process is told of messages by the commit, whoever made the change (row N8).

import assert from "node:assert/strict";
import { loadConfig } from "../../src/config.ts";
import { Host, Log } from "../../src/host/mod.ts";
import { Listeners } from "../../src/host/listeners.ts";
import { Mailbox, type MessageChange } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";

Deno.test("N8 a listener hears of a message that a command sends, once that is committed, until it listens no more", async () => {
  await using world = await World.make();
  const stopped = await world.host({ start: false });
  const [alice, bob] = [stopped.address("alice"), stopped.address("bob")];
  for (const user of [alice, bob]) await stopped.addUser(user);
  const log: string[] = [];
  const write = (text: string): unknown => log.push(text);
  const config = loadConfig(stopped.configFile);
  await using host = await Host.start(config, new Log({ level: "warn", readable: false, write }));
  using mailbox = new Mailbox(config.data_dir);
  const heard: MessageChange[] = [];
  host.onMessage(() => {
    throw new Error("a listener that throws");
  });
  const end = host.onMessage((change) => {
    assert.notEqual(mailbox.forIdentity(addressOf(bob)).message(change.message), null);
    heard.push(change);
  });
  const { id } = await stopped.send({ from: alice, to: [bob] });
  await waitFor(() => heard.length === 2, { what: "both changes are told" });
  const told = { kind: "message", message: id } as const;
  assert.deepEqual(heard, [
    { ...told, event: "new_msg", keys: [addressOf(bob).key] },
    { ...told, event: "delivered", keys: [addressOf(alice).key] },
  ]);
  await waitFor(() => log.join("").includes("a listener that throws"), { what: "that is logged" });

  end();
  await stopped.send({ from: alice, to: [bob] });
  assert.equal(heard.length, 2);
});

Deno.test("N8 a function that listens twice is told twice, and each listening ends by itself", () => {
  const listeners = new Listeners<MessageChange>((error) => assert.fail(String(error)));
  const change = { kind: "message", event: "new_msg", message: 1, keys: [] } as const;
  let heard = 0;
  const listen = (): unknown => heard++;
  const ends = [listeners.add(listen), listeners.add(listen)];
  listeners.tell(change);
  assert.equal(heard, 2);
  ends[0]?.();
  ends[0]?.();
  listeners.tell(change);
  assert.equal(heard, 3);
});

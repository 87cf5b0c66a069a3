// Notifications of a real store to a push service on loopback, with times and bounds of the test's own.

import assert from "node:assert/strict";
import { join } from "node:path";
import { Pushes, type PushesParts } from "../../../src/api/push/pushes.ts";
import type { PushTimes } from "../../../src/api/push/sending.ts";
import { type Authority, makeAuthority } from "../../../src/certificate/make.ts";
import { parseConfig } from "../../../src/config.ts";
import { Log } from "../../../src/host/mod.ts";
import { Counter } from "../../../src/host/counters.ts";
import { createResolver } from "../../../src/net/mod.ts";
import { Access, Mailbox, type NewPushSubscription } from "../../../src/store/mod.ts";
import { addressOf } from "../../support/arbitraries.ts";
import { Browser } from "../../support/push_browser.ts";
import { PushService } from "../../support/push_service.ts";
import { waitFor } from "../../support/wait.ts";
import { HERE, type Sending, sent, TestStore } from "../../store/support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CAROL = `@carol@${HERE}`;

/** What is short, so that what comes of it is soon there. */
const TIMES: Partial<PushTimes> = { againMs: [10, 10], mostAgainMs: 2000 };

/** The names of push services, all of them on this machine; and of some that are elsewhere too. */
const HOSTS = {
  "push.test": ["127.0.0.1"],
  "mixed.test": ["127.0.0.1", "192.168.1.1"],
  "private.test": ["10.0.0.1"],
  "nowhere.test": [],
  "several.test": ["127.0.0.99", "127.0.0.1"],
};

let authority: Promise<Authority> | null = null;

export class PushStage implements AsyncDisposable {
  readonly browser: Browser;
  /** Everything that was logged. */
  readonly log: string[];
  #published = 0;

  private constructor(
    readonly store: TestStore,
    readonly service: PushService,
    readonly pushes: Pushes,
    private readonly counter: Counter,
    private readonly access: Access,
    private readonly closing: AsyncDisposableStack,
    found: { readonly browser: Browser; readonly log: string[] },
  ) {
    this.browser = found.browser;
    this.log = found.log;
  }

  static async open(
    changes: Partial<Pick<PushesParts, "times" | "limits" | "egress">> = {},
  ): Promise<PushStage> {
    await using opening = new AsyncDisposableStack();
    const store = opening.use(await TestStore.open([ALICE, BOB, CAROL]));
    await store.writer.submit("ensureVapidKey", null);
    const trusted = await (authority ??= makeAuthority("Test authority"));
    const service = opening.use(await PushService.start(trusted));
    const ca = join(store.folder, "ca.pem");
    Deno.writeTextFileSync(ca, trusted.pem);
    const tls = { cert: ca, key: ca, ca };
    const config = parseConfig(JSON.stringify({ domain: HERE, tls }), "fmsg.yaml");
    const access = opening.use(new Access(store.folder));
    const mailbox = opening.use(new Mailbox(store.folder));
    const resolver = opening.use(createResolver({ hosts: HOSTS }));
    const log: string[] = [];
    const counter = new Counter(["outcome"]);
    const { times, ...others } = changes;
    const pushes = opening.use(
      new Pushes({
        config: () => config,
        log: new Log({ level: "debug", readable: false, write: (line) => log.push(line) }),
        writer: store.writer,
        access,
        mailbox: (address) => mailbox.forIdentity(address),
        resolver: () => resolver,
        counter,
        egress: () => ({ port: () => true, address: (ip) => ip.startsWith("127.") }),
        times: { ...TIMES, ...times },
        ...others,
      }),
    );
    const browser = await Browser.make();
    return new PushStage(store, service, pushes, counter, access, opening.move(), { browser, log });
  }

  /** Subscribes somebody's browser at a path of the service, or at an endpoint of any kind. */
  async subscribe(
    user: string,
    where: string,
    changes: Partial<NewPushSubscription> = {},
  ): Promise<void> {
    await this.store.writer.submit("subscribePush", {
      addressKey: addressOf(user).key,
      endpoint: where.startsWith("/") ? this.service.endpoint(where) : where,
      p256dh: this.browser.publicKey,
      auth: this.browser.auth,
      session: null,
      keyId: null,
      ownerKey: null,
      ...changes,
    });
  }

  /** Sends a message, and publishes what that changed; gives its id. */
  async send(sending: Sending): Promise<number> {
    const { id } = sent(await this.store.send(sending));
    this.publish();
    return id;
  }

  publish(): void {
    for (const change of this.store.changes.slice(this.#published)) {
      if (change.kind === "message") this.pushes.publish(change);
    }
    this.#published = this.store.changes.length;
  }

  /** Waits until so many pushes have come to this. */
  async counted(outcome: string, count: number): Promise<void> {
    await waitFor(() => this.count(outcome) >= count, { what: `${count} pushes ${outcome}` });
    assert.equal(this.count(outcome), count);
  }

  count(outcome: string): number {
    return this.counter.counts.find(({ values }) => values[0] === outcome)?.count ?? 0;
  }

  /** Where somebody's notifications go. */
  endpoints(user: string): string[] {
    return this.access.pushSubscriptions(addressOf(user).key).map(({ endpoint }) => endpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }
}

// Notifications of new messages, for browsers that subscribed to them (FMSG-003 "Web Push", row N12).

import type { MessageChange } from "../../store/mod.ts";
import { Address } from "../../wire/mod.ts";
import type { ApiContext } from "../context.ts";
import { Feed } from "../events/feed.ts";
import { messageItem } from "../message_json.ts";
import { type Egress, INTERNET } from "./egress.ts";
import { type Notification, notificationOf } from "./notification.ts";
import { PushQueue, QUEUE_LIMITS, type QueueLimits } from "./queue.ts";
import { type PushOfMessage, PushSending, type SendingParts } from "./sending.ts";

export interface PushesParts extends Omit<SendingParts, "access" | "egress"> {
  readonly access: Pick<
    ApiContext["access"],
    "pushSubscription" | "pushSubscriptions" | "vapidKey" | "user"
  >;
  readonly mailbox: ApiContext["mailbox"];
  /** Where endpoints may be; the internet unless told. */
  readonly egress?: () => Egress;
  readonly limits?: Partial<QueueLimits>;
}

/** Recipients of new messages that it is still to be looked for whether they have subscribed. */
const MOST_DUE = 4096;

interface Due {
  readonly addressKey: string;
  readonly message: number;
}

export class Pushes implements AsyncDisposable {
  readonly #parts: PushesParts;
  readonly #feed: Feed<Due>;
  readonly #queue: PushQueue<PushOfMessage>;
  #due = 0;

  constructor(parts: PushesParts) {
    this.#parts = parts;
    const { egress = () => INTERNET, limits = {}, counter } = parts;
    const sending = new PushSending({ ...parts, egress });
    this.#queue = new PushQueue({
      limits: { ...QUEUE_LIMITS, ...limits },
      push: (item, time, signal) =>
        sending.push(item, time, signal).catch((error: unknown) => {
          this.#fault(error);
          return null;
        }),
      dropped: () => counter.add(["dropped"]),
    });
    this.#feed = new Feed((due) => this.#notify(due));
  }

  /** Notifications that wait or are under way. */
  get size(): number {
    return this.#queue.size;
  }

  /** Notifies those whom a new message concerns; whoever commits is not held up by it. */
  publish({ event, message, keys }: MessageChange): void {
    if (event !== "new_msg") return;
    for (const addressKey of keys) {
      if (this.#due >= MOST_DUE) {
        this.#parts.counter.add(["dropped"]);
        continue;
      }
      this.#due++;
      this.#feed.add({ addressKey, message });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feed[Symbol.asyncDispose]();
    await this.#queue[Symbol.asyncDispose]();
  }

  #notify({ addressKey, message }: Due): void {
    this.#due--;
    try {
      const subscriptions = this.#parts.access.pushSubscriptions(addressKey);
      if (subscriptions.length === 0) return;
      const notification = this.#notification(addressKey, message);
      if (notification === null) return;
      for (const { endpoint } of subscriptions) {
        this.#queue.add({ addressKey, endpoint, notification });
      }
    } catch (error) {
      this.#fault(error);
    }
  }

  /** As this recipient sees the message; null when it sees none: it was deleted meanwhile. */
  #notification(addressKey: string, id: number): Notification | null {
    const { access, mailbox: mailboxOf } = this.#parts;
    const address = Address.parse(access.user(addressKey)?.address ?? "");
    if (address === null) return null;
    const mailbox = mailboxOf(address);
    const message = mailbox.message(id);
    if (message === null) return null;
    return notificationOf(messageItem(mailbox, message), mailbox.root(message.id));
  }

  #fault(error: unknown): void {
    this.#parts.log.error("a notification could not be made", { error: String(error) });
  }
}

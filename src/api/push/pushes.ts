// Notifications of new messages, for browsers that subscribed to them (FMSG-003 "Web Push", row N12).

import type { MessageChange, UserStatus } from "../../store/mod.ts";
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
      const user = this.#parts.access.user(addressKey);
      if (user === null) return;
      const notification = this.#notification(user, message);
      if (notification === null) return;
      // Whatever an owner is limited to, more addresses must not be a way around it.
      const ownerKey = user.registeredFor ?? addressKey;
      for (const { endpoint } of subscriptions) {
        this.#queue.add({ ownerKey, addressKey, endpoint, notification });
      }
    } catch (error) {
      this.#fault(error);
    }
  }

  /** As this recipient sees the message; null when it sees none: it was deleted meanwhile. */
  #notification(user: UserStatus, id: number): Notification | null {
    const address = Address.parse(user.address);
    if (address === null) return null;
    const mailbox = this.#parts.mailbox(address);
    const message = mailbox.message(id);
    if (message === null) return null;
    return notificationOf(messageItem(mailbox, message), mailbox.root(message.id));
  }

  #fault(error: unknown): void {
    this.#parts.log.error("a notification could not be made", { error: String(error) });
  }
}

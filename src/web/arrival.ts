// Waits until a message has arrived at those who were added to it just now.

import { effect } from "@preact/signals";
import { arrivalOf } from "./recovery_steps.ts";
import { mail } from "./state.ts";

/** Milliseconds for which the added are awaited; the host then holds the answer back until it is there (row D6). */
const AWAITED = 30_000;

/** When it is known, or nobody waits any longer: by the events that the socket brings. Throws the signal's reason. */
export function arrived(
  parent: number,
  addresses: readonly string[],
  stop: AbortSignal,
): Promise<"on its way" | "there" | "failed"> {
  return new Promise((resolve, reject) => {
    stop.throwIfAborted();
    let end = (): void => {};
    const timer = setTimeout(() => settle(() => resolve("on its way")), AWAITED);
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", cancelled);
      queueMicrotask(() => end());
      then();
    };
    const cancelled = (): void => settle(() => reject(stop.reason));
    stop.addEventListener("abort", cancelled);
    end = effect(() => {
      const item = mail.value.mailbox?.message(parent) ?? null;
      const now = item === null ? "not added" : arrivalOf(item, addresses);
      if (now === "there" || now === "failed") settle(() => resolve(now));
    });
  });
}

// What is told of a draft beside its text. Pure.

import type { Sent } from "../api/client_types.ts";
import { type DraftContent, isSame, isWorthKeeping } from "./draft_steps.ts";

export type DraftState =
  /** `local`: in this browser alone, for want of a recipient. `refused`: the host does not take it as it is. */
  | { readonly kind: "empty" | "local" | "changed" | "saving" | "saved" | "offline" | "sending" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "sent"; readonly id: number; readonly time: number };

export interface StateFacts {
  readonly content: DraftContent;
  /** Of the host's copy; null: there is none. */
  readonly id: number | null;
  /** As in DraftFacts. */
  readonly saved: DraftContent | null;
  readonly doing: "nothing" | "saving" | "sending";
  /** Of the last request. */
  readonly failure: "offline" | { readonly reason: string } | null;
  readonly sent: Sent | null;
}

export function draftState({ content, id, saved, doing, failure, sent }: StateFacts): DraftState {
  if (sent !== null) return { kind: "sent", id: sent.id, time: sent.time };
  if (doing === "sending") return { kind: "sending" };
  if (failure !== null) {
    return failure === "offline" ? { kind: failure } : { kind: "refused", ...failure };
  }
  if (saved !== null && isSame(saved, content)) return { kind: "saved" };
  if (id === null && !isWorthKeeping(content)) return { kind: "empty" };
  if (content.to.length === 0) return { kind: "local" };
  return { kind: doing === "saving" ? "saving" : "changed" };
}

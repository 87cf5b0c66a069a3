// Why a message of one of this host's users is not taken for sending.

/** A refusal with a reason from a closed list, and a sentence that tells the user what to do. */
export interface Problem {
  readonly kind: "refused";
  readonly reason: ProblemReason;
  readonly message: string;
}

export type ProblemReason =
  | "sender unknown"
  | "bad address"
  | "bad recipients"
  | "bad content"
  | "too big"
  | "over quota"
  | "message not found"
  | "not a participant"
  | "cannot be delivered"
  | "already added"
  | "already sent"
  | "changed meanwhile"
  | "still waiting"
  | "user unknown"
  | "already granted"
  | "grant not found"
  | "too many grants"
  | "user switched off"
  | "link not valid";

export function refuse(reason: ProblemReason, message: string): Problem {
  return { kind: "refused", reason, message };
}

export function isProblem(value: object): value is Problem {
  return "kind" in value && value.kind === "refused";
}

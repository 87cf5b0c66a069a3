// What is being done on the way to a certificate, for a terminal and for the log.

import { addressText } from "../../net/mod.ts";
import type { Endpoint } from "../../config.ts";

export type AcmeStep =
  | { readonly kind: "asking"; readonly directory: string }
  | { readonly kind: "account"; readonly created: boolean }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "listening"; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: "validating"; readonly name: string }
  | { readonly kind: "requested"; readonly peer: string }
  | { readonly kind: "validated"; readonly name: string }
  | { readonly kind: "issuing"; readonly name: string }
  | { readonly kind: "done"; readonly file: string; readonly expires: Date };

/** One line, without a full stop. */
export function stepText(step: AcmeStep): string {
  switch (step.kind) {
    case "asking":
      return `Asking ${new URL(step.directory).host}`;
    case "account":
      return step.created ? "Made an account there" : "Using the account there";
    case "note":
      return step.text;
    case "listening":
      return `Listening for its requests on ${step.endpoints.map(addressText).join(", ")}`;
    case "validating":
      return `It looks whether ${step.name} leads here`;
    case "requested":
      return `It asked, from ${step.peer}`;
    case "validated":
      return `It found that ${step.name} leads here`;
    case "issuing":
      return `It makes the certificate for ${step.name}`;
    case "done":
      return `The certificate is there, valid until ${step.expires.toISOString().slice(0, 10)}`;
  }
}

// The front door of Web Push.

export { egressOf } from "./egress.ts";
export { Pushes } from "./pushes.ts";

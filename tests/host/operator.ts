// A host for tests of the control socket alone: nothing goes on in it.
import type { Operator } from "../../src/host/control.ts";

export const OPERATOR: Operator = {
  status: () => Promise.reject(new Error("There is nothing to tell")),
  bans: () => [],
  ban: (ip) => `${ip} cannot be banned`,
  lift: () => false,
};

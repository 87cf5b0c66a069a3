// What an import of users has to change, so that those who are here are as the file has them. No I/O.

import {
  type ImportedUser,
  LIMIT_NAMES,
  type LimitChanges,
  type LimitName,
  type UserView,
} from "../store/mod.ts";
import { Address } from "../wire/mod.ts";
import type { CsvUser } from "./user_csv.ts";

export interface Changes {
  /** What the writer has to do. */
  readonly imports: readonly ImportedUser[];
  /** Addresses, here and below. */
  readonly added: readonly string[];
  readonly changed: readonly ChangedUser[];
  /** Who is here and not in the file, and takes no messages any more. */
  readonly disabled: readonly string[];
  /** Who is here and not in the file, and stays as they are. */
  readonly absent: readonly string[];
  readonly unchanged: number;
}

export interface ChangedUser {
  readonly address: string;
  readonly changes: Readonly<Partial<Record<"address" | "name" | "accepting" | LimitName, Step>>>;
}

/** A limit is a number, null for none, or "default". */
export interface Step {
  readonly from: string | number | boolean | null;
  readonly to: string | number | boolean | null;
}

/**
 * Compares the users `here` with those of a file. With `disableAbsent` the file is the whole truth, as for fmsgid: who is
 * not in it takes no messages, and who is in it does unless the file says otherwise.
 */
export function compareUsers(
  here: readonly UserView[],
  file: readonly CsvUser[],
  disableAbsent: boolean,
): Changes {
  const rest = new Map(here.map((user) => [Address.parse(user.address)?.key ?? "", user]));
  const imports: ImportedUser[] = [];
  const added: string[] = [];
  const changed: ChangedUser[] = [];
  let unchanged = 0;
  for (const { address, ...said } of file) {
    const wanted = {
      address: address.text,
      ...(disableAbsent ? { accepting: true } : {}),
      ...said,
    };
    const user = rest.get(address.key);
    rest.delete(address.key);
    const changes = user === undefined ? {} : differences(user, wanted);
    if (user !== undefined && Object.keys(changes).length === 0) {
      unchanged++;
      continue;
    }
    imports.push(wanted);
    if (user === undefined) added.push(wanted.address);
    else changed.push({ address: wanted.address, changes });
  }
  const others = [...rest.values()];
  const disabled = disableAbsent ? others.filter(({ accepting }) => accepting) : [];
  const absent = others.filter((user) => !disabled.includes(user));
  imports.push(...disabled.map(({ address }) => ({ address, accepting: false })));
  return {
    imports,
    added,
    changed,
    disabled: disabled.map(({ address }) => address),
    absent: absent.map(({ address }) => address),
    unchanged,
  };
}

function differences(
  user: UserView,
  wanted: ImportedUser & { readonly limits: LimitChanges },
): ChangedUser["changes"] {
  const pairs: [string, Step["from"], Step["to"] | undefined][] = [
    ["address", user.address, wanted.address],
    ["name", user.name, wanted.name],
    ["accepting", user.accepting, wanted.accepting],
    ...LIMIT_NAMES.map((limit): [string, Step["from"], Step["to"] | undefined] => {
      const own = user.limits[limit];
      return [limit, own === undefined ? "default" : own, wanted.limits[limit]];
    }),
  ];
  return Object.fromEntries(
    pairs.flatMap(([name, from, to]) =>
      to === undefined || to === from ? [] : [[name, { from, to }]]
    ),
  );
}

// fmsg token: an identity token of FMSG-003, signed by the host itself.

import type { Command } from "commander";
import type { Config } from "../config.ts";
import { issuerOf } from "../api/identity/issuer.ts";
import { Access, type UserStatus } from "../store/mod.ts";
import type { Address } from "../wire/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import { command, CommandError, type CommonOptions, type Output, printResult } from "./context.ts";
import { typedLifetime } from "./expiry.ts";
import { openConfig, withWriter } from "./open.ts";
import { formatTime } from "./terminal.ts";

const DEFAULT_LIFETIME = "30d";

/** As long as a key verifies after it was replaced. */
const MAX_DAYS = 365;

interface TokenOptions extends CommonOptions {
  readonly expires?: string;
}

export function tokenCommand(output: Output): Command {
  return command(
    "token",
    "print a token with which a client is a user, on the interface for clients (api in fmsg.yaml)",
    "fmsg token @alice@example.com",
    "fmsg token @alice@example.com --expires 12h",
  )
    .argument("<address>", "the user")
    .option(
      "--expires <time>",
      `how long it is valid, or until when, up to ${MAX_DAYS} days (default: ${DEFAULT_LIFETIME})`,
    )
    .action((address: string, options: TokenOptions) => print(address, options, output));
}

async function print(text: string, options: TokenOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const lifetime = typedLifetime(options.expires ?? DEFAULT_LIFETIME, MAX_DAYS);
  const config = openConfig(options);
  await withWriter(config, (writer) => writer.submit("ensureSigningKey", null));
  using access = new Access(config.data_dir);
  const user = requireUser(access, address, config);
  const key = access.currentSigningKey();
  if (key === null) {
    throw new CommandError("The key that signs was taken away meanwhile: try again");
  }
  const { signIdentityToken } = await import("../api/identity/tokens.ts");
  const issuer = issuerOf(config);
  const { token, expires } = await signIdentityToken(key, issuer, user, lifetime);
  if (options.json !== true) {
    output.note(
      `Whoever has this token is ${shownAddress(user)} at ${issuer} until ${
        formatTime(expires)
      }; "fmsg key rotate --revoke" ends all such tokens`,
    );
    noteMissingInterface(config, output);
  }
  printResult(output, options, { token, address: user, issuer, expires }, () => token);
}

/** The user's address as the directory spells it. Throws a CommandError for those whom the interface does not let in. */
export function requireUser(access: Access, address: Address, config: Config): string {
  const user = requireKnownUser(access, address, config);
  if (user.accepting) return user.address;
  const shown = shownAddress(address.text);
  throw new CommandError(
    `${shown} takes no messages, and is not let in: "fmsg user set ${shown} --accepting=true" changes that`,
  );
}

/** What the directory says of a user, also of one who takes no messages. Throws a CommandError where it is none. */
export function requireKnownUser(access: Access, address: Address, config: Config): UserStatus {
  const user = access.user(address.key);
  if (user !== null) return user;
  const shown = shownAddress(address.text);
  throw new CommandError(
    address.domain === config.domain
      ? `${shown} is no user here; "fmsg user add ${shown}" adds it`
      : `${shown} is no address of this host, whose domain is ${config.domain}`,
  );
}

/** What is made for the interface is of no use without it. */
export function noteMissingInterface({ api }: Config, output: Output): void {
  if (api !== null) return;
  output.note(
    'This host has no interface for clients yet: "fmsg host init" asks for it, or set api.listen in fmsg.yaml',
  );
}

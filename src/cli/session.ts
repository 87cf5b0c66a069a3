// fmsg session …: the browsers that are signed in, each in a session.

import { Command } from "commander";
import { Access, type Session } from "../store/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import { browserName } from "./browser_name.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { openConfig, withMailbox, withWriter } from "./open.ts";
import { formatTime, table } from "./terminal.ts";
import { requireKnownUser } from "./token.ts";

interface RevokeOptions extends CommonOptions {
  readonly all?: string;
}

export function sessionCommand(output: Output): Command {
  const session = new Command("session").description("browsers that are signed in");
  session.addCommand(
    command(
      "list",
      "list the browsers that are signed in, the last used first",
      "fmsg session list",
      "fmsg session list @alice@example.com",
    )
      .argument("[address]", "the user whose they are (default: all users)")
      .action((address: string | undefined, options: CommonOptions) =>
        list(address, options, output)
      ),
  );
  session.addCommand(
    command(
      "revoke",
      "sign browsers out, at once",
      "fmsg session revoke 0123456789abcdef",
      "fmsg session revoke --all @alice@example.com",
    )
      .argument("[session-id]", 'the id of one, as "fmsg session list" shows it')
      .option("--all <address>", "all of a user; links that were not used yet work no more, too")
      .action((id: string | undefined, options: RevokeOptions) => revoke(id, options, output)),
  );
  return session;
}

async function list(
  text: string | undefined,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const address = text === undefined ? null : typedAddress(text, "ADDRESS");
  const config = openConfig(options);
  const sessions = await withMailbox(config, () => {
    using access = new Access(config.data_dir);
    if (address !== null) requireKnownUser(access, address, config);
    return access.sessions(address?.key ?? null);
  });
  if (options.json !== true && sessions.length === 0) {
    return output.note('No browser is signed in; "fmsg user link ADDRESS" makes a link for one');
  }
  printResult(output, options, sessions.map(printed), () => {
    const { style, columns, isTerminal } = output;
    const head = ["session id", "user", "browser", "last used"];
    return table(
      sessions.map(({ id, address, agent, used }) => [
        id,
        shownAddress(address),
        browserName(agent),
        formatTime(used),
      ]),
      {
        head: isTerminal ? head.map(style.dim) : [],
        columns,
        whole: [0, head.length - 1],
      },
    );
  });
}

async function revoke(
  id: string | undefined,
  options: RevokeOptions,
  output: Output,
): Promise<void> {
  const { all } = options;
  if (id !== undefined && all === undefined) return await revokeOne(id, options, output);
  if (id === undefined && all !== undefined) return await revokeAll(all, options, output);
  throw new UsageError(
    'Say what to end: the id of one session, as "fmsg session list" shows it, or --all ADDRESS',
  );
}

async function revokeOne(id: string, options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const session = await withWriter(config, async (writer) => {
    using access = new Access(config.data_dir);
    const found = access.session(id);
    if (found === null) return null;
    return await writer.submit("endSession", { id, addressKey: null }) ? found : null;
  });
  // Whoever gives a whole cookie in place of its id must not see it again, in a log perhaps.
  if (session === null) {
    throw new CommandError('There is no session of that id; "fmsg session list" shows the ids');
  }
  printResult(
    output,
    options,
    printed(session),
    () => `${browserName(session.agent)} of ${shownAddress(session.address)} is signed out`,
  );
}

async function revokeAll(text: string, options: CommonOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "--all");
  const config = openConfig(options);
  const { user, ended } = await withWriter(config, async (writer) => {
    using access = new Access(config.data_dir);
    const user = requireKnownUser(access, address, config).address;
    return { user, ended: await writer.submit("endSessions", { addressKey: address.key }) };
  });
  printResult(output, options, { address: user, ended }, () => {
    const what = ended === 0
      ? "No browser was signed in"
      : `${ended} browser${ended === 1 ? " is" : "s are"} signed out`;
    return `${what} as ${shownAddress(user)}; links that were not used yet work no more`;
  });
}

/** As JSON has it. */
function printed({ id, address, agent, created, used, expires }: Session): object {
  return { id, address, agent, created, used, expires };
}

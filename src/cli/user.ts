// fmsg user …: the directory of this host's users.

import { Command } from "commander";
import { type Config, parseSize } from "../config.ts";
import type { Address } from "../wire/mod.ts";
import {
  LIMIT_NAMES,
  type LimitChanges,
  type LimitName,
  type Mailbox,
  type UserView,
} from "../store/mod.ts";
import { shownAddress, shownDomain, typedAddress } from "./addresses.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { openConfig, withMailbox, withWriter } from "./open.ts";
import { formatSize, safe, table } from "./terminal.ts";
import { MAX_NAME } from "./user_csv.ts";
import { exportCommand } from "./user_export.ts";
import { importCommand } from "./user_import.ts";
import { linkCommand } from "./user_link.ts";

/** Commander gives limits under their flags' names in camel case. */
interface UserOptions extends CommonOptions, Readonly<Record<string, unknown>> {
  readonly name?: string;
  readonly accepting?: string;
}

export function userCommand(output: Output): Command {
  const user = new Command("user").description("the users of this host");
  user.addCommand(
    withProperties(command(
      "add",
      "add a user",
      "fmsg user add @alice@example.com --name Alice --max-messages 10000 --max-bytes 1GiB",
    )).action((address: string, options: UserOptions) => add(address, options, output)),
  );
  user.addCommand(
    command("list", "list all users", "fmsg user list --json")
      .action((options: CommonOptions) => list(options, output)),
  );
  user.addCommand(
    command(
      "show",
      "show a user, with limits and what is used of them",
      "fmsg user show @alice@example.com",
    )
      .argument("<address>", "the user")
      .action((address: string, options: CommonOptions) => show(address, options, output)),
  );
  user.addCommand(
    withProperties(command(
      "set",
      "change what is given of a user",
      "fmsg user set @alice@example.com --accepting=false",
      "fmsg user set @alice@example.com --max-bytes none",
    )).action((address: string, options: UserOptions) => set(address, options, output)),
  );
  user.addCommand(
    command(
      "remove",
      "remove a user; their messages stay, and are theirs again if the user is added again",
      "fmsg user remove @alice@example.com",
    )
      .argument("<address>", "the user")
      .action((address: string, options: CommonOptions) => remove(address, options, output)),
  );
  user.addCommand(linkCommand(output));
  user.addCommand(importCommand(output));
  user.addCommand(exportCommand(output));
  return user;
}

function withProperties(command: Command): Command {
  command
    .argument("<address>", "such as @alice@example.com")
    .option("--name <name>", `a name to show, up to ${MAX_NAME} characters`)
    .option("--accepting <true|false>", "whether new messages are taken")
    .optionsGroup("Limits, as in 1000 or 10MiB, none, or default (quota in the configuration):");
  for (const name of LIMIT_NAMES) {
    command.option(`${flags(name)} ${isSize(name) ? "<size>" : "<n>"}`, WHAT[name]);
  }
  return command;
}

const WHAT: Readonly<Record<LimitName, string>> = {
  recv_messages: "messages received",
  recv_bytes: "bytes received",
  recv_bytes_per_message: "bytes of a message received",
  recv_bytes_per_day: "bytes received in 24 hours",
  recv_messages_per_day: "messages received in 24 hours",
  send_bytes: "bytes sent",
  send_bytes_per_message: "bytes of a message sent",
  send_bytes_per_day: "bytes sent in 24 hours",
  send_messages_per_day: "messages sent in 24 hours",
};

const ALIASES: Readonly<Partial<Record<LimitName, string>>> = {
  recv_messages: "--max-messages",
  recv_bytes: "--max-bytes",
};

async function add(text: string, options: UserOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const { name = "", accepting = true, limits } = properties(options);
  const config = openConfig(options);
  if (address.domain !== config.domain) throw foreign(address, config);
  const added = await withWriter(
    config,
    (writer) => writer.submit("addUser", { address: address.text, name, accepting, limits }),
  );
  if (!added) {
    throw new CommandError(
      `${shownAddress(address.text)} is a user already; "fmsg user set" changes a user`,
    );
  }
  await printUser(address, `Added ${shownAddress(address.text)}`, config, options, output);
}

async function list(options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const users = await withMailbox(config, (mailbox) => mailbox.users());
  if (options.json !== true && users.length === 0) {
    return output.note('There are no users; "fmsg user add ADDRESS" adds one');
  }
  printResult(output, options, users.map((user) => complete(user, config)), () => {
    const { style, columns } = output;
    const head = ["address", "name", "received", "sent", ""];
    return table(
      users.map(({ address, name, accepting, usage }) => [
        shownAddress(address),
        safe(name),
        `${usage.recv_messages} (${formatSize(usage.recv_bytes)})`,
        `${usage.send_messages} (${formatSize(usage.send_bytes)})`,
        accepting ? "" : style.yellow("not accepting"),
      ]),
      { head: output.isTerminal ? head.map(style.dim) : [], columns, flexible: 1 },
    );
  });
}

async function show(text: string, options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  await printUser(typedAddress(text, "ADDRESS"), null, config, options, output);
}

async function set(text: string, options: UserOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const change = properties(options);
  if (Object.keys(change).length === 1 && Object.keys(change.limits).length === 0) {
    throw new UsageError("There is nothing to change: give --accepting, --name or a limit");
  }
  const config = openConfig(options);
  const found = await withWriter(
    config,
    (writer) => writer.submit("setUser", { key: address.key, ...change }),
  );
  if (!found) throw unknown(address, config);
  await printUser(address, `Changed ${shownAddress(address.text)}`, config, options, output);
}

async function remove(text: string, options: CommonOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const config = openConfig(options);
  const found = await withWriter(
    config,
    (writer) => writer.submit("removeUser", { key: address.key }),
  );
  if (!found) throw unknown(address, config);
  printResult(
    output,
    options,
    { address: address.text },
    () => `Removed ${shownAddress(address.text)}; the messages that they received stay`,
  );
}

interface Properties {
  readonly name?: string;
  readonly accepting?: boolean;
  readonly limits: LimitChanges;
}

/** What the options say of a user. */
function properties(options: UserOptions): Properties {
  const { name, accepting } = options;
  if (name !== undefined && [...name].length > MAX_NAME) {
    throw new UsageError(`--name: ${[...name].length} characters are more than ${MAX_NAME}`);
  }
  if (accepting !== undefined && accepting !== "true" && accepting !== "false") {
    throw new UsageError(`--accepting: "${accepting}" is no answer; write true or false`);
  }
  const limits = LIMIT_NAMES.flatMap((limit) => {
    const text = options[optionName(limit)];
    return typeof text === "string" ? [[limit, parseLimit(limit, text)] as const] : [];
  });
  return {
    ...(name === undefined ? {} : { name }),
    ...(accepting === undefined ? {} : { accepting: accepting === "true" }),
    limits: Object.fromEntries(limits),
  };
}

function parseLimit(limit: LimitName, text: string): number | null | "default" {
  if (text === "none") return null;
  if (text === "default") return text;
  try {
    const amount = isSize(limit) ? parseSize(text) : /^\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(amount)) return amount;
    throw new RangeError(`"${text}" is no number; write one as in 1000`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${flags(limit)}: ${error.message}, none for no limit, or default`, {
      cause: error,
    });
  }
}

async function printUser(
  address: Address,
  title: string | null,
  config: Config,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const user = await withMailbox(config, (mailbox: Mailbox) => mailbox.user(address.key));
  if (user === null) throw unknown(address, config);
  printResult(
    output,
    options,
    complete(user, config),
    () => title ?? userText(user, config, output),
  );
}

function userText(user: UserView, config: Config, output: Output): string {
  const { address, name, accepting, limits, usage } = user;
  const used: Readonly<Record<LimitName, number | null>> = {
    recv_messages: usage.recv_messages,
    recv_bytes: usage.recv_bytes,
    recv_bytes_per_message: null,
    recv_bytes_per_day: usage.recv_bytes_day,
    recv_messages_per_day: usage.recv_messages_day,
    send_bytes: usage.send_bytes,
    send_bytes_per_message: null,
    send_bytes_per_day: usage.send_bytes_day,
    send_messages_per_day: usage.send_messages_day,
  };
  const rows = LIMIT_NAMES.map((limit) => {
    const amount = (value: number): string => isSize(limit) ? formatSize(value) : String(value);
    const own = limits[limit];
    const value = own === undefined ? config.quota[limit] : own;
    const now = used[limit];
    return [
      WHAT[limit],
      now === null ? "" : amount(now),
      `${value === null ? "no limit" : `of ${amount(value)}`}`,
      own === undefined ? output.style.dim("as configured") : flag(limit),
    ];
  });
  return [
    output.style.bold(shownAddress(address)) + (name === "" ? "" : `  ${safe(name)}`),
    accepting ? "takes new messages" : output.style.yellow("takes no new messages"),
    `has sent ${usage.send_messages} message${usage.send_messages === 1 ? "" : "s"}`,
    table(rows, { head: [], columns: output.columns, align: ["left", "right"] }),
  ].join("\n");
}

/** A user with every limit that holds, whether set for the user or for all. */
function complete(user: UserView, config: Config): UserView {
  return { ...user, limits: { ...config.quota, ...user.limits } };
}

function foreign(address: Address, config: Config): CommandError {
  return new CommandError(
    `${shownAddress(address.text)} is no address of this host: it has to end in @${
      shownDomain(config.domain)
    }`,
  );
}

function unknown(address: Address, config: Config): CommandError {
  if (address.domain !== config.domain) return foreign(address, config);
  return new CommandError(
    `${shownAddress(address.text)} is no user here; "fmsg user list" shows who is`,
  );
}

function isSize(limit: LimitName): boolean {
  return limit.includes("bytes");
}

function flag(limit: LimitName): string {
  return `--${limit.replaceAll("_", "-")}`;
}

/** All flags of a limit. */
function flags(limit: LimitName): string {
  return [ALIASES[limit] ?? [], flag(limit)].flat().join(", ");
}

function optionName(limit: LimitName): string {
  return limit.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

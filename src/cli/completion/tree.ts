// What can be completed, read off the commands themselves: so that no command needs a second description.

import type { Argument, Command, Option } from "commander";
import { TOPIC_NAMES } from "../topics.ts";

export interface CommandTree {
  /** The words that lead to it: `fmsg user add`. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionTree[];
  readonly arguments: readonly ArgumentTree[];
  readonly commands: readonly CommandTree[];
}

export interface OptionTree {
  /** As typed: `--name`, `-o`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Null for an option that stands alone. */
  readonly value: Value | null;
  readonly valueName: string;
  /** The option may stand without its value. */
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

export interface ArgumentTree {
  readonly name: string;
  readonly value: Value;
  readonly isVariadic: boolean;
}

/** What stands at a place. */
export type Value =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" }
  | { readonly kind: "folder" }
  /** The address of a user here. */
  | { readonly kind: "address" }
  /** Several of them, separated by commas. */
  | { readonly kind: "addresses" }
  /** The id of an API key. */
  | { readonly kind: "key" }
  /** The id of a session. */
  | { readonly kind: "session" }
  /** A command's words, or one of these, behind `help`. */
  | { readonly kind: "command"; readonly topics: readonly string[] }
  | { readonly kind: "anything" };

/** The command with all that are below it, as its help shows them. */
export function treeOf(command: Command, above = ""): CommandTree {
  const path = `${above} ${command.name()}`.trim();
  const help = command.createHelp();
  return {
    path,
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map((option) => optionTree(option, path)),
    arguments: command.registeredArguments.map((argument) => argumentTree(argument, path)),
    commands: help.visibleCommands(command).map((below) => treeOf(below, path)),
  };
}

/** The command and all below it, parents first. */
export function everyCommand(tree: CommandTree): CommandTree[] {
  return [tree, ...tree.commands.flatMap(everyCommand)];
}

/** Addresses that are of nobody here: a new user's, and one of e-mail. */
const OTHER_ADDRESSES: ReadonlySet<string> = new Set([
  "fmsg user add address",
  "fmsg host init --email",
]);

function optionTree(option: Option, path: string): OptionTree {
  const [, valueName = ""] = /[<[]([^\]>]+)[\]>]/.exec(option.flags) ?? [];
  return {
    flags: [option.short ?? [], option.long ?? []].flat(),
    description: option.description,
    value: valueName === "" ? null : valueOf(
      OTHER_ADDRESSES.has(`${path} ${option.long}`) ? "other" : valueName,
      option.argChoices,
    ),
    valueName,
    isOptional: option.optional,
    // Of what gathers values there may be several.
    isRepeated: option.variadic || option.parseArg !== undefined,
  };
}

function argumentTree(argument: Argument, path: string): ArgumentTree {
  const name = argument.name();
  return {
    name,
    value: valueOf(
      OTHER_ADDRESSES.has(`${path} ${name}`) ? "other" : name,
      argument.argChoices,
    ),
    isVariadic: argument.variadic,
  };
}

/** Text in single quotes, as all three shells read it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What the name of a value in the help says of it. */
function valueOf(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: "words", words: choices };
  if (name.includes("|")) return { kind: "words", words: name.split("|") };
  switch (name) {
    case "file":
      return { kind: "file" };
    case "folder":
      return { kind: "folder" };
    case "address":
      return { kind: "address" };
    case "addresses":
      return { kind: "addresses" };
    case "key-id":
      return { kind: "key" };
    case "session-id":
      return { kind: "session" };
    case "topic":
      return { kind: "command", topics: TOPIC_NAMES };
    default:
      return { kind: "anything" };
  }
}

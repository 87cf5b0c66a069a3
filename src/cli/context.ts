// What every command works with: its output, its options, and its errors.

import { Command } from "commander";
import { harmless } from "../host/mod.ts";
import { makeStyle, type Style } from "./terminal.ts";

/** Exit status 1: the command was understood and failed. The message says what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Exit status 2: the command was used wrongly. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Nobody reads stdout any more, as after `| head`: no reason to complain, but one to end. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** The terminal, or what stands in for it. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal; Infinity where there is none. */
  readonly columns: number;
  readonly style: Style;
  /** Prints lines on stdout. */
  print(text: string): void;
  /** Prints bytes on stdout as they are. */
  write(bytes: Uint8Array): Promise<void>;
  /** Prints lines on stderr: progress and hints that are no result. */
  note(text: string): void;
}

export function standardOutput(): Output {
  const isTerminal = Deno.stdout.isTerminal();
  return {
    isTerminal,
    columns: isTerminal ? columnsOfTerminal() : Infinity,
    style: makeStyle({ isTerminal, env: Deno.env.toObject() }),
    print: (text) => writeAll(Deno.stdout, new TextEncoder().encode(text + "\n")),
    write: (bytes) => Promise.try(() => writeAll(Deno.stdout, bytes)),
    note: (text) => {
      try {
        writeAll(Deno.stderr, new TextEncoder().encode(text + "\n"));
      } catch (error) {
        // A hint that nobody reads must not end what the command is doing.
        if (!(error instanceof OutputClosed)) throw error;
      }
    },
  };
}

/** Options that every command has. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** A command with the options that every command has, and lines for its help that show how it is used. */
export function command(
  name: string,
  description: string,
  ...examples: readonly string[]
): Command {
  return withExamples(withCommonOptions(new Command(name).description(description)), ...examples);
}

export function withCommonOptions(command: Command): Command {
  if (command.options.some(({ long }) => long === "--config")) return command;
  return command
    .option(
      "--config <file>",
      "the configuration (default: $FMSG_CONFIG, ./fmsg.yaml, /etc/fmsg/fmsg.yaml)",
    )
    .option("--json", "print one JSON value");
}

/** Adds examples to the end of a command's help. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  if (examples.length === 0) return command;
  const title = examples.length === 1 ? "Example:" : "Examples:";
  return command.addHelpText(
    "after",
    ["", title, ...examples.map((line) => `  ${line}`)].join("\n"),
  );
}

/** Prints a result: as one JSON value where that was asked for, else in words. */
export function printResult(
  output: Output,
  options: CommonOptions,
  value: unknown,
  inWords: () => string,
): void {
  output.print(options.json === true ? harmless(JSON.stringify(value)) : inWords());
}

function columnsOfTerminal(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(to.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    throw new OutputClosed("Nobody reads the output any more", { cause: error });
  }
}

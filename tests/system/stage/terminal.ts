// A person at a terminal: 80 columns and 24 lines, keys, and eyes that wait for something to appear.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { sleep, waitFor } from "../../support/wait.ts";
import type { Place } from "./place.ts";

/** How long a person waits for something, in milliseconds. */
const PATIENCE = 60_000;

export interface TerminalChoices {
  readonly place: Place;
  /** What the shell shows when it waits, at the beginning of a line. */
  readonly prompt: string;
  /** Where the shell begins. */
  readonly home: string;
  /** Where the terminal's own files are kept. */
  readonly folder: string;
  /** The command that is the shell; default: bash, which alone tells the status of commands. */
  readonly shell?: readonly string[];
  /** What the shell finds in its environment, beside what everybody has there. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One command as it was typed, and what came of it. */
export interface Typed {
  readonly command: string;
  /** What the terminal showed, from the command to the next prompt, in lines of 80 columns. */
  readonly screen: string;
  /** The same in the lines as they were written, however long. */
  readonly text: string;
  /** The exit status. */
  readonly status: number;
}

export class Terminal implements AsyncDisposable {
  /** Everything that was typed so far. */
  readonly typed: Typed[] = [];
  private readonly place: Place;
  private readonly prompt: string;
  private readonly socket: string;
  private readonly statusFile: string;
  private isClosed = false;

  private constructor({ place, prompt, folder }: TerminalChoices) {
    this.place = place;
    this.prompt = prompt.trimEnd();
    this.socket = join(folder, "tmux");
    this.statusFile = join(folder, "status");
  }

  static async open(choices: TerminalChoices): Promise<Terminal> {
    const { home, shell = ["bash"], env = {} } = choices;
    const terminal = new Terminal(choices);
    // By env, since tmux has a TERM of its own.
    const vars = { PROMPT_COMMAND: `echo $? >${terminal.statusFile}`, ...env };
    await terminal.tmux(
      ...["start-server", ";", "set-option", "-g", "history-limit", "20000", ";"],
      ...["new-session", "-d", "-x", "80", "-y", "24", "-c", home],
      ...["env", ...Object.entries(vars).map(([name, value]) => `${name}=${value}`), ...shell],
    );
    await terminal.tmux("set-option", "status", "off");
    return terminal;
  }

  /** Types a command and waits until the prompt is back. */
  async run(command: string, { ms = PATIENCE } = {}): Promise<Typed> {
    await this.begin(command);
    return await this.end(command, ms);
  }

  /** Types a command that will ask something. */
  async begin(command: string): Promise<void> {
    await this.clear();
    await this.type(command);
    await this.place.run("rm", "-f", this.statusFile);
    await this.press("Enter");
  }

  /** Waits until the command that was begun is over. */
  async end(command: string, ms = PATIENCE): Promise<Typed> {
    await this.until(
      `the end of ${command}`,
      (lines) => lines.at(-1) === this.prompt && existsSync(this.place.path(this.statusFile)),
      ms,
    );
    const withoutPrompt = (text: string): string => text.split("\n").slice(0, -1).join("\n");
    const typed = {
      command,
      screen: withoutPrompt(await this.capture()),
      text: withoutPrompt(await this.capture("-J")),
      status: Number(this.place.read(this.statusFile)),
    };
    this.typed.push(typed);
    return typed;
  }

  /** Waits for a question, types the answer, if that is not what is offered, and presses Enter. */
  async answer(question: string, text = ""): Promise<void> {
    await this.see(question);
    if (text !== "") await this.type(text);
    await this.press("Enter");
  }

  /** Types text, as a person does who sees it appear. */
  async type(text: string): Promise<void> {
    await this.tmux("send-keys", "-l", "--", text);
    const end = withoutSpaces(text).slice(-20);
    await this.until(
      `the text ${text}`,
      (lines) => withoutSpaces(lines.slice(-24).join("")).includes(end),
    );
  }

  /** Keys, by their names in tmux. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.tmux("send-keys", ...keys);
  }

  /** Waits until something can be read, also above the screen. Gives all that there is to read, in lines as written. */
  async see(wanted: string | RegExp, ms = PATIENCE): Promise<string> {
    return await this.until(String(wanted), (lines) => {
      const text = lines.join("\n");
      return typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
    }, ms);
  }

  /** Everything that the terminal is sent from now on goes to a file too, with control sequences. */
  async recordTo(file: string): Promise<void> {
    await this.tmux("pipe-pane", `cat >${file}`);
  }

  /** The shell's process, as its place counts. */
  async shell(): Promise<number> {
    return Number(await this.tmux("display-message", "-p", "#{pane_pid}"));
  }

  /** Closes the window, and waits for the end of the shell. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const process = this.place.path(`/proc/${await this.shell()}`);
    await this.tmux("kill-server");
    await waitFor(() => !existsSync(process), { what: "the end of the shell" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What is on the screen and above it, without spaces and empty lines at the end. */
  private async capture(...flags: readonly string[]): Promise<string> {
    const text = await this.tmux("capture-pane", "-p", "-S", "-", ...flags);
    return text.split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  /** Only the prompt is left, also where the shell cannot clear a screen. */
  private async clear(): Promise<void> {
    await this.until("a prompt", (lines) => lines.at(-1) === this.prompt);
    await this.tmux("send-keys", "-R", "C-l");
    await waitFor(async () => {
      const screen = await this.tmux("capture-pane", "-p");
      return screen.trim() === this.prompt;
    }, { what: "a clear screen" });
    await this.tmux("clear-history");
  }

  private async until(
    what: string,
    isThere: (lines: readonly string[]) => boolean,
    ms = PATIENCE,
  ): Promise<string> {
    let text = "";
    try {
      return await waitFor(async () => {
        text = await this.capture("-J");
        if (isThere(text.split("\n"))) return text;
        // Each look is a process.
        await sleep(50);
        return null;
      }, { ms, what });
    } catch (cause) {
      throw new Error(`${this.place.name}: waited ${ms} ms for ${what}; seen was:\n${text}`, {
        cause,
      });
    }
  }

  private tmux(...args: readonly string[]): Promise<string> {
    return this.place.run("tmux", "-u", "-S", this.socket, "-f", "/dev/null", ...args);
  }
}

/** A shell that breaks its lines itself does so where it likes. */
function withoutSpaces(text: string): string {
  return text.replaceAll(/\s/g, "");
}

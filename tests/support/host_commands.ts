// The program's commands, run as a person would run them.

import { join } from "node:path";
import * as v from "valibot";
import { PERMISSIONS } from "../../scripts/compile/flags.ts";
import type { Output } from "../../src/cli/context.ts";
import { runCommandLine } from "../../src/cli/main.ts";
import { makeStyle } from "../../src/cli/terminal.ts";
import { typeOfBody } from "../../src/host/file_type.ts";
import {
  ADDED,
  type AddedView,
  QUEUED,
  type QueuedView,
  SENT,
  type SentView,
  SHOWN,
  type ShownView,
  TOKEN,
  USER,
  type UserView,
  view,
} from "./host_views.ts";
import { within } from "./wait.ts";

/** The program from this checkout, with the permissions of the executable: what works here works there. */
export const PROGRAM: readonly string[] = [
  "run",
  ...PERMISSIONS,
  join(import.meta.dirname ?? ".", "..", "..", "main.ts"),
];

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SendChoices {
  readonly from: string;
  readonly to: readonly string[];
  readonly topic?: string;
  /** The id of the message to answer. */
  readonly replyTo?: number;
  /** Default: "Hello". */
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly attach?: readonly { readonly filename: string; readonly body: string | Uint8Array }[];
  readonly important?: boolean;
  readonly noReply?: boolean;
  /** Waits for the delivery, so many seconds or (true) as long as the program does. */
  readonly wait?: boolean | number;
}

/** A user's address, or with what stands behind it on the command line: `["@a@b.test", "--max-messages", "1"]`. */
export type NewUser = string | readonly [address: string, ...flags: string[]];

export class HostCommands {
  readonly folder: string;
  readonly configFile: string;
  #attached = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.configFile = join(folder, "fmsg.yaml");
  }

  /** Runs `fmsg ...args` with this host's configuration. About 0.3 s. */
  async cli(
    args: readonly string[],
    { stdin = "", env = {} }: {
      stdin?: string | Uint8Array;
      env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Ran> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...PROGRAM, ...args],
      env: { NO_COLOR: "1", FMSG_CONFIG: this.configFile, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    try {
      await feed(child.stdin, stdin);
      const { code, stdout, stderr } = await within(COMMAND_MS, `fmsg ${args.join(" ")}`, output);
      return { code, stdout: text(stdout), stderr: text(stderr) };
    } catch (error) {
      child.kill("SIGKILL");
      await output;
      throw error;
    }
  }

  /**
   * What the command prints with --json; throws what it says when it fails. In this process, since a process of its own
   * takes longer to start than most of what tests look at: where that is the subject, `cli` is for it.
   */
  async json(args: readonly string[]): Promise<unknown> {
    const output = new CapturedOutput();
    const line = ["--config", this.configFile, "--json", ...args];
    const what = `fmsg ${args.join(" ")}`;
    const code = await within(COMMAND_MS, what, runCommandLine(line, output));
    if (code !== 0) throw new Error(`${what} ended with ${code}: ${output.notes.trim()}`);
    const printed: unknown = JSON.parse(output.printed);
    return printed;
  }

  async addUser(user: NewUser): Promise<void> {
    await this.json(["user", "add", ...typeof user === "string" ? [user] : user]);
  }

  /** Those with nothing but an address in one command, the others as many at once as there are processors. */
  async addUsers(users: readonly NewUser[]): Promise<void> {
    const plain = users.filter((user) => typeof user === "string");
    const left = plain.length > 1 ? users.filter((user) => typeof user !== "string") : [...users];
    if (plain.length > 1) await this.#importUsers(plain);
    const worker = async (): Promise<void> => {
      for (let user = left.shift(); user !== undefined; user = left.shift()) {
        await this.addUser(user);
      }
    };
    await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, worker));
  }

  async #importUsers(addresses: readonly string[]): Promise<void> {
    const file = await this.#file("users.csv", ["address", ...addresses].join("\n"));
    await this.json(["user", "import", file]);
  }

  /** An identity token, signed by the host itself; further arguments such as `--expires`. About 0.4 s. */
  async token(address: string, ...flags: readonly string[]): Promise<string> {
    return view(TOKEN, await this.json(["token", address, ...flags])).token;
  }

  async user(address: string): Promise<UserView> {
    return view(USER, await this.json(["user", "show", address]));
  }

  /** Flags such as `--accepting=false`. */
  async setUser(address: string, ...flags: readonly string[]): Promise<void> {
    await this.json(["user", "set", address, ...flags]);
  }

  async send(choices: SendChoices): Promise<SentView> {
    const { body = "Hello", type } = choices;
    const args = (await this.sendArguments(choices)).slice(0, -1);
    if (typeof body === "string") return view(SENT, await this.json([...args, "--", body]));
    const typed = type === undefined ? ["--type", typeOfBody(body)] : [];
    const file = await this.#file("body", body);
    return view(SENT, await this.json([...args, ...typed, "--file", file]));
  }

  /** For a `send` that is to fail: `cli(await sendArguments(…), {stdin: body})`. */
  async sendArguments(choices: SendChoices): Promise<string[]> {
    const { from, to, topic, replyTo, type, attach = [], important, noReply, wait } = choices;
    const files = await Promise.all(attach.map(({ filename, body }) => this.#file(filename, body)));
    return [
      "send",
      ...["--from", from, "--to", to.join(",")],
      ...topic === undefined ? [] : [`--topic=${topic}`],
      ...replyTo === undefined ? [] : ["--reply-to", String(replyTo)],
      ...type === undefined ? [] : ["--type", type],
      ...files.flatMap((file) => ["--attach", file]),
      ...important === true ? ["--important"] : [],
      ...noReply === true ? ["--no-reply"] : [],
      ...wait === undefined || wait === false ? [] : [wait === true ? "--wait" : `--wait=${wait}`],
      "-",
    ];
  }

  async addTo(id: number, from: string, ...addresses: readonly string[]): Promise<AddedView> {
    return view(ADDED, await this.json(["add-to", String(id), "--from", from, ...addresses]));
  }

  async show(id: number): Promise<ShownView> {
    return view(SHOWN, await this.json(["show", String(id)]));
  }

  /** All messages of a user, newest first: received, or sent. */
  async list(address: string, { sent = false } = {}): Promise<ShownView[]> {
    const args = ["list", address, "--limit", "1000", ...sent ? ["--sent"] : []];
    return view(v.array(SHOWN), await this.json(args));
  }

  async queue(): Promise<QueuedView[]> {
    return view(v.array(QUEUED), await this.json(["queue", "list"]));
  }

  /** The content of a message: its data, or an attachment. */
  async save(id: number, filename?: string): Promise<Uint8Array> {
    const file = join(this.folder, `saved-${++this.#attached}`);
    await this.json(
      ["save", String(id), ...filename === undefined ? ["--body"] : [filename], "-o", file],
    );
    return await Deno.readFile(file);
  }

  async #file(filename: string, body: string | Uint8Array): Promise<string> {
    const folder = join(this.folder, `attached-${++this.#attached}`);
    await Deno.mkdir(folder);
    const file = join(folder, filename);
    await Deno.writeFile(file, bytes(body));
    return file;
  }
}

const COMMAND_MS = 90_000;

/** Standard output and standard error of a command in this process. */
class CapturedOutput implements Output {
  readonly isTerminal = false;
  readonly columns = Infinity;
  readonly style = makeStyle({ isTerminal: false, env: {} });
  printed = "";
  notes = "";

  print(line: string): void {
    this.printed += `${line}\n`;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.printed += text(bytes);
    return Promise.resolve();
  }

  note(line: string): void {
    this.notes += `${line}\n`;
  }
}

async function feed(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  body: string | Uint8Array,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(bytes(body));
    await writer.close();
  } catch (error) {
    // A command that does not read its input may have ended before.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function bytes(body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(typeof body === "string" ? new TextEncoder().encode(body) : body);
}

function text(output: Uint8Array): string {
  return new TextDecoder().decode(output);
}

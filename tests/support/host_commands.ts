// The program's commands, run as a person would run them.

import { join } from "node:path";
import * as v from "valibot";
import { PERMISSIONS } from "../../scripts/compile/flags.ts";
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

  /** What the command prints with --json; throws what it says when it fails. */
  async json(
    args: readonly string[],
    options: Parameters<HostCommands["cli"]>[1] = {},
  ): Promise<unknown> {
    const [name = "", ...rest] = args;
    // Before the arguments of its own, which may end with "--" and a text.
    const { code, stdout, stderr } = await this.cli([name, ...rest, "--json"], options);
    if (code !== 0) throw new Error(`fmsg ${args.join(" ")} ended with ${code}: ${stderr.trim()}`);
    const printed: unknown = JSON.parse(stdout);
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
    const csv = ["address", ...addresses].join("\n");
    const { code, stderr } = await this.cli(["user", "import", "-"], { stdin: csv });
    if (code !== 0) throw new Error(`fmsg user import ended with ${code}: ${stderr.trim()}`);
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
    const { body = "Hello" } = choices;
    return view(SENT, await this.json(await this.sendArguments(choices), { stdin: body }));
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
    const { code, stderr } = await this.cli(
      ["save", String(id), ...filename === undefined ? ["--body"] : [filename], "-o", file],
    );
    if (code !== 0) throw new Error(`fmsg save ended with ${code}: ${stderr.trim()}`);
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

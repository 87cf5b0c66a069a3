// A host under test: the real program in a process of its own, its configuration, and its log.

import { statSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { issuerOf } from "../../src/api/identity/issuer.ts";
import { signIdentityToken } from "../../src/api/identity/tokens.ts";
import { loadConfig } from "../../src/config.ts";
import { Access } from "../../src/store/mod.ts";
import { Address } from "../../src/wire/mod.ts";
import type { Authority, Issued } from "../../src/certificate/make.ts";
import { ApiClient } from "./api_client.ts";
import { HostCommands, PROGRAM } from "./host_commands.ts";
import type { Target } from "./peer_send.ts";
import { waitFor, within } from "./wait.ts";

/** How long tokens of tests are good. */
const TOKEN_SECONDS = 3600;

/** A part of fmsg.yaml. */
export type Section = Readonly<Record<string, unknown>>;

export interface HostProcessOptions {
  readonly folder: string;
  readonly domain: string;
  readonly ip: string;
  readonly port: number;
  readonly authority: Authority;
}

/** A line of the log; what is no JSON has only a `msg`. */
export type LogLine = Readonly<Record<string, unknown>>;

export class HostProcess extends HostCommands implements Target, AsyncDisposable {
  readonly domain: string;
  readonly ip: string;
  readonly port: number;
  readonly #log: LogFile;
  readonly #authority: Authority;
  #config: Section;
  #run: Run | null = null;
  readonly #tokens = new Map<string, Promise<string>>();

  private constructor(options: HostProcessOptions) {
    super(options.folder);
    this.domain = options.domain;
    this.ip = options.ip;
    this.port = options.port;
    this.#log = new LogFile(join(options.folder, "host.log"));
    this.#authority = options.authority;
    this.#config = {
      domain: options.domain,
      data_dir: join(options.folder, "data"),
      listen: [
        isIP(options.ip) === 6
          ? `[${options.ip}]:${options.port}`
          : `${options.ip}:${options.port}`,
      ],
    };
  }

  /** Writes the host's configuration and certificate; `start` is another matter. */
  static async make(options: HostProcessOptions): Promise<HostProcess> {
    const host = new HostProcess(options);
    await Deno.mkdir(join(options.folder, "data"), { recursive: true });
    await Deno.writeTextFile(join(options.folder, "ca.pem"), options.authority.pem);
    await host.renewCertificate();
    await host.configure({
      tls: {
        cert: join(options.folder, "cert.pem"),
        key: join(options.folder, "key.pem"),
        ca: join(options.folder, "ca.pem"),
      },
    });
    return host;
  }

  /** `@user@domain` */
  address(user: string): string {
    return `@${user}@${this.domain}`;
  }

  /** The host's interface, with no token; it is there where the world was asked for it (`api: true`). */
  get api(): ApiClient {
    return new ApiClient(`http://${this.apiAddress}`);
  }

  /** Where the interface listens. */
  get apiAddress(): string {
    return `${isIP(this.ip) === 6 ? `[${this.ip}]` : this.ip}:${API_PORT}`;
  }

  /** The interface with a token for a user, by name or address. */
  async client(user: string): Promise<ApiClient> {
    const address = user.startsWith("@") ? user : this.address(user);
    let token = this.#tokens.get(address);
    if (token === undefined) this.#tokens.set(address, token = this.#signToken(address));
    return this.api.with(await token);
  }

  /** What `fmsg token` prints for a user, without a process for each. */
  async #signToken(address: string): Promise<string> {
    using access = new Access(this.dataDir);
    const key = access.currentSigningKey();
    const user = access.user(Address.parse(address)?.key ?? "");
    if (key === null || user === null) return await this.token(address);
    const issuer = issuerOf(loadConfig(this.configFile));
    return (await signIdentityToken(key, issuer, user.address, TOKEN_SECONDS)).token;
  }

  /** Everything that was logged, by all runs. */
  get log(): readonly LogLine[] {
    return this.#log.lines();
  }

  get dataDir(): string {
    return join(this.folder, "data");
  }

  /** The process's id; throws when it does not run. */
  get pid(): number {
    return this.#running().child.pid;
  }

  /** How many files and sockets the process has open. */
  async openFiles(): Promise<number> {
    return (await Array.fromAsync(Deno.readDir(`/proc/${this.pid}/fd`))).length;
  }

  /** Bytes of memory that are resident now. */
  async memory(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.pid}/status`);
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Merges changes into fmsg.yaml, section by section. The host sees them after `reload` or a start. */
  async configure(changes: Section): Promise<void> {
    this.#config = merge(this.#config, changes);
    await Deno.writeTextFile(this.configFile, stringify(this.#config));
  }

  /** Writes another certificate, by default a fresh one for `fmsg.<domain>`. */
  async renewCertificate(issued?: Issued): Promise<void> {
    const { cert, key } = issued ?? await this.#authority.issue(`fmsg.${this.domain}`);
    await Deno.writeTextFile(join(this.folder, "key.pem"), key);
    await Deno.writeTextFile(join(this.folder, "cert.pem"), cert);
  }

  /** Starts the process, of this checkout unless told, and waits until it listens, or says something else. */
  async start(
    { program = PROGRAM, until = /listening/ }: {
      readonly program?: readonly string[];
      readonly until?: RegExp;
    } = {},
  ): Promise<void> {
    if (this.#run !== null) throw new Error(`${this.domain} runs already`);
    const seen = this.log.length;
    const run = new Run(program, this.configFile, this.#log.path);
    this.#run = run;
    const listens = waitFor(
      () => run.over || this.log.slice(seen).some(({ msg }) => until.test(String(msg))),
      { ms: START_MS, what: `${this.domain} to say ${until}` },
    );
    await listens.catch((error: unknown) => this.#fail(error));
    if (!run.over) return;
    this.#run = null;
    throw new Error(`${this.domain} ended at its start: ${this.tail(seen)}`);
  }

  /** SIGTERM; the exit status, which is 0 unless something is wrong. */
  async stop(): Promise<number> {
    const run = this.#running();
    if (!run.over) run.child.kill("SIGTERM");
    const ended = within(STOP_MS, `${this.domain} to stop`, run.ended);
    const { code } = await ended.catch((error: unknown) => this.#fail(error));
    this.#run = null;
    return code;
  }

  /** Waits until the process has ended by itself, or after a signal of the test's; its exit status. */
  async ended(): Promise<number> {
    const ended = within(STOP_MS, `${this.domain} to end`, this.#running().ended);
    const { code } = await ended.catch((error: unknown) => this.#fail(error));
    this.#run = null;
    return code;
  }

  /** SIGKILL: as after a crash. */
  async kill(): Promise<void> {
    const run = this.#running();
    if (!run.over) run.child.kill("SIGKILL");
    await run.ended;
    this.#run = null;
  }

  /** SIGHUP: the configuration and the certificate are read again. Resolves when the log says that they were. */
  async reload(): Promise<LogLine> {
    const seen = this.log.length;
    this.#running().child.kill("SIGHUP");
    return await this.logLine(({ msg }) => /reloaded/.test(String(msg)), seen);
  }

  /** Waits for the first line of the log (from position `from` on) that `predicate` accepts. */
  async logLine(predicate: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    const found = waitFor(() => this.log.slice(from).find(predicate), {
      what: `${this.domain} to log what fulfils ${predicate.toString()}`,
    });
    return await found.catch((error: unknown) => {
      throw new Error(`${String(error)}; it logged ${this.tail(from)}`, { cause: error });
    });
  }

  /** The last lines of the log. */
  tail(from = 0): string {
    return this.log.slice(from).slice(-10).map((line) => JSON.stringify(line)).join("\n");
  }

  /** Ends the process if it runs. Throws when it had ended by itself, cannot end in order, or met what nobody foresaw. */
  async [Symbol.asyncDispose](): Promise<void> {
    const internal = this.log.find(({ terminated }) => terminated === "internal error");
    if (this.#run !== null) {
      const ended = this.#run.over;
      const code = await this.stop();
      if (ended) throw new Error(`${this.domain} had ended by itself: ${this.tail()}`);
      if (code !== 0) throw new Error(`${this.domain} stopped with ${code}: ${this.tail()}`);
    }
    if (internal !== undefined) throw new Error(`${this.domain}: ${JSON.stringify(internal)}`);
  }

  #running(): Run {
    if (this.#run === null) throw new Error(`${this.domain} does not run`);
    return this.#run;
  }

  async #fail(error: unknown): Promise<never> {
    if (this.#run !== null) await this.kill();
    throw new Error(`${String(error)}; it logged ${this.tail()}`, { cause: error });
  }
}

/** On an address that nobody else uses. */
const API_PORT = 8000;

const START_MS = 60_000;
const STOP_MS = 30_000;

/** One run of the process, from its start to its end. */
class Run {
  readonly child: Deno.ChildProcess;
  /** Resolves when the process has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  over = false;

  constructor(program: readonly string[], configFile: string, log: string) {
    this.child = new Deno.Command("sh", {
      // The shell gives its place to the program: it is the process, and gets the signals.
      args: [
        ...["-c", 'log=$1; shift; exec "$@" 2>>"$log"', "sh", log, Deno.execPath(), ...program],
        ...["host", "run", "--config", configFile],
      ],
      // Without the check for a newer runtime, which would fill its store of roots before the host does.
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.ended = this.child.status.then((status) => {
      this.over = true;
      return status;
    });
  }
}

/**
 * What a process writes to stderr: in a file, of which new lines are read when somebody asks for them. A host may serve
 * several tests, none of which may end a read that began before it.
 */
class LogFile {
  readonly path: string;
  readonly #lines: LogLine[] = [];
  /** Bytes of whole lines that were read. */
  #read = 0;

  constructor(path: string) {
    this.path = path;
  }

  lines(): readonly LogLine[] {
    const bytes = this.#unread();
    const end = bytes.lastIndexOf("\n".charCodeAt(0)) + 1;
    const text = new TextDecoder().decode(bytes.subarray(0, end));
    for (const line of text.split("\n").slice(0, -1)) this.#lines.push(logLine(line));
    this.#read += end;
    return this.#lines;
  }

  #unread(): Uint8Array {
    // Before its first start a host has no log.
    const { size } = statSync(this.path, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size === this.#read) return new Uint8Array();
    using file = Deno.openSync(this.path);
    file.seekSync(this.#read, Deno.SeekMode.Start);
    const bytes = new Uint8Array(size - this.#read);
    return bytes.subarray(0, file.readSync(bytes) ?? 0);
  }
}

function logLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value));
    }
  } catch {
    // A panic, or a warning of the runtime.
  }
  return { msg: line };
}

function merge(config: Section, changes: Section): Section {
  const merged: Record<string, unknown> = { ...config };
  for (const [key, value] of Object.entries(changes)) {
    const old = merged[key];
    merged[key] = isSection(old) && isSection(value) ? merge(old, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

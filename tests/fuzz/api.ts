// Rounds of odd requests to the interface of one running host, with honest ones and exchanges among them, and rest after each.

import { connect, type Socket } from "node:net";
import * as v from "valibot";
import { connectToHost, type HostConnection } from "../../src/host/mod.ts";
import { ApiClient } from "../support/api_client.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { PATIENCE, sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { type Answers, looseAnswers, readAnswers } from "./api_answers.ts";
import { type Operation, operationsOf } from "./api_description.ts";
import { type Scene, type Writing, writing } from "./api_generate.ts";
import { Finding } from "./fuzzer.ts";
import { generator } from "./random.ts";
import { Rest } from "./rest.ts";

/** Connections at once, and requests in a round for each of them. */
const LANES = 16;
const STEPS_PER_LANE = 25;

export interface InterfaceFuzzOptions {
  /** Step n goes by `seed` + n. */
  readonly seed: number;
  /** Asked before each round. */
  readonly goOn: (tally: InterfaceTally) => boolean;
  readonly signal?: AbortSignal;
  /** Told after each round. */
  readonly round?: (tally: InterfaceTally) => void;
}

export interface InterfaceTally {
  steps: number;
  /** How often what was written was answered with which statuses. */
  readonly outcomes: Map<string, number>;
  /** Bytes that the host held at rest after each round. */
  readonly memory: readonly number[];
}

/** Throws the first Finding. Aborting the signal ends it after a round. */
export async function fuzzInterface(options: InterfaceFuzzOptions): Promise<InterfaceTally> {
  await using stage = await InterfaceStage.set();
  const rest = await Rest.of(stage, () => stage.verify());
  const tally: InterfaceTally = { steps: 0, outcomes: new Map(), memory: rest.memory };
  while (options.signal?.aborted !== true && options.goOn(tally)) {
    const first = options.seed + tally.steps;
    try {
      await stage.playRound(first, tally);
      await rest.examine();
    } catch (error) {
      if (error instanceof Finding) throw error;
      throw new Finding(`After the round that begins with --seed ${first}: ${error}`, {
        cause: error,
      });
    }
    options.round?.(tally);
  }
  await rest.examine({ thoroughly: true });
  return tally;
}

/** Not in the description, since they are the page's own. No session is ended here: the good one has to last. */
const SESSION_ROUTES: readonly Operation[] = [
  { method: "POST", path: "/session", query: [], body: ["token"] },
  { method: "GET", path: "/session", query: [], body: null },
  { method: "DELETE", path: "/session/none", query: [], body: null },
];

/** A browser of alice's signs in. */
async function sessionCookie(host: HostProcess): Promise<string> {
  const made = await host.json(["user", "link", host.address("alice")]);
  const { link } = v.parse(v.object({ link: v.string() }), made);
  const token = link.split("#sign-in=")[1] ?? "";
  const headers = { origin: host.api.base, connection: "close" };
  const answer = await host.api.post("/session", { token }, { headers });
  const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";", 1);
  if (answer.status !== 200 || cookie === "") throw new Error(`Not signed in: ${answer.status}`);
  return cookie;
}

class InterfaceStage implements AsyncDisposable {
  readonly host: HostProcess;
  readonly control: HostConnection;
  readonly #closing: AsyncDisposableStack;
  readonly #peer: Peer;
  readonly #alice: ApiClient;
  readonly #lanes: readonly string[];
  #scene: Scene;

  private constructor(parts: {
    readonly host: HostProcess;
    readonly control: HostConnection;
    readonly closing: AsyncDisposableStack;
    readonly peer: Peer;
    readonly alice: ApiClient;
    readonly lanes: readonly string[];
    readonly scene: Scene;
  }) {
    this.host = parts.host;
    this.control = parts.control;
    this.#closing = parts.closing;
    this.#peer = parts.peer;
    this.#alice = parts.alice;
    this.#lanes = parts.lanes;
    this.#scene = parts.scene;
  }

  static async set(): Promise<InterfaceStage> {
    await using made = new AsyncDisposableStack();
    const world = made.use(await World.make());
    const host = await world.host({
      api: { rate: 100_000, uploads: LANES },
      users: ["alice", "bob"],
      limits: { max_size: 256 * 1024, idle_timeout: "5s" },
      // Some of what is sent goes to hosts that there are not.
      delivery: { window: "1s" },
    });
    const peer = await world.peer();
    const control = await connectToHost(host.dataDir);
    if (control === null) throw new Error("The host's control socket does not answer");
    made.use(control);
    const bob = await host.client("bob");
    const { base, token } = await host.client("alice");
    // Connections that are kept would count as left open.
    const alice = new ApiClient(base, token, { connection: "close" });
    const { json } = await alice.get("/fmsg/openapi.json");
    const cookie = await sessionCookie(host);
    const scene: Scene = {
      operations: [...operationsOf(json), ...SESSION_ROUTES],
      origin: base,
      cookies: [
        cookie,
        `${cookie}; ${cookie}`,
        `${cookie}; fmsg=x`,
        `x=y;${cookie.slice(0, -1)}A`,
        "fmsg=",
        `fmsg=${"0".repeat(16)}.${"A".repeat(43)}`,
        `__Host-${cookie}`,
        "fmsg".repeat(2000),
      ],
      tokens: [alice.token ?? "", bob.token ?? "", "fmsgk_a_b", "x.y.z", "", "é", "a".repeat(9000)],
      messages: [],
      drafts: [],
      from: host.address("alice"),
      to: host.address("bob"),
      agent: "fuzzer",
      filename: "file.txt",
    };
    const stage = new InterfaceStage({
      host,
      control,
      peer,
      alice,
      scene,
      closing: new AsyncDisposableStack(),
      lanes: Array.from({ length: LANES }, () => world.address()),
    });
    await stage.#serveHonestly();
    // What begins with its first use stays open from then on: the search, and the page that a checkout makes.
    await alice.get("/fmsg/search?q=hello");
    await alice.get("/");
    stage.#closing.use(made.move());
    return stage;
  }

  async playRound(seed: number, tally: InterfaceTally): Promise<void> {
    const left = Array.from({ length: LANES * STEPS_PER_LANE }, (_, n) => (seed + n) % 2 ** 31);
    let hasFailed = false;
    const work = async (lane: string): Promise<void> => {
      for (let step = left.shift(); step !== undefined && !hasFailed; step = left.shift()) {
        try {
          await this.#play(step, lane, tally);
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      }
    };
    const honest = this.#serveHonestly();
    const works = await Promise.allSettled([...this.#lanes.map(work), honest]);
    const rejected = works.find((work) => work.status === "rejected");
    if (rejected !== undefined) throw rejected.reason;
    await this.#serveHonestly();
  }

  /** What is in the store fits together, and nothing is staged. */
  async verify(): Promise<void> {
    const { code, stdout, stderr } = await this.host.cli(["host", "verify"]);
    if (code !== 0) throw new Error(`host verify: ${stdout}${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing.disposeAsync();
  }

  /** Whoever means well is served: another host, a client that reads, and one that writes. */
  async #serveHonestly(): Promise<void> {
    const letter = draft({
      from: this.#peer.address("kim"),
      to: [this.#scene.from],
      body: "Hello",
      attachments: [{ filename: this.#scene.filename, body: "An attachment" }],
    });
    const { codes, error } = await this.#peer.send(letter);
    if (codes.join() !== "64,200") throw new Error(`An honest host got ${codes} ${error ?? ""}`);
    const drafts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { from, to } = this.#scene;
      const body = { version: 1, from, to: [to], type: "text/plain", size: 2, data: "hi" };
      const made = await this.#alice.post("/fmsg", body);
      const id = idOf(made.json);
      if (id === null) throw new Error(`An honest client got ${made.status} ${made.text}`);
      drafts.push(id);
    }
    const list = await this.#alice.get("/fmsg?limit=5");
    const messages = Array.isArray(list.json) ? list.json.map(idOf).filter(isNumber) : [];
    if (messages.length === 0) throw new Error(`An honest client got ${list.status} ${list.text}`);
    this.#scene = { ...this.#scene, messages, drafts: [...drafts, 2 ** 40] };
  }

  async #play(seed: number, lane: string, tally: InterfaceTally): Promise<void> {
    const { outcomes } = tally;
    const written = writing(this.#scene, generator(seed));
    const { problem, statuses } = await this.#converse(written, lane);
    const outcome = `${written.what}: ${statuses[0] ?? "closed"}`;
    tally.steps++;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (problem === null) return;
    const sent = written.pieces.map((piece) => new TextDecoder("latin1").decode(piece)).join("");
    throw new Finding(
      `${problem}\nIt came of --seed ${seed}, ${written.what}: ${
        JSON.stringify(sent.slice(0, 4000))
      }`,
    );
  }

  async #converse(written: Writing, lane: string): Promise<Answers> {
    const { pieces, methods, then, deafMs } = written;
    const socket = connect({ host: this.host.ip, port: 8000, localAddress: lane });
    let text = "";
    let closed = false;
    socket.on("data", (chunk: Uint8Array) => text += new TextDecoder("latin1").decode(chunk));
    socket.on("end", () => closed = true).on("close", () => closed = true).on("error", () => {});
    try {
      if (deafMs > 0) socket.pause();
      for (const piece of pieces) {
        await taken(socket, piece);
        if (pieces.length > 1) await sleep(2);
      }
      if (deafMs > 0) await sleep(deafMs);
      socket.resume();
      if (then === "end") socket.end();
      if (then === "reset") {
        socket.resetAndDestroy();
        return looseAnswers(text);
      }
      const answers = (): Answers =>
        methods === null ? looseAnswers(text) : readAnswers(text, methods, closed);
      await waitFor(() => closed || answers().complete, { what: "all answers" })
        .catch((error: unknown) => {
          throw new Finding(`${error}: ${JSON.stringify(text.slice(0, 300))}\n${written.what}`);
        });
      return answers();
    } finally {
      socket.destroy();
    }
  }
}

/** Until the system has it, or the host takes nothing more. */
function taken(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, PATIENCE);
    function done(): void {
      clearTimeout(timer);
      socket.off("close", done);
      resolve();
    }
    socket.once("close", done);
    if (socket.destroyed) return done();
    socket.write(bytes, () => done());
  });
}

function idOf(value: unknown): number | null {
  return typeof value === "object" && value !== null && "id" in value &&
      typeof value.id === "number"
    ? value.id
    : null;
}

function isNumber(value: number | null): value is number {
  return value !== null;
}

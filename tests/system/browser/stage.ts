// Two running hosts of a test's world with people who have written to each other for weeks (letters.ts), for tests and
// pictures of the page. What was sent last week is of last week: the hosts' clocks follow a file (clock.ts).

import { join } from "node:path";
import { PROGRAM } from "../../support/host_commands.ts";
import type { HostProcess } from "../../support/host_process.ts";
import { waitFor } from "../../support/wait.ts";
import type { World } from "../../support/world.ts";
import { Interface } from "./interface.ts";
import { type Adding, ALICE, AWAY, HOME, type Letter, letters, SILENT, USERS } from "./letters.ts";

export interface Stage {
  readonly home: HostProcess;
  readonly away: HostProcess;
  /** Ids of the letters at the host of `home`, by their names. */
  readonly ids: ReadonlyMap<string, number>;
  /** The link to alice's inbox, as the wizard printed it. */
  readonly link: string;
}

/** Takes about 5 s. */
export async function setStage(world: World): Promise<Stage> {
  const clock = join(world.folder, "clock");
  await Deno.writeTextFile(clock, "0");
  // One after the other: they look for free addresses of the world.
  const home = await world.host({ ...CHOICES, domain: HOME });
  const away = await world.host({ ...CHOICES, domain: AWAY });
  world.dns.set(`fmsg.${SILENT}`, "A", [world.address()]);
  Deno.env.set("FMSG_TEST_CLOCK", clock);
  const [run = "run", ...rest] = PROGRAM;
  const preload = new URL("./clock.ts", import.meta.url).pathname;
  const program = [run, "--preload", preload, ...rest];
  const begun = letters();
  const link = await byWizard(home, ALICE);
  await setClock(clock, begun[0]?.ago ?? 0);
  await Promise.all([home, away].map(async (host) => {
    await host.start({ program });
    await host.addUsers(
      USERS.filter((user) => user.endsWith(`@${host.domain}`) && user !== ALICE),
    );
  }));
  const post = new Post(home, away);
  for (const letter of begun) {
    await setClock(clock, letter.ago);
    await ("addTo" in letter ? post.add(letter) : post.send(letter));
  }
  await setClock(clock, 0);
  const ids = post.ids(home);
  await readAndDraft(new Interface(home, world.authority.pem), home, begun, ids);
  return { home, away, ids, link };
}

const CHOICES = {
  api: { tls: true },
  delivery: { retry_initial: "20m", retry_max: "1h" },
  start: false,
};

/** Sets the host up for its first user, as whoever installs it does; gives the last line that is printed. */
async function byWizard(host: HostProcess, user: string): Promise<string> {
  const { code, stdout, stderr } = await host.cli(["host", "init", "--yes", "--user", user]);
  const link = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (code === 0 && link.startsWith("https://")) return link;
  throw new Error(`The wizard ended with ${code}, without a link: ${stdout} ${stderr}`);
}

async function setClock(file: string, minutes: number): Promise<void> {
  // At once: the hosts read it at any moment.
  await Deno.writeTextFile(`${file}.new`, String(minutes * 60_000));
  await Deno.rename(`${file}.new`, file);
}

/** Sends letters one after the other, each when the one before it has arrived. */
class Post {
  readonly #home: HostProcess;
  readonly #away: HostProcess;
  /** Ids by the names of letters, at each host. */
  readonly #ids = new Map<HostProcess, Map<string, number>>();

  constructor(home: HostProcess, away: HostProcess) {
    this.#home = home;
    this.#away = away;
    this.#ids.set(home, new Map()).set(away, new Map());
  }

  ids(host: HostProcess): Map<string, number> {
    return this.#ids.get(host) ?? new Map();
  }

  async send({ name, answers, ...letter }: Letter): Promise<void> {
    const host = this.#hostOf(letter.from);
    const parent = answers === undefined ? {} : { replyTo: this.#id(host, answers) };
    const { id, hash } = await host.send({ ...letter, ...parent });
    this.ids(host).set(name, id);
    await this.#arrived(host, letter.to, (other, id) => this.ids(other).set(name, id), hash);
  }

  async add({ from, addTo, people }: Adding): Promise<void> {
    const host = this.#hostOf(from);
    await host.addTo(this.#id(host, addTo), from, ...people);
    const hash = (await host.show(this.#id(host, addTo))).hash ?? "";
    await this.#arrived(host, people, () => {}, hash);
  }

  async #arrived(
    from: HostProcess,
    to: readonly string[],
    note: (host: HostProcess, id: number) => void,
    hash: string,
  ): Promise<void> {
    const other = from === this.#home ? this.#away : this.#home;
    const reader = to.find((address) => USERS.includes(address) && address.endsWith(other.domain));
    if (reader === undefined) return;
    const id = await waitFor(
      async () => (await other.list(reader)).find((message) => message.hash === hash)?.id,
      { what: `${reader} to get a letter` },
    );
    note(other, id);
  }

  #hostOf(address: string): HostProcess {
    return address.endsWith(`@${this.#home.domain}`) ? this.#home : this.#away;
  }

  #id(host: HostProcess, name: string): number {
    const id = this.ids(host).get(name);
    if (id === undefined) throw new Error(`${name} is not at ${host.domain}`);
    return id;
  }
}

/** What alice has read, and what she has begun to write. */
async function readAndDraft(
  api: Interface,
  home: HostProcess,
  all: readonly (Letter | Adding)[],
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  const { token } = await home.client(ALICE);
  for (const letter of all) {
    if ("addTo" in letter || letter.unread === true || !letter.to.includes(ALICE)) continue;
    await api.post(`/fmsg/${ids.get(letter.name)}/read`, token);
  }
  const draft = { version: 1, from: ALICE, important: false, no_reply: false };
  const text = (data: string): Record<string, unknown> => (
    { type: "text/markdown", size: new TextEncoder().encode(data).length, data }
  );
  await api.post("/fmsg", token, {
    ...draft,
    ...text("The **kitchen** is open from noon. Bring what you would like to share, and"),
    to: [`@chris@${HOME}`],
    topic: "Supper after the harvest",
  });
  await api.post("/fmsg", token, {
    ...draft,
    ...text("Wednesday is fine. Shall I bring the clamps?"),
    to: [`@dora.lindqvist@${AWAY}`],
    pid: ids.get("boat-here"),
    topic: "",
  });
}

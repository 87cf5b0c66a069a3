// fmsg key …: API keys, with which clients act as a user, and the key that the host signs tokens with.

import { Command } from "commander";
import { parseCidr } from "../config.ts";
import { issuerOf } from "../api/identity/issuer.ts";
import { makeApiKey } from "../api/identity/keys.ts";
import { ANYWHERE } from "../api/identity/ranges.ts";
import { siteOf } from "../api/session/link.ts";
import { isProblem } from "../protocol/mod.ts";
import { Access, type Grant, isAgentName, MAX_CIDRS } from "../store/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { typedLifetime } from "./expiry.ts";
import { openConfig, withMailbox, withWriter } from "./open.ts";
import { formatTime, safe, table } from "./terminal.ts";
import { noteMissingInterface, requireUser } from "./token.ts";

const DEFAULT_AGENT = "cli";
const DEFAULT_LIFETIME = "90d";
const MAX_DAYS = 3650;

interface CreateOptions extends CommonOptions {
  readonly agent?: string;
  readonly for?: string;
  readonly cidr?: readonly string[];
  readonly expires?: string;
}

interface RotateOptions extends CommonOptions {
  readonly revoke?: boolean;
}

export function keyCommand(output: Output): Command {
  const key = new Command("key").description("API keys, with which clients act as a user");
  key.addCommand(
    command(
      "create",
      "make an API key, which is printed once",
      "fmsg key create @alice@example.com",
      "fmsg key create @alice@example.com --agent phone --cidr 203.0.113.0/24 --expires 30d",
    )
      .argument("<address>", "the user that a client with the key is")
      .option(
        "--agent <name>",
        `a name for the client, of letters, digits, dots and hyphens (default: ${DEFAULT_AGENT})`,
      )
      .option(
        "--cidr <ranges>",
        "addresses from which the key may be used, separated by commas; may be given several times (default: all)",
        appendList,
      )
      .option(
        "--expires <time>",
        `how long the key is valid, or until when, up to ${MAX_DAYS} days (default: ${DEFAULT_LIFETIME})`,
      )
      .option(
        "--for <address>",
        "the user who owns the key, and may act as the address (default: the user itself)",
      )
      .action((address: string, options: CreateOptions) => create(address, options, output)),
  );
  key.addCommand(
    command("list", "list all API keys, without their secrets", "fmsg key list --json")
      .action((options: CommonOptions) => list(options, output)),
  );
  key.addCommand(
    command(
      "revoke",
      "end an API key, and every token that it was exchanged for",
      "fmsg key revoke 0123456789abcdef",
    )
      .argument("<key-id>", 'its id, as "fmsg key list" shows it')
      .action((id: string, options: CommonOptions) => revoke(id, options, output)),
  );
  key.addCommand(
    command(
      "rotate",
      "sign tokens with a new key from now on (API keys stay as they are)",
      "fmsg key rotate --revoke",
    )
      .option("--revoke", "refuse every token that was signed so far")
      .action((options: RotateOptions) => rotate(options, output)),
  );
  return key;
}

async function create(text: string, options: CreateOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const owner = options.for === undefined ? address : typedAddress(options.for, "--for");
  const agent = typedAgent(options.agent ?? DEFAULT_AGENT);
  const cidrs = typedRanges(options.cidr ?? ANYWHERE);
  const lifetime = typedLifetime(options.expires ?? DEFAULT_LIFETIME, MAX_DAYS);
  const config = openConfig(options);
  const { id, text: key, hash } = makeApiKey();
  const grant = await withWriter(config, async (writer) => {
    using access = new Access(config.data_dir);
    requireUser(access, owner, config);
    const delegated = requireUser(access, address, config);
    const expires = Math.floor(Date.now() / 1000 + lifetime);
    const made = await writer.submit("createGrant", {
      ownerKey: owner.key,
      agent,
      delegated,
      cidrs,
      key: { id, hash, expires },
    });
    if (!isProblem(made)) return made;
    const there = made.reason === "already granted" ? access.grant(owner.key, agent) : null;
    throw new CommandError(there === null ? made.message : existsAlready(there));
  });
  printResult(output, options, { ...printed(grant), key }, () => {
    const rows = [
      ["key", key],
      ["acts as", shownAddress(grant.address)],
      ...(grant.owner === grant.address ? [] : [["owner", shownAddress(grant.owner)]]),
      ["agent", safe(grant.agent)],
      ["from", rangesText(grant)],
      ["expires", formatTime(grant.expires)],
    ];
    return table(rows, { head: [], columns: Infinity });
  });
  if (options.json === true) return;
  output.note(
    `The key is shown this once. A client takes it with the interface's URL, as in FMSG_API_URL=${
      siteOf(config) ?? issuerOf(config)
    } FMSG_API_KEY=<key>`,
  );
  noteMissingInterface(config, output);
}

async function list(options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const grants = await withMailbox(config, () => {
    using access = new Access(config.data_dir);
    return access.allGrants();
  });
  if (options.json !== true && grants.length === 0) {
    return output.note('There are no API keys; "fmsg key create ADDRESS" makes one');
  }
  printResult(output, options, grants.map(printed), () => {
    const { style, columns, isTerminal } = output;
    // Mostly who has a key is whom it acts as.
    const hasOwners = !isTerminal || grants.some(({ owner, address }) => owner !== address);
    const head = ["key id", "acts as", ...hasOwners ? ["owner"] : [], "agent", "from", "expires"];
    const now = Date.now() / 1000;
    return table(
      grants.map((grant) => [
        grant.keyId,
        shownAddress(grant.address),
        ...hasOwners ? [shownAddress(grant.owner)] : [],
        safe(grant.agent),
        rangesText(grant),
        grant.expires > now ? formatTime(grant.expires) : style.yellow("expired"),
      ]),
      {
        head: isTerminal ? head.map(style.dim) : [],
        columns,
        flexible: head.indexOf("from"),
        whole: [0, head.length - 1],
      },
    );
  });
}

async function revoke(id: string, options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const grant = await withWriter(config, async (writer) => {
    using access = new Access(config.data_dir);
    const found = access.grantByKeyId(id);
    if (found === null) return null;
    const ownerKey = typedAddress(found.owner, "owner").key;
    return await writer.submit("deleteGrant", { ownerKey, agent: found.agent }) ? found : null;
  });
  // Whoever gives the whole key instead of its id must not see it again, in a log perhaps.
  if (grant === null) {
    throw new CommandError('There is no API key of that id; "fmsg key list" shows the ids');
  }
  printResult(
    output,
    options,
    printed(grant),
    () =>
      `The key ${grant.keyId} of ${shownAddress(grant.address)} (${
        safe(grant.agent)
      }) is revoked, with every token that it was exchanged for`,
  );
}

async function rotate(options: RotateOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const revoked = options.revoke === true;
  const kid = await withWriter(
    config,
    (writer) => writer.submit("rotateSigningKey", { revoke: revoked }),
  );
  printResult(
    output,
    options,
    { kid, revoked },
    () =>
      `Tokens are signed with a new key from now on; ${
        revoked
          ? "every token signed before is refused, and API keys can be exchanged for new ones"
          : "those signed before stay valid until they expire"
      }`,
  );
}

/** As JSON has it. */
function printed({ keyId, agent, owner, address, type, cidrs, expires, created }: Grant): object {
  return { key_id: keyId, agent, owner, address, type, cidrs, expires, created };
}

function existsAlready({ keyId, agent, owner, address }: Grant): string {
  return `${shownAddress(owner)} has a key for the agent "${safe(agent)}" already, which acts as ${
    shownAddress(address)
  }: name another with --agent, or end that one with "fmsg key revoke ${keyId}"`;
}

function rangesText({ cidrs }: Grant): string {
  const isAnywhere = ANYWHERE.every((range) => cidrs.includes(range));
  return isAnywhere ? "anywhere" : cidrs.join(", ");
}

function typedAgent(text: string): string {
  if (isAgentName(text)) return text;
  throw new UsageError(
    `--agent: "${text}" is no name of an agent: use up to 64 letters, digits, dots and hyphens`,
  );
}

function typedRanges(texts: readonly string[]): string[] {
  if (texts.length > MAX_CIDRS) {
    throw new UsageError(`--cidr: ${texts.length} ranges are more than ${MAX_CIDRS}`);
  }
  return texts.map((text) => {
    try {
      return parseCidr(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`--cidr: ${error.message}`, { cause: error });
    }
  });
}

function appendList(value: string, values: readonly string[] = []): string[] {
  return [...values, ...value.split(",").map((one) => one.trim())];
}

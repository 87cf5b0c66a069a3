// fmsg search: what an address has, by its words.

import type { Command } from "commander";
import { QueryError, Search } from "../store/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import { command, type CommonOptions, type Output, UsageError } from "./context.ts";
import {
  amount,
  DEFAULT_LIMIT,
  messagePages,
  printJson,
  printTable,
  requireKnown,
} from "./list.ts";
import { openConfig, withMailbox } from "./open.ts";

interface SearchOptions extends CommonOptions {
  readonly for: string;
  readonly limit?: string;
  readonly offset?: string;
}

export function searchCommand(output: Output): Command {
  return command(
    "search",
    "search in the messages that an address received or sent, the newest first",
    'fmsg search "lunch friday" --for @alice@example.com',
    `fmsg search 'from:bob "at noon" -soup' --for @alice@example.com`,
  )
    .argument(
      "<query>",
      'words that are all in the topic, the text, the addresses or the file names; "words in quotes" ' +
        "are side by side, -word is not there, from: to: topic: file: say where",
    )
    .requiredOption("--for <address>", "whose messages, a user of this host")
    .option("--limit <n>", `so many at most (default: ${DEFAULT_LIMIT})`)
    .option("--offset <n>", "leave out so many of the newest")
    .action((query: string, options: SearchOptions) => search(query, options, output));
}

async function search(query: string, options: SearchOptions, output: Output): Promise<void> {
  const address = typedAddress(options.for, "--for");
  const limit = amount(options.limit, "--limit", DEFAULT_LIMIT);
  const offset = amount(options.offset, "--offset", 0);
  const config = openConfig(options);
  await withMailbox(config, (mailbox) => {
    requireKnown(mailbox, address);
    using index = new Search(config.data_dir);
    const read = (size: number, at: number) =>
      index.find(address, query, size, at).flatMap(({ id }) => mailbox.message(id) ?? []);
    const pages = messagePages(read, limit, offset);
    try {
      if (options.json === true) printJson(pages, output);
      else if (printTable(pages, false, output) === 0 && limit > 0) {
        const beyond = offset === 0 ? "" : ` beyond the newest ${offset}`;
        output.note(`Nothing that ${shownAddress(address.text)} has answers to this${beyond}`);
      }
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      throw new UsageError(error.message, { cause: error });
    }
    if (index.isIncomplete) {
      output.note("Not all older messages can be found yet: the host indexes them while it runs");
    }
  });
}

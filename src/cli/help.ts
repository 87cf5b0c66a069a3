// fmsg help TOPIC: a page of docs/, as a terminal shows it.

import type { Command } from "commander";
import type { Output } from "./context.ts";
import { renderMarkdown } from "./markdown.ts";
import { exampleText, TOPIC_NAMES, type TopicName, TOPICS, topicText } from "./topics.ts";

/** Longer lines of prose are hard to read. */
const MAX_COLUMNS = 80;

/** Lists the topics behind a command's help. */
export function withTopics(command: Command): Command {
  const longest = Math.max(...TOPIC_NAMES.map((name) => name.length));
  const lines = TOPIC_NAMES.map((name) => `  ${name.padEnd(longest)}  ${TOPICS[name]}`);
  return command.addHelpText(
    "after",
    ["", 'Topics, as in "fmsg help dns":', ...lines].join("\n"),
  );
}

export async function printTopic(name: TopicName, output: Output): Promise<void> {
  const { style } = output;
  const columns = Math.min(output.columns, MAX_COLUMNS);
  const page = renderMarkdown(await topicText(name), {
    columns,
    style,
    linkTo: (target) => {
      const topic = TOPIC_NAMES.find((one) => target === `${one}.md`);
      return topic === undefined ? target : `fmsg help ${topic}`;
    },
  });
  output.print(page);
  // The page is the guide, and the example has every key: to be copied, so as it is.
  if (name === "configuration") {
    output.print(`\n${style.bold("fmsg.example.yaml")}\n\n${(await exampleText()).trimEnd()}`);
  }
}

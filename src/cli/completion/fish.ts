// The completion of fish: a function that says where in the commands the line is, and one rule for each thing.

import { type CommandTree, everyCommand, type Value } from "./tree.ts";

export function fishScript(root: CommandTree): string {
  const commands = everyCommand(root);
  const valued = commands.flatMap(({ options }) =>
    options.filter(({ value, isOptional }) => value !== null && !isOptional)
      .flatMap(({ flags }) => flags)
  );
  const groups = commands.filter(({ commands }) => commands.length > 0);
  return [
    `# Completion of ${root.name} for fish. Made by "${root.name} completion fish".`,
    "",
    WALK.replace("PATHS", commands.slice(1).map(({ path }) => quoted(path)).join(" "))
      .replace("VALUED", [...new Set(valued)].join(" "))
      .replaceAll("PROGRAM", root.name),
    `complete -c ${root.name} -f`,
    ...groups.flatMap((group) =>
      group.commands.map(({ name, description }) =>
        rule(root, `__fmsg_at ${quoted(group.path)} 0`, `-a ${name}`, description)
      )
    ),
    ...commands.flatMap((command) => [
      ...command.options.map(({ flags, value, description, isOptional }) =>
        rule(
          root,
          `__fmsg_at ${quoted(command.path)}`,
          [
            ...flags.map((flag) =>
              flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`
            ),
            ...value === null ? [] : [isOptional ? "" : "-r", offer(value)],
          ].filter((word) => word !== "").join(" "),
          description,
        )
      ),
      ...command.arguments.flatMap(({ value, isVariadic }, i) => {
        const at = `__fmsg_at ${quoted(command.path)}`;
        if (value.kind === "anything") return [];
        if (value.kind === "command") return helpRules(root, at, value.topics);
        return [rule(root, `${at} ${i}${isVariadic ? "+" : ""}`, offer(value))];
      }),
    ]),
    "",
  ].join("\n");
}

/** fish knows two escapes inside of single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function rule(root: CommandTree, condition: string, what: string, description = ""): string {
  const about = description === "" ? "" : ` -d ${quoted(description)}`;
  return `complete -c ${root.name} -n ${quoted(condition)} ${what}${about}`;
}

/** What can stand behind `help`: the words of commands, or a topic. */
function helpRules(root: CommandTree, at: string, topics: readonly string[]): string[] {
  return everyCommand(root).filter(({ commands }) => commands.length > 0).map((group) => {
    const before = group.path.split(" ").slice(1);
    const words = group.commands.map(({ name }) => name);
    const offered = group === root ? [...words, ...topics] : words;
    return rule(
      root,
      `${at} ${before.length} ${quoted(before.join(" "))}`,
      `-f -a ${quoted(offered.join(" "))}`,
    );
  });
}

function offer(value: Value): string {
  switch (value.kind) {
    case "words":
      return `-f -a ${quoted(value.words.join(" "))}`;
    case "file":
      return "-F";
    case "folder":
      return "-f -a '(__fish_complete_directories)'";
    case "address":
      return "-f -a '(__fmsg_known addresses)'";
    case "addresses":
      return "-f -a '(__fmsg_address_list)'";
    case "key":
      return "-f -a '(__fmsg_known keys)'";
    case "session":
      return "-f -a '(__fmsg_known sessions)'";
    case "command":
      return `-f -a ${quoted(value.topics.join(" "))}`;
    case "anything":
      return "-f";
  }
}

const WALK = String
  .raw`# Where the line is: the words of the command, and how many arguments it has so far.
function __fmsg_place
  set -l path PROGRAM
  set -l arguments
  set -l takes_value ''
  set -l words (commandline -opc)
  for word in $words[2..-1]
    if string match -q -- '-?*' $word
      set takes_value ''
      contains -- $word VALUED; and set takes_value yes
    else if test -n "$takes_value"
      set takes_value ''
    else if test (count $arguments) = 0; and contains -- "$path $word" PATHS
      set path "$path $word"
    else
      set -a arguments $word
    end
  end
  echo $path
  count $arguments
  echo "$arguments"
end

# Is the line at this command, at this argument of it (1+: the second or any behind it), and behind these?
function __fmsg_at
  set -l place (__fmsg_place)
  test "$place[1]" = "$argv[1]"; or return 1
  test (count $argv) -lt 2; and return 0
  test (count $argv) -gt 2 -a "$place[3]" != "$argv[3]"; and return 1
  if string match -q '*+' -- $argv[2]
    test $place[2] -ge (string trim -r -c + -- $argv[2])
  else
    test $place[2] = $argv[2]
  end
end

# The users' addresses, or ids, that begin so; nothing, and no word of complaint, where they cannot be read.
function __fmsg_known
  # Fish asks for arguments while an option is typed, too.
  string match -qr -- '^-[^=]*$' (commandline -ct); and return
  set -l begins (commandline -ct | string replace -r '^--[^=]*=' '')
  set -q argv[2]; and set begins $argv[2]
  set -l words (commandline -opc)
  set -l configuration
  for i in (seq 2 (count $words))
    switch $words[$i]
      case '--config=*'
        set configuration --config (string replace -- '--config=' '' $words[$i])
      case --config
        test $i -lt (count $words); and set configuration --config $words[(math $i + 1)]
    end
  end
  $words[1] complete-$argv[1] "$begins" $configuration 2>/dev/null </dev/null
end

# The same with commas between them.
function __fmsg_address_list
  set -l begins (commandline -ct | string replace -r '^--[^=]*=' '')
  set -l before (string match -r '.*,' -- "$begins")
  for address in (__fmsg_known addresses (string replace -r '.*,' '' -- "$begins"))
    echo "$before$address"
  end
end
`;

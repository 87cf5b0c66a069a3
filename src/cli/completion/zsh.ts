// The completion of zsh: one function a command, in zsh's own words for options and arguments.

import {
  type ArgumentTree,
  type CommandTree,
  everyCommand,
  type OptionTree,
  quoted,
  type Value,
} from "./tree.ts";

export function zshScript(root: CommandTree): string {
  return [
    `#compdef ${root.name}`,
    `# Completion of ${root.name} for zsh. Made by "${root.name} completion zsh".`,
    "",
    ADDRESSES,
    ...everyCommand(root).map((command) => commandFunction(command, root)),
    // Found in fpath this file is the function itself; sourced it has to name it.
    `if [[ $funcstack[1] == _${root.name} ]]; then _${root.name} "$@"; else compdef _${root.name} ${root.name}; fi`,
    "",
  ].join("\n");
}

const ADDRESSES = String
  .raw`# The users' addresses, or ids; nothing, and no word of complaint, where they cannot be read.
_fmsg_known() {
  local -a known configuration
  local i what=$1
  shift
  for ((i = 2; i < $#fmsg_line; i++)); do
    case $fmsg_line[i] in
      --config) configuration=(--config "\${(Q)fmsg_line[i + 1]}") ;;
      --config=*) configuration=(--config "\${(Q)fmsg_line[i]#--config=}") ;;
    esac
  done
  known=(\${(f)"$(_call_program $what "\${(q)\${(Q)fmsg_line[1]}}" complete-$what \
    "\${(q)\${(Q)PREFIX}}" "\${(q)configuration[@]}" 2>/dev/null)"})
  compadd -a "$@" known
}

_fmsg_addresses() {
  _fmsg_known addresses "$@"
}

_fmsg_keys() {
  _fmsg_known keys "$@"
}

_fmsg_sessions() {
  _fmsg_known sessions "$@"
}

# The same with commas between them.
_fmsg_address_list() {
  compset -P '*,'
  _fmsg_addresses -S '' "$@"
}
`.replaceAll("\\${", "${");

function commandFunction(command: CommandTree, root: CommandTree): string {
  return [
    `${functionName(command)}() {`,
    ...command === root ? ['  local -a fmsg_line=("${words[@]}")'] : [],
    ...bodyOf(command, root),
    "}",
    "",
  ].join("\n");
}

function bodyOf(command: CommandTree, root: CommandTree): string[] {
  if (command.commands.length > 0) return group(command);
  const [first] = command.arguments;
  if (first?.value.kind === "command") return helpWords(root, first.value.topics);
  return [_arguments([...command.options.map(optionSpec), ...command.arguments.map(argumentSpec)])];
}

/** A command with others below it: their names, and then theirs. */
function group(command: CommandTree): string[] {
  const names = command.commands.map(({ name, description }) =>
    `    ${quoted(`${name.replaceAll(":", "\\:")}:${description}`)}`
  );
  return [
    "  local curcontext=$curcontext state state_descr line",
    "  local -A opt_args",
    "  local -a commands=(",
    ...names,
    "  )",
    _arguments(["-C", ...command.options.map(optionSpec), "'1: :->command'", "'*:: :->rest'"]),
    "  case $state in",
    "    command) _describe -t commands command commands ;;",
    "    rest)",
    "      case $words[1] in",
    ...command.commands.map((below) => `        ${below.name}) ${functionName(below)} ;;`),
    "      esac",
    "      ;;",
    "  esac",
  ];
}

function functionName({ path }: CommandTree): string {
  return `_${path.replaceAll(/[ -]/g, "_")}`;
}

function _arguments(specs: readonly string[]): string {
  return `  _arguments ${specs.join(" \\\n    ")}`;
}

function optionSpec(
  { flags, description, value, valueName, isOptional, isRepeated }: OptionTree,
): string {
  const text = `[${description.replaceAll(/[[\]\\]/g, "\\$&")}]`;
  const names = flags.map((flag) => value !== null && flag.startsWith("--") ? `${flag}=` : flag);
  const taken = value === null
    ? ""
    : `${isOptional ? "::" : ":"}${message(valueName)}:${action(value)}`;
  // One of several names of an option stands for all of them.
  const others = isRepeated ? "'*'" : flags.length > 1 ? quoted(`(${flags.join(" ")})`) : "";
  const spec = quoted(text + taken);
  const [only = ""] = names;
  return names.length > 1
    ? `${others}{${names.join(",")}}${spec}`
    : `${others}${quoted(only + text + taken)}`;
}

function argumentSpec({ name, value, isVariadic }: ArgumentTree): string {
  return quoted(`${isVariadic ? "*" : ""}:${message(name)}:${action(value)}`);
}

/** What can stand behind `help`: the words of commands, or a topic. */
function helpWords(root: CommandTree, topics: readonly string[]): string[] {
  const groups = everyCommand(root).filter(({ commands }) => commands.length > 0);
  return [
    '  case "${(j: :)words[2,CURRENT-1]}" in',
    ...groups.map((group) => {
      const words = group.commands.map(({ name }) => name);
      const offered = group === root ? [...words, ...topics] : words;
      const below = group.path.slice(root.name.length + 1);
      return `    ${quoted(below)}) compadd ${offered.join(" ")} ;;`;
    }),
    "  esac",
  ];
}

function message(name: string): string {
  return name.replaceAll(":", "\\:");
}

function action(value: Value): string {
  switch (value.kind) {
    case "words":
      return `(${value.words.join(" ")})`;
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "address":
      return "_fmsg_addresses";
    case "addresses":
      return "_fmsg_address_list";
    case "key":
      return "_fmsg_keys";
    case "session":
      return "_fmsg_sessions";
    case "command":
      return `(${value.topics.join(" ")})`;
    case "anything":
      // A space: nothing is offered, and the name is shown.
      return " ";
  }
}

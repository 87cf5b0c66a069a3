// The completion of bash: a function that walks the line, and tables of what there is. Needs nothing but bash 3.2.

import { type CommandTree, everyCommand, quoted, type Value } from "./tree.ts";

export function bashScript(root: CommandTree): string {
  const commands = everyCommand(root);
  return [
    `# Completion of ${root.name} for bash. Made by "${root.name} completion bash".`,
    "",
    table("commands", commands.map(({ path, commands }) => [quoted(path), namesOf(commands)])),
    table(
      "options",
      commands.map(({ path, options }) =>
        [quoted(path), options.flatMap(({ flags }) => flags).join(" ")] as const
      ),
    ),
    table(
      "value",
      commands.flatMap(({ path, options }) =>
        options.flatMap(({ flags, value }) =>
          value === null
            ? []
            : flags.map((flag) => [quoted(`${path} ${flag}`), kindOf(value)] as const)
        )
      ),
    ),
    table(
      "argument",
      commands.flatMap((command) =>
        command.arguments.map(({ value, isVariadic }, i) => {
          // Any number of arguments is looked for behind those before it.
          const pattern = isVariadic
            ? `${quoted(`${command.path} `)}*`
            : quoted(`${command.path} ${i}`);
          return [pattern, kindOf(value)] as const;
        })
      ),
    ),
    WALK.replaceAll("PROGRAM", root.name),
  ].join("\n");
}

function namesOf(commands: readonly CommandTree[]): string {
  return commands.map(({ name }) => name).join(" ");
}

/** A function that sets `reply` to what belongs to its argument; nothing where there is nothing. */
function table(
  name: string,
  entries: readonly (readonly [pattern: string, value: string])[],
): string {
  const lines = entries.filter(([, value]) => value !== "")
    .map(([pattern, value]) => `    ${pattern}) reply=${quoted(value)} ;;`);
  return [`_fmsg_${name}() {`, "  reply=", '  case "$1" in', ...lines, "  esac", "}", ""].join(
    "\n",
  );
}

/** A kind of value in a word, or its words. */
function kindOf(value: Value): string {
  switch (value.kind) {
    case "words":
      return `=${value.words.join(" ")}`;
    case "command":
      return `=${value.topics.join(" ")}`;
    case "file":
    case "folder":
    case "address":
    case "addresses":
    case "key":
    case "session":
    case "anything":
      return value.kind;
  }
}

const WALK = String
  .raw`# The users' addresses, or ids, that begin so; nothing, and no word of complaint, where they cannot be read.
_fmsg_known() {
  reply=$("$program" "complete-$1" "$2" \${configuration[@]+"\${configuration[@]}"} 2>/dev/null </dev/null)
}

# Adds the lines of its first argument to what was found.
_fmsg_add() {
  local line
  while IFS= read -r line; do
    [[ -n $line ]] && found[\${#found[@]}]=$line
  done <<<"$1"
}

_fmsg() {
  local program=$1 line=\${COMP_LINE:0:COMP_POINT} reply="" configuration=()
  local words=() rest word i IFS=$' \t\n'

  # Bash takes words apart at = and @; here they end at blanks only.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=\${line#"\${line%%[![:blank:]]*}"}
    word=\${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && word=$rest
    if [[ $i == 0 || $rest != "$line" ]]; then
      words[\${#words[@]}]=$word
    else
      words[\${#words[@]} - 1]+=$word
    fi
    line=\${rest#"$word"}
  done

  local current=\${words[\${#words[@]} - 1]} path=PROGRAM option="" value="" number=0 ended="" help=""
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ -z $ended && $word == -- ]]; then
      ended=1 option=""
    elif [[ -z $ended && $word == -?* ]]; then
      option=""
      [[ $word == --config=* ]] && configuration=(--config "\${word#*=}")
      if [[ $word != *=* ]]; then
        _fmsg_value "$path $word"
        [[ -n $reply ]] && option=$word
      fi
    elif [[ -n $option ]]; then
      [[ $option == --config ]] && configuration=(--config "$word")
      option=""
    elif _fmsg_commands "$path" && [[ $number == 0 && " $reply " == *" $word "* ]]; then
      if [[ $word == help ]]; then help=1; else path="$path $word"; fi
    else
      ((number++))
    fi
  done

  local kind="" prefix=\${current%"$2"} list="" found=()
  value=$current
  if [[ -n $help ]]; then
    _fmsg_commands "$path"
    ((number == 0)) && kind="=$reply"
    if [[ $path == PROGRAM && $number == 0 ]]; then
      _fmsg_argument "PROGRAM help 0"
      kind+=" \${reply#=}"
    fi
  elif [[ -z $ended && $current == --*=* ]]; then
    _fmsg_value "$path \${current%%=*}"
    kind=$reply
    list="\${current%%=*}="
    value=\${current#*=}
  elif [[ -n $option ]]; then
    _fmsg_value "$path $option"
    kind=$reply
  elif [[ -z $ended && $current == -* ]]; then
    _fmsg_options "$path"
    kind="=$reply"
  else
    _fmsg_commands "$path"
    if [[ -n $reply ]]; then
      ((number == 0)) && kind="=$reply"
    else
      _fmsg_argument "$path $number"
      kind=$reply
    fi
  fi

  value=\${value#[\"\']}
  case $kind in
    =*) _fmsg_add "$(compgen -W "\${kind#=}" -- "$value")" ;;
    address | addresses)
      if [[ $kind == addresses && $value == *,* ]]; then
        list+="\${value%,*},"
        value=\${value##*,}
      fi
      _fmsg_known addresses "$value"
      _fmsg_add "$(compgen -W "$reply" -- "$value")"
      ;;
    key | session)
      _fmsg_known "\${kind}s" "$value"
      _fmsg_add "$reply"
      ;;
    file)
      # Readline's own completion of files knows about quotes and tildes.
      compopt -o default 2>/dev/null || _fmsg_add "$(compgen -f -- "$value")"
      ;;
    folder) compopt -o dirnames 2>/dev/null || _fmsg_add "$(compgen -d -- "$value")" ;;
  esac

  COMPREPLY=()
  for word in \${found[@]+"\${found[@]}"}; do
    word=$list$word
    # Bash replaces what it takes for the word, and no more.
    COMPREPLY[\${#COMPREPLY[@]}]=\${word#"$prefix"}
  done
}

complete -F _fmsg PROGRAM
`.replaceAll("\\${", "${");

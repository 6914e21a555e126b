import { type Completed, firstWords, groupsOf, serviceNames } from './tree.ts';

/** A completion script for bash 4 and later (bash(1), Programmable Completion). */
export function bashScript(tree: readonly Completed[]): string {
  const groups = [...groupsOf(tree)];
  const valued = [
    ...new Set(
      tree
        .flatMap(({ options }) => options)
        .filter(({ takesValue }) => takesValue)
        .flatMap(({ names }) => names),
    ),
  ];
  return `# bash completion for kapal: source <(kapal completion bash)
_kapal_services() {
  ${serviceNames}
}

_kapal() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word place
  COMPREPLY=()
  case $previous in
    --data) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --service) mapfile -t COMPREPLY < <(compgen -W "$(_kapal_services)" -- "$current"); return ;;
    ${valued.filter((name) => name !== '--data' && name !== '--service').join('|')}) return ;;
  esac
  for ((place = 1; place < COMP_CWORD; place++)); do
    word=\${COMP_WORDS[place]}
    case $word in
      ${valued.join('|')}) ((place++)) ;;
      -*) ;;
      *)
        if [ -z "$command" ]; then command=$word
        else case $command in ${groups.map(([group]) => group).join('|')}) command="$command $word" ;; esac
        fi ;;
    esac
  done
  case $command in
    '') mapfile -t COMPREPLY < <(compgen -W "${firstWords(tree)
      .map(({ word }) => word)
      .join(' ')} --version --help" -- "$current") ;;
${groups.map(([group, members]) => `    ${group}) mapfile -t COMPREPLY < <(compgen -W "${members.map(({ name }) => name.slice(group.length + 1)).join(' ')}" -- "$current") ;;`).join('\n')}
${tree.map(commandCase).join('\n')}
  esac
}
complete -F _kapal kapal
`;
}

function commandCase({ name, options, completes }: Completed): string {
  const flags = options.flatMap(({ names }) => names).join(' ');
  return `    '${name}')
      if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "${flags} --help" -- "$current")
      else ${operandCompletion(completes)}
      fi ;;`;
}

function operandCompletion(completes: Completed['completes']): string {
  if (completes === 'service') return 'mapfile -t COMPREPLY < <(compgen -W "$(_kapal_services)" -- "$current")';
  if (completes === 'folder') return 'mapfile -t COMPREPLY < <(compgen -d -- "$current")';
  if (completes === null || completes === undefined) return ':';
  return `mapfile -t COMPREPLY < <(compgen -W "${completes.join(' ')}" -- "$current")`;
}

import { type Completed, type CompletedOption, firstWords, groupsOf, serviceNames } from './tree.ts';

/** A completion script for zsh (zshcompsys(1)). */
export function zshScript(tree: readonly Completed[]): string {
  const groups = [...groupsOf(tree)];
  return `#compdef kapal
# zsh completion for kapal: source <(kapal completion zsh)
_kapal_services() {
  local -a services
  services=(\${(f)"$(${serviceNames})"})
  compadd -a services
}

_kapal() {
  local -a commands
  local command=$words[2] shift_by=1
  if (( CURRENT == 2 )); then
    commands=(
${firstWords(tree)
  .map(({ word, summary }) => `      ${quoted(`${word}:${summary}`)}`)
  .join('\n')}
    )
    _describe 'command' commands
    return
  fi
${groups.map(groupCase).join('\n')}
  words=("\${(@)words[1+shift_by,-1]}")
  (( CURRENT -= shift_by ))
  case $command in
${tree.map(commandCase).join('\n')}
  esac
}
compdef _kapal kapal
`;
}

function groupCase([group, members]: readonly [string, readonly Completed[]]): string {
  const words = members.map(({ name, summary }) => quoted(`${name.slice(group.length + 1)}:${summary}`)).join(' ');
  return `  if [[ $command == ${group} ]]; then
    if (( CURRENT == 3 )); then
      commands=(${words})
      _describe 'command' commands
      return
    fi
    command="${group} $words[3]"
    shift_by=2
  fi`;
}

function commandCase({ name, options, completes }: Completed): string {
  const specs = [...options.flatMap(optionSpecs), ...operandSpec(completes)];
  return `    ${quoted(name)}) _arguments ${specs.map(quoted).join(' ')} ;;`;
}

function optionSpecs({ names, description, takesValue }: CompletedOption): readonly string[] {
  const said = description.replace(/[[\]:]/g, ' ');
  return names.map((name) => `${name}[${said}]${takesValue ? `:value:${valueAction(name)}` : ''}`);
}

function valueAction(name: string): string {
  if (name === '--data') return '_directories';
  return name === '--service' ? '_kapal_services' : '';
}

function operandSpec(completes: Completed['completes']): readonly string[] {
  if (completes === 'service') return ['1:service:_kapal_services'];
  if (completes === 'folder') return ['1:folder:_directories'];
  return completes === null || completes === undefined ? [] : [`1:word:(${completes.join(' ')})`];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

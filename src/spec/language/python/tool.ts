/** A package manager of Python's that is no part of it. */
export interface Tool {
  readonly tool: 'uv' | 'poetry' | 'pdm' | 'pipenv';
  /** An older one of the machine's does not read what the project has. */
  readonly atLeast?: number;
}

/**
 * Lines of sh after which PATH has the machine's own tool, else one from the package index, kept in a virtual environment below the service's home (`$tool`):
 * Debian has no uv and no pdm, and its poetry does not read what poetry 2 writes.
 */
export function fetching({ tool, atLeast }: Tool): readonly string[] {
  const there =
    atLeast === undefined
      ? `command -v ${tool} >/dev/null`
      : `${tool} --version 2>/dev/null | grep -Eq '[ (]([${atLeast}-9]|[1-9][0-9])\\.'`;
  return [
    `if ! ${there}; then`,
    `  tool="$HOME/.cache/kapal-tools/${tool}"`,
    '  if [ ! -e "$tool/ready" ]; then',
    `    echo "${tool} is not installed on this machine: fetching it"`,
    `    python3 -m venv --clear "$tool" && "$tool/bin/pip" install --quiet ${tool} && : >"$tool/ready" || {`,
    `      echo "${tool} could not be fetched: install it on this machine where every user finds it, or let the machine reach the package index" >&2`,
    '      exit 1',
    '    }',
    '  fi',
    '  PATH="$tool/bin:$PATH"',
    'fi',
  ];
}

/** What the last lines of a failed build mean, and what to do: what people search the web for. */
interface Cause {
  readonly seen: RegExp;
  readonly hint: (match: RegExpExecArray) => string;
}

const causes: readonly Cause[] = [
  {
    seen: /Cannot fork|fork: (?:retry: )?Resource temporarily unavailable|spawn \S+ EAGAIN|pthread_create: Resource temporarily unavailable/,
    hint: () =>
      'The build has as many processes and threads as it may have: look for a command that starts them without end, or raise build.processLimit in kapal.yaml.',
  },
  {
    seen: /ERR_OSSL_EVP_UNSUPPORTED|digital envelope routines::unsupported/,
    hint: () =>
      'A build tool of before Node 17 met OpenSSL 3. Ask for an older Node ("engines": {"node": "16"} in package.json), or declare the variable NODE_OPTIONS=--openssl-legacy-provider.',
  },
  {
    seen: /Treating warnings as errors because process\.env\.CI = true/,
    hint: () =>
      'The variable CI is declared as true, which makes this tool fail at warnings: mend them, or declare CI=false.',
  },
  {
    seen: /`npm ci` can only install packages when your package\.json and package-lock\.json .*are in sync|npm error code EUSAGE|npm ERR! code EUSAGE/,
    hint: () =>
      'package-lock.json does not fit package.json: run npm install, and commit the lock file that it writes.',
  },
  {
    seen: /ERR_PNPM_OUTDATED_LOCKFILE/,
    hint: () => 'pnpm-lock.yaml does not fit package.json: run pnpm install, and commit the lock file that it writes.',
  },
  {
    seen: /Your lockfile needs to be updated|The lockfile would have been modified by this install/,
    hint: () => 'yarn.lock does not fit package.json: run yarn install, and commit the lock file that it writes.',
  },
  {
    seen: /JavaScript heap out of memory|Reached heap limit/,
    hint: () =>
      'Node ran out of its own heap: declare the variable NODE_OPTIONS=--max-old-space-size=4096, and build.memoryLimit above that.',
  },
  {
    seen: /npm (?:error|ERR!) code E(?:404|NOVERSIONS|TARGET)[\s\S]*?(?:404|notarget)[^\n]*?((?:@[\w.-]+\/)?[\w.-]+@[^\s'"]+)/,
    hint: ([, name = 'a package']) =>
      `The registry has no ${name}: look at its name and version in package.json, or give access to a private registry by .npmrc.`,
  },
  {
    seen: /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|unable to get local issuer certificate|CERTIFICATE_VERIFY_FAILED/,
    hint: () =>
      'The registry presents a certificate of a private authority: start the daemon with NODE_EXTRA_CA_CERTS and SSL_CERT_FILE naming its file.',
  },
  {
    seen: /getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (\S+)|Could not resolve host: (\S+)|Temporary failure in name resolution/,
    hint: ([, a, b]) =>
      `This machine does not find ${a ?? b ?? 'the registry'} by its name: look at its DNS and proxy settings.`,
  },
  {
    seen: /gyp ERR! find Python|gyp ERR! stack Error: not found: make|gyp ERR! not ok/,
    hint: () =>
      'A package compiles C++: install the tools for it (Debian and Ubuntu: sudo apt-get install build-essential python3), or take a version of it that brings its binary.',
  },
  {
    seen: /ensurepip is not available|No module named (?:venv|ensurepip)/,
    hint: () => 'Python has no venv here: sudo apt-get install python3-venv',
  },
  {
    seen: /externally-managed-environment/,
    hint: () =>
      "pip was asked to install into the machine itself: let buildCommand call pip by that name, which is the one of the project's environment, or .venv/bin/pip.",
  },
  {
    seen: /Failed to establish a new connection|Could not reach host (\S+?)\.?(?:\s|$)|curl error (?:6|7|28) while downloading https?:\/\/([^\s/]+)/,
    hint: ([, a, b]) =>
      `This machine does not reach ${a ?? b ?? 'the package index'}: look at its network, DNS and proxy settings.`,
  },
  {
    seen: /No matching distribution found for ([^\s(]+)/,
    hint: ([, name = 'it']) =>
      `The package index has no ${name} for this Python: look at its name and version, and at the Python that it needs (.python-version chooses one of the machine's).`,
  },
  {
    seen: /pg_config executable not found|pg_config is required/,
    hint: () =>
      'psycopg2 is compiled: sudo apt-get install libpq-dev python3-dev build-essential, or take psycopg2-binary.',
  },
  {
    seen: /fatal error: Python\.h: No such file/,
    hint: () => 'A package is compiled for Python: sudo apt-get install python3-dev build-essential',
  },
  {
    seen: /can't find header files for ruby|fatal error: ruby\.h: No such file/,
    hint: () => 'A gem is compiled: sudo apt-get install ruby-dev build-essential',
  },
  {
    seen: /Your Ruby version is (\S+), but your Gemfile specified ([^\n]+)/,
    hint: ([, found = '', asked = '']) =>
      `This machine has Ruby ${found}: install ${asked.trim()}, or change the line ruby of the Gemfile.`,
  },
  {
    seen: /The dependencies in your gemfile changed|frozen mode[\s\S]*Gemfile\.lock|deployment mode[\s\S]*Gemfile\.lock/,
    hint: () => 'Gemfile.lock does not fit the Gemfile: run bundle install, and commit the lock file that it writes.',
  },
  {
    seen: /An error occurred while installing ([\w.-]+) \(([^)]+)\)/,
    hint: ([, name = '', version = '']) =>
      `The gem ${name} ${version} was not installed: the lines before say which program or library it misses.`,
  },
  {
    seen: /requires ext-(\w+) [\s\S]*?is missing from your system/,
    hint: ([, name = '']) => `PHP lacks the extension ${name}: sudo apt-get install php-${name}`,
  },
  {
    seen: /zip extension and unzip\/7z commands are both missing/,
    hint: () => 'composer cannot unpack what it downloads: sudo apt-get install unzip',
  },
  {
    seen: /lock file does not contain a compatible set of packages/,
    hint: () =>
      'composer.lock does not fit the PHP of this machine, or composer.json: run composer update with that PHP, and commit the lock file that it writes.',
  },
  {
    seen: /ENOSPC|No space left on device/,
    hint: () => 'The disk is full. Free space on it, then deploy again.',
  },
  {
    seen: /(?:^|\n)(?:sh|\/bin\/sh)(?:: line)?:? ?\d*:? ([\w./-]+): not found/,
    hint: ([, program = '']) =>
      `The program ${program} is not there: is it a dependency of the project, and does the machine have it?`,
  },
  {
    seen: /Cannot find module '([^']+)'/,
    hint: ([, name = '']) =>
      name.startsWith('.') || name.startsWith('/')
        ? `The file ${name} is not there: are its letters of the same case as in the repository, and is it committed or built before?`
        : `${name} is not installed: add it to dependencies in package.json, and commit the lock file.`,
  },
];

/** The hint for the first cause that the lines show; null where none is known. */
export function buildFailureHint(lines: readonly string[]): string | null {
  const text = lines.join('\n');
  for (const { seen, hint } of causes) {
    const match = seen.exec(text);
    if (match !== null) return hint(match);
  }
  return null;
}

/** Whether a text can be the name of a branch or tag: git-check-ref-format(1), and no leading dash. */
export function isBranchName(name: string): boolean {
  if (name === '' || name === '@' || name.length > 250 || name.startsWith('-')) return false;
  if (/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$|^\//u.test(name) || !name.isWellFormed()) return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

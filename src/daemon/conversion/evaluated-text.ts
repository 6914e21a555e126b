/**
 * What the child runs: fixed text, given to Node by `-e`, so that no file of ours has to be readable there. The text of the configuration comes by stdin,
 * where it is by argv. It first gives up root for good, then runs the configuration, and answers with one line of JSON after a mark that the
 * configuration cannot know: what that one prints goes to stderr.
 */
export const evaluation = String.raw`'use strict';
const { readFileSync, writeSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const Module = require('node:module');
const { dirname } = require('node:path');
const [path, uid, mark] = process.argv.slice(1);
const plain = (_, value) => (value === undefined || typeof value === 'function' ? null : value);
const text = readFileSync(0, 'utf8');
if (uid !== '') {
  process.setgroups([]);
  process.setgid(Number(uid));
  process.setuid(Number(uid));
}
process.argv.length = 1;
globalThis.console = new console.Console(process.stderr);
const answer = (value) => {
  const json = Buffer.from('\n' + mark + JSON.stringify(value, plain) + '\n');
  for (let at = 0; at < json.length; ) {
    try {
      at += writeSync(1, json, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
};
const told = (error) => {
  const place = typeof error?.stack === 'string' ? /:(\d+):?(\d+)?\)?$/m.exec(error.stack.split('\n').filter((line) => line.includes(path)).at(0) ?? '') : null;
  return { failed: String(error?.message ?? error).slice(0, 2000), code: String(error?.code ?? ''), permission: String(error?.permission ?? ''), resource: String(error?.resource ?? ''), line: Number(place?.[1] ?? 0), column: Number(place?.[2] ?? 0) };
};
const plainOf = async (found) => {
  let value = found;
  if (typeof value === 'function') value = value();
  return await value;
};
const load = async () => {
  if (path.endsWith('.mjs')) return (await import(pathToFileURL(path).href)).default;
  const made = new Module(path, null);
  made.filename = path;
  made.paths = Module._nodeModulePaths(dirname(path));
  try {
    made._compile(text, path);
    return made.exports;
  } catch (error) {
    if (!(error instanceof SyntaxError) || !/\b(?:import|export)\b/.test(text)) throw error;
    return (await import(pathToFileURL(path).href)).default;
  }
};
load().then(plainOf).then((value) => answer({ value }), (error) => answer(told(error))).then(() => process.exit(0));
`;

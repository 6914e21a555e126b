import type { Access, AccessRule } from './access.ts';

/** Below the working folder; nothing that begins with a dot is served. */
export const routerPath = '.kapal/router.php';

/**
 * The script that PHP's built-in server asks for every request (https://www.php.net/manual/en/features.commandline.webserver.php), where there is no php-fpm:
 * `false` lets it send the file that the path names. It does what the nginx before php-fpm does, by the same table, and tells scripts the same of the visitor.
 */
export function routerText({ documentRoot, hasFrontController, rules, otherwise }: Access): string {
  const settings = [
    `// ${documentRoot === '.' ? 'The top of the source' : documentRoot} is the document root.`,
    `$front = ${hasFrontController ? 'true' : 'false'};`,
    '$rules = [',
    ...rules.map((rule) => `    ${rowOf(rule)},`),
    '];',
    `$treatment = '${otherwise}';`,
  ];
  return [
    '<?php',
    '// Written by Kapal for every build.',
    opening,
    ...settings.map((line) => `    ${line}`),
    body,
    '',
  ].join('\n');
}

/** Between single quotes only these two are special. */
function rowOf({ pattern, ignoresCase, treatment }: AccessRule): string {
  const text = `#${pattern}#${ignoresCase ? 'i' : ''}`;
  return `['${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}', '${treatment}']`;
}

/** A function keeps its variables out of those of the application, which begin as globals. */
const opening = '$kapal = (static function () {';

const body = `    $root = rtrim($_SERVER['DOCUMENT_ROOT'], '/');
    $path = rawurldecode(strtok($_SERVER['REQUEST_URI'] ?? '/', '?#') ?: '/');
    $parts = array_values(array_filter(explode('/', $path), static function ($part) { return $part !== '' && $part !== '.'; }));
    if (in_array('..', $parts, true)) return null;
    $plain = '/' . implode('/', $parts) . (substr($path, -1) === '/' && $parts !== [] ? '/' : '');
    foreach ($rules as [$pattern, $then]) {
        if (preg_match($pattern, $plain)) { $treatment = $then; break; }
    }
    if ($treatment === 'deny') return null;
    if ($treatment === 'script') {
        $script = '';
        foreach ($parts as $at => $part) {
            $script .= '/' . $part;
            if (is_link($root . $script)) break;
            if (is_file($root . $script)) {
                if (substr($script, -4) !== '.php') break;
                $info = implode('/', array_slice($parts, $at + 1));
                return [$script, $info === '' && substr($plain, -1) !== '/' ? '' : '/' . $info];
            }
        }
    }
    $file = rtrim($root . $plain, '/');
    if ($treatment === 'file' && $plain !== '/' && is_file($file)) return false;
    if (($treatment === 'file' || $treatment === 'look') && is_dir($file)) {
        if (is_file($file . '/index.php') && substr($plain, -1) === '/') return [$plain . 'index.php', ''];
        if (is_file($file . '/index.html') && substr($plain, -1) === '/') return false;
        if (is_file($file . '/index.php') || is_file($file . '/index.html')) {
            $query = $_SERVER['QUERY_STRING'] ?? '';
            header('Location: /' . implode('/', array_map('rawurlencode', $parts)) . '/' . ($query === '' ? '' : '?' . $query), true, 301);
            return true;
        }
    }
    return $front && is_file($root . '/index.php') ? ['/index.php', ''] : null;
})();
if ($kapal === false) return false;
if ($kapal === true) return true;
if ($kapal === null) {
    http_response_code(404);
    header('Content-Type: text/plain; charset=utf-8');
    echo "Not Found\\n";
    return true;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $kapal[0];
$_SERVER['SCRIPT_FILENAME'] = rtrim($_SERVER['DOCUMENT_ROOT'], '/') . $kapal[0];
unset($_SERVER['PATH_INFO']);
if ($kapal[1] !== '') {
    $_SERVER['PATH_INFO'] = $kapal[1];
    $_SERVER['PHP_SELF'] .= $kapal[1];
}
// What the edge says of the visitor, which it writes itself.
if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') $_SERVER['HTTPS'] = 'on';
$_SERVER['REQUEST_SCHEME'] = isset($_SERVER['HTTPS']) ? 'https' : 'http';
if (ctype_digit($_SERVER['HTTP_X_FORWARDED_PORT'] ?? '')) $_SERVER['SERVER_PORT'] = $_SERVER['HTTP_X_FORWARDED_PORT'];
if (($_SERVER['HTTP_X_REAL_IP'] ?? '') !== '') $_SERVER['REMOTE_ADDR'] = $_SERVER['HTTP_X_REAL_IP'];
if (isset($_SERVER['HTTP_HOST'])) $_SERVER['SERVER_NAME'] = preg_replace('/:\\d+$/', '', $_SERVER['HTTP_HOST']);
unset($_SERVER['HTTP_PROXY'], $kapal);
chdir(dirname($_SERVER['SCRIPT_FILENAME']));
require $_SERVER['SCRIPT_FILENAME'];`;

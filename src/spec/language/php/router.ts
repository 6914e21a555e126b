import type { PhpApplication } from './application.ts';

/** Below the working folder; nothing that begins with a dot is served. */
export const routerPath = '.kapal/router.php';

/**
 * The script that PHP's built-in server asks for every request (https://www.php.net/manual/en/features.commandline.webserver.php): `false` lets it serve the
 * file or run the script that the path names. It does what .htaccess or nginx do elsewhere: private files are not there, a folder ends with a slash,
 * and index.php of the document root answers the rest where the application has a front controller. With the top of a source as document root only kinds of
 * files that are made for visitors are served.
 */
export function routerText({ documentRoot, hasFrontController }: PhpApplication): string {
  const settings = [
    `$open = ${documentRoot === '.' ? 'false' : 'true'};`,
    `$front = ${hasFrontController ? 'true' : 'false'};`,
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

/** A function keeps its variables out of those of the application, which begin as globals. */
const opening = '$kapal = (static function () {';

const body = `    $root = rtrim($_SERVER['DOCUMENT_ROOT'], '/');
    $path = rawurldecode(strtok($_SERVER['REQUEST_URI'] ?? '/', '?#') ?: '/');
    if (preg_match('/[\\x00-\\x1f\\x7f\\\\\\\\]/', $path)) return null;
    $parts = array_values(array_filter(explode('/', $path), static function ($part) { return $part !== ''; }));
    foreach ($parts as $at => $part) {
        if ($part === '.' || $part === '..') return null;
        if ($part[0] === '.' && !($at === 0 && $part === '.well-known')) return null;
    }
    $private = ['vendor', 'node_modules', 'storage', 'var', 'config', 'tests', 'test', 'database', 'migrations', 'bin',
        'logs', 'log', 'cache', 'tmp', 'backup', 'backups', 'private', 'data', 'sql', 'venv', 'docker', 'templates_c'];
    if (!$open && $parts !== [] && in_array(strtolower($parts[0]), $private, true)) return null;
    $file = $root;
    $script = null;
    foreach ($parts as $part) {
        $file .= '/' . $part;
        if (is_file($file)) { $script = $file; break; }
        if (!is_dir($file)) break;
    }
    if ($script !== null && strtolower(substr($script, -4)) === '.php') return false;
    if ($script !== null && $script === $root . '/' . implode('/', $parts)) {
        $visible = '/\\.(?:html?|css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|og[gv]|wav|m4[av]|pdf|zip|webmanifest|wasm|vtt|csv|docx?|xlsx?|pptx?)$/i';
        $known = ['robots.txt', 'humans.txt', 'ads.txt', 'sitemap.xml', 'sitemap_index.xml', 'browserconfig.xml', 'manifest.json', 'favicon.ico'];
        $code = preg_match('/\\.(?:php\\d?|phps|phtml|phar|inc)$/i', $script);
        $shown = ($open && !$code) || preg_match($visible, $script) || (count($parts) === 1 && in_array($parts[0], $known, true)) || $parts[0] === '.well-known';
        return $shown ? false : null;
    }
    if (is_dir($root . '/' . implode('/', $parts))) {
        foreach (['index.php', 'index.html'] as $name) {
            if (!is_file(rtrim($file, '/') . '/' . $name)) continue;
            if (substr($path, -1) === '/') return false;
            $query = $_SERVER['QUERY_STRING'] ?? '';
            header('Location: /' . implode('/', array_map('rawurlencode', $parts)) . '/' . ($query === '' ? '' : '?' . $query), true, 301);
            return true;
        }
    }
    return $front && is_file($root . '/index.php') ? $root . '/index.php' : null;
})();
if ($kapal === false) return false;
if ($kapal === true) return true;
if ($kapal === null) {
    http_response_code(404);
    header('Content-Type: text/plain; charset=utf-8');
    echo "Not Found\\n";
    return true;
}
chdir(dirname($kapal));
$_SERVER['SCRIPT_FILENAME'] = $kapal;
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
unset($_SERVER['PATH_INFO']);
require $kapal;`;

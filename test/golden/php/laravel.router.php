<?php
// Written by Kapal for every build.
$kapal = (static function () {
    // public is the document root.
    $front = true;
    $rules = [
        ['#[\\x00-\\x1f\\x7f\\\\]#', 'deny'],
        ['#^/(?:\\.(?!well-known(?:/|$))|.+/\\.)#i', 'deny'],
        ['#^(?:(?:/.*)?/uploads|/sites/[^/]+/files|/storage)/(?:.*\\.)?(?:php\\d*|phps|phtml|phar|inc)(?:/|$)#i', 'deny'],
        ['#\\.php(?:/|$)#', 'script'],
        ['#\\.(?:php\\d*|phps|phtml|phar|inc|module|install|engine|theme|twig|tpl|neon|ya?ml|ini|sql|sqlite3?|db|log|lock|bak|old|orig|save|sw[op]|dist|sh|key|pem)$|~$#i', 'hide'],
        ['#/(?:composer\\.(?:json|phar)|package(?:-lock)?\\.json|artisan|web\\.config|phpunit\\.xml|Dockerfile|Makefile|Procfile|Vagrantfile)$#i', 'hide'],
    ];
    $treatment = 'file';
    $root = rtrim($_SERVER['DOCUMENT_ROOT'], '/');
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
    echo "Not Found\n";
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
if (isset($_SERVER['HTTP_HOST'])) $_SERVER['SERVER_NAME'] = preg_replace('/:\d+$/', '', $_SERVER['HTTP_HOST']);
unset($_SERVER['HTTP_PROXY'], $kapal);
chdir(dirname($_SERVER['SCRIPT_FILENAME']));
require $_SERVER['SCRIPT_FILENAME'];

-- Content types, caching and codings by name: the same as content-types.ts and encodings.ts of src/edge/embedded.

local find, gmatch, gsub, lower, match, sub = string.find, string.gmatch, string.gsub, string.lower, string.match, string.sub

local _M = {}

local types = {
  html = "text/html; charset=utf-8",
  htm = "text/html; charset=utf-8",
  css = "text/css; charset=utf-8",
  js = "text/javascript; charset=utf-8",
  mjs = "text/javascript; charset=utf-8",
  cjs = "text/javascript; charset=utf-8",
  json = "application/json",
  map = "application/json",
  webmanifest = "application/manifest+json",
  xml = "application/xml",
  rss = "application/rss+xml",
  atom = "application/atom+xml",
  txt = "text/plain; charset=utf-8",
  md = "text/markdown; charset=utf-8",
  csv = "text/csv; charset=utf-8",
  ics = "text/calendar; charset=utf-8",
  yaml = "application/yaml",
  yml = "application/yaml",
  svg = "image/svg+xml",
  png = "image/png",
  jpg = "image/jpeg",
  jpeg = "image/jpeg",
  gif = "image/gif",
  webp = "image/webp",
  avif = "image/avif",
  ico = "image/x-icon",
  bmp = "image/bmp",
  woff = "font/woff",
  woff2 = "font/woff2",
  ttf = "font/ttf",
  otf = "font/otf",
  mp3 = "audio/mpeg",
  ogg = "audio/ogg",
  wav = "audio/wav",
  m4a = "audio/mp4",
  mp4 = "video/mp4",
  webm = "video/webm",
  mov = "video/quicktime",
  pdf = "application/pdf",
  wasm = "application/wasm",
  zip = "application/zip",
  gz = "application/gzip",
  tar = "application/x-tar",
  docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

-- By the extension of the last segment; a name that begins with its only dot has none.
function _M.contentType(path)
  local extension = match(path, "[^/]%.([^./]+)$")
  return extension and types[lower(extension)] or "application/octet-stream"
end

-- `main.3f2a1b9c.js`, `app-3f2a1b9c0d1e.chunk.css`: letters and digits both, or `report-20240131.pdf` would pass.
local function hasHexHash(path)
  local found = ngx.re.match(path, [[[.-]([0-9a-f]{8,64})(?:\.[a-z0-9]+)+$]], "jo")
  return found ~= nil and find(found[1], "%d") ~= nil and find(found[1], "[a-f]") ~= nil
end

-- `index-B3kx9aQz.js`: eight of both cases with a digit, and no word with a number (`Version2`).
local function hasShortHash(path)
  local found = ngx.re.match(path, [[[.-]([A-Za-z0-9_-]{8})\.[a-z0-9]+(?:\.map)?$]], "jo")
  local run = found and found[1]
  if not run or find(run, "^%u?%l+%d+$") then return false end
  return find(run, "%l") ~= nil and find(run, "%u") ~= nil and find(run, "%d") ~= nil
end

local function isFingerprinted(path)
  if ngx.re.find(path, [[\.html?$]], "joi") then return false end
  if ngx.re.find(path, [[(?:^|/)(?:_app/immutable|_next/static)/]], "jo") or hasHexHash(path) then return true end
  return ngx.re.find(path, [[(?:^|/)(?:assets|_astro|_nuxt|static/(?:css|js|media))/]], "jo") ~= nil and hasShortHash(path)
end

-- A year, without asking again, for a name that changes with its content; HTML and everything else is asked for each time.
function _M.cacheControl(path)
  return isFingerprinted(path) and "public, max-age=31536000, immutable" or "no-cache"
end

-- Whether Accept-Encoding takes a coding (RFC 9110 12.5.3): named or by `*`, and not with q=0.
function _M.accepts(field, coding)
  if not field then return false end
  local qualities = {}
  for part in gmatch(lower(field), "[^,]+") do
    part = gsub(part, "%s", "")
    local name = match(part, "^[^;]*")
    local quality = match(part, ";q=([^;]*)")
    qualities[name] = quality == nil and 1 or tonumber(quality) or 0
  end
  local quality = qualities[coding] or (coding == "gzip" and qualities["x-gzip"]) or qualities["*"] or 0
  return quality > 0
end

-- Codings for which a build may have left a compressed sibling, the denser first.
_M.precompressed = { { coding = "br", extension = ".br" }, { coding = "gzip", extension = ".gz" } }

-- A person opening an address, as against a page asking for one of its parts.
function _M.isNavigation(fields, path)
  local mode = fields["sec-fetch-mode"]
  if mode then return mode == "navigate" end
  if find(fields["accept"] or "", "text/html", 1, true) then return true end
  return not find(path, "%.[^/]*$")
end

-- Of hidden names only `/.well-known` at the top (RFC 8615) is public.
function _M.isServable(path)
  if sub(path, 1, 1) ~= "/" or find(path, "[%z\\]") then return false end
  local index = 0
  for segment in gmatch(sub(path, 2) .. "/", "([^/]*)/") do
    index = index + 1
    if sub(segment, 1, 1) == "." and not (index == 1 and segment == ".well-known") then return false end
  end
  return true
end

return _M

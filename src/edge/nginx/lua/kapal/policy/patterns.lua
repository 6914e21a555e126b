-- Patterns of paths, and what is made of what they capture: the same as src/model/path-pattern.ts, which says what is allowed. A table that
-- reaches nginx has been checked, so nothing is refused here; what does not parse matches nothing.

local byte, char, find, format, gmatch, gsub, match, sub =
  string.byte, string.char, string.find, string.format, string.gmatch, string.gsub, string.match, string.sub
local concat = table.concat

local _M = {}

local function decodeByte(digits) return char(tonumber(digits, 16)) end
local function encodeByte(octet) return format("%%%02X", byte(octet)) end

local function decode(text)
  if not find(text, "%", 1, true) then return text end
  return (gsub(text, "%%(%x%x)", decodeByte))
end

local function encode(bytes) return (gsub(bytes, "[^%w._~-]", encodeByte)) end

-- A raw path as the segments that it leads through: `segments` decoded once, `raw` as sent, `slash`: it ends with one. nil where nobody
-- should act on it: broken escapes, NUL, `..` above the root.
function _M.parts(path)
  if byte(path) ~= 0x2f or find(path, "%%%X") or find(path, "%%%x%X") or find(path, "%%%x?$") then return nil end
  if find(path, "%%00") or find(path, "%z") then return nil end
  local segments, raw, count, slash = {}, {}, 0, true
  -- With a slash behind it each part has an end: `[^/]*` alone would also find nothing between two of them.
  for part in gmatch(sub(path, 2) .. "/", "([^/]*)/") do
    local decoded = decode(part)
    slash = decoded == "" or decoded == "." or decoded == ".."
    if decoded == ".." then
      if count == 0 then return nil end
      segments[count], raw[count] = nil, nil
      count = count - 1
    elseif not slash then
      count = count + 1
      segments[count], raw[count] = decoded, part
    end
  end
  return { segments = segments, raw = raw, count = count, slash = slash }
end

-- `/docs/:page`, `/blog/*`.
function _M.source(text)
  local parts = _M.parts(text)
  if not parts then return nil end
  local pieces = {}
  for index, raw in ipairs(parts.raw) do
    if raw == "*" and index == parts.count and not parts.slash then
      return { pieces = pieces, count = index - 1, rest = true, slash = false }
    end
    local name = match(raw, "^:([%a_][%w_]*)$")
    pieces[index] = name and { name = name } or { literal = parts.segments[index] }
  end
  return { pieces = pieces, count = parts.count, rest = false, slash = parts.slash }
end

-- What the pattern captures of a path: `named` segments, `rest` with `slash`; nil where it does not match.
function _M.match(pattern, path)
  if pattern.rest then
    if path.count < pattern.count then return nil end
  elseif path.count ~= pattern.count or path.slash ~= pattern.slash then
    return nil
  end
  local named = {}
  for index, piece in ipairs(pattern.pieces) do
    local segment = path.segments[index]
    if piece.name then
      named[piece.name] = segment
    elseif piece.literal ~= segment then
      return nil
    end
  end
  local rest = {}
  for index = pattern.count + 1, path.count do rest[#rest + 1] = path.segments[index] end
  return { named = named, rest = rest, slash = path.slash and #rest > 0 }
end

-- The target without the first `count` segments of its path; the rest stays as it was sent. `query` with its `?`, or empty.
function _M.stripped(parts, count, query)
  local rest = parts.count > count
  return "/" .. (rest and concat(parts.raw, "/", count + 1) or "") .. (rest and parts.slash and "/" or "") .. query
end

-- Literals and placeholders by turns.
local function piecesOf(text)
  local pieces, at = {}, 1
  while at <= #text do
    local first, last = find(text, "[*:]", at)
    local name
    while first do
      name = sub(text, first, first) == "*" and "*" or match(text, "^[%a_][%w_]*", first + 1)
      if name then break end
      first, last = find(text, "[*:]", first + 1)
    end
    local literal = sub(text, at, (first or #text + 1) - 1)
    if literal ~= "" then pieces[#pieces + 1] = { literal = (gsub(literal, "[^\33-\126]", encodeByte)) } end
    if not first then break end
    pieces[#pieces + 1] = { name = name }
    at = name == "*" and last + 1 or first + 1 + #name
  end
  return pieces
end

-- A path, or an absolute http(s) URL.
function _M.destination(text)
  local origin = match(text, "^[hH][tT][tT][pP][sS]?://[^/?#]*") or ""
  local path, query, fragment = match(sub(text, #origin + 1), "^([^?#]*)(%??[^#]*)(#?.*)$")
  return {
    origin = string.lower(origin),
    path = piecesOf(path == "" and "/" or path),
    query = query ~= "" and piecesOf(query) or nil,
    fragment = piecesOf(fragment),
  }
end

local function put(pieces, captures)
  local text = {}
  for index, piece in ipairs(pieces) do
    if piece.literal then
      text[index] = piece.literal
    elseif piece.name ~= "*" then
      text[index] = encode(captures.named[piece.name] or "")
    else
      local rest = {}
      for place, segment in ipairs(captures.rest) do rest[place] = encode(segment) end
      text[index] = concat(rest, "/") .. (captures.slash and "/" or "")
    end
  end
  return concat(text)
end

-- `query`: the request's, with its `?`, or empty. The path never begins with `//`, whatever was captured.
function _M.expand(destination, captures, query)
  local path = gsub(put(destination.path, captures), "//+", "/")
  return destination.origin
    .. path
    .. (destination.query and put(destination.query, captures) or query)
    .. put(destination.fragment, captures)
end

return _M

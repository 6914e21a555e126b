-- What the path of a request means: the same as src/edge/embedded/http/path.ts, for both engines must route alike. nginx's own $uri is no
-- base for that: it decodes %2F, and applications use a hidden slash inside one segment.

local ffi = require("ffi")
local byte, char, find, gsub, sub, concat = string.byte, string.char, string.find, string.gsub, string.sub, table.concat

local _M = {}

local REFUSED, PLAIN, SLASH, SPECIAL, QUERY = 0, 1, 2, 3, 4

-- Visible ASCII without `#` (RFC 3986; nginx itself lets `#` and bytes above 0x7f pass).
local class = ffi.new("uint8_t[256]")
for code = 0x21, 0x7e do class[code] = PLAIN end
class[byte("#")] = REFUSED
class[byte("/")] = SLASH
class[byte("%")] = SPECIAL
class[byte("\\")] = SPECIAL
class[byte("?")] = QUERY

local text = ffi.typeof("const uint8_t *")

-- Where the query begins (or the end, plus one), and whether the path has to be decoded or resolved; nil where a byte is refused.
local function look(target)
  local bytes = ffi.cast(text, target)
  local length = #target
  local query, unusual, afterSlash = length, false, false
  for i = 0, length - 1 do
    local kind = class[bytes[i]]
    if kind == REFUSED then return nil end
    if query == length then
      if kind == QUERY then
        query = i
      elseif kind == SPECIAL or (afterSlash and (kind == SLASH or bytes[i] == 0x2e)) then
        unusual = true
      end
      afterSlash = kind == SLASH
    end
  end
  return query + 1, unusual
end

-- `//` merged, `.` and `..` resolved; nil where `..` leads above the root.
local function resolved(path)
  local segments, count = {}, 0
  local at, ending = 1, ""
  while true do
    local slash = find(path, "/", at, true)
    local segment = sub(path, at, slash and slash - 1 or -1)
    ending = segment
    if segment == ".." then
      if count == 0 then return nil end
      segments[count] = nil
      count = count - 1
    elseif segment ~= "" and segment ~= "." then
      count = count + 1
      segments[count] = segment
    end
    if not slash then break end
    at = slash + 1
  end
  local folder = count > 0 and (ending == "" or ending == "." or ending == "..")
  return "/" .. concat(segments, "/") .. (folder and "/" or "")
end

local function decodeAllButSlash(digits)
  local code = tonumber(digits, 16)
  return code ~= 0x2f and char(code) or nil
end

local function decode(digits) return char(tonumber(digits, 16)) end

-- Decoded once and resolved, so that no spelling of a path leads to another pool than its plain form; nil: answer 400.
-- `target` as the client sent it. The second value is where its query begins, or its length plus one.
function _M.routed(target)
  local query, unusual = look(target)
  if not query then return nil end
  local raw = query > #target and target or sub(target, 1, query - 1)
  if not unusual then return raw, query end
  if find(raw, "%%%X") or find(raw, "%%%x%X") or find(raw, "%%%x?$") then return nil end
  local path = gsub(raw, "%%(%x%x)", decodeAllButSlash)
  if find(path, "%z") then return nil end
  return resolved(path), query
end

-- Targets as they were sent and what they mean: popular ones are decoded once. Two generations, and none that is long,
-- so that nobody fills the memory.
local young, old, count = {}, {}, 0
local GENERATION, LONGEST = 2048, 256

-- The path of a target; nil: answer 400.
function _M.of(target)
  local path = young[target]
  if path then return path end
  path = old[target] or _M.routed(target)
  if not path or #target > LONGEST then return path end
  if count >= GENERATION then old, young, count = young, {}, 0 end
  young[target] = path
  count = count + 1
  return path
end

-- Well-formed UTF-8 of RFC 3629: neither overlong forms nor surrogates.
local utf8Form =
  [[^(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*+$]]

-- The path of a file: refused (nil) also where it is not UTF-8 or holds a backslash or a hidden slash. `raw` without the query.
function _M.file(raw)
  if not find(raw, "%", 1, true) and not find(raw, "\\", 1, true) then return resolved(raw) end
  if find(raw, "\\", 1, true) or find(raw, "%%2[fF]") or find(raw, "%%5[cC]") or find(raw, "%%00") then return nil end
  if find(raw, "%%%X") or find(raw, "%%%x%X") or find(raw, "%%%x?$") then return nil end
  local path = gsub(raw, "%%(%x%x)", decode)
  if find(path, "[\128-\255]") and not ngx.re.find(path, utf8Form, "jos") then return nil end
  return resolved(path)
end

return _M

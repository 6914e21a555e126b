-- Whether a head needs no more than that nginx sets its own fields: no control characters (nginx itself refuses NUL, CR
-- and LF), nothing to take off, nothing that frames a body or upgrades, one Host. Most heads are so; kapal.headers looks
-- at the others. What is doubtful is not plain.
local ffi = require "ffi"
local headers = require "kapal.headers"
local layout = require "kapal.layout"
local regex = require "resty.core.regex"

local C = ffi.C
local CONTROLS = headers.CONTROLS

local M = {}

-- In a head as nginx leaves it: each name and value ended by NUL. Host is left out.
local SUSPICIOUS = [[[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|[\n\0](?:]]
  .. [[x-f(?!orwarded-(?:for|host|port|prefix|proto)\0)|proxy|expect\0|content-length\0|transfer-encoding\0]]
  .. [[|connection\0[ \t]*+(?!(?:keep-alive|close)\0)|host\0)]]
local NO_MATCH = -1
-- The end of the request's line.
local LINE_END = 2

local suspicious, suspicious_flags

--- At the start of a worker: whether heads can be looked at.
function M.prepare()
  local compiled, _, flags = regex.re_match_compile(SUSPICIOUS, "ijo")
  if not compiled then ngx.log(ngx.ERR, "no request is common: ", tostring(flags)) end
  suspicious, suspicious_flags = compiled, flags
  M.ready = compiled ~= nil
end

local function is_suspicious(part, length)
  return C.ngx_http_lua_ffi_exec_regex(suspicious, suspicious_flags, part, length, 0) ~= NO_MATCH
end

--- A small head, at once: what is before the name of Host (so many bytes) and behind its value.
function M.is_short(name, before, behind, after)
  if is_suspicious(behind, after) then return false end
  -- Most clients send Host first, so that nothing but the end of the line is before it.
  return before <= LINE_END or not is_suspicious(name - before, before)
end

local function is_connection(value, length)
  if length == 10 then return C.strncasecmp(value, "keep-alive", 10) == 0 end
  return length == 5 and C.strncasecmp(value, "close", 5) == 0
end

local PLAIN, HOST, OTHER = 0, 1, 2

-- By the length of a name and some of its letters: more names than are meant may look alike.
local function kind_of(name, length, value, size)
  local first = name[0]
  if first == 0x78 then -- x-forwarded-
    if length >= 12 and name[2] == 0x66 then return OTHER end
  elseif first == 0x70 then -- proxy
    if length >= 5 and name[1] == 0x72 and name[3] == 0x78 then return OTHER end
  elseif first == 0x68 then -- host
    if length == 4 and name[1] == 0x6f and name[2] == 0x73 then return HOST end
  elseif first == 0x63 then -- connection, content-length
    if length == 14 then return OTHER end
    if length == 10 and name[3] == 0x6e and not is_connection(value, size) then return OTHER end
  elseif first == 0x74 then -- transfer-encoding
    if length == 17 then return OTHER end
  elseif first == 0x65 then -- expect
    if length == 6 then return OTHER end
  end
  return PLAIN
end

local function look(fields, index)
  local name, length, value, size = layout.field(fields, index)
  -- A byte of 0 ends what nginx holds.
  if C.strcspn(value, CONTROLS) ~= size then return OTHER end
  return kind_of(name, length, value, size)
end

--- A larger one, field by field: an expression looks at each byte several times.
function M.is_long(fields, count)
  if not fields then return false end
  local hosts, plain = 0, true
  for index = 0, count - 1 do
    local kind = look(fields, index)
    if kind == HOST then
      hosts = hosts + 1
    elseif kind == OTHER then
      plain = false
    end
  end
  return plain and hosts == 1
end

return M

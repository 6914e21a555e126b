-- Whether a head needs no more than that nginx sets its own fields: no control characters (nginx itself refuses NUL, CR
-- and LF), nothing to take off, nothing that frames a body or upgrades, one Host. Most heads are so; kapal.headers looks
-- at the others. What is doubtful is not plain.
local ffi = require "ffi"
local regex = require "resty.core.regex"

local C = ffi.C

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

return M

-- An answer that does not begin like HTTP is taken by nginx for one of HTTP/0.9: no head, and its bytes go to the
-- client as they are. It marks such a request by giving it that version, and then writes no head for any other answer
-- either: the page that takes its place has to bring its own.
local base = require "resty.core.base"
local ffi = require "ffi"
local layout = require "kapal.layout"

local get_request, cast = base.get_request, ffi.cast
local concat, format = table.concat, string.format
local words = ffi.typeof "int64_t *"
local uintptr = ffi.typeof "uintptr_t"

local M = {}

-- As nginx writes versions.
local OLD = 9

--- Whether the answer whose head is at hand is none.
function M.is_malformed()
  local version_at = layout.version_at
  if version_at then return cast(words, get_request())[version_at] == OLD end
  return ngx.req.http_version() == 0.9
end

-- Where the status of the answer stands in nginx's request: a word before the version that is 0 when an endpoint is
-- chosen and the status when the request ends. False: no such word.
local status_at
local candidates

local function keep(request, wanted)
  local kept, from = {}, candidates
  local bytes = cast(words, request)
  for _, index in ipairs(from) do
    if bytes[index] == wanted then kept[#kept + 1] = index end
  end
  candidates = kept
  if #kept == 0 then status_at = false end
end

--- Learns where heads show, from a request whose endpoint is being chosen (`status` 0) or that has been answered by it.
function M.learn_heads(status)
  local version_at = layout.version_at
  if status_at ~= nil or not version_at then return end
  if not candidates then
    if status ~= 0 then return end
    candidates = {}
    for index = 0, version_at - 1 do candidates[#candidates + 1] = index end
  end
  keep(get_request(), status)
  if status > 0 and #candidates == 1 then status_at = candidates[1] end
end

--- Whether it is known where heads show.
function M.knows_heads()
  return status_at
end

-- nginx's own, for a client that left.
local CLIENT_GONE = 499

--- Whether a request that goes on, or whose client left, has got the head of its answer, by its address; only where that
--- is known.
function M.has_head(address)
  local status = cast(words, cast(uintptr, address))[status_at]
  return status ~= 0 and status ~= CLIENT_GONE
end

--- The head for a page instead of such an answer, as bytes; nil for a client of HTTP/2, to which nginx writes heads
--- whatever the version. `fields`: names and values in turn; `id`: of the request.
function M.head(status, reason, fields, id)
  local protocol = ngx.var.server_protocol
  if protocol == "HTTP/2.0" then return nil end
  local lines = { format("HTTP/1.1 %d %s", status, reason) }
  for i = 1, #fields, 2 do lines[#lines + 1] = fields[i] .. ": " .. fields[i + 1] end
  lines[#lines + 1] = "Cache-Control: no-store"
  lines[#lines + 1] = "X-Request-Id: " .. id
  -- nginx writes no more to a connection on which it gave up an answer in a filter.
  lines[#lines + 1] = "Connection: close\r\n\r\n"
  return concat(lines, "\r\n")
end

return M

-- An answer that does not begin like HTTP is taken by nginx for one of HTTP/0.9: no head, and its bytes go to the
-- client as they are. It marks such a request by giving it that version, and then writes no head for any other answer
-- either: the page that takes its place has to bring its own. Lua can ask for the version, but slowly; so where it
-- stands is learnt: behind the number of the method and before the length and place of the request line, from a request
-- of which all four are known.
local base = require "resty.core.base"
local ffi = require "ffi"
local memory = require "kapal.memory"

local get_request, cast = base.get_request, ffi.cast
local concat, format = table.concat, string.format
local words = ffi.typeof "uint64_t *"
local uintptr = ffi.typeof "uintptr_t"

ffi.cdef "int ngx_http_lua_ffi_req_get_method(ngx_http_request_t *r);"

local M = {}

-- As nginx writes versions.
local OLD = 9
local VERSIONS = { ["HTTP/1.0"] = 1000, ["HTTP/1.1"] = 1001, ["HTTP/2.0"] = 2000 }
-- Words of a request that are looked at; it has some 160.
local MOST_WORDS = 160

local version_at
local learnt = false

local function matches(at, method, version, line)
  if memory.read(at, 8) ~= method or memory.read(at + 8, 8) ~= version then return false end
  if memory.read(at + 16, 8) ~= #line then return false end
  local text = memory.read(at + 24, 8)
  return text ~= nil and memory.text(text, #line) == line
end

local function search()
  local request = get_request()
  local line, version = ngx.var.request, VERSIONS[ngx.var.server_protocol]
  if not line or #line > 1024 or not version or version == 2000 then return false end
  local method, start = ffi.C.ngx_http_lua_ffi_req_get_method(request), tonumber(cast(uintptr, request))
  for index = 0, MOST_WORDS do
    if matches(start + index * 8, method, version, line) then
      version_at = index + 1
      return true
    end
  end
  return true
end

--- Looks where the version stands, once in each worker; in the access phase.
function M.learn()
  if not learnt then learnt = search() end
end

--- Whether the answer whose head is at hand is none.
function M.is_malformed()
  if version_at then return cast(words, get_request())[version_at] == OLD end
  return ngx.req.http_version() == 0.9
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

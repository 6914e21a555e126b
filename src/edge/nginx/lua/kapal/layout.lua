-- Where things stand in nginx's own request, for what is asked of every request: by its interfaces nginx makes a copy of
-- each, under a name that it hashes and looks up, which together is more work than all else that is done for a common
-- request. Nothing is trusted: a place counts only when it held, in requests of this worker, what the interfaces said.
-- Where one does not hold, no request is common, and all are looked at by the interfaces alone.
--
-- Words of 8 bytes, of ngx_http_request_t: the buffer of the head is the 13th and Host the 21st on all builds with the
-- cache or --with-compat since 1.9; the version is searched for, and the line of the request and the
-- target stand at a distance behind it.
local base = require "resty.core.base"
local ffi = require "ffi"
local memory = require "kapal.memory"

local cast, tonumber, text = ffi.cast, tonumber, ffi.string
local get_request = base.get_request
local words, bytes = ffi.typeof "int64_t *", ffi.typeof "const uint8_t *"
local uintptr = ffi.typeof "uintptr_t"

ffi.cdef "int ngx_http_lua_ffi_req_get_method(ngx_http_request_t *r);"

local M = {}

local HEAD_BUFFER, HOST = 12, 20
-- Of the buffer: how far it has been read, and where it begins and ends. Of a field: its name and its value.
local POSITION, BEGIN, END = 0, 4, 5
local NAME, VALUE = 1, 3
-- Behind the version: length and place of the request's line and of the target.
local LINE, TARGET = 1, 9

-- As nginx writes versions.
local VERSIONS = { ["HTTP/1.0"] = 1000, ["HTTP/1.1"] = 1001, ["HTTP/2.0"] = 2000 }
-- Words that are searched; a request has some 160.
local MOST_WORDS = 160

local function read(at)
  return memory.read(at, 8)
end

local function is_text(at, wanted)
  local place = read(at + 8)
  return read(at) == #wanted and place ~= nil and memory.text(place, #wanted) == wanted
end

-- The version stands between the number of the method and the line of the request: all three are known.
local function find_version(start, line, version)
  local method = ffi.C.ngx_http_lua_ffi_req_get_method(get_request())
  for index = 1, MOST_WORDS do
    local at = start + index * 8
    if read(at - 8) == method and read(at) == version and is_text(at + 8, line) then return index end
  end
  return nil
end

local function holds(start, line, version_at)
  local var = ngx.var
  local after = start + version_at * 8
  if not is_text(after + TARGET * 8, var.request_uri) then return false end
  local host = read(start + HOST * 8)
  if not host or host == 0 or not is_text(host + VALUE * 8, var.http_host or "") then return false end
  local name = read(host + NAME * 8 + 8)
  if read(host + NAME * 8) ~= 4 or not name or string.lower(memory.text(name, 4) or "") ~= "host" then return false end
  local buffer = read(start + HEAD_BUFFER * 8)
  local place = read(after + LINE * 8 + 8)
  local from, to = buffer and read(buffer + BEGIN * 8), buffer and read(buffer + END * 8)
  local position = buffer and read(buffer + POSITION * 8)
  if not (place and from and to and position) then return false end
  return from <= place and place + #line < position and position <= to
end

-- In which it held; several, for one could be chance.
local ENOUGH = 3
local seen, failed = 0, false

--- Where the version stands; nil where that is not known.
M.version_at = nil
--- Whether all places are known.
M.known = false

--- Looks at one more request, until enough have been seen; in the access phase, after its head was found sound.
function M.learn()
  if M.known or failed then return end
  local var = ngx.var
  local line, version = var.request, VERSIONS[var.server_protocol]
  if not line or #line > 1024 or not version or version == 2000 then return end
  local start = tonumber(cast(uintptr, get_request()))
  local version_at = find_version(start, line, version)
  if not version_at or M.version_at and M.version_at ~= version_at then
    failed = true
    return
  end
  M.version_at = version_at
  -- A head in several buffers says nothing.
  if not holds(start, line, version_at) then return end
  seen = seen + 1
  M.known = seen >= ENOUGH
end

--- A head in several buffers.
M.APART = 2 ^ 31

--- Only where all is known, of a request as resty.core gives it: target and Host as they were sent, and the head before
--- Host (its end, and how many bytes) and behind it (its beginning, and how many: APART where it is not in one piece). Of
--- what nginx has read it ends names and values with NUL. Nil where the target is no path, or the head has no Host.
function M.head(this)
  local request = cast(words, this)
  local at = M.version_at
  local place = request[at + LINE + 1]
  local line = cast(bytes, place)
  -- GET and HEAD are all that comes here.
  if line[4] ~= 0x2f and line[5] ~= 0x2f then return nil end
  local field = request[HOST]
  if field == 0 then return nil end
  local host, buffer = cast(words, field), cast(words, request[HEAD_BUFFER])
  local value, size = host[VALUE + 1], tonumber(host[VALUE])
  local before = tonumber(host[NAME + 1] - place - request[at + LINE])
  local position = buffer[POSITION]
  local after = tonumber(position - value) - size
  if place < buffer[BEGIN] or place > position or before < 0 or after < 0 then before, after = 0, M.APART end
  local target = text(cast(bytes, request[at + TARGET + 1]), tonumber(request[at + TARGET]))
  local name = text(cast(bytes, value), size)
  return target, name, cast(bytes, host[NAME + 1]), before, cast(bytes, value) + size, after
end

return M

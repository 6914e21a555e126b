-- The one table of a request. ngx.ctx is emptied by internal redirects (ngx.exec, error_page), so it is kept by the
-- address of nginx's own request, which stays the same from the first phase to the log. Tables are used again: the hot
-- path leaves no garbage.
local base = require "resty.core.base"
local ffi = require "ffi"
local clear = require "table.clear"

local cast, tonumber = ffi.cast, tonumber
local uintptr = ffi.typeof "uintptr_t"
local get_request = base.get_request

local M = {}

-- nginx uses the same addresses again and again. One that is free stays in the table, as false: a table of Lua whose
-- keys come and go is built anew every few requests.
local live, known = {}, 0
local MOST_KNOWN = 16384
local spare, spares = {}, 0
local MOST_SPARE = 1024

--- All requests of this worker that have been routed and not ended, by address; false at addresses that are free.
M.live = live

--- The key of a request (as resty.core.base gives it) in `live`.
function M.key_of(request)
  return tonumber(cast(uintptr, request))
end

local function address()
  return M.key_of(get_request())
end

-- One more address; too many are forgotten, the table staying the same one.
local function learn()
  known = known + 1
  if known <= MOST_KNOWN then return end
  known = 1
  for key, ctx in pairs(live) do
    if ctx then known = known + 1 else live[key] = nil end
  end
end

--- Keeps a request's table under its key.
function M.enter(key, ctx)
  ctx.address = key
  if live[key] == nil then learn() end
  live[key] = ctx
  return ctx
end

--- Begins the request's table; called once, in the access phase. After an internal redirect the table that is there is
--- given back; that of a common request only to whom it may concern (kapal.common).
function M.begin()
  local key = address()
  local ctx = live[key]
  if ctx and not ctx.quick then return ctx, nil end
  local spared = spare[spares]
  if spared then spares = spares - 1 end
  return M.enter(key, spared or {}), ctx or nil
end

--- The request's table in any phase of one that is looked at closely, or nil: its head was refused before it could be
--- routed.
function M.current()
  local ctx = live[address()]
  return ctx and not ctx.quick and ctx or nil
end

local hsts_fields = {}

--- Strict-Transport-Security for so many seconds.
function M.hsts(seconds)
  local text = hsts_fields[seconds]
  if not text then
    text = string.format("max-age=%d", seconds)
    hsts_fields[seconds] = text
  end
  return text
end

-- Seconds after which those who were refused may come again: not all at once.
local LONGEST_RETRY = 3

--- The field that tells one who is refused because of overload when to come again.
function M.later()
  return { ["Retry-After"] = tostring(math.random(LONGEST_RETRY)) }
end

--- Whether the answer with this status came from the endpoint, and is not the edge's own page about it.
function M.is_upstreams(status)
  if status < 400 then return true end
  local times = ngx.var.upstream_header_time
  return times ~= nil and string.sub(times, -1) ~= "-"
end

--- Ends it; called once, in the log phase. Nobody may hold the table afterwards. A plain request (`ctx.common`: not more
--- than the fields that every such request sets again) leaves its fields as they are: to clear and to make a dozen of
--- them anew would cost more than all else that is done with them.
function M.finish(ctx)
  live[ctx.address] = false
  if not ctx.common then clear(ctx) end
  if spares < MOST_SPARE then
    spares = spares + 1
    spare[spares] = ctx
  end
end

return M

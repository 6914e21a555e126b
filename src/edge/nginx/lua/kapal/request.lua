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

local live = {}
local spare, spares = {}, 0
local MOST_SPARE = 1024

--- All requests of this worker that have been routed and not ended, by address.
M.live = live

local function address()
  return tonumber(cast(uintptr, get_request()))
end

--- Begins the request's table; called once, in the access phase. After an internal redirect the table that is there is
--- given back.
function M.begin()
  local key = address()
  local ctx = live[key]
  if ctx then return ctx, true end
  if spares > 0 then
    ctx = spare[spares]
    spares = spares - 1
  else
    ctx = {}
  end
  ctx.address = key
  live[key] = ctx
  return ctx, false
end

--- The request's table in any phase, or nil: its head was refused before it could be routed.
function M.current()
  return live[address()]
end

--- Ends it; called once, in the log phase. Nobody may hold the table afterwards. A common request (`ctx.common`: not
--- more than the fields that every such request sets again) leaves its fields as they are: to clear and to make a dozen
--- of them anew would cost more than all else that is done with them.
function M.finish(ctx)
  live[ctx.address] = nil
  if not ctx.common then clear(ctx) end
  if spares < MOST_SPARE then
    spares = spares + 1
    spare[spares] = ctx
  end
end

return M

-- What no request does by itself, ten times a second in each worker: waits that have lasted too long are ended,
-- endpoints that fell silent are noticed, and requests that wait at an endpoint which is down are sent elsewhere.
local budget = require "kapal.budget"
local common = require "kapal.common"
local endpoints = require "kapal.endpoint"
local first = require "kapal.first"
local framing = require "kapal.framing"
local gates = require "kapal.gate"
local pools = require "kapal.pool"
local request = require "kapal.request"
local retry = require "kapal.retry"
local socket = require "kapal.socket"

local clear = require "table.clear"

local M = {}

local live = request.live

local function cut(ctx, why)
  local fd = socket.of(ctx.address, ctx.endpoint)
  if not fd or not socket.cut(fd) then return false end
  ctx.cut = why
  ctx.common = false
  -- For the page, where the request is not repeated: to nginx the endpoint has gone.
  if why == "timeout" then ctx.status = 504 end
  return true
end

-- Whether another endpoint, one that is not down, could take what waits at this one.
local function is_other_up(ctx)
  for _, member in ipairs(ctx.run.members) do
    local endpoint = member.endpoint
    local tried = endpoint == ctx.endpoint or endpoint == ctx.tried1 or endpoint == ctx.tried2
    if not member.down and not tried then return true end
  end
  return false
end

local function rescue(ctx, now)
  if not ctx.idempotent or ctx.streamed or ctx.attempts >= retry.MOST_ATTEMPTS then return end
  if not is_other_up(ctx) or not budget.allows(ctx.run.budget, ctx.run.requests) then return end
  if cut(ctx, "rescue") then budget.take(ctx.run.budget) end
end

local function is_down(ctx)
  for _, member in ipairs(ctx.run.members) do
    if member.endpoint == ctx.endpoint then return member.down end
  end
  return false
end

-- nginx has one time-out for reading; where the pool's time of silence is the shorter one it is watched here, once the
-- head has come.
local function is_silent(ctx)
  local most = ctx.run.idle_timeout
  if not most then return false end
  local fd = socket.of(ctx.address, ctx.endpoint)
  local received, sent = nil, nil
  if fd then received, sent = socket.silence(fd) end
  return received ~= nil and math.min(received, sent) >= most
end

local function look(ctx, now)
  if ctx.cut then return end
  if not ctx.waiting then
    if is_silent(ctx) then cut(ctx, "silence") end
  elseif now - ctx.asked >= ctx.run.response_timeout then
    cut(ctx, "timeout")
  elseif is_down(ctx) then
    rescue(ctx, now)
  end
end

-- The time of the last byte that came from an endpoint to any request: an answer that takes long to write may keep it
-- busy.
local function last_byte(endpoint)
  local last
  local now = ngx.now()
  for _, ctx in pairs(live) do
    if ctx and ctx.endpoint == endpoint and not ctx.waiting then
      local fd = socket.of(ctx.address, endpoint)
      local received = fd and socket.silence(fd)
      if received and (not last or now - received > last) then last = now - received end
    end
  end
  return last
end

-- Of common requests nobody says when the head of the answer has come: it is found here, and was not there the last time.
local function settle(ctx, now)
  if not (ctx.quick and ctx.waiting and ctx.endpoint) then return end
  if framing.has_head(ctx.address) then
    endpoints.heard(ctx.endpoint, now)
    gates.answered(ctx.endpoint.gate, ctx.was_silent and ctx.was_silent - ctx.asked or 0)
    ctx.waiting = false
  else
    ctx.was_silent = now
  end
end

-- Who waits, and since when, by endpoint; kept from one look to the next.
local begins, counts = {}, {}

local function weigh(now)
  clear(begins)
  clear(counts)
  for _, ctx in pairs(live) do
    local endpoint = ctx and ctx.waiting and not ctx.upload and ctx.endpoint
    if endpoint then
      begins[endpoint] = (begins[endpoint] or 0) + ctx.asked
      counts[endpoint] = (counts[endpoint] or 0) + 1
    end
  end
  endpoints.weigh(now, begins, counts)
end

--- One look at everything.
function M.tick(now)
  pools.renew_all(now)
  common.collect()
  first.prepare()
  for _, ctx in pairs(live) do
    if ctx then settle(ctx, now) end
  end
  weigh(now)
  endpoints.watch(now, last_byte)
  for _, ctx in pairs(live) do
    if ctx and ctx.endpoint then look(ctx, now) end
  end
end

return M

-- Whether a request whose try has failed is sent again, and what the failure says about the endpoint.
local budget = require "kapal.budget"
local endpoints = require "kapal.endpoint"
local gates = require "kapal.gate"
local health = require "kapal.health"
local place = require "kapal.place"
local pools = require "kapal.pool"
local route = require "kapal.find"
local secure = require "kapal.secure"
local state = require "kapal.state"

local match = string.match

local M = {}

-- The first and two repeats.
local MOST_ATTEMPTS = 3
M.MOST_ATTEMPTS = MOST_ATTEMPTS

-- RFC 9110 9.2.2. What nginx itself holds for idempotent is more (PROPFIND, methods that it does not know).
local IDEMPOTENT = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true, DELETE = true }

--- Whether the method's effect is the same when it is repeated.
function M.idempotent(method)
  return IDEMPOTENT[method] == true
end

-- Of a variable that lists all tries, and in the balancer the next one, still without an address, behind ` : `.
local function of_last_try(list)
  return tonumber(match(list or "", "(%d+)%D*$"))
end

--- Bytes that the last try sent to its endpoint.
function M.bytes_sent()
  return of_last_try(ngx.var.upstream_bytes_sent) or 0
end

--- The status that nginx gives the last try.
function M.last_status()
  return of_last_try(ngx.var.upstream_status)
end

--- Counts a failed try against its endpoint and lets go of it. `sent`: bytes that went out; none means that it did not
--- take the connection. `late`: not in time, where it did not refuse it.
function M.blame(ctx, now, sent, late)
  local endpoint = ctx.endpoint
  endpoints.distrust(endpoint)
  -- One that is asked for too much does not take every connection; who is sent elsewhere would be too much there.
  if ctx.cut == "rescue" or late and sent == 0 and endpoints.is_overloaded(endpoint, now) then
    health.undecided(endpoint)
  elseif health.failed(endpoint, now, sent == 0) then
    ctx.run.ejections = ctx.run.ejections + 1
  end
  M.release(ctx)
end

--- The request is no more at its endpoint.
function M.release(ctx)
  local endpoint = ctx.endpoint
  endpoints.leave(endpoint, ctx.waiting)
  if ctx.upload then
    endpoint.uploads = endpoint.uploads - 1
  elseif ctx.waiting then
    gates.left(endpoint.gate)
  end
  ctx.upload = false
  ctx.waiting = false
  ctx.endpoint = nil
  if ctx.place then place.give_back(ctx) end
end

-- A deploy may have replaced the pool while the request was under way: then its route is looked up again. Nil: there is
-- none.
local function present_pool(ctx)
  state.refresh()
  local run = pools.get(ctx.run.id)
  if run then return run end
  local found = route.find(ctx.name, ctx.path)
  return found and pools.get(found.pool)
end

--- Whether there is another to ask. The only endpoint is asked once more; but not when nobody listens there.
function M.has_other(run, ctx, sent)
  local members = run.members
  if #members == 1 and members[1].endpoint == ctx.endpoint then return ctx.attempts < 2 and sent > 0 end
  for i = 1, #members do
    local endpoint = members[i].endpoint
    if endpoint ~= ctx.endpoint and endpoint ~= ctx.tried1 and endpoint ~= ctx.tried2 then return true end
  end
  return false
end

local function may_repeat(ctx, run, sent)
  if ctx.attempts >= MOST_ATTEMPTS then return false end
  if sent > 0 and (not ctx.idempotent or ctx.streamed) then return false end
  if not run or run.config.kind ~= "proxy" or not M.has_other(run, ctx, sent) then return false end
  -- How nginx speaks to the next one has been settled.
  if run.config ~= ctx.pool and not secure.is_same(ctx.pool.tls, run.config.tls) then return false end
  if ctx.cut == "rescue" then return true end
  if not budget.allows(run.budget, run.requests) then return false end
  budget.take(run.budget)
  return true
end

--- A try has failed with `code` (502, 504) after `sent` bytes: true when the request goes on, with the pool of the
--- present table; else `ctx.status` is what the client gets.
function M.go_on(ctx, now, code, sent)
  local run = present_pool(ctx)
  local again = may_repeat(ctx, run, sent)
  if ctx.tried1 then ctx.tried2 = ctx.endpoint else ctx.tried1 = ctx.endpoint end
  ctx.common = false
  local late = code == 504 or ctx.cut == "timeout"
  if code == 504 and sent == 0 then gates.untaken(ctx.endpoint.gate) end
  M.blame(ctx, now, sent, late)
  ctx.cut = nil
  if not again then
    ctx.status = late and 504 or 502
    return false
  end
  ctx.status = nil
  run.retries = run.retries + 1
  ctx.run, ctx.pool = run, run.config
  return true
end

return M

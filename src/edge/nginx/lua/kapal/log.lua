-- log_by_lua: the request is over.
local endpoints = require "kapal.endpoint"
local framing = require "kapal.framing"
local health = require "kapal.health"
local report = require "kapal.report"
local request = require "kapal.request"
local retry = require "kapal.retry"

local ngx_now, var = ngx.now, ngx.var
local current, finish, finish_common = request.current, request.finish, request.finish_common
local is_upstreams = request.is_upstreams

local M = {}

-- nginx's own status for a client that left.
local CLIENT_GONE = 499

-- Of a common request nobody was told that the head of its answer went out. Where it was none, the next requests of the
-- pool are looked at closely again.
local function settle(ctx, status)
  if framing.is_malformed() then
    ctx.endpoint.proven, ctx.run.proven = false, false
    return
  end
  local has_head = status < 500 or is_upstreams(status)
  if status == CLIENT_GONE then has_head = framing.has_head(ctx.address) end
  if has_head then
    endpoints.heard(ctx.endpoint, ngx_now())
    ctx.waiting = false
  end
end

local function leave_endpoint(ctx, status)
  local endpoint = ctx.endpoint
  if ctx.quick and ctx.waiting then settle(ctx, status) end
  if not ctx.waiting then
    if not framing.knows_heads() then framing.learn_heads(status) end
    health.succeeded(endpoint)
    return retry.release(ctx)
  end
  -- No head came, and nothing was tried after it.
  if status == CLIENT_GONE then
    health.undecided(endpoint)
    return retry.release(ctx)
  end
  return retry.blame(ctx, ngx_now(), retry.bytes_sent())
end

-- For the access log (src/edge/nginx/config/access-log.ts).
local function tell(ctx)
  local config, member = ctx.pool, ctx.member
  if not config then return end
  if not member then
    var.to = config.service .. " " .. config.id
  elseif ctx.attempts == 1 then
    var.to = member.told
  else
    var.to = member.told .. " " .. ctx.attempts
  end
end

local function count(run, status)
  local class = (status - status % 100) / 100
  if run.responses[class] then run.responses[class] = run.responses[class] + 1 end
end

local function done(ctx, status)
  local run = ctx.run
  if run then
    count(run, status)
    if ctx.endpoint then leave_endpoint(ctx, status) end
    if ctx.preset then require("kapal.place").give_back(ctx) end
  end
  if ctx.block then require("kapal.secure").give_back(ctx.block, ngx_now()) end
  if ctx.held then require("kapal.policy.chain").done(ctx) end
  if ctx.file then require("kapal.static").done(ctx) end
  tell(ctx)
  finish(ctx)
end

-- A common request that stayed one, with an answer: of whose it is was told when it was sent.
local function done_common(ctx, status)
  count(ctx.run, status)
  local endpoint = ctx.endpoint
  if ctx.waiting then endpoints.heard(endpoint, ngx_now()) end
  health.succeeded(endpoint)
  endpoints.leave(endpoint, false)
  finish_common(ctx)
end

--- Counts the request, takes it off its endpoint, and forgets it.
function M.done()
  local ctx = current()
  if not ctx then return end
  local status = ngx.status
  if ctx.quick and ctx.common and status < CLIENT_GONE and not framing.is_malformed() and not ctx.place then
    done_common(ctx, status)
  else
    done(ctx, status)
  end
  if ngx.worker.exiting() then report.answer() end
end

return M
